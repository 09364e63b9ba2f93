"""The commands, typed: what each takes from the command line. Frozen data and checks of paths; main thread.

A field with a description is a flag of the command. `settings` are a session's, from presets, files and flags.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from hitl_clic.baselines.settings import AnyInferenceSettings
from hitl_clic.control.overlap import OverlapName
from hitl_clic.exchange.format_names import FormatName
from hitl_clic.settings import SessionSettings
from hitl_clic.types.labels import LabelName


def _exists(what: str) -> Callable[[Any], Any]:
    """A check that paths exist; `what` is named as allowed."""

    def check(given: Any) -> Any:
        for path in given if isinstance(given, tuple) else (given,):
            if not path.exists():
                raise ValueError(f"{path} does not exist; allowed: {what}")
        return given

    return check


Sessions = Annotated[tuple[Path, ...], AfterValidator(_exists("session folders"))]

WithoutEpisodes = Annotated[
    tuple[int, ...],
    Field(description="Numbers of episodes to leave out, from 1, as tables show them; only with one session."),
]
OnlySuccesses = Annotated[
    bool, Field(description="Leave out episodes that were not reached, as recorded or as labelled.")
]


@dataclass(frozen=True)
class TeachCommand:
    """Teach a task live; the robot learns while it moves."""

    settings: SessionSettings
    continue_: Path | None = Field(default=None, description="Session folder to go on with.")
    from_: Path | None = Field(default=None, description="Session or checkpoint to begin with.")


@dataclass(frozen=True)
class PracticeCommand:
    """Drive a task without a learning robot, to get to know the device."""

    settings: SessionSettings


@dataclass(frozen=True)
class DemoCommand:
    """Teach, verify and evaluate in a few minutes, with a scripted teacher."""

    settings: SessionSettings
    headless_given: bool = False
    """Whether the command line says --headless or --no-headless. Otherwise a display decides."""


@dataclass(frozen=True)
class LearnerCommand:
    """Run the learner alone, for `teach --learner ADDRESS`."""

    settings: SessionSettings
    bind: str = Field(
        min_length=1, description="Address to listen on: tcp://HOST:PORT, IPv6 as tcp://[::1]:PORT, or ipc://PATH."
    )
    out: Path = Field(description="Folder for its checkpoints.")
    child: bool = Field(default=False, description="Started by teach: end when that process has ended.")


@dataclass(frozen=True)
class LearnCommand:
    """Learn again from recorded sessions, with another method or settings."""

    settings: SessionSettings
    sessions: Sessions = Field(min_length=1, description="Session folders.")
    updates: int = Field(default=2000, ge=1, le=100_000_000, description="Updates of the network, count.")
    episodes: int = Field(
        default=0, ge=0, le=1_000_000, description="Use only the first episodes of each session, count; 0: all."
    )
    without_episodes: WithoutEpisodes = ()
    only_successes: OnlySuccesses = False


@dataclass(frozen=True)
class ExportCommand:
    """Write recorded sessions as a dataset of another tool."""

    sessions: Sessions = Field(min_length=1, description="Session folders, of one task, rate and horizon.")
    to: FormatName = Field(
        description="Format: lerobot is a LeRobotDataset v3.0, robomimic an HDF5 file, csv three tables."
    )
    out: Path = Field(description="New folder for the dataset. It appears when everything is written.")
    without_episodes: WithoutEpisodes = ()
    only_successes: OnlySuccesses = False


@dataclass(frozen=True)
class ImportCommand:
    """Make a session and a policy of demonstrations in a dataset of another tool."""

    settings: SessionSettings
    path: Path = Field(description="Folder of a LeRobotDataset v3, or robomimic's HDF5 file.")
    updates: int = Field(
        default=2000, ge=0, le=100_000_000, description="Updates of the network, count; 0: learn no policy."
    )
    state: tuple[str, ...] = Field(
        default=(), description="Columns that make up the state, in order; none: observation.state, or obs/state."
    )
    action: str = Field(default="", description="Column of the actions; empty: action, or actions.")
    distance: float = Field(
        default=0.3,
        gt=0,
        le=2,
        description="Distance of the robot's chunk from a demonstrated one, root mean square, units of action.",
    )


@dataclass(frozen=True)
class ReportCommand:
    """Write one HTML page about recorded sessions."""

    sessions: Sessions = Field(min_length=1, description="Session folders, shown side by side.")
    out: Path | None = Field(default=None, description="File to write, .html; none: report.html in the first folder.")


@dataclass(frozen=True)
class SessionsCommand:
    """List recorded sessions."""

    folders: Annotated[tuple[Path, ...], AfterValidator(_exists("folders with sessions"))] = Field(
        default=(Path("runs"),), validate_default=True, description="Session folders, or folders that hold some."
    )
    json: bool = Field(default=False, description="One JSON list on stdout instead of a table.")


@dataclass(frozen=True)
class LabelCommand:
    """Say afterwards what counts in a session; without --mark, show what can be said."""

    session: Annotated[Path, AfterValidator(_exists("a session folder"))] = Field(description="Session folder.")
    mark: LabelName | None = Field(
        default=None,
        description="success or failure: the episodes count as reached or not. discard: they are left out; keep: they "
        "are taken again. withdraw: the corrections are not learnt from; restore: they are again.",
    )
    episodes: tuple[int, ...] = Field(default=(), description="Numbers of episodes, from 1.")
    corrections: tuple[int, ...] = Field(default=(), description="Numbers of corrections, from 1.")


@dataclass(frozen=True)
class EvaluateCommand:
    """Run a taught policy alone on seeded episodes."""

    source: Annotated[Path, AfterValidator(_exists("a session folder or a checkpoint"))] = Field(
        description="Session folder, or one checkpoint in it."
    )
    episodes: int = Field(default=20, ge=1, le=1_000_000, description="Episodes to run, count.")
    seed: int = Field(
        default=1_000_000, ge=0, le=2**31 - 1, description="Seed of the first episode; each later episode adds 1."
    )
    json: bool = Field(default=False, description="One JSON object on stdout instead of a table.")
    video: Path | None = Field(default=None, description="Folder for films, one .mp4 file for each episode.")
    processes: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Processes that run episodes; the results are the same for any number. none: as many as there are "
        "CPUs, or fewer for a short evaluation.",
    )
    overlap: OverlapName | None = Field(
        default=None,
        description="How the next chunk is planned while one is executed, as loop.overlap; none: as in the session.",
    )
    lead: int | None = Field(
        default=None,
        ge=0,
        le=64,
        description="A chunk is requested this many ticks before it begins, as loop.plan_lead; none: as in the "
        "session.",
    )
    execute: int | None = Field(
        default=None, ge=1, le=512, description="Ta, ticks of a chunk that are executed; none: as in the session."
    )
    inference: AnyInferenceSettings = Field(
        default=AnyInferenceSettings(),
        description="How a chunk is computed, as policy.inference.",
    )


@dataclass(frozen=True)
class ReplayCommand:
    """Show a recorded session again, or verify that it re-simulates exactly."""

    session: Annotated[Path, AfterValidator(_exists("a session folder"))] = Field(description="Session folder.")
    verify: bool = Field(default=False, description="Re-simulate, compare every tick, and name the first that differs.")
    headless: bool = Field(default=False, description="No window; figures in the terminal.")
    json: bool = Field(default=False, description="One JSON object on stdout instead of text.")
    video: Path | None = Field(default=None, description="Write a film to this .mp4 file instead of showing it.")
    episodes: tuple[int, ...] = Field(default=(), description="Episodes of the film, numbers from 1; none: all.")
    speed: float = Field(default=1.0, ge=0.01, le=100, description="Speed of the film; 2 is twice as fast.")


@dataclass(frozen=True)
class RepairCommand:
    """Complete a recording that was cut off, so that every MCAP reader opens it."""

    session: Annotated[Path, AfterValidator(_exists("a session folder"))] = Field(
        description="Session folder, or its session.mcap. The original is replaced only when the repaired copy is "
        "verified."
    )


@dataclass(frozen=True)
class UncertaintyCommand:
    """Find in recorded sessions at which uncertainty the robot should ask for help."""

    sessions: Sessions = Field(min_length=1, description="Session folders.")
    within: float = Field(
        default=1.0, gt=0, le=60, description="A correction this soon after a plan means that the plan was wrong, s."
    )
    alarms: float = Field(default=0.1, gt=0, lt=1, description="Share of plans at which the robot should ask.")
    out: Path | None = Field(
        default=None, description="Picture to write; none: uncertainty.png in the first session folder."
    )


@dataclass(frozen=True)
class DevicesCommand:
    """List connected devices, print a key map, or test and calibrate a device."""

    keys: str = Field(default="", description="Device whose key map to print, or several joined with +.")
    test: str = Field(
        default="",
        description="Device to test: shows live values, rate, jitter, age and buttons; keys change its profile. "
        "Also oracle (on --task) and playback (of --recording).",
    )
    task: str = Field(
        default="", description="Show only this task's axes and keys; empty: all, or push_t for the oracle."
    )
    profile: str = Field(default="", description="Profile: a name or a path to a TOML file; empty: the device's own.")
    config: Path | None = Field(
        default=None, description="TOML file with settings; its window.keys are part of the printed key map."
    )
    recording: Path | None = Field(default=None, description="Session folder to play back, for --test playback.")
    seconds: float = Field(
        default=0.0,
        ge=0,
        le=3600,
        description="Length of a test, s; 0: until Ctrl+C, with --json or --calibrate 3 s.",
    )
    json: bool = Field(default=False, description="Print one JSON object at the end of a test, and nothing before.")
    calibrate: bool = Field(
        default=False, description="Set offsets and dead zones from the axes at rest. Do not touch the device."
    )
    deadzone: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="New dead zone of the profile, share of full; axes with their own keep it.",
    )
    exponent: float | None = Field(
        default=None, ge=0.1, le=10, description="New exponent of the response curve; axes with their own keep it."
    )
    scale: float | None = Field(default=None, gt=0, le=1, description="New speed of the profile, share of full.")
    invert: tuple[str, ...] = Field(default=(), description="Axes whose sign to change.")
    axis: tuple[str, ...] = Field(
        default=(),
        description="Changes to single axes, AXIS.FIELD=VALUE: source (the axis map), sign, scale, offset, deadzone, "
        'exponent; for example z.source="left y" rx.deadzone=0.2.',
    )
    save: str = Field(
        default="",
        description="Save the changed profile under this name in your own folder, or in this .toml file. --profile "
        "accepts either.",
    )
    headless: bool = Field(default=False, description="No window; values and keys in the terminal.")


@dataclass(frozen=True)
class TasksCommand:
    """List the tasks with where each comes from, or show what is known of one."""

    name: str = Field(
        default="",
        description="A task: prints its table [environment] with everything that is guessed. gymnasium, metaworld or "
        "robosuite: prints the names there.",
    )


@dataclass(frozen=True)
class MethodsCommand:
    """List the methods with where each comes from."""


@dataclass(frozen=True)
class NewCommand:
    """Write a small package with a task, device or method of your own, which runs as it is."""

    words: tuple[Path, ...] = Field(default=(), description="task, device or method, and a name: task reach.")


@dataclass(frozen=True)
class LinkKeysCommand:
    """Make the keys that encrypt the link between two machines."""

    folder: Path = Field(description="Folder for the keys. It is created; existing keys are never overwritten.")


@dataclass(frozen=True)
class BenchCommand:
    """Measure this machine (only in a checkout); prints one JSON line for each measurement."""

    only: Literal["all", "loop", "plan", "update", "link", "device"] = Field(
        default="all", description="What to measure: all, loop, plan, update, link or device."
    )
    seconds: float = Field(default=10.0, gt=0, le=3600, description="Time for each measurement, s.")


Command = (
    TeachCommand
    | PracticeCommand
    | LearnCommand
    | EvaluateCommand
    | ReplayCommand
    | RepairCommand
    | ExportCommand
    | ImportCommand
    | ReportCommand
    | SessionsCommand
    | LabelCommand
    | LearnerCommand
    | LinkKeysCommand
    | DevicesCommand
    | TasksCommand
    | MethodsCommand
    | NewCommand
    | UncertaintyCommand
    | DemoCommand
    | BenchCommand
)
