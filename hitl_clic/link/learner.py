"""The learner's end of the link: a ROUTER socket that the learner process polls between updates.

Learner process, main thread only. Never blocks longer than asked, and trusts no received bytes. It reports events;
the caller decides what to do with them.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import zmq

from hitl_clic.link.address import endpoints, in_use, needs_ipv6, require_safe
from hitl_clic.link.codec import MalformedMessage, Message, WrongProtocol, decode, encode
from hitl_clic.link.handshake import Acknowledgement, Goodbye, Heartbeat, Rejected, UnknownPeer, Welcome, Withdrawal
from hitl_clic.link.keys import Guard, load_server_keys
from hitl_clic.link.settings import LinkSettings
from hitl_clic.types.messages import PROTOCOL, ChunkPair, Hello, LearnerStatus, UpdateRequest, Weights

SettingsMap = Mapping[str, str | int | float | bool]
MAX_MESSAGES_PER_POLL = 10_000


@dataclass(frozen=True, slots=True)
class ActorJoined:
    """An actor with matching protocol and settings sent its hello; answer with `welcome` or `refuse`."""

    actor: bytes
    hello: Hello


@dataclass(frozen=True, slots=True)
class ActorLeft:
    """An actor closed the link or became silent."""

    actor: bytes
    run_id: str
    silent: bool


@dataclass(frozen=True, slots=True)
class PairArrived:
    """A pair of an actor's run, possibly a repeated one. Call `acknowledge` once it is safe."""

    actor: bytes
    run_id: str
    pair: ChunkPair


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A withdrawal, possibly of a pair that has not arrived. Call `acknowledge` once it is safe."""

    actor: bytes
    run_id: str
    withdrawal: Withdrawal


@dataclass(frozen=True, slots=True)
class UpdatesRequested:
    """A request for a number of updates; answer with weights that carry the request's number."""

    actor: bytes
    run_id: str
    request: UpdateRequest


Event = ActorJoined | ActorLeft | PairArrived | Withdrawn | UpdatesRequested


@dataclass(slots=True)
class _Peer:
    hello: Hello
    last_message_s: float
    welcomed: bool = False
    weights_sent_s: float = 0.0


class CannotListen(OSError):
    """The address is in use, or belongs to another machine."""


