"""Settings of the methods that CLIC is compared with. Pure data; imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hitl_clic.clic.settings import EnergyMethodSettings, InferenceSettings, MethodSettings, PlannerSettings


class IbcSettings(EnergyMethodSettings):
    """Implicit behaviour cloning (arXiv 2109.00137): an energy whose lowest chunk is the human's."""

    kind: Literal["ibc"] = Field("ibc", description="ibc: an energy, learnt from the human's chunk alone.")


class BcSettings(MethodSettings):
    """Behaviour cloning: one chunk for each state. With corrections this is HG-DAgger (arXiv 1810.02890)."""

    kind: Literal["bc"] = Field("bc", description="bc: one chunk for each state.")


class FlowInferenceSettings(PlannerSettings):
    """How a chunk is drawn."""

    flow_steps: int = Field(10, ge=1, le=1000, description="Euler steps from noise to a chunk, count.")


class FlowSettings(MethodSettings):
    """Conditional flow matching of chunks (arXiv 2210.02747)."""

    kind: Literal["flow"] = Field("flow", description="flow: a flow from noise to chunks.")
    inference: FlowInferenceSettings = Field(FlowInferenceSettings(), description="Drawing a chunk.")
    draws: int = Field(64, ge=1, le=65536, description="Draws of noise and path time for each state of a batch, count.")


class AnyInferenceSettings(InferenceSettings, FlowInferenceSettings):
    """The inference settings of all methods, for a command that learns the method later."""
