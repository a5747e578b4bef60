"""Controllers of one layer, forward and backward: feed-forward and LSTM.

The mathematics of :mod:`ntm_agents.controllers`, for a tile of B sequences with C units. Pre-activations
come in complete: products with weights are in :mod:`ntm_agents.kernels.products`. Arrays of
pre-activations may have more columns, which stay as they are.

Source: Hochreiter and Schmidhuber, *Long Short-Term Memory* (1997), with the forget gate of Gers,
Schmidhuber and Cummins (2000).
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
