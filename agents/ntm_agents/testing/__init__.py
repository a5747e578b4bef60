"""A check of models, which explains each mistake to their author.

It does with a small model whatever trainers, evaluations and players do: whole sequences and single steps,
rows that are chosen, put in another order and started anew, gradients, updates of all optimizers, and files.

Example:
    >>> from ntm_agents import NTM
    >>> check_model(NTM, config={"controller": "feedforward"})
"""

from ntm_agents.testing.check import check_model
from ntm_agents.testing.trial import ModelError

__all__ = ["ModelError", "check_model"]
