"""Which modules each process loads before its work begins: what is heavy and not used would delay every start."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from hitl_clic.child_process import child_environment

NEVER = ("matplotlib", "sympy", "torch._dynamo", "torch._inductor", "torch.onnx", "pandas")
"""In no process that somebody waits for: pictures of curves, and torch's compiler with what it needs."""
SIMULATORS = ("robosuite", "mujoco", "metaworld", "cv2", "pygame")
COMMAND_LINE = """
from hitl_clic.cli import parse
parse.parse(["teach", "--task", "push_t", "--device", "oracle"])
import hitl_clic.cli.teach
"""
SESSION = """
import numpy as np
import hitl_clic.cli.teach
import hitl_clic.runner.session
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.policy_inbox import PolicyInbox
from hitl_clic.settings_layers import load
settings = load(overrides={"task": "line_following", "horizon": 4, "pace": "realtime"})
task = Parts().make_task(settings)
observation, _ = task.reset(seed=0)
PolicyInbox(observation.size, len(task.action_frame.axes), 4, settings.policy, seed=0).warm(observation, runs=1)
"""
LEARNER = """
import numpy as np
import hitl_clic.cli.learner, hitl_clic.learner.process
from hitl_clic.methods import make_live_trainer
from hitl_clic.settings_layers import load
settings = load(overrides={"policy": {"min_pairs": 1}}).policy
trainer = make_live_trainer(3, 2, 4, settings, 0)
trainer.add(0, "absolute", np.zeros(3, np.float32), *np.zeros((2, 4, 2), np.float32), np.ones((4, 2), np.float32))
trainer.update()
trainer.load_state(trainer.state())
trainer.weights()
"""


@pytest.mark.parametrize(
    ("code", "not_used"),
    [
        (COMMAND_LINE, (*NEVER, *SIMULATORS, "torch", "numba", "scipy", "rich.console")),
        (SESSION, (*NEVER, *SIMULATORS, "rich.console")),
        (LEARNER, (*NEVER, *SIMULATORS, "numba", "gymnasium", "gym_pusht", "hitl_clic.cockpit.window.window")),
    ],
    ids=["command line", "session", "learner"],
)
def test_a_process_loads_only_what_it_uses(code: str, not_used: tuple[str, ...]) -> None:
    report = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code + report], env=child_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "hitl_clic.settings" in loaded
    assert sorted(loaded & set(not_used)) == []
