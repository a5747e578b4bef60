"""The Stack-RNN: a recurrent network with a stack that it pushes to and pops from by degrees.

Source: Joulin and Mikolov, *Inferring Algorithmic Patterns with Stack-Augmented Recurrent Nets* (NeurIPS
2015, arXiv 1503.01007), and Deletang et al., *Neural Networks and the Chomsky Hierarchy* (ICLR 2023, arXiv
2207.02098).

Example:
    >>> model = StackRNN(3, 2, hidden_size=32)
    >>> logits, state = model(torch.zeros(5, 2, 3), model.initial_state(batch_size=2, capacity=8))
    >>> logits.shape, state.memory.shape
    (torch.Size([5, 2, 2]), torch.Size([2, 8, 8]))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents.moving_memory import MovingMemory, MovingMemoryConfig, MovingMemoryState
from ntm_agents.observed import observer
from ntm_agents.options import Choices, Few

STEPS = 16
"""Steps that are taken with as many cells as they can fill: fewer take fewer cells, and more copies."""


@dataclass(frozen=True, kw_only=True)
class StackRNNConfig(MovingMemoryConfig):
    """Options of a Stack-RNN; the default sizes are those of Deletang et al. (2023)."""

    stacks: Annotated[Few, Choices((1, 2))] = 1
    """Number of stacks S."""


class StackRNN(MovingMemory):
    """A recurrent controller with stacks of vectors, the top of each first.

    From its input x, its last state and the tops of all stacks, the controller computes an output h. For
    each stack it chooses, by h, between push, pop and no operation, and a vector to push. With the stack s,
    its top s_0, and zeros below its last cell::

        (push, pop, keep) = softmax(A h + a)
        v = V h + b
        s'_0 = push v       + pop s_1     + keep s_0
        s'_i = push s_(i-1) + pop s_(i+1) + keep s_i

    Differences from the papers: the logits are linear in h and in the new top, so that what a pop uncovers is
    answered in the same step; in both papers they depend on h alone. A stack is as deep as the episode's
    bound of steps (Deletang et al.: a constant). Joulin and Mikolov push sigmoids of V h, and their
    controllers are units without gates, which may see several of the uppermost cells.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `StackRNNConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If a size, or the value of an option, is not possible.
    """

    Config: ClassVar[type[StackRNNConfig]] = StackRNNConfig
    agent: ClassVar[str] = "stack-rnn"

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        c = StackRNNConfig(**config)
        super().__init__(input_size, output_size, c, c.stacks, 3)
        self.values = nn.Linear(c.hidden_size, c.stacks * c.memory_width)

    def _act(self, output: Tensor, cells: Tensor, counts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        push, pop, keep = self._weights(output)[..., None, None].unbind(2)
        value = functional.pad(self.values(output).view(*cells.shape[:2], 1, -1), (0, 1))  # with mark 0
        extended = torch.cat((value, cells, torch.zeros_like(value)), 2)  # a copy, of which others are views
        pushed = torch.addcmul(keep * extended[:, :, 1:-1], push, extended[:, :, :-2])
        cells = torch.addcmul(pushed, pop, extended[:, :, 2:])
        return cells, cells[:, :, 0, :-1]

    def recur(
        self, projected: tuple[Tensor, ...], state: MovingMemoryState, keep: bool
    ) -> tuple[Tensor, Tensor | None, MovingMemoryState]:
        """Take T steps, a piece at a time, with the cells that a piece can fill; see `MemoryMachine`.

        All cells below them are empty, and stay so.
        """
        if observer():  # which could not follow how many cells there are
            return super().recur(projected, state, keep)
        features, weightings = [], []
        for piece in zip(*(torch.split(tensor, STEPS) for tensor in projected), strict=True):
            filled = state.cells.detach().abs().amax((0, 1, 3)).nonzero()
            height = int(filled[-1]) + 1 if len(filled) else 0
            cells, empty = state.cells.tensor_split([height + len(piece[0])], 2)
            part, seen, state = super().recur(piece, state._replace(cells=cells), keep)
            state = state._replace(cells=torch.cat((state.cells, empty), 2))
            features.append(part)
            if seen is not None:
                weightings.append(functional.pad(seen, (0, empty.shape[2])))
        return torch.cat(features), torch.cat(weightings) if keep else None, state
