"""Films: one picture a tick or step, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recorded

import hitl_clic as hc
from hitl_clic.runner.filming import filmed
from hitl_clic.tasks.registry import make_task

av = pytest.importorskip("av")


def read(path: Path) -> tuple[list[np.ndarray], float]:
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        return [frame.to_ndarray(format="rgb24") for frame in film.decode(stream)], float(stream.average_rate)


def test_a_session_becomes_a_film_of_the_chosen_episodes(tmp_path: Path) -> None:
    session = recorded.record(tmp_path / "session", "line_following", episodes=3, max_steps=6)
    seen: list[tuple[int, int]] = []
    hc.replay(
        session, video=tmp_path / "film.mp4", episodes=[2, 3], speed=2, on_picture=lambda *done: seen.append(done)
    )
    pictures, rate = read(tmp_path / "film.mp4")
    assert len(pictures) == 12
    assert rate == 40  # 20 ticks per second, twice as fast
    assert pictures[0].shape == (720, 1280, 3)
    assert seen[-1] == (12, 12)
    assert not np.array_equal(pictures[0], pictures[-1])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["film.mp4", "session"]


def test_what_is_refused_leaves_no_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = recorded.record(tmp_path / "session", "line_following", episodes=1, max_steps=4)
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"video": tmp_path / "film.avi"}, "ends in .mp4"),
        ({"video": tmp_path / "film.mp4", "episodes": [2]}, "has episodes 1 to 1"),
        ({"video": tmp_path / "film.mp4", "speed": 0}, "from 0.01 to 100"),
    )
    for options, match in wrong:
        with pytest.raises(hc.UserError, match=match):
            hc.replay(session, **options)

    def breaks(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hc.replay(session, video=tmp_path / "film.mp4", on_picture=breaks)
    assert [path.name for path in tmp_path.iterdir()] == ["session"]


def test_forecasts_are_not_filmed(tmp_path: Path) -> None:
    task = make_task("line_following", max_steps=5)
    with filmed(task, tmp_path / "film.mp4") as seen:
        seen.reset(seed=1)
        for _ in range(3):
            seen.forecast(np.zeros((2, 2), np.float32))
            seen.step(np.ones(2, np.float32))
    assert len(read(tmp_path / "film.mp4")[0]) == 4
