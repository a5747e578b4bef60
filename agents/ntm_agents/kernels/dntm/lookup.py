"""Look-ups of a D-NTM: how similar keys are to slots, and followed addresses to addresses.

All sequences have the same addresses. So the queries of a tile are compared with them in one product, whose
rows share what is loaded. Both loops compute this: the backward loop once more.

Shape letters are those of :mod:`ntm_agents.kernels.dntm.arguments`.
"""

from __future__ import annotations

import math

from ntm_agents.kernels.arithmetic import Array, zero
from ntm_agents.kernels.compilation import paste
from ntm_agents.kernels.content import compare, divide_by_norms, norm
from ntm_agents.kernels.dntm.addresses import measure
from ntm_agents.kernels.dntm.arguments import Places, Scratch, Settings, Trail
from ntm_agents.kernels.products import add_product, pack


@paste
def begin(settings: Settings, places: Places, scratch: Scratch) -> None:
    """Pack and measure addresses."""
    pack(places.addresses.T, scratch.compared)
    pack(places.addresses, scratch.weighted)
    measure(places.addresses, settings.epsilons.inside, scratch.squares, scratch.address_norms)


@paste
def compare_addresses(
    t: int, first: int, last: int, settings: Settings, scratch: Scratch, trail: Trail[Array]
) -> None:
    """Leave the dot products of the queries of a tile with all addresses."""
    K = len(settings.queries.sources)
    queries, dots = trail.queries[t % len(trail.queries)], scratch.near[: (last - first) * K]
    for k in range(len(dots)):
        zero(dots[k])
    add_product(queries[first * K : last * K], 0, scratch.compared, dots)


@paste
def compare_slots(
    t: int, b: int, i: int, settings: Settings, scratch: Scratch, memory: Array, trail: Trail[Array]
) -> None:
    """Leave the similarities of the keys of a sequence, and of the addresses behind those that were read."""
    layout, epsilons, own = settings.layout, settings.epsilons, settings.queries.own
    p, K, stride, A = trail.parameters[t, b], len(settings.queries.sources), layout.stride, layout.address
    near, norms, whole = scratch.near[i * K : (i + 1) * K], scratch.norms, scratch.whole
    queries = trail.queries[t % len(trail.queries), b * K : (b + 1) * K]
    compare(memory, p[A:], stride, epsilons.inside, scratch.dots, norms)
    for n in range(len(whole)):
        whole[n] = math.sqrt(norms[n] * norms[n] + scratch.squares[n])
    for h in range(layout.heads):
        dots, at = scratch.dots[h], h * stride
        end = at + A + layout.width
        if own[h] >= 0:
            of_address, key_norm = near[own[h]], norm(p[at:end], epsilons.inside)
            for n in range(len(dots)):
                dots[n] += of_address[n]
            divide_by_norms(dots, whole, key_norm, epsilons)
        else:
            key_norm = norm(p[at + A : end], epsilons.inside)
            divide_by_norms(dots, norms, key_norm, epsilons)
        scratch.key_norms[h] = key_norm
    for k in range(settings.queries.keys, K):
        divide_by_norms(near[k], scratch.address_norms, norm(queries[k], epsilons.inside), epsilons)
