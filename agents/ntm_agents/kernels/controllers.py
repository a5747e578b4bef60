"""Controllers of one layer, forward and backward: feed-forward, LSTM and GRU.

The mathematics of :mod:`ntm_agents.controllers`, for a tile of B sequences with C units. Pre-activations
come in complete: products with weights are in :mod:`ntm_agents.kernels.products`. Arrays of
pre-activations may have more columns, which stay as they are.

Source: Hochreiter and Schmidhuber, *Long Short-Term Memory* (1997), with the forget gate of Gers,
Schmidhuber and Cummins (2000); Cho et al., *Learning Phrase Representations using RNN Encoder-Decoder for
Statistical Machine Translation* (2014), with the reset gate behind the product, as in `torch.nn.GRU`.
"""

from __future__ import annotations

from ntm_agents.kernels.activations import sigmoid, tanh
from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.compilation import inline


@inline
def feed_forward(preactivations: Array, features: Array, units: int) -> None:
    """Write the tanh of the first C columns into the last C columns of the features ``[B, >= C]``."""
    one = preactivations.dtype.type(1)
    for b in range(len(preactivations)):
        row = features[b][-units:]
        for j in range(units):
            row[j] = tanh(preactivations[b, j], one)


@inline
def feed_forward_backward(features: Array, doutput: Array, dpreactivations: Array, units: int) -> None:
    """Write gradients of the pre-activations, given those of the output ``[B, C]``."""
    one = features.dtype.type(1)
    for b in range(len(dpreactivations)):
        y = features[b][-units:]
        for j in range(units):
            dpreactivations[b, j] = doutput[b, j] * (one - y[j] * y[j])


@inline
def lstm(gates: Array, cells: Array, after: Array, features: Array) -> None:
    """Take a step of an LSTM.

    Args:
        gates: Pre-activations of input, forget and output gate and of the candidate ``[B, >= 4 * C]``;
            afterwards, their values.
        cells: Cells before the step ``[B, C]``.
        after: Cells after the step, written ``[B, C]``.
        features: Rows whose last C columns become the output ``[B, >= C]``.
    """
    one = cells.dtype.type(1)
    rows, units = cells.shape
    for b in range(rows):
        sigmoids, candidate = gates[b, : 3 * units], gates[b, 3 * units : 4 * units]
        enter, forget, leave = sigmoids[:units], sigmoids[units : 2 * units], sigmoids[2 * units :]
        for j in range(3 * units):
            sigmoids[j] = sigmoid(sigmoids[j], one)
        for j in range(units):
            candidate[j] = tanh(candidate[j], one)
        row = features[b][-units:]
        for j in range(units):
            value = forget[j] * cells[b, j] + enter[j] * candidate[j]
            after[b, j] = value
            row[j] = leave[j] * tanh(value, one)


@inline
def lstm_backward(
    gates: Array, before: Array, after: Array, doutput: Array, dcells: Array, dgates: Array
) -> None:
    """Backpropagate through a step of an LSTM.

    Args:
        gates: Values of the gates, as `lstm` left them.
        before: Cells before the step ``[B, C]``.
        after: Cells after the step ``[B, C]``.
        doutput: Gradients of the output ``[B, C]``.
        dcells: Gradients of the cells after the step ``[B, C]``; afterwards, of those before it.
        dgates: Gradients of the pre-activations, written ``[B, >= 4 * C]``.
    """
    one = dcells.dtype.type(1)
    rows, units = dcells.shape
    for b in range(rows):
        enter, forget = gates[b, :units], gates[b, units : 2 * units]
        leave, candidate = gates[b, 2 * units : 3 * units], gates[b, 3 * units : 4 * units]
        denter, dforget = dgates[b, :units], dgates[b, units : 2 * units]
        dleave, dcandidate = dgates[b, 2 * units : 3 * units], dgates[b, 3 * units : 4 * units]
        for j in range(units):
            y, o, d = tanh(after[b, j], one), leave[j], doutput[b, j]
            dleave[j] = d * y * o * (one - o)
            dcells[b, j] += d * o * (one - y * y)
        for j in range(units):
            d, i, c = dcells[b, j], enter[j], candidate[j]
            denter[j] = d * c * i * (one - i)
            dcandidate[j] = d * i * (one - c * c)
        for j in range(units):
            d, f = dcells[b, j], forget[j]
            dforget[j] = d * before[b, j] * f * (one - f)
            dcells[b, j] = d * f


@inline
def gru(gates: Array, before: Array, features: Array, units: int) -> None:
    """Take a step of a GRU.

    Args:
        gates: Pre-activations of reset and update gate, and those of the candidate without and from the last
            output alone ``[B, 4 * C]``; afterwards, the gates, the candidate, and the latter once more.
        before: Rows whose last C columns are the last output ``[B, >= C]``.
        features: Rows whose last C columns become the output ``[B, >= C]``.
        units: C.
    """
    one = gates.dtype.type(1)
    for b in range(len(gates)):
        sigmoids, candidate = gates[b, : 2 * units], gates[b, 2 * units : 3 * units]
        reset, keep, own = sigmoids[:units], sigmoids[units:], gates[b, 3 * units :]
        last, row = before[b][-units:], features[b][-units:]
        for j in range(2 * units):
            sigmoids[j] = sigmoid(sigmoids[j], one)
        for j in range(units):
            candidate[j] = tanh(candidate[j] + reset[j] * own[j], one)
        for j in range(units):
            row[j] = candidate[j] + keep[j] * (last[j] - candidate[j])


@inline
def gru_backward(gates: Array, before: Array, doutput: Array, dbefore: Array, dgates: Array) -> None:
    """Backpropagate through a step of a GRU.

    Args:
        gates: What `gru` left ``[B, 4 * C]``.
        before: Rows whose last C columns are the last output ``[B, >= C]``.
        doutput: Gradients of the output ``[B, C]``.
        dbefore: Rows to whose last C columns those of the last output are added, but for its share in the
            pre-activations ``[B, >= C]``.
        dgates: Gradients of the pre-activations, written ``[B, 4 * C]``.
    """
    one = gates.dtype.type(1)
    rows, units = doutput.shape
    for b in range(rows):
        reset, keep = gates[b, :units], gates[b, units : 2 * units]
        candidate, own = gates[b, 2 * units : 3 * units], gates[b, 3 * units :]
        dreset, dkeep = dgates[b, :units], dgates[b, units : 2 * units]
        dcandidate, down = dgates[b, 2 * units : 3 * units], dgates[b, 3 * units :]
        last, dlast, dout = before[b][-units:], dbefore[b][-units:], doutput[b]
        for j in range(units):
            d, k, c = dout[j], keep[j], candidate[j]
            dkeep[j] = d * (last[j] - c) * k * (one - k)
            dlast[j] += d * k
            dcandidate[j] = d * (one - k) * (one - c * c)
        for j in range(units):
            d, r = dcandidate[j], reset[j]
            dreset[j] = d * own[j] * r * (one - r)
            down[j] = d * r
