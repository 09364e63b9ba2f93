"""The numbers of the method, with the paper's section or equation for each. Pure data; imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

NegativeStart = Literal["uniform", "proposals"]
EnergyKind = Literal["mlp", "film"]
MethodKind = Literal["clic", "ibc", "bc", "flow"]


class EnergySettings(BaseModel):
    """The network E(s, a[t:t+H])."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: EnergyKind = Field(
        "film",
        description="mlp: one network on [state; chunk], as published. film: the state is read once and only "
        "scales and shifts a small network on the chunk.",
    )
    hidden: tuple[int, ...] = Field((128, 128, 128), description="Widths of the layers that see the chunk, units.")
    trunk: tuple[int, ...] = Field(
        (256, 256), description="Widths of the layers that see only the state (film), units."
    )
    modes: int = Field(
        8,
        ge=0,
        le=256,
        description="Valleys that the state places, the network reshapes, count (film); 0 leaves it alone.",
    )
    fourier_frequencies: tuple[float, ...] = Field(
        (),
        max_length=16,
        description="Frequencies at which each standardised state number is also seen, as sine and cosine, rad per "
        "spread; they help where places must be met exactly.",
    )
    standardise: bool = Field(
        True, description="Shift and scale each state number by the mean and spread of the taught states."
    )


class NegativeSettings(BaseModel):
    """Where the evaluation set's samples come from ([CC] Eq. 7 and 9)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: NegativeStart = Field(
        "proposals",
        description="Where chains start. uniform: in [-1, 1]^D, as published. proposals: a mixture of uniform, "
        "around the human's and the robot's chunk, and other states' human chunks.",
    )
    samples: int = Field(
        64,
        ge=1,
        le=65536,
        description="N_a, sampled chunks for each state of a batch; with flow, its draws of noise and time.",
    )
    steps: int = Field(5, ge=0, le=1000, description="Langevin steps of each chain.")
    noise: Literal["sqrt", "linear"] = Field(
        "linear",
        description="Size of the noise at step size lambda. sqrt: sqrt(2 lambda), [CC] Eq. 7. "
        "linear: lambda, with half the gradient, as the public reference.",
    )
    step_start: float = Field(0.1, gt=0, le=10, description="lambda of the first step, action units.")
    step_end: float = Field(1e-5, gt=0, le=10, description="lambda of the last step, action units.")
    clip: float = Field(0.1, gt=0, le=2, description="Greatest change of a coordinate in one step, action units.")


class HalfSpaceSettings(BaseModel):
    """The desired half-space of a relative correction (CLIC, arXiv 2502.07645, "CLIC-Half")."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pairs: int = Field(
        128,
        ge=0,
        le=4096,
        multiple_of=2,
        description="M, implicit contrastive pairs for each correction, count; 0 leaves the observed pair alone.",
    )
    length: float = Field(
        0.2,
        gt=0,
        le=4,
        description="Greatest length of a correction's step as it is learnt, units of action: a key that is pressed "
        "drives the robot all the way, but says little of how far is right. 0.2 is the published e.",
    )
    angle_deg: float = Field(
        30.0, gt=0, lt=180, description="Angle between a correction and its implicit negatives, degrees."
    )
    tightness: float = Field(
        0.1, ge=0, lt=1, description="gamma': share of a correction by which its half-spaces are moved, no unit."
    )
    observed_weight: float = Field(
        0.3, ge=0, le=100, description="Weight of the observed pair against all implicit ones together, no unit."
    )
    boundary_temperature: float = Field(0.1, gt=0, le=10, description="T of the half-spaces' boundary, action units.")


class ModeLossSettings(BaseModel):
    """Desired spaces draw the wells to them, beside what contrasts teach ([CC] has no wells and no such term)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(
        0.0,
        ge=0,
        le=1e6,
        description="Weight of the squared distance from the wells' centres to the desired spaces, no unit; without "
        "it chunks of more than about 50 numbers are learnt slowly. 0 is none, as published.",
    )
    ratio: float = Field(
        0.25,
        ge=0,
        le=1,
        description="Radius over ||a^r - a^h|| within which a well is near enough and not drawn, no unit.",
    )


class InferenceSettings(BaseModel):
    """How a low-energy chunk is found ([CC] Eq. 8)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Literal["uniform", "screened"] = Field(
        "screened",
        description="uniform: chains from [-1, 1]^D, as published. screened: many cheap candidates are ranked once and "
        "the best refined; the rest of the previous chunk is among them.",
    )
    candidates: int = Field(1024, ge=1, le=1_000_000, description="Chunks ranked once by energy (screened).")
    chains: int = Field(64, ge=1, le=65536, description="Chains that are refined (screened) or run (uniform).")
    explore_steps: int = Field(0, ge=0, le=1000, description="Langevin steps of the first, exploring chain.")
    refine_steps: int = Field(20, ge=0, le=1000, description="Steps of the second, fine-tuning chain.")
    refine_start: float = Field(0.1, gt=0, le=10, description="lambda at the start of the fine-tuning chain.")
    refine_noise: bool = Field(False, description="Keep the noise in the fine-tuning chain, as published.")
    flow_steps: int = Field(10, ge=1, le=1000, description="Euler steps from noise to a chunk (method kind flow).")
    bank: int = Field(512, ge=0, le=60_000, description="Recent human chunks kept as candidates, count (screened).")
    plan_switch_margin: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Energy by which a new plan must beat the refined rest of the previous one, else the latter stays.",
    )
    device: str = Field(
        "",
        description="Torch device of the planner alone; empty: clic.device. A small network plans sooner on a CPU.",
    )


