"""The cockpit in a terminal: the window's texts, at most four times a second.

Runs in its own thread, which gets a state and writes to the console; never in a tick. If the output is no terminal
(a file, a pipe), it writes one line per finished episode instead.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.palette import web
from hitl_clic.cockpit.drawing.picture import write_picture
from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import CockpitState, EpisodeMark
from hitl_clic.cockpit.terminal_link import TerminalLink
from hitl_clic.cockpit.text_scene import text_scene
from hitl_clic.cockpit.window.keymap import Action

StateProvider = Callable[[], CockpitState | None]

PERIOD_S = 0.25
_BARS = "▁▂▃▄▅▆▇█"
_SHOWN_EPISODES = 60
_GOOD, _BAD, _HUMAN = web(palette.GOOD), web(palette.BAD), web(palette.HUMAN)
_COMMANDS: tuple[Action, ...] = (
    *("pause", "stop", "clear_stop", "success", "failure", "reset", "discard", "slow_motion", "quit"),
)
_HERE: tuple[tuple[Action, str], ...] = (("view", "scene"), ("screenshot", "picture file"))
_LEVELS = {"ok": ("●", _GOOD), "wait": ("○", ""), "attention": ("▲", _HUMAN)}


class Dashboard:
    """Shows the states of `state_provider` in a `with` block.

    Its thread calls `state_provider`, which must not wait; None: nothing to show yet. `episodes`: of the whole session,
    for a progress bar with the time left; 0: no bar. `terminal`: its keys, which are then shown.
    """

    def __init__(
        self,
        state_provider: StateProvider,
        console: Console | None = None,
        episodes: int = 0,
        terminal: TerminalLink | None = None,
    ) -> None:
        self._provider, self._episodes, self._terminal = state_provider, episodes, terminal
        self._shows_scene, self._note = False, ""
        self._console = console or Console()
        self._closing = threading.Event()
        self._last_episode = -1
        self._thread = threading.Thread(target=self._run, name="dashboard", daemon=True)

    @property
    def draws(self) -> bool:
        """Whether it shows each instant; else it writes a line for each finished episode only."""
        return self._console.is_terminal

    def __enter__(self) -> Dashboard:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Show the newest state and end."""
        self._closing.set()
        self._thread.join(timeout=2.0)

    def _run(self) -> None:
        with Live(console=self._console, auto_refresh=False) if self.draws else nullcontext() as live:
            last = False
            while not last:
                last = self._closing.wait(PERIOD_S)
                state = self._provider()
                if state is None:
                    continue
                if live is not None:
                    live.update(self._picture(state), refresh=True)
                else:
                    self._print_episodes(state)

    def _picture(self, state: CockpitState) -> RenderableType:
        """The state as text, with the scene and the keys of a terminal."""
        for action in [] if self._terminal is None else self._terminal.take_actions():
            if action == "view":
                self._shows_scene = not self._shows_scene
            else:
                self._note = _write_picture(state)
        parts = [render(state, self._episodes)]
        if self._shows_scene:
            parts.append(Panel(Text("\n".join(text_scene(state.scene))), expand=False, border_style="dim"))
        if self._terminal is not None:
            parts.append(_keys(state))
        if self._note:
            parts.append(Text(self._note))
        return Group(*parts)

    def _print_episodes(self, state: CockpitState) -> None:
        for mark in state.history:
            if mark.episode > self._last_episode:
                self._last_episode = mark.episode
                text = status_text.finished(mark, bool(state.practice))
                self._console.print(text, markup=False, highlight=False)


def render(state: CockpitState, episodes: int = 0) -> RenderableType:
    """The state as text: who drives, how far the session is, three cards, the last message."""
    style = f"bold {web(palette.BADGE_INK)} on {web(palette.BADGE[state.gate])}"
    driver = Text(f" {status_text.badge(state)} ", style)
    head = Text.assemble(driver, "  ", status_text.beside_badge(state), "  ", (state.task, "bold"))
    where = Text(f"{status_text.episode(state)} · {status_text.progress(state)}", style="dim")
    sentence, all_learnt = status_text.learnt(state)
    flags = Text("  ").join(
        Text(" ".join(status_text.CORRECTIONS[flag]), {"queued": "", "discarded": "dim"}.get(flag, _GOOD))
        for flag in status_text.newest(state)
    )
    learning = Group(
        Text(sentence, style=f"bold {_GOOD}" if all_learnt and state.corrections else "bold"),
        flags,
        Text(status_text.policy(state), style="dim"),
    )
    cards = (
        ("IS IT LEARNING?", learning),
        ("DOES IT NEED YOU LESS?", _episodes(state.history)),
        ("MACHINE", _machine(state)),
    )
    return Group(
        *(head, where, *([_progress(state, episodes)] if episodes else [])),
        *(Panel(content, title=title, title_align="left", border_style="dim") for title, content in cards),
        *([Text(state.message)] if state.message else []),
    )


def _write_picture(state: CockpitState) -> str:
    """Save the window's picture of a state in the working folder; the message about it."""
    path = Path(time.strftime("cockpit-%Y%m%d-%H%M%S.png"))
    try:
        write_picture(state, path)
    except OSError as error:
        return str(error)
    return f"Picture saved: {path}"


def _keys(state: CockpitState) -> RenderableType:
    """The keys of the terminal: the device's, if it is one, and those that give commands."""
    own = state.device_keys if "terminal" in state.device else ()
    hints = (*state.keymap.hints(*_COMMANDS), *((state.keymap.label(action), word) for action, word in _HERE))
    lines = [" · ".join(f"{key} {word.lower()}" for key, word in rows) for rows in (own, hints) if rows]
    return Text("\n".join(lines), style="dim")


def _progress(state: CockpitState, episodes: int) -> RenderableType:
    """A bar of the finished episodes, and the time left if the others take as long on average."""
    done = min(state.episode, episodes)
    left = "" if not done else f", about {state.time_s / done * (episodes - done):.0f} s left"
    row = Table.grid(padding=(0, 1))
    row.add_row(ProgressBar(total=episodes, completed=done, width=30), Text(f"{done} of {episodes} episodes{left}"))
    return row


def _episodes(history: Sequence[EpisodeMark]) -> RenderableType:
    shown = history[-_SHOWN_EPISODES:]
    if not shown:
        return Text("No episode finished yet", style="dim")
    curve = "".join(_BARS[min(len(_BARS) - 1, int(mark.feedback * len(_BARS)))] for mark in shown)
    endings = Text.assemble(*(("●", _GOOD) if mark.success else ("×", _BAD) for mark in shown))
    good = sum(mark.success for mark in shown)
    return Group(
        *(Text(" · ".join(part for part in row if part)) for row in status_text.recent_episodes(shown)),
        Text(curve, style=_HUMAN),
        endings,
        Text(f"● success {good}   × failure {len(shown) - good}", style="dim"),
    )


def _machine(state: CockpitState) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for line in status_text.machine(state):
        word = Text(line.word, style=_HUMAN if line.level == "attention" else "")
        table.add_row(Text(*_LEVELS[line.level]), Text(line.subject, "dim"), word, Text(line.figures, "dim"))
    return table
