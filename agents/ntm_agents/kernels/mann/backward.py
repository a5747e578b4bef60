"""The backward loop of a MANN: gradients of all results of the forward loop, derived by hand.

The memories of a segment are written again from its checkpoint. Of the look-ups, only weightings and
parameters were kept; the similarities are computed again. No gradient goes through the choice of the least
used slots.

Shape letters are those of :mod:`ntm_agents.kernels.mann.interface`.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array, add_to, copy, zero
from ntm_agents.kernels.compilation import entry, paste
from ntm_agents.kernels.content import compare, compare_backward, divide_by_norms, look_up_backward, norm
from ntm_agents.kernels.control import control_backward
from ntm_agents.kernels.mann.arguments import Gradients, Scratch, Settings, Trail
from ntm_agents.kernels.mann.parameters import activate_parameters_backward, empty, strength
from ntm_agents.kernels.memory import add_vectors, add_vectors_backward, read_backward
from ntm_agents.kernels.products import pack
from ntm_agents.kernels.subnormals import flush, restore
from ntm_agents.kernels.weights import Matrices


@entry
def backward(
    settings: Settings,
    weights: Matrices,
    scratch: Scratch,
    tiles: Array,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through T steps of some tiles of the batch.

    Args:
        settings: Numbers that `forward` was given.
        weights: Weights that `forward` was given.
        scratch: Scratch memory.
        tiles: First sequence of each tile, and the end of the last one, int64.
        trail: Arrays that `forward` left.
        gradients: Gradients that are given, and room for those that are computed.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    T, every, values = len(trail.gates), settings.every, settings.heads * settings.width
    pack(weights.recurrent, scratch.recurrent)
    pack(weights.output, scratch.output)
    pack(weights.last, scratch.last)
    for i in range(len(tiles) - 1):
        first, last = tiles[i], tiles[i + 1]
        dfeatures = scratch.dfeatures[: last - first]
        for b in range(last - first):
            zero(dfeatures[b])
        for start in range((T - 1) // every * every, -1, -every):
            end = min(start + every, T)
            for b in range(first, last):
                _write_segment(start, end, b, b - first, settings, scratch, trail)
            for t in range(end - 1, start - 1, -1):
                add_to(dfeatures, gradients.features[t, first:last])
                for b in range(first, last):
                    source = scratch.memories[t - start + settings.write_first, b - first]
                    if len(gradients.weightings):
                        add_to(gradients.weighting[b], gradients.weightings[t, b])
                    _use_backward(b, settings, gradients)
                    for writes in (not settings.write_first, settings.write_first):
                        if writes:
                            _write_backward(t, b, settings, scratch, trail, gradients)
                        else:
                            _read_backward(t, b, b - first, settings, scratch, source, trail, gradients)
                    _choose_backward(t, b, settings, scratch, trail, gradients)
                    p, dp = trail.parameters[t, b], gradients.parameters[t, b]
                    activate_parameters_backward(p, dp, settings.heads, settings.width)
                control_backward(t, first, last, values, scratch, trail, gradients)
        copy(dfeatures, gradients.first[first:last])
    restore(before_kernel)


@paste
def _write_segment(
    start: int, end: int, b: int, i: int, settings: Settings, scratch: Scratch, trail: Trail[Array]
) -> None:
    """Write the memories of a sequence before and after each step of a segment once more."""
    copy(trail.memories[start // settings.every, b], scratch.memories[0, i])
    for t in range(start, end):
        after = scratch.memories[t - start + 1, i]
        copy(scratch.memories[t - start, i], after)
        empty(after, trail.free[t, b])
        add_vectors(
            after, trail.weightings[t + 1, b], trail.parameters[t, b], settings.stride, settings.heads
        )


@paste
def _use_backward(b: int, settings: Settings, gradients: Gradients[Array]) -> None:
    """Backpropagate through the usage of a sequence, to all of its weightings and its last usage."""
    dweighting, dusage = gradients.weighting[b], gradients.usage[b]
    for h in range(len(dweighting)):
        row = dweighting[h]
        for n in range(len(dusage)):
            row[n] += dusage[n]
    for n in range(len(dusage)):
        dusage[n] *= settings.decay


@paste
def _write_backward(
    t: int, b: int, settings: Settings, scratch: Scratch, trail: Trail[Array], gradients: Gradients[Array]
) -> None:
    """Backpropagate through the write of a sequence, to its weightings, its memory before, and its keys."""
    weighting, dmemory, dweighting = trail.weightings[t + 1, b], gradients.memory[b], gradients.weighting[b]
    add_vectors_backward(
        weighting,
        trail.parameters[t, b],
        settings.stride,
        settings.heads,
        dmemory,
        dweighting,
        scratch.dvectors,
    )
    empty(dmemory, trail.free[t, b])


@paste
def _read_backward(
    t: int,
    b: int,
    i: int,
    settings: Settings,
    scratch: Scratch,
    memory: Array,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through reads and look-ups of a sequence, to the memory that they saw, and its keys.

    Gradients of read weightings turn into those of dot products.
    """
    p, dp, dreads = trail.parameters[t, b], gradients.parameters[t, b], scratch.dfeatures[i]
    R, M, stride, epsilons = settings.heads, settings.width, settings.stride, settings.epsilons
    reading, dreading, dmemory = (
        trail.weightings[t + 1, b, R:],
        gradients.weighting[b, R:],
        gradients.memory[b],
    )
    compare(memory, p, stride, epsilons.inside, scratch.dots, scratch.norms)
    zero(scratch.dnorms)
    for h in range(R):
        dots, at = scratch.dots[h], h * stride
        key_norm = norm(p[at : at + M], epsilons.inside)
        read_backward(memory, reading[h], dreads[h * M : (h + 1) * M], dmemory, dreading[h])
        divide_by_norms(dots, scratch.norms, key_norm, epsilons)
        dstrength, scratch.dkey_norms[h] = look_up_backward(
            dots,
            scratch.norms,
            key_norm,
            epsilons,
            strength(p, R, M, h),
            reading[h],
            dreading[h],
            scratch.dnorms,
        )
        if stride > M + 1:
            dp[at + M + 1] = dstrength
    compare_backward(memory, p, stride, dreading, scratch.dnorms, scratch.dkey_norms, dmemory, dp)


@paste
def _choose_backward(
    t: int, b: int, settings: Settings, scratch: Scratch, trail: Trail[Array], gradients: Gradients[Array]
) -> None:
    """Backpropagate through the write weightings of a sequence, to those with which it has read last."""
    p, dp, dvectors = trail.parameters[t, b], gradients.parameters[t, b], scratch.dvectors
    R, M, free = settings.heads, settings.width, trail.free[t, b]
    previous, dweighting = trail.weightings[t, b, R:], gradients.weighting[b]
    for h in range(R):
        at = h * settings.stride + M
        gate, row, dwriting, dreading = p[at], previous[h], dweighting[h], dweighting[R + h]
        dgate = -dwriting[free[h]]
        for n in range(len(row)):
            d = dwriting[n]
            dgate += d * row[n]
            dreading[n] = gate * d
        zero(dwriting)
        dp[at] = dgate
        for m in range(at - M, at):
            dp[m] += dvectors[m]