class MethodSettings(BaseModel):
    """CLIC-Chunks: desired action chunk spaces, policy shaping, sampling; and the baselines it is measured against."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: MethodKind = Field(
        "clic",
        description="What is learned. clic: an energy, from sets of chunks that would do. The others take the human's "
        "chunk as the one right answer: ibc, an energy; bc, a chunk for each state; flow, a flow from noise to chunks.",
    )
    energy: EnergySettings = Field(
        EnergySettings(), description="The network: the energy, or what stands in its place."
    )
    negatives: NegativeSettings = Field(NegativeSettings(), description="Samples of the evaluation set.")
    inference: InferenceSettings = Field(InferenceSettings(), description="Finding a low-energy chunk.")
    symmetries: bool = Field(
        False, description="Let each pair also teach its images under the symmetries that the task declares."
    )
    prefix: int = Field(
        0,
        ge=0,
        le=64,
        description="Greatest number of first steps, below H, that a pair may be learnt with as given: a random number "
        "each time it is drawn. For plans that begin with committed steps (loop.overlap clamp); 0 is off.",
    )
    radius_ratio: float = Field(0.5, gt=0, le=1, description="gamma: radius over ||a^r - a^h|| ([CC] Eq. 5), no unit.")
    boundary_temperature: float = Field(0.05, gt=0, le=10, description="T of the boundary ([CC] Eq. 6), action units.")
    half_space: HalfSpaceSettings = Field(HalfSpaceSettings(), description="The desired space of relative corrections.")
    mode_loss: ModeLossSettings = Field(ModeLossSettings(), description="What draws wells to desired spaces.")
    boundary_power: float = Field(
        10.0, gt=0, le=100, description="Exponent of p in the target (Eq. 10 has 1, the reference 10), no unit."
    )
    temperature: float = Field(1.0, gt=0, le=100, description="tau of both softmaxes ([CC] 7.2.3), no unit.")
    penalty_margin: float = Field(1.0, ge=0, le=1e6, description="m of the gradient penalty ([CC] Eq. 11), energy.")
    penalty_weight: float = Field(1.0, ge=0, le=1e6, description="Weight of the gradient penalty (Eq. 11), no unit.")
    penalty_samples: int = Field(
        0, ge=0, le=65536, description="Samples of a state that the penalty looks at, count; 0 is all."
    )
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Adam's greatest learning rate.")
    learning_rate_end: float = Field(1e-5, ge=0, le=1, description="Learning rate at the end of a cosine cycle.")
    weight_decay: float = Field(
        0.0, ge=0, le=100, description="Decoupled decay of the weights, share of the learning rate; 0 is plain Adam."
    )
    warmup_updates: int = Field(10, ge=0, le=1_000_000, description="Updates of linear warm-up.")
    cycle_updates: int = Field(113_400, ge=1, le=1_000_000_000, description="Updates of the first cosine cycle.")
    gradient_clip: float = Field(1.0, gt=0, le=1e6, description="Greatest norm of the whole gradient.")
    average: float = Field(
        0.0, ge=0, lt=1, description="Decay of the running average of weights that the policy uses; 0 is none."
    )
    network_reset_every: int = Field(
        0,
        ge=0,
        le=1_000_000_000,
        description="N, updates; 0: off. Replace the policy's network by one trained from scratch in the background "
        "(counters primacy bias). Its training starts after N updates and takes N, in turn with the policy's. "
        "The first replacement comes after about 3 N updates in all, each later one after about 2 N more.",
    )
    batch: int = Field(32, ge=1, le=65536, description="Pairs in a batch.")
    buffer: int = Field(60_000, ge=1, le=100_000_000, description="Pairs kept; the oldest go first.")
    min_pairs: int = Field(32, ge=1, le=1_000_000, description="Pairs needed before the first update.")
    device: str = Field("cpu", description="Torch device of learner and planner: cpu, cuda, cuda:1, mps.")

    @property
    def planner_device(self) -> str:
        """Torch device on which chunks are searched."""
        return self.inference.device or self.device

    @field_validator("prefix")
    @classmethod
    def _has_an_energy(cls, prefix: int, info: ValidationInfo) -> int:
        kind = info.data.get("kind")
        if prefix and kind in ("bc", "flow"):
            raise ValueError(f"allowed with kind {kind}: 0 (only energies, clic and ibc, learn from given steps)")
        return prefix
