"""Optimizers and gradients of the supervised trainer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ntm_agents.training.config import TrainConfig


def make_optimizer(config: TrainConfig, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer of a configuration for the parameters of a model."""
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(model.parameters(), rate, momentum=config.momentum, weight_decay=decay)
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    betas = (0.9, config.beta2)
    return kind(model.parameters(), rate, betas, config.epsilon, weight_decay=decay, fused=True)


def clip_gradients(parameters: list[Tensor], limit: float | None) -> float:
    """Scale gradients down to a norm, in half the time of PyTorch's function; return the norm before."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))))
    if limit is not None and norm > limit:
        torch._foreach_mul_(gradients, limit / norm)
    return norm