class LearnerLink:
    """The bound socket and its peers.

    Args:
        address: for example "tcp://127.0.0.1:5588"; port * for any free one.
        expected: required settings of actors; None: set later by `expect`.
        settings: times, sizes and keys.

    Raises:
        ValueError: malformed or unknown address, or no loopback address without keys.
        CannotListen: the address is in use, or belongs to another machine.
    """

    def __init__(self, address: str, expected: SettingsMap | None, settings: LinkSettings) -> None:
        require_safe(address, settings.keys is not None, listening=True)
        endpoint = endpoints(address, listening=True)[0]
        if in_use(endpoint):
            raise CannotListen(errno.EADDRINUSE, f"cannot listen on {address}: another process does")
        self._settings = settings
        self._expected = expected
        self._peers: dict[bytes, _Peer] = {}
        self._weights: Weights | None = None
        self._per_actor: Callable[[Weights, str], Weights] | None = None
        self._heartbeat_s = 0.0
        self._last_message_s = time.monotonic()
        self._malformed = 0
        self._last_malformed = ""
        self._context = zmq.Context()
        self._guard: Guard | None = None
        self._socket: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 200)
        self._socket.setsockopt(zmq.MAXMSGSIZE, settings.max_message_bytes)
        self._socket.setsockopt(zmq.SNDHWM, 1000)
        self._socket.setsockopt(zmq.RCVHWM, 100_000)
        try:
            if settings.keys is not None:
                keys = load_server_keys(Path(settings.keys))
                self._guard = Guard(self._context, keys.allowed)
                self._socket.curve_server = 1
                self._socket.curve_publickey, self._socket.curve_secretkey = keys.public, keys.secret
            self._socket.setsockopt(zmq.IPV6, int(needs_ipv6(endpoint)))
            self._socket.bind(endpoint)
        except (zmq.ZMQError, ValueError) as error:
            self.close()
            if isinstance(error, zmq.ZMQError):
                raise CannotListen(error.errno, f"cannot listen on {address}: {error}") from error
            raise
        self._address = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    @property
    def address(self) -> str:
        """The address with the real port."""
        return self._address

    @property
    def malformed(self) -> int:
        """Number of messages that could not be decoded."""
        return self._malformed

    @property
    def last_malformed(self) -> str:
        """Reason for the last of them."""
        return self._last_malformed

    @property
    def actors(self) -> int:
        """Number of connected actors."""
        return sum(peer.welcomed for peer in self._peers.values())

    @property
    def silence_s(self) -> float:
        """Time since the last message of any actor (or since the start), s."""
        return time.monotonic() - self._last_message_s

    def expect(self, settings: SettingsMap) -> None:
        """Set the settings required of actors."""
        self._expected = settings

    def poll(self, timeout_s: float = 0.0) -> list[Event]:
        """All received events, in order; waits at most `timeout_s` for the first."""
        events: list[Event] = []
        unknown_actors: set[bytes] = set()
        if timeout_s > 0 and not self._socket.poll(int(timeout_s * 1000)):
            self._drop_silent(events)
            return events
        for _ in range(MAX_MESSAGES_PER_POLL):
            try:
                actor, *frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=True)
            except zmq.Again:
                self._drop_silent(events)  # only with an empty queue: during a long update actors are not silent
                break
            try:
                message = decode(frames, self._settings.max_message_bytes)
            except MalformedMessage as error:
                self._count_malformed(str(error))
                if isinstance(error, WrongProtocol):
                    self.refuse(actor, f"the actor speaks protocol {error.protocol}, the learner {PROTOCOL}")
                continue
            self._receive(actor, message, events, unknown_actors)
        return events

    def welcome(self, actor: bytes, run_id: str, known: Sequence[int]) -> None:
        """Accept an actor, name its known pairs (ranges), and send it the newest weights."""
        peer = self._peers.get(actor)
        if peer is None:
            return
        peer.welcomed = True
        version = self._weights.version if self._weights is not None else 0
        self._send(actor, Welcome(run_id, version, tuple(known)))
        self._send_weights(actor, peer)

    def refuse(self, actor: bytes, reason: str) -> None:
        """Reject an actor; `reason` is one sentence."""
        self._peers.pop(actor, None)
        self._send(actor, Rejected(reason))

    def acknowledge(self, actor: bytes, pairs: Sequence[int] = (), withdrawals: Sequence[int] = ()) -> None:
        """Confirm that pairs and withdrawals are in the journal."""
        self._send(actor, Acknowledgement(tuple(pairs), tuple(withdrawals)))

    def publish(self, weights: Weights, per_actor: Callable[[Weights, str], Weights] | None = None) -> None:
        """Send weights to every present and future actor.

        Args:
            weights: the newest version; nobody may write to its tensors again.
            per_actor: (weights, run id of an actor) -> the same weights with the newest pair of that run.
        """
        self._weights, self._per_actor = weights, per_actor
        encoded: dict[str, list[bytes | memoryview]] = {}
        for actor, peer in self._peers.items():
            if peer.welcomed:
                self._send_weights(actor, peer, encoded)

    def heartbeat(self, status: Callable[[], LearnerStatus]) -> None:
        """Send the status to every actor if a heartbeat is due; `status` is called only then."""
        now = time.monotonic()
        if now - self._heartbeat_s < self._settings.heartbeat_s:
            return
        self._heartbeat_s = now
        frames = encode(status())
        for actor, peer in self._peers.items():
            if peer.welcomed:
                self._send_frames(actor, frames)

    def close(self) -> None:
        """Close the socket; unsent messages have 0.2 s to leave."""
        self._socket.close()
        if self._guard is not None:
            self._guard.close()
        self._context.term()

    def _receive(self, actor: bytes, message: Message, events: list[Event], unknown_actors: set[bytes]) -> None:
        now = time.monotonic()
        if isinstance(message, Hello):
            self._last_message_s = now
            self._register(actor, message, now, events)
            return
        peer = self._peers.get(actor)
        if peer is None:
            if actor not in unknown_actors and not isinstance(message, Goodbye):
                unknown_actors.add(actor)
                self._send(actor, UnknownPeer())
            return
        peer.last_message_s = self._last_message_s = now
        run_id = peer.hello.run_id
        match message:
            case ChunkPair():
                events.append(PairArrived(actor, run_id, message))
            case Withdrawal():
                events.append(Withdrawn(actor, run_id, message))
            case UpdateRequest():
                events.append(UpdatesRequested(actor, run_id, message))
            case Heartbeat(version):
                # An actor that still reports an older version has lost the weights.
                behind = self._weights is not None and version < self._weights.version
                if peer.welcomed and behind and now - peer.weights_sent_s > self._settings.resend_after_s:
                    self._send_weights(actor, peer)
            case Goodbye():
                del self._peers[actor]
                events.append(ActorLeft(actor, run_id, silent=False))
            case _:
                self._count_malformed(f"{type(message).__name__} is not for a learner")

    def _register(self, actor: bytes, hello: Hello, now: float, events: list[Event]) -> None:
        if hello.protocol != PROTOCOL:
            self.refuse(actor, f"the actor speaks protocol {hello.protocol}, the learner {PROTOCOL}")
            return
        difference = "" if self._expected is None else name_difference(hello.settings, self._expected)
        if difference:
            self.refuse(actor, difference)
            return
        # The same actor has reconnected: drop its old connection.
        same = (hello.run_id, hello.actor_id)
        for other in [a for a, p in self._peers.items() if (p.hello.run_id, p.hello.actor_id) == same and a != actor]:
            del self._peers[other]
        self._peers[actor] = _Peer(hello, now)
        events.append(ActorJoined(actor, hello))

    def _drop_silent(self, events: list[Event]) -> None:
        now = time.monotonic()
        for actor, peer in list(self._peers.items()):
            if now - peer.last_message_s > self._settings.lost_after_s:
                del self._peers[actor]
                events.append(ActorLeft(actor, peer.hello.run_id, silent=True))

    def _send_weights(
        self, actor: bytes, peer: _Peer, encoded: dict[str, list[bytes | memoryview]] | None = None
    ) -> None:
        if self._weights is None:
            return
        run_id = peer.hello.run_id
        frames = (encoded or {}).get(run_id)
        if frames is None:
            frames = encode(self._weights if self._per_actor is None else self._per_actor(self._weights, run_id))
            if encoded is not None:
                encoded[run_id] = frames
        peer.weights_sent_s = time.monotonic()
        self._send_frames(actor, frames)

    def _send(self, actor: bytes, message: Message) -> None:
        self._send_frames(actor, encode(message))

    def _send_frames(self, actor: bytes, frames: Sequence[bytes | memoryview]) -> None:
        # A ROUTER drops what it cannot deliver; every message here is repeated or requested again.
        self._socket.send_multipart([actor, *frames], zmq.NOBLOCK)

    def _count_malformed(self, reason: str) -> None:
        self._malformed += 1
        self._last_malformed = reason


def name_difference(actor: SettingsMap, learner: SettingsMap) -> str:
    """The first setting on which both sides differ, as one sentence; empty if there is none."""
    for name in sorted({*actor, *learner}):
        if name not in actor:
            return f"settings differ: {name} is {learner[name]!r} on the learner and missing on the actor"
        if name not in learner:
            return f"settings differ: {name} is {actor[name]!r} on the actor and missing on the learner"
        if actor[name] != learner[name]:
            return f"settings differ: {name} is {actor[name]!r} on the actor and {learner[name]!r} on the learner"
    return ""
