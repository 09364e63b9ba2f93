"""One HTML page about recorded sessions. It holds everything itself and loads nothing. Any thread.

Curves are SVG by matplotlib's figures, without global state. Every text that comes from a recording is escaped.
"""

from __future__ import annotations

import html
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.palette import web
from hitl_clic.cockpit.report import rolling_mean
from hitl_clic.session.corrections import SessionCorrections
from hitl_clic.types.dates import shown
from hitl_clic.types.records import EpisodeRecord

_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Distinguishable by the colour-blind (Okabe and Ito)."""
_ALLOWED = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a browser may load: nothing but the pictures and the style in the page."""
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1c2733; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; } caption { text-align: left; color: #5a6773; }
th, td { text-align: right; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #dde3e8; vertical-align: top; }
th:first-child, td:first-child { text-align: left; } svg { max-width: 100%; height: auto; }
.mark { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 50%; }
details { margin: .4rem 0; }
"""
_FIGURES = (
    ("date", "started_at"),
    ("task", "task"),
    ("method", "method"),
    ("teacher", "device"),
    ("ticks", "ticks"),
    ("seconds", "wall_s"),
    ("updates", "updates"),
    ("overruns", "tick_overruns"),
)
_SMOOTHNESS = (
    ("change of the action per step, inside chunks", "step_inside"),
    ("the same, between chunks", "step_at_seam"),
    ("jerk inside chunks", "jerk_inside"),
    ("jerk between chunks", "jerk_at_seam"),
)


@dataclass(frozen=True, slots=True, eq=False)
class ReportedSession:
    """What the page says about one session.

    Attributes:
        name: as a heading. episodes: as labelled. figures: the content of `summary.json`.
        settings: all, by dotted name. corrections: of the session. withdrawn: numbers of those taken back.
    """

    name: str
    episodes: Sequence[EpisodeRecord]
    figures: Mapping[str, Any]
    settings: Mapping[str, Any]
    corrections: SessionCorrections
    withdrawn: frozenset[int] = frozenset()


def page(sessions: Sequence[ReportedSession]) -> str:
    """The page as text."""
    title = html.escape(", ".join(session.name for session in sessions))
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_ALLOWED}">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        _overview(sessions),
        "<h2>Episodes</h2>",
        _svg(_curves(sessions)),
        "<h2>When the teacher drove</h2>",
        *(_svg(_phases(session)) for session in sessions if len(session.corrections.episodes)),
        "<h2>What was learnt after which correction</h2>",
        *(_learnt(session) for session in sessions),
        "<h2>Time of a tick by part, ms</h2>",
        *(_timing(session) for session in sessions),
        "<h2>Smoothness of the robot's motion, units of action</h2>",
        _table(
            ["", *(session.name for session in sessions)],
            [[name, *(_number(session.figures.get(key)) for session in sessions)] for name, key in _SMOOTHNESS],
        ),
        "<h2>Settings that differ</h2>" if len(sessions) > 1 else "",
        _differences(sessions) if len(sessions) > 1 else "",
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _overview(sessions: Sequence[ReportedSession]) -> str:
    rows = []
    for name, key in _FIGURES:
        values = [session.figures.get(key) for session in sessions]
        rows.append([name, *(shown(value or "") if key == "started_at" else _number(value) for value in values)])
    for name, value in (
        ("episodes", lambda one: len(one.episodes)),
        ("success", lambda one: _share([end.success for end in one.episodes])),
        ("corrections", lambda one: len(one.corrections.corrections)),
        ("pairs made, ingested", lambda one: f"{one.figures['pairs']['made']}, {one.figures['pairs']['ingested']}"),
    ):
        rows.append([name, *(str(value(session)) for session in sessions)])
    marks = [f'<span class="mark" style="background:{_color(i)}"></span>' for i in range(len(sessions))]
    head = ["", *(session.name for session in sessions)]
    return _table(head, rows, ["", *marks])


def _curves(sessions: Sequence[ReportedSession]) -> Figure:
    figure = _figure(10, 6)
    axes = figure.subplots(2, 2)
    curves = (
        ("Success, mean of 5 episodes", lambda end: float(end.success), True),
        ("Steps that the teacher drove", lambda end: end.feedback_per_step, True),
        ("Action error: robot to teacher, L2 norm per step", lambda end: end.l2_error_per_step, False),
        ("Episode length, steps", lambda end: float(end.timesteps), False),
    )
    for axis, (name, value, share) in zip(axes.flat, curves, strict=True):
        for number, session in enumerate(sessions):
            values = [value(end) for end in session.episodes]
            episodes = [end.episode + 1 for end in session.episodes]
            axis.plot(episodes, values, "o", color=_color(number), markersize=3, alpha=0.35)
            axis.plot(episodes, rolling_mean(values), color=_color(number), linewidth=2, label=session.name)
        axis.set_title(name, loc="left", fontsize=10)
        axis.set_ylim(bottom=-0.03 if share else 0.0)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        if share:
            axis.yaxis.set_major_formatter(PercentFormatter(1.0, 0))
        axis.set_xlabel("episode", fontsize=9)
    return figure


def _phases(session: ReportedSession) -> Figure:
    """Share of ticks that the human drove, by episode and by part of the episode."""
    by_phase = session.corrections.by_phase
    figure = _figure(10, 2.6)
    axis = figure.subplots()
    picture = axis.imshow(by_phase.T, origin="lower", aspect="auto", vmin=0, vmax=1, cmap="Oranges")
    axis.set_title(session.name, loc="left", fontsize=10)
    axis.set_xlabel("finished episode", fontsize=9)
    axis.set_ylabel("part of the episode", fontsize=9)
    axis.set_yticks([-0.5, by_phase.shape[1] - 0.5], ["begin", "end"])
    axis.set_xticks(np.arange(len(by_phase)), [str(number + 1) for number in session.corrections.episodes])
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.colorbar(picture, format=PercentFormatter(1.0, 0))
    return figure


def _learnt(session: ReportedSession) -> str:
    rows = []
    for one in session.corrections.corrections:
        if one.number in session.withdrawn:
            outcome = "withdrawn"
        elif not one.pairs:
            outcome = "no pair"
        elif math.isnan(one.learnt_s):
            outcome = "no plan with it in this session"
        else:
            outcome = f"{one.learnt_s:.2f} s later, policy v{one.version}"
        where = f"{one.first} to {one.last}"
        rows.append([str(one.number), str(one.episode + 1), where, str(len(one.pairs)), outcome])
    table = _table(["correction", "episode", "ticks", "pairs", "first plan that had learnt it"], rows)
    known = [one.learnt_s for one in session.corrections.corrections if not math.isnan(one.learnt_s)]
    median = f", median {np.median(known):.2f} s" if known else ""
    return (
        f"<details><summary>{html.escape(session.name)}: {len(known)} of {len(rows)} corrections learnt{median}"
        f"</summary>{table}</details>"
    )


def _timing(session: ReportedSession) -> str:
    sections = {**(session.figures.get("tick_sections_ms") or {})}
    rows = [
        [name, *(_number(times.get(level)) for level in ("p50", "p99", "max"))]
        for name, times in (
            ("whole tick", session.figures.get("tick_work_ms") or {}),
            ("delay of its start", session.figures.get("tick_lateness_ms") or {}),
            *sections.items(),
            ("a plan", session.figures.get("plan_ms") or {}),
        )
    ]
    return _table([session.name, "p50", "p99", "max"], rows)


def _differences(sessions: Sequence[ReportedSession]) -> str:
    names = sorted({name for session in sessions for name in session.settings} - {"out"})
    rows = []
    for name in names:
        values = [session.settings.get(name) for session in sessions]
        if any(value != values[0] for value in values):
            rows.append([name, *(str(value) for value in values)])
    return _table(["setting", *(session.name for session in sessions)], rows) if rows else "<p>none</p>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], marks: Sequence[str] = ()) -> str:
    """A table; all texts but the marks are escaped."""
    cells = [f"<th>{mark}{html.escape(text)}</th>" for mark, text in zip(marks or [""] * len(head), head, strict=True)]
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{''.join(cells)}</tr></thead><tbody>{body}</tbody></table>"


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasSVG(figure)
    figure.set_edgecolor(web(palette.INK))
    return figure


def _svg(figure: Figure) -> str:
    """The figure as an element of a page, without its declaration and its metadata."""
    text = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "hitl-clic"}):
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _color(number: int) -> str:
    return _COLORS[number % len(_COLORS)]


def _share(values: Sequence[bool]) -> str:
    return f"{np.mean(values):.0%}" if values else "-"


def _number(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
