"""The memory-augmented network with least recently used access, to be read beside its paper.

Source: Santoro, Bartunov, Botvinick, Wierstra and Lillicrap, *Meta-Learning with Memory-Augmented Neural
Networks* (ICML 2016; arXiv 1605.06065), section 3. Equation numbers are those of the paper; the page
`docs/equations-mann.md` goes through them.

Shape letters: B batch, T time steps, I/L input channels and logits, C hidden size of the controller, N memory
slots, M width of a slot, R heads.

Example:
    >>> model = MANN(405, 5, hidden_size=32, read_heads=2)
    >>> logits, state = model(torch.zeros(7, 2, 405), model.initial_state(batch_size=2, capacity=8))
    >>> logits.shape, state.usage.shape
    (torch.Size([7, 2, 5]), torch.Size([2, 8]))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents import addressing
from ntm_agents.controllers import Controller
from ntm_agents.fusing import hooked, redefined, unknown_controller
from ntm_agents.memory_machine import MemoryMachine
from ntm_agents.options import Choices, Few, NonNegative, Positive, Within, check_options, expect

OTHER_STEP = 0.3
"""Factor of the initial weights by which heads see the step that they do not begin with; see
`delayed_output`."""
STEP = ("step",)
"""Methods that a step consists of, and that the fused kernel computes instead."""


@dataclass(frozen=True, kw_only=True)
class MANNConfig:
    """Options of a MANN, none of which depends on the number of slots."""

    controller: Annotated[Literal["feedforward", "lstm", "gru"], Choices(("feedforward", "lstm"))] = "lstm"
    """Kind of the controller (paper: the first two)."""
    hidden_size: Annotated[Positive, Choices((64, 100, 200))] = 200
    """Hidden size C of the controller (paper: 200)."""
    read_heads: Few = 4
    """Number of heads R, each of which reads and writes (paper: 4)."""
    memory_slots: Positive | None = None
    """Number of slots N, at least R; None for as many as the episode's bound of steps, or a multiple of it
    (paper: 128)."""
    slots_per_step: Annotated[int, Within(1, 64), Choices((1, 2, 4))] = 1
    """Slots for each step of that bound. Each head may write to a free slot at every step, and what is read
    counts as used: where slots are as many as steps, words may be overwritten that are needed later."""
    memory_width: Annotated[Positive, Choices((20, 40))] = 40
    """Width M of a slot (paper: 40)."""
    usage_decay: Annotated[float, Within(0, 1)] = 0.95
    """Decay of the usage at each step, gamma (paper: 0.95)."""
    order: Literal["write_first", "read_first"] = "write_first"
    """Order of reads and writes within a step. A head that writes first finds its own key of this step."""
    key_strength: bool = False
    """True if each key has a strength, 1 + softplus, that multiplies its similarities, as in the NTM. Not in
    the paper, where no slot can get more than e times the weight of an empty one."""
    strength_bias: float = 0.0
    """Initial bias of the key strength, before 1 + softplus."""
    gate_bias: float = 0.0
    """Initial bias of the write gate alpha, before sigmoid: negative for heads that begin by writing to the
    least used slots."""
    delayed_output: bool = False
    """True if the heads see the controller's output of the step before as well. Half of them begin by looking
    for this step's output, and half by writing that of the step before, with the same weights: so what comes
    in is kept together with what follows it, its label. Not in the paper, where the controller has to learn
    to keep it for a step."""
    epsilon: NonNegative = 1e-6
    """Addend of the product of norms in the similarity, for empty slots and keys (paper: none)."""
    kernel: Literal["auto", "reference", "fused"] = "auto"
    """Implementation of the recurrence: plain PyTorch, or a fused kernel, many times as fast and equal up to
    rounding, which decides between slots that tie in usage. Auto takes the fused one where it applies: on a
    CPU, with Numba installed, for a feed-forward or LSTM controller."""

    def __post_init__(self) -> None:
        check_options(self)
        slots, heads = self.memory_slots, self.read_heads
        expect(slots is None or slots >= heads, "memory_slots", slots, f"an integer of at least {heads}")
        pairs = not (self.delayed_output and heads % 2)
        expect(pairs, "read_heads", heads, "an even number, as delayed_output has pairs of heads")


class MANNState(NamedTuple):
    """State of a MANN between two steps."""

    memory: Tensor
    """M, ``[B, N, M]``."""
    weightings: Tensor
    """Write weightings w^w and then read weightings w^r, each with a sum of at most 1, ``[B, 2 * R, N]``."""
    usage: Tensor
    """w^u, at least 0, ``[B, N]``."""
    reads: Tensor
    """Read vectors r, side by side, ``[B, R * M]``."""
    controller: tuple[Tensor, ...]
    """State of the controller, ``[B, C]`` each, with its last output first if the heads see that."""


class MANN(MemoryMachine[MANNState]):
    """A controller that writes to the slots it has read last, or to those that were used least.

    Differences from the paper:

    - By default the memory is as large as the episode's upper bound of steps (`memory_slots`). No parameter
      depends on the number of slots, so a trained machine runs with any.
    - `key_strength`, `delayed_output` and a GRU are not in the paper, and off by default.

    Choices where the paper is silent:

    - The key of a head is ``tanh`` of a linear layer, and so is its write gate a sigmoid: both depend on the
      controller's output at each step.
    - There are as many least used slots as heads, and each head has one of them: the first head that which
      was used least. Of equally used slots the one with the lowest index comes first. All of them are
      emptied, whether or not they are written to.
    - The memory, the usage and all weightings start at zero.
    - The logits are linear in the controller's output and in the read vectors of the same step.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `MANNConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If the value of an option is not possible.
    """

    Config: ClassVar[type[MANNConfig]] = MANNConfig
    agent: ClassVar[str] = "mann"

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = c = self.Config(**config)
        self._read_size = c.read_heads * c.memory_width
        self._sizes = [c.memory_width, 1, 1] if c.key_strength else [c.memory_width, 1]
        self._redefined = redefined(type(self), STEP)
        self.controller = Controller(c.controller, input_size, self._read_size, c.hidden_size)
        seen = (1 + c.delayed_output) * c.hidden_size
        self.heads = nn.Linear(seen, c.read_heads * sum(self._sizes))
        self.output = nn.Linear(self._read_size + c.hidden_size, output_size)
        nn.init.xavier_uniform_(self.heads.weight)
        biases = [0.0] * c.memory_width + [c.gate_bias] + [c.strength_bias] * c.key_strength
        with torch.no_grad():
            self.heads.bias.copy_(torch.tensor(biases * c.read_heads))
            if c.delayed_output:
                rows = self.heads.weight.view(2, -1, 2, c.hidden_size)  # by half, and by step
                rows[1, :, 1] = rows[0, :, 0]
                rows[[0, 1], :, [1, 0]] *= OTHER_STEP

    def initial_state(self, batch_size: int, capacity: int) -> MANNState:
        """Return the state at the start of episodes: zeros.

        Args:
            batch_size: Number of episodes B.
            capacity: Upper bound of their steps. There are `slots_per_step` times as many slots, and at least
                one for each head, unless `memory_slots` fixes their number.
        """
        c = self.config
        slots = c.memory_slots or max(c.slots_per_step * capacity, c.read_heads)
        shapes = self.state_shapes(batch_size, slots)
        memory, weightings, usage, reads, *layers = map(self.output.weight.new_zeros, shapes)
        return MANNState(memory, weightings, usage, reads, tuple(layers))

    def state_shapes(self, batch_size: int, slots: int) -> list[tuple[int, ...]]:
        """Return the shapes of a state's tensors; see `MemoryMachine`."""
        c = self.config
        rows = ((slots, c.memory_width), (2 * c.read_heads, slots), (slots,), (self._read_size,))
        layers = max(self.controller.tensors, c.delayed_output) * ((c.hidden_size,),)
        return [(batch_size, *row) for row in rows + layers]

    def check_state(self, inputs: Tensor, state: MANNState) -> None:
        """Check that a state fits, and that each head can have a least used slot; see `MemoryMachine`."""
        super().check_state(inputs, state)
        slots, heads = state.memory.shape[1], self.config.read_heads
        if slots < heads:
            raise ValueError(f"state.memory has {slots} slots; expected at least {heads}, one for each head")

    def project(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the shares of the inputs in the controller; see `MemoryMachine`."""
        return (self.controller.project(inputs),)

    def step(self, state: MANNState, *projected: Tensor) -> tuple[MANNState, tuple[Tensor, ...]]:
        """Take one step; see `MemoryMachine`."""
        c = self.config
        own = state.controller[: self.controller.tensors]
        output, controller = self.controller(*projected, state.reads, own)
        seen = output
        if c.delayed_output:
            seen = torch.cat((output, state.controller[0]), 1)
            controller = controller or (output,)
        each = self.heads(seen).view(len(output), c.read_heads, -1)
        keys, gates = (
            torch.tanh(each[:, :, : c.memory_width]),
            torch.sigmoid(each[:, :, c.memory_width, None]),
        )
        strengths = 1 + functional.softplus(each[:, :, -1:]) if c.key_strength else torch.ones_like(gates)
        least_used = least(state.usage, c.read_heads)  # w^lu, equation 6
        last_read = state.weightings[:, c.read_heads :]
        writing = torch.lerp(least_used, last_read, gates)  # w^w, equation 7
        emptied = state.memory * (1 - least_used.sum(1)).unsqueeze(2)
        memory = torch.baddbmm(emptied, writing.transpose(1, 2), keys)  # equation 8
        source = memory if c.order == "write_first" else state.memory
        similarities = addressing.similarity(source, keys, c.epsilon)  # equation 2
        reading = addressing.content_weighting(similarities, strengths)  # w^r, equation 3
        reads = addressing.read(source, reading).flatten(1)  # equation 4
        usage = c.usage_decay * state.usage + writing.sum(1) + reading.sum(1)  # w^u, equation 5
        weightings = torch.cat((writing, reading), 1)
        return MANNState(memory, weightings, usage, reads, controller), (reads, output)

    def _why_not_fused(self) -> str:
        if reason := super()._why_not_fused():
            return reason
        if self._redefined:
            return f"{type(self).__name__} has a {self._redefined} of its own"
        if type(self.heads).forward is not nn.Linear.forward:
            return f"the heads are {type(self.heads).__name__}"
        if hooked(self.heads):
            return "the heads have hooks"
        return unknown_controller(self.config.controller, 1, self.controller)

    def _recur_fused(
        self, projected: tuple[Tensor, ...], state: MANNState, keep: bool
    ) -> tuple[Tensor, Tensor | None, MANNState]:
        from ntm_agents.kernels.mann import infer, recur  # needs Numba

        result = (recur if keep else infer)(*self._kernel_arguments(projected, state))
        return result.features, result.weightings, MANNState(*result.state)

    def _kernel_arguments(self, projected: tuple[Tensor, ...], state: MANNState) -> tuple[Any, ...]:
        """Return the arguments of :func:`ntm_agents.kernels.mann.recur`."""
        from ntm_agents.kernels.mann import Inputs, Options, State, Weights

        c = self.config
        options = Options(write_first=c.order == "write_first", usage_decay=c.usage_decay, epsilon=c.epsilon)
        (addend,) = projected
        inputs = Inputs(addend, self.heads.bias.expand(*addend.shape[:2], -1))
        heads = self.heads.weight
        if c.delayed_output:  # the kernel has the last output first
            heads = heads.roll(c.hidden_size, 1)
        return options, inputs, Weights(self.controller.lowest.weight, heads), State(*state)

    def read_out(self, features: Tensor) -> Tensor:
        """Return the logits ``[T, B, L]`` of read vectors and the controller's output."""
        logits: Tensor = self.output(features)
        return logits

    def trace(self, state: MANNState) -> dict[str, Tensor]:
        """Return weightings ``[B, R, N]``, usage ``[B, 1, N]`` and memory ``[B, N, M]``, for pictures."""
        writing, reading = state.weightings.chunk(2, 1)
        usage = state.usage / state.usage.amax(1, keepdim=True).clamp(min=addressing.TINY)
        return {
            "write weighting": writing,
            "read weighting": reading,
            "usage": usage.unsqueeze(1),
            "memory": state.memory,
        }


def least(usage: Tensor, count: int) -> Tensor:
    """Return the least used slots as one-hot vectors ``[B, count, N]``, that with the least usage first.

    Args:
        usage: ``[B, N]``.
        count: Number of slots to return, at most N.
    """
    slots = usage.detach().argsort(dim=1, stable=True)[:, :count]
    return (slots.unsqueeze(2) == torch.arange(usage.shape[1], device=slots.device)).to(usage.dtype)
