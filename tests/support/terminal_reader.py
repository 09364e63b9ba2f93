"""A program that reads its terminal and writes down each command, for tests: `terminal_reader.py`."""

from __future__ import annotations

import signal
import sys
import time

from hitl_clic.cockpit.terminal_link import TerminalLink, terminal_input
from hitl_clic.cockpit.window.keymap import Keymap

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever started the tests may ignore it, as nohup does
terminal = terminal_input()
if terminal is None:
    sys.exit("no terminal")
link = TerminalLink(terminal, Keymap())
link.start()
try:
    while True:
        for command in link.take_commands():
            sys.stdout.write(f"<{command}>\r\n")
            sys.stdout.flush()
            if command == "quit":
                sys.exit(0)
            if command == "failure":
                raise RuntimeError("a crash of the program")
        time.sleep(0.01)
finally:
    link.close()
