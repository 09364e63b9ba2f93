"""Imports: a round trip gives the same pairs, demonstrations of others become pairs, errors leave nothing."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import recorded

import hitl_clic as hc
from hitl_clic.__main__ import main
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.exchange.demonstrations import perturbed
from hitl_clic.runner.recordings import pairs_of_session, recorded_correction
from hitl_clic.session.reader import Session
from hitl_clic.types.messages import ChunkPair

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
h5py = pytest.importorskip("h5py")

RECORDINGS = Path(__file__).parents[2] / "recordings"


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exports of one small session, by format."""
    folder = tmp_path_factory.mktemp("datasets")
    session = recorded.record(folder / "session", "line_following", episodes=3, max_steps=12)
    hc.export(session, "lerobot", folder / "lerobot")
    hc.export(session, "robomimic", folder / "robomimic")
    return folder


def pairs(folder: Path) -> list[ChunkPair]:
    session = Session.open(folder)
    return pairs_of_session(session, recorded_correction(session))


@pytest.mark.parametrize("to", ["lerobot", "robomimic"])
def test_an_exported_session_comes_back_with_the_same_pairs(tmp_path: Path, to: str) -> None:
    hc.export(RECORDINGS / "oracle", to, tmp_path / "out")
    result = hc.import_demonstrations(tmp_path / "out", "line_following", tmp_path / "back", updates=0)
    before, after = Session.open(RECORDINGS / "oracle"), Session.open(tmp_path / "back")
    assert (result.episodes, result.reached, result.ticks) == (3, 3, len(before.ticks))
    assert len(before.pairs) == len(after.pairs) == result.pairs > 0
    for one, other in zip(pairs(RECORDINGS / "oracle"), pairs(tmp_path / "back"), strict=True):
        for name in ("episode", "tick", "correction_mode", "weight_version", "device_age_ns", "made_ns"):
            assert getattr(one, name) == getattr(other, name)
        for name in ("state", "robot", "human", "mask"):
            assert np.array_equal(getattr(one, name).view(np.uint32), getattr(other, name).view(np.uint32))
    assert hc.replay(tmp_path / "back").summary.episodes == 3
    for tick, again in zip(before.ticks, after.ticks, strict=True):
        assert np.array_equal(tick.executed, again.executed)
        assert np.array_equal(tick.robot_action, again.robot_action)
        assert (tick.state == "correcting") == (again.state == "correcting")


