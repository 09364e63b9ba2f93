"""What actor and learner must agree on, and what each makes of it. Pure; both processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hitl_clic.settings import SessionSettings
from hitl_clic.types.symmetry import Symmetry, to_text

Scalars = Mapping[str, str | int | float | bool]
OWN_FIELDS = ("policy.device", "policy.inference.device")
"""Settings of the method that each side may choose for itself."""


def handshake_settings(
    settings: SessionSettings, dim_o: int, dim_a: int, symmetries: tuple[Symmetry, ...] = ()
) -> dict[str, str | int | float | bool]:
    """The flat mapping an actor says hello with: what the learner needs of the task, and every number of the method."""
    agreed: dict[str, str | int | float | bool] = {
        "task": settings.task,
        "method": settings.method,
        "dim_o": dim_o,
        "dim_a": dim_a,
        "horizon": settings.horizon,
        "seed": settings.seed,
        "schedule": settings.schedule,
        "symmetries": to_text(symmetries) if settings.policy.symmetries else "",
    }
    numbers = _flat(settings.policy.model_dump(), "policy.")
    agreed.update((name, value) for name, value in numbers if name not in OWN_FIELDS)
    return agreed


def check_handshake(agreed: Scalars, settings: SessionSettings) -> None:
    """A learner's check of what an actor wants; sizes, seed, task and its symmetries are the actor's to say.

    Raises:
        ValueError: naming the first field in which the learner was started otherwise.
    """
    own = handshake_settings(settings, int(agreed["dim_o"]), int(agreed["dim_a"]))
    for name, value in own.items():
        if name.startswith("policy.") or name in ("schedule", "method"):
            there = agreed.get(name)
            if there != value:
                flag = name.replace("_", "-")
                raise ValueError(
                    f"{name}: the actor has {there}, the learner {value}; start both with the same --{flag}"
                )


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str | int | float | bool]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, tuple | list):
            yield prefix + name, " ".join(str(part) for part in value)
        else:
            yield prefix + name, value
