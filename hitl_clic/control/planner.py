"""The planner thread: chunk inference beside the loop, so that no tick waits for it.

`request`, `forget`, `swap`, `check` and `wait_idle` are called by the actor's main thread, `latest` by any thread, the
policy by the planner thread alone. Requests are newest-wins: one that has not begun is replaced. Imports no torch.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hitl_clic.control.overlap import PlanRequest
from hitl_clic.control.plan import ChunkPolicy, SearchingPolicy
from hitl_clic.control.search_budget import SearchBudget
from hitl_clic.devices.core.slot import Slot
from hitl_clic.types.records import Plan
from hitl_clic.waiting import wait_for


class LoopError(RuntimeError):
    """Planner or teacher failed, with the error as the cause, or took too long."""


def answer(policy: ChunkPolicy, request: PlanRequest) -> Plan:
    """The policy's plan for a request. Any thread, one caller of a policy at a time."""
    started = time.perf_counter_ns()
    found = policy.plan(request.observation, request.committed, request.previous)
    return Plan(
        tick=request.tick,
        chunk=found.chunk,
        energy=found.energy,
        weight_version=policy.version,
        newest_pair=policy.newest_pair,
        started_ns=started,
        finished_ns=time.perf_counter_ns(),
        lead=request.lead,
        ahead=request.ahead,
        uncertainty=found.uncertainty,
    )


class Planner:
    """Runs `policy.plan` in its own thread.

    Args:
        policy: the first policy.
        prepare: called once in the planner thread before the first plan (for example to set its thread count).
        budget: chooses the size of each plan's search; None: every plan does the full search.
    """

    def __init__(
        self, policy: ChunkPolicy, prepare: Callable[[], None] | None = None, budget: SearchBudget | None = None
    ) -> None:
        self._policy = policy
        self._prepare, self._budget = prepare, budget
        self._condition = threading.Condition()
        self._request: PlanRequest | None = None
        self._busy = False
        self._forgotten = False
        """Whether the present plan is for an old scene."""
        self._closing = False
        self._latest: Slot[Plan] = Slot()
        self.error: BaseException | None = None
        """The exception that ended the thread."""
        self._thread = threading.Thread(target=self._run, name="planner", daemon=True)

    @property
    def policy(self) -> ChunkPolicy:
        """The policy that the next plan will use."""
        return self._policy

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def swap(self, policy: ChunkPolicy) -> None:
        """Use this policy from the next plan on: a reference change between two ticks."""
        self._policy = policy

    def request(self, request: PlanRequest) -> None:
        """Request a plan; replaces a request that has not begun. Returns at once."""
        with self._condition:
            self._request = request
            self._condition.notify_all()

    def latest(self) -> Plan | None:
        """The newest finished plan of this scene. Any thread; never blocks."""
        return self._latest.latest()

    def forget(self) -> None:
        """A new scene: `latest` never gives a plan that was requested before this call."""
        with self._condition:
            self._request = None
            self._forgotten = self._busy
            self._latest = Slot()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until all requests are done (`--pace max` only). False when time ran out."""
        with self._condition:
            return wait_for(
                self._condition,
                lambda: (self._request is None and not self._busy) or self.error is not None,
                timeout_s,
            )

    def check(self) -> None:
        """Raises LoopError if the policy raised, which ends the thread."""
        if self.error is not None:
            raise LoopError(f"the planner ended: {self.error}") from self.error

    def close(self) -> None:
        """End the thread after the plan at hand."""
        with self._condition:
            self._closing = True
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        try:
            if self._prepare is not None:
                self._prepare()
            while (request := self._next()) is not None:
                plan = self._answer(request)
                with self._condition:
                    if not self._forgotten:
                        self._latest.publish(plan)
                    self._busy = False
                    self._condition.notify_all()
        except BaseException as error:
            with self._condition:
                self.error = error
                self._condition.notify_all()

    def _answer(self, request: PlanRequest) -> Plan:
        """The plan for a request, with as much search as the budget allows."""
        policy = self._policy
        if self._budget is None or not isinstance(policy, SearchingPolicy):
            return answer(policy, request)
        policy.search = self._budget.search
        plan = answer(policy, request)
        self._budget.took((plan.finished_ns - plan.started_ns) * 1e-9)
        return plan

    def _next(self) -> PlanRequest | None:
        with self._condition:
            self._condition.wait_for(lambda: self._request is not None or self._closing)
            if self._closing:
                return None
            request, self._request, self._busy, self._forgotten = self._request, None, True, False
            return request
