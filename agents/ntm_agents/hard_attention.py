"""Hard attention: weightings of one slot each, and how a machine learns to choose it.

Source: Gulcehre, Chandar, Cho and Bengio, *Dynamic Neural Turing Machine with Soft and Hard Addressing
Schemes* (arXiv 1607.00036), section 4. Straight-through gradients are those of Bengio, Leonard and Courville
(arXiv 1308.3432).

Shape letters: B batch, H heads, N memory slots.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def choose(
    scores: Tensor, soft: Tensor | None = None, *, drawn: bool, straight_through: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return weightings ``[B, H, N]``, and of slots that are drawn what REINFORCE needs.

    Args:
        scores: Logarithms of the odds of the slots ``[B, H, N]``.
        soft: Rows whose weightings are the distributions themselves, bool ``[B]``; None for all.
        drawn: Whether each slot is drawn from its distribution; else it is the most probable one, and of
            equal ones the first.
        straight_through: Whether hard weightings have the gradients of the distributions.

    Returns:
        The weightings, and a tuple of the log-probabilities of the choices and the entropies of their
        distributions, summed over heads, ``[B, 1]`` each; an empty one if nothing is drawn.

    Example:
        >>> scores, soft = torch.tensor([[[0.0, 3.0, 1.0]]]), torch.tensor([False])
        >>> choose(scores, soft, drawn=False, straight_through=False)
        (tensor([[[0., 1., 0.]]]), ())
    """
    distribution = functional.softmax(scores, 2)
    if soft is None:
        return distribution, ()
    chances = distribution.detach()
    if drawn:  # the first of exponential arrivals at these rates is a draw from them
        chances = chances / torch.empty_like(chances).exponential_()
    slots = torch.arange(scores.shape[2], device=scores.device)
    hard = (chances.argmax(2, keepdim=True) == slots).to(scores.dtype)
    if straight_through:
        hard = hard + (distribution - distribution.detach())
    weightings = torch.where(soft[:, None, None], distribution, hard)
    if not drawn:
        return weightings, ()
    logs = functional.log_softmax(scores, 2)
    costs = ((logs * hard).sum((1, 2)) * ~soft, -(distribution * logs).sum((1, 2)) * ~soft)
    return weightings, tuple(cost.unsqueeze(1) for cost in costs)
