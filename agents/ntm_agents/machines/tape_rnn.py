"""The Tape-RNN: a recurrent network that writes to a tape at every step, and then moves it by degrees.

Source: Deletang et al., *Neural Networks and the Chomsky Hierarchy* (ICLR 2023, arXiv 2207.02098), after
Suzgun et al., *Memory-Augmented Recurrent Neural Networks Can Learn Generalized Dyck Languages* (2019).

Example:
    >>> model = TapeRNN(3, 2, hidden_size=32)
    >>> logits, state = model(torch.zeros(5, 2, 3), model.initial_state(batch_size=2, capacity=8))
    >>> logits.shape, state.memory.shape
    (torch.Size([5, 2, 2]), torch.Size([2, 8, 8]))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from ntm_agents.moving_memory import MovingMemory, MovingMemoryConfig, MovingMemoryState
from ntm_agents.options import Choices, Few, Positive, channel_indices, expect
from ntm_envs.tasks import Task


@dataclass(frozen=True, kw_only=True)
class TapeRNNConfig(MovingMemoryConfig):
    """Options of a Tape-RNN; the default sizes are those of the paper."""

    tapes: Annotated[Few, Choices((1, 2))] = 1
    """Number of tapes S."""
    write_hidden_size: Positive = 64
    """Hidden size of both hidden layers of the network whose output is written."""
    input_length: str | None = None
    """Name of the input channel that ends the input, such as `answer`: heads may then also jump by the number
    of steps before it. A privilege (`input_length`), as no other model is told. None for no jumps."""
    jump_and_step: bool = False
    """True if a head may jump and move by a cell at the same time: the step and the jump have a distribution
    each. Not in the paper, where a jump takes a step of its own, in which the head falls behind by a cell."""
    kernel: Literal["auto", "reference", "fused"] = "auto"
    """Implementation of writes and moves: plain PyTorch, or a compiled loop, faster and equal up to rounding.
    Auto takes the loop where it applies: on a CPU, with Numba installed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        alone = self.jump_and_step and self.input_length is None
        expect(
            not alone, "jump_and_step", self.jump_and_step, "False without input_length, by which heads jump"
        )


