"""The settings on which actor and learner must agree, and the learner's check of them. Pure; both processes."""

from __future__ import annotations

from collections.abc import Mapping

from hitl_clic.presets import flat
from hitl_clic.settings import SessionSettings
from hitl_clic.types.symmetry import Symmetry, to_text

Scalars = Mapping[str, str | int | float | bool]
OWN_FIELDS = ("policy.device", "policy.inference.device")
"""Settings of the method that may differ between actor and learner."""


def handshake_settings(
    settings: SessionSettings, dim_o: int, dim_a: int, symmetries: tuple[Symmetry, ...] = ()
) -> dict[str, str | int | float | bool]:
    """The flat settings in an actor's hello: what the learner needs of the task, and all settings of the method."""
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
    for name, value in flat(settings.policy.model_dump(), "policy.").items():
        if name not in OWN_FIELDS:
            agreed[name] = " ".join(map(str, value)) if isinstance(value, tuple | list) else value
    return agreed


def check_handshake(agreed: Scalars, settings: SessionSettings) -> None:
    """Check an actor's settings against the learner's. Sizes, seed, task and symmetries are the actor's choice.

    Raises:
        ValueError: names the first field that differs.
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
