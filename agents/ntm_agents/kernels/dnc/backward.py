"""The backward loop of the DNC: gradients of all results of the forward loop, derived by hand.

Memories and links of a segment are computed again from its checkpoint. Of the rest, what the trail does not
hold is computed again at each step.

Shape letters are those of :mod:`ntm_agents.kernels.dnc.arguments`.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.allocation import allocate, allocate_backward, bound
from ntm_agents.kernels.arithmetic import Array, add_to, copy, zero
from ntm_agents.kernels.compilation import entry, paste
from ntm_agents.kernels.control import control_backward
from ntm_agents.kernels.dnc.arguments import Gradients, Settings, Trail
from ntm_agents.kernels.dnc.lookup import (
    compare_heads,
    compare_heads_backward,
    look_up_head,
    look_up_head_backward,
)
from ntm_agents.kernels.dnc.mixtures import gate_write_backward, mix_backward
from ntm_agents.kernels.dnc.parameters import MODES, activate_parameters_backward
from ntm_agents.kernels.dnc.scratch import Scratch
from ntm_agents.kernels.links import link_and_follow_backward, link_into, precede_backward
from ntm_agents.kernels.memory import read_backward, write, write_backward
from ntm_agents.kernels.products import pack
from ntm_agents.kernels.sharpened import sharpen_way, sharpen_way_backward
from ntm_agents.kernels.sparse_links import (
    follow_sparse_backward,
    keep_largest,
    link_sparse,
    link_sparse_backward,
)
from ntm_agents.kernels.subnormals import flush, restore
from ntm_agents.kernels.usage import (
    mark_used,
    release_backward,
    release_into,
    retain,
    retain_backward,
    use_backward,
)
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
    T, every = len(trail.gates), settings.every
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
                _repeat_segment(start, end, b, b - first, settings, scratch, trail)
            for t in range(end - 1, start - 1, -1):
                add_to(dfeatures, gradients.features[t, first:last])
                for b in range(first, last):
                    if len(gradients.weightings):
                        add_to(gradients.weighting[b], gradients.weightings[t, b])
                    for r in range(settings.layout.readers):
                        zero(scratch.dreading[r])
                    _read_backward(t, t - start, b, b - first, settings, scratch, trail, gradients)
                    if trail.links.shape[3]:
                        _link_backward(t, t - start, b, b - first, settings, scratch, trail, gradients)
                    _write_backward(t, t - start, b, b - first, settings, scratch, trail, gradients)
                    activate_parameters_backward(
                        trail.parameters[t, b],
                        gradients.parameters[t, b],
                        settings.layout,
                        settings.write_activation,
                    )
                control_backward(t, first, last, 0, scratch, trail, gradients)
        copy(dfeatures, gradients.first[first:last])
    restore(before_kernel)


@paste
def _repeat_segment(
    start: int, end: int, b: int, i: int, settings: Settings, scratch: Scratch, trail: Trail[Array]
) -> None:
    """Compute memories and links of a sequence before and after each step of a segment once more."""
    layout, segment, retained = settings.layout, start // settings.every, scratch.retained
    sparse, linked = trail.columns.shape[3] > 0, trail.links.shape[3] > 0
    copy(trail.memories[segment, b], scratch.memories[0, i])
    copy(trail.links[segment, b], scratch.links[0, i])
    copy(trail.columns[segment, b], scratch.columns[0, i])
    for t in range(start, end):
        s, p, previous = t - start, trail.parameters[t, b], trail.weightings[t, b]
        memory, after, weighting = (
            scratch.memories[s, i],
            scratch.memories[s + 1, i],
            trail.weightings[t + 1, b],
        )
        if settings.deallocation:
            retain(previous[1:], p[layout.free :], retained)
            release_into(memory, retained, after)
        else:
            copy(memory, after)
        write(after, weighting, p[layout.vectors :], 1, 0, len(retained))
        if sparse:
            choices = trail.choices[t, b]
            keep_largest(weighting[0], choices, trail.columns.shape[3], scratch.kept)
            link_sparse(
                scratch.links[s, i],
                scratch.columns[s, i],
                trail.precedence[t, b],
                scratch.kept,
                choices,
                scratch.candidates,
                scratch.links[s + 1, i],
                scratch.columns[s + 1, i],
            )
        elif linked:
            links, new = scratch.links[s, i], scratch.links[s + 1, i]
            link_into(links, trail.precedence[t, b], weighting[0], new)


@paste
def _read_backward(
    t: int,
    s: int,
    b: int,
    i: int,
    settings: Settings,
    scratch: Scratch,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through reads and read weightings of a sequence, to the ways along its links."""
    layout, p, dp = settings.layout, trail.parameters[t, b], gradients.parameters[t, b]
    R, M, epsilons, own, content = (
        layout.readers,
        layout.width,
        settings.epsilons,
        scratch.comparison,
        scratch.content,
    )
    ways, dways = trail.ways[t, b], scratch.dways
    memory, dmemory, dreads = scratch.memories[s + 1, i], gradients.memory[b], scratch.dfeatures[i]
    compare_heads(1, 1 + R, p, layout, epsilons, own, memory)
    if len(scratch.used):
        writing = trail.weightings[t + 1, b, 0]
        mark_used(trail.usage[t + 1, b], writing, settings.least_usage, scratch.used)
    for r in range(R):
        weighting, dweighting = trail.weightings[t + 1, b, 1 + r], gradients.weighting[b, 1 + r]
        read_backward(memory, weighting, dreads[r * M : (r + 1) * M], dmemory, dweighting)
        look_up_head(1 + r, r, p, layout, epsilons, own, scratch.used, content)
        dcontent = own.ddots[r]
        if len(ways):
            backward, forward = ways[r], ways[R + r]
            sharp, power = layout.powers < layout.free, layout.powers + 2 * r
            if sharp:
                for way in range(2):
                    sharpen_way(ways[R * way + r], p[power + way], scratch.ways[way])
                backward, forward = scratch.ways[0], scratch.ways[1]
            at = layout.modes + MODES * r
            mix_backward(
                p[at:],
                backward,
                content,
                forward,
                dweighting,
                dp[at:],
                dways[r],
                dcontent,
                dways[R + r],
            )
            if sharp:
                for way in range(2):
                    k = R * way + r
                    dp[power + way] = sharpen_way_backward(
                        ways[k], p[power + way], scratch.ways[way], dways[k]
                    )
        else:
            for n in range(len(dcontent)):
                dcontent[n] = dweighting[n]
        look_up_head_backward(1 + r, r, p, dp, layout, epsilons, own, content)
    compare_heads_backward(1, 1 + R, p, dp, layout, own, memory, dmemory)


