"""Checks of link addresses. Pure."""

from __future__ import annotations

import ipaddress


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address ("tcp://host:port", "ipc://..." or "inproc://...").

    Raises:
        ValueError: another kind of address.
    """
    transport, separator, rest = address.partition("://")
    if separator and transport in ("ipc", "inproc") and rest:
        return True
    host, colon, port = rest.rpartition(":")
    if transport != "tcp" or not separator or not colon or not host or not (port == "*" or port.isdigit()):
        raise ValueError(f'address "{address}" must look like tcp://127.0.0.1:5588 (port * for any free one)')
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def require_safe(address: str, has_keys: bool) -> None:
    """Refuse an address that other machines can reach without authentication.

    Raises:
        ValueError: says what to do.
    """
    if not is_loopback(address) and not has_keys:
        raise ValueError(
            f'address "{address}" can be reached from other machines and is refused without CURVE keys: '
            "use tcp://127.0.0.1:PORT, or make keys with `hitl-clic link-keys` and set link.keys to this side's folder"
        )
