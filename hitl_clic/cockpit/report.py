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


def write_curves(episodes: Sequence[EpisodeRecord], path: Path, title: str) -> None:
    """Write a session's four curves: feedback, success, action error, episode length.

    Args:
        episodes: the finished ones, in order; may be empty.
        path: file to write; its ending gives the format (.png, .pdf, .svg). A missing folder is made.
        title: one line at the top, for example "Push-T · clic · oracle · seed 0".

    Raises:
        OSError: the file cannot be written. ValueError: matplotlib does not know the ending.
    """
    figure = Figure(figsize=(10.0, 6.6), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, color=web(palette.INK), fontweight="bold")
    if episodes:
        axes = figure.subplots(2, 2, sharex=True)
        numbers = np.array([record.episode + 1 for record in episodes])
        human, robot = web(palette.HUMAN_INK), web(palette.ROBOT_INK)
        _feedback(axes[0, 0], numbers, [record.feedback_per_step for record in episodes], human)
        _success(axes[0, 1], numbers, [record.success for record in episodes])
        _curve(axes[1, 0], numbers, [record.l2_error_per_step for record in episodes], robot)
        axes[1, 0].set_title(
            "Action error: robot to teacher, L2 norm per step", loc="left", fontsize=10, color=web(palette.INK)
        )
        _curve(axes[1, 1], numbers, [float(record.timesteps) for record in episodes], robot)
        axes[1, 1].set_title("Episode length, steps", loc="left", fontsize=10, color=web(palette.INK))
        for axis in axes.flat:
            _style(axis)
        for axis in axes[1]:
            axis.set_xlabel("episode", fontsize=9, color=web(palette.INK_SOFT))
            axis.set_xlim(numbers[0] - 0.5, numbers[-1] + 0.5)
            axis.set_ylim(bottom=0.0)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    else:
        figure.text(0.5, 0.5, "No episode was finished", ha="center", color=web(palette.INK_SOFT))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def write_uncertainty(study: UncertaintyStudy, threshold: float, path: Path) -> None:
    """Write how well uncertainty predicts corrections: the ROC curve, and the share corrected by uncertainty.

    Args:
        threshold: of the help request, action units; marked in both. path: file to write; a missing folder is made.

    Raises:
        OSError: the file cannot be written. ValueError: only one class, see `UncertaintyStudy.curve`.
    """
    figure = Figure(figsize=(10.0, 4.2), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle("Does uncertainty predict corrections?", color=web(palette.INK), fontweight="bold")
    left, right = figure.subplots(1, 2)
    called = study.uncertainty > threshold
    false_positives, true_positives = study.curve()
    left.plot([0, 1], [0, 1], color=web(palette.INK_SOFT), linewidth=1, linestyle="--", label="chance")
    left.plot(
        false_positives,
        true_positives,
        color=web(palette.ROBOT_INK),
        linewidth=2,
        label=f"uncertainty, area {study.area():.2f}",
    )
    mark = ([called[~study.corrected].mean()], [called[study.corrected].mean()])
    left.plot(*mark, "o", color=web(palette.HUMAN_INK), label=f"help request above {threshold:.3f}")
    left.set_xlabel("false positive rate", fontsize=9, color=web(palette.INK_SOFT))
    left.set_ylabel("true positive rate", fontsize=9, color=web(palette.INK_SOFT))
    left.legend(loc="lower right", frameon=False, fontsize=8)
    tenths = np.array_split(np.argsort(study.uncertainty, kind="stable"), min(10, len(study.uncertainty)))
    middles = [float(np.median(study.uncertainty[tenth])) for tenth in tenths]
    right.plot(middles, [study.corrected[tenth].mean() for tenth in tenths], "o-", color=web(palette.ROBOT_INK))
    right.axhline(study.chance, color=web(palette.INK_SOFT), linewidth=1, linestyle="--")
    right.axvline(threshold, color=web(palette.HUMAN_INK), linewidth=1)
    right.set_ylim(bottom=0.0)
    right.set_xlabel("uncertainty, action units (deciles of the plans)", fontsize=9, color=web(palette.INK_SOFT))
    right.set_ylabel("plans followed by a correction, share", fontsize=9, color=web(palette.INK_SOFT))
    for axis in (left, right):
        _style(axis)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def rolling_mean(values: Sequence[float], width: int = ROLLING) -> np.ndarray:
    """Mean of each value and up to `width` - 1 before it, float64 [n]. NaN values are ignored."""
    means = np.full(len(values), math.nan)
    for index in range(len(values)):
        known = [value for value in values[max(0, index + 1 - width) : index + 1] if not math.isnan(value)]
        if known:
            means[index] = sum(known) / len(known)
    return means


def _feedback(axis: Axes, numbers: np.ndarray, shares: Sequence[float], color: str) -> None:
    _curve(axis, numbers, shares, color)
    axis.set_title("Steps that the teacher drives", loc="left", fontsize=10, color=web(palette.INK))
    axis.set_ylim(-0.03, 1.03)
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, 0))


def _success(axis: Axes, numbers: np.ndarray, reached: Sequence[bool]) -> None:
    good = np.array(reached)
    axis.plot(numbers[good], np.ones(good.sum()), "o", color=web(palette.GOOD_INK), markersize=5, label="reached")
    axis.plot(numbers[~good], np.zeros((~good).sum()), "x", color=web(palette.BAD_INK), markersize=6, label="failed")
    mean = rolling_mean([float(one) for one in reached])
    axis.plot(numbers, mean, color=web(palette.ROBOT_INK), linewidth=2, label=f"mean of {ROLLING} episodes")
    axis.set_title("Goal reached", loc="left", fontsize=10, color=web(palette.INK))
    axis.set_ylim(-0.06, 1.06)
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, 0))
    axis.legend(loc="center right", frameon=False, fontsize=8)


def _curve(axis: Axes, numbers: np.ndarray, values: Sequence[float], color: str) -> None:
    """Each episode as a faint dot, the rolling mean as a line."""
    axis.plot(numbers, values, "o", color=color, markersize=4, alpha=0.4, markeredgewidth=0)
    axis.plot(numbers, rolling_mean(values), color=color, linewidth=2)


def _style(axis: Axes) -> None:
    axis.grid(True, axis="y", color=web(palette.GROUND))
    axis.set_axisbelow(True)
    axis.tick_params(colors=web(palette.INK_SOFT), labelsize=8)
    for side, spine in axis.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(web(palette.INK_SOFT))
