"""The forward loop of the DNC: controller, interface vector, allocation, write, links and read.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods.

Sequences go through in tiles: few enough for their memories and links to stay in the cache, and enough for
the weights of the controller to be read once for several. For the backward pass, what has N values per step
is kept, but memory and links at every √T-th step alone.

Shape letters are those of :mod:`ntm_agents.kernels.dnc.arguments`.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.allocation import allocate, bound, sort
from ntm_agents.kernels.arithmetic import Array, copy, zero
from ntm_agents.kernels.compilation import entry, paste
from ntm_agents.kernels.control import control
from ntm_agents.kernels.dnc.arguments import Settings, Store, Trail
from ntm_agents.kernels.dnc.lookup import compare_heads, look_up_head
from ntm_agents.kernels.dnc.mixtures import gate_write, mix
from ntm_agents.kernels.dnc.parameters import MODES, activate_parameters
from ntm_agents.kernels.dnc.scratch import Scratch
from ntm_agents.kernels.links import link_and_follow, precede
from ntm_agents.kernels.memory import read, write
from ntm_agents.kernels.products import pack
from ntm_agents.kernels.sharpened import sharpen_way
from ntm_agents.kernels.sparse_links import choose_links, follow_sparse, link_sparse
from ntm_agents.kernels.subnormals import flush, restore
from ntm_agents.kernels.usage import mark_used, release, retain, use
from ntm_agents.kernels.weights import Matrices


@entry
def forward(
    settings: Settings,
    weights: Matrices,
    scratch: Scratch,
    tiles: Array,
    store: Store[Array],
    trail: Trail[Array],
) -> None:
    """Take T steps with some tiles of the batch.

    Args:
        settings: Numbers that do not depend on the data.
        weights: Weights of the recurrence.
        scratch: Scratch memory.
        tiles: First sequence of each tile, and the end of the last one, int64.
        store: Memory and links at the start; afterwards, at the end.
        trail: Arrays that hold each step.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    T, every = len(trail.gates), settings.every
    values = settings.layout.readers * settings.layout.width
    pack(weights.recurrent.T, scratch.recurrent)
    pack(weights.output.T, scratch.output)
    pack(weights.last.T, scratch.last)
    for i in range(len(tiles) - 1):
        first, last = tiles[i], tiles[i + 1]
        for t in range(T):
            control(t, first, last, values, 0, scratch, trail)
            for b in range(first, last):
                if every and t % every == 0:
                    copy(store.memory[b], trail.memories[t // every, b])
                    copy(store.links[b], trail.links[t // every, b])
                    copy(store.columns[b], trail.columns[t // every, b])
                activate_parameters(trail.parameters[t, b], settings.layout, settings.write_activation)
                _write(t, b, settings, scratch, store.memory[b], trail)
                if store.links.shape[2]:
                    _link(t, b, scratch, store.links[b], store.columns[b], trail)
                _read(t, b, settings, scratch, store.memory[b], trail)
    restore(before_kernel)


@paste
def _write(t: int, b: int, settings: Settings, scratch: Scratch, memory: Array, trail: Trail[Array]) -> None:
    """Release and allocate slots of a sequence, choose where to write, and write."""
    layout, kept, p = settings.layout, len(trail.weightings), trail.parameters[t, b]
    previous, weighting = trail.weightings[t % kept, b], trail.weightings[(t + 1) % kept, b]
    usage, order = trail.usage[(t + 1) % kept, b], trail.orders[(t + 1) % kept, b]
    content, free, used = scratch.content, scratch.allocation, scratch.used
    retain(previous[1:], p[layout.free :], scratch.retained)
    use(trail.usage[t % kept, b], previous[0], scratch.retained, usage)
    bound(usage, scratch.bounded)
    last = trail.orders[t % kept, b]
    for n in range(len(order)):
        order[n] = last[n]
    sort(scratch.bounded, order, free, scratch.room)
    allocate(scratch.bounded, order, free)
    compare_heads(0, 1, p, layout, settings.epsilons, scratch.comparison, memory)
    if len(used):
        zero(content)  # in place of a write weighting, as nothing is written yet
        mark_used(usage, content, settings.least_usage, used)
    look_up_head(0, 0, p, layout, settings.epsilons, scratch.comparison, used, content)
    gate_write(p[layout.vectors - 2], p[layout.vectors - 1], content, free, weighting[0])
    if settings.deallocation:
        release(memory, scratch.retained)
    write(memory, weighting, p[layout.vectors :], 1, 0, len(content))


@paste
def _link(t: int, b: int, scratch: Scratch, links: Array, columns: Array, trail: Trail[Array]) -> None:
    """Link the slots of a sequence after its write, and follow the links from where its heads have read."""
    kept = len(trail.weightings)
    reading, writing = trail.weightings[t % kept, b, 1:], trail.weightings[(t + 1) % kept, b, 0]
    before, ways = trail.precedence[t % kept, b], trail.ways[t % len(trail.ways), b]
    if columns.shape[1]:
        choices = trail.choices[t % len(trail.choices), b]
        choose_links(
            links, columns, before, writing, scratch.kept, scratch.candidates, scratch.values, choices
        )
        link_sparse(links, columns, before, scratch.kept, choices, scratch.candidates, links, columns)
        follow_sparse(links, columns, reading, ways)
    else:
        link_and_follow(links, before, writing, reading, ways)
    precede(before, writing, trail.precedence[(t + 1) % kept, b])


@paste
def _read(t: int, b: int, settings: Settings, scratch: Scratch, memory: Array, trail: Trail[Array]) -> None:
    """Choose where to read with all read heads of a sequence, and read."""
    layout, p, ways = settings.layout, trail.parameters[t, b], trail.ways[t % len(trail.ways), b]
    R, M, N, now = layout.readers, layout.width, memory.shape[1], (t + 1) % len(trail.weightings)
    writing, reading = trail.weightings[now, b, 0], trail.weightings[now, b, 1:]
    reads, content, used = trail.features[t + 1, b], scratch.content, scratch.used
    if len(used):
        mark_used(trail.usage[now, b], writing, settings.least_usage, used)
    compare_heads(1, 1 + R, p, layout, settings.epsilons, scratch.comparison, memory)
    for r in range(R):
        look_up_head(1 + r, r, p, layout, settings.epsilons, scratch.comparison, used, content)
        if len(ways):
            backward, forward = ways[r], ways[R + r]
            if layout.powers < layout.free:
                for way in range(2):
                    sharpen_way(ways[R * way + r], p[layout.powers + 2 * r + way], scratch.ways[way])
                backward, forward = scratch.ways[0], scratch.ways[1]
            mix(p[layout.modes + MODES * r :], backward, content, forward, reading[r])
        else:
            for n in range(N):
                reading[r, n] = content[n]
        read(memory, reading[r], 0, N, reads[r * M : (r + 1) * M])
