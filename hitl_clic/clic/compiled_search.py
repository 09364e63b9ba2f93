"""The search for a chunk of low FiLM energy, compiled to machine code: `EnergyPolicy.plan` without noise.

Any thread; the whole search runs without the interpreter's lock. No torch, no random numbers, no I/O. Import it through
`compiled_planner`, which decides where it applies; `policy`, `film_energy` and `modes` are the reference.

One file: numba looks for changes of code only in the file of the function whose machine code it kept.

A plan of torch is some 1,700 small operations, and most of its time is their bookkeeping. Here it is loops. Shapes: N
candidates, S chains, D = H * dim_a, K modes, and W_l units in layer l of L. All numbers are float32, so constants are
too: a Python number would turn a sum into float64, which halves the speed.

The algebra. A layer's scale f and shift t depend on the state only, so they are folded into its weights once a plan:

    z_l = f_l * (W_l h_{l-1} + b_l) + t_l = (f_l W_l) h_{l-1} + (f_l b_l + t_l),    h_l = silu(z_l),    h_0 = a
    E(s, a) = w . h_L + b - log sum_k exp(m_k),    m_k = -(depth_k + slope_k (r_k - 1)),    r_k = sqrt(1 + |a - c_k|^2)
    grad E = (f_1 W_1)^T g_1 + sum_k q_k (a - c_k),    q_k = softmax(m)_k slope_k / r_k
    g_L = w * silu'(z_L),    g_l = ((f_{l+1} W_{l+1})^T g_{l+1}) * silu'(z_l)
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hitl_clic.clic.modes import MODE_SLOPE, UNIT_SOFTPLUS
from hitl_clic.compiled import compiled

Array = NDArray[np.float32]
Arrays = tuple[Array, ...]

ZERO, HALF, ONE, INFINITY = np.float32(0), np.float32(0.5), np.float32(1), np.float32(np.inf)
STATE_LIMIT = np.float32(10)  # see StateNetwork.standardised
NORM_EPSILON = np.float32(1e-5)  # of torch.nn.LayerNorm
CENTRE_REACH = np.float32(1.2)  # see Modes.context
SLOPE, SHIFT = np.float32(MODE_SLOPE), np.float32(UNIT_SOFTPLUS)
TILE = 64
"""Candidates that are evaluated together: their activations and one layer's weights fit into a core's cache."""
BLOCK = 32
"""Terms of a matrix product that are summed before the next ones: their weights fit into a core's nearest cache."""


class Weights(NamedTuple):
    """The parameters of a `FilmEnergy`, and of reading a state. Torch's layout: a layer's matrix is [out, in]."""

    shift: Array
    """[dim_o]."""
    spread: Array
    """[dim_o]."""
    frequencies: Array
    """Of the Fourier features, any number."""
    trunk: Arrays
    """Matrices of the trunk."""
    trunk_biases: Arrays
    norm_gains: Arrays
    norm_biases: Arrays
    heads: Arrays
    """[2 W_l, width of the trunk]: scales, then shifts."""
    head_biases: Arrays
    layers: Arrays
    """[W_l, W_{l-1}]."""
    layers_transposed: Arrays
    """[W_{l-1}, W_l]."""
    layer_biases: Arrays
    centres: Array
    """[K D, width of the trunk]."""
    centre_biases: Array
    shapes: Array
    """[2 K, width of the trunk]: depths, then slopes."""
    shape_biases: Array


class Folded(NamedTuple):
    """The network on the chunk at one state, and memory for its evaluation. Each plan fills it again."""

    forward: Arrays
    """f_l W_l transposed, [W_{l-1}, W_l]."""
    backward: Arrays
    """f_l W_l, [W_l, W_{l-1}]."""
    biases: Arrays
    """f_l b_l + t_l, [W_l]."""
    out: Array
    """w, [W_L]."""
    out_bias: Array
    """b, [1]."""
    values: Arrays
    """h_l, and after it g_l, [max(TILE, S), W_l]."""
    slopes: Arrays
    """silu'(z_l), [max(TILE, S), W_l]."""


class Valleys(NamedTuple):
    """The modes at one state."""

    centres: Array
    """c, [K, D]."""
    depths: Array
    """[K]."""
    slopes: Array
    """[K]."""


