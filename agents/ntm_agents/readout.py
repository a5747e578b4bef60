"""Readouts: loss, decoding and distribution of logits, the counterpart of :mod:`ntm_envs.answers` in torch.

Shape letters: B batch, T time steps, O symbols of an answer, L logits (one for each bit, k for a symbol of k
classes).

Example:
    >>> readout(Symbols((3,))).decode(torch.tensor([[0.1, 0.2, 0.3]]))
    tensor([[2]])
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional

from ntm_envs.answers import Answers, Bits


def readout(answers: Answers) -> Readout:
    """Return the readout of a type of answers."""
    return _BitReadout() if isinstance(answers, Bits) else _SymbolReadout(answers.sizes)


class Readout(ABC):
    """Distribution over answers that logits ``[..., L]`` parametrise; symbols are independent."""

    @abstractmethod
    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the mean negative log-likelihood of targets ``[..., O]``, in nats a symbol."""

    def shares(self, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Return the share of each step in the mean `loss` of all steps that have a target, ``[T, B]``.

        Args:
            logits: ``[T, B, L]``.
            targets: ``[T, B, O]``.
            mask: Whether a step has a target, bool ``[T, B]``.
        """
        costs = -self.log_probability(logits[mask], targets[mask]) / (mask.sum() * targets.shape[2])
        return torch.zeros_like(logits[:, :, 0]).masked_scatter(mask, costs)

    @abstractmethod
    def probabilities(self, logits: Tensor) -> Tensor:
        """Return probabilities ``[..., L]``, in the form that environments take."""

    @abstractmethod
    def decode(self, logits: Tensor) -> Tensor:
        """Return the most probable answers ``[..., O]``, int64, as environments decode `probabilities`."""

    @abstractmethod
    def sample(self, logits: Tensor) -> Tensor:
        """Return answers ``[..., O]``, int64, drawn by torch's global generator."""

    @abstractmethod
    def log_probability(self, logits: Tensor, answers: Tensor) -> Tensor:
        """Return the log-probability ``[...]`` of answers ``[..., O]``, summed over symbols."""

    @abstractmethod
    def entropy(self, logits: Tensor) -> Tensor:
        """Return the entropy ``[...]``, in nats, summed over symbols."""


class _BitReadout(Readout):
    """Readout of bits: a logit is the log-odds of a one."""

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))

    def probabilities(self, logits: Tensor) -> Tensor:
        return torch.sigmoid(logits)

    def decode(self, logits: Tensor) -> Tensor:
        return (self.probabilities(logits) > 0.5).long()

    def sample(self, logits: Tensor) -> Tensor:
        return (torch.rand_like(logits) < torch.sigmoid(logits)).long()

    def log_probability(self, logits: Tensor, answers: Tensor) -> Tensor:
        targets = answers.to(logits.dtype)
        return -functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(-1)

    def entropy(self, logits: Tensor) -> Tensor:
        return (functional.softplus(logits) - logits * torch.sigmoid(logits)).sum(-1)


class _SymbolReadout(Readout):
    """Readout of symbols: the logits of a symbol's classes are its unnormalised log-probabilities."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        self._sizes = list(sizes)

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return -self.log_probability(logits, targets).mean() / len(self._sizes)

    def probabilities(self, logits: Tensor) -> Tensor:
        return torch.cat([part.softmax(-1) for part in self._parts(logits)], -1)

    def decode(self, logits: Tensor) -> Tensor:
        return torch.stack([part.argmax(-1) for part in self._parts(self.probabilities(logits))], -1)

    def sample(self, logits: Tensor) -> Tensor:
        # The largest of logits with Gumbel noise is a draw from their softmax.
        noisy = logits - torch.empty_like(logits).exponential_().log()
        return torch.stack([part.argmax(-1) for part in self._parts(noisy)], -1)

    def log_probability(self, logits: Tensor, answers: Tensor) -> Tensor:
        columns = zip(self._parts(logits), answers.long().unbind(-1), strict=True)
        picked = [part.log_softmax(-1).gather(-1, answer[..., None]) for part, answer in columns]
        return torch.cat(picked, -1).sum(-1)

    def entropy(self, logits: Tensor) -> Tensor:
        logs = [part.log_softmax(-1) for part in self._parts(logits)]
        return -torch.stack([(log.exp() * log).sum(-1) for log in logs], -1).sum(-1)

    def _parts(self, logits: Tensor) -> tuple[Tensor, ...]:
        return logits.split_with_sizes(self._sizes, -1)
