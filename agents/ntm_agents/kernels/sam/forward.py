"""The forward loop of a SAM: controller, interface vector, write, search, read, and use of slots.

Source: Rae, Hunt et al., *Scaling Memory-Augmented Neural Networks with Sparse Reads and Writes* (NIPS 2016),
section 3.

But for the search, a step takes the same time for any number of slots. For the backward pass the slots of
each step are kept, and the contents of those that were read. The paper keeps what a step overwrites, and
rolls the memory back; but the gradients of a write need no contents, so nothing has to be rolled back.

Shape letters are those of :mod:`ntm_agents.kernels.sam.interface`.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.activations import SIGMOID, activate, softplus
from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import entry, inline, paste
from ntm_agents.kernels.content import look_up, norm
from ntm_agents.kernels.control import control
from ntm_agents.kernels.hashed import enter, offer_once, search
from ntm_agents.kernels.nearest import begin, compare_rows, scan
from ntm_agents.kernels.products import pack
from ntm_agents.kernels.ring import make_ring, renew
from ntm_agents.kernels.sam.arguments import Scratch, Settings, Store, Trail
from ntm_agents.kernels.subnormals import flush, restore
from ntm_agents.kernels.weights import Matrices

USED = 0.005
"""Weight above which an access counts as a use of the slot."""


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
        store: Memory, usage and index at the start; afterwards, at the end.
        trail: Arrays that hold each step.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    T, values = len(trail.gates), settings.heads * settings.width
    pack(weights.recurrent.T, scratch.recurrent)
    pack(weights.output.T, scratch.output)
    pack(weights.last.T, scratch.last)
    for n in range(len(tiles) - 1):
        first, last = tiles[n], tiles[n + 1]
        for b in range(first, last):
            i, order = b - first, store.order[b]
            make_ring(order, scratch.newer[i], scratch.older[i])
            scratch.oldest[i], scratch.now[i] = order[0], store.usage[b, order[len(order) - 1]] + 1
        for t in range(T):
            control(t, first, last, values, 0, scratch, trail)
            for b in range(first, last):
                p, memory = trail.parameters[t, b], store.memory[b]
                activate_parameters(p, settings.heads, settings.width)
                _write(t, b, b - first, settings, scratch, memory, trail)
                _index(t, b, scratch, memory, store.tables[b], trail)
                _search(t, b, b - first, settings, scratch, memory, store.tables[b], trail)
                _read(t, b, settings, scratch, memory, trail)
                _use(t, b, b - first, settings, scratch, store.usage[b], trail)
    restore(before_kernel)


@inline
def activate_parameters(p: Array, heads: int, width: int) -> None:
    """Turn an interface vector ``[P]`` into the parameters that it stands for, in place."""
    zero, one = p.dtype.type(0), p.dtype.type(1)
    for h in range(heads):
        at = h * (2 * width + 3) + width
        p[at] = one + softplus(p[at], zero)
        activate(p[at + 1 : at + 3], SIGMOID)


@paste
def _write(
    t: int, b: int, i: int, settings: Settings, scratch: Scratch, memory: Array, trail: Trail[Array]
) -> None:
    """Erase the least recently used slots of a sequence; write to them, and to those that were read last."""
    kept, p, M = len(trail.weightings), trail.parameters[t, b], settings.width
    previous, slots = trail.weightings[t % kept, b], trail.slots[t % kept, b]
    free, slot = trail.free[t % len(trail.free), b], scratch.oldest[i]
    one, zero = memory.dtype.type(1), memory.dtype.type(0)
    for h in range(settings.heads):
        free[h] = slot
        row, slot = memory[slot], scratch.newer[i, slot]
        for m in range(M):
            row[m] = zero
    for h in range(settings.heads):
        at = h * (2 * M + 3) + M
        alpha, gamma, add = p[at + 1], p[at + 2], p[at + 3 : at + 3 + M]
        _add(memory[free[h]], alpha * (one - gamma), add)
        for k in range(slots.shape[1]):
            _add(memory[slots[h, k]], alpha * gamma * previous[h, k], add)


@inline
def _add(row: Array, weight: Any, add: Array) -> None:
    """Add a vector ``[M]`` times a weight to a slot."""
    for m in range(len(row)):
        row[m] += weight * add[m]


@paste
def _index(t: int, b: int, scratch: Scratch, memory: Array, tables: Array, trail: Trail[Array]) -> None:
    """Enter the slots that a sequence has written into its index, if there is one."""
    if len(tables):
        slots, free = trail.slots[t % len(trail.slots), b], trail.free[t % len(trail.free), b]
        planes, projections = scratch.planes, scratch.projections
        for h in range(len(slots)):
            enter(free[h], memory[free[h]], planes, projections, tables)
            for k in range(slots.shape[1]):
                enter(slots[h, k], memory[slots[h, k]], planes, projections, tables)


@paste
def _search(
    t: int,
    b: int,
    i: int,
    settings: Settings,
    scratch: Scratch,
    memory: Array,
    tables: Array,
    trail: Trail[Array],
) -> None:
    """Find the slots that are most similar to the keys of a sequence.

    With an index those that have not been used for longest are compared too, as they may be empty, and empty
    slots are not in it.
    """
    p, M, epsilons, best = trail.parameters[t, b], settings.width, settings.epsilons, scratch.best
    slots, stride = trail.slots[(t + 1) % len(trail.slots), b], 2 * M + 3
    for h in range(settings.heads):
        scratch.key_norms[h] = norm(p[h * stride : h * stride + M], epsilons.inside)
    if len(tables):
        for h in range(settings.heads):
            key, key_norm, slot = p[h * stride : h * stride + M], scratch.key_norms[h], scratch.oldest[i]
            begin(best[h], slots[h])
            for _ in range(slots.shape[1]):
                offer_once(memory, slot, key, key_norm, epsilons, best[h], slots[h])
                slot = scratch.newer[i, slot]
            search(
                memory,
                key,
                key_norm,
                epsilons,
                scratch.planes,
                scratch.projections,
                scratch.weak,
                tables,
                best[h],
                slots[h],
            )
    else:
        scan(memory, p, stride, scratch.key_norms, epsilons, scratch.block, best, slots)


@paste
def _read(t: int, b: int, settings: Settings, scratch: Scratch, memory: Array, trail: Trail[Array]) -> None:
    """Weight the slots that the heads of a sequence have found, and read them."""
    kept, p, M, epsilons = len(trail.weightings), trail.parameters[t, b], settings.width, settings.epsilons
    weightings, slots = trail.weightings[(t + 1) % kept, b], trail.slots[(t + 1) % kept, b]
    stride, zero = 2 * M + 3, memory.dtype.type(0)
    for h in range(settings.heads):
        at, rows = h * stride, trail.rows[t % len(trail.rows), b, h]
        reads = trail.features[t + 1, b, h * M : (h + 1) * M]
        for k in range(len(rows)):
            row = memory[slots[h, k]]
            for m in range(M):
                rows[k, m] = row[m]
        compare_rows(rows, p[at : at + M], epsilons, scratch.dots, scratch.norms)
        look_up(scratch.dots, scratch.norms, scratch.key_norms[h], epsilons, p[at + M], weightings[h])
        for m in range(M):
            reads[m] = zero
        for k in range(len(rows)):
            _add(reads, weightings[h, k], rows[k])


@paste
def _use(
    t: int, b: int, i: int, settings: Settings, scratch: Scratch, usage: Array, trail: Trail[Array]
) -> None:
    """Put the slots that a sequence has used at the end of its ring, in their own order."""
    kept, p, M = len(trail.weightings), trail.parameters[t, b], settings.width
    previous, before = trail.weightings[t % kept, b], trail.slots[t % kept, b]
    weightings, slots = trail.weightings[(t + 1) % kept, b], trail.slots[(t + 1) % kept, b]
    free, access, used = trail.free[t % len(trail.free), b], scratch.access, scratch.used
    one, zero, least, K = access.dtype.type(1), access.dtype.type(0), access.dtype.type(USED), slots.shape[1]
    touched = 0
    for h in range(settings.heads):
        at = h * (2 * M + 3) + M
        alpha, gamma = p[at + 1], p[at + 2]
        access[free[h]] += alpha * (one - gamma)
        used[touched] = free[h]
        for k in range(K):
            access[before[h, k]] += alpha * gamma * previous[h, k]
            access[slots[h, k]] += weightings[h, k]
            used[touched + 1 + k], used[touched + 1 + K + k] = before[h, k], slots[h, k]
        touched += 1 + 2 * K
    count = 0
    for j in range(touched):
        slot = used[j]
        if access[slot] > least:
            place = count
            while place > 0 and used[place - 1] > slot:
                used[place] = used[place - 1]
                place -= 1
            used[place] = slot
            count += 1
        access[slot] = zero
    for j in range(count):
        usage[used[j]] = scratch.now[i]
        scratch.oldest[i] = renew(used[j], scratch.oldest[i], scratch.newer[i], scratch.older[i])
    if count:
        scratch.now[i] += 1
