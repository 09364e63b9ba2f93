"""A person teaches Pick-Can with a gamepad or a 3D mouse, from start to a policy that is evaluated on unseen starts.

    python -m benchmarks.device_sessions --device gamepad [--seed 1] [--episodes 60] [--out runs/hands]

Only the person is simulated (`benchmarks.person`, `benchmarks.hands`). The gamepad is a virtual one of SDL; the 3D
mouse gives its reports as bytes in hidapi's place. All above is a session of `hitl-clic teach --task pick_can --session
simulated_6dof_user --device ...`, in real time: a session takes about 10 minutes. There is one JSON line a session.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.experiment import EVALUATED_FROM
from benchmarks.figure import tell
from benchmarks.hands import GamepadHands, Hands, SpaceMouseHands, seen_from
from benchmarks.person import Glimpse, Person, WatchedTask
from benchmarks.virtual_gamepad import VirtualPads
from benchmarks.virtual_spacemouse import VirtualSpaceMouse, plug_in
from hitl_clic import evaluate
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.gamepad import connected_pads
from hitl_clic.devices.mapping.shaping import Profile, load_profile
from hitl_clic.runner.device_registry import resolve_device
from hitl_clic.runner.own_learner import own_learner
from hitl_clic.runner.results import SessionSummary
from hitl_clic.runner.session import Observers, TaughtSession
from hitl_clic.runner.session_settings import Overrides, settings_and_parts
from hitl_clic.runner.teaching import prepare, write_settings
from hitl_clic.session.reader import Session
from hitl_clic.tasks.registry import make_task, make_teacher
from hitl_clic.types.records import EpisodeRecord

DEVICES = ("gamepad", "spacemouse")
TASK, PRESET = "pick_can", "simulated_6dof_user"
AZIMUTH = 90.0
"""Of the camera whose picture the person watches, degrees; the task's default one."""
ANTICIPATION = 0.08
"""`oracle.anticipation` of the person: sticks and caps need less than the keys of the preset."""
HANDS_HZ = 125.0
"""Rate at which the hands move, and at which a deflected cap reports."""


class PersonThread(threading.Thread):
    """Looks at the scene and moves the hands, 125 times a second, until `close`."""

    def __init__(self, person: Person, hands: Hands, seen: Slot[Glimpse]) -> None:
        super().__init__(name="person", daemon=True)
        self._person, self._hands, self._seen = person, hands, seen
        self._done = threading.Event()
        self.missed = 0
        """Count of glimpses that the person did not see because the machine was busy."""

    def run(self) -> None:
        before, last_ns = 0, time.perf_counter_ns()
        while not self._done.wait(1.0 / HANDS_HZ):
            serial, glimpse = self._seen.entry()
            if glimpse is not None and serial != before:
                self.missed += serial - before - 1
                before = serial
                self._person.look(glimpse)
            now_ns = time.perf_counter_ns()
            self._hands.move(self._person.wish, (now_ns - last_ns) * 1e-9)
            last_ns = now_ns

    def close(self) -> None:
        """End."""
        self._done.set()
        self.join()


@contextmanager
def hands_on(device: str, profile: Profile, seed: int) -> Iterator[Hands]:
    """Hands on a virtual device, which is connected until the end.

    Raises:
        NoVirtualPads: as `VirtualPads`.
    """
    picture = seen_from(AZIMUTH)
    if device == "spacemouse":
        mouse = VirtualSpaceMouse()
        with plug_in(mouse):
            yield SpaceMouseHands(mouse, profile, picture, seed)
        return
    connected_pads()  # initialises SDL
    pad = VirtualPads().attach()
    try:
        yield GamepadHands(pad, profile, picture, seed)
    finally:
        pad.unplug()


