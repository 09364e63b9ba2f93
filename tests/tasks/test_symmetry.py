"""Symmetries: parsing, agreement with the tasks, and training on images."""

from __future__ import annotations

import msgpack
import numpy as np
import pytest
import torch
from gym_pusht.envs.pusht import PushTEnv
from hypothesis import given
from hypothesis import strategies as st
from shared_tasks import shared_task

from hitl_clic.clic.buffer import StoredPair
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy
from hitl_clic.clic.settings import ClicSettings, EnergySettings, NegativeSettings
from hitl_clic.clic.trainer import ChunkTrainer
from hitl_clic.tasks import make_task, make_teacher, task_names
from hitl_clic.tasks.contract import check_symmetries
from hitl_clic.tasks.line.line_following import LineFollowing
from hitl_clic.tasks.pusht.state import MIRROR, PushTState, features
from hitl_clic.types.symmetry import Symmetry, from_text, to_text

TURN = Symmetry(state="-1 +0 1-2", action="-1 +0")


def test_terms_select_sign_and_index() -> None:
    assert TURN.of_state(np.array([[2, 3, 0.25]], np.float32)).tolist() == [[-3, 2, 0.75]]
    assert TURN.of_action(np.array([[2, 3], [4, 5]], np.float32)).tolist() == [[-3, 2], [-5, 4]]
    assert TURN.of_mask(np.array([1, 0], np.float32)).tolist() == [0, 1]


@pytest.mark.parametrize("wrong", ["", "+0 +0", "+0 +2", "0 1", "+0 -x", "1.+0", "+0, +1"])
def test_malformed_text_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="symmetry"):
        Symmetry(state=wrong, action="+0")
    with pytest.raises(ValueError, match="symmetr"):
        from_text(wrong + " > +0 > +1")


def test_an_action_has_no_constants() -> None:
    with pytest.raises(ValueError, match="constants"):
        Symmetry(state="+0", action="1-0")


@st.composite
def symmetries(draw: st.DrawFn) -> Symmetry:
    def terms(size: int, constants: bool) -> str:
        order = draw(st.permutations(range(size)))
        return " ".join(
            f"{draw(st.sampled_from(['', '1', '0.5'])) if constants else ''}{draw(st.sampled_from('+-'))}{i}"
            for i in order
        )

    return Symmetry(terms(draw(st.integers(1, 12)), True), terms(draw(st.integers(1, 6)), False))


@given(st.lists(symmetries(), max_size=4))
def test_text_round_trip(some: list[Symmetry]) -> None:
    assert from_text(to_text(tuple(some))) == tuple(some)


@pytest.mark.parametrize("name", task_names())
def test_contract(name: str) -> None:
    check_symmetries(lambda: shared_task(name), lambda: make_teacher(name))


def test_flat_tasks_have_symmetries() -> None:
    assert make_task("push_t").symmetries
    assert len(make_task("line_following").symmetries) == 7


def test_push_t_physics_respects_the_mirror() -> None:
    """One simulator starts at the image of the other's state; both push the T, one with the image actions."""
    rng = np.random.default_rng(0)
    moved = 0.0
    for _ in range(10):
        x, y, bx, by, angle = (*rng.uniform(100, 400, 2), *rng.uniform(180, 330, 2), rng.uniform(-3, 3))
        worlds = (PushTEnv(obs_type="state"), PushTEnv(obs_type="state"))
        starts = ((x, y, bx, by, angle), (512 - y, 512 - x, 512 - by, 512 - bx, np.pi / 2 - angle))
        for world, start in zip(worlds, starts, strict=True):
            world.reset(seed=0)
            world.agent.position = start[:2]
            world.block.angle = start[4]
            world.block.position = start[2:4]  # last: a rotation moves the body's origin
            world.space.reindex_shapes_for_body(world.block)
        target = np.array([bx, by])
        first = None
        for _ in range(25):
            infos = [
                world.step(at.astype(np.float64))[-1]
                for world, at in zip(worlds, (target, 512 - target[::-1]), strict=True)
            ]
            here, there = (features(PushTState(*i["pos_agent"].tolist(), *i["block_pose"].tolist())) for i in infos)
            seen = MIRROR.of_state(np.concatenate([here, here]))
            assert np.allclose(seen, np.concatenate([there, there]), atol=2e-3)
            first = here if first is None else first
        moved = max(moved, float(np.abs(here - first)[4:8].max()))
    assert moved > 0.02  # the T was pushed, so contacts were tested