def test_the_command_imports_and_learns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the settings as they are at first."""
    out = tmp_path / "imported"
    hc.export(RECORDINGS / "oracle", "lerobot", tmp_path / "dataset")
    asked = ["import", str(tmp_path / "dataset"), "--task", "line_following", "--out", str(out), "--updates", "2"]
    assert main(asked) == 0, capsys.readouterr().err
    assert f"hitl-clic evaluate {out}" in capsys.readouterr().out
    assert list((out / "checkpoints").glob("*.safetensors"))


def foreign_lerobot(folder: Path, **changes: np.ndarray) -> Path:
    """A dataset as others write it: no columns of ours."""
    rng = np.random.default_rng(0)
    columns = {
        "observation.state": rng.normal(size=(20, 5)).astype(np.float32),
        "action": rng.uniform(-1, 1, (20, 2)).astype(np.float32),
        "episode_index": np.repeat([0, 1], 10),
        "frame_index": np.tile(np.arange(10), 2),
    } | changes
    arrays = {name: pa.array(value.tolist()) for name, value in columns.items()}
    (folder / "meta").mkdir(parents=True)
    (folder / "data/chunk-000").mkdir(parents=True)
    pq.write_table(pa.table(arrays), folder / "data/chunk-000/file-000.parquet")
    (folder / "meta/info.json").write_text(json.dumps({"codebase_version": "v3.0", "fps": 10, "features": {}}))
    return folder


def test_demonstrations_of_others_become_pairs_and_a_policy(tmp_path: Path) -> None:
    source = foreign_lerobot(tmp_path / "data")
    result = hc.import_demonstrations(
        source, "line_following", tmp_path / "out", updates=3, horizon=4, execute=2, distance=0.25
    )
    assert (result.episodes, result.ticks, result.pairs) == (2, 20, 20)
    session = Session.open(tmp_path / "out")
    table = pq.read_table(source / "data/chunk-000/file-000.parquet")
    actions = np.array(table["action"].to_pylist(), np.float32)
    assert session.settings.tick_hz == 10
    for pair in session.pairs:
        known = actions[pair.tick : min(pair.tick + 4, 10 * (pair.episode + 1))]
        assert np.array_equal(pair.human[: len(known)], known)
        assert pair.mask.all() or session.settings.values["correction"]["padding"] == "mask"
    whole = [pair for pair in session.pairs if pair.tick % 10 <= 6]
    assert np.allclose([np.sqrt(np.mean((pair.robot - pair.human) ** 2)) for pair in whole], 0.25, atol=0.05)
    assert all(tick.state == "correcting" for tick in session.ticks)
    assert hc.Policy.load(tmp_path / "out").plan(session.ticks[0].observation).actions.shape == (4, 2)


def test_a_perturbed_chunk_stays_at_its_distance_and_inside() -> None:
    human = np.random.default_rng(1).uniform(-1, 1, (8, 3)).astype(np.float32)
    robot = perturbed(human, 0.3, np.random.default_rng(2))
    assert np.abs(robot).max() <= 1
    assert np.sqrt(np.mean((robot - human) ** 2)) == pytest.approx(0.3, rel=1e-5)


# ---- what is refused


def refused(source: Path, tmp_path: Path, match: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(hc.UserError, match=match) as error:
        hc.import_demonstrations(source, "line_following", tmp_path / "out", updates=0)
    assert "\n" not in str(error.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_columns_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wrong = {
        "nan": ({"action": np.full((20, 2), np.nan)}, "not finite"),
        "range": ({"action": np.full((20, 2), 512.0)}, r"holds 512; the actions of line_following lie in \[-1, 1\]"),
        "state": ({"observation.state": rng.normal(size=(20, 9))}, "has 9 numbers, and line_following has 5"),
        "text": ({"action": np.full((20, 2), "x")}, "holds string; allowed: numbers"),
        "order": ({"episode_index": np.repeat([1, 0], 10)}, "episode 0 comes after episode 1"),
        "frames": ({"frame_index": np.zeros(20, int)}, "not numbered 0, 1, 2"),
    }
    for name, (changes, match) in wrong.items():
        refused(foreign_lerobot(tmp_path / name, **changes), tmp_path, match)


def test_rows_of_different_lengths_are_refused(tmp_path: Path) -> None:
    source = foreign_lerobot(tmp_path / "data")
    file = source / "data/chunk-000/file-000.parquet"
    table = pq.read_table(file).drop(["action"])
    for name, rows in (("lengths", [[0.5], [0.5] * 3] * 10), ("empty", [[0.5, 0.5]] * 19 + [None])):
        pq.write_table(table.append_column("action", pa.array(rows)), file)
        refused(source, tmp_path, "rows of different lengths" if name == "lengths" else "has empty values")


def test_bytes_are_never_unpickled(tmp_path: Path) -> None:
    class Burns:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return (Path(tmp_path / "burnt").touch, ())  # type: ignore[return-value]

    source = foreign_lerobot(tmp_path / "data")
    column = pa.array([pickle.dumps(Burns())] * 20)
    table = pq.read_table(source / "data/chunk-000/file-000.parquet").drop(["action"]).append_column("action", column)
    pq.write_table(table, source / "data/chunk-000/file-000.parquet")
    refused(source, tmp_path, "holds binary; allowed: numbers")
    with h5py.File(tmp_path / "demos.hdf5", "w") as file:
        file["data/demo_0/obs/state"] = np.zeros((1, 5))
        file["data/demo_0"].create_dataset("actions", data=np.void(pickle.dumps(Burns())))
    refused(tmp_path / "demos.hdf5", tmp_path, "actions has the shape|holds")
    assert not (tmp_path / "burnt").exists()


def test_damaged_and_foreign_files_are_refused(datasets: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut"
    shutil.copytree(datasets / "lerobot", cut)
    file = cut / "data/chunk-000/file-000.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    refused(cut, tmp_path, "file-000.parquet cannot be read")
    garbled = tmp_path / "garbled"
    shutil.copytree(datasets / "lerobot", garbled)
    (garbled / "meta/info.json").write_text("{" * 100_000)
    refused(garbled, tmp_path, "info.json cannot be read")
    old = tmp_path / "old"
    shutil.copytree(datasets / "lerobot", old)
    (old / "meta/info.json").write_text(json.dumps({"codebase_version": "v2.1", "fps": 10}))
    refused(old, tmp_path, r"codebase_version is 'v2.1'")
    half = tmp_path / "half.hdf5"
    content = (datasets / "robomimic/demos.hdf5").read_bytes()
    half.write_bytes(content[: len(content) // 2])
    refused(half, tmp_path, "is not an HDF5 file, or is damaged|demonstration is damaged")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    refused(tmp_path / "table.csv", tmp_path, "is not an HDF5 file")
    refused(tmp_path / "nothing", tmp_path, "allowed: a LeRobotDataset v3")


def test_nothing_outside_the_dataset_is_read(datasets: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    shutil.copytree(datasets / "lerobot", linked)
    file = linked / "data/chunk-000/file-000.parquet"
    file.unlink()
    file.symlink_to(datasets / "lerobot/data/chunk-000/file-000.parquet")
    refused(linked, tmp_path, "is not a file inside the dataset")
    secret = datasets / "robomimic/demos.hdf5"
    for name, link in (
        ("external", h5py.ExternalLink(str(secret), "/data/demo_0")),
        ("soft", h5py.SoftLink("/data/x")),
    ):
        with h5py.File(tmp_path / f"{name}.hdf5", "w") as made:
            made["data/x/actions"] = np.zeros((3, 2))
            made["data/demo_0"] = link
            del made["data/x"]
        refused(tmp_path / f"{name}.hdf5", tmp_path, "is a link to another place")
    with h5py.File(tmp_path / "virtual.hdf5", "w") as made:
        layout = h5py.VirtualLayout((3, 2), "f4")
        layout[:] = h5py.VirtualSource(str(secret), "data/demo_0/actions", shape=(3, 2))
        made.create_virtual_dataset("data/demo_0/actions", layout)
        made["data/demo_0/obs/state"] = np.zeros((3, 5))
    refused(tmp_path / "virtual.hdf5", tmp_path, "is kept in another file")


def test_an_impossible_shape_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "huge.hdf5", "w") as made:
        made["data/demo_0/obs/state"] = np.zeros((3, 5))
        made["data/demo_0"].create_dataset(
            "actions", shape=(2**40, 2), dtype="f4", chunks=(1024, 2), compression="gzip"
        )
    refused(tmp_path / "huge.hdf5", tmp_path, "has the shape")


def test_settings_of_a_hostile_export_are_checked(datasets: Path, tmp_path: Path) -> None:
    shutil.copytree(datasets / "lerobot", tmp_path / "data")
    about = json.loads((tmp_path / "data/meta/hitl_clic.json").read_text())
    about["sessions"][0]["settings"]["horizon"] = 10**9
    (tmp_path / "data/meta/hitl_clic.json").write_text(json.dumps(about))
    refused(tmp_path / "data", tmp_path, "horizon = 1000000000 is not allowed")


def test_the_settings_of_corrections_are_those_of_the_export(datasets: Path, tmp_path: Path) -> None:
    hc.import_demonstrations(datasets / "robomimic", "line_following", tmp_path / "back", updates=0)
    read = recorded_correction(Session.open(tmp_path / "back"))
    assert read == CorrectionSettings.model_validate(Session.open(datasets / "session").settings.values["correction"])