class Candidates(NamedTuple):
    """Where chains may start."""

    bank: Array
    """Human chunks, [N_h, D]."""
    warm: Array
    """The rest of the previous plan, [1, D], or [0, D]."""
    near: Array
    """Chunks around `warm`, [N_w, D]."""
    blind: Array
    """Uniform chunks, [N_u, D]."""


# ---- building blocks


@compiled
def add_product(out: Array, a: Array, b: Array) -> None:
    """out += a b, for a [S, K] and b [K, J].

    Four rows of `a` and four terms of the sum at a time: so each number that is loaded is used four times. The compiler
    turns the innermost loop into vector instructions.
    """
    rows, terms = a.shape
    columns = b.shape[1]
    full_rows = rows - rows % 4
    for first in range(0, terms, BLOCK):
        last = min(first + BLOCK, terms)
        full = last - (last - first) % 4
        for s in range(0, full_rows, 4):
            for k in range(first, full, 4):
                a00, a01, a02, a03 = a[s, k], a[s, k + 1], a[s, k + 2], a[s, k + 3]
                a10, a11, a12, a13 = a[s + 1, k], a[s + 1, k + 1], a[s + 1, k + 2], a[s + 1, k + 3]
                a20, a21, a22, a23 = a[s + 2, k], a[s + 2, k + 1], a[s + 2, k + 2], a[s + 2, k + 3]
                a30, a31, a32, a33 = a[s + 3, k], a[s + 3, k + 1], a[s + 3, k + 2], a[s + 3, k + 3]
                for j in range(columns):
                    b0, b1, b2, b3 = b[k, j], b[k + 1, j], b[k + 2, j], b[k + 3, j]
                    out[s, j] += a00 * b0 + a01 * b1 + a02 * b2 + a03 * b3
                    out[s + 1, j] += a10 * b0 + a11 * b1 + a12 * b2 + a13 * b3
                    out[s + 2, j] += a20 * b0 + a21 * b1 + a22 * b2 + a23 * b3
                    out[s + 3, j] += a30 * b0 + a31 * b1 + a32 * b2 + a33 * b3
            for k in range(full, last):
                for row in range(s, s + 4):
                    for j in range(columns):
                        out[row, j] += a[row, k] * b[k, j]
        for s in range(full_rows, rows):
            for k in range(first, last):
                for j in range(columns):
                    out[s, j] += a[s, k] * b[k, j]


@compiled
def fill(out: Array, value: float) -> None:
    """value in each place of `out` [S, D]."""
    for s in range(out.shape[0]):
        for d in range(out.shape[1]):
            out[s, d] = value


@compiled
def copy_rows(out: Array, first: int, rows: Array) -> None:
    """rows [S, D] into `out` from row `first` on."""
    for s in range(rows.shape[0]):
        for d in range(rows.shape[1]):
            out[first + s, d] = rows[s, d]


@compiled
def commit(out: Array, committed: Array) -> None:
    """The first numbers of each row of `out` become `committed`."""
    for s in range(out.shape[0]):
        for d in range(len(committed)):
            out[s, d] = committed[d]


@compiled
def linear(matrix: Array, bias: Array, h: Array) -> Array:
    """matrix h + bias, for one input."""
    out = np.empty(len(bias), np.float32)
    for j in range(len(bias)):
        total = bias[j]
        for k in range(len(h)):
            total += matrix[j, k] * h[k]
        out[j] = total
    return out


@compiled
def clipped(x: float, limit: float) -> float:
    """x within +-limit. NaN stays NaN, which min and max do not promise."""
    below = -limit if x < -limit else x
    return limit if below > limit else below


