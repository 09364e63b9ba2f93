"""UdpJoystick: a joystick on another machine sends UDP packets, signed with a shared key.

On this machine:   hitl-clic teach --device udp_joystick --device-options port 5005 key_file key.txt
On the other one:  Sender("this-machine", 5005, key).send((x, y, z, gripper), engage)   20 times a second or more
"""

import hashlib
import hmac
import socket
import struct
import time
from pathlib import Path

from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample

AXES = ("x", "y", "z", "gripper")
CONTENT = struct.Struct("<Q4f?")  # counter, motion, engage; then 32 bytes of HMAC-SHA256
SHORTEST_KEY = 16  # bytes


def signed(key, counter, motion, engage):
    """One packet."""
    content = CONTENT.pack(counter, *motion, engage)
    return content + hmac.digest(key, content, hashlib.sha256)


class Sender:
    """The side of the joystick. Packets count up in nanoseconds, so an old one cannot be sent again."""

    def __init__(self, host, port, key):
        self.address, self.key = (host, port), key
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, motion, engage):
        self.socket.sendto(signed(self.key, time.time_ns(), motion, engage), self.address)


class UdpJoystick(Device):
    """Receives the packets. What is not signed with the key, or is older than the newest, is ignored."""

    name = "udp_joystick"
    axes = AXES

    def __init__(self, port: int = 5005, key_file: str = "key.txt", host: str = "0.0.0.0", lost_after_s: float = 0.5):
        super().__init__(rate_hz=100.0)
        self.key = Path(key_file).read_bytes().strip()
        if len(self.key) < SHORTEST_KEY:
            raise ValueError(f"{key_file} holds {len(self.key)} bytes; a key needs {SHORTEST_KEY} or more")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.port = self.socket.getsockname()[1]
        self.lost_after_s, self.counter = lost_after_s, time.time_ns()
        self.newest = None

    def read(self, timeout_s):
        """Wait at most timeout_s, read all waiting packets, and return the newest state (reader thread)."""
        self.socket.settimeout(timeout_s)
        try:
            while True:
                self._take(self.socket.recv(1024))
                self.socket.settimeout(1e-6)  # only what is there already
        except (TimeoutError, BlockingIOError):
            pass
        now_ns = time.perf_counter_ns()
        if self.newest is None or self.newest.age_s(now_ns) > self.lost_after_s:
            self.trouble = f"no packet came to port {self.port}"
            return self.lost()
        return self.newest

    def _take(self, packet):
        content, signature = packet[: CONTENT.size], packet[CONTENT.size :]
        if len(content) != CONTENT.size or not hmac.compare_digest(
            signature, hmac.digest(self.key, content, hashlib.sha256)
        ):
            return
        counter, *motion, engage = CONTENT.unpack(content)
        if counter <= self.counter or not all(abs(number) <= 1.0 for number in motion):  # NaN is refused too
            return
        self.counter = counter
        self.newest = DeviceSample(time.perf_counter_ns(), tuple(motion), engage=engage)

    def release(self):
        """Close the socket (reader thread, after the last read)."""
        self.socket.close()
