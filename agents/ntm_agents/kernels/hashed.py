"""An approximate index of a memory: tables of its slots, by their sides of random hyperplanes.

Slots at a small angle are on the same side of most hyperplanes, so they are often in the same bucket of a
table, or in one on the other side of those that are nearest to the key, which are looked at too. The normals
of a table's hyperplanes are orthogonal, or two of them could say the same. A bucket is a line of the
cache: its newest entries, and the place of the next. Nothing is ever removed. An entry of a slot whose
content has changed since is compared like any other, and found unlike, until newer entries take its place. So
entering a slot and looking for a key take the same time for any number of slots and any history.

Sources: Charikar, *Similarity estimation techniques from rounding algorithms* (STOC 2002); Lv et al.,
*Multi-probe LSH* (VLDB 2007); Ji et al., *Super-bit locality-sensitive hashing* (NIPS 2012).

Shape letters: B sequences, N slots, M width of a slot, K slots that a head reads, L tables, J hyperplanes of
a table, which part the memory into 2 ** J buckets.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import entry, inline
from ntm_agents.kernels.content import Epsilons
from ntm_agents.kernels.nearest import dot, offer
from ntm_agents.memory import initial_rows

WEAK = 2
"""Number of the hyperplanes nearest to a key in each table whose other sides are looked at too."""
LINE = 16
"""Numbers of a bucket: a line of the cache of int32. The first is the place of the next entry; the others are
entries, a slot plus 1 each, or 0."""


def table_shape(tables: int, slots: int) -> tuple[int, int, int]:
    """Return the shape of L tables ``[L, 2 ** J, LINE]`` for N slots: about two entries for each slot."""
    return tables, 2 ** max(WEAK, slots.bit_length() - 4), LINE


def hyperplanes(tables: int, buckets: int, width: int, like: Tensor) -> Tensor:
    """Return the normals ``[L * J, M]`` of the hyperplanes of all tables.

    Args:
        tables: Number of tables L.
        buckets: Number of their buckets, 2 ** J.
        width: Width M of a slot. As many normals of a table, in turn, are orthonormal.
        like: Any tensor of the type and on the device that the normals are to have.
    """
    count = buckets.bit_length() - 1
    rows = initial_rows("random", tables * count, width, 1.0, torch.zeros((), dtype=torch.float64))
    parts = rows.view(tables, count, width).split(width, 1)
    normals = torch.cat([torch.linalg.qr(part.mT).Q.mT for part in parts], 1)
    return normals.flatten(0, 1).to(like)


@inline
def _project(x: Array, planes: Array, projections: Array) -> None:
    """Write the projections ``[L * J]`` of a vector ``[M]``."""
    for j in range(len(planes)):
        projections[j] = dot(planes[j], x)


@inline
def _bucket(projections: Array) -> int:
    """Return the bucket of projections ``[J]``."""
    bucket = 0
    for j in range(len(projections)):
        bucket = 2 * bucket + int(projections[j] > 0)
    return bucket


@inline
def enter(slot: int, row: Array, planes: Array, projections: Array, tables: Array) -> None:
    """Enter a slot into all tables, unless it is empty or already there.

    Args:
        slot: The slot.
        row: Its content ``[M]``.
        planes: Normals of the hyperplanes ``[L * J, M]``.
        projections: Scratch ``[L * J]``.
        tables: Int32 ``[L, 2 ** J, LINE]``.
    """
    if dot(row, row) > 0:
        _project(row, planes, projections)
        J = len(planes) // len(tables)
        for i in range(len(tables)):
            line, present = tables[i, _bucket(projections[i * J : (i + 1) * J])], False
            for e in range(1, LINE):
                present |= line[e] == slot + 1
            if not present:
                place = max(0, line[0]) % (LINE - 1)
                line[1 + place], line[0] = slot + 1, place + 1


@inline
def search(
    memory: Array,
    key: Array,
    key_norm: Any,
    epsilons: Epsilons,
    planes: Array,
    projections: Array,
    weak: Array,
    tables: Array,
    best: Array,
    slots: Array,
) -> None:
    """Find slots that are most similar to a key among those of a few buckets.

    Args:
        memory: ``[N, M]``.
        key: ``[M]``.
        key_norm: Norm of the key.
        epsilons: Terms that keep the similarity finite.
        planes: Normals of the hyperplanes ``[L * J, M]``.
        projections: Scratch ``[L * J]``.
        weak: Scratch, int64 ``[WEAK]``.
        tables: Int32 ``[L, 2 ** J, LINE]``; entries that are no slots are ignored.
        best: The largest similarities so far, largest first ``[K]``, updated.
        slots: Their slots ``[K]``, updated.
    """
    _project(key, planes, projections)
    J = len(planes) // len(tables)
    for i in range(len(tables)):
        mine = projections[i * J : (i + 1) * J]
        bucket = _bucket(mine)
        for r in range(WEAK):  # the signs of the smallest projections
            smallest = 0
            for j in range(1, J):
                if abs(mine[j]) < abs(mine[smallest]):
                    smallest = j
            weak[r], mine[smallest] = 1 << (J - 1 - smallest), math.inf
        for choice in range(1 << WEAK):
            other = bucket
            for r in range(WEAK):
                if choice >> r & 1:
                    other ^= weak[r]
            line = tables[i, other]
            for e in range(1, LINE):
                slot = line[e] - 1
                if 0 <= slot < len(memory):
                    offer_once(memory, slot, key, key_norm, epsilons, best, slots)


@inline
def offer_once(
    memory: Array, slot: int, key: Array, key_norm: Any, epsilons: Epsilons, best: Array, slots: Array
) -> None:
    """Enter a slot into the list of the most similar ones, if it is one and not there yet; see `search`."""
    row = memory[slot]
    norm = math.sqrt(dot(row, row) + epsilons.inside)
    similarity = dot(row, key) / (key_norm * norm + epsilons.product)
    if similarity > best[len(best) - 1]:
        for k in range(len(slots)):
            if slots[k] == slot and best[k] >= similarity:
                return
        offer(similarity, slot, best, slots)


@entry
def enter_all(memory: Array, planes: Array, projections: Array, tables: Array) -> None:
    """Enter all slots of memories ``[B, N, M]`` into their tables, int32 ``[B, L, 2 ** J, LINE]``."""
    for b in range(len(memory)):
        for n in range(memory.shape[1]):
            enter(n, memory[b, n], planes, projections, tables[b])
