"""Teach a robot to follow a line with the scripted teacher, evaluate what it learnt, and verify the recording."""

import sys

import hitl_clic as hc

if __name__ == "__main__":
    config = sys.argv[1] if len(sys.argv) > 1 else None  # a TOML file with settings
    summary = hc.teach(task="line_following", device="oracle", pace="max", config=config)
    result = hc.evaluate(summary.folder, episodes=5)
    again = hc.replay(summary.folder, verify=True)
    print(f"taught {summary.episodes} episodes, {summary.success_rate:.0%} with the teacher's help: {summary.folder}")
    print(f"the policy alone: {result.success_rate:.0%}, 95 % interval {result.success_interval}")
    print(f"the recording: {again.report.sentence if again.report else ''}")
