"""Both ends of the link in one process: handshake, acknowledgement, newest-wins, silence, addresses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import zmq
from fake_learner import LINK, SETTINGS, make_pair

from hitl_clic.link.actor import ActorLink
from hitl_clic.link.address import is_loopback
from hitl_clic.link.codec import encode
from hitl_clic.link.handshake import Goodbye, Heartbeat, Withdrawal
from hitl_clic.link.learner import (
    ActorJoined,
    ActorLeft,
    Event,
    LearnerLink,
    PairArrived,
    SettingsMap,
    UpdatesRequested,
    Withdrawn,
)
from hitl_clic.link.outbox import Outbox
from hitl_clic.link.settings import LinkSettings
from hitl_clic.types.messages import PROTOCOL, Hello, LearnerStatus, UpdateRequest, Weights

HELLO = Hello("run-a", "actor-a", SETTINGS)
ANY = "tcp://127.0.0.1:*"


def weights(version: int, request: int = -1, run_id: str = "learner-run") -> Weights:
    tensors = {"w": np.full(3, version, np.float32)}
    return Weights(run_id, version, version - 1, 10 * version, -1, tensors, request)


class Bench:
    """The learner's end of the link, operated by the test."""

    def __init__(self, link: LearnerLink) -> None:
        self.link = link
        self.events: list[Event] = []
        self.run_id = "learner-run"
        self.known: tuple[int, ...] = ()
        self.acknowledges = True

    def turn(self) -> None:
        for event in self.link.poll(0.01):
            self.events.append(event)
            match event:
                case ActorJoined(actor):
                    self.link.welcome(actor, self.run_id, self.known)
                case PairArrived(actor, _, pair) if self.acknowledges:
                    self.link.acknowledge(actor, pairs=[pair.id])
                case Withdrawn(actor, _, withdrawal):
                    self.link.acknowledge(actor, withdrawals=[withdrawal.pair_id])
        self.link.heartbeat(lambda: LearnerStatus(updates=len(self.events)))

    def until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            self.turn()

    def ids(self) -> list[int]:
        return [event.pair.id for event in self.events if isinstance(event, PairArrived)]


@contextmanager
def bench(expected: SettingsMap | None = SETTINGS, address: str = ANY) -> Iterator[Bench]:
    link = LearnerLink(address, expected, LINK)
    try:
        yield Bench(link)
    finally:
        link.close()


@contextmanager
def actor(
    address: str, hello: Hello = HELLO, on_weights: Callable[[Weights], None] = lambda _: None
) -> Iterator[ActorLink]:
    link = ActorLink(address, hello, LINK, on_weights)
    link.start()
    try:
        yield link
    finally:
        link.close(0.0)


def test_pairs_arrive_in_order_and_are_acknowledged() -> None:
    with bench() as b, actor(b.link.address) as a:
        for number in range(20):
            a.send_pair(make_pair(number))
        b.until(lambda: a.status().acknowledged == 20)
        status = a.status()
        assert (status.state, status.made, status.dropped) == ("connected", 20, 0)
        assert b.ids() == list(range(20))
        b.until(lambda: a.status().learner.updates > 0)


def test_an_unacknowledged_pair_is_repeated_and_a_known_one_is_not() -> None:
    with bench() as b, actor(b.link.address) as a:
        b.acknowledges = False
        a.send_pair(make_pair(0))
        a.send_pair(make_pair(1))
        b.until(lambda: b.ids().count(0) >= 2)
        b.link.refuse(next(e.actor for e in b.events if isinstance(e, ActorJoined)), "restarting")  # forget it
        b.known, b.acknowledges = (0, 1), True
        b.events.clear()
        b.until(lambda: a.status().acknowledged == 2)
        assert 0 not in b.ids()


def test_different_settings_are_refused_until_a_matching_learner_appears() -> None:
    with bench({**SETTINGS, "horizon": 8}) as b, actor(b.link.address) as a:
        b.until(lambda: a.status().state == "refused")
        assert "settings differ: horizon is 3 on the actor and 8 on the learner" in a.status().detail
        assert not b.events
        b.link.expect(SETTINGS)
        b.until(lambda: a.status().state == "connected")


def test_a_missing_setting_is_refused() -> None:
    fewer = {name: value for name, value in SETTINGS.items() if name != "gamma"}
    with bench() as b, actor(b.link.address, replace(HELLO, settings=fewer)) as a:
        b.until(lambda: a.status().state == "refused")
        assert "gamma is 0.1 on the learner and missing on the actor" in a.status().detail


def test_another_protocol_is_refused() -> None:
    with bench() as b, actor(b.link.address, replace(HELLO, protocol=9)) as a:
        b.until(lambda: a.status().state == "refused")
        assert f"the actor speaks protocol 9, the learner {PROTOCOL}" in a.status().detail


