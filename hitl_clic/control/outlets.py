"""The loop's outputs and inputs. Called in the tick, so no call may block."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hitl_clic.control.plan import ChunkPolicy
from hitl_clic.devices.core.slot import Slot
from hitl_clic.types.messages import ChunkPair, Weights
from hitl_clic.types.view import LoopView, Record


@dataclass(frozen=True, slots=True)
class Outlets:
    """Callbacks and slots of the loop.

    Attributes:
        record: takes every record (recorder, tally, cockpit).
        send: takes a pair for the learner. withdraw: takes back the pair with this id.
        fetch_policy: newer weights, ready to plan, or None.
        commands: the commands given since the last call.
        view: the newest instant, for window and dashboard.
        draws: whether the view is drawn. Only then the task's scene and progress are computed.
    """

    record: Callable[[Record], None]
    send: Callable[[ChunkPair], None]
    withdraw: Callable[[int], None]
    fetch_policy: Callable[[], tuple[ChunkPolicy, Weights] | None]
    commands: Callable[[], list[str]]
    view: Slot[LoopView]
    draws: bool = False
