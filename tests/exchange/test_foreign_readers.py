"""Exports as other projects' own readers see them: equal to the recording bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import recorded
from foreign_tools import LEROBOT, ROBOMIMIC, read_with

from hitl_clic.runner.exporting import export
from hitl_clic.session.reader import Session

RECORDINGS = Path(__file__).parents[2] / "recordings"
pytestmark = pytest.mark.timeout(900)  # the first run installs the readers

READ_LEROBOT = """
import sys
import numpy as np
from ledataset.datasets.lerobot_dataset import LeRobotDataset
dataset = LeRobotDataset("local/session", root=sys.argv[1])
rows = [dataset[index] for index in range(len(dataset))]
columns = {name: np.array([np.asarray(row[name]) for row in rows]) for name in rows[0]}
stats = dataset.meta.stats
np.savez(sys.argv[2], fps=dataset.fps, episodes=dataset.num_episodes, mean=stats["action"]["mean"], **columns)
"""

READ_ROBOMIMIC = """
import sys
import numpy as np
import robomimic.utils.obs_utils as obs_utils
from robomimic.utils.dataset import SequenceDataset
obs_utils.initialize_obs_utils_with_obs_specs({"obs": {"low_dim": ["state"]}})
keys = ("actions", "rewards", "dones", "hitl_clic/pair.robot", "hitl_clic/pair.human", "hitl_clic/pair.mask")
dataset = SequenceDataset(
    hdf5_path=f"{sys.argv[1]}/demos.hdf5", obs_keys=("state",), dataset_keys=keys, seq_length=1, hdf5_use_swmr=True
)
rows = [dataset[index] for index in range(len(dataset))]
columns = {key: np.array([row[key][0] for row in rows]) for key in keys}
columns["state"] = np.array([row["obs"]["state"][0] for row in rows])
columns["next_state"] = np.array([row["next_obs"]["state"][0] for row in rows])
np.savez(sys.argv[2], demos=dataset.n_demos, **{key.replace("hitl_clic/", ""): value for key, value in columns.items()})
"""

PLAY_ROBOMIMIC = """
import json, sys
import h5py
import numpy as np
import robomimic.utils.env_utils as env_utils
import robomimic.utils.obs_utils as obs_utils
obs_utils.initialize_obs_utils_with_obs_specs({"obs": {"low_dim": ["state"], "rgb": []}})
with h5py.File(f"{sys.argv[1]}/demos.hdf5") as file:
    meta = json.loads(file["data"].attrs["env_args"])
    demo = file["data/demo_0"]
    env = env_utils.create_env_from_metadata(env_meta=meta, render=False, render_offscreen=False)
    env.reset()
    states, model = demo["states"][()], demo.attrs["model_file"]
    env.reset_to({"states": states[0], "model": model})
    found = []
    for state in states:
        env.reset_to({"states": state})
        found.append(env.get_state()["states"])
    np.savez(sys.argv[2], recorded=states, restored=np.array(found), name=env.name)
"""


def bits(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32).view(np.uint32)


def test_lerobots_reader_finds_every_tick_and_pair(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    export(RECORDINGS / "oracle", "lerobot", tmp_path / "out")
    found = read_with(LEROBOT, READ_LEROBOT, tmp_path / "out", tmp_path / "found.npz")
    session = Session.open(RECORDINGS / "oracle")
    ticks = session.ticks
    assert (int(found["fps"]), int(found["episodes"])) == (session.settings.tick_hz, len(session.episodes))
    assert np.array_equal(bits(found["observation.state"]), bits(np.array([tick.observation for tick in ticks])))
    assert np.array_equal(bits(found["action"]), bits(np.array([tick.executed for tick in ticks])))
    assert found["weights_version"].tolist() == [tick.weight_version for tick in ticks]
    assert found["time_ns"].tolist() == [tick.time_ns for tick in ticks]
    assert found["intervention"].tolist() == [tick.state == "correcting" for tick in ticks]
    np.testing.assert_allclose(found["mean"], np.mean([tick.executed for tick in ticks], axis=0), rtol=1e-5)
    by_tick = {tick.tick: row for row, tick in enumerate(ticks)}
    assert len(session.pairs) == np.sum(found["pair.id"] >= 0) > 0
    for pair in session.pairs:
        row = by_tick[pair.tick]
        assert (found["pair.id"][row], found["pair.mode"][row]) == (pair.id, pair.correction_mode)
        assert np.array_equal(bits(found["pair.robot"][row]), bits(pair.robot))
        assert np.array_equal(bits(found["pair.human"][row]), bits(pair.human))
        assert found["pair.made_ns"][row] == pair.made_ns


def test_robomimics_reader_finds_every_tick_and_pair(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    export(RECORDINGS / "oracle", "robomimic", tmp_path / "out")
    found = read_with(ROBOMIMIC, READ_ROBOMIMIC, tmp_path / "out", tmp_path / "found.npz")
    session = Session.open(RECORDINGS / "oracle")
    ticks = session.ticks
    assert int(found["demos"]) == len(session.episodes)
    assert np.array_equal(bits(found["state"]), bits(np.array([tick.observation for tick in ticks])))
    assert np.array_equal(bits(found["actions"]), bits(np.array([tick.executed for tick in ticks])))
    inside = [row for row, tick in enumerate(ticks) if not (tick.terminated or tick.truncated)]
    assert np.array_equal(bits(found["next_state"][inside]), bits(found["state"][[row + 1 for row in inside]]))
    by_tick = {tick.tick: row for row, tick in enumerate(ticks)}
    for pair in session.pairs:
        assert np.array_equal(bits(found["pair.human"][by_tick[pair.tick]]), bits(pair.human))


def test_robomimics_environment_restores_every_state_exactly(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    pytest.importorskip("robosuite")
    session = recorded.record(tmp_path / "session", "lift", episodes=1, max_steps=6)
    export(session, "robomimic", tmp_path / "out")
    found = read_with(ROBOMIMIC, PLAY_ROBOMIMIC, tmp_path / "out", tmp_path / "found.npz")
    assert str(found["name"]) == "Lift"
    assert len(found["recorded"]) == 6
    assert np.array_equal(found["restored"], found["recorded"])
