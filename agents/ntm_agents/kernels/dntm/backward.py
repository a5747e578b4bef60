"""The backward loop of a D-NTM: gradients of all results of the forward loop, derived by hand.

The memories of a segment are written again from its checkpoint. Of the look-ups, only weightings, parameters,
queries and averages were kept; the similarities are computed again. A hard weighting has the gradient of its
distribution, and no gradient goes into the averages through the scores. Gradients of addresses are products
over all steps, computed afterwards.

Shape letters are those of :mod:`ntm_agents.kernels.dntm.arguments`.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.activations import softmax_backward
from ntm_agents.kernels.arithmetic import Array, add_to, copy, zero
from ntm_agents.kernels.compilation import entry, inline, paste
from ntm_agents.kernels.content import compare_backward, divide_by_norms_backward, norm
from ntm_agents.kernels.control import control_backward
from ntm_agents.kernels.dntm.addresses import turn_backward
from ntm_agents.kernels.dntm.arguments import Gradients, Places, Scratch, Settings, Trail
from ntm_agents.kernels.dntm.lookup import begin, compare_addresses, compare_slots
from ntm_agents.kernels.dntm.parameters import activate_parameters_backward, opening
from ntm_agents.kernels.memory import read_backward, rewrite, write_backward
from ntm_agents.kernels.products import add_product, pack
from ntm_agents.kernels.subnormals import flush, restore
from ntm_agents.kernels.weights import Matrices


@entry
def backward(
    settings: Settings,
    weights: Matrices,
    places: Places,
    scratch: Scratch,
    tiles: Array,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through T steps of some tiles of the batch.

    Args:
        settings: Numbers that `forward` was given.
        weights: Weights that `forward` was given.
        places: Addresses and rotation that `forward` was given.
        scratch: Scratch memory.
        tiles: First sequence of each tile, and the end of the last one, int64.
        trail: Arrays that `forward` left.
        gradients: Gradients that are given, and room for those that are computed.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    T, every, layout = len(trail.gates), settings.every, settings.layout
    pack(weights.recurrent, scratch.recurrent)
    pack(weights.output, scratch.output)
    pack(weights.last, scratch.last)
    begin(settings, places, scratch)
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
                _read_addresses_backward(t, first, last, settings, scratch, gradients)
                compare_addresses(t, first, last, settings, scratch, trail)
                for b in range(first, last):
                    before, after = t - start, t - start + 1
                    memory, written = scratch.memories[before, b - first], scratch.memories[after, b - first]
                    source = written if settings.write_first else memory
                    _access_backward(t, b, b - first, settings, scratch, memory, source, trail, gradients)
                    compare_slots(t, b, b - first, settings, scratch, memory, trail)
                    _choose_backward(t, b, b - first, settings, scratch, trail, gradients)
                    _compare_backward(t, b, b - first, settings, scratch, memory, trail, gradients)
                _ask_backward(t, first, last, settings, scratch, trail, gradients)
                for b in range(first, last):
                    activate_parameters_backward(
                        trail.parameters[t, b],
                        gradients.parameters[t, b],
                        trail.contents[t, b],
                        gradients.contents[t, b],
                        trail.vectors[t, b],
                        scratch.dvectors[b - first],
                        layout,
                    )
                control_backward(t, first, last, 0, scratch, trail, gradients, settings.seen)
                for b in range(first, last):
                    _follow_backward(t, b, b - first, settings, places, scratch, trail, gradients)
        copy(dfeatures, gradients.first[first:last])
    restore(before_kernel)


@paste
def _write_segment(
    start: int, end: int, b: int, i: int, settings: Settings, scratch: Scratch, trail: Trail[Array]
) -> None:
    """Write the memories of a sequence before and after each step of a segment once more."""
    W = settings.layout.writers
    copy(trail.memories[start // settings.every, b], scratch.memories[0, i])
    for t in range(start, end):
        memory, after = scratch.memories[t - start, i], scratch.memories[t - start + 1, i]
        rewrite(memory, trail.weightings[t, b], trail.vectors[t, b], W, after)


@paste
def _read_addresses_backward(
    t: int, first: int, last: int, settings: Settings, scratch: Scratch, gradients: Gradients[Array]
) -> None:
    """Add the given gradients of features, and leave those of read weightings through read addresses."""
    layout, kept = settings.layout, len(gradients.reads)
    R, A = layout.heads - layout.writers, layout.address
    dreads, dreading = gradients.reads[t % kept, first * R : last * R], scratch.reading[: (last - first) * R]
    for b in range(first, last):
        dfeatures, given = scratch.dfeatures[b - first], gradients.features[t, b]
        dread, dother = dfeatures[: R * A], dfeatures[R * A :]
        for j in range(len(dother)):
            dother[j] += given[j]
        if len(gradients.places):
            given = gradients.places[t, b]
            for j in range(len(dread)):
                dread[j] += given[j]
        for r in range(R):
            row, source = dreads[(b - first) * R + r], dread[r * A : (r + 1) * A]
            for a in range(A):
                row[a] = source[a]
    for i in range(len(dreading)):
        zero(dreading[i])
    add_product(dreads, 0, scratch.compared, dreading)


@paste
def _access_backward(
    t: int,
    b: int,
    i: int,
    settings: Settings,
    scratch: Scratch,
    memory: Array,
    source: Array,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through write and reads of a sequence, to its weightings, memory and vectors."""
    layout, weighting, dweighting = settings.layout, trail.weightings[t, b], scratch.dweighting
    W, D, dmemory = layout.writers, layout.width, gradients.memory[b]
    R = layout.heads - W
    dreads = scratch.dfeatures[i, R * layout.address :]
    for h in range(W):
        zero(dweighting[h])
    copy(scratch.reading[i * R : (i + 1) * R], dweighting[W:])
    if len(gradients.weightings):
        add_to(dweighting, gradients.weightings[t, b])
    for writes in (not settings.write_first, settings.write_first):
        if writes:
            vectors, dvectors = trail.vectors[t, b], scratch.dvectors[i]
            write_backward(memory, weighting, vectors, W, dmemory, dweighting, dvectors, scratch.erased)
        else:
            for r in range(R):
                dread = dreads[r * D : (r + 1) * D]
                read_backward(source, weighting[W + r], dread, dmemory, dweighting[W + r])
    for h in range(layout.heads):
        zero(dweighting[h][: settings.nop])