def test_line_following_respects_its_symmetries() -> None:
    task, image = LineFollowing(), LineFollowing()
    rng = np.random.default_rng(1)
    for symmetry in LineFollowing.symmetries:
        task.reset(seed=3)
        image.reset(seed=3)
        state = task._state  # the image is turned about the end of its line
        assert state is not None
        end = np.array(state.end)

        def turned(point: tuple[float, float], end: np.ndarray = end, symmetry: Symmetry = symmetry) -> list[float]:
            return [float(v) for v in end + symmetry.of_action((np.array(point) - end).astype(np.float32))]

        moved = [*turned(state.start), *state.end, *turned(state.hand)]
        image.restore(msgpack.packb({**msgpack.unpackb(task.snapshot()), "state": moved}))
        for _ in range(50):
            action = rng.uniform(-1, 1, 2).astype(np.float32)
            here, there = task.step(action), image.step(symmetry.of_action(action))
            assert np.allclose(symmetry.of_state(here[0]), there[0], atol=1e-4)
            assert here[1:4] == there[1:4]


METHOD = ClicSettings(
    network=EnergySettings(kind="film", hidden=(48, 48), trunk=(48, 48), modes=0, standardise=True),
    negatives=NegativeSettings(start="proposals", samples=32, steps=1),
    batch=16,
    min_pairs=8,
    learning_rate=3e-3,
)


def trainer(some: tuple[Symmetry, ...]) -> ChunkTrainer:
    return ChunkTrainer(3, 2, 2, METHOD, 0, some)


def test_symmetries_of_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 1\).*\(3, 2\)"):
        trainer((Symmetry("+0 +1", "+0"),))


def test_a_batch_holds_as_many_images_as_pairs() -> None:
    made = trainer((TURN,))
    rng = np.random.default_rng(4)
    pairs = []
    for number in range(400):
        state, robot, human = (rng.uniform(-1, 1, size).astype(np.float32) for size in ((3,), (2, 2), (2, 2)))
        mask = np.array([[1, 0], [1, 1]], np.float32)
        pairs.append(StoredPair(number, False, state, robot, human, mask))
    batch = made._batch(pairs)
    images = 0
    for row, pair in enumerate(pairs):
        found = [tensor[row].numpy() for tensor in (batch.state, batch.robot, batch.human, batch.mask)]
        itself = [pair.state, pair.robot.ravel(), pair.human.ravel(), pair.mask.ravel()]
        image = [
            TURN.of_state(pair.state),
            TURN.of_action(pair.robot).ravel(),
            TURN.of_action(pair.human).ravel(),
            TURN.of_mask(pair.mask).ravel(),
        ]
        is_image = all(np.array_equal(f, i) for f, i in zip(found, image, strict=True))
        assert is_image or all(np.array_equal(f, i) for f, i in zip(found, itself, strict=True))
        images += is_image
    assert 150 < images < 250


def test_bank_and_standardisation_include_images() -> None:
    made = trainer((TURN,))
    for number in range(32):
        chunk = np.full((2, 2), 0.5, np.float32)
        made.add(number, "absolute", np.array([1, 0, 0], np.float32), -chunk, chunk, np.ones((2, 2), np.float32))
    made.update()
    assert made.network.shift.tolist() == [0.5, 0.5, 0.5]  # half of the states are (1, 0, 0), half (0, 1, 1)
    human_chunks = made.weights()["human_chunks"].reshape(-1, 2)
    assert {tuple(row) for row in human_chunks.tolist()} == {(0.5, 0.5), (-0.5, 0.5)}


def test_training_on_one_side_transfers_to_its_image() -> None:
    """Only states with s0 > 0 are taught; the test uses their images, s0 < 0."""
    mirror = Symmetry(state="-0 +1 +2", action="-0 +1")
    rng = np.random.default_rng(0)
    errors = []
    for some in ((mirror,), ()):
        made = trainer(some)
        for number in range(200):
            state = np.array([rng.uniform(0.2, 1), *rng.uniform(-1, 1, 2)], np.float32)
            human = np.array([[0.8 * state[0], 0.5 * state[1]]] * 2, np.float32)
            robot = rng.uniform(-1, 1, (2, 2)).astype(np.float32)
            made.add(number, "absolute", state, robot, human, np.ones((2, 2), np.float32))
        for _ in range(150):
            made.update()

        policy = EnergyPolicy(made.weights(), 3, ChunkShape(2, 2), METHOD, torch.Generator().manual_seed(0))
        unseen = [np.array([-x, y, z], np.float32) for x, y, z in rng.uniform([0.4, -1, -1], 1, (20, 3))]
        planned = [policy.plan(s, np.zeros((0, 2), np.float32), None).chunk for s in unseen]
        wanted = [np.array([[0.8 * s[0], 0.5 * s[1]]] * 2) for s in unseen]
        errors.append(np.mean([np.abs(p - w).max() for p, w in zip(planned, wanted, strict=True)]))
    assert errors[0] < 0.25 < errors[1]
