"""REINFORCE: the gradient of an expected cost through choices that are drawn.

Source: Williams, *Simple statistical gradient-following algorithms* (1992); the two baselines, the division
by a running deviation and the bonus for entropy are those of Gulcehre, Chandar, Cho and Bengio, *Dynamic
Neural Turing Machine with Soft and Hard Addressing Schemes* (arXiv 1607.00036), section 4.

Shape letters: B batch, T time steps, C features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

MOMENTUM = 0.99
"""Decay of the running mean and variance of costs."""


class Reinforce(nn.Module):
    """A loss whose gradient is that of an expected cost, and the baselines that reduce its variance.

    A choice answers for the costs of its own step and of those after it: it cannot have caused earlier ones.
    No baseline depends on the choices that it is subtracted for, so none adds a bias. The division by the
    running deviation scales the gradient and leaves its direction.

    Args:
        features: Number of features C that the second baseline sees.
        normalise: Whether to divide by the running deviation of the costs.
        entropy: Weight of the entropy of the choices, which is subtracted from the loss.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, features: int, *, normalise: bool = True, entropy: float = 0.0) -> None:
        super().__init__()
        self._normalise, self._entropy = normalise, entropy
        self.baseline = nn.Linear(features, 1)
        nn.init.zeros_(self.baseline.weight)
        nn.init.zeros_(self.baseline.bias)
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("variance", torch.ones(()))

    def forward(
        self, costs: Tensor, features: Tensor, log_probabilities: Tensor, entropies: Tensor
    ) -> Tensor:
        """Return the loss.

        Args:
            costs: Shares of the mean loss ``[T, B]``, which sum to it.
            features: What was known before the choices of a step ``[T, B, C]``.
            log_probabilities: Logarithms of the probabilities of all choices of a step ``[T, B]``.
            entropies: Entropies of their distributions ``[T, B]``.
        """
        costs = costs.detach() * costs.shape[1]  # of one row, as if all rows were like it
        to_come = costs.flip(0).cumsum(0).flip(0)
        centred = to_come - self.mean
        if self._normalise:
            centred = centred / (self.variance + 1e-8).sqrt()
        expected: Tensor = self.baseline(features.detach()).squeeze(2)
        surrogate = ((centred - expected.detach()) * log_probabilities).sum(0).mean()
        if self.training:
            with torch.no_grad():
                variance = (to_come - self.mean).square().mean()
                self.variance.lerp_(variance, 1 - MOMENTUM)
                self.mean.lerp_(to_come.mean(), 1 - MOMENTUM)
        loss: Tensor = surrogate + functional.huber_loss(expected, centred)
        return loss - self._entropy * entropies.sum(0).mean()
