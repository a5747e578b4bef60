"""Weights of a recurrence whose interface vector sees the controller's output and some of the last features.

Shape letters: C hidden size, G gates of the controller, V values that are read, P values of the interface
vector, L last features that it sees, T steps, B sequences.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ntm_agents.kernels.arithmetic import Array
from ntm_agents.kernels.gradients import products
from ntm_agents.kernels.tensors import arrays


class Matrices(NamedTuple):
    """Weights of the recurrence, which multiply columns on their right."""

    recurrent: Array
    """From features to pre-activations ``[G * C, V or V + C]``."""
    output: Array
    """From the controller's output to the interface vector ``[P, C]``."""
    last: Array
    """From a part of the last features, reads or output, to the interface vector ``[P, L]``; ``[P, 0]`` if it
    sees none."""


def matrices(recurrent: Tensor, interface: Tensor, units: int) -> Matrices:
    """Return the weights of the recurrence; the output of the controller has so many units."""
    seen = interface.shape[1] - units
    output, last = interface[:, seen:].contiguous(), interface[:, :seen].contiguous()
    return Matrices(*arrays(recurrent.contiguous(), output, last))


def weight_gradients(
    recurrent: Tensor,
    interface: Tensor,
    features: Tensor,
    dgates: Tensor,
    dparameters: Tensor,
    values: int,
    first: int = 0,
    below: int = 0,
) -> tuple[Tensor, Tensor]:
    """Return gradients of the weights, as products over all steps and sequences.

    Args:
        recurrent: From features to pre-activations ``[G * C, V or V + C]``.
        interface: From last features and the controller's output to the interface vector ``[P, L + C]``.
        features: Read vectors and output of the controller ``[T + 1, B, V + C]``.
        dgates: Gradients of the pre-activations ``[T, B, G * C]``.
        dparameters: Gradients of the interface vectors ``[T, B, P]``.
        values: V.
        first: Column of the first of the last features that the interface vector sees.
        below: Column of the first of those that the controller sees.
    """
    before, after = features[:-1].flatten(0, 1), features[1:].flatten(0, 1)
    seen = after[:, values:]
    if last := interface.shape[1] - seen.shape[1]:
        seen = torch.cat((before[:, first : first + last], seen), 1)
    visible = before[:, below : below + recurrent.shape[1]]
    drecurrent, dinterface = products((dgates.flatten(0, 1), visible), (dparameters.flatten(0, 1), seen))
    return drecurrent, dinterface
