"""Addresses of the link: how they are written, whom they reach, and the numeric endpoints that ZeroMQ gets for them.

Actor and learner, while a link is made. `endpoints` may ask a name server; the loop must never call it.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import stat
import sys
from dataclasses import dataclass
from typing import Literal

LOCAL_NAMES = ("localhost", "ip6-localhost", "ip6-loopback")
"""Host names that mean this machine. Only their loopback addresses are used."""
_LONGEST_PATH = 107 if sys.platform == "linux" else 103
"""Longest path of a Unix socket, bytes."""
_TCP = re.compile(r"(?:\[([^\[\]\s]+)\]|([^\[\]\s:/\\@;%?#]+)):(\*|[0-9]{1,9})", re.ASCII)
_FORMS = 'must look like tcp://127.0.0.1:5588, tcp://[::1]:5588 or ipc:///path (to listen, port "*" means any free one)'


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address.

    Attributes:
        host: a name, or a numeric address without brackets; of ipc the path.
        port: as written; of ipc empty.
        ip: the numeric address, if the host is one.
    """

    transport: Literal["tcp", "ipc"]
    host: str
    port: str
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address | None = None


def parse(address: str, listening: bool = False) -> Address:
    """Read an address without asking a name server.

    Args:
        address: "tcp://HOST:PORT" or "ipc://PATH"; an IPv6 address stands in brackets.
        listening: whether it is to be listened on. Port "*" or 0 and host "*" are for that alone.

    Raises:
        ValueError: it is malformed, or nobody can connect to it; says what is allowed.
    """
    transport, separator, rest = address.partition("://")
    if separator and transport == "ipc" and rest:
        return _ipc(address, rest, listening)
    found = _TCP.fullmatch(rest) if separator and transport == "tcp" else None
    if found is None:
        hint = "; an IPv6 address needs brackets" if rest.count(":") > 1 and "[" not in rest else ""
        raise ValueError(f'address "{address}" {_FORMS}{hint}')
    bracketed, plain, port = found.groups()
    ip = _numeric(address, bracketed, plain)
    if port != "*" and int(port) > 65535:
        raise ValueError(f'address "{address}" has port {port}; the largest port is 65535')
    if not listening:
        if port == "*" or int(port) == 0:
            raise ValueError(f'address "{address}" has no port to connect to; give the port of the learner')
        if plain == "*" or (ip is not None and ip.is_unspecified):
            raise ValueError(f'address "{address}" names no machine to connect to; give the address of the learner')
    if isinstance(ip, ipaddress.IPv6Address) and ip.is_link_local and ip.scope_id is None:
        raise ValueError(f'address "{address}" needs its network interface, for example tcp://[{ip}%eth0]:{port}')
    return Address("tcp", bracketed or plain, port, ip)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address.

    Raises:
        ValueError: as `parse`.
    """
    wanted = parse(address, listening=True)
    if wanted.transport == "ipc" or wanted.host in LOCAL_NAMES:
        return True
    return wanted.ip is not None and _is_local(wanted.ip)


def require_safe(address: str, has_keys: bool, listening: bool = False) -> None:
    """Refuse an address that other machines can reach without authentication.

    Raises:
        ValueError: that, or as `parse`; says what to do.
    """
    parse(address, listening)
    if not is_loopback(address) and not has_keys:
        raise ValueError(
            f'address "{address}" can be reached from other machines and is refused without CURVE keys: '
            "use tcp://127.0.0.1:PORT, or make keys with `hitl-clic link-keys` and set link.keys to this side's folder"
        )


def endpoints(address: str, listening: bool = False) -> tuple[str, ...]:
    """The numeric endpoints of an address, to be tried in this order. A host name may have several.

    Raises:
        ValueError: as `parse`; or the host name, interface or folder does not exist on this machine.
    """
    wanted = parse(address, listening)
    if wanted.transport == "ipc":
        _check_socket_file(address, wanted.host)
        return (address,)
    if isinstance(wanted.ip, ipaddress.IPv6Address):
        return (f"tcp://[{_with_zone(address, wanted.ip)}]:{wanted.port}",)
    # ZeroMQ can listen on a network interface by its name.
    if wanted.ip is not None or wanted.host == "*" or (listening and wanted.host in _interfaces()):
        return (address,)
    hosts = _resolved(address, wanted.host)
    if listening:
        hosts.sort(key=lambda host: ":" in host)  # IPv4 first: other programs expect it behind "localhost"
    return tuple(f"tcp://[{host}]:{wanted.port}" if ":" in host else f"tcp://{host}:{wanted.port}" for host in hosts)


def needs_ipv6(endpoint: str) -> bool:
    """Whether a socket needs IPv6 for an endpoint. The wildcard then listens to IPv4 and IPv6."""
    return endpoint.startswith(("tcp://[", "tcp://*:"))


def in_use(endpoint: str) -> bool:
    """Whether a process listens on the socket file of an ipc endpoint. ZeroMQ itself would take the file over."""
    path = endpoint.removeprefix("ipc://")
    if path == endpoint or path.startswith(("@", "*")):
        return False
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        return probe.connect_ex(path) == 0


def _ipc(address: str, path: str, listening: bool) -> Address:
    if not hasattr(socket, "AF_UNIX"):
        raise ValueError(f'address "{address}" cannot be used: this system has no Unix sockets; use tcp')
    if path == "*" and not listening:
        raise ValueError(f'address "{address}" names no socket to connect to; give the path of the learner\'s socket')
    length = len(os.fsencode(path))
    if length > _LONGEST_PATH or "\0" in path:
        raise ValueError(f'address "{address}" has a path of {length} bytes; the longest is {_LONGEST_PATH}')
    return Address("ipc", path, "")


def _numeric(
    address: str, bracketed: str | None, plain: str | None
) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        if bracketed is not None:
            return ipaddress.IPv6Address(bracketed)
        if plain is not None and re.fullmatch(r"[0-9.]+", plain):
            return ipaddress.IPv4Address(plain)
    except ValueError as problem:
        raise ValueError(f'address "{address}" {_FORMS}: {problem}') from problem
    return None


def _is_local(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback


def _interfaces() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


def _with_zone(address: str, ip: ipaddress.IPv6Address) -> str:
    """The address with its interface by name; ZeroMQ takes no numbers."""
    if ip.scope_id is None:
        return str(ip)
    known = _interfaces()
    zone = ip.scope_id
    if zone.isdigit() and zone not in known:
        with contextlib.suppress(OSError, OverflowError):
            zone = socket.if_indextoname(int(zone))
    if zone not in known:
        raise ValueError(
            f'address "{address}": this machine has no network interface {zone}; it has {", ".join(known)}'
        )
    return f"{str(ip).partition('%')[0]}%{zone}"


def _resolved(address: str, host: str) -> list[str]:
    """The numeric addresses of a host name, in the system's order."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise ValueError(
            f'address "{address}": the host {host} cannot be found ({reason}); check the name or give a numeric address'
        ) from problem
    if host in LOCAL_NAMES:
        found = [one for one in found if _is_local(ipaddress.ip_address(one))]
        if not found:
            raise ValueError(f'address "{address}": {host} is not this machine here; give a numeric address')
    return list(dict.fromkeys(found))


def _check_socket_file(address: str, path: str) -> None:
    """ZeroMQ deletes whatever lies at the path, and waits for ever for a folder that does not exist."""
    if path.startswith(("@", "*")):
        return
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise ValueError(f'address "{address}": there is no folder {folder}')
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise ValueError(f'address "{address}": {path} exists and is no socket; choose another path')