class TapeRNN(MovingMemory):
    """A recurrent controller with circular tapes of vectors, each of which moves under a head.

    From its input x, its last state and the cells under all heads, the controller computes an output h. For
    each tape it writes a vector v, a function of h, and chooses by h how far the head moves. With the tape s
    of N cells::

        v = MLP(h)                                           two hidden layers of ReLUs
        (stay, left, right, back, ahead) = softmax(A h + a)  the last two with input_length n alone
        z = s with v in place of s_0, the cell under the head
        s'_i = stay z_i + left z_(i-1) + right z_(i+1) + back z_(i-n) + ahead z_(i+n)    indices modulo N

    With `jump_and_step` there are two distributions, over (stay, left, right) and over (no jump, back,
    ahead). A head moves by the sum of both, and the nine sums are weighted by the products.

    Differences from the paper: the logits are linear in h and in the cells under the heads after the move, so
    that what a move reaches is answered in the same step; in the paper they depend on h alone. The tape is as
    long as the episode's bound of steps (the paper: a constant), and jumps by the input's length are off by
    default. With them, n is the number of steps so far until the input has ended; the paper's is the final
    one from the start, which would have to be told from outside.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        input_channels: Names of the input channels; needed with `input_length`. `for_task` has them.
        **config: Options of `TapeRNNConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If the value of an option is not possible, or there is no channel of a name.
    """

    Config: ClassVar[type[TapeRNNConfig]] = TapeRNNConfig
    agent: ClassVar[str] = "tape-rnn"
    config: TapeRNNConfig

    def __init__(
        self, input_size: int, output_size: int, *, input_channels: Sequence[str] = (), **config: Any
    ) -> None:
        c = TapeRNNConfig(**config)
        actions = 3 if c.input_length is None else 6 if c.jump_and_step else 5
        super().__init__(input_size, output_size, c, c.tapes, actions)
        ends = channel_indices(type(self), "input_length", c.input_length, input_channels)
        self._end = ends[0] if ends else None
        hidden, width = c.write_hidden_size, c.tapes * c.memory_width
        self.values = nn.Sequential(
            nn.Linear(c.hidden_size, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, width),
        )

    @classmethod
    def for_task(cls, task: Task, **config: Any) -> Self:
        """Return a machine that knows the names of a task's channels; see `ntm_agents.protocol.build`."""
        return cls(task.input_size, task.output_size, input_channels=task.input_channels, **config)

    def initial_state(self, batch_size: int, capacity: int) -> MovingMemoryState:
        """Return the state at the start of episodes; see `MovingMemory`.

        With `input_length` it has two counts: the steps of the input, and 1 once the input has ended.
        """
        state, zeros = super().initial_state(batch_size, capacity), self.output.weight.new_zeros
        if self._end is None:
            return state
        return state._replace(counts=(zeros(batch_size), zeros(batch_size)))

    def project(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the shares of inputs in the controller, and the channel that ends the input."""
        projected = super().project(inputs)
        return projected if self._end is None else (*projected, inputs[..., self._end])

    def _count(self, counts: tuple[Tensor, ...], *projected: Tensor) -> tuple[Tensor, ...]:
        if self._end is None:
            return counts
        (length, ended), (end,) = counts, projected
        ended = torch.maximum(ended, (end > 0).to(ended))
        return length + 1 - ended, ended

    def _weights(self, output: Tensor) -> Tensor:
        if not self.config.jump_and_step:
            return super()._weights(output)
        both = self.actions(output).view(len(output), self.config.tapes, 2, 3)
        steps, jumps = torch.softmax(both, 3).unbind(2)
        return (jumps.unsqueeze(3) * steps.unsqueeze(2)).flatten(2)

    def _distances(self, counts: tuple[Tensor, ...], like: Tensor) -> Tensor:
        """Return the number of cells by which each action moves a head to the right, int64 ``[B, A]``."""
        steps = torch.tensor((0, -1, 1), device=like.device).expand(len(like), 3)
        if not counts:
            return steps
        length = counts[0].long().unsqueeze(1)
        jumps = torch.cat((-length, length), 1)
        if not self.config.jump_and_step:
            return torch.cat((steps, jumps), 1)
        jumps = torch.cat((torch.zeros_like(length), jumps), 1)
        return (jumps.unsqueeze(2) + steps.unsqueeze(1)).flatten(1)

    def _act(self, output: Tensor, cells: Tensor, counts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        B, S, *_ = cells.shape
        written, weights = self.values(output).view(B, S, -1), self._weights(output)
        distances = self._distances(counts, cells)
        if self.kernel == "fused":
            from ntm_agents.kernels.tape import write_and_move  # needs Numba

            return write_and_move(cells, written, weights, distances)
        under = torch.cat((written.unsqueeze(2), cells[:, :, :1, -1:]), 3)
        tape = torch.cat((under, cells[:, :, 1:]), 2)
        places, moved = torch.arange(tape.shape[2], device=tape.device), torch.zeros_like(tape)
        for weight, distance in zip(weights.unbind(2), distances.unbind(1), strict=True):
            sources = (places + distance.unsqueeze(1)) % len(places)  # (B, N)
            there = tape.gather(2, sources[:, None, :, None].expand_as(tape))
            moved = torch.addcmul(moved, weight[..., None, None], there)
        return moved, moved[:, :, 0, :-1]

    def _recur_fused(
        self, projected: tuple[Tensor, ...], state: MovingMemoryState, keep: bool
    ) -> tuple[Tensor, Tensor | None, MovingMemoryState]:
        return self._recur_by_step(projected, state, keep)  # of which writes and moves are compiled

    def state_shapes(self, batch_size: int, slots: int) -> list[tuple[int, ...]]:
        """Return the shapes of a state's tensors; see `MemoryMachine`."""
        counts = 0 if self._end is None else 2
        return super().state_shapes(batch_size, slots) + counts * [(batch_size,)]
