"""CURVE keys: key pairs as files, and the guard that lets in only the actors whose public key is known.

A keys folder holds `learner.key`, `learner.key_secret`, `actor.key`, `actor.key_secret`; the learner needs its own
two and every `*.key` of an actor it lets in, an actor its own two and `learner.key`. Called at start and by
`app.py keys`; the guard runs pyzmq's authentication thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """The learner's pair, Z85 text as bytes, and the public keys of the actors it lets in."""

    public: bytes
    secret: bytes
    allowed: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """The actor's pair and the learner's public key, Z85 text as bytes."""

    public: bytes
    secret: bytes
    server: bytes


def create_keys(folder: Path) -> None:
    """Make a key pair for the learner and one for an actor.

    Raises:
        ValueError: there are keys already, which are never overwritten, or this libzmq has no CURVE.
        OSError: the folder cannot be written.
    """
    if not zmq.has("curve"):
        raise ValueError("this libzmq was built without CURVE and makes no keys; install pyzmq as pip provides it")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("learner", "actor"):
        if any((folder / f"{name}.{kind}").exists() for kind in ("key", "key_secret")):
            raise ValueError(f"{folder} already holds keys; choose another folder or delete them first")
    for name in ("learner", "actor"):
        _, secret = zmq.auth.create_certificates(folder, name)
        Path(secret).chmod(0o600)


def load_server_keys(folder: Path) -> ServerKeys:
    """The learner's keys. Raises ValueError naming the file that is missing or not a key."""
    public, secret = _pair(folder / "learner.key_secret")
    others = sorted(path for path in folder.glob("*.key") if path.name != "learner.key")
    if not others:
        raise ValueError(f"{folder} holds no actor's public key (*.key), so nobody could be let in")
    return ServerKeys(public, secret, tuple(_load(path)[0] for path in others))


def load_client_keys(folder: Path) -> ClientKeys:
    """The actor's keys. Raises ValueError naming the file that is missing or not a key."""
    public, secret = _pair(folder / "actor.key_secret")
    return ClientKeys(public, secret, _load(folder / "learner.key")[0])


class Guard:
    """Lets in only connections made with one of the allowed public keys (ZeroMQ's ZAP)."""

    def __init__(self, context: zmq.Context[Any], allowed: tuple[bytes, ...]) -> None:
        self._thread = ThreadAuthenticator(context)
        self._thread.start()
        self._thread.configure_curve_callback(credentials_provider=_Allowed(allowed))

    def close(self) -> None:
        """End the thread."""
        self._thread.stop()


class _Allowed:
    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._keys = frozenset(keys)

    def callback(self, domain: str, key: bytes) -> bool:
        return key in self._keys


def _pair(path: Path) -> tuple[bytes, bytes]:
    public, secret = _load(path)
    if secret is None:
        raise ValueError(f"key file {path} holds no secret key")
    return public, secret


def _load(path: Path) -> tuple[bytes, bytes | None]:
    try:
        return zmq.auth.load_certificate(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"key file {path} cannot be read ({error}); make keys with `app.py keys`") from error
