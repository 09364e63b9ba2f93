"""The contract check of HITL-CLIC, and what this device must refuse."""

import time

from udp_joystick import UdpJoystick, Sender, signed

from hitl_clic.testing import check_device

KEY = b"a shared key of 24 bytes"


def made(folder):
    file = folder / "key.txt"
    file.write_bytes(KEY)
    return UdpJoystick(port=0, key_file=str(file), host="127.0.0.1")


def test_the_device_keeps_the_contract(tmp_path):
    check_device(
        lambda: made(tmp_path),
        deflect=lambda device: Sender("127.0.0.1", device.port, KEY).send((0.5, 0.0, 0.0, 0.0), True),
        lose=lambda device: time.sleep(device.lost_after_s),
    )


def test_a_packet_with_another_key_or_from_before_is_ignored(tmp_path):
    device, sender = made(tmp_path), Sender("127.0.0.1", 0, KEY)
    sender.address = ("127.0.0.1", device.port)
    Sender("127.0.0.1", device.port, b"another key, 24 bytes ok").send((1.0, 0.0, 0.0, 0.0), True)
    assert not device.read(0.05).connected
    sender.send((0.25, 0.0, 0.0, 0.0), True)
    assert device.read(0.5).motion[0] == 0.25
    sender.socket.sendto(signed(KEY, device.counter - 1, (1.0, 0.0, 0.0, 0.0), True), sender.address)
    assert device.read(0.05).motion[0] == 0.25
    device.release()
