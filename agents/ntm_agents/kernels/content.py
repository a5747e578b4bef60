"""Addressing by content, forward and backward: the cosine of keys and slots, and its softmax.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401), section 3.3.1, equations
5 and 6; the mathematics of `similarity` and `content_weighting` in :mod:`ntm_agents.addressing`.

A memory lies with its slots last, ``[M, N]``, so that loops run along the slots. Several rows are processed
together, so that shared values are loaded once. Keys of H heads lie in one array, `stride` numbers apart.

Shape letters: N slots, K width of a key (the memory has K rows here), H heads.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ntm_agents.kernels.activations import scaled_softmax
from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


class Epsilons(NamedTuple):
    """Terms that keep the similarity finite, numbers of the memory's type."""

    inside: Any
    """Added to the sum of squares under each root; above 0."""
    outside: Any
    """Added to each norm."""
    product: Any
    """Added to the product of the norms."""


@inline
def compare(memory: Array, keys: Array, stride: int, inside: Any, dots: Array, norms: Array) -> None:
    """Write the dot products of keys with all slots, and the norms of the slots.

    Args:
        memory: ``[K, N]``.
        keys: Key h begins at ``h * stride``.
        stride: Distance of keys.
        inside: Term under the root.
        dots: Dot products, written ``[H, N]``.
        norms: Norms of the slots, written ``[N]``.
    """
    width, slots = memory.shape
    zero = memory.dtype.type(0)
    for n in range(slots):
        norms[n] = inside
    for h in range(len(dots)):
        for n in range(slots):
            dots[h, n] = zero
    paired = 2 if len(dots) > 1 else 0  # keys that go along with the norms
    m = 0
    while m + 3 < width:
        m0, m1, m2, m3 = memory[m], memory[m + 1], memory[m + 2], memory[m + 3]
        if paired:
            first, second, at = dots[0], dots[1], stride + m
            k0, k1, k2, k3 = keys[m], keys[m + 1], keys[m + 2], keys[m + 3]
            q0, q1, q2, q3 = keys[at], keys[at + 1], keys[at + 2], keys[at + 3]
            for n in range(slots):
                x0, x1, x2, x3 = m0[n], m1[n], m2[n], m3[n]
                norms[n] += x0 * x0 + x1 * x1 + x2 * x2 + x3 * x3
                first[n] += k0 * x0 + k1 * x1 + k2 * x2 + k3 * x3
                second[n] += q0 * x0 + q1 * x1 + q2 * x2 + q3 * x3
        else:
            for n in range(slots):
                norms[n] += m0[n] * m0[n] + m1[n] * m1[n] + m2[n] * m2[n] + m3[n] * m3[n]
        for h in range(paired, len(dots)):
            at, more = h * stride + m, dots[h]
            k0, k1, k2, k3 = keys[at], keys[at + 1], keys[at + 2], keys[at + 3]
            for n in range(slots):
                more[n] += k0 * m0[n] + k1 * m1[n] + k2 * m2[n] + k3 * m3[n]
        m += 4
    while m < width:
        for n in range(slots):
            norms[n] += memory[m, n] * memory[m, n]
        for h in range(len(dots)):
            k = keys[h * stride + m]
            for n in range(slots):
                dots[h, n] += k * memory[m, n]
        m += 1
    for n in range(slots):
        norms[n] = math.sqrt(norms[n])


@inline
def compare_backward(
    memory: Array,
    keys: Array,
    stride: int,
    ddots: Array,
    dnorms: Array,
    dkey_norms: Array,
    dmemory: Array,
    dkeys: Array,
) -> None:
    """Backpropagate through `compare` and the norms of the keys.

    Args:
        memory: ``[K, N]``.
        keys: Key h begins at ``h * stride``.
        stride: Distance of keys.
        ddots: Gradients of the dot products ``[H, N]``.
        dnorms: Gradients of the norms of the slots, divided by these norms ``[N]``.
        dkey_norms: Gradients of the norms of the keys, divided by these norms ``[H]``.
        dmemory: Gradients of the memory ``[K, N]``, added to.
        dkeys: Gradients of the keys, written; they lie as the keys do.
    """
    width, slots = memory.shape
    zero = memory.dtype.type(0)
    paired = 2 if len(ddots) > 1 else 0  # as in `compare`
    for m in range(width):
        row, drow = memory[m], dmemory[m]
        if paired:
            first, second = ddots[0], ddots[1]
            k, q, dk, dq = keys[m], keys[stride + m], zero, zero
            for n in range(slots):
                x, f, s = row[n], first[n], second[n]
                dk += f * x
                dq += s * x
                drow[n] += dnorms[n] * x + f * k + s * q
            dkeys[m] = dk + dkey_norms[0] * k
            dkeys[stride + m] = dq + dkey_norms[1] * q
        else:
            for n in range(slots):
                drow[n] += dnorms[n] * row[n]
        for h in range(paired, len(ddots)):
            more, k, dk = ddots[h], keys[h * stride + m], zero
            for n in range(slots):
                dk += more[n] * row[n]
                drow[n] += more[n] * k
            dkeys[h * stride + m] = dk + dkey_norms[h] * k


