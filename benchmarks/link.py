"""Throughput and latency of the link between actor and learner over loopback.

    python -m benchmarks.link [--seconds 10]

A real learner process stores pairs in its journal and sends weights, but never updates the network. Constant data.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import parser, percentiles, tell
from benchmarks.samples import DIM_A, DIM_O
from hitl_clic.child_process import child_environment
from hitl_clic.learner.launcher import LearnerChild
from hitl_clic.link.actor import ActorLink
from hitl_clic.runner.handshake_settings import handshake_settings
from hitl_clic.runner.own_learner import learner_command
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load
from hitl_clic.types.messages import ChunkPair, Hello, Weights

NEVER = 1_000_000
"""`clic.min_pairs`: so many that the learner never updates."""
BURST = 2000
WAIT_S = 60.0


def measure(seconds: float) -> dict[str, Any]:
    """Measure single pairs, bursts of pairs, and requests for weights, for a third of `seconds` each.

    Raises:
        RuntimeError: the learner did not start, or did not answer.
    """
    settings = load(overrides={"task": "push_t", "schedule": "lockstep", "policy": {"min_pairs": NEVER}})
    hello = Hello("bench", "bench", handshake_settings(settings, DIM_O, DIM_A))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = learner_command(Path(folder))
        command += ["--task", "push_t", "--schedule", "lockstep", "--policy.min-pairs", str(NEVER)]
        child = LearnerChild(command, Path(folder), restart=False, environment=child_environment())
        newest: list[Weights] = []
        try:
            link = ActorLink(child.start(), hello, settings.link, newest.append)
            link.start()
            try:
                until(lambda: link.status().state == "connected", "a connection")
                return _measure(link, settings, newest, seconds / 3)
            finally:
                link.close(1.0)
        finally:
            child.stop()


def _measure(link: ActorLink, settings: SessionSettings, newest: list[Weights], share_s: float) -> dict[str, Any]:
    sent = 0
    trips: list[float] = []  # milliseconds, from `send_pair` to the acknowledgement: the pair is in the journal
    stop = time.perf_counter() + share_s
    while time.perf_counter() < stop or len(trips) < 20:
        started = time.perf_counter_ns()
        link.send_pair(pair(sent, settings.horizon))
        sent += 1
        wait_acknowledged(link, sent)
        trips.append((time.perf_counter_ns() - started) * 1e-6)
    bursts: list[float] = []  # pairs per second
    stop = time.perf_counter() + share_s
    while time.perf_counter() < stop or not bursts:
        many = [pair(sent + number, settings.horizon) for number in range(BURST)]
        started_s = time.perf_counter()
        for one in many:
            link.send_pair(one)
        sent += BURST
        wait_acknowledged(link, sent)
        bursts.append(BURST / (time.perf_counter() - started_s))
    orders: list[float] = []  # seconds
    stop = time.perf_counter() + share_s
    while time.perf_counter() < stop or len(orders) < 5:
        started_s = time.perf_counter()
        if not link.wait_request(link.request_updates(1), WAIT_S):
            raise RuntimeError("the learner did not answer an order")
        orders.append(time.perf_counter() - started_s)
    size = sum(tensor.nbytes for tensor in newest[-1].tensors.values())
    return {
        "pair_round_trip_ms": percentiles(trips[5:], 50, 99, 100),
        "pairs_per_s": round(float(np.median(bursts))),
        "weights_mb": round(size * 1e-6, 3),
        "weights_mb_per_s": round(size * 1e-6 / float(np.median(orders)), 1),
        "weights_ms": percentiles([took * 1e3 for took in orders], 50, 99),
        "pairs": sent,
    }


def pair(number: int, horizon: int) -> ChunkPair:
    """A pair with the sizes of Push-T."""
    chunk = np.full((horizon, DIM_A), 0.5, np.float32)
    state = np.full(DIM_O, 0.1, np.float32)
    return ChunkPair(number, 0, number, "absolute", state, chunk, -chunk, np.ones_like(chunk), 0, 0, 0)


def wait_acknowledged(link: ActorLink, pairs: int) -> None:
    """Wait until the learner acknowledged this number of pairs. Raises RuntimeError after a timeout."""
    until(lambda: link.status().acknowledged == pairs, "acknowledgements")


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition that the link thread fulfils.

    Raises:
        RuntimeError: the timeout passed.
    """
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the learner did not send {what} within {WAIT_S:.0f} s")
        time.sleep(0.00002)


if __name__ == "__main__":
    tell("link", measure(parser("Pairs and weights over loopback.").parse_args().seconds))
