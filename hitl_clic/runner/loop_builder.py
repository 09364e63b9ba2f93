"""Builds the control loop of a session or a practice from its settings. Main thread, before the first tick."""

from __future__ import annotations

from hitl_clic.control.arbitration import Arbitration
from hitl_clic.control.chunk_queue import ChunkQueue
from hitl_clic.control.clock import MaxPaceClock, RealTimeClock
from hitl_clic.control.correction_log import CorrectionLog
from hitl_clic.control.exploration import Exploration
from hitl_clic.control.gate import Gate
from hitl_clic.control.help_request import HelpRequest
from hitl_clic.control.loop import ControlLoop
from hitl_clic.control.outlets import Outlets
from hitl_clic.control.overlap import OVERLAPS
from hitl_clic.control.planner import Planner
from hitl_clic.control.planning import Planning
from hitl_clic.control.schedule import Schedule
from hitl_clic.correction.first_push import FirstPush
from hitl_clic.correction.mapping import HandOver
from hitl_clic.correction.pair_builder import PairBuilder
from hitl_clic.correction.policy_filter import PolicyFilter
from hitl_clic.correction.undo import UndoBuffer
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.device_registry import bind_device, correction_options
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Task
from hitl_clic.types.ticks import ticks_of


def build_loop(
    settings: SessionSettings,
    task: Task,
    device: Device,
    planner: Planner,
    teacher: TeacherChannel,
    outlets: Outlets,
    schedule: Schedule,
    clock: RealTimeClock | None,
) -> ControlLoop:
    """The loop of these parts, none of them started.

    Args:
        task: already reset. clock: None runs the ticks as fast as planner and teacher answer.

    Raises:
        ValueError: device and task share no axis.
        SettingsError: as `correction_options`.
    """
    correction, rate_hz = settings.correction, settings.loop.rate_hz
    dim_a, binding = len(task.action_frame.axes), bind_device(settings, device, task)
    planning = Planning(
        planner,
        ChunkQueue(settings.horizon, settings.execute, settings.loop.plan_lead, dim_a),
        teacher,
        OVERLAPS[settings.loop.overlap],
        correction.pair_stride,
        settings.loop.planner_timeout_s,
    )
    arbitration = Arbitration(
        device=device,
        gate=Gate(settings.gate, correction, correction_options(settings, task), device.person),
        binding=binding,
        hand_over=HandOver(correction.max_step, dim_a),
        policy_filter=PolicyFilter(correction.policy_filter_s, rate_hz, binding.absolute),
        exploration=Exploration(settings.loop.exploration, settings.seed, dim_a),
        help=HelpRequest(settings.help_request),
        first_push=FirstPush(device.person),
    )
    pairs = PairBuilder(settings.horizon, settings.execute, correction, rate_hz, binding.absolute)
    return ControlLoop(
        task=task,
        arbitration=arbitration,
        planning=planning,
        corrections=CorrectionLog(pairs, UndoBuffer(correction.undo_s), outlets),
        outlets=outlets,
        clock=clock or MaxPaceClock(planning.wait_ready),
        schedule=schedule,
        snapshot_every=ticks_of(settings.loop.snapshot_every_s, rate_hz),
    )