def test_only_the_newest_waiting_weights_and_all_answers_are_delivered() -> None:
    seen: list[tuple[int, int]] = []
    published = threading.Event()

    def slow(new: Weights) -> None:
        seen.append((new.version, new.request))
        published.wait(5.0)

    with bench() as b, actor(b.link.address, on_weights=slow) as a:
        b.until(lambda: a.status().state == "connected")
        b.link.publish(weights(1))
        b.until(lambda: len(seen) == 1)
        for version in range(2, 6):
            b.link.publish(weights(version, request=version if version == 3 else -1))
        time.sleep(0.1)  # all of them have arrived and wait
        published.set()
        b.until(lambda: (5, -1) in seen)
        b.link.publish(weights(4))  # older: not delivered
        b.link.publish(weights(6))
        b.until(lambda: (6, -1) in seen)
        assert seen == [(1, -1), (3, 3), (5, -1), (6, -1)]


def test_late_actors_get_the_newest_weights_and_runs_have_their_own_versions() -> None:
    seen: list[tuple[str, int]] = []
    with bench() as b:
        b.link.publish(weights(7))
        with actor(b.link.address, on_weights=lambda w: seen.append((w.run_id, w.version))) as a:
            b.until(lambda: seen == [("learner-run", 7)])
            b.run_id = "another"
            b.link.publish(weights(1, run_id="another"))  # before its welcome: ignored
            b.link.refuse(next(e.actor for e in b.events if isinstance(e, ActorJoined)), "restarting")
            b.until(lambda: ("another", 1) in seen)
            assert a.status().malformed == 0


def test_a_request_waits_for_earlier_items_and_delays_later_ones() -> None:
    with bench() as b, actor(b.link.address) as a:
        b.until(lambda: a.status().state == "connected")
        a.send_pair(make_pair(0))
        a.withdraw(0)
        number = a.request_updates(5)
        a.send_pair(make_pair(1))
        b.until(lambda: any(isinstance(e, UpdatesRequested) for e in b.events))
        assert not a.wait_request(number, 0.1)
        kinds = [type(e).__name__ for e in b.events]
        assert kinds == ["ActorJoined", "PairArrived", "Withdrawn", "UpdatesRequested"]
        b.link.publish(weights(1, request=number))
        b.until(lambda: b.ids() == [0, 1])
        assert a.wait_request(number, 1.0)


def test_the_last_status_counts_the_updates_of_the_last_answer() -> None:
    class Late(Bench):
        """Sends no heartbeat after its answer until the actor closes."""

        answered, updates, closing = False, 0, threading.Event()

        def turn(self) -> None:
            self.events += (events := self.link.poll(0.01))
            for event in events:
                if isinstance(event, ActorJoined):
                    self.link.welcome(event.actor, self.run_id, ())
            if not self.answered or self.closing.is_set():
                self.link.heartbeat(lambda: LearnerStatus(updates=self.updates))

    with bench() as ready, actor(ready.link.address) as a:
        b = Late(ready.link)
        b.until(lambda: a.status().state == "connected")
        number = a.request_updates(10)
        b.until(lambda: any(isinstance(e, UpdatesRequested) for e in b.events))
        b.answered, b.updates = True, 10
        b.link.publish(weights(1, request=number))
        assert a.wait_request(number, 5.0)
        closer = threading.Thread(target=a.close, args=(60.0,))
        closer.start()
        time.sleep(0.1)
        assert closer.is_alive()  # it waits for the heartbeat that counts these updates
        b.closing.set()
        b.until(lambda: not closer.is_alive())
        assert a.status().learner.updates == 10


def test_silence_is_noticed_on_both_sides() -> None:
    with bench() as b, actor(b.link.address) as a:
        b.until(lambda: a.status().state == "connected")
        deadline = time.monotonic() + 60
        while a.status().state != "lost":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert a.status().silence_s >= LINK.lost_after_s
        b.until(lambda: a.status().state == "connected")  # the learner was busy
        a.close(0.0)
        b.until(lambda: any(isinstance(e, ActorLeft) and not e.silent for e in b.events))
        assert b.link.actors == 0


def test_a_dead_actor_is_dropped() -> None:
    with bench() as b:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        dealer = context.socket(zmq.DEALER)
        dealer.connect(b.link.address)
        dealer.send_multipart(encode(HELLO))
        b.until(lambda: b.link.actors == 1)
        dealer.close(0)
        context.term()
        b.until(lambda: b.link.actors == 0)
        assert isinstance(b.events[-1], ActorLeft)
        assert b.events[-1].silent


