"""The recurrence of the NTM, forward and backward, in Numba.

What is here is what each step of the NTM needs from the one before: controller, head parameters, addressing,
memory. It is the mathematics of `addressing.py` and `controllers.py`, derived by hand.

Sequences go through in tiles: few enough for their memories to stay in the cache, and enough for the weights
of the controller to be read once for several. In a memory the slots come last, ``[M, N]``: then everything
runs along the slots, eight at a time. For the way back, weightings and parameters are kept, and the memory at
every √T-th step alone; the others are written again, a segment at a time, and what belongs to the addressing
is computed again where it is needed.

Shape letters: T steps, B sequences, N slots, M width of a slot, W heads that write, R that read, H = W + R, S
shift options, C units, V = R * M values that are read, G * C pre-activations, P parameters of all heads: of
each head key M, strength, sharpening, gate, shifts S; then of each that writes add M and, if there is one,
erase M. If heads that read may jump, the R gates of their jumps go with the pre-activations: G * C + R.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from ntm_agents.kernels.arithmetic import FAST, Array, add_to, copy, empty, exp, largest, log, log1p
from ntm_agents.kernels.products import add_product, pack, panels
from ntm_agents.kernels.subnormals import flush, restore

TINY = 1e-30
"""As in `addressing.py`."""
CLOSED = 1e-20
"""A gate below this lets nothing of a look-up through that could be seen beside the weighting before.