@paste
def _link_backward(
    t: int,
    s: int,
    b: int,
    i: int,
    settings: Settings,
    scratch: Scratch,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through links and precedence of a sequence."""
    reading, writing, before = (
        trail.weightings[t, b, 1:],
        trail.weightings[t + 1, b, 0],
        trail.precedence[t, b],
    )
    links, after = scratch.links[s, i], scratch.links[s + 1, i]
    dlinks, dprecedence, dwriting = gradients.links[b], gradients.precedence[b], gradients.weighting[b, 0]
    precede_backward(before, writing, dprecedence, dwriting)
    if trail.columns.shape[3]:
        columns, choices = scratch.columns[s, i], trail.choices[t, b]
        follow_sparse_backward(
            after, scratch.columns[s + 1, i], reading, scratch.dways, dlinks, scratch.dreading
        )
        keep_largest(writing, choices, trail.columns.shape[3], scratch.kept)
        link_sparse_backward(
            links,
            columns,
            before,
            scratch.kept,
            choices,
            scratch.candidates,
            dlinks,
            dprecedence,
            dwriting,
            scratch.dkept,
        )
    else:
        link_and_follow_backward(
            links,
            after,
            before,
            writing,
            reading,
            scratch.dways,
            scratch.factors,
            scratch.others,
            dlinks,
            dprecedence,
            dwriting,
            scratch.dreading,
        )


@paste
def _write_backward(
    t: int,
    s: int,
    b: int,
    i: int,
    settings: Settings,
    scratch: Scratch,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through write, allocation and usage of a sequence, to the weightings before the step."""
    layout, p, dp = settings.layout, trail.parameters[t, b], gradients.parameters[t, b]
    previous, weighting = trail.weightings[t, b], trail.weightings[t + 1, b]
    memory, dmemory, dweighting = scratch.memories[s, i], gradients.memory[b], gradients.weighting[b]
    retained, dretained, dusage = scratch.retained, scratch.dretained, gradients.usage[b]
    epsilons, own, content, dcontent = (
        settings.epsilons,
        scratch.comparison,
        scratch.content,
        scratch.comparison.ddots[0],
    )
    free, dfree = scratch.allocation, scratch.dallocation
    vectors, dvectors = p[layout.vectors :], dp[layout.vectors :]
    retain(previous[1:], p[layout.free :], retained)
    zero(dretained)
    released = memory
    if settings.deallocation:
        released = scratch.released
        release_into(memory, retained, released)
    write_backward(released, weighting, vectors, 1, dmemory, dweighting, dvectors, scratch.erased)
    if settings.deallocation:
        release_backward(memory, retained, dmemory, dretained)
    usage, order = trail.usage[t + 1, b], trail.orders[t + 1, b]
    bound(usage, scratch.bounded)
    allocate(scratch.bounded, order, free)
    compare_heads(0, 1, p, layout, epsilons, own, memory)
    if len(scratch.used):
        zero(content)  # in place of a write weighting, as in `forward`
        mark_used(usage, content, settings.least_usage, scratch.used)
    look_up_head(0, 0, p, layout, epsilons, own, scratch.used, content)
    towards, gate = p[layout.vectors - 2], p[layout.vectors - 1]
    dp[layout.vectors - 2], dp[layout.vectors - 1] = gate_write_backward(
        towards, gate, content, free, dweighting[0], dcontent, dfree
    )
    look_up_head_backward(0, 0, p, dp, layout, epsilons, own, content)
    compare_heads_backward(0, 1, p, dp, layout, own, memory, dmemory)
    allocate_backward(scratch.bounded, order, dfree, scratch.products[0], dusage)
    use_backward(trail.usage[t, b], previous[0], retained, dusage, dweighting[0], dretained)
    dfreeing = dp[layout.free : layout.free + layout.readers]
    retain_backward(previous[1:], p[layout.free :], dretained, scratch.products, scratch.dreading, dfreeing)
    copy(scratch.dreading, dweighting[1:])