@paste
def _choose_backward(
    t: int,
    b: int,
    i: int,
    settings: Settings,
    scratch: Scratch,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate from weightings of a sequence to its similarities, in place."""
    layout, near, p, soft = settings.layout, settings.queries.near, trail.parameters[t, b], trail.soft[b]
    K, stride, dp = len(settings.queries.sources), layout.stride, gradients.parameters[t, b]
    for k in range(settings.queries.keys, K):
        zero(scratch.dnear[k])
    for h in range(layout.heads):
        own, d, at = scratch.dots[h], scratch.dweighting[h], h * stride + layout.address + layout.width
        softmax_backward(trail.chances[t, b, h] if len(trail.chances) else trail.weightings[t, b, h], d)
        if layout.lru:
            average, daverage = trail.averages[t, b, h], gradients.averages[b, h]
            dp[at + 1] = _avoid_backward(average, p[at + 1], settings.kept, d, daverage)
        if layout.follows:
            dp[(h + 1) * stride - 1] = 0
        if near[h] >= 0:
            gate = opening(p[(h + 1) * stride - 1], soft, p.dtype.type(1))
            other, dother = scratch.near[i * K + near[h]], scratch.dnear[near[h]]
            dp[at], dp[(h + 1) * stride - 1] = _mix_backward(own, other, gate, p[at], d, dother)
        else:
            dp[at] = _scale_backward(own, p[at], d)


@inline
def _avoid_backward(average: Array, gamma: Any, kept: Any, dscores: Array, daverage: Array) -> Any:
    """Return the gradient of gamma, and turn those of the next average into those of the last ``[N]``."""
    dgamma = average.dtype.type(0)
    for n in range(len(average)):
        dgamma -= dscores[n] * average[n]
        daverage[n] = kept * daverage[n] - gamma * dscores[n]
    return dgamma


@inline
def _scale_backward(own: Array, strength: Any, d: Array) -> Any:
    """Return the gradient of the strength, and turn those of scores into those of similarities ``[N]``."""
    dstrength = own.dtype.type(0)
    for n in range(len(d)):
        dstrength += d[n] * own[n]
        d[n] *= strength
    return dstrength


@inline
def _mix_backward(
    own: Array, near: Array, gate: Any, strength: Any, d: Array, dnear: Array
) -> tuple[Any, Any]:
    """Return gradients of strength and gate; turn those of scores into those of similarities ``[N]``."""
    dstrength, dgate, rest = own.dtype.type(0), own.dtype.type(0), own.dtype.type(1) - gate
    for n in range(len(d)):
        score, difference = d[n], own[n] - near[n]
        dstrength += score * (near[n] + gate * difference)
        score *= strength
        dgate += score * difference
        dnear[n] += rest * score
        d[n] = gate * score
    return dstrength, dgate


@paste
def _compare_backward(
    t: int,
    b: int,
    i: int,
    settings: Settings,
    scratch: Scratch,
    memory: Array,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through the comparisons of a sequence, to its memory, and the contents of its keys.

    Gradients of similarities turn into those of dot products. What goes to queries is left, but for products.
    """
    layout, epsilons, own = settings.layout, settings.epsilons, settings.queries.own
    A, K, dnorms, dwhole = layout.address, len(settings.queries.sources), scratch.dnorms, scratch.dwhole
    ddots, daddress_norms = gradients.dots[t % len(gradients.dots), b * K : (b + 1) * K], gradients.norms[b]
    queries, dqueries = trail.queries[t, b * K : (b + 1) * K], scratch.dqueries[i * K : (i + 1) * K]
    zero(dnorms)
    zero(dwhole)
    for h in range(layout.heads):
        d, similar, key_norm = scratch.dweighting[h], scratch.dots[h], scratch.key_norms[h]
        if own[h] >= 0:
            dnorm = divide_by_norms_backward(similar, scratch.whole, key_norm, epsilons, d, dwhole)
            _leave(d, queries[own[h]], dnorm, ddots[own[h]], dqueries[own[h]])
        else:
            dnorm = divide_by_norms_backward(similar, scratch.norms, key_norm, epsilons, d, dnorms)
        scratch.dkey_norms[h] = dnorm
    for n in range(len(dnorms)):
        dnorms[n] += dwhole[n]
        daddress_norms[n] += dwhole[n]
    p, dp, dmemory = trail.parameters[t, b, A:], gradients.parameters[t, b, A:], gradients.memory[b]
    compare_backward(memory, p, layout.stride, scratch.dweighting, dnorms, scratch.dkey_norms, dmemory, dp)
    for k in range(settings.queries.keys, K):
        d, similar, query_norm = scratch.dnear[k], scratch.near[i * K + k], norm(queries[k], epsilons.inside)
        norms = scratch.address_norms
        dnorm = divide_by_norms_backward(similar, norms, query_norm, epsilons, d, daddress_norms)
        _leave(d, queries[k], dnorm, ddots[k], dqueries[k])


@inline
def _leave(d: Array, query: Array, dnorm: Any, ddots: Array, dquery: Array) -> None:
    """Leave the gradients of dot products ``[N]``, and those of a query ``[A]`` through its norm."""
    for n in range(len(d)):
        ddots[n] = d[n]
    for a in range(len(query)):
        dquery[a] = dnorm * query[a]


@paste
def _ask_backward(
    t: int,
    first: int,
    last: int,
    settings: Settings,
    scratch: Scratch,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate through the products of queries and addresses of a tile, and write gradients of keys."""
    layout, own, K = settings.layout, settings.queries.own, len(settings.queries.sources)
    A, stride, dqueries = layout.address, layout.stride, scratch.dqueries[: (last - first) * K]
    ddots = gradients.dots[t % len(gradients.dots), first * K : last * K]
    add_product(ddots, 0, scratch.weighted, dqueries)
    for b in range(first, last):
        for h in range(layout.heads):
            dkey = gradients.parameters[t, b, h * stride : h * stride + A]
            if own[h] >= 0:
                dquery = dqueries[(b - first) * K + own[h]]
                for a in range(A):
                    dkey[a] = dquery[a]
            else:
                zero(dkey)


@paste
def _follow_backward(
    t: int,
    b: int,
    i: int,
    settings: Settings,
    places: Places,
    scratch: Scratch,
    trail: Trail[Array],
    gradients: Gradients[Array],
) -> None:
    """Backpropagate from the addresses behind those that a sequence has read to the latter."""
    sources, A = settings.queries.sources, settings.layout.address
    K = len(sources)
    for k in range(settings.queries.keys, K):
        own = slice(sources[k] * A, (sources[k] + 1) * A)
        turn_backward(
            trail.features[t, b, own],
            places.rotation,
            scratch.dqueries[i * K + k],
            scratch.dfeatures[i, own],
            gradients.rotation[b],
        )