Nor is there anything to be seen of a slot with a weight below this."""
GAP = 128
"""Numbers between the parts of a scratch: twice what AVX-512 takes at a time, four vectors of sixteen."""
IDENTITY, TANH, SIGMOID = 0, 1, 2


class Scratch(NamedTuple):
    """Room to work in, as compiled functions here allocate nothing."""

    recurrent: Array
    heads: Array
    """Packed weights."""
    memories: Array
    """Memories of a tile at several steps ``[K, tile, M, N]``."""
    dots: Array
    ddots: Array
    """``[H, N]``"""
    kept: Array
    """``[W, N]``"""
    norms: Array
    dnorms: Array
    content: Array
    shifted: Array
    logs: Array
    """``[N]``"""
    gated: Array
    dgated: Array
    """``[N + S - 1]``"""
    dkey_norms: Array
    """``[H]``"""
    dfeatures: Array
    """``[tile, V + C]``"""
    dhidden: Array
    """``[tile, C]``"""
    spans: Array
    """Of each weighting, the first slot that counts and the one behind the last ``[tile, H, 2]``."""


def scratch(
    recurrent: Array,
    heads: Array,
    memories: tuple[int, ...],
    readers: int,
    writers: int,
    shifts: int,
    units: int,
) -> Scratch:
    """Return room for products with weights ``[K, J]``, and for memories ``[K, tile, M, N]``.

    All that loops work in is one piece of memory, with gaps. LLVM's vectorised loops look where arrays lie at
    run time, and give way to plain ones, which round otherwise, where one begins less than a few vectors
    behind another. Arrays of their own are sometimes that close, and a run would then not be repeatable.
    """
    _, tile, width, slots = memories
    every, each, ring = (readers + writers, slots), (slots,), (slots + shifts - 1,)
    rows = (every, every, (writers, slots), each, each, each, each, each, ring, ring, (readers + writers,))
    shapes = (memories, *rows, (tile, readers * width + units), (tile, units))
    ends = list(itertools.accumulate((math.prod(shape) + GAP for shape in shapes), initial=GAP))
    piece = empty((ends[-1],), heads.dtype)
    parts = [
        piece[at : at + math.prod(shape)].reshape(shape) for at, shape in zip(ends, shapes, strict=False)
    ]
    spans = np.zeros((tile, readers + writers, 2), np.int64)
    every_part = (panels(recurrent), panels(heads), *parts, spans)
    return Scratch(*every_part)


# ---------------------------------------------------------------------------------------------- controllers


@njit(**FAST)
def _tanh(x: Any, one: Any, two: Any) -> Any:
    return two / (one + exp(-two * x)) - one


@njit(**FAST)
def _feedforward(addend: Array, features: Array, units: int) -> None:
    """Write ``tanh`` of the first C pre-activations into the last C features."""
    one, two = addend.dtype.type(1), addend.dtype.type(2)
    for b in range(len(addend)):
        row = features[b][-units:]
        for j in range(units):
            row[j] = _tanh(addend[b, j], one, two)


@njit(**FAST)
def _feedforward_backward(features: Array, dout: Array, dgates: Array, units: int) -> None:
    one = features.dtype.type(1)
    for b in range(len(dgates)):
        y = features[b][-units:]
        for j in range(units):
            dgates[b, j] = dout[b, j] * (one - y[j] * y[j])


@njit(**FAST)
def _lstm(gates: Array, cell: Array, after: Array, features: Array) -> None:
    """Turn the first 4 * C pre-activations (enter, forget, leave, candidate) into gates, and take a step.

    The output goes into the last C features.
    """
    one, two = cell.dtype.type(1), cell.dtype.type(2)
    rows, units = cell.shape
    for b in range(rows):
        sigmoids, candidate = gates[b, : 3 * units], gates[b, 3 * units : 4 * units]
        enter, forget, leave = sigmoids[:units], sigmoids[units : 2 * units], sigmoids[2 * units :]
        for j in range(3 * units):
            sigmoids[j] = one / (one + exp(-sigmoids[j]))
        for j in range(units):
            candidate[j] = _tanh(candidate[j], one, two)
        row = features[b][-units:]
        for j in range(units):
            value = forget[j] * cell[b, j] + enter[j] * candidate[j]
            after[b, j] = value
            row[j] = leave[j] * _tanh(value, one, two)


@njit(**FAST)
def _lstm_backward(
    gates: Array, before: Array, after: Array, dhidden: Array, dcell: Array, dgates: Array
) -> None:
    """Return gradients of pre-activations, and turn those of the cell into those a step before."""
    one, two = dcell.dtype.type(1), dcell.dtype.type(2)
    rows, units = dcell.shape
    for b in range(rows):
        enter, forget = gates[b, :units], gates[b, units : 2 * units]
        leave, candidate = gates[b, 2 * units : 3 * units], gates[b, 3 * units : 4 * units]
        denter, dforget = dgates[b, :units], dgates[b, units : 2 * units]
        dleave, dcandidate = dgates[b, 2 * units : 3 * units], dgates[b, 3 * units : 4 * units]
        for j in range(units):
            y, o, d = _tanh(after[b, j], one, two), leave[j], dhidden[b, j]
            dleave[j] = d * y * o * (one - o)
            dcell[b, j] += d * o * (one - y * y)
        for j in range(units):
            d, i, c = dcell[b, j], enter[j], candidate[j]
            denter[j] = d * c * i * (one - i)
            dcandidate[j] = d * i * (one - c * c)
        for j in range(units):
            d, f = dcell[b, j], forget[j]
            dforget[j] = d * before[b, j] * f * (one - f)
            dcell[b, j] = d * f


# ------------------------------------------------------------------------------------------ head parameters


@njit(**FAST)
def _squash(values: Array, kind: int) -> None:
    one, two = values.dtype.type(1), values.dtype.type(2)
    if kind == TANH:
        for i in range(len(values)):
            values[i] = _tanh(values[i], one, two)
    elif kind == SIGMOID:
        for i in range(len(values)):
            values[i] = one / (one + exp(-values[i]))


@njit(**FAST)
def _squash_backward(values: Array, gradients: Array, kind: int) -> None:
    one = values.dtype.type(1)
    if kind == TANH:
        for i in range(len(values)):
            gradients[i] *= one - values[i] * values[i]
    elif kind == SIGMOID:
        for i in range(len(values)):
            gradients[i] *= values[i] * (one - values[i])


@njit(**FAST)
def _activate(
    p: Array, heads: int, writers: int, keys: int, width: int, shifts: int, key: int, add: int
) -> None:
    """Turn what the controller says ``[P]`` into parameters: section 3.3 of the paper."""
    zero, one = p.dtype.type(0), p.dtype.type(1)
    for h in range(heads):
        at = h * (keys + 3 + shifts)
        _squash(p[at : at + keys], key)
        at += keys
        for i in range(2):  # softplus
            x = p[at + i]
            p[at + i] = max(x, zero) + log1p(exp(-abs(x)))
        p[at + 1] += one
        p[at + 2] = one / (one + exp(-p[at + 2]))
        moves = p[at + 3 : at + 3 + shifts]
        top, total = largest(moves), zero
        for j in range(shifts):
            moves[j] = exp(moves[j] - top)
            total += moves[j]
        for j in range(shifts):
            moves[j] /= total
    at = heads * (keys + 3 + shifts)
    each = (len(p) - at) // writers  # M or 2 * M
    for _ in range(writers):
        _squash(p[at : at + width], add)
        _squash(p[at + width : at + each], SIGMOID)
        at += each


@njit(**FAST)
def _activate_backward(
    p: Array, dp: Array, heads: int, writers: int, keys: int, width: int, shifts: int, key: int, add: int
) -> None:
    """Turn gradients of parameters into those of what the controller says."""
    zero, one = p.dtype.type(0), p.dtype.type(1)
    for h in range(heads):
        at = h * (keys + 3 + shifts)
        _squash_backward(p[at : at + keys], dp[at : at + keys], key)
        at += keys
        dp[at] *= -math.expm1(-p[at])
        dp[at + 1] *= -math.expm1(one - p[at + 1])
        dp[at + 2] *= p[at + 2] * (one - p[at + 2])
        moves, dmoves = p[at + 3 : at + 3 + shifts], dp[at + 3 : at + 3 + shifts]
        mean = zero
        for j in range(shifts):
            mean += moves[j] * dmoves[j]
        for j in range(shifts):
            dmoves[j] = moves[j] * (dmoves[j] - mean)
    at = heads * (keys + 3 + shifts)
    each = (len(p) - at) // writers
    for _ in range(writers):
        _squash_backward(p[at : at + width], dp[at : at + width], add)
        _squash_backward(p[at + width : at + each], dp[at + width : at + each], SIGMOID)
        at += each


# --------------------------------------------------------------------------------------- jumps and counter


@njit(**FAST)
def _count(jumps: Array, count: Any, offer: Any) -> Any:
    """Turn pre-activations ``[R]`` into gates of jumps, and add to a counter how far they are open."""
    zero, one = jumps.dtype.type(0), jumps.dtype.type(1)
    three, six = jumps.dtype.type(3), jumps.dtype.type(6)
    count += offer
    for r in range(len(jumps)):
        jumps[r] = min(max((jumps[r] + three) / six, zero), one)
        count += jumps[r]
    return count


@njit(**FAST)
def _count_backward(jumps: Array, dcount: Any, djumps: Array) -> None:
    """Turn gradients of gates ``[R]`` and counter into those of pre-activations."""
    zero, one, six = jumps.dtype.type(0), jumps.dtype.type(1), jumps.dtype.type(6)
    for r in range(len(jumps)):
        djumps[r] = (djumps[r] + dcount) / six if zero < jumps[r] and jumps[r] < one else zero


@njit(**FAST)
def _show(counts: Array, counting: Array, addend: Array) -> None:
    """Add what counters ``[B]`` tell the controller, by weights ``[G * C]``, to its pre-activations."""
    one = counts.dtype.type(1)
    for b in range(len(counts)):
        shown = counts[b] / (one + abs(counts[b]))
        for j in range(len(counting)):
            addend[b, j] += shown * counting[j]


@njit(**FAST)
def _show_backward(counts: Array, counting: Array, daddend: Array, dcounts: Array) -> None:
    one = counts.dtype.type(1)
    for b in range(len(counts)):
        scale, dshown = one + abs(counts[b]), counts.dtype.type(0)
        for j in range(len(counting)):
            dshown += daddend[b, j] * counting[j]
        dcounts[b] += dshown / (scale * scale)


# ---------------------------------------------------------------------------------------------- addressing


@njit(**FAST)
def _compare(memory: Array, p: Array, stride: int, inside: Any, dots: Array, norms: Array) -> None:
    """Multiply all keys with a memory ``[M, N]``: dots ``[H, N]``, and norms of the slots ``[N]``.

    Several rows at a time, here and below: what all of them need is then loaded once.
    """
    width, slots = memory.shape
    zero = memory.dtype.type(0)
    for n in range(slots):
        norms[n] = inside
    for h in range(len(dots)):
        for n in range(slots):
            dots[h, n] = zero
    first, second = dots[0], dots[1]
    m = 0
    while m + 3 < width:
        m0, m1, m2, m3 = memory[m], memory[m + 1], memory[m + 2], memory[m + 3]
        k0, k1, k2, k3 = p[m], p[m + 1], p[m + 2], p[m + 3]
        at = stride + m
        q0, q1, q2, q3 = p[at], p[at + 1], p[at + 2], p[at + 3]
        for n in range(slots):
            x0, x1, x2, x3 = m0[n], m1[n], m2[n], m3[n]
            norms[n] += x0 * x0 + x1 * x1 + x2 * x2 + x3 * x3
            first[n] += k0 * x0 + k1 * x1 + k2 * x2 + k3 * x3
            second[n] += q0 * x0 + q1 * x1 + q2 * x2 + q3 * x3
        for h in range(2, len(dots)):
            at, more = h * stride + m, dots[h]
            k0, k1, k2, k3 = p[at], p[at + 1], p[at + 2], p[at + 3]
            for n in range(slots):
                more[n] += k0 * m0[n] + k1 * m1[n] + k2 * m2[n] + k3 * m3[n]
        m += 4
    while m < width:
        for n in range(slots):
            norms[n] += memory[m, n] * memory[m, n]
        for h in range(len(dots)):
            k = p[h * stride + m]
            for n in range(slots):
                dots[h, n] += k * memory[m, n]
        m += 1
    for n in range(slots):
        norms[n] = math.sqrt(norms[n])


@njit(**FAST)
def _compare_backward(
    memory: Array,
    p: Array,
    stride: int,
    ddots: Array,
    dnorms: Array,
    dkey_norms: Array,
    dmemory: Array,
    dp: Array,
) -> None:
    """Go back through `_compare`; dnorms and dkey_norms are divided by the norms already."""
    width, slots = memory.shape
    zero = memory.dtype.type(0)
    first, second = ddots[0], ddots[1]
    for m in range(width):
        row, drow = memory[m], dmemory[m]
        k, q, dk, dq = p[m], p[stride + m], zero, zero
        for n in range(slots):
            x, f, s = row[n], first[n], second[n]
            dk += f * x
            dq += s * x
            drow[n] += dnorms[n] * x + f * k + s * q
        dp[m] = dk + dkey_norms[0] * k
        dp[stride + m] = dq + dkey_norms[1] * q
        for h in range(2, len(ddots)):
            more, k, dk = ddots[h], p[h * stride + m], zero
            for n in range(slots):
                dk += more[n] * row[n]
                drow[n] += more[n] * k
            dp[h * stride + m] = dk + dkey_norms[h] * k


@njit(**FAST)
def _norm(key: Array, inside: Any) -> Any:
    total = inside
    for m in range(len(key)):
        total += key[m] * key[m]
    return math.sqrt(total)


@njit(**FAST)
def _look_up(
    dots: Array, norms: Array, key_norm: Any, product: Any, outside: Any, strength: Any, content: Array
) -> None:
    """Turn dots ``[N]`` into similarities, in place, and those into a weighting: equations 5 and 6."""
    slots = len(dots)
    one, total = dots.dtype.type(1), dots.dtype.type(0)
    key_norm += outside
    for n in range(slots):
        dots[n] /= key_norm * (norms[n] + outside) + product
    top = strength * largest(dots)
    for n in range(slots):
        value = exp(strength * dots[n] - top)
        content[n] = value
        total += value
    scale = one / total
    for n in range(slots):
        content[n] *= scale


@njit(**FAST)
def _count_cut(weighting: Array, rest: int, cut: Any) -> None:
    """Normalise a weighting ``[N]`` once more, one of whose slots stands for some that were cut as well."""
    one = weighting.dtype.type(1)
    scale = one / (one + cut * weighting[rest])
    for n in range(len(weighting)):
        weighting[n] *= scale


@njit(**FAST)
def _look_up_backward(
    similarities: Array,
    norms: Array,
    key_norm: Any,
    product: Any,
    outside: Any,
    strength: Any,
    content: Array,
    dcontent: Array,
    dnorms: Array,
) -> tuple[Any, Any]:
    """Turn gradients of a weighting into those of dots, in place; return those of strength and key norm."""
    slots = len(similarities)
    zero = norms.dtype.type(0)
    sum_norm = key_norm + outside
    mean, dstrength, dkey_norm = zero, zero, zero
    for n in range(slots):
        mean += content[n] * dcontent[n]
    for n in range(slots):
        d = content[n] * (dcontent[n] - mean)
        dstrength += d * similarities[n]
        norm = norms[n] + outside
        d = d * strength / (sum_norm * norm + product)
        dcontent[n] = d
        d *= similarities[n]
        dkey_norm -= d * norm
        dnorms[n] -= d * sum_norm / norms[n]
    return dstrength, dkey_norm / key_norm


@njit(**FAST)
def _interpolate(content: Array, previous: Array, gate: Any, left: int, gated: Array) -> None:
    """Mix two weightings ``[N]``, equation 7, into a ring ``[N + S - 1]`` that goes on at both ends."""
    slots = len(content)
    middle = gated[left : left + slots]
    for n in range(slots):
        middle[n] = previous[n] + gate * (content[n] - previous[n])
    for i in range(left):
        gated[left - 1 - i] = middle[slots - 1 - i]
    for i in range(len(gated) - left - slots):
        gated[left + slots + i] = middle[i]


@njit(**FAST)
def _interpolate_backward(
    content: Array, previous: Array, gate: Any, left: int, dgated: Array, dcontent: Array, dprevious: Array
) -> Any:
    """Fold the ends of the ring back, and return the gradient of the gate."""
    slots = len(content)
    one, dgate = content.dtype.type(1), content.dtype.type(0)
    middle = dgated[left : left + slots]
    for i in range(left):
        middle[slots - 1 - i] += dgated[left - 1 - i]
    for i in range(len(dgated) - left - slots):
        middle[i] += dgated[left + slots + i]
    for n in range(slots):
        d = middle[n]
        dgate += d * (content[n] - previous[n])
        dcontent[n] = gate * d
        dprevious[n] = (one - gate) * d
    return dgate


@njit(**FAST)
def _jump(gated: Array, gate: Any, left: int, slots: int) -> None:
    """Move a ring ``[N + S - 1]`` to the first slot by as much as the gate is open."""
    one = gated.dtype.type(1)
    for i in range(len(gated)):
        gated[i] *= one - gate
    for first in range(left, len(gated), slots):
        gated[first] += gate


@njit(**FAST)
def _jump_backward(stayed: Array, gate: Any, left: int, slots: int, dgated: Array) -> Any:
    """Turn gradients of a ring into those of what it was before the jump; return the gate's."""
    one, dgate = stayed.dtype.type(1), stayed.dtype.type(0)
    for first in range(left, len(dgated), slots):
        dgate += dgated[first]
    for i in range(len(dgated)):
        dgate -= dgated[i] * stayed[i]
        dgated[i] *= one - gate
    return dgate


