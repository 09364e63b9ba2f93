"""Figures of a session: `curves.png` (per episode), and how well uncertainty predicts corrections.

Called by the main thread after a session, never in a tick. Uses matplotlib's figures directly, no global state.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.palette import web
from hitl_clic.control.uncertainty import UncertaintyStudy
from hitl_clic.types.records import EpisodeRecord

ROLLING = 5
"""Episodes in the rolling mean."""
_INK, _SOFT, _HUMAN, _ROBOT = map(web, (palette.INK, palette.INK_SOFT, palette.HUMAN_INK, palette.ROBOT_INK))


def write_curves(episodes: Sequence[EpisodeRecord], path: Path, title: str) -> None:
    """Write a session's four curves: feedback, success, action error, episode length.

    Args:
        episodes: the finished ones, in order; may be empty.
        path: file to write; its ending gives the format (.png, .pdf, .svg). A missing folder is made.
        title: one line at the top, for example "Push-T · clic · oracle · seed 0".

    Raises:
        OSError: the file cannot be written. ValueError: matplotlib does not know the ending.
    """
    figure = _figure(6.6, title)
    if episodes:
        axes = figure.subplots(2, 2, sharex=True)
        numbers = np.array([record.episode + 1 for record in episodes])
        curves = (
            ("Steps that the teacher drives", [record.feedback_per_step for record in episodes], _HUMAN),
            ("Action error: robot to teacher, L2 norm per step", [r.l2_error_per_step for r in episodes], _ROBOT),
            ("Episode length, steps", [float(record.timesteps) for record in episodes], _ROBOT),
        )
        for axis, (name, values, color) in zip((axes[0, 0], axes[1, 0], axes[1, 1]), curves, strict=True):
            axis.plot(numbers, values, "o", color=color, markersize=4, alpha=0.4, markeredgewidth=0)
            axis.plot(numbers, rolling_mean(values), color=color, linewidth=2)
            axis.set_title(name, loc="left", fontsize=10, color=_INK)
        _success(axes[0, 1], numbers, [record.success for record in episodes])
        for axis, margin in zip(axes[0], (0.03, 0.06), strict=True):
            axis.set_ylim(-margin, 1.0 + margin)
            axis.yaxis.set_major_formatter(PercentFormatter(1.0, 0))
        for axis in axes[1]:
            axis.set_xlim(numbers[0] - 0.5, numbers[-1] + 0.5)
            axis.set_ylim(bottom=0.0)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        for axis, label in zip(axes.flat, ("", "", "episode", "episode"), strict=True):
            _style(axis, label)
    else:
        figure.text(0.5, 0.5, "No episode was finished", ha="center", color=_SOFT)
    _save(figure, path)


def write_uncertainty(study: UncertaintyStudy, threshold: float, path: Path) -> None:
    """Write how well uncertainty predicts corrections: the ROC curve, and the share corrected by uncertainty.

    `threshold`: of the help request, action units; marked in both.

    Raises:
        OSError: the file cannot be written. ValueError: only one class, see `UncertaintyStudy.curve`.
    """
    figure = _figure(4.2, "Does uncertainty predict corrections?")
    left, right = figure.subplots(1, 2)
    called = study.uncertainty > threshold
    left.plot([0, 1], [0, 1], color=_SOFT, linewidth=1, linestyle="--", label="chance")
    left.plot(*study.curve(), color=_ROBOT, linewidth=2, label=f"uncertainty, area {study.area():.2f}")
    mark = ([called[~study.corrected].mean()], [called[study.corrected].mean()])
    left.plot(*mark, "o", color=_HUMAN, label=f"help request above {threshold:.3f}")
    left.legend(loc="lower right", frameon=False, fontsize=8)
    tenths = np.array_split(np.argsort(study.uncertainty, kind="stable"), min(10, len(study.uncertainty)))
    middles = [float(np.median(study.uncertainty[tenth])) for tenth in tenths]
    right.plot(middles, [study.corrected[tenth].mean() for tenth in tenths], "o-", color=_ROBOT)
    right.axhline(study.chance, color=_SOFT, linewidth=1, linestyle="--")
    right.axvline(threshold, color=_HUMAN, linewidth=1)
    right.set_ylim(bottom=0.0)
    _style(left, "false positive rate", "true positive rate")
    _style(right, "uncertainty, action units (deciles of the plans)", "plans followed by a correction, share")
    _save(figure, path)


def rolling_mean(values: Sequence[float], width: int = ROLLING) -> np.ndarray:
    """Mean of each value and up to `width` - 1 before it, float64 [n]. NaN values are ignored."""
    means = np.full(len(values), math.nan)
    for index in range(len(values)):
        known = [value for value in values[max(0, index + 1 - width) : index + 1] if not math.isnan(value)]
        if known:
            means[index] = sum(known) / len(known)
    return means


def _success(axis: Axes, numbers: np.ndarray, success: Sequence[bool]) -> None:
    good = np.array(success)
    axis.plot(numbers[good], np.ones(good.sum()), "o", color=web(palette.GOOD_INK), markersize=5, label="success")
    axis.plot(numbers[~good], np.zeros((~good).sum()), "x", color=web(palette.BAD_INK), markersize=6, label="failure")
    mean = rolling_mean([float(one) for one in success])
    axis.plot(numbers, mean, color=_ROBOT, linewidth=2, label=f"mean of {ROLLING} episodes")
    axis.set_title("Success", loc="left", fontsize=10, color=_INK)
    axis.legend(loc="center right", frameon=False, fontsize=8)


def _figure(height: float, title: str) -> Figure:
    figure = Figure(figsize=(10.0, height), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, color=_INK, fontweight="bold")
    return figure


def _style(axis: Axes, x_label: str, y_label: str = "") -> None:
    axis.set_xlabel(x_label, fontsize=9, color=_SOFT)
    axis.set_ylabel(y_label, fontsize=9, color=_SOFT)
    axis.grid(True, axis="y", color=web(palette.GROUND))
    axis.set_axisbelow(True)
    axis.tick_params(colors=_SOFT, labelsize=8)
    for side, spine in axis.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(_SOFT)


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
