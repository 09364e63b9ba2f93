"""Settings that methods share, and those of CLIC, with the paper's section or equation. Pure data; imports no torch.

`hitl_clic.baselines.settings` has those of the other methods. Each method's class has only the fields it uses.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

NegativeStart = Literal["uniform", "proposals"]
EnergyKind = Literal["mlp", "film"]
MethodKind = Literal["clic", "ibc", "bc", "flow"]
"""The package's methods; other packages may offer more."""
FOLLOW_RATIO = 0.5
"""Default gamma, and the radius by which answers of methods without desired sets are judged, no unit."""


class NetworkSettings(BaseModel):
    """The network that reads a state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden: tuple[int, ...] = Field((128, 128, 128), description="Widths of the layers that receive the chunk, units.")
    trunk: tuple[int, ...] = Field((256, 256), description="Widths of the layers that receive only the state, units.")
    fourier_frequencies: tuple[float, ...] = Field(
        (),
        max_length=16,
        description="Frequencies of sines and cosines of each standardised state number, rad per spread; for tasks "
        "that need exact positions.",
    )
    standardise: bool = Field(
        True, description="Shift and scale each state number by the mean and spread of the taught states."
    )


class EnergySettings(NetworkSettings):
    """The network E(s, a[t:t+H])."""

    kind: EnergyKind = Field(
        "film",
        description="mlp: one network on [state; chunk], as published. film: the state scales and shifts a small "
        "network on the chunk; only film has trunk.",
    )
    modes: int = Field(
        8, ge=0, le=256, description="Modes of the energy that the state places, count (film only); 0 is none."
    )


class NegativeSettings(BaseModel):
    """Where the evaluation set's samples come from ([CC] Eq. 7 and 9)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: NegativeStart = Field(
        "proposals",
        description="Where chains start. uniform: in [-1, 1]^D, as published. proposals: also near the human's, the "
        "robot's and other states' chunks.",
    )
    samples: int = Field(
        64,
        ge=1,
        le=65536,
        description="N_a, sampled chunks for each state of a batch, count.",
    )
    steps: int = Field(5, ge=0, le=1000, description="Langevin steps of each chain.")
    noise: Literal["sqrt", "linear"] = Field(
        "linear",
        description="Size of the noise at step size lambda. sqrt: sqrt(2 lambda), [CC] Eq. 7. "
        "linear: lambda, with half the gradient, as the code of [CL].",
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
        description="M, implicit contrastive pairs for each correction, count; 0: only the observed pair.",
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
    """A term of the loss that pulls the modes of the energy into the desired sets ([CC] has no modes)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: float = Field(
        0.0,
        ge=0,
        le=1e6,
        description="Weight of the squared distance from modes to desired sets, no unit; helps chunks of over 50 "
        "numbers. 0 is none, as published.",
    )
    ratio: float = Field(
        0.25,
        ge=0,
        le=1,
        description="Radius over ||a^r - a^h|| within which a mode is not pulled, no unit.",
    )


class PlannerSettings(BaseModel):
    """How a chunk is computed from a state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str = Field(
        "",
        description="Torch device of the planner alone; empty: policy.device. A small network plans sooner on a CPU.",
    )


class InferenceSettings(PlannerSettings):
    """How a low-energy chunk is found ([CC] Eq. 8)."""

    start: Literal["uniform", "screened"] = Field(
        "screened",
        description="uniform: chains from [-1, 1]^D, as published. screened: candidates and the rest of the previous "
        "chunk are ranked once, and the best are refined.",
    )
    candidates: int = Field(1024, ge=1, le=1_000_000, description="Chunks ranked once by energy (screened).")
    chains: int = Field(64, ge=1, le=65536, description="Chains that are refined (screened) or run (uniform).")
    explore_steps: int = Field(0, ge=0, le=1000, description="Langevin steps of the first, exploring chain.")
    refine_steps: int = Field(20, ge=0, le=1000, description="Steps of the second, fine-tuning chain.")
    refine_start: float = Field(0.1, gt=0, le=10, description="lambda at the start of the fine-tuning chain.")
    refine_noise: bool = Field(False, description="Keep the noise in the fine-tuning chain, as published.")
    bank: int = Field(512, ge=0, le=60_000, description="Recent human chunks kept as candidates, count (screened).")
    compiled: bool = Field(
        True,
        description="Search with compiled code, a third of the time; for film with modes, screened, without noise, on "
        "the CPU. false: torch, which gives the same plans within rounding.",
    )
    plan_switch_margin: float = Field(
        0.0,
        ge=0,
        le=100,
        description="Energy by which a new plan must beat the refined rest of the previous plan to replace it.",
    )


class MethodSettings(BaseModel):
    """What every method has: pairs, optimiser, network, planner."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    network: NetworkSettings = Field(NetworkSettings(), description="The network.")
    inference: PlannerSettings = Field(PlannerSettings(), description="How a chunk is computed.")
    symmetries: bool = Field(
        False, description="Let each pair also teach its images under the symmetries that the task declares."
    )
    relative_length: float = Field(
        0.2,
        gt=0,
        le=4,
        description="Greatest length of a relative correction's step as it is learnt, action units; 0.2 is the "
        "published e.",
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
        description="N, updates; 0: off. Replaces the policy by a network trained from scratch in the background: the "
        "first after about 3 N updates, each later one after about 2 N more.",
    )
    batch: int = Field(32, ge=1, le=65536, description="Pairs in a batch, count.")
    buffer: int = Field(60_000, ge=1, le=100_000_000, description="Pairs kept, count; the oldest are dropped first.")
    min_pairs: int = Field(32, ge=1, le=1_000_000, description="Pairs needed before the first update, count.")
    cautious_pairs: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Number of pairs below which the robot moves less the farther it is from every taught state, "
        "count; 0: off.",
    )
    device: str = Field("cpu", description="Torch device of learner and planner: cpu, cuda, cuda:1, mps.")

    @property
    def planner_device(self) -> str:
        """Torch device on which chunks are computed."""
        return self.inference.device or self.device

    @property
    def given_steps(self) -> int:
        """Greatest number of first steps that a pair may be learnt with as given; 0 for a method without an energy."""
        return 0

    @property
    def bank_size(self) -> int:
        """Human chunks that the policy keeps as candidates; 0 for a method that searches none."""
        return 0

    @property
    def plan_switch_margin(self) -> float:
        """Energy by which a new plan must beat the previous one; 0 for a method that keeps to no plan."""
        return 0.0

    @property
    def follow_ratio(self) -> float:
        """Radius over ||a^r - a^h|| within which the policy's answer counts as following a correction."""
        return FOLLOW_RATIO


class EnergyMethodSettings(MethodSettings):
    """What the methods have that learn an energy."""

    network: EnergySettings = Field(EnergySettings(), description="The network of the energy.")
    negatives: NegativeSettings = Field(NegativeSettings(), description="Samples of the evaluation set.")
    inference: InferenceSettings = Field(InferenceSettings(), description="Finding a low-energy chunk.")
    prefix: int = Field(
        0,
        ge=0,
        le=64,
        description="For loop.overlap = prefix_conditioned: a pair is learnt with a random number of its first steps "
        "given, at most this many, ticks; below H. 0: off.",
    )
    temperature: float = Field(1.0, gt=0, le=100, description="tau of the softmax over energies ([CC] 7.2.3), no unit.")
    penalty_margin: float = Field(1.0, ge=0, le=1e6, description="m of the gradient penalty ([CC] Eq. 11), energy.")
    penalty_weight: float = Field(1.0, ge=0, le=1e6, description="Weight of the gradient penalty (Eq. 11), no unit.")
    penalty_samples: int = Field(
        0, ge=0, le=65536, description="Samples of each state that the penalty uses, count; 0: all."
    )

    @property
    def given_steps(self) -> int:
        """See `MethodSettings`."""
        return self.prefix

    @property
    def bank_size(self) -> int:
        """See `MethodSettings`."""
        return self.inference.bank

    @property
    def plan_switch_margin(self) -> float:
        """See `MethodSettings`."""
        return self.inference.plan_switch_margin


class ClicSettings(EnergyMethodSettings):
    """CLIC-Chunks: desired sets of chunks and policy shaping."""

    kind: Literal["clic"] = Field("clic", description="clic: an energy, learnt from desired sets.")
    radius_ratio: float = Field(
        FOLLOW_RATIO, gt=0, le=1, description="gamma: radius over ||a^r - a^h|| ([CC] Eq. 5), no unit."
    )
    boundary_temperature: float = Field(0.05, gt=0, le=10, description="T of the boundary ([CC] Eq. 6), action units.")
    boundary_power: float = Field(
        10.0,
        gt=0,
        le=100,
        description="Exponent of p in the target ([CC] Eq. 10 has 1, the code of [CL] 10), no unit.",
    )
    half_space: HalfSpaceSettings = Field(HalfSpaceSettings(), description="The desired set of relative corrections.")
    mode_loss: ModeLossSettings = Field(ModeLossSettings(), description="Pulls the energy's modes to desired sets.")

    @property
    def follow_ratio(self) -> float:
        """gamma: an answer within the desired set follows."""
        return self.radius_ratio