@compiled
def silu_and_slope(z: Array, slopes: Array, rows: int) -> None:
    """silu(z) in the place of z, and silu'(z), for the first rows of z [S, W].

    silu(z) = z p and silu'(z) = p (1 + z (1 - p)) with p = sigmoid(z) = (1 + tanh(z / 2)) / 2. tanh is a quotient of
    polynomials (Eigen's, error below 4e-7): the compiler has vector instructions for it, and none for exp. It is exact
    only to a rounding error of 1, hence z counts as -16 below it: there silu(z) is zero within 2e-6.
    """
    for s in range(rows):
        for j in range(z.shape[1]):
            value = z[s, j]
            low = np.float32(-16) if value < np.float32(-16) else value
            x = clipped(low * HALF, np.float32(7.90531110763549805))
            xx = x * x
            top = np.float32(2.00018790482477e-13) + xx * np.float32(-2.76076847742355e-16)
            top = np.float32(-8.60467152213735e-11) + xx * top
            top = np.float32(5.12229709037114e-08) + xx * top
            top = np.float32(1.48572235717979e-05) + xx * top
            top = np.float32(6.37261928875436e-04) + xx * top
            top = x * (np.float32(4.89352455891786e-03) + xx * top)
            under = np.float32(1.18534705686654e-04) + xx * np.float32(1.19825839466702e-06)
            under = np.float32(2.26843463243900e-03) + xx * under
            under = np.float32(4.89352518554385e-03) + xx * under
            p = HALF + HALF * (top / under)
            z[s, j] = low * p
            slopes[s, j] = p * (ONE + low * (ONE - p))


# ---- once a plan: what depends on the state


@compiled
def state_features(weights: Weights, observation: Array) -> Array:
    """The trunk's output for s [dim_o]; see `StateNetwork.read` and `FilmEnergy.context`."""
    size = len(observation)
    h = np.empty(size * (1 + 2 * len(weights.frequencies)), np.float32)
    for i in range(size):
        number = clipped((observation[i] - weights.shift[i]) / weights.spread[i], STATE_LIMIT)
        h[i] = number
        for f in range(len(weights.frequencies)):
            h[size * (1 + 2 * f) + i] = math.sin(weights.frequencies[f] * number)
            h[size * (2 + 2 * f) + i] = math.cos(weights.frequencies[f] * number)
    for i in range(len(weights.trunk)):
        h = linear(weights.trunk[i], weights.trunk_biases[i], h)
        count = np.float32(len(h))
        total = ZERO
        for j in range(len(h)):
            total += h[j]
        mean, total = total / count, ZERO
        for j in range(len(h)):
            total += (h[j] - mean) ** 2
        spread = np.sqrt(total / count + NORM_EPSILON)
        gains, biases = weights.norm_gains[i], weights.norm_biases[i]
        for j in range(len(h)):
            normed = (h[j] - mean) / spread * gains[j] + biases[j]
            h[j] = normed / (ONE + math.exp(-normed))
    return h


@compiled
def scale_columns(out: Array, matrix: Array, scale: Array) -> None:
    """out_kj = matrix_kj scale_j."""
    for k in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[k, j] = matrix[k, j] * scale[j]


@compiled
def scale_rows(out: Array, matrix: Array, scale: Array) -> None:
    """out_jk = matrix_jk scale_j."""
    for j in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[j, k] = matrix[j, k] * scale[j]


@compiled
def fold(weights: Weights, features: Array, folded: Folded) -> None:
    """The layers with the state's scales and shifts in them: f_l W_l and f_l b_l + t_l."""
    for i in range(len(weights.layers)):
        head = linear(weights.heads[i], weights.head_biases[i], features)
        width = len(head) // 2
        for j in range(width):
            head[j] += ONE
        scale, shift = head[:width], head[width:]
        bias, of_layer = folded.biases[i], weights.layer_biases[i]
        for j in range(width):
            bias[j] = scale[j] * of_layer[j] + shift[j]
        scale_columns(folded.forward[i], weights.layers_transposed[i], scale)
        scale_rows(folded.backward[i], weights.layers[i], scale)


@compiled
def valleys_at(weights: Weights, features: Array, dim: int) -> Valleys:
    """Centres, depths and slopes of the modes; see `Modes.context`."""
    places = linear(weights.centres, weights.centre_biases, features)
    for i in range(len(places)):
        places[i] = CENTRE_REACH * math.tanh(places[i])
    shapes = linear(weights.shapes, weights.shape_biases, features)
    count = len(shapes) // 2
    for k in range(count, 2 * count):
        raw = shapes[k] + SHIFT
        shapes[k] = SLOPE * (max(raw, ZERO) + math.log1p(math.exp(-abs(raw))))  # softplus
    return Valleys(places.reshape(count, dim), shapes[:count], shapes[count:])


