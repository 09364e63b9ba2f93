"""Every written form of an address works, or is refused at once in one sentence that names it."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import pytest
from fake_learner import LINK, SETTINGS
from session_process import app, has_ipv6, here, learner_of, until

from hitl_clic.learner.launcher import BIND, LearnerChild
from hitl_clic.link import address as addresses
from hitl_clic.link.actor import ActorLink
from hitl_clic.link.address import endpoints, in_use, is_loopback, needs_ipv6, parse, require_safe
from hitl_clic.link.keys import create_keys
from hitl_clic.link.learner import CannotListen, LearnerLink
from hitl_clic.types.messages import Hello

HELLO = Hello("run-a", "actor-a", SETTINGS)
FAKE = Path(__file__).parents[1] / "support" / "fake_learner.py"


ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


def resolve_to(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """Every host name has these numeric addresses."""

    def found(host: str, port: object, **_: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (one, 0)) for one in hosts]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", found)


def connects(link: LearnerLink, actor: ActorLink, within_s: float = 30.0) -> bool:
    """Whether an actor gets its welcome."""
    actor.start()
    deadline = time.monotonic() + within_s
    try:
        while actor.status().state != "connected" and time.monotonic() < deadline:
            for event in link.poll(0.01):
                link.welcome(event.actor, "learner-run", ())
        return actor.status().state == "connected"
    finally:
        actor.close(0.0)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://127.0.0.1", "must look like"),
        ("tcp://127.0.0.1:", "must look like"),
        ("tcp://::1:5588", "an IPv6 address needs brackets"),
        ("tcp://[::1]", "must look like"),
        ("tcp://[::1:5588", "must look like"),
        ("tcp://[127.0.0.1]:5588", "must look like"),
        ("tcp://[::g]:5588", "must look like"),
        ("tcp://256.0.0.1:5588", "must look like"),
        ("tcp://127.1:5588", "must look like"),
        ("tcp://a b:5588", "must look like"),
        ("tcp://127.0.0.1:5588 ", "must look like"),
        (" tcp://127.0.0.1:5588", "must look like"),
        ("tcp://127.0.0.1:5588/learner", "must look like"),
        ("tcp://user@127.0.0.1:5588", "must look like"),
        ("tcp://127.0.0.1:5588?x=1", "must look like"),
        ("tcp://eth0;127.0.0.1:5588", "must look like"),
        ("tcp://127.0.0.1:٥٥", "must look like"),
        ("http://127.0.0.1:5588", "must look like"),
        ("inproc://learner", "must look like"),
        ("ipc://", "must look like"),
        ("tcp://127.0.0.1:0", "no port to connect to"),
        ("tcp://127.0.0.1:*", "no port to connect to"),
        ("tcp://127.0.0.1:65536", "the largest port is 65535"),
        ("tcp://*:5588", "names no machine"),
        ("tcp://0.0.0.0:5588", "names no machine"),
        ("tcp://[::]:5588", "names no machine"),
        ("tcp://[fe80::1]:5588", "needs its network interface, for example tcp://[fe80::1%eth0]:5588"),
        ("ipc://*", "names no socket"),
        (f"ipc:///{'long' * 40}", "path of 161 bytes"),
    ],
)
def test_what_nobody_can_connect_to_is_refused_at_once(address: str, words: str) -> None:
    with pytest.raises(ValueError, match="address") as refusal:
        parse(address)
    assert words in str(refusal.value)
    assert address in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    ["tcp://*:5588", "tcp://*:*", "tcp://127.0.0.1:0", "tcp://0.0.0.0:1", "tcp://[::]:*", "tcp://[::1]:0", "ipc://*"],
)
def test_the_wildcards_are_for_listening(address: str) -> None:
    parse(address, listening=True)
    assert is_loopback(address) is any(local in address for local in ("127.", "::1", "ipc"))


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("tcp://[::1]:1", True),
        ("tcp://[0:0:0:0:0:0:0:1]:1", True),
        ("tcp://[::ffff:127.0.0.1]:1", True),
        ("tcp://ip6-localhost:1", True),
        ("tcp://[::ffff:10.0.0.1]:1", False),
        ("tcp://[fd00::2]:1", False),
        ("tcp://[fe80::1%eth0]:1", False),
        ("tcp://localhost.example:1", False),
    ],
)
def test_who_can_reach_it(address: str, local: bool) -> None:
    assert is_loopback(address) is local
    if local:
        require_safe(address, has_keys=False)
    else:
        with pytest.raises(ValueError, match="refused without CURVE keys"):
            require_safe(address, has_keys=False)


def test_what_this_machine_does_not_have_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the host no-such-host\.invalid cannot be found"):
        endpoints("tcp://no-such-host.invalid:1")
    with pytest.raises(ValueError, match="no network interface nowhere9; it has"):
        endpoints("tcp://[fe80::1%nowhere9]:1")
    with pytest.raises(ValueError, match="there is no folder"):
        endpoints(f"ipc://{tmp_path}/gone/socket")
    precious = tmp_path / "notes.txt"
    precious.write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match="exists and is no socket"):
        LearnerLink(f"ipc://{precious}", None, LINK)
    assert precious.read_text(encoding="utf-8") == "mine"


def test_names_become_numbers_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "::1", "127.0.0.1", "::1", "10.0.0.9")
    assert endpoints("tcp://localhost:7") == ("tcp://[::1]:7", "tcp://127.0.0.1:7")
    assert endpoints("tcp://localhost:7", listening=True) == ("tcp://127.0.0.1:7", "tcp://[::1]:7")
    assert endpoints("tcp://robot.example:7")[2] == "tcp://10.0.0.9:7"
    resolve_to(monkeypatch, "10.0.0.9")
    with pytest.raises(ValueError, match="localhost is not this machine"):
        endpoints("tcp://localhost:7")
    interface = socket.if_nameindex()[0][1]
    assert endpoints(f"tcp://[fe80::1%{socket.if_nametoindex(interface)}]:7") == (f"tcp://[fe80::1%{interface}]:7",)
    assert endpoints(f"tcp://{interface}:7", listening=True) == (f"tcp://{interface}:7",)
    assert [needs_ipv6(one) for one in ("tcp://[::1]:7", "tcp://*:7", "tcp://127.0.0.1:7")] == [True, True, False]


@ipv6
@pytest.mark.parametrize(
    ("listens", "hosts", "connects_to"),
    [
        ("tcp://[::1]:*", (), "tcp://[::1]:{port}"),
        ("tcp://127.0.0.1:*", ("::1", "127.0.0.1"), "tcp://localhost:{port}"),  # ::1 comes first, nobody is there
        ("tcp://[::1]:*", ("127.0.0.1", "::1"), "tcp://localhost:{port}"),
        ("tcp://localhost:*", ("::1",), "tcp://localhost:{port}"),
        ("tcp://[::1]:*", ("::1",), "tcp://ip6-localhost:{port}"),
    ],
)
def test_an_actor_finds_the_learner(
    listens: str, hosts: tuple[str, ...], connects_to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hosts:
        resolve_to(monkeypatch, *hosts)
    link = LearnerLink(listens, SETTINGS, LINK)
    try:
        port = link.address.rpartition(":")[2]
        assert connects(link, ActorLink(connects_to.format(port=port), HELLO, LINK, lambda _: None))
    finally:
        link.close()


@ipv6
def test_a_name_that_has_only_ipv6_and_the_wildcard_of_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_keys(tmp_path / "keys")
    guarded = LINK.model_copy(update={"keys": tmp_path / "keys" / "learner"})
    own = LINK.model_copy(update={"keys": tmp_path / "keys" / "actor"})
    resolve_to(monkeypatch, "::1")
    link = LearnerLink("tcp://*:*", SETTINGS, guarded)
    try:
        port = link.address.rpartition(":")[2]
        for host in ("six.example", "[::1]", "127.0.0.1"):
            assert connects(link, ActorLink(f"tcp://{host}:{port}", HELLO, own, lambda _: None)), host
    finally:
        link.close()


def link_local() -> str:
    """A link-local address of this machine with its interface; empty if it has none."""
    table = Path("/proc/net/if_inet6")
    if not table.exists():
        return ""
    for line in table.read_text(encoding="ascii").splitlines():
        number, _, _, _, _, interface = line.split()
        if number.startswith("fe80"):
            return f"{':'.join(number[at : at + 4] for at in range(0, 32, 4))}%{interface}"
    return ""


@pytest.mark.skipif(not link_local(), reason="this machine has no link-local address")
def test_a_link_local_address_with_its_interface(tmp_path: Path) -> None:
    create_keys(tmp_path / "keys")
    guarded = LINK.model_copy(update={"keys": tmp_path / "keys" / "learner"})
    own = LINK.model_copy(update={"keys": tmp_path / "keys" / "actor"})
    link = LearnerLink(f"tcp://[{link_local()}]:*", SETTINGS, guarded)
    try:
        port = link.address.rpartition(":")[2]
        assert connects(link, ActorLink(f"tcp://[{link_local()}]:{port}", HELLO, own, lambda _: None))
    finally:
        link.close()


def test_a_unix_socket_is_not_taken_from_its_listener(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path / 'a learner'}"
    link = LearnerLink(address, SETTINGS, LINK)
    try:
        assert in_use(address)
        with pytest.raises(CannotListen, match="another process does"):
            LearnerLink(address, SETTINGS, LINK)
        assert connects(link, ActorLink(address, HELLO, LINK, lambda _: None))
    finally:
        link.close()
    stale = tmp_path / "stale"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(stale))
    LearnerLink(f"ipc://{stale}", SETTINGS, LINK).close()  # nobody listens on a socket that a kill left behind


@ipv6
def test_a_learner_process_on_ipv6_announces_its_address_and_answers(tmp_path: Path) -> None:
    command = [sys.executable, str(FAKE), BIND, str(tmp_path), "{}"]
    child = LearnerChild(command, tmp_path, bind="tcp://[::1]:*")
    address = child.start()
    try:
        assert address.startswith("tcp://[::1]:")
        actor = ActorLink(address, HELLO, LINK, lambda _: None)
        actor.start()
        try:
            until(lambda: actor.status().state == "connected", what="the welcome")
        finally:
            actor.close(0.0)
    finally:
        child.stop()


def test_the_commands_refuse_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        status, _, problems = app("learner", "--bind", busy, "--task", "push_t", "--out", tmp_path / "a")
    assert (status, problems.count("\n")) == (2, 1), problems
    assert busy in problems
    assert "in use" in problems
    teach = ("teach", "--task", "line_following", "--device", "oracle", "--headless", "--out", tmp_path / "b")
    for address in ("tcp://[fe80::1]:5588", "tcp://127.0.0.1:0", "tcp://::1:5588", f"ipc://{tmp_path}/no/socket"):
        status, _, problems = here(*teach, "--learner", address)
        assert (status, problems.count("\n")) == (2, 1), problems
        assert address in problems
    assert not learner_of(tmp_path / "a")


def test_a_fault_of_the_link_shows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hitl_clic.link.actor.endpoints", lambda _: ("nothing://here",))
    actor = ActorLink("tcp://[::1]:1", HELLO, LINK, lambda _: None)
    actor.start()
    until(lambda: not actor.alive, what="the end of the link thread")
    assert "the link thread stopped" in actor.status().detail
