"""`hitl-clic uncertainty`: from recordings, the uncertainty above which the robot should ask for help. Main thread."""

from __future__ import annotations

from hitl_clic.cli.commands import UncertaintyCommand
from hitl_clic.cockpit.report import write_uncertainty
from hitl_clic.runner.recordings import open_session
from hitl_clic.runner.uncertainty_study import uncertainty_study
from hitl_clic.types.errors import UserError


def run(command: UncertaintyCommand) -> int:
    """Print how well uncertainty predicts corrections and which threshold to set, and draw the curve.

    Raises:
        UserError: a session cannot be read, or the sessions hold too few corrections.
    """
    sessions, within_s, alarms = command.sessions, command.within, command.alarms
    study = uncertainty_study([open_session(path) for path in sessions], within_s)
    try:
        area = study.area()
    except ValueError as error:
        raise UserError(f"sessions = {error}") from error
    threshold = study.threshold(alarms)
    picture = command.out or sessions[0] / "uncertainty.png"
    write_uncertainty(study, threshold, picture)
    print(
        f"{len(study.uncertainty)} plans; a correction began within {within_s:g} s of {100 * study.chance:.0f}% of them"
    )
    print(
        f"a plan that was corrected had a larger uncertainty than another: {100 * area:.0f}% of the time (chance: 50%)"
    )
    print(
        f"asking at {100 * alarms:.0f}% of the plans, those above {threshold:.3f}: "
        f"{100 * study.right(threshold):.0f}% of them were corrected (chance: {100 * study.chance:.0f}%)"
    )
    print(f"drawn in {picture}; let the robot ask, and wait, with")
    print(f"  hitl-clic teach --help-request.threshold {threshold:.3f} --help-request.wait")
    return 0
