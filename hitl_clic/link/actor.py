"""The actor's end of the link: one thread that owns the DEALER socket.

The loop thread calls `send_pair`, `withdraw`, `request_updates` and `status`. They never block: they touch a queue and
an immutable status. The socket belongs to the link thread; its failure shows in the status only. `wait_request` is for
the lockstep schedule, in which the loop waits for updates.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import zmq

from hitl_clic.link.address import endpoints, needs_ipv6, require_safe
from hitl_clic.link.codec import MalformedMessage, Message, WrongProtocol, decode, encode
from hitl_clic.link.handshake import Acknowledgement, Goodbye, Heartbeat, Rejected, UnknownPeer, Welcome, Withdrawal
from hitl_clic.link.keys import load_client_keys
from hitl_clic.link.outbox import Item, Outbox
from hitl_clic.link.settings import LinkSettings
from hitl_clic.types.messages import (
    PROTOCOL,
    ChunkPair,
    Hello,
    LearnerStatus,
    LinkStatus,
    UpdateRequest,
    Weights,
)
from hitl_clic.waiting import wait_for

log = logging.getLogger(__name__)
State = Literal["connecting", "connected", "lost", "refused"]
MAX_MESSAGES_PER_POLL = 1000
TRY_NEXT_S = 1.0
"""Time without a connection after which the next address of a host name is tried, s."""


class ActorLink:
    """Sends pairs and receives weights.

    Args:
        address: of the learner, for example "tcp://127.0.0.1:5588".
        hello: first message to the learner: identity and settings of the actor.
        settings: times, sizes and keys.
        on_weights: called in the link thread with the newest version and with every answer to a request. It must be
        quick.

    Raises:
        ValueError: malformed or unknown address, no loopback address without keys, or a hello that cannot be sent.
    """

    def __init__(
        self, address: str, hello: Hello, settings: LinkSettings, on_weights: Callable[[Weights], None]
    ) -> None:
        require_safe(address, settings.keys is not None)
        encode(hello)
        self._endpoints = deque(endpoints(address))
        self._address, self._hello, self._settings, self._on_weights = address, hello, settings, on_weights
        self._keys = load_client_keys(Path(settings.keys)) if settings.keys is not None else None
        self._inbox: deque[Item] = deque()
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._answered = threading.Condition()
        self._newest_answer = -1
        self._requests = 0
        self._made = 0
        self._close_at_s: float | None = None
        self._status = LinkStatus("connecting", f"looking for a learner at {address}")
        self._last_message_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

        # Below: link thread only.
        self._outbox = Outbox(settings.pair_capacity)
        self._state: State = "connecting"
        self._detail = self._status.detail
        self._acknowledged = self._dropped = self._malformed = 0
        self._learner = LearnerStatus()
        self._status_outdated = False  # acknowledgements since the last LearnerStatus
        self._learner_run = ""
        self._version = 0
        self._hello_due, self._welcomed = True, False
        self._hello_s = self._heartbeat_s = float("-inf")
        self._sent_s = time.monotonic()  # when a message last went out, or an address was last tried

    def start(self) -> None:
        """Start the link thread, which connects and reconnects."""
        self._thread.start()

    def send_pair(self, pair: ChunkPair) -> None:
        """Queue a pair; it is repeated until the learner acknowledges it. Never blocks."""
        self._made += 1
        self._enqueue(pair)

    def withdraw(self, pair_id: int) -> None:
        """Ask the learner to forget a pair, sent or not. Never blocks."""
        self._enqueue(Withdrawal(pair_id))

    def request_updates(self, updates: int) -> int:
        """Request `updates` updates on all earlier pairs; returns the request's number. Never blocks."""
        self._requests += 1
        self._enqueue(UpdateRequest(self._requests, updates))
        return self._requests

    def wait_request(self, request: int, timeout_s: float) -> bool:
        """Wait until `on_weights` has the answer to a request; False after `timeout_s` (see `hitl_clic.waiting`)."""
        with self._answered:
            return wait_for(self._answered, lambda: self._newest_answer >= request, timeout_s)

    def status(self) -> LinkStatus:
        """The present status. Never blocks."""
        silence = time.monotonic() - self._last_message_s
        return replace(self._status, made=self._made, silence_s=silence)

    @property
    def alive(self) -> bool:
        """Whether the link thread runs; it ends with `close` or by a fault, which the status describes."""
        return self._thread.is_alive()

    def close(self, drain_s: float) -> None:
        """Wait at most `drain_s` for all acknowledgements and a heartbeat that includes them, then close."""
        if not self._thread.is_alive():
            return
        self._close_at_s = time.monotonic() + drain_s
        self._wake()
        self._thread.join()

    def _enqueue(self, item: Item) -> None:
        self._inbox.append(item)
        self._wake()

    def _wake(self) -> None:
        # If the pipe is full, a wake-up is pending; if it is closed, the thread has ended.
        with contextlib.suppress(BlockingIOError, OSError):
            self._waker.send(b"\0")

    # ---- link thread

    def _run(self) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        dealer = context.socket(zmq.DEALER)
        try:
            self._connect(dealer)
            while not self._finished():
                self._run_once(dealer)
            self._say_goodbye(dealer)
        except Exception as error:
            log.exception("the link thread stopped")
            self._state, self._detail = "lost", f"the link thread stopped: {type(error).__name__}: {error}"
            self._publish_status()
        finally:
            dealer.close(linger=200)
            context.term()
            self._waker.close()
            self._woken.close()

    def _connect(self, dealer: zmq.Socket[bytes]) -> None:
        # Without a connection ZeroMQ queues nothing: the outbox decides what to send.
        dealer.setsockopt(zmq.IMMEDIATE, 1)
        dealer.setsockopt(zmq.MAXMSGSIZE, self._settings.max_message_bytes)
        dealer.setsockopt(zmq.RECONNECT_IVL, 50)
        dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        if self._keys is not None:
            dealer.curve_serverkey = self._keys.server
            dealer.curve_publickey, dealer.curve_secretkey = self._keys.public, self._keys.secret
        self._connect_first(dealer)

    def _connect_first(self, dealer: zmq.Socket[bytes]) -> None:
        endpoint = self._endpoints[0]
        dealer.setsockopt(zmq.IPV6, int(needs_ipv6(endpoint)))
        dealer.connect(endpoint)
        self._sent_s = time.monotonic()

    def _try_next_address(self, dealer: zmq.Socket[bytes]) -> None:
        """Of several addresses of a host name only one may have the learner, for example of "localhost"."""
        if len(self._endpoints) > 1 and time.monotonic() - self._sent_s > TRY_NEXT_S:
            dealer.disconnect(self._endpoints[0])
            self._endpoints.rotate(-1)
            self._connect_first(dealer)

    def _finished(self) -> bool:
        if self._close_at_s is None:
            return False
        # Wait for one more heartbeat, so that the session's last figures include its last pairs.
        status_current = not self._status_outdated or self._state != "connected"
        answered = not self._inbox and not len(self._outbox) and status_current
        return answered or self._state == "refused" or time.monotonic() >= self._close_at_s

    def _run_once(self, dealer: zmq.Socket[bytes]) -> None:
        poller = zmq.Poller()
        poller.register(dealer, zmq.POLLIN)
        poller.register(self._woken, zmq.POLLIN)
        wait_s = min(self._settings.heartbeat_s / 2, 0.05)
        if any(source is not dealer for source, _ in poller.poll(int(wait_s * 1000))):
            self._drain_wakes()
        self._take_inbox()
        self._receive_all(dealer)
        self._watch_silence()
        self._send_due(dealer)
        self._publish_status()

    def _drain_wakes(self) -> None:
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            return

    def _take_inbox(self) -> None:
        while self._inbox:
            item = self._inbox.popleft()
            try:
                encode(item)
            except MalformedMessage as error:
                log.error("cannot send %s: %s", type(item).__name__, error)
                self._dropped += 1
                continue
            if not self._outbox.put(item):
                self._dropped += 1

    def _receive_all(self, dealer: zmq.Socket[bytes]) -> None:
        newest: Weights | None = None
        for _ in range(MAX_MESSAGES_PER_POLL):
            try:
                frames = dealer.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            try:
                message = decode(frames, self._settings.max_message_bytes)
            except WrongProtocol as error:
                self._set_refused(f"the learner speaks protocol {error.protocol}, the actor {PROTOCOL}")
                continue
            except MalformedMessage as error:
                self._malformed += 1
                log.warning("dropped a malformed message of the learner: %s", error)
                continue
            self._last_message_s = time.monotonic()
            if not isinstance(message, Weights):
                self._receive(message)
            elif self._is_newer(message):
                self._version = message.version
                newest = message
                if message.request >= 0:
                    self._status_outdated |= message.step > self._learner.updates
                    self._deliver(message)
                    newest = None
        if newest is not None:
            self._deliver(newest)

    def _receive(self, message: Message) -> None:
        match message:
            case LearnerStatus():
                self._learner, self._status_outdated = message, False
                if self._state == "lost" and self._learner_run:
                    self._set_connected()  # it was busy, not lost
            case Acknowledgement(pairs, withdrawals):
                self._acknowledged += sum(self._outbox.answer_pair(number) for number in pairs)
                self._status_outdated = True
                for number in withdrawals:
                    self._outbox.answer_withdrawal(number)
            case Welcome(run_id, _, known):
                if run_id != self._learner_run:
                    self._learner_run, self._version = run_id, 0  # each run numbers its versions from 1
                self._acknowledged += self._outbox.answer_known(known)
                self._outbox.requeue()
                self._welcomed = True
                self._set_connected()
            case UnknownPeer():
                # Several may arrive in response to messages before the hello; one hello is enough.
                if time.monotonic() - self._hello_s > 2 * self._settings.heartbeat_s:
                    self._hello_due = True
            case Rejected(reason):
                self._set_refused(reason)
            case _:
                self._malformed += 1
                log.warning("dropped a %s, which is not for an actor", type(message).__name__)

    def _is_newer(self, weights: Weights) -> bool:
        if weights.run_id != self._learner_run:
            return False
        answers = weights.request > self._newest_answer
        return weights.version > self._version or (answers and weights.version == self._version)

    def _deliver(self, weights: Weights) -> None:
        try:
            self._on_weights(weights)
        except Exception:
            log.exception("weights version %d were not accepted", weights.version)
        self._outbox.answer_requests(weights.request)
        with self._answered:
            self._newest_answer = max(self._newest_answer, weights.request)
            self._answered.notify_all()

    def _set_connected(self) -> None:
        self._state, self._detail = "connected", f"learner at {self._address}"

    def _set_refused(self, reason: str) -> None:
        self._state, self._detail = "refused", f"the learner at {self._address} refused: {reason}"
        self._learner_run, self._welcomed = "", False

    def _watch_silence(self) -> None:
        silence = time.monotonic() - self._last_message_s
        if self._state == "connected" and silence > self._settings.lost_after_s:
            self._state = "lost"
            self._detail = f"no message from the learner at {self._address}; using the last weights"

    def _send_due(self, dealer: zmq.Socket[bytes]) -> None:
        now = time.monotonic()
        if self._state == "refused":
            # Another learner may take the address: try again from time to time.
            self._hello_due = now - self._hello_s > self._settings.lost_after_s
        if self._hello_due:
            if self._send(dealer, self._hello):
                self._hello_due = self._welcomed = False
                self._hello_s = self._heartbeat_s = now
            return
        if self._state == "refused":
            return
        if now - self._heartbeat_s >= self._settings.heartbeat_s and self._send(dealer, Heartbeat(self._version)):
            self._heartbeat_s = now
        if self._state != "connected" or not self._welcomed:
            return
        for item in self._outbox.due(now, self._last_message_s, self._settings.resend_after_s):
            if not self._send(dealer, item):
                return

    def _send(self, dealer: zmq.Socket[bytes], message: Message) -> bool:
        try:
            dealer.send_multipart(encode(message), zmq.NOBLOCK)
        except zmq.Again:
            self._try_next_address(dealer)
            return False
        self._sent_s = time.monotonic()
        return True

    def _say_goodbye(self, dealer: zmq.Socket[bytes]) -> None:
        self._dropped += self._outbox.pairs
        self._send(dealer, Goodbye())
        self._publish_status()

    def _publish_status(self) -> None:
        self._status = LinkStatus(
            state=self._state,
            detail=self._detail,
            acknowledged=self._acknowledged,
            dropped=self._dropped,
            malformed=self._malformed,
            learner=self._learner,
        )
