"""The forward loop of a D-NTM: controller, head parameters, look-ups, write and read.

Source: Gulcehre, Chandar, Cho and Bengio, *Dynamic Neural Turing Machine with Soft and Hard Addressing
Schemes* (arXiv 1607.00036), sections 2 to 4.

Sequences go through in tiles: few enough for their memories to stay in the cache, and enough for weights and
addresses to be read once for several. For the backward pass, weightings, parameters, queries and averages of
all steps are kept, but the memory at every √T-th step alone.

Shape letters are those of :mod:`ntm_agents.kernels.dntm.arguments`.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.activations import softmax
from ntm_agents.kernels.arithmetic import Array, copy, zero
from ntm_agents.kernels.compilation import entry, inline, paste
from ntm_agents.kernels.control import control
from ntm_agents.kernels.dntm.addresses import turn
from ntm_agents.kernels.dntm.arguments import Places, Scratch, Settings, Trail
from ntm_agents.kernels.dntm.lookup import begin, compare_addresses, compare_slots
from ntm_agents.kernels.dntm.parameters import activate_parameters, opening
from ntm_agents.kernels.memory import read, write
from ntm_agents.kernels.products import add_product, pack
from ntm_agents.kernels.subnormals import flush, restore
from ntm_agents.kernels.weights import Matrices


@entry
def forward(
    settings: Settings,
    weights: Matrices,
    places: Places,
    scratch: Scratch,
    tiles: Array,
    memory: Array,
    trail: Trail[Array],
) -> None:
    """Take T steps with some tiles of the batch.

    Args:
        settings: Numbers that do not depend on the data.
        weights: Weights of the recurrence.
        places: Addresses, and the rotation from each to the next.
        scratch: Scratch memory.
        tiles: First sequence of each tile, and the end of the last one, int64.
        memory: Memory at the start ``[B, D, N]``; afterwards, at the end.
        trail: Arrays that hold each step.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    T, every, layout = len(trail.gates), settings.every, settings.layout
    values = (layout.heads - layout.writers) * (layout.address + layout.width)
    pack(weights.recurrent.T, scratch.recurrent)
    pack(weights.output.T, scratch.output)
    pack(weights.last.T, scratch.last)
    begin(settings, places, scratch)
    for i in range(len(tiles) - 1):
        first, last = tiles[i], tiles[i + 1]
        for t in range(T):
            control(t, first, last, values, 0, scratch, trail, settings.seen)
            for b in range(first, last):
                if every and t % every == 0:
                    copy(memory[b], trail.memories[t // every, b])
                vectors = trail.vectors[t % len(trail.vectors), b]
                activate_parameters(trail.parameters[t, b], trail.contents[t, b], vectors, layout)
                _ask(t, b, settings, places, trail)
            compare_addresses(t, first, last, settings, scratch, trail)
            for b in range(first, last):
                compare_slots(t, b, b - first, settings, scratch, memory[b], trail)
                _choose(t, b, b - first, settings, scratch, trail)
                _access(t, b, b - first, settings, scratch, memory[b], trail)
            _read_addresses(t, first, last, settings, scratch, trail)
    restore(before_kernel)


@paste
def _ask(t: int, b: int, settings: Settings, places: Places, trail: Trail[Array]) -> None:
    """Write the queries of a sequence: its keys, and the addresses behind those that it has read last."""
    sources, A, stride = settings.queries.sources, settings.layout.address, settings.layout.stride
    K, p = len(sources), trail.parameters[t, b]
    queries = trail.queries[t % len(trail.queries), b * K : (b + 1) * K]
    for k in range(K):
        query, source = queries[k], sources[k]
        if k < settings.queries.keys:
            key = p[source * stride :][:A]
            for a in range(A):
                query[a] = key[a]
        else:
            turn(trail.features[t, b, source * A : (source + 1) * A], places.rotation, query)


@paste
def _choose(t: int, b: int, i: int, settings: Settings, scratch: Scratch, trail: Trail[Array]) -> None:
    """Turn the similarities of a sequence into weightings."""
    layout, near, p, soft = settings.layout, settings.queries.near, trail.parameters[t, b], trail.soft[b]
    K, stride, kept = len(settings.queries.sources), layout.stride, len(trail.weightings)
    for h in range(layout.heads):
        own, at = scratch.dots[h], h * stride + layout.address + layout.width
        weighting = trail.weightings[t % kept, b, h]
        chances = trail.chances[t % kept, b, h] if len(trail.chances) else weighting
        strength = p[at]
        if near[h] >= 0:
            gate = opening(p[(h + 1) * stride - 1], soft, p.dtype.type(1))
            other = scratch.near[i * K + near[h]]
            for n in range(len(own)):
                chances[n] = strength * (other[n] + gate * (own[n] - other[n]))
        else:
            for n in range(len(own)):
                chances[n] = strength * own[n]
        if layout.lru:
            steps = len(trail.averages)
            before, after = trail.averages[t % steps, b, h], trail.averages[(t + 1) % steps, b, h]
            _avoid(chances, p[at + 1], settings.kept, before, after)
        softmax(chances)
        if len(trail.chances):
            _weight(chances, soft, settings.nop, weighting)


@inline
def _avoid(scores: Array, gamma: Any, kept: Any, before: Array, after: Array) -> None:
    """Reduce scores ``[N]`` by the gate times the average of earlier ones, which goes on."""
    new = before.dtype.type(1) - kept
    for n in range(len(scores)):
        score = scores[n]
        scores[n] = score - gamma * before[n]
        after[n] = kept * before[n] + new * score


@inline
def _weight(chances: Array, soft: bool, nop: int, weighting: Array) -> None:
    """Write a weighting ``[N]``: chances or, if it is hard, the most probable slot, but no NOP cells."""
    if soft:
        for n in range(len(chances)):
            weighting[n] = chances[n]
    else:
        best = 0
        for n in range(len(chances)):
            best = n if chances[n] > chances[best] else best
        zero(weighting)
        weighting[best] = chances.dtype.type(1) + (chances[best] - chances[best])  # NaN stays NaN
    zero(weighting[:nop])


@paste
def _access(
    t: int, b: int, i: int, settings: Settings, scratch: Scratch, memory: Array, trail: Trail[Array]
) -> None:
    """Write and read contents with all heads of a sequence; leave read weightings for the addresses."""
    layout, weighting = settings.layout, trail.weightings[t % len(trail.weightings), b]
    (D, N), W, vectors = memory.shape, layout.writers, trail.vectors[t % len(trail.vectors), b]
    R = layout.heads - W
    reads = trail.features[t + 1, b, R * layout.address :]
    for writes in (settings.write_first, not settings.write_first):
        if writes:
            write(memory, weighting, vectors, W, 0, N)
        else:
            for r in range(R):
                read(memory, weighting[W + r], 0, N, reads[r * D : (r + 1) * D])
    copy(weighting[W:], scratch.reading[i * R : (i + 1) * R])


@paste
def _read_addresses(
    t: int, first: int, last: int, settings: Settings, scratch: Scratch, trail: Trail[Array]
) -> None:
    """Read addresses with all heads of a tile."""
    R, A = settings.layout.heads - settings.layout.writers, settings.layout.address
    rows = (last - first) * R
    read_ = scratch.read[:rows]
    for i in range(rows):
        zero(read_[i])
    add_product(scratch.reading[:rows], 0, scratch.weighted, read_)
    for i in range(rows):
        row, out = read_[i], trail.features[t + 1, first + i // R, i % R * A :]
        for a in range(A):
            out[a] = row[a]