@njit(**FAST)
def _shift(gated: Array, moves: Array, tiny: Any, shifted: Array, logs: Array) -> None:
    """Turn a ring by a distribution over shifts ``[S]``, equation 8, and take logarithms ``[N]``."""
    slots, shifts = len(shifted), len(moves)
    if shifts == 3:  # the paper's, in one go
        s0, s1, s2 = moves[0], moves[1], moves[2]
        here, before, behind = gated[1 : 1 + slots], gated[:slots], gated[2 : 2 + slots]
        for n in range(slots):
            value = tiny + s0 * behind[n] + s1 * here[n] + s2 * before[n]
            shifted[n] = value
            logs[n] = log(value)
        return
    for n in range(slots):
        shifted[n] = tiny
    for j in range(shifts):
        share = moves[j]
        moved = gated[shifts - 1 - j : shifts - 1 - j + slots]
        for n in range(slots):
            shifted[n] += share * moved[n]
    for n in range(slots):
        logs[n] = log(shifted[n])


@njit(**FAST)
def _shift_backward(gated: Array, moves: Array, dshifted: Array, dgated: Array, dmoves: Array) -> None:
    slots, shifts = len(dshifted), len(moves)
    zero = gated.dtype.type(0)
    for i in range(len(dgated)):
        dgated[i] = zero
    for j in range(shifts):
        share, total = moves[j], zero
        moved = gated[shifts - 1 - j : shifts - 1 - j + slots]
        dmoved = dgated[shifts - 1 - j : shifts - 1 - j + slots]
        for n in range(slots):
            total += dshifted[n] * moved[n]
            dmoved[n] += share * dshifted[n]
        dmoves[j] = total


