"""The NTM whose read heads may jump to the first slot, and which counts the jumps.

In the paper, a head that loops over a list has to find its start by content, and nothing counts without a
limit. Here a gate moves heads to the start, and a counter without decay counts.

Example:
    >>> channels = ("bit", "delimiter", "count")
    >>> options = {"signal_channels": ("delimiter",), "counter_channels": ("count",)}
    >>> model = JumpNTM(3, 2, input_channels=channels, **options)
    >>> _, state = model(torch.zeros(5, 2, 3), model.initial_state(batch_size=2, capacity=8))
    >>> state.counter.shape
    torch.Size([2])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents.addressing import jump
from ntm_agents.controllers import Controller
from ntm_agents.machines.ntm import NTM, NTMConfig, NTMState
from ntm_agents.options import NonNegative, channel_indices
from ntm_envs.tasks import Task

if TYPE_CHECKING:
    from ntm_agents.kernels.ntm import Result

TICK = 0.25
"""Counter increment per jump, relative to the scale of the input weights; a small value speeds up learning
them."""


@dataclass(frozen=True, kw_only=True)
class JumpNTMConfig(NTMConfig):
    """Options of an NTM that jumps."""

    jump_bias: float = -1.5
    """Initial bias of the gates, before hardsigmoid, which is 0 from -3 down and 1 from 3 up."""
    jump_noise: NonNegative = 0.0
    """Standard deviation of Gaussian noise on the gates, before hardsigmoid; it makes half-open gates costly.
    Used in training only; evaluation always uses 0."""
    signal_channels: tuple[str, ...] = ()
    """Names of input channels that the gates and the counter see, as well as the controller."""
    counter_channels: tuple[str, ...] = ()
    """Names of input channels that the counter alone sees, so that the controller sees no
    numbers that are larger than in training."""
    counter_bias: float = 0.0
    """Initial weight of each of `counter_channels` in the counter; a negative weight makes the
    counter start below zero and count up to zero, one jump at a time."""
    counter_noise: NonNegative = 0.0
    """Standard deviation of Gaussian noise on the initial counter; it moves decisions half-way between two
    numbers of jumps. Used in training only; evaluation always uses 0."""
    read_feedback: bool = True
    """True if the controller sees the read vectors of the last step. Without them a machine cannot write
    again what it has read, and can loop only by jumps."""


class JumpNTMState(NamedTuple):
    """State of an NTM that jumps: that of an `NTMState`, and the counter."""

    memory: Tensor
    """``[B, N, M]``."""
    weightings: Tensor
    """``[B, H, N]``, write heads first."""
    reads: Tensor
    """``[B, R * M]``."""
    controller: tuple[Tensor, ...]
    """``[B, C]`` each."""
    counter: Tensor
    """Counter, in jumps, ``[B]``."""


class JumpNTM(NTM):
    """An NTM with jumps and a counter, which are not in the paper.

    At each step, before the controller:

    - A gate for each read head, a hardsigmoid, which can be exactly 0 and 1, sees the read vectors of the
      last step and `signal_channels`. It moves the head's gated weighting (equation 7) to the first slot,
      before the shift.
    - The counter adds up the gates, and `signal_channels` and `counter_channels` by learned weights. The
      controller sees it as c / (1 + abs(c)).

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        input_channels: Names of the input channels; needed where options name some. `for_task` has them.
        **config: Options of `JumpNTMConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If the value of an option is not possible, or there is no channel of a name.
    """

    Config: ClassVar[type[NTMConfig]] = JumpNTMConfig
    agent: ClassVar[str] = "ntm-jump"
    config: JumpNTMConfig

    def __init__(
        self, input_size: int, output_size: int, *, input_channels: Sequence[str] = (), **config: Any
    ) -> None:
        c = JumpNTMConfig(**config)
        signals = channel_indices(type(self), "signal_channels", c.signal_channels, input_channels)
        counted = channel_indices(type(self), "counter_channels", c.counter_channels, input_channels)
        super().__init__(input_size - len(counted), output_size, **config)
        self._signals, self._offered = signals, signals + counted
        self._seen = [i for i in range(input_size) if i not in counted]

    @classmethod
    def for_task(cls, task: Task, **config: Any) -> Self:
        """Return a machine that knows the names of a task's channels; see `ntm_agents.protocol.build`."""
        return cls(task.input_size, task.output_size, input_channels=task.input_channels, **config)

    def _add_layers(self, input_size: int, output_size: int) -> None:
        super()._add_layers(input_size, output_size)
        c, signals, counted = self.config, len(self.config.signal_channels), len(self.config.counter_channels)
        self.jumps = nn.Linear(self._read_size, c.read_heads)
        self.signalling = nn.Parameter(torch.zeros(c.read_heads, signals))
        self.offers = nn.Parameter(torch.tensor([0.0] * signals + [c.counter_bias] * counted))
        self.counting = nn.Parameter(torch.empty(self.controller.pre_activations))
        nn.init.constant_(self.jumps.bias, c.jump_bias)
        nn.init.uniform_(self.counting, -(c.hidden_size**-0.5), c.hidden_size**-0.5)

    def _new_controller(self, input_size: int, read_size: int) -> Controller:
        return super()._new_controller(input_size, read_size if self.config.read_feedback else 0)

    def initial_state(self, batch_size: int, capacity: int) -> JumpNTMState:  # type: ignore[override]
        """Return the state at the start of episodes; see `NTM`. The counter is 0, but for its noise."""
        state = super().initial_state(batch_size, capacity)
        counter = self.output.weight.new_zeros(batch_size)
        if self.training and self.config.counter_noise:
            counter = self.config.counter_noise * torch.randn_like(counter)
        return JumpNTMState(*state, counter)

    def project(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the shares of `NTM`, and those of inputs in gates ``[T, B, R]`` and counter ``[T, B]``."""
        projected = super().project(inputs[..., self._seen])
        gates = functional.linear(inputs[..., self._signals], self.signalling, self.jumps.bias)
        if self.training and self.config.jump_noise:
            gates = gates + self.config.jump_noise * torch.randn_like(gates)
        return *projected, gates, inputs[..., self._offered] @ self.offers / TICK

    def step(  # type: ignore[override]
        self, state: JumpNTMState, *projected: Tensor
    ) -> tuple[JumpNTMState, tuple[Tensor, ...]]:
        """Take one step; see `MemoryMachine`."""
        memory, previous, reads, hidden, counter = state
        addend, head_addend, gates, offers = projected
        # `hardsigmoid`, whose gradient PyTorch computes in single precision alone.
        gates = ((torch.addmm(gates, reads, self.jumps.weight.t()) + 3) / 6).clamp(0, 1)
        counter = counter + offers + gates.sum(1)
        addend = torch.addr(addend, functional.softsign(counter), self.counting)
        output, hidden = self.controller(addend, reads, hidden)
        heads = self.heads.parameters_of(output, head_addend)
        writing, reading = self._look_up(heads, memory, previous).split_with_sizes(self._roles, 1)
        weightings = self._move(heads, torch.cat((writing, jump(reading, gates)), 1))
        memory, reads = self._write_and_read(heads, memory, weightings)
        return JumpNTMState(memory, weightings, reads, hidden, counter), (reads, output)

    def state_shapes(self, batch_size: int, slots: int) -> list[tuple[int, ...]]:
        """Return the shapes of a state's tensors; see `MemoryMachine`."""
        return [*super().state_shapes(batch_size, slots), (batch_size,)]

    def check_state(self, inputs: Tensor, state: NTMState) -> None:
        """Check that a state fits, and that the inputs have all channels; see `MemoryMachine`."""
        super().check_state(inputs, state)
        channels = len(self._seen) + len(self.config.counter_channels)
        if inputs.shape[-1] != channels:  # channels are picked by index, so others would not be missed
            raise ValueError(f"the inputs have shape {tuple(inputs.shape)}; expected {channels} channels")

    def _kernel_arguments(self, projected: tuple[Tensor, ...], state: JumpNTMState) -> tuple[Any, ...]:  # type: ignore[override]
        from ntm_agents.kernels.ntm import Jumps

        *addends, gates, offers = projected
        arguments = super()._kernel_arguments(tuple(addends), NTMState(*state[:4]))
        return *arguments, Jumps(gates, self.jumps.weight, state.counter, offers, self.counting)

    def _state(self, result: Result) -> JumpNTMState:  # type: ignore[override]
        assert result.counts is not None
        return JumpNTMState(*result.state, result.counts)