# ---- for many chunks: energy and gradient


@compiled
def network_energy(folded: Folded, chunks: Array, energies: Array) -> None:
    """w . h_L + b of chunks [S, D]; leaves silu'(z_l) in `folded.slopes`."""
    rows = len(chunks)
    h = chunks
    for i in range(len(folded.values)):
        z = folded.values[i][:rows]
        bias = folded.biases[i]
        for s in range(rows):
            for j in range(z.shape[1]):
                z[s, j] = bias[j]
        add_product(z, h, folded.forward[i])
        silu_and_slope(z, folded.slopes[i], rows)
        h = z
    for s in range(rows):
        total = folded.out_bias[0]
        for j in range(h.shape[1]):
            total += folded.out[j] * h[s, j]
        energies[s] = total


@compiled
def network_gradient(folded: Folded, gradient: Array) -> None:
    """The gradient of `network_energy` by the same chunks, [S, D]."""
    rows, last = len(gradient), len(folded.values) - 1
    g, slopes = folded.values[last][:rows], folded.slopes[last]
    for s in range(rows):
        for j in range(g.shape[1]):
            g[s, j] = folded.out[j] * slopes[s, j]
    for i in range(last, 0, -1):
        below, slopes = folded.values[i - 1][:rows], folded.slopes[i - 1]
        fill(below, ZERO)
        add_product(below, g, folded.backward[i])
        for s in range(rows):
            for j in range(below.shape[1]):
                below[s, j] *= slopes[s, j]
        g = below
    fill(gradient, ZERO)
    add_product(gradient, g, folded.backward[0])


@compiled
def add_valleys(valleys: Valleys, chunks: Array, energies: Array, gradient: Array) -> None:
    """Add the modes' energy -log sum_k exp(m_k), and its gradient to `gradient` [S, D] unless that is [0, D]."""
    count, dim = valleys.centres.shape
    share, root = np.empty(count, np.float32), np.empty(count, np.float32)
    for s in range(len(chunks)):
        top = -INFINITY
        for k in range(count):
            squared = ZERO
            for d in range(dim):
                squared += (chunks[s, d] - valleys.centres[k, d]) ** 2
            root[k] = np.sqrt(ONE + squared)
            share[k] = -(valleys.depths[k] + valleys.slopes[k] * (root[k] - ONE))
            top = top if share[k] < top else share[k]
        total = ZERO
        for k in range(count):
            share[k] = np.exp(share[k] - top)
            total += share[k]
        energies[s] -= top + np.log(total)
        if len(gradient):
            for k in range(count):
                pull = share[k] / total * valleys.slopes[k] / root[k]
                for d in range(dim):
                    gradient[s, d] += pull * (chunks[s, d] - valleys.centres[k, d])


# ---- the search


@compiled
def gather(candidates: Candidates, valleys: Valleys, committed: Array) -> Array:
    """All candidates, [N, D]: human chunks, centres of modes, chunks around the previous plan, uniform chunks."""
    bank, near, blind = candidates.bank, candidates.near, candidates.blind
    count, dim = valleys.centres.shape
    found = np.empty((len(bank) + count + len(near) + len(blind), dim), np.float32)
    copy_rows(found, 0, bank)
    for k in range(count):
        for d in range(dim):
            found[len(bank) + k, d] = clipped(valleys.centres[k, d], ONE)
    copy_rows(found, len(bank) + count, near)
    copy_rows(found, len(bank) + count + len(near), blind)
    commit(found, committed)
    return found


@compiled
def lowest(energies: Array, count: int) -> NDArray[np.int64]:
    """Indices of the `count` lowest energies, lowest first; NaN counts as infinite."""
    best, order = np.empty(count, np.float32), np.empty(count, np.int64)
    filled = 0
    for i in range(len(energies)):
        energy = energies[i] if energies[i] == energies[i] else INFINITY
        if filled == count and not energy < best[count - 1]:
            continue
        filled = min(filled + 1, count)
        place = filled - 1
        while place > 0 and energy < best[place - 1]:
            best[place], order[place] = best[place - 1], order[place - 1]
            place -= 1
        best[place], order[place] = energy, i
    return order


