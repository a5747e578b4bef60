"""The Neural Turing Machine, to be read beside section 3 of its paper.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401). The page `docs/equations.md`
goes through its equations, each with the function that computes it.

Shape letters: B batch, T time steps, I/L input channels and logits, C hidden size of the controller, N memory
slots, M width of a slot, W/R write and read heads, H = W + R heads, S shift options.

Example:
    >>> model = NTM(9, 8, controller="feedforward")
    >>> logits, state = model(torch.zeros(5, 2, 9), model.initial_state(batch_size=2, capacity=8))
    >>> logits.shape, state.memory.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 8, 20]))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents import addressing
from ntm_agents.controllers import Controller
from ntm_agents.fusing import redefined, unknown_controller
from ntm_agents.heads import HeadConfig, HeadParameters, Heads
from ntm_agents.memory import HeadInit, MemoryInit, default_scale, initial_rows, initial_weightings
from ntm_agents.memory_machine import MemoryMachine
from ntm_agents.options import Choices, Few, NonNegative, Positive, expect
from ntm_envs.tasks.sizes import is_whole

if TYPE_CHECKING:
    from ntm_agents.kernels.ntm import Result


STEP = ("step", "_address", "_look_up", "_move", "_write_and_read")
"""Methods that a step consists of, and that the fused kernel computes instead."""


@dataclass(frozen=True, kw_only=True)
class NTMConfig(HeadConfig):
    """Options of an NTM: choices that the paper leaves open, none of which depends on the number of slots."""

    controller: Annotated[Literal["feedforward", "lstm", "gru"], Choices(("feedforward", "lstm"))] = "lstm"
    """Kind of the controller (paper: the first two)."""
    hidden_size: Annotated[Positive, Choices((48, 64, 100))] = 100
    """Hidden size C of each layer of the controller (paper: 100)."""
    num_layers: Few = 1
    """Number of layers of the controller (paper: 1)."""
    orthogonal_init: bool = True
    """True if the initial recurrent weights of the controller are orthogonal, which preserves the influence
    of earlier inputs; otherwise they are uniform, like all others."""
    controller_noise: NonNegative = 0.0
    """Standard deviation of Gaussian noise on the lowest layer's pre-activations; it makes blurred weightings
    costly. Not in the paper, so off. Used in training only; evaluation always uses 0."""
    memory_slots: int | None = None
    """Number of slots N, at least the shift width; None for the episode's bound of steps (paper: 128)."""
    order: Literal["write_first", "read_first"] = "write_first"
    """Order of reads and writes within a step."""
    epsilon: NonNegative = 1e-8
    """Addend of the product of norms in the similarity, for empty slots and keys (paper: none)."""
    memory_init: MemoryInit = "constant"
    """Rows of the initial memory (paper: learned): all the same constant; random numbers keyed by the index
    of the slot; the bits of that index as +1 and -1; or one learned row, which all slots share."""
    memory_init_scale: float | None = None
    """The constant or the initial learned row, or the factor of random numbers, which are uniform in -1 to 1,
    and of bits. None for 1e-6 in the first two cases and 1 in the others."""
    head_init: HeadInit = "first"
    """Initial weightings: all on slot 0; a learned distribution over the first S slots; or uniform."""
    kernel: Literal["auto", "reference", "fused"] = "auto"
    """Implementation of the recurrence: plain PyTorch, or a fused kernel, many times as fast and equal up to
    rounding. Auto takes the fused one where it applies: on a CPU, with Numba installed, for a feed-forward or
    LSTM controller of one layer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        slots, shifts = self.memory_slots, self.shift_width
        expect(slots is None or slots >= shifts, "memory_slots", slots, f"an integer of at least {shifts}")


class NTMState(NamedTuple):
    """State of an NTM between two steps."""

    memory: Tensor
    """M, ``[B, N, M]``."""
    weightings: Tensor
    """w of all heads, write heads first, ``[B, H, N]``: distributions over slots, equation 1."""
    reads: Tensor
    """Read vectors r, side by side, ``[B, R * M]``."""
    controller: tuple[Tensor, ...]
    """State of the controller's layers, ``[B, C]`` each."""


