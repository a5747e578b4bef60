"""Machines whose memory moves under a fixed head: the common part of Stack-RNN and Tape-RNN.

The controller sees the cell under the head of each memory, and a distribution over actions, which it outputs,
mixes the results of these actions.

Shape letters: B batch, T time steps, I input channels, L logits, S memories, N cells of each, M width of a
cell, C hidden size of the controller, A actions.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
from torch import Tensor, nn

from ntm_agents.controllers import Controller
from ntm_agents.memory_machine import MemoryMachine
from ntm_agents.options import Choices, Few, Positive, check_options, expect
from ntm_envs.tasks.sizes import is_whole


@dataclass(frozen=True, kw_only=True)
class MovingMemoryConfig:
    """Options of every machine whose memory moves."""

    controller: Annotated[Literal["rnn", "lstm", "gru"], Choices(("rnn", "lstm"))] = "rnn"
    """Kind of the controller."""
    hidden_size: Annotated[Positive, Choices((64, 96, 128))] = 256
    """Hidden size C of each layer of the controller."""
    num_layers: Few = 1
    """Number of layers of the controller."""
    orthogonal_init: bool = True
    """True if the initial recurrent weights of the controller are orthogonal, instead of uniform."""
    memory_width: Annotated[Positive, Choices((4, 8, 16))] = 8
    """Width M of a cell."""
    action_bias: tuple[float, ...] = ()
    """Initial biases of the actions of each memory, in the order of the equations; empty for small random
    ones. A machine that begins by writing one cell after the other does not have to learn to keep its input.
    """
    memory_slots: Positive | None = None
    """Number of cells N; None for the episode's bound of steps."""

    def __post_init__(self) -> None:
        check_options(self)


class MovingMemoryState(NamedTuple):
    """State of a machine whose memory moves."""

    cells: Tensor
    """Cells of the memories, the one under the head first, ``[B, S, N, M + 1]``. The last number of a cell is
    a mark, which is 1 in the cell that was under the head at the start, and 0 in all others."""
    reads: Tensor
    """Cells under the heads without marks, side by side, ``[B, S * M]``."""
    controller: tuple[Tensor, ...]
    """State of the controller's layers, ``[B, C]`` each."""
    counts: tuple[Tensor, ...] = ()
    """Further numbers that a machine counts, ``[B]`` each."""

    @property
    def memory(self) -> Tensor:
        """Cells without their marks, those of all memories side by side, ``[B, N, S * M]``."""
        return self.cells[..., :-1].transpose(1, 2).flatten(2)

    @property
    def weightings(self) -> Tensor:
        """Marks of the cells, the share of each that was under the head at the start, ``[B, S, N]``."""
        return self.cells[..., -1]


class MovingMemory(MemoryMachine[MovingMemoryState]):
    """A controller, memories that move under their heads, and a linear read-out of both.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        config: Options.
        memories: Number of memories S.
        actions: Number of actions A.
    """

    def __init__(
        self, input_size: int, output_size: int, config: MovingMemoryConfig, memories: int, actions: int
    ) -> None:
        super().__init__()
        for name, size in (("input_size", input_size), ("output_size", output_size)):
            expect(is_whole(size) and size >= 1, name, size, "an integer of at least 1")
        self.config, self._memories = config, memories
        width = memories * config.memory_width
        self.controller = Controller(
            config.controller,
            input_size,
            width,
            config.hidden_size,
            config.num_layers,
            orthogonal_init=config.orthogonal_init,
        )
        self.output = nn.Linear(width + config.hidden_size, output_size)
        self.actions = nn.Linear(config.hidden_size, memories * actions)
        if bias := config.action_bias:
            expect(len(bias) == actions, "action_bias", bias, f"a list of {actions} finite numbers, or none")
            with torch.no_grad():
                self.actions.bias.copy_(torch.tensor(bias).repeat(memories))

    def initial_state(self, batch_size: int, capacity: int) -> MovingMemoryState:
        """Return the state at the start of episodes: zeros, but for the marks.

        Args:
            batch_size: Number of episodes B.
            capacity: Upper bound of their steps: the number of cells N, unless `memory_slots` fixes it.
        """
        c, like = self.config, self.output.weight
        cells = like.new_zeros(batch_size, self._memories, c.memory_slots or capacity, c.memory_width + 1)
        cells[:, :, 0, -1] = 1
        reads = like.new_zeros(batch_size, self._memories * c.memory_width)
        return MovingMemoryState(cells, reads, self.controller.initial_state(batch_size))

    def project(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the shares of inputs in the controller; see `MemoryMachine`."""
        return (self.controller.project(inputs),)

    def step(
        self, state: MovingMemoryState, *projected: Tensor
    ) -> tuple[MovingMemoryState, tuple[Tensor, ...]]:
        """Take one step; see `MemoryMachine`."""
        cells, reads, hidden, counts = state
        output, hidden = self.controller(projected[0], reads, hidden)
        counts = self._count(counts, *projected[1:])
        cells, tops = self._act(output, cells, counts)
        reads = tops.flatten(1)
        return MovingMemoryState(cells, reads, hidden, counts), (reads, output)

    @abstractmethod
    def _act(self, output: Tensor, cells: Tensor, counts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Do what the controller's output ``[B, C]`` asks for.

        Returns:
            The cells ``[B, S, N, M + 1]``, and those under the heads without their marks ``[B, S, M]``.
        """

    def _count(self, counts: tuple[Tensor, ...], *projected: Tensor) -> tuple[Tensor, ...]:
        """Return the counts of a state after one more step."""
        return counts

    def _weights(self, output: Tensor) -> Tensor:
        """Return the distributions over actions ``[B, S, A]``, given the controller's output ``[B, C]``."""
        return torch.softmax(self.actions(output).view(len(output), self._memories, -1), 2)

    def read_out(self, features: Tensor) -> Tensor:
        """Return the logits ``[T, B, L]`` of the cells under the heads and the controller's output."""
        logits: Tensor = self.output(features)
        return logits

    def trace(self, state: MovingMemoryState) -> dict[str, Tensor]:
        """Return the `weightings` ``[B, S, N]`` and the `memory` of a state, for pictures."""
        return {"start weighting": state.weightings, "memory": state.memory}

    def state_shapes(self, batch_size: int, slots: int) -> list[tuple[int, ...]]:
        """Return the shapes of a state's tensors; see `MemoryMachine`."""
        c = self.config
        shapes = ((self._memories, slots, c.memory_width + 1), (self._memories * c.memory_width,))
        layers = self.controller.tensors * ((c.hidden_size,),)
        return [(batch_size, *shape) for shape in shapes + layers]