@compiled
def screen(folded: Folded, valleys: Valleys, found: Array, warm: Array, count: int) -> Array:
    """The candidates [N, D] of lowest energy, [S, D]. The warm start comes first, in the place of the worst."""
    energies = np.empty(len(found), np.float32)
    for first in range(0, len(found), TILE):
        tile, of_tile = found[first : first + TILE], energies[first : first + TILE]
        network_energy(folded, tile, of_tile)
        add_valleys(valleys, tile, of_tile, found[:0])
    order = lowest(energies, min(count, len(found)))
    chains = np.empty((len(order), found.shape[1]), np.float32)
    copy_rows(chains, 0, warm)
    for s in range(len(warm), len(chains)):
        for d in range(chains.shape[1]):
            chains[s, d] = found[order[s - len(warm)], d]
    return chains


@compiled
def refine(
    folded: Folded, valleys: Valleys, chains: Array, energies: Array, pulls: Array, clip: float, free: int
) -> None:
    """Gradient descent of all chains [S, D], one step for each of `pulls`; see `langevin_step`, without noise.

    The first `free` coordinates stay as they are.
    """
    gradient = np.empty_like(chains)
    for i in range(len(pulls)):
        network_energy(folded, chains, energies)
        network_gradient(folded, gradient)
        add_valleys(valleys, chains, energies, gradient)
        for s in range(len(chains)):
            for d in range(free, chains.shape[1]):
                chains[s, d] = clipped(chains[s, d] + clipped(-pulls[i] * gradient[s, d], clip), ONE)
    network_energy(folded, chains, energies)
    add_valleys(valleys, chains, energies, chains[:0])


@compiled
def choose(energies: Array, warm: bool, margin: float) -> int:
    """The chain of least energy; chain 0, the refined rest of the previous plan, unless another is better by margin.

    A NaN is chosen before all numbers, as by torch: the loop must see it.
    """
    best = 0
    for s in range(len(energies)):
        if energies[s] != energies[s]:
            best = s
            break
        if energies[s] < energies[best]:
            best = s
    return 0 if warm and margin > ZERO and energies[0] - energies[best] < margin else best


@compiled
def spread_of(chains: Array, energies: Array, temperature: float) -> float:
    """Root of the mean variance of chains [S, D], weighted by exp(-E / tau); see `EnergyPolicy._uncertainty`."""
    lowest = energies[0]
    for energy in energies:
        lowest = energy if energy < lowest else lowest
    share, total = np.empty(len(chains), np.float32), ZERO
    for s in range(len(chains)):
        share[s] = np.exp((lowest - energies[s]) / temperature)
        total += share[s]
    for s in range(len(chains)):
        share[s] /= total
    total = ZERO
    for d in range(chains.shape[1]):
        mean = ZERO
        for s in range(len(chains)):
            mean += share[s] * chains[s, d]
        for s in range(len(chains)):
            total += share[s] * (chains[s, d] - mean) ** 2
    return np.sqrt(total / np.float32(chains.shape[1]))


@compiled
def search(
    weights: Weights,
    folded: Folded,
    candidates: Candidates,
    observation: Array,
    committed: Array,
    chains: int,
    pulls: Array,
    clip: float,
    margin: float,
    temperature: float,
) -> tuple[Array, float, float]:
    """A chunk of low energy ([CC] Eq. 8) for s [dim_o]: its numbers [D], its energy and the uncertainty.

    Args:
        committed: first numbers of the chunk, which stay as they are, [c]. chains: S.
        pulls: lambda of each step, times 1/2 with linear noise. clip: greatest move of a coordinate in a step.
        margin: see `choose`. temperature: tau.
    """
    dim = candidates.blind.shape[1]
    features = state_features(weights, observation)
    fold(weights, features, folded)
    valleys = valleys_at(weights, features, dim)
    found = gather(candidates, valleys, committed)
    starts = screen(folded, valleys, found, candidates.warm, chains)
    commit(starts, committed)
    energies = np.empty(len(starts), np.float32)
    refine(folded, valleys, starts, energies, pulls, clip, len(committed))
    best = choose(energies, len(candidates.warm) > 0, margin)
    return starts[best], energies[best], spread_of(starts, energies, temperature)
