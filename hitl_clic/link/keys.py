"""CURVE keys: key files, and the guard that admits actors with a known public key only.

`hitl-clic link-keys FOLDER` makes one folder for each side, with the secret of that side only:

    FOLDER/learner/   learner.key_secret  learner.key  actor.key
    FOLDER/actor/     actor.key_secret    actor.key    learner.key

The learner admits every actor whose public key (*.key) is in its folder. Older folders with both secrets still load.
Called at start and by the command; the guard runs pyzmq's authentication thread.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

from hitl_clic.types.errors import UserError


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """The learner's key pair and the actors' public keys (Z85 bytes)."""

    public: bytes
    secret: bytes
    allowed: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """The actor's key pair and the learner's public key (Z85 bytes)."""

    public: bytes
    secret: bytes
    server: bytes


SIDES = ("learner", "actor")


def create_keys(folder: Path) -> None:
    """Make one folder with keys for the learner and one for the actor.

    Raises:
        ValueError: keys exist already and are never overwritten, or libzmq has no CURVE.
        OSError: the folder cannot be written.
    """
    if not zmq.has("curve"):
        raise ValueError("this libzmq was built without CURVE and cannot make keys; install pyzmq with pip")
    folder.mkdir(parents=True, exist_ok=True)
    for place in (folder, *(folder / side for side in SIDES)):
        if any(place.glob("*.key")) or any(place.glob("*.key_secret")):
            raise ValueError(f"{place} already holds keys; choose another folder or delete them first")
    for side in SIDES:
        own = folder / side
        own.mkdir(mode=0o700, exist_ok=True)
        _, secret = zmq.auth.create_certificates(own, side)
        Path(secret).chmod(0o600)
    for side, other in (SIDES, SIDES[::-1]):
        shutil.copyfile(folder / side / f"{side}.key", folder / other / f"{side}.key")


def load_server_keys(folder: Path) -> ServerKeys:
    """The learner's keys. Raises ValueError, which names a missing or invalid file."""
    folder = _of_side(folder, "learner")
    public, secret = _pair(folder / "learner.key_secret")
    others = sorted(path for path in folder.glob("*.key") if path.name != "learner.key")
    if not others:
        raise UserError(f"{folder} holds no actor's public key (*.key), so no actor could connect")
    return ServerKeys(public, secret, tuple(_load(path)[0] for path in others))


def load_client_keys(folder: Path) -> ClientKeys:
    """The actor's keys. Raises ValueError, which names a missing or invalid file."""
    folder = _of_side(folder, "actor")
    public, secret = _pair(folder / "actor.key_secret")
    return ClientKeys(public, secret, _load(folder / "learner.key")[0])


def _of_side(folder: Path, side: str) -> Path:
    """The folder of one side; also a folder with both sides, if both run on one machine."""
    (other,) = (name for name in SIDES if name != side)
    if (folder / f"{other}.key_secret").exists() and not (folder / f"{side}.key_secret").exists():
        raise UserError(
            f"link.keys = {folder} is the {other}'s folder; the {side} needs its own, such as {folder.parent / side}"
        )
    own = folder / side
    return own if (own / f"{side}.key_secret").exists() and not (folder / f"{side}.key_secret").exists() else folder


class Guard:
    """Accepts only connections with an allowed public key (ZeroMQ's ZAP)."""

    def __init__(self, context: zmq.Context[Any], allowed: tuple[bytes, ...]) -> None:
        self._thread = ThreadAuthenticator(context)
        self._thread.start()
        self._thread.configure_curve_callback(credentials_provider=_Allowed(allowed))

    def close(self) -> None:
        """Stop the thread."""
        self._thread.stop()


class _Allowed:
    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._keys = frozenset(keys)

    def callback(self, domain: str, key: bytes) -> bool:
        return key in self._keys


def _pair(path: Path) -> tuple[bytes, bytes]:
    public, secret = _load(path)
    if secret is None:
        raise UserError(f"key file {path} holds no secret key")
    return public, secret


def _load(path: Path) -> tuple[bytes, bytes | None]:
    try:
        return zmq.auth.load_certificate(path)
    except (OSError, ValueError) as error:
        raise UserError(f"key file {path} cannot be read ({error}); make keys with `hitl-clic link-keys`") from error
