"""The recurrence of the NTM, forward and backward, in Numba.

What is here is what each step of the NTM needs from the one before: controller, head parameters, addressing,
memory. It is the mathematics of `addressing.py` and `controllers.py`, derived by hand.

Sequences go through in tiles, which are small enough for their memories to stay in the cache and large enough
for the weights of the controller to be read once for several. In a memory the slots come last, ``[M, N]``: then
everything runs along the slots, eight at a time. For the way back, weightings and parameters are kept, and the
memory at every √T-th step alone; the others are written again, a segment at a time, and what belongs to the
addressing is computed again where it is needed.

Shape letters: T steps, B sequences, N slots, M width of a slot, W heads that write, R that read, H = W + R, S
shift options, C units, V = R * M values that are read, G * C pre-activations, P parameters of all heads: of each
head key M, strength, sharpening, gate, shifts S; then of each that writes add M and, if there is one, erase M.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from ntm_agents.kernels.arithmetic import FAST, Array, add_product, exp, largest, log

TINY = 1e-30
"""As in `addressing.py`."""
IDENTITY, TANH, SIGMOID = 0, 1, 2


# ---------------------------------------------------------------------------------------------- controllers


@njit(**FAST)
def _tanh(x: Any, one: Any, two: Any) -> Any:
    return two / (one + exp(-two * x)) - one


@njit(**FAST)
def _feedforward(addend: Array, out: Array) -> None:
    """``tanh`` of pre-activations ``[B, C]``."""
    one, two = addend.dtype.type(1), addend.dtype.type(2)
    rows, units = addend.shape
    for b in range(rows):
        row = out[b]
        for j in range(units):
            row[j] = _tanh(addend[b, j], one, two)


@njit(**FAST)
def _feedforward_backward(out: Array, dout: Array, dgates: Array) -> None:
    one = out.dtype.type(1)
    rows, units = dgates.shape
    for b in range(rows):
        y = out[b]
        for j in range(units):
            dgates[b, j] = dout[b, j] * (one - y[j] * y[j])


@njit(**FAST)
def _lstm(gates: Array, cell: Array, after: Array, hidden: Array) -> None:
    """Turn pre-activations ``[B, 4 * C]`` (enter, forget, leave, candidate) into gates, and take a step."""
    one, two = cell.dtype.type(1), cell.dtype.type(2)
    rows, units = cell.shape
    for b in range(rows):
        sigmoids, candidate = gates[b, : 3 * units], gates[b, 3 * units :]
        enter, forget, leave = sigmoids[:units], sigmoids[units : 2 * units], sigmoids[2 * units :]
        for j in range(3 * units):
            sigmoids[j] = one / (one + exp(-sigmoids[j]))
        for j in range(units):
            candidate[j] = _tanh(candidate[j], one, two)
        row = hidden[b]
        for j in range(units):
            value = forget[j] * cell[b, j] + enter[j] * candidate[j]
            after[b, j] = value
            row[j] = leave[j] * _tanh(value, one, two)


@njit(**FAST)
def _lstm_backward(gates: Array, before: Array, after: Array, dhidden: Array, dcell: Array) -> None:
    """Turn gates into gradients of their pre-activations, and those of the cell into those a step before."""
    one, two = dcell.dtype.type(1), dcell.dtype.type(2)
    rows, units = dcell.shape
    for b in range(rows):
        enter, forget = gates[b, :units], gates[b, units : 2 * units]
        leave, candidate = gates[b, 2 * units : 3 * units], gates[b, 3 * units :]
        for j in range(units):
            y, o, d = _tanh(after[b, j], one, two), leave[j], dhidden[b, j]
            leave[j] = d * y * o * (one - o)
            dcell[b, j] += d * o * (one - y * y)
        for j in range(units):
            d, i, c = dcell[b, j], enter[j], candidate[j]
            enter[j] = d * c * i * (one - i)
            candidate[j] = d * i * (one - c * c)
        for j in range(units):
            d, f = dcell[b, j], forget[j]
            forget[j] = d * before[b, j] * f * (one - f)
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
def _activate(p: Array, heads: int, writers: int, width: int, shifts: int, key: int, add: int) -> None:
    """Turn what the controller says ``[P]`` into parameters: section 3.3 of the paper."""
    zero, one = p.dtype.type(0), p.dtype.type(1)
    for h in range(heads):
        at = h * (width + 3 + shifts)
        _squash(p[at : at + width], key)
        at += width
        for i in range(2):  # softplus
            x = p[at + i]
            p[at + i] = max(x, zero) + math.log1p(math.exp(-abs(x)))
        p[at + 1] += one
        p[at + 2] = one / (one + math.exp(-p[at + 2]))
        moves = p[at + 3 : at + 3 + shifts]
        top, total = largest(moves), zero
        for j in range(shifts):
            moves[j] = math.exp(moves[j] - top)
            total += moves[j]
        for j in range(shifts):
            moves[j] /= total
    at = heads * (width + 3 + shifts)
    each = (len(p) - at) // writers  # M or 2 * M
    for _ in range(writers):
        _squash(p[at : at + width], add)
        _squash(p[at + width : at + each], SIGMOID)
        at += each


@njit(**FAST)
def _activate_backward(
    p: Array, dp: Array, heads: int, writers: int, width: int, shifts: int, key: int, add: int
) -> None:
    """Turn gradients of parameters into those of what the controller says."""
    zero, one = p.dtype.type(0), p.dtype.type(1)
    for h in range(heads):
        at = h * (width + 3 + shifts)
        _squash_backward(p[at : at + width], dp[at : at + width], key)
        at += width
        dp[at] *= -math.expm1(-p[at])
        dp[at + 1] *= -math.expm1(one - p[at + 1])
        dp[at + 2] *= p[at + 2] * (one - p[at + 2])
        moves, dmoves = p[at + 3 : at + 3 + shifts], dp[at + 3 : at + 3 + shifts]
        mean = zero
        for j in range(shifts):
            mean += moves[j] * dmoves[j]
        for j in range(shifts):
            dmoves[j] = moves[j] * (dmoves[j] - mean)
    at = heads * (width + 3 + shifts)
    each = (len(p) - at) // writers
    for _ in range(writers):
        _squash_backward(p[at : at + width], dp[at : at + width], add)
        _squash_backward(p[at + width : at + each], dp[at + width : at + each], SIGMOID)
        at += each


# ---------------------------------------------------------------------------------------------- addressing


@njit(**FAST)
def _compare(memory: Array, p: Array, stride: int, inside: Any, dots: Array, norms: Array) -> None:
    """Multiply all keys with a memory ``[M, N]``: dots ``[H, N]``, and norms of the slots ``[N]``."""
    width, slots = memory.shape
    heads = len(dots)
    zero = memory.dtype.type(0)
    for n in range(slots):
        norms[n] = inside
    for h in range(heads):
        for n in range(slots):
            dots[h, n] = zero
    for m in range(0, width // 4 * 4, 4):
        m0, m1, m2, m3 = memory[m], memory[m + 1], memory[m + 2], memory[m + 3]
        for n in range(slots):
            norms[n] += m0[n] * m0[n] + m1[n] * m1[n] + m2[n] * m2[n] + m3[n] * m3[n]
        for h in range(heads):
            at = h * stride + m
            k0, k1, k2, k3 = p[at], p[at + 1], p[at + 2], p[at + 3]
            for n in range(slots):
                dots[h, n] += k0 * m0[n] + k1 * m1[n] + k2 * m2[n] + k3 * m3[n]
    for m in range(width // 4 * 4, width):
        for n in range(slots):
            norms[n] += memory[m, n] * memory[m, n]
        for h in range(heads):
            k = p[h * stride + m]
            for n in range(slots):
                dots[h, n] += k * memory[m, n]
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
    for m in range(width):
        for n in range(slots):
            dmemory[m, n] += dnorms[n] * memory[m, n]
        for h in range(len(ddots)):
            k = p[h * stride + m]
            total = zero
            for n in range(slots):
                total += ddots[h, n] * memory[m, n]
                dmemory[m, n] += ddots[h, n] * k
            dp[h * stride + m] = total + dkey_norms[h] * k


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
def _shift(gated: Array, moves: Array, tiny: Any, shifted: Array, logs: Array) -> None:
    """Turn a ring by a distribution over shifts ``[S]``, equation 8, and take logarithms ``[N]``."""
    slots, shifts = len(shifted), len(moves)
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
def _read(memory: Array, weighting: Array, out: Array) -> None:
    """Read ``[M]`` from a memory ``[M, N]``: equation 2."""
    width, slots = memory.shape
    for m in range(width):
        total = memory.dtype.type(0)
        for n in range(slots):
            total += weighting[n] * memory[m, n]
        out[m] = total


@njit(**FAST)
def _read_backward(memory: Array, weighting: Array, dout: Array, dmemory: Array, dweighting: Array) -> None:
    width, slots = memory.shape
    for m in range(width):
        d = dout[m]
        for n in range(slots):
            dmemory[m, n] += weighting[n] * d
            dweighting[n] += d * memory[m, n]


@njit(**FAST)
def _write(memory: Array, weighting: Array, p: Array, writers: int, after: Array) -> None:
    """Erase and add: equations 3 and 4. p ``[W * M]`` or ``[W * 2 * M]`` has add and erase vectors."""
    width, slots = memory.shape
    one = memory.dtype.type(1)
    each = len(p) // writers
    for m in range(width):
        if writers == 1:
            add, erase = p[m], p[width + m] if each > width else one
            for n in range(slots):
                after[m, n] = memory[m, n] + weighting[0, n] * (add - erase * memory[m, n])
            continue
        for n in range(slots):
            after[m, n] = memory[m, n]
        for h in range(writers):
            erase = p[h * each + width + m] if each > width else one
            for n in range(slots):
                after[m, n] -= after[m, n] * weighting[h, n] * erase
        for h in range(writers):
            add = p[h * each + m]
            for n in range(slots):
                after[m, n] += add * weighting[h, n]


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
    """Turn gradients of a memory into those before the write, in place. kept ``[W, N]`` is room to work in."""
    width, slots = memory.shape
    zero, one = memory.dtype.type(0), memory.dtype.type(1)
    each = len(p) // writers
    for m in range(width):
        if writers == 1:
            add, erase = p[m], p[width + m] if each > width else one
            dadd, derase = zero, zero
            for n in range(slots):
                d, x = dmemory[m, n], memory[m, n]
                change = d * weighting[0, n]
                dadd += change
                derase += change * x
                dweighting[0, n] += d * (add - erase * x)
                dmemory[m, n] = d - change * erase
            dp[m] = dadd
            if each > width:
                dp[width + m] = -derase
            continue
        for n in range(slots):
            kept[0, n] = memory[m, n]
        for h in range(1, writers):  # what the heads before have left
            erase = p[(h - 1) * each + width + m] if each > width else one
            for n in range(slots):
                kept[h, n] = kept[h - 1, n] * (one - weighting[h - 1, n] * erase)
        for h in range(writers):
            add, dadd = p[h * each + m], zero
            for n in range(slots):
                dadd += dmemory[m, n] * weighting[h, n]
                dweighting[h, n] += dmemory[m, n] * add
            dp[h * each + m] = dadd
        for h in range(writers - 1, -1, -1):
            erase = p[h * each + width + m] if each > width else one
            derase = zero
            for n in range(slots):
                d = dmemory[m, n]
                change = d * kept[h, n]
                derase += change * weighting[h, n]
                dweighting[h, n] -= change * erase
                dmemory[m, n] = d - d * weighting[h, n] * erase
            if each > width:
                dp[h * each + width + m] = -derase


# ------------------------------------------------------------------------------------------- whole sequence


@njit(**FAST, cache=True)
def forward(
    addend: Array,
    recurrent: Array,
    heads: Array,
    writers: int,
    shifts: int,
    activations: tuple[int, int],
    epsilons: tuple[Any, Any, Any],
    write_first: bool,
    tile: int,
    every: int,
    memory: Array,
    gates: Array,
    cells: Array,
    features: Array,
    params: Array,
    weightings: Array,
    checkpoints: Array,
) -> None:
    """Take T steps. An LSTM if there are cells, and otherwise a feed-forward controller.

    Args:
        addend: What inputs and bias add to the controller's pre-activations ``[T, B, G * C]``.
        recurrent: Weights of what was read and, of an LSTM, of its last output ``[V or V + C, G * C]``.
        heads: Weights of the head parameters ``[C, P]``.
        writers: W.
        shifts: S.
        activations: What keys and add vectors go through.
        epsilons: What is added inside the roots, to the norms, and to their product.
        write_first: Whether heads read after the write.
        tile: How many sequences go through side by side.
        every: Steps between checkpoints; 0 for none.
        memory: The memory at the start ``[B, M, N]``; afterwards, that at the end.
        gates: Room for the gates ``[T, B, G * C]``.
        cells: ``[T + 1, B, C]`` with the first set, or ``[0, 0, 0]``.
        features: What was read and the controller's output ``[T + 1, B, V + C]``; the first is set.
        params: What inputs and bias add to the head parameters ``[T, B, P]``; afterwards, the parameters.
        weightings: ``[T + 1, B, H, N]``; the first is set.
        checkpoints: Room for a memory at every `every`-th step ``[K, B, M, N]``.
    """
    T, B, _ = addend.shape
    H, N = weightings.shape[2:]
    M, C = memory.shape[1], heads.shape[0]
    V = features.shape[2] - C
    key, add = activations
    inside, outside, product = epsilons
    kind = memory.dtype
    tiny = kind.type(TINY)
    stride, left, split = M + 3 + shifts, shifts - 1 - shifts // 2, H * (M + 3 + shifts)
    dots, norms, content = np.empty((H, N), kind), np.empty(N, kind), np.empty(N, kind)
    gated, shifted, logs = np.empty(N + shifts - 1, kind), np.empty(N, kind), np.empty(N, kind)
    both = np.empty((2, min(tile, B), M, N), kind)  # the memory before and after a step, in turn
    for first in range(0, B, tile):
        last = min(first + tile, B)
        for b in range(first, last):
            both[0, b - first] = memory[b]
        for t in range(T):
            if every and t % every == 0:
                for b in range(first, last):
                    checkpoints[t // every, b] = both[t % 2, b - first]
            gate, now = gates[t, first:last], features[t + 1, first:last]
            gate[:] = addend[t, first:last]
            if len(cells):
                add_product(features[t, first:last, :], recurrent, gate)
                _lstm(gate, cells[t, first:last], cells[t + 1, first:last], now[:, V:])
            else:
                add_product(features[t, first:last, :V], recurrent, gate)
                _feedforward(gate, now[:, V:])
            add_product(now[:, V:], heads, params[t, first:last])
            for b in range(first, last):
                p, before, after = params[t, b], both[t % 2, b - first], both[1 - t % 2, b - first]
                previous, weighting = weightings[t, b], weightings[t + 1, b]
                _activate(p, H, writers, M, shifts, key, add)
                _compare(before, p, stride, inside, dots, norms)
                for h in range(H):
                    at = h * stride
                    key_norm = _norm(p[at : at + M], inside)
                    at += M
                    _look_up(dots[h], norms, key_norm, product, outside, p[at], content)
                    _interpolate(content, previous[h], p[at + 2], left, gated)
                    _shift(gated, p[at + 3 : at + 3 + shifts], tiny, shifted, logs)
                    _sharpen(logs, p[at + 1], weighting[h])
                _write(before, weighting, p[split:], writers, after)
                source = after if write_first else before
                for r in range(H - writers):
                    _read(source, weighting[writers + r], now[b - first, r * M : (r + 1) * M])
        for b in range(first, last):
            memory[b] = both[T % 2, b - first]


@njit(**FAST, cache=True)
def backward(
    recurrent: Array,
    heads: Array,
    writers: int,
    shifts: int,
    activations: tuple[int, int],
    epsilons: tuple[Any, Any, Any],
    write_first: bool,
    tile: int,
    every: int,
    gates: Array,
    cells: Array,
    features: Array,
    params: Array,
    weightings: Array,
    checkpoints: Array,
    dfeatures: Array,
    dall: Array,
    dcells: Array,
    dmemory: Array,
    dweightings: Array,
    dstart: Array,
    dparams: Array,
) -> None:
    """Go back through `forward`.

    Args:
        recurrent: Weights, the other way round: ``[G * C, V or V + C]``.
        heads: Weights, the other way round: ``[P, C]``.
        writers: As in `forward`, and so are the arguments up to `checkpoints`.
        gates: What `forward` left there; afterwards, the gradients of `addend`.
        dfeatures: Gradients of the features behind the first ``[T, B, V + C]``.
        dall: Gradients of the weightings behind the first ``[T, B, H, N]``, or ``[0, 0, 0, 0]``.
        dcells: Gradient of the last cells ``[B, C]``; afterwards, of the first.
        dmemory: Gradient of the memory at the end ``[B, M, N]``; afterwards, at the start.
        dweightings: Zeros ``[B, H, N]``; afterwards, the gradient of the first weightings.
        dstart: Room for the gradient of the first features ``[B, V + C]``.
        dparams: Room for the gradients of what was added to the head parameters ``[T, B, P]``.
    """
    T, B, _ = gates.shape
    H, N = weightings.shape[2:]
    M, C = dmemory.shape[1], heads.shape[1]
    V = features.shape[2] - C
    key, add = activations
    inside, outside, product = epsilons
    kind = dmemory.dtype
    zero, tiny = kind.type(0), kind.type(TINY)
    stride, left, split = M + 3 + shifts, shifts - 1 - shifts // 2, H * (M + 3 + shifts)
    dots, norms, dnorms = np.empty((H, N), kind), np.empty(N, kind), np.empty(N, kind)
    content, ddots, kept = np.empty(N, kind), np.empty((H, N), kind), np.empty((writers, N), kind)
    gated, dgated = np.empty(N + shifts - 1, kind), np.empty(N + shifts - 1, kind)
    shifted, logs, dkey_norms = np.empty(N, kind), np.empty(N, kind), np.empty(H, kind)
    memories = np.empty((every + 1, min(tile, B), M, N), kind)  # before each step of a segment
    for first in range(0, B, tile):
        last = min(first + tile, B)
        dnow = np.zeros((last - first, V + C), kind)
        dhidden = np.empty((last - first, C), kind)
        for start in range((T - 1) // every * every, -1, -every):
            end = min(start + every, T)
            for b in range(first, last):
                memories[0, b - first] = checkpoints[start // every, b]
                for t in range(start, end):
                    before, after = memories[t - start, b - first], memories[t - start + 1, b - first]
                    _write(before, weightings[t + 1, b], params[t, b, split:], writers, after)
            for t in range(end - 1, start - 1, -1):
                dnow += dfeatures[t, first:last]
                for b in range(first, last):
                    before, after = memories[t - start, b - first], memories[t - start + 1, b - first]
                    p, dp = params[t, b], dparams[t, b]
                    previous, weighting = weightings[t, b], weightings[t + 1, b]
                    dmem, dweighting = dmemory[b], dweightings[b]
                    if len(dall):
                        dweighting += dall[t, b]
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
                    _compare(before, p, stride, inside, dots, norms)
                    for n in range(N):
                        dnorms[n] = zero
                    for h in range(H):
                        at = h * stride
                        key_norm = _norm(p[at : at + M], inside)
                        at += M
                        gate, moves, dw = p[at + 2], p[at + 3 : at + 3 + shifts], dweighting[h]
                        _look_up(dots[h], norms, key_norm, product, outside, p[at], content)
                        _interpolate(content, previous[h], gate, left, gated)
                        _shift(gated, moves, tiny, shifted, logs)
                        dp[at + 1] = _sharpen_backward(logs, shifted, p[at + 1], weighting[h], dw)
                        _shift_backward(gated, moves, dw, dgated, dp[at + 3 : at + 3 + shifts])
                        dp[at + 2] = _interpolate_backward(
                            content, previous[h], gate, left, dgated, ddots[h], dw
                        )
                        dp[at], dkey_norms[h] = _look_up_backward(
                            dots[h], norms, key_norm, product, outside, p[at], content, ddots[h], dnorms
                        )
                    _compare_backward(before, p, stride, ddots, dnorms, dkey_norms, dmem, dp)
                    _activate_backward(p, dp, H, writers, M, shifts, key, add)
                dhidden[:] = dnow[:, V:]
                add_product(dparams[t, first:last], heads, dhidden)
                dnow[:] = zero
                gate_rows = gates[t, first:last]
                if len(cells):
                    _lstm_backward(
                        gate_rows, cells[t, first:last], cells[t + 1, first:last], dhidden, dcells[first:last]
                    )
                    add_product(gate_rows, recurrent, dnow[:, :])
                else:
                    _feedforward_backward(features[t + 1, first:last, V:], dhidden, gate_rows)
                    add_product(gate_rows, recurrent, dnow[:, :V])
        dstart[first:last] = dnow
