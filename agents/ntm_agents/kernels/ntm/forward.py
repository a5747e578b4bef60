"""The forward loop of the NTM: controller, head parameters, addressing, write and read.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), section 3 and figure 2.

Sequences go through in tiles: few enough for their memories to stay in the cache, and enough for the
weights of the controller to be read once for several. For the backward pass, weightings and parameters
of all steps are kept, but the memory at every √T-th step alone.

Shape letters are those of :mod:`ntm_agents.kernels.ntm.arguments`.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import Array, copy, zero
from ntm_agents.kernels.compilation import entry, paste
from ntm_agents.kernels.content import compare, look_up, norm
from ntm_agents.kernels.controllers import feed_forward, lstm
from ntm_agents.kernels.cut import count_cut, read_cut
from ntm_agents.kernels.jumps import add_counts, count, jump
from ntm_agents.kernels.location import interpolate, ring_start, sharpen, shift
from ntm_agents.kernels.memory import read, write
from ntm_agents.kernels.ntm.arguments import Counter, Matrices, Settings, Stand, Trail
from ntm_agents.kernels.ntm.parameters import GATE, SHARPENING, SHIFTS, STRENGTH, activate_parameters
from ntm_agents.kernels.ntm.scratch import Scratch
from ntm_agents.kernels.products import add_product, pack
from ntm_agents.kernels.spans import CLOSED, find_span, move_span
from ntm_agents.kernels.subnormals import flush, restore


@entry
def forward(
    settings: Settings,
    weights: Matrices,
    scratch: Scratch,
    tiles: Array,
    stand: Stand,
    memory: Array,
    trail: Trail[Array],
    counter: Counter[Array] | None,
) -> None:
    """Take T steps with some tiles of the batch.

    Args:
        settings: Numbers that do not depend on the data.
        weights: Weights of the recurrence.
        scratch: Scratch memory.
        tiles: First sequence of each tile, and the end of the last one, int64.
        stand: Slots that stand for others which were cut.
        memory: Memory at the start ``[B, M, N]``; afterwards, at the end.
        trail: Arrays that hold each step.
        counter: Counters of a machine that jumps, or None.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    T, every = len(trail.gates), settings.every
    pack(weights.recurrent.T, scratch.recurrent)
    pack(weights.heads.T, scratch.heads)
    for i in range(len(tiles) - 1):
        first, last = tiles[i], tiles[i + 1]
        if not every:
            _find_spans(first, last, scratch, trail)
        for t in range(T):
            _control(t, first, last, settings, scratch, trail, counter)
            for b in range(first, last):
                if every and t % every == 0:
                    copy(memory[b], trail.checkpoints[t // every, b])
                activate_parameters(trail.parameters[t, b], settings.layout)
                _address(t, b, first, settings, scratch, stand, memory[b], trail, counter)
                _access(t, b, first, settings, scratch, stand, memory[b], trail)
    restore(before_kernel)


@paste
def _find_spans(first: int, last: int, scratch: Scratch, trail: Trail[Array]) -> None:
    """Find the spans of the first weightings of a tile."""
    H, N = trail.weightings.shape[2:]
    for b in range(first, last):
        for h in range(H):
            find_span(trail.weightings[0, b, h], 0, N, scratch.spans[b - first, h])


@paste
def _control(
    t: int,
    first: int,
    last: int,
    settings: Settings,
    scratch: Scratch,
    trail: Trail[Array],
    counter: Counter[Array] | None,
) -> None:
    """Take a step of the controller for a tile, with its counters, and project the output to parameters."""
    layout = settings.layout
    V = (layout.heads - layout.writers) * layout.width
    gates, now = trail.gates[t, first:last], trail.features[t + 1, first:last]
    add_product(trail.features[t, first:last], 0, scratch.recurrent, gates)
    if counter is not None:
        own = len(counter.weight)
        for b in range(first, last):
            counter.counts[t + 1, b] = count(
                trail.gates[t, b, own:], counter.counts[t, b], counter.offers[t, b]
            )
        add_counts(counter.counts[t + 1, first:last], counter.weight, gates)
    if len(trail.cells):
        lstm(gates, trail.cells[t, first:last], trail.cells[t + 1, first:last], now)
    else:
        feed_forward(gates, now, now.shape[1] - V)
    add_product(now, V, scratch.heads, trail.parameters[t, first:last])


@paste
def _address(
    t: int,
    b: int,
    first: int,
    settings: Settings,
    scratch: Scratch,
    stand: Stand,
    memory: Array,
    trail: Trail[Array],
    counter: Counter[Array] | None,
) -> None:
    """Choose slots with all heads of a sequence: figure 2 of the paper. Followers copy."""
    layout, followers, kept = settings.layout, settings.followers, len(trail.weightings)
    W, p = layout.writers, trail.parameters[t, b]
    previous, weighting = trail.weightings[t % kept, b], trail.weightings[(t + 1) % kept, b]
    spans = scratch.spans[b - first]
    looking = settings.every > 0  # the backward pass computes look-ups again
    closed = memory.dtype.type(CLOSED)
    for h in range(layout.heads):
        looking = looking or p[h * layout.stride + layout.key_width + GATE] > closed
    if looking:
        keys = memory[: layout.key_width]
        compare(keys, p, layout.stride, settings.epsilons.inside, scratch.dots, scratch.norms)
    for h in range(layout.heads):
        if W - followers <= h < W:
            continue
        own = p[h * layout.stride : (h + 1) * layout.stride]
        _choose(
            h,
            own,
            settings,
            scratch,
            stand.slots[b],
            stand.count,
            spans[h],
            previous[h],
            weighting[h],
            trail.gates[t, b],
            counter,
        )
    followed = previous if settings.write_first else weighting
    copy(followed[W : W + followers], weighting[W - followers : W])
    if not settings.every:
        for h in range(W - followers, W):
            find_span(weighting[h], 0, weighting.shape[1], spans[h])


@paste
def _choose(
    h: int,
    p: Array,
    settings: Settings,
    scratch: Scratch,
    rest: int,
    cut: Any,
    span: Array,
    previous: Array,
    weighting: Array,
    gates: Array,
    counter: Counter[Array] | None,
) -> None:
    """Choose slots with a head by content, interpolation, shift and sharpening: equations 5 to 9.

    Where the gate is closed, the look-up would change no significant digit. Of a weighting that is zero but
    for a span, and does not jump, the span alone is then moved.
    """
    layout, content, ring = settings.layout, scratch.content, scratch.ring
    left, N, K = ring_start(layout.shifts), len(weighting), layout.key_width
    strength, sharpening, gate = p[K + STRENGTH] * settings.strength_factor, p[K + SHARPENING], p[K + GATE]
    moves = p[K + SHIFTS : K + SHIFTS + layout.shifts]
    key_norm = norm(p[:K], settings.epsilons.inside)
    begin, end = 0, N
    looks, jumps = settings.every > 0 or gate > weighting.dtype.type(CLOSED), False
    if counter is not None:
        jumps = h >= layout.writers
    if not (looks or jumps):
        begin, end = span[0] - layout.shifts // 2, span[1] + left
    if left <= begin and end <= N - layout.shifts // 2 and not (looks or jumps):
        move_span(previous, begin, end, moves, sharpening, scratch.logs, weighting)
    else:
        begin, end = 0, N
        if looks:
            look_up(scratch.dots[h], scratch.norms, key_norm, settings.epsilons, strength, content)
            if cut:
                count_cut(content, rest, cut)
        else:
            zero(content)
        interpolate(content, previous, gate, left, ring)
        if counter is not None and jumps:
            jump(ring, gates[len(counter.weight) + h - layout.writers], left, N)
        shift(ring, moves, scratch.shifted, scratch.logs)
        sharpen(scratch.logs, sharpening, weighting)
    if cut and weighting[rest]:
        count_cut(weighting, rest, cut)
    if not settings.every:
        find_span(weighting, begin, end, span)


@paste
def _access(
    t: int,
    b: int,
    first: int,
    settings: Settings,
    scratch: Scratch,
    stand: Stand,
    memory: Array,
    trail: Trail[Array],
) -> None:
    """Write and read with all heads of a sequence, in the order of the settings: equations 2 to 4."""
    layout, weighting = settings.layout, trail.weightings[(t + 1) % len(trail.weightings), b]
    (M, N), W, spans = memory.shape, layout.writers, scratch.spans[b - first]
    vectors, reads = trail.parameters[t, b, layout.vectors :], trail.features[t + 1, b]
    begin, end = 0, N
    if not settings.every:
        begin, end = N, 0
        for h in range(W):
            begin, end = min(begin, spans[h, 0]), max(end, spans[h, 1])
    for writes in (settings.write_first, not settings.write_first):
        if writes:
            write(memory, weighting, vectors, W, begin, end)
        else:
            for h in range(W, layout.heads):
                out, at, to = reads[(h - W) * M : (h - W + 1) * M], 0, N
                if not settings.every:
                    at, to = spans[h, 0], spans[h, 1]
                read(memory, weighting[h], at, to, out)
                if stand.count:
                    read_cut(memory, weighting[h], stand.slots[b], stand.count, out)