class NTM(MemoryMachine[NTMState]):
    """A controller with a memory that it reads and writes through heads.

    Differences from the paper:

    - The controller's state and the read vectors start at zero, and the memory at a small constant; the paper
      learns all three. A learned memory (`memory_init`) is one row, which all slots share.
    - By default the memory is as large as the episode's upper bound of steps (`memory_slots`). No parameter
      depends on the number of slots, so a trained machine runs with any.
    - A GRU and `controller_noise` are not in the paper, and off by default.

    Choices where the paper is silent:

    - All heads choose their slots by the memory at the beginning of the step and the controller's output;
      then the write heads write, and then the read heads read (`order`). All erase before any adds.
    - The logits are linear in the controller's output and in the read vectors of the same step.
    - Strengths are softplus, gates and erase vectors sigmoid, shifts softmax, sharpening is 1 + softplus;
      keys and add vectors are linear (`key_activation`, `add_activation`).
    - Weights of the heads start by Glorot and Bengio's uniform rule, and biases as configured.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `NTMConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If a size, or the value of an option, is not possible.
    """

    Config: ClassVar[type[NTMConfig]] = NTMConfig

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        for name, size in (("input_size", input_size), ("output_size", output_size)):
            expect(is_whole(size) and size >= 1, name, size, "an integer of at least 1")
        self.config = c = self.Config(**config)
        heads, width = c.write_heads + c.read_heads, c.memory_width
        self._roles, self._read_size = (c.write_heads, c.read_heads), c.read_heads * width
        self._scale = default_scale(c.memory_init) if c.memory_init_scale is None else c.memory_init_scale
        self._redefined = redefined(type(self), STEP)
        self._add_layers(input_size, output_size)
        learned_row, learned_start = c.memory_init == "learned", c.head_init == "learned"
        self.memory_row = nn.Parameter(torch.full((width,), self._scale)) if learned_row else None
        self.start = nn.Parameter(torch.zeros(heads, c.shift_width)) if learned_start else None
        self.heads.initialise()

    def _add_layers(self, input_size: int, output_size: int) -> None:
        """Add the layers; a subclass may have others."""
        hidden_size = self.config.hidden_size
        self.controller = self._new_controller(input_size, self._read_size)
        self.heads = Heads(hidden_size, self.config)
        self.output = nn.Linear(self._read_size + hidden_size, output_size)

    def _new_controller(self, input_size: int, read_size: int) -> Controller:
        c = self.config
        return Controller(
            c.controller,
            input_size,
            read_size,
            c.hidden_size,
            c.num_layers,
            noise=c.controller_noise,
            orthogonal_init=c.orthogonal_init,
        )

    def initial_state(self, batch_size: int, capacity: int) -> NTMState:
        """Return the state at the start of episodes.

        Args:
            batch_size: Number of episodes B.
            capacity: Upper bound of their steps: the number of slots N, unless `memory_slots` fixes it.
        """
        c, like, heads = self.config, self.output.weight, sum(self._roles)
        slots = max(capacity, c.shift_width) if c.memory_slots is None else c.memory_slots
        rows = initial_rows(c.memory_init, slots, c.memory_width, self._scale, like, self.memory_row)
        weightings = initial_weightings(c.head_init, heads, slots, like, self.start)
        return NTMState(
            memory=rows.repeat(batch_size, 1, 1),
            weightings=weightings.repeat(batch_size, 1, 1),
            reads=like.new_zeros(batch_size, self._read_size),
            controller=self.controller.initial_state(batch_size),
        )

    def project(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the shares of inputs and biases in controller and head parameters; see `MemoryMachine`."""
        return self.controller.project(inputs), self.heads.bias.expand(*inputs.shape[:2], -1)

    def step(self, state: NTMState, *projected: Tensor) -> tuple[NTMState, tuple[Tensor, ...]]:
        """Take one step; see `MemoryMachine`."""
        (memory, previous, reads, hidden), (addend, head_addend) = state, projected
        output, hidden = self.controller(addend, reads, hidden)
        heads = self.heads.parameters_of(output, head_addend)
        weightings = self._address(heads, memory, previous)
        memory, reads = self._write_and_read(heads, memory, weightings)
        return NTMState(memory, weightings, reads, hidden), (reads, output)

    def _address(self, heads: HeadParameters, memory: Tensor, previous: Tensor) -> Tensor:
        """Return the weightings ``[B, H, N]`` of all heads: section 3.3, figure 2."""
        return self._move(heads, self._look_up(heads, memory, previous))

    def _look_up(self, heads: HeadParameters, memory: Tensor, previous: Tensor) -> Tensor:
        """Return gated weightings w^g ``[B, H, N]``: section 3.3.1, and equation 7."""
        similarities = addressing.similarity(memory, heads.keys, self.config.epsilon)  # equation 6
        content = addressing.content_weighting(similarities, heads.strengths)  # equation 5
        return addressing.interpolate(content, previous, heads.gates)  # equation 7

    def _move(self, heads: HeadParameters, gated: Tensor) -> Tensor:
        """Return weightings ``[B, H, N]``, given gated ones: section 3.3.2."""
        shifted = addressing.shift(gated, heads.shifts)  # equation 8
        return addressing.sharpen(shifted, heads.sharpening)  # equation 9

    def _write_and_read(
        self, heads: HeadParameters, memory: Tensor, weightings: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the memory ``[B, N, M]`` after the write, and the read vectors ``[B, R * M]``."""
        writing, reading = weightings.split_with_sizes(self._roles, 1)
        written = addressing.write(memory, writing, heads.erase, heads.add)  # equations 3 and 4
        source = written if self.config.order == "write_first" else memory
        return written, addressing.read(source, reading).flatten(1)  # equation 2

    def read_out(self, features: Tensor) -> Tensor:
        """Return the logits ``[T, B, L]`` of read vectors and the controller's output."""
        logits: Tensor = self.output(features)
        return logits

    def trace(self, state: NTMState) -> dict[str, Tensor]:
        """Return weightings ``[B, W, N]`` and ``[B, R, N]`` and the memory ``[B, N, M]``, for pictures."""
        writing, reading = state.weightings.split_with_sizes(self._roles, 1)
        return {"write weighting": writing, "read weighting": reading, "memory": state.memory}

    def state_shapes(self, batch_size: int, slots: int) -> list[tuple[int, ...]]:
        """Return the shapes of a state's tensors; see `MemoryMachine`."""
        c = self.config
        rows = ((slots, c.memory_width), (sum(self._roles), slots), (self._read_size,))
        layers = self.controller.tensors * ((c.hidden_size,),)
        return [(batch_size, *row) for row in rows + layers]

    def check_state(self, inputs: Tensor, state: NTMState) -> None:
        """Check that a state fits, and that a shift does not exceed the memory; see `MemoryMachine`."""
        super().check_state(inputs, state)
        slots, shifts = state.memory.shape[1], self.config.shift_width
        if slots < shifts:
            raise ValueError(f"state.memory has {slots} slots; expected at least {shifts}, the shifts")

    def _why_not_fused(self) -> str:
        if reason := super()._why_not_fused():
            return reason
        c = self.config
        if self._redefined:
            return f"{type(self).__name__} has a {self._redefined} of its own"
        if type(self.heads).parameters_of is not Heads.parameters_of:
            return f"the heads are {type(self.heads).__name__}"
        return unknown_controller(c.controller, c.num_layers, self.controller)

    def _recur_fused(
        self, projected: tuple[Tensor, ...], state: NTMState, keep: bool
    ) -> tuple[Tensor, Tensor | None, NTMState]:
        from ntm_agents.kernels.ntm import infer, recur  # needs Numba

        result = (recur if keep else infer)(*self._kernel_arguments(projected, state))
        return result.features, result.weightings, self._state(result)

    def _kernel_arguments(self, projected: tuple[Tensor, ...], state: NTMState) -> tuple[Any, ...]:
        """Return the arguments of :func:`ntm_agents.kernels.ntm.recur`."""
        from ntm_agents.kernels.ntm import Inputs, Options, State, Weights

        c = self.config
        options = Options(
            write_heads=c.write_heads,
            key_width=self.heads.sizes[0],
            shift_width=c.shift_width,
            key_activation=c.key_activation,
            add_activation=c.add_activation,
            epsilon=c.epsilon,
            write_first=c.order == "write_first",
        )
        unseen = self._read_size - self.controller.read_size
        recurrent = functional.pad(self.controller.lowest.weight, (unseen, 0))
        return options, Inputs(*projected), Weights(recurrent, self.heads.weight), State(*state)

    def _state(self, result: Result) -> NTMState:
        return NTMState(*result.state)
