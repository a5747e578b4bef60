"""A step of the controller and its interface vector, forward and backward, for a tile of sequences.

Features of a sequence are its read vectors (V values) and the controller's output (C). The loops of a
machine pass their scratch memory and trail, which have fields of these names:

- `recurrent`, `output` and `last` of the scratch: packed weights (:class:`ntm_agents.kernels.weights`);
- `dfeatures` ``[B, V + C]`` and `doutput` ``[B, C]`` of the scratch of a backward loop;
- `gates`, `cells`, `features` and `parameters` of the trail, and `gates`, `cells` and `parameters` of the
  gradients.
"""

from __future__ import annotations

from typing import Any

from ntm_agents.kernels.arithmetic import zero
from ntm_agents.kernels.compilation import paste
from ntm_agents.kernels.controllers import (
    feed_forward,
    feed_forward_backward,
    gru,
    gru_backward,
    lstm,
    lstm_backward,
)
from ntm_agents.kernels.products import add_product


@paste
def control(
    t: int, first: int, last: int, V: int, seen: int, scratch: Any, trail: Any, below: int = 0
) -> None:
    """Take a step of the controller for a tile, and project its output to interface vectors.

    The controller sees the last features from the column `below` on. Interface vectors also see some of them,
    from the column `seen` on, if there are weights for that.
    """
    before, now = trail.features[t, first:last], trail.features[t + 1, first:last]
    gates, vectors = trail.gates[t, first:last], trail.parameters[t, first:last]
    add_product(before, below, scratch.recurrent, gates)
    if len(trail.cells):
        lstm(gates, trail.cells[t, first:last], trail.cells[t + 1, first:last], now)
    elif gates.shape[1] > now.shape[1] - V:
        gru(gates, before, now, now.shape[1] - V)
    else:
        feed_forward(gates, now, now.shape[1] - V)
    add_product(now, V, scratch.output, vectors)
    if scratch.last.shape[1]:
        add_product(before, seen, scratch.last, vectors)


@paste
def control_backward(
    t: int, first: int, last: int, seen: int, scratch: Any, trail: Any, gradients: Any, below: int = 0
) -> None:
    """Backpropagate through a step of the controller, from interface vectors to the last features."""
    C = scratch.doutput.shape[1]
    V = scratch.dfeatures.shape[1] - C
    dfeatures, doutput = scratch.dfeatures[: last - first], scratch.doutput[: last - first]
    for b in range(last - first):
        for j in range(C):
            doutput[b, j] = dfeatures[b, V + j]
        zero(dfeatures[b])
    gates, dgates = trail.gates[t, first:last], gradients.gates[t, first:last]
    dvectors = gradients.parameters[t, first:last]
    add_product(dvectors, 0, scratch.output, doutput)
    if len(trail.cells):
        cells, after = trail.cells[t, first:last], trail.cells[t + 1, first:last]
        lstm_backward(gates, cells, after, doutput, gradients.cells[first:last], dgates)
    elif gates.shape[1] > C:
        gru_backward(gates, trail.features[t, first:last], doutput, dfeatures, dgates)
    else:
        feed_forward_backward(trail.features[t + 1, first:last], doutput, dgates, C)
    add_product(dgates, 0, scratch.recurrent, dfeatures[:, below:])
    add_product(dvectors, 0, scratch.last, dfeatures[:, seen:])
