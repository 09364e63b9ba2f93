"""The settings of the method nearest_states. Imports no torch, so that a wrong flag is answered at once."""

from typing import ClassVar, Literal

from pydantic import Field

from hitl_clic.clic.settings import MethodSettings


class NearestStatesSettings(MethodSettings):
    """The chunks of the nearest remembered states. A table [policy] with kind = "nearest_states" sets them."""

    method: ClassVar[str] = "nearest_states:METHOD"
    kind: Literal["nearest_states"] = Field("nearest_states", description="Chunks of near states.")
    spare: float = Field(0.0, ge=0, le=1, description="Share of the loss that keeps all chunks small.")
    learning_rate: float = Field(2e-2, gt=0, le=1, description="Adam's greatest learning rate.")
    min_pairs: int = Field(1, ge=1, le=1_000_000, description="Pairs needed before the first update, count.")