def teach(device: str, seed: int, out: Path, **chosen: Any) -> tuple[SessionSummary, int]:
    """One session; its summary, and how many ticks the person did not see.

    Args:
        device: in `DEVICES`. seed: of start states and hands. out: its folder. **chosen: further settings.
    """
    overrides: Overrides = {"seed": seed, "out": out, "oracle": {"anticipation": ANTICIPATION}}
    overrides |= cast(Overrides, chosen)
    made, parts = settings_and_parts(TASK, device, None, overrides, PRESET)
    made = resolve_device(made)
    seen: Slot[Glimpse] = Slot()
    with ExitStack() as stack:
        task = WatchedTask(make_task(TASK, **made.task_options), seen)
        stack.callback(task.close)
        axes = tuple(task.action_frame.axes)
        person = Person(make_teacher(TASK), made.oracle, axes, made.loop.rate_hz)
        hands = stack.enter_context(hands_on(device, load_profile(made.profile or device), seed))
        thread = PersonThread(person, hands, seen)
        thread.start()
        stack.callback(thread.close)
        observers = Observers(_tell_episode, say=_tell)
        assert made.out is not None
        prepare(made.out)
        learner = stack.enter_context(own_learner(made, made.out, write_settings(made)))
        return TaughtSession(made, replace(parts, task=task), observers, learner).run(), thread.missed


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _tell_episode(episode: EpisodeRecord) -> None:
    outcome = "success" if episode.success else "failure"
    _tell(f"{episode.episode:3d}  {outcome}  {episode.timesteps} ticks, {episode.feedback_per_step:.2f} taught")


def figures(out: Path) -> dict[str, Any]:
    """What the person did in a session, from its recording."""
    recorded = Session.open(out)
    ticks = recorded.ticks
    human = np.array([tick.state == "correcting" for tick in ticks])
    episodes = np.array([tick.episode for tick in ticks])
    first, last = (np.isin(episodes, part) for part in _outer_thirds(np.unique(episodes)))
    grips = [tick.taught[6] for tick in ticks if tick.state == "correcting"]
    return {
        "taught_successes": sum(episode.success for episode in recorded.episodes),
        "ticks": len(ticks),
        "teacher_steps": int(human.sum()),
        "corrections": int((human & ~np.roll(human, 1)).sum()),
        "feedback": round(float(human.mean()), 3),
        "feedback_first_third": round(float(human[first].mean()), 3),
        "feedback_last_third": round(float(human[last].mean()), 3),
        "gripper_taught_share": round(float(np.mean(grips)) if grips else 0.0, 3),
        "lost_ticks": sum(not tick.connected for tick in ticks),
    }


def _outer_thirds(episodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    third = max(1, len(episodes) // 3)
    return episodes[:third], episodes[-third:]


def measure(
    device: str,
    seed: int,
    episodes: int,
    evaluations: int,
    out: Path,
    processes: int | None = None,
    **chosen: Any,
) -> dict[str, Any]:
    """Teach, and evaluate the policy alone on starts that were never taught."""
    recording = {"policy_every": 10}
    summary, missed = teach(device, seed, out, episodes=episodes, headless=True, recording=recording, **chosen)
    found = evaluate(source=out, episodes=evaluations, seed=EVALUATED_FROM, processes=processes).as_json()
    about = summary.figures
    return {
        "task": TASK,
        "device": device,
        "session": PRESET,
        "seed": seed,
        "episodes": episodes,
        **chosen,
        "evaluations": evaluations,
        "success_rate": found["success_rate"],
        "minutes": round(about["wall_s"] / 60.0, 1),
        "updates": about["updates"],
        "pairs": about["pairs"]["made"],
        **figures(out),
        "missed_by_person": missed,
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="A simulated person teaches Pick-Can with a device.")
    options.add_argument("--device", choices=DEVICES, required=True, help="the device")
    options.add_argument("--seed", type=int, default=1, help="of start states and hands (default 1)")
    options.add_argument("--episodes", type=int, default=60, help="taught episodes (default 60)")
    options.add_argument("--evaluations", type=int, default=20, help="evaluated episodes (default 20)")
    options.add_argument("--horizon", type=int, default=4, help="H, steps of a chunk (default 4)")
    options.add_argument("--execute", type=int, default=2, help="Ta, executed steps of a chunk (default 2)")
    options.add_argument("--out", type=Path, help="new folder of the session (default: a temporary one)")
    options.add_argument("--processes", type=int, help="processes of the evaluation (default: as the machine allows)")
    given = options.parse_args()
    folder = given.out or Path(tempfile.mkdtemp(prefix="device-session-"))
    chosen = {"horizon": given.horizon, "execute": given.execute}
    asked = (given.device, given.seed, given.episodes, given.evaluations, folder, given.processes)
    tell("device_session", measure(*asked, **chosen))