def test_malformed_messages_are_counted_named_and_dropped() -> None:
    with bench() as b, actor(b.link.address) as a:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        dealer = context.socket(zmq.DEALER)
        dealer.connect(b.link.address)
        frames = [bytes(frame) for frame in encode(make_pair(0))]
        dealer.send_multipart([b"\x80\x04\x95pickle"])
        dealer.send_multipart(frames[:-1])
        dealer.send_multipart([*frames[:-1], frames[-1][::-1]])
        b.until(lambda: b.link.malformed == 3)
        assert "checksum" in b.link.last_malformed
        dealer.send_multipart(frames)  # well-formed, but from an unknown actor
        b.until(lambda: dealer.poll(10) != 0)
        a.send_pair(make_pair(1))
        b.until(lambda: a.status().acknowledged == 1)
        assert b.ids() == [1]
        dealer.close(0)
        context.term()


def test_a_pair_that_cannot_be_sent_is_counted_and_dropped() -> None:
    with bench() as b, actor(b.link.address) as a:
        good = make_pair(0)
        a.send_pair(replace(good, human=good.human * np.nan))
        a.send_pair(make_pair(1))
        b.until(lambda: a.status().acknowledged == 1)
        assert a.status().dropped == 1


def test_closing_waits_for_acknowledgements_and_counts_dropped_pairs() -> None:
    link = ActorLink("tcp://127.0.0.1:1", HELLO, LINK, lambda _: None)
    link.start()
    link.send_pair(make_pair(0))
    began = time.monotonic()
    link.close(0.3)
    assert time.monotonic() - began > 0.25
    assert link.status().dropped == 1


def test_a_full_outbox_refuses_pairs_only() -> None:
    outbox = Outbox(1)
    assert outbox.put(make_pair(0))
    assert not outbox.put(make_pair(1))
    assert outbox.put(Withdrawal(1))
    assert len(list(outbox.due(1.0, 0.0, 1.0))) == 2
    assert list(outbox.due(5.0, 0.5, 1.0)) == []  # no message from the learner since, so no second copy
    assert len(list(outbox.due(5.0, 2.0, 1.0))) == 2
    assert outbox.answer_pair(0)
    assert not outbox.answer_pair(0)
    assert outbox.put(make_pair(1))


def test_an_update_request_is_sent_alone() -> None:
    outbox = Outbox(10)
    for item in (UpdateRequest(1, 5), make_pair(0), UpdateRequest(2, 5)):
        outbox.put(item)
    assert list(outbox.due(0.0, 0.0, 1.0)) == [UpdateRequest(1, 5)]
    assert list(outbox.due(0.1, 0.0, 1.0)) == []
    outbox.answer_requests(1)
    assert [type(i).__name__ for i in outbox.due(0.2, 0.0, 1.0)] == ["ChunkPair"]
    outbox.answer_pair(0)
    assert list(outbox.due(0.3, 0.0, 1.0)) == [UpdateRequest(2, 5)]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("tcp://127.0.0.1:5588", True),
        ("tcp://127.4.4.4:*", True),
        ("tcp://localhost:1", True),
        ("tcp://[::1]:1", True),
        ("ipc:///somewhere", True),
        ("tcp://0.0.0.0:1", False),
        ("tcp://*:1", False),
        ("tcp://10.0.0.1:1", False),
        ("tcp://127.0.0.1.evil.example:1", False),
    ],
)
def test_loopback_addresses(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


@pytest.mark.parametrize("address", ["", "5588", "tcp://127.0.0.1", "tcp://:1", "udp://127.0.0.1:1", "tcp://a:b"])
def test_a_malformed_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="must look like"):
        is_loopback(address)


def test_other_addresses_are_refused_without_keys() -> None:
    with pytest.raises(ValueError, match="refused without CURVE keys"):
        LearnerLink("tcp://0.0.0.0:*", None, LINK)
    with pytest.raises(ValueError, match="refused without CURVE keys"):
        ActorLink("tcp://192.0.2.1:1", HELLO, LINK, lambda _: None)


def test_an_address_in_use_is_an_error_that_names_it() -> None:
    with bench() as b, pytest.raises(OSError, match=b.link.address):
        LearnerLink(b.link.address, None, LINK)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="at least twice heartbeat_s"):
        LinkSettings(heartbeat_s=1.0, lost_after_s=1.5)


def test_heartbeats_of_an_unknown_actor_have_no_effect() -> None:
    with bench() as b:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        dealer = context.socket(zmq.DEALER)
        dealer.connect(b.link.address)
        for message in (Heartbeat(0), Goodbye(), LearnerStatus()):
            dealer.send_multipart(encode(message))
        b.until(lambda: dealer.poll(10) != 0)
        assert b.events == []
        dealer.close(0)
        context.term()
