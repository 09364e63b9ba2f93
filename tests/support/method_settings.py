"""Small method settings for tests of trainers. Each field is explicit, so that a new default changes no test."""

from __future__ import annotations

from hitl_clic.clic.settings import ClicSettings, EnergySettings, InferenceSettings, NegativeSettings

DIM_O, DIM_A, HORIZON = 3, 2, 2
CHUNK = (HORIZON, DIM_A)


def method(**changes: object) -> ClicSettings:
    """Explicit settings with some fields changed."""
    numbers: dict[str, object] = {
        "network": EnergySettings(kind="film", hidden=(48, 48), trunk=(48, 48), modes=4, standardise=True),
        "negatives": NegativeSettings(
            start="proposals", samples=32, steps=2, noise="linear", step_start=0.1, step_end=1e-5, clip=0.1
        ),
        "inference": InferenceSettings(
            start="screened",
            candidates=128,
            chains=16,
            explore_steps=0,
            refine_steps=10,
            refine_start=0.1,
            refine_noise=False,
            bank=32,
            plan_switch_margin=0.0,
        ),
        "radius_ratio": 0.3,
        "boundary_temperature": 0.05,
        "boundary_power": 5.0,
        "temperature": 1.0,
        "penalty_margin": 1.0,
        "penalty_weight": 0.1,
        "penalty_samples": 0,
        "learning_rate": 3e-3,
        "learning_rate_end": 1e-4,
        "weight_decay": 0.0,
        "warmup_updates": 5,
        "cycle_updates": 1000,
        "gradient_clip": 1.0,
        "average": 0.0,
        "batch": 32,
        "buffer": 1000,
        "min_pairs": 8,
        "device": "cpu",
    }
    return ClicSettings(**{**numbers, **changes})
