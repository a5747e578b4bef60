"""The backward loop of the NTM: gradients of all results of the forward loop, derived by hand.

The memories of a segment are written again from its checkpoint. Of the addressing, only weightings and
parameters were kept; the rest is computed again.

Shape letters are those of :mod:`ntm_agents.kernels.ntm.arguments`.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array, add_to, copy, zero
from ntm_agents.kernels.compilation import entry, paste
from ntm_agents.kernels.content import compare, compare_backward, look_up, look_up_backward, norm
from ntm_agents.kernels.controllers import feed_forward_backward, lstm_backward
from ntm_agents.kernels.jumps import add_counts_backward, count_backward, jump, jump_backward
from ntm_agents.kernels.location import (
    interpolate,
    interpolate_backward,
    ring_start,
    sharpen_backward,
    shift,
    shift_backward,
)
from ntm_agents.kernels.memory import read_backward, rewrite, write_backward
from ntm_agents.kernels.ntm.arguments import Counter, CounterGradients, Gradients, Matrices, Settings, Trail
from ntm_agents.kernels.ntm.parameters import (
    GATE,
    SHARPENING,
    SHIFTS,
    STRENGTH,
    activate_parameters_backward,
)
from ntm_agents.kernels.ntm.scratch import Scratch
from ntm_agents.kernels.products import add_product, pack
from ntm_agents.kernels.subnormals import flush, restore


@entry
def backward(
    settings: Settings,
    weights: Matrices,
    scratch: Scratch,
    tiles: Array,
    trail: Trail[Array],
    gradients: Gradients[Array],
    counter: Counter[Array] | None,
    dcounter: CounterGradients[Array] | None,
) -> None:
    """Backpropagate through T steps of some tiles of the batch.

    Args:
        settings: Numbers that `forward` was given.
        weights: Weights that `forward` was given.
        scratch: Scratch memory.
        tiles: First sequence of each tile, and the end of the last one, int64.
        trail: Arrays that `forward` left.
        gradients: Gradients that are given, and room for those that are computed.
        counter: Counters that `forward` left, or None.
        dcounter: Gradients of the counters, or None.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    T, every = len(trail.gates), settings.every
    pack(weights.recurrent, scratch.recurrent)
    pack(weights.heads, scratch.heads)
    for i in range(len(tiles) - 1):
        first, last = tiles[i], tiles[i + 1]
        dfeatures = scratch.dfeatures[: last - first]
        for b in range(last - first):
            zero(dfeatures[b])
        for start in range((T - 1) // every * every, -1, -every):
            end = min(start + every, T)
            _rewrite_segment(start, end, first, last, settings, scratch, trail)
            for t in range(end - 1, start - 1, -1):
                add_to(dfeatures, gradients.features[t, first:last])
                for b in range(first, last):
                    before = scratch.memories[t - start, b - first]
                    after = scratch.memories[t - start + 1, b - first]
                    if len(gradients.weightings):
                        add_to(gradients.weighting[b], gradients.weightings[t, b])
                    _access_backward(
                        t, b, settings, scratch, before, after, dfeatures[b - first], trail, gradients
                    )
                    _address_backward(t, b, settings, scratch, before, trail, gradients, counter)
                    activate_parameters_backward(
                        trail.parameters[t, b], gradients.parameters[t, b], settings.layout
                    )
                _control_backward(t, first, last, scratch, trail, gradients, counter, dcounter)
        copy(dfeatures, gradients.first[first:last])
    restore(before_kernel)


@paste
def _rewrite_segment(
    start: int, end: int, first: int, last: int, settings: Settings, scratch: Scratch, trail: Trail[Array]
) -> None:
    """Write the memories of a tile before and after each step of a segment once more."""
    layout = settings.layout
    for b in range(first, last):
        copy(trail.checkpoints[start // settings.every, b], scratch.memories[0, b - first])
        for t in range(start, end):
            before, after = scratch.memories[t - start, b - first], scratch.memories[t - start + 1, b - first]
            vectors = trail.parameters[t, b, layout.vectors :]
            rewrite(before, trail.weightings[t + 1, b], vectors, layout.writers, after)


@paste
def _access_backward(
    t: int,
    b: int,
    settings: Settings,
    scratch: Scratch,
    before: Array,
    after: Array,
    dreads: Array,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through write and read of a sequence."""
    layout, weighting = settings.layout, trail.weightings[t + 1, b]
    M, W, dmemory, dweighting = len(before), layout.writers, gradients.memory[b], gradients.weighting[b]
    vectors = trail.parameters[t, b, layout.vectors :]
    dvectors = gradients.parameters[t, b, layout.vectors :]
    source = after if settings.write_first else before
    for writes in (not settings.write_first, settings.write_first):
        if writes:
            write_backward(before, weighting, vectors, W, dmemory, dweighting, dvectors, scratch.kept)
        else:
            for h in range(W, layout.heads):
                dread = dreads[(h - W) * M : (h - W + 1) * M]
                read_backward(source, weighting[h], dread, dmemory, dweighting[h])


@paste
def _address_backward(
    t: int,
    b: int,
    settings: Settings,
    scratch: Scratch,
    memory: Array,
    trail: Trail[Array],
    gradients: Gradients[Array],
    counter: Counter[Array] | None,
) -> None:
    """Backpropagate through the addressing of all heads of a sequence, given gradients of weightings."""
    layout, followers, dkey_norms = settings.layout, settings.followers, scratch.dkey_norms
    W, stride, p, dp = layout.writers, layout.stride, trail.parameters[t, b], gradients.parameters[t, b]
    previous, weighting = trail.weightings[t, b], trail.weightings[t + 1, b]
    dweighting = gradients.weighting[b]
    keys, dkeys = memory[: layout.key_width], gradients.memory[b][: layout.key_width]
    compare(keys, p, stride, settings.epsilons.inside, scratch.dots, scratch.norms)
    zero(scratch.dnorms)
    for h in range(layout.heads):
        own = slice(h * stride, (h + 1) * stride)
        if W - followers <= h < W:
            if not settings.write_first:
                _pass_on(dweighting[h], dweighting[h + followers])
            zero(scratch.ddots[h])
            zero(dp[own])
            dkey_norms[h] = 0
        else:
            dkey_norms[h] = _choose_backward(
                h,
                p[own],
                dp[own],
                settings,
                scratch,
                previous[h],
                weighting[h],
                dweighting[h],
                trail.gates[t, b],
                gradients.gates[t, b],
                counter,
            )
    if settings.write_first:
        for h in range(W - followers, W):
            _pass_on(dweighting[h], dweighting[h + followers])
    compare_backward(keys, p, stride, scratch.ddots, scratch.dnorms, dkey_norms, dkeys, dp)


@paste
def _pass_on(gradient: Array, other: Array) -> None:
    """Move the gradient of a weighting to that of the one that it was copied from."""
    for n in range(len(gradient)):
        other[n] += gradient[n]
        gradient[n] = 0


@paste
def _choose_backward(
    h: int,
    p: Array,
    dp: Array,
    settings: Settings,
    scratch: Scratch,
    previous: Array,
    weighting: Array,
    dweighting: Array,
    gates: Array,
    dgates: Array,
    counter: Counter[Array] | None,
) -> Any:
    """Backpropagate through the addressing of a head.

    Gradients of the weighting ``[N]`` turn into those of the one before, and those of the key's dot products
    are left in the scratch. Returns the gradient of the key's norm, divided by this norm.
    """
    layout, content, ring, dring = settings.layout, scratch.content, scratch.ring, scratch.dring
    left, N, K = ring_start(layout.shifts), len(weighting), layout.key_width
    strength, sharpening, gate = p[K + STRENGTH] * settings.strength_factor, p[K + SHARPENING], p[K + GATE]
    moves, dmoves = p[K + SHIFTS : K + SHIFTS + layout.shifts], dp[K + SHIFTS : K + SHIFTS + layout.shifts]
    key_norm, epsilons = norm(p[:K], settings.epsilons.inside), settings.epsilons
    look_up(scratch.dots[h], scratch.norms, key_norm, epsilons, strength, content)
    interpolate(content, previous, gate, left, ring)
    jumps, own = False, 0
    if counter is not None:
        jumps, own = h >= layout.writers, len(counter.weight) + h - layout.writers
        if jumps:
            jump(ring, gates[own], left, N)
    shift(ring, moves, scratch.shifted, scratch.logs)
    dp[K + SHARPENING] = sharpen_backward(scratch.logs, scratch.shifted, sharpening, weighting, dweighting)
    shift_backward(ring, moves, dweighting, dring, dmoves)
    if counter is not None and jumps:
        interpolate(content, previous, gate, left, ring)
        dgates[own] = jump_backward(ring, gates[own], left, N, dring)
    dp[K + GATE] = interpolate_backward(content, previous, gate, left, dring, scratch.ddots[h], dweighting)
    similarities, norms, dcontent, dnorms = scratch.dots[h], scratch.norms, scratch.ddots[h], scratch.dnorms
    dstrength, dkey_norm = look_up_backward(
        similarities, norms, key_norm, epsilons, strength, content, dcontent, dnorms
    )
    dp[K + STRENGTH] = dstrength * settings.strength_factor
    return dkey_norm


@paste
def _control_backward(
    t: int,
    first: int,
    last: int,
    scratch: Scratch,
    trail: Trail[Array],
    gradients: Gradients[Array],
    counter: Counter[Array] | None,
    dcounter: CounterGradients[Array] | None,
) -> None:
    """Backpropagate through a step of the controller, from head parameters to the last features."""
    C = scratch.doutput.shape[1]
    V = scratch.dfeatures.shape[1] - C
    dfeatures, doutput = scratch.dfeatures[: last - first], scratch.doutput[: last - first]
    for b in range(last - first):
        for j in range(C):
            doutput[b, j] = dfeatures[b, V + j]
        zero(dfeatures[b])
    add_product(gradients.parameters[t, first:last], 0, scratch.heads, doutput)
    gates, dgates = trail.gates[t, first:last], gradients.gates[t, first:last]
    if len(trail.cells):
        cells, after = trail.cells[t, first:last], trail.cells[t + 1, first:last]
        lstm_backward(gates, cells, after, doutput, gradients.cells[first:last], dgates)
    else:
        feed_forward_backward(trail.features[t + 1, first:last], doutput, dgates, C)
    if counter is not None and dcounter is not None:
        own = len(counter.weight)
        add_counts_backward(
            counter.counts[t + 1, first:last], counter.weight, dgates, dcounter.counts[first:last]
        )
        for b in range(first, last):
            dcounter.offers[t, b] = dcounter.counts[b]
            count_backward(trail.gates[t, b, own:], dcounter.counts[b], gradients.gates[t, b, own:])
    add_product(dgates, 0, scratch.recurrent, dfeatures)
