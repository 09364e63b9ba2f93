"""Runs a program as a shell does, but never touches the terminal's attributes: `job_parent.py PROGRAM...`.

It says when the program was stopped, and continues it once a file "continue" of its working folder is there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = subprocess.Popen(sys.argv[2:], process_group=0)
os.tcsetpgrp(0, child.pid)
_, status = os.waitpid(child.pid, os.WUNTRACED)
if os.WIFSTOPPED(status):
    sys.stdout.write("it stopped\r\n")
    sys.stdout.flush()
    while not Path(sys.argv[1]).exists():
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGCONT)
    os.waitpid(child.pid, 0)