@inline
def norm(key: Array, inside: Any) -> Any:
    """Return the norm of a key ``[K]``."""
    total = inside
    for m in range(len(key)):
        total += key[m] * key[m]
    return math.sqrt(total)


@inline
def look_up(
    dots: Array, norms: Array, key_norm: Any, epsilons: Epsilons, strength: Any, content: Array
) -> None:
    """Turn dot products ``[N]`` into similarities, in place, and write their weighting: equations 5 and 6.

    Args:
        dots: Dot products of the key with the slots ``[N]``; afterwards, similarities.
        norms: Norms of the slots ``[N]``.
        key_norm: Norm of the key.
        epsilons: Terms that keep the similarity finite.
        strength: Key strength, beta, at least 0.
        content: The weighting, written ``[N]``.
    """
    divide_by_norms(dots, norms, key_norm, epsilons)
    scaled_softmax(dots, strength, content)


@inline
def divide_by_norms(dots: Array, norms: Array, key_norm: Any, epsilons: Epsilons) -> None:
    """Turn dot products ``[N]`` into similarities, in place: equation 6, with the arguments of `look_up`."""
    key_norm += epsilons.outside
    for n in range(len(dots)):
        dots[n] /= key_norm * (norms[n] + epsilons.outside) + epsilons.product


@inline
def look_up_backward(
    similarities: Array,
    norms: Array,
    key_norm: Any,
    epsilons: Epsilons,
    strength: Any,
    content: Array,
    dcontent: Array,
    dnorms: Array,
) -> tuple[Any, Any]:
    """Backpropagate through `look_up`.

    Args:
        similarities: As `look_up` left them ``[N]``.
        norms: Norms of the slots ``[N]``.
        key_norm: Norm of the key.
        epsilons: Terms that keep the similarity finite.
        strength: Key strength.
        content: The weighting ``[N]``.
        dcontent: Gradients of the weighting ``[N]``; afterwards, of the dot products.
        dnorms: Gradients of the norms of the slots, divided by these norms ``[N]``, added to.

    Returns:
        The gradient of the strength, and that of the norm of the key, divided by this norm.
    """
    slots = len(similarities)
    zero = norms.dtype.type(0)
    sum_norm = key_norm + epsilons.outside
    mean, dstrength, dkey_norm = zero, zero, zero
    for n in range(slots):
        mean += content[n] * dcontent[n]
    for n in range(slots):
        d = content[n] * (dcontent[n] - mean)
        dstrength += d * similarities[n]
        slot_norm = norms[n] + epsilons.outside
        d = d * strength / (sum_norm * slot_norm + epsilons.product)
        dcontent[n] = d
        d *= similarities[n]
        dkey_norm -= d * slot_norm
        dnorms[n] -= d * sum_norm / norms[n]
    return dstrength, dkey_norm / key_norm


@inline
def divide_by_norms_backward(
    similarities: Array, norms: Array, key_norm: Any, epsilons: Epsilons, dsimilarities: Array, dnorms: Array
) -> Any:
    """Backpropagate through `divide_by_norms`.

    Args:
        similarities: As `divide_by_norms` left them ``[N]``.
        norms: Norms of the slots ``[N]``.
        key_norm: Norm of the key.
        epsilons: Terms that keep the similarity finite.
        dsimilarities: Gradients of the similarities ``[N]``; afterwards, of the dot products.
        dnorms: Gradients of the norms of the slots, divided by these norms ``[N]``, added to.

    Returns:
        The gradient of the norm of the key, divided by this norm.
    """
    sum_norm, dkey_norm = key_norm + epsilons.outside, norms.dtype.type(0)
    for n in range(len(similarities)):
        slot_norm = norms[n] + epsilons.outside
        d = dsimilarities[n] / (sum_norm * slot_norm + epsilons.product)
        dsimilarities[n] = d
        d *= similarities[n]
        dkey_norm -= d * slot_norm
        dnorms[n] -= d * sum_norm / norms[n]
    return dkey_norm / key_norm