@njit(**FAST)
def _sharpen(logs: Array, sharpening: Any, weighting: Array) -> None:
    """Raise to a power and normalise ``[N]``: equation 9."""
    slots = len(logs)
    one, total = logs.dtype.type(1), logs.dtype.type(0)
    top = sharpening * largest(logs)
    for n in range(slots):
        value = exp(sharpening * logs[n] - top)
        weighting[n] = value
        total += value
    scale = one / total
    for n in range(slots):
        weighting[n] *= scale


@njit(**FAST)
def _find_span(weighting: Array, first: int, behind: int, least: Any, span: Array) -> None:
    """Write the first slot from `first` on with a weight that is above, or NaN, and the one behind the last.

    One after the other: mostly those at the ends are.
    """
    while first < behind and weighting[first] <= least:
        first += 1
    while behind > first and weighting[behind - 1] <= least:
        behind -= 1
    span[0], span[1] = first, behind


@njit(**FAST)
def _move_span(
    previous: Array,
    first: int,
    behind: int,
    moves: Array,
    sharpening: Any,
    tiny: Any,
    logs: Array,
    weighting: Array,
) -> None:
    """Shift and sharpen a weighting ``[N]`` that is zero but for some slots, away from the ring's ends."""
    shifts, length, zero = len(moves), behind - first, weighting.dtype.type(0)
    for n in range(len(weighting)):
        weighting[n] = zero
    moved, logs = weighting[first:behind], logs[:length]
    for i in range(length):
        moved[i] = tiny
    for j in range(shifts):
        share, before = moves[j], previous[first + shifts // 2 - j : behind + shifts // 2 - j]
        for i in range(length):
            moved[i] += share * before[i]
    for i in range(length):
        logs[i] = log(moved[i])
    _sharpen(logs, sharpening, moved)


@njit(**FAST)
def _sharpen_backward(logs: Array, shifted: Array, sharpening: Any, weighting: Array, gradient: Array) -> Any:
    """Turn gradients of a weighting into those of what was shifted, in place; return the power's."""
    zero = logs.dtype.type(0)
    mean, dsharpening = zero, zero
    for n in range(len(logs)):
        mean += gradient[n] * weighting[n]
    for n in range(len(logs)):
        d = weighting[n] * (gradient[n] - mean)
        dsharpening += d * logs[n]
        gradient[n] = d * sharpening / shifted[n]
    return dsharpening


# -------------------------------------------------------------------------------------------------- memory


@njit(**FAST)
def _read(memory: Array, weighting: Array, first: int, behind: int, out: Array) -> None:
    """Read ``[M]`` from some slots of a memory ``[M, N]``: equation 2.

    Loops go along slices of rows, as a slice of the memory has an unknown stride, and an index that does not
    start at 0 might be negative, which NumPy's rules make another slot.
    """
    width, slots = len(memory), behind - first
    zero, weights = memory.dtype.type(0), weighting[first:behind]
    m = 0
    while m + 3 < width:
        m0, m1 = memory[m][first:behind], memory[m + 1][first:behind]
        m2, m3 = memory[m + 2][first:behind], memory[m + 3][first:behind]
        r0, r1, r2, r3 = zero, zero, zero, zero
        for n in range(slots):
            w = weights[n]
            r0 += w * m0[n]
            r1 += w * m1[n]
            r2 += w * m2[n]
            r3 += w * m3[n]
        out[m], out[m + 1], out[m + 2], out[m + 3] = r0, r1, r2, r3
        m += 4
    while m < width:
        row, total = memory[m][first:behind], zero
        for n in range(slots):
            total += weights[n] * row[n]
        out[m] = total
        m += 1


@njit(**FAST)
def _read_cut(memory: Array, weighting: Array, rest: int, cut: Any, out: Array) -> None:
    """Add to what was read ``[M]`` what is in the slots that were cut."""
    share = cut * weighting[rest]
    for m in range(len(out)):
        out[m] += share * memory[m, rest]


@njit(**FAST)
def _read_backward(memory: Array, weighting: Array, dout: Array, dmemory: Array, dweighting: Array) -> None:
    width, slots = memory.shape
    m = 0
    while m + 3 < width:
        m0, m1, m2, m3 = memory[m], memory[m + 1], memory[m + 2], memory[m + 3]
        d0, d1, d2, d3 = dmemory[m], dmemory[m + 1], dmemory[m + 2], dmemory[m + 3]
        r0, r1, r2, r3 = dout[m], dout[m + 1], dout[m + 2], dout[m + 3]
        for n in range(slots):
            dweighting[n] += r0 * m0[n] + r1 * m1[n] + r2 * m2[n] + r3 * m3[n]
        for n in range(slots):
            w = weighting[n]
            d0[n] += w * r0
            d1[n] += w * r1
            d2[n] += w * r2
            d3[n] += w * r3
        m += 4
    while m < width:
        for n in range(slots):
            dmemory[m, n] += weighting[n] * dout[m]
            dweighting[n] += dout[m] * memory[m, n]
        m += 1


@njit(**FAST)
def _of_writer(p: Array, h: int, writers: int, width: int, m: int) -> tuple[Any, Any]:
    """Return what a head adds to column m and erases of it; nothing if there is no such writer."""
    each = len(p) // writers
    if h >= writers:
        return p.dtype.type(0), p.dtype.type(0)
    return p[h * each + m], p[h * each + width + m] if each > width else p.dtype.type(1)


@njit(**FAST)
def _write(memory: Array, weighting: Array, p: Array, writers: int, first: int, behind: int) -> None:
    """Erase and add, in some slots: equations 3 and 4.

    p ``[W * M]`` or ``[W * 2 * M]`` has add and erase vectors.
    """
    width, slots = len(memory), behind - first
    for m in range(width):
        row = memory[m][first:behind]
        if writers == 1:
            w = weighting[0][first:behind]
            add, erase = _of_writer(p, 0, writers, width, m)
            for n in range(slots):
                x = row[n]
                row[n] = x + w[n] * (add - erase * x)
        else:
            _write_several(row, weighting, p, writers, width, m, first, behind)


@njit(**FAST)
def _write_several(
    row: Array, weighting: Array, p: Array, writers: int, width: int, m: int, first: int, behind: int
) -> None:
    """Do so for several heads, and what some slots have in column m.

    Heads go two by two; a last one without a partner goes with the first reader, which does nothing.
    """
    one = row.dtype.type(1)
    for h in range(0, writers, 2):
        w, v = weighting[h][first:behind], weighting[h + 1][first:behind]
        erase, other = _of_writer(p, h, writers, width, m)[1], _of_writer(p, h + 1, writers, width, m)[1]
        for n in range(len(row)):
            row[n] *= (one - w[n] * erase) * (one - v[n] * other)
    for h in range(0, writers, 2):
        w, v = weighting[h][first:behind], weighting[h + 1][first:behind]
        add, other = _of_writer(p, h, writers, width, m)[0], _of_writer(p, h + 1, writers, width, m)[0]
        for n in range(len(row)):
            row[n] += w[n] * add + v[n] * other


@njit(**FAST)
def _write_again(memory: Array, weighting: Array, p: Array, writers: int, after: Array) -> None:
    """Do as `_write` does, but leave the memory as it is.

    The loops of both are plain ones if a function that has two memories is given the same one twice.
    """
    width, slots = memory.shape
    for m in range(width):
        row, new = memory[m], after[m]
        if writers == 1:
            w = weighting[0]
            add, erase = _of_writer(p, 0, writers, width, m)
            for n in range(slots):
                x = row[n]
                new[n] = x + w[n] * (add - erase * x)
        else:
            for n in range(slots):
                new[n] = row[n]
            _write_several(new, weighting, p, writers, width, m, 0, slots)


@njit(**FAST)
def _write_backward(
    memory: Array,
    weighting: Array,
    p: Array,
    writers: int,
    dmemory: Array,
    dweighting: Array,
    dp: Array,
    kept: Array,
) -> None:
    """Turn gradients of a memory into those before the write, in place. kept ``[W, N]`` is for its work."""
    width, slots = memory.shape
    zero, one = memory.dtype.type(0), memory.dtype.type(1)
    each = len(p) // writers
    done = 0
    while writers == 1 and done + 1 < width:  # two rows at a time
        m = done
        row, other, drow, dother = memory[m], memory[m + 1], dmemory[m], dmemory[m + 1]
        w, dw, a0, a1, e0, e1 = weighting[0], dweighting[0], p[m], p[m + 1], one, one
        if each > width:
            e0, e1 = p[width + m], p[width + m + 1]
        da0, da1, de0, de1 = zero, zero, zero, zero
        for n in range(slots):
            d0, d1, x0, x1 = drow[n], dother[n], row[n], other[n]
            c0, c1 = d0 * w[n], d1 * w[n]
            da0 += c0
            da1 += c1
            de0 += c0 * x0
            de1 += c1 * x1
            dw[n] += d0 * (a0 - e0 * x0) + d1 * (a1 - e1 * x1)
            drow[n] = d0 - c0 * e0
            dother[n] = d1 - c1 * e1
        dp[m], dp[m + 1] = da0, da1
        if each > width:
            dp[width + m], dp[width + m + 1] = -de0, -de1
        done += 2
    for m in range(done, width):
        drow = dmemory[m]
        for n in range(slots):
            kept[0, n] = memory[m, n]
        for h in range(2, writers, 2):  # what the pairs before have left
            w, v, left, after = weighting[h - 2], weighting[h - 1], kept[h - 2], kept[h]
            erase = _of_writer(p, h - 2, writers, width, m)[1]
            other = _of_writer(p, h - 1, writers, width, m)[1]
            for n in range(slots):
                after[n] = left[n] * (one - w[n] * erase) * (one - v[n] * other)
        for h in range(0, writers, 2):
            w, v, dw, dv = weighting[h], weighting[h + 1], dweighting[h], dweighting[h + 1]
            add, other = _of_writer(p, h, writers, width, m)[0], _of_writer(p, h + 1, writers, width, m)[0]
            dadd, dother = zero, zero
            for n in range(slots):
                d = drow[n]
                dadd += d * w[n]
                dother += d * v[n]
                dw[n] += d * add
                dv[n] += d * other
            dp[h * each + m] = dadd
            if h + 1 < writers:
                dp[(h + 1) * each + m] = dother
        for h in range((writers - 1) // 2 * 2, -1, -2):
            w, v, dw, dv = weighting[h], weighting[h + 1], dweighting[h], dweighting[h + 1]
            erase = _of_writer(p, h, writers, width, m)[1]
            other = _of_writer(p, h + 1, writers, width, m)[1]
            left, derase, dother = kept[h], zero, zero
            for n in range(slots):
                d, x = drow[n], left[n]
                keep = one - w[n] * erase
                change = d * x * keep
                dother += change * v[n]
                dv[n] -= change * other
                d -= d * v[n] * other
                change = d * x
                derase += change * w[n]
                dw[n] -= change * erase
                drow[n] = d * keep
            if each > width:
                dp[h * each + width + m] = -derase
                if h + 1 < writers:
                    dp[(h + 1) * each + width + m] = -dother


@njit(**FAST)
def _pass_on(gradient: Array, other: Array) -> None:
    """Move the gradient of a weighting to that of the one that it was copied from."""
    for n in range(len(gradient)):
        other[n] += gradient[n]
        gradient[n] = 0


# ------------------------------------------------------------------------------------------- whole sequence


@njit(**{**FAST, "no_cpython_wrapper": False, "forceinline": False}, cache=True)
def forward(
    recurrent: Array,
    heads: Array,
    counting: Array,
    writers: int,
    followers: int,
    keys: int,
    shifts: int,
    activations: tuple[int, int],
    epsilons: tuple[Any, Any, Any],
    write_first: bool,
    every: int,
    room: Scratch,
    rest: Array,
    cut: Any,
    memory: Array,
    gates: Array,
    cells: Array,
    features: Array,
    params: Array,
    weightings: Array,
    checkpoints: Array,
    counts: Array,
    offers: Array,
) -> None:
    """Take T steps. An LSTM if there are cells, and otherwise a feed-forward controller.

    Args:
        recurrent: Weights of what was read and, of an LSTM, of its last output ``[V or V + C, G * C]``.
        heads: Weights of the head parameters ``[C, P]``.
        counting: Weights of what the counter tells the controller ``[G * C]``.
        writers: W.
        followers: How many of them, the last, write where as many readers, the first, have read last.
        keys: Width K of keys, which are compared with the first columns of a slot.
        shifts: S.
        activations: What keys and add vectors go through.
        epsilons: What is added inside the roots, to the norms, and to their product.
        write_first: Whether heads read after the write.
        every: Steps between checkpoints; 0 for none.
        room: Room to work in.
        rest: The slot of each sequence that stands for those that were cut as well ``[B]``.
        cut: How many those are, as a number of the memory's type; 0 in training.
        memory: The memory at the start ``[B, M, N]``; afterwards, at the end.
        gates: What inputs and bias add to the pre-activations ``[T, B, G * C or G * C + R]``; afterwards,
            the gates of an LSTM and those of jumps.
        cells: ``[T + 1, B, C]`` with the first set, or ``[0, 0, 0]``.
        features: What was read and the controller's output ``[T + 1, B, V + C]``; the first is set.
        params: What inputs and bias add to the head parameters ``[T, B, P]``; afterwards, the parameters.
        weightings: ``[T + 1, B, H, N]``; the first is set. If there is room for fewer, step t leaves its own
            at t + 1 modulo what there is room for.
        checkpoints: Room for a memory at every `every`-th step ``[T / every, B, M, N]``.
        counts: Counters ``[T + 1, B]``; the first are set.
        offers: What inputs add to them ``[T, B]``.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    T, B, _ = gates.shape
    H, M, N = weightings.shape[2], *memory.shape[1:]
    V = (H - writers) * M
    key, add = activations
    inside, outside, product = epsilons
    kind = memory.dtype
    tiny, closed = kind.type(TINY), kind.type(CLOSED)
    stride, left, split = keys + 3 + shifts, shifts - 1 - shifts // 2, H * (keys + 3 + shifts)
    own = len(counting)  # pre-activations of the controller, before those of jumps
    jumping = gates.shape[2] > own
    dots, norms, content, gated = room.dots, room.norms, room.content, room.gated
    shifted, logs, spans = room.shifted, room.logs, room.spans
    tile, kept = room.memories.shape[1], len(weightings)
    pack(recurrent, room.recurrent)
    pack(heads, room.heads)
    for first in range(0, B, tile):
        last = min(first + tile, B)
        if not every:
            for b in range(first, last):
                for h in range(H):
                    _find_span(weightings[0, b, h], 0, N, closed, spans[b - first, h])
        for t in range(T):
            gate, now = gates[t, first:last], features[t + 1, first:last]
            add_product(features[t, first:last], 0, room.recurrent, gate)
            for b in range(first, last):
                counts[t + 1, b] = _count(gates[t, b, own:], counts[t, b], offers[t, b])
            if jumping:
                _show(counts[t + 1, first:last], counting, gate)
            if len(cells):
                _lstm(gate, cells[t, first:last], cells[t + 1, first:last], now)
            else:
                _feedforward(gate, now, now.shape[1] - V)
            add_product(now, V, room.heads, params[t, first:last])
            for b in range(first, last):
                p, slots = params[t, b], memory[b]
                if every and t % every == 0:
                    copy(slots, checkpoints[t // every, b])
                previous, weighting = weightings[t % kept, b], weightings[(t + 1) % kept, b]
                _activate(p, H, writers, keys, M, shifts, key, add)
                looking = every > 0  # on the way back, look-ups are computed again
                for h in range(H):
                    looking = looking or p[h * stride + keys + 2] > closed
                if looking:
                    _compare(slots[:keys], p, stride, inside, dots, norms)
                for h in range(H):
                    if writers - followers <= h < writers:
                        continue
                    at = h * stride
                    key_norm = _norm(p[at : at + keys], inside)
                    at += keys
                    begin, end, looks = 0, N, every or p[at + 2] > closed
                    jumps = jumping and h >= writers
                    if not (looks or jumps):
                        begin, end = spans[b - first, h, 0] - shifts // 2, spans[b - first, h, 1] + left
                    moves = p[at + 3 : at + 3 + shifts]
                    if left <= begin and end <= N - shifts // 2 and not (looks or jumps):
                        _move_span(previous[h], begin, end, moves, p[at + 1], tiny, logs, weighting[h])
                    else:
                        begin, end = 0, N
                        if looks:
                            _look_up(dots[h], norms, key_norm, product, outside, p[at], content)
                            if cut:
                                _count_cut(content, rest[b], cut)
                        else:  # the look-up would change no digit that counts
                            for n in range(len(content)):
                                content[n] = 0
                        _interpolate(content, previous[h], p[at + 2], left, gated)
                        if jumps:
                            _jump(gated, gates[t, b, own + h - writers], left, len(content))
                        _shift(gated, moves, tiny, shifted, logs)
                        _sharpen(logs, p[at + 1], weighting[h])
                    if cut and weighting[h, rest[b]]:
                        _count_cut(weighting[h], rest[b], cut)
                    if not every:
                        _find_span(weighting[h], begin, end, closed, spans[b - first, h])
                followed = previous if write_first else weighting
                copy(followed[writers : writers + followers], weighting[writers - followers : writers])
                begin, end = 0, N
                if not every:
                    for h in range(writers - followers, writers):
                        _find_span(weighting[h], 0, N, closed, spans[b - first, h])
                    begin, end = N, 0
                    for h in range(writers):
                        begin, end = min(begin, spans[b - first, h, 0]), max(end, spans[b - first, h, 1])
                if write_first:
                    _write(slots, weighting, p[split:], writers, begin, end)
                for r in range(H - writers):
                    read = now[b - first, r * M : (r + 1) * M]
                    at, to = 0, N
                    if not every:
                        at, to = spans[b - first, writers + r, 0], spans[b - first, writers + r, 1]
                    _read(slots, weighting[writers + r], at, to, read)
                    if cut:
                        _read_cut(slots, weighting[writers + r], rest[b], cut, read)
                if not write_first:
                    _write(slots, weighting, p[split:], writers, begin, end)
    restore(before_kernel)


@njit(**{**FAST, "no_cpython_wrapper": False, "forceinline": False}, cache=True)
def backward(
    recurrent: Array,
    heads: Array,
    counting: Array,
    writers: int,
    followers: int,
    keys: int,
    shifts: int,
    activations: tuple[int, int],
    epsilons: tuple[Any, Any, Any],
    write_first: bool,
    every: int,
    room: Scratch,
    gates: Array,
    cells: Array,
    features: Array,
    params: Array,
    weightings: Array,
    checkpoints: Array,
    counts: Array,
    offers: Array,
    dfeatures: Array,
    dall: Array,
    dcells: Array,
    dmemory: Array,
    dcounts: Array,
    dweightings: Array,
    dstart: Array,
    dgates: Array,
    dparams: Array,
    dall_counts: Array,
) -> None:
    """Go back through `forward`, whose arguments these are up to `offers`, but for the weights.

    Args:
        recurrent: Weights, the other way round: ``[G * C, V or V + C]``.
        heads: Weights, the other way round: ``[P, C]``.
        counting: Weights of what the counter tells the controller ``[G * C]``.
        writers: W.
        followers: How many of them, the last, write where as many readers, the first, have read last.
        keys: Width K of keys, which are compared with the first columns of a slot.
        shifts: S.
        activations: What keys and add vectors go through.
        epsilons: What is added inside the roots, to the norms, and to their product.
        write_first: Whether heads read after the write.
        every: Steps between checkpoints.
        room: Room to work in.
        gates: What `forward` left.
        cells: What `forward` left.
        features: What `forward` left.
        params: What `forward` left.
        weightings: What `forward` left.
        checkpoints: What `forward` left.
        counts: What `forward` left.
        offers: As `forward` had them.
        dfeatures: Gradients of the features behind the first ``[T, B, V + C]``.
        dall: Gradients of the weightings behind the first ``[T, B, H, N]``, or ``[0, 0, 0, 0]``.
        dcells: Gradient of the last cells ``[B, C]``; afterwards, of the first.
        dmemory: Gradient of the memory at the end ``[B, M, N]``; afterwards, at the start.
        dcounts: Gradient of the last counters ``[B]``; afterwards, of the first.
        dweightings: Zeros ``[B, H, N]``; afterwards, the gradient of the first weightings.
        dstart: Room for the gradient of the first features ``[B, V + C]``.
        dgates: Room for the gradients of what was added to the pre-activations.
        dparams: Room for the gradients of what was added to the head parameters ``[T, B, P]``.
        dall_counts: Room for the gradients of the counters behind each step ``[T, B]``.
    """
    before_kernel: Any = flush()  # type: ignore[call-arg]
    T, B, _ = gates.shape
    H, N = weightings.shape[2:]
    M = dmemory.shape[1]
    V = (H - writers) * M
    C = features.shape[2] - V
    key, add = activations
    inside, outside, product = epsilons
    kind = dmemory.dtype
    zero, tiny = kind.type(0), kind.type(TINY)
    stride, left, split = keys + 3 + shifts, shifts - 1 - shifts // 2, H * (keys + 3 + shifts)
    own = len(counting)  # pre-activations of the controller, before those of jumps
    jumping = gates.shape[2] > own
    dots, norms, content, gated = room.dots, room.norms, room.content, room.gated
    shifted, logs, kept = room.shifted, room.logs, room.kept
    ddots, dnorms, dkey_norms, dgated = room.ddots, room.dnorms, room.dkey_norms, room.dgated
    memories, tile = room.memories, room.memories.shape[1]  # before each step of a segment
    pack(recurrent, room.recurrent)
    pack(heads, room.heads)
    for first in range(0, B, tile):
        last = min(first + tile, B)
        dnow, dhidden = room.dfeatures[: last - first], room.dhidden[: last - first]
        for b in range(last - first):
            for j in range(V + C):
                dnow[b, j] = zero
        for start in range((T - 1) // every * every, -1, -every):
            end = min(start + every, T)
            for b in range(first, last):
                copy(checkpoints[start // every, b], memories[0, b - first])
                for t in range(start, end):
                    before, after = memories[t - start, b - first], memories[t - start + 1, b - first]
                    _write_again(before, weightings[t + 1, b], params[t, b, split:], writers, after)
            for t in range(end - 1, start - 1, -1):
                add_to(dnow, dfeatures[t, first:last])
                for b in range(first, last):
                    before, after = memories[t - start, b - first], memories[t - start + 1, b - first]
                    p, dp = params[t, b], dparams[t, b]
                    previous, weighting = weightings[t, b], weightings[t + 1, b]
                    dmem, dweighting = dmemory[b], dweightings[b]
                    if len(dall):
                        add_to(dweighting, dall[t, b])
                    if not write_first:
                        _write_backward(
                            before, weighting, p[split:], writers, dmem, dweighting, dp[split:], kept
                        )
                    source = after if write_first else before
                    for r in range(H - writers):
                        dread, h = dnow[b - first, r * M : (r + 1) * M], writers + r
                        _read_backward(source, weighting[h], dread, dmem, dweighting[h])
                    if write_first:
                        _write_backward(
                            before, weighting, p[split:], writers, dmem, dweighting, dp[split:], kept
                        )
                    _compare(before[:keys], p, stride, inside, dots, norms)
                    for n in range(N):
                        dnorms[n] = zero
                    for h in range(H):
                        at = h * stride
                        if writers - followers <= h < writers:
                            if not write_first:
                                _pass_on(dweighting[h], dweighting[h + followers])
                            for n in range(N):
                                ddots[h, n] = zero
                            dkey_norms[h] = zero
                            for j in range(stride):
                                dp[at + j] = zero
                            continue
                        key_norm = _norm(p[at : at + keys], inside)
                        at += keys
                        gate, moves, dw = p[at + 2], p[at + 3 : at + 3 + shifts], dweighting[h]
                        _look_up(dots[h], norms, key_norm, product, outside, p[at], content)
                        _interpolate(content, previous[h], gate, left, gated)
                        jumps = jumping and h >= writers
                        if jumps:
                            _jump(gated, gates[t, b, own + h - writers], left, N)
                        _shift(gated, moves, tiny, shifted, logs)
                        dp[at + 1] = _sharpen_backward(logs, shifted, p[at + 1], weighting[h], dw)
                        _shift_backward(gated, moves, dw, dgated, dp[at + 3 : at + 3 + shifts])
                        if jumps:
                            _interpolate(content, previous[h], gate, left, gated)
                            dgates[t, b, own + h - writers] = _jump_backward(
                                gated, gates[t, b, own + h - writers], left, N, dgated
                            )
                        dp[at + 2] = _interpolate_backward(
                            content, previous[h], gate, left, dgated, ddots[h], dw
                        )
                        dp[at], dkey_norms[h] = _look_up_backward(
                            dots[h], norms, key_norm, product, outside, p[at], content, ddots[h], dnorms
                        )
                    if write_first:
                        for h in range(writers - followers, writers):
                            _pass_on(dweighting[h], dweighting[h + followers])
                    _compare_backward(before[:keys], p, stride, ddots, dnorms, dkey_norms, dmem[:keys], dp)
                    _activate_backward(p, dp, H, writers, keys, M, shifts, key, add)
                for b in range(last - first):
                    for j in range(C):
                        dhidden[b, j] = dnow[b, V + j]
                    for j in range(V + C):
                        dnow[b, j] = zero
                add_product(dparams[t, first:last], 0, room.heads, dhidden)
                dgate = dgates[t, first:last]
                if len(cells):
                    cell, after = cells[t, first:last], cells[t + 1, first:last]
                    _lstm_backward(gates[t, first:last], cell, after, dhidden, dcells[first:last], dgate)
                else:
                    _feedforward_backward(features[t + 1, first:last], dhidden, dgate, C)
                if jumping:
                    _show_backward(counts[t + 1, first:last], counting, dgate, dcounts[first:last])
                    for b in range(first, last):
                        dall_counts[t, b] = dcounts[b]
                        _count_backward(gates[t, b, own:], dcounts[b], dgates[t, b, own:])
                add_product(dgate, 0, room.recurrent, dnow)
        copy(dnow, dstart[first:last])
    restore(before_kernel)
