"""`app.py` with a simulated device: `hid_session.py spacemouse|gamepad teach ...`.

The device is pushed right and away, rests, is pushed again, and is unplugged and reconnected during a push.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

PUSH_S, REST_S = 0.8, 0.4


def with_spacemouse() -> Callable[[], None]:
    """Puts a 3D mouse's transport in place of the system's; gives what moves it."""
    from fake_hid import CapPush, FakeTransport, moved

    from hitl_clic.devices.hardware import spacemouse

    transport = FakeTransport()
    spacemouse.system_source = lambda which="": spacemouse.ReportSource(transport)  # type: ignore[assignment]
    spacemouse.hid_module = lambda: sys  # type: ignore[assignment]

    def live() -> None:
        while not transport.opened:
            time.sleep(0.05)
        for number in range(1000):
            push = CapPush(transport, moved(transport.model, 350, -350, 0, 0, 0, 0))
            push.start()
            time.sleep(PUSH_S)
            if number == 1:
                transport.plug(False)
                time.sleep(REST_S)
                transport.plug(True)
            push.release()
            time.sleep(REST_S)

    return live


def with_gamepad() -> Callable[[], None]:
    """Attaches a virtual pad; gives what moves it."""
    from virtual_pads import RIGHT_SHOULDER, VirtualPads

    from hitl_clic.devices.hardware.connected_pads import connected_pads
    from hitl_clic.devices.hardware.gamepad import PadSource

    connected_pads()
    pads = VirtualPads()
    pad = pads.attach()
    opened = threading.Event()
    opens = PadSource.open

    def telling(source: PadSource) -> None:
        opens(source)
        opened.set()

    PadSource.open = telling  # type: ignore[method-assign]

    def live() -> None:
        nonlocal pad
        opened.wait()
        for number in range(1000):
            pad.axis(0, 1.0)
            pad.axis(1, -1.0)
            pad.button(RIGHT_SHOULDER)
            time.sleep(PUSH_S)
            if number == 1:
                pad.unplug()
                time.sleep(REST_S)
                pad = pads.attach()
            for axis in (0, 1):
                pad.axis(axis, 0.0)
            pad.button(RIGHT_SHOULDER, False)
            time.sleep(REST_S)

    return live


if __name__ == "__main__":
    import app

    threading.Thread(
        target={"spacemouse": with_spacemouse, "gamepad": with_gamepad}[sys.argv[1]](), daemon=True
    ).start()
    sys.exit(app.main(sys.argv[2:]))
