"""The Neural Turing Machine, in plain PyTorch: the reference that every faster path is tested against.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401).

Shape letters: B batch, T time steps, I/O input and output channels, N memory slots, M width of a slot,
R/W read and write heads, H = W + R heads, S shift options.

Example:
    >>> model = NTM(9, 8, controller="feedforward")
    >>> logits, state = model(torch.zeros(5, 2, 9), model.initial_state(batch_size=2, capacity=8))
    >>> logits.shape, state.memory.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 8, 20]))
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, NamedTuple, get_args, get_type_hints

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents import addressing
from ntm_agents.controllers import Controller
from ntm_envs import keyed


@dataclass(frozen=True, kw_only=True)
class NTMConfig:
    """The options of an NTM; what the paper leaves open is chosen here, and the defaults say how."""

    controller: Literal["feedforward", "lstm", "gru"] = "lstm"
    """Kind of the controller. The paper compares the first two."""
    units: int = 100
    """Units of each of the controller's layers (paper: 100)."""
    depth: int = 1
    """Layers of the controller (paper: 1)."""
    noise: float = 0.0
    """Standard deviation of Gaussian noise on the controller's pre-activations in training. Not in the
    paper: it makes blurred weightings costly."""
    read_heads: int = 1
    """Number of heads that read (paper: 1 to 8, by task)."""
    write_heads: int = 1
    """Number of heads that write (paper: as many as read)."""
    memory_slots: int | None = None
    """Number of slots N; None for the step bound of the episode, so that memory grows with length
    (paper: 128)."""
    memory_width: int = 20
    """Width M of a slot (paper: 20)."""
    shift_width: int = 3
    """Number of shift options S, at least 2; option j moves a head by j - S // 2 slots (paper: 3)."""
    key_activation: Literal["identity", "tanh"] = "identity"
    """What the key goes through; the paper does not say."""
    add_activation: Literal["identity", "tanh", "sigmoid"] = "identity"
    """What the add vector goes through; the paper does not say."""
    write_mode: Literal["erase_add", "interpolate"] = "erase_add"
    """Erase, then add (the paper); or replace a slot by as much as it is chosen, without erase vectors."""
    order: Literal["write_first", "read_first"] = "write_first"
    """Whether heads read what was written in the same step. All heads choose their slots before."""
    epsilon: float = 1e-8
    """Keeps the cosine similarity finite where a slot or a key is empty."""
    epsilon_in: Literal["product", "norms"] = "product"
    """Whether epsilon is added to the product of the norms of key and slot, or to each of them."""
    memory_start: Literal["constant", "random", "position", "learned"] = "constant"
    """Rows of the memory at the start: all the same and fixed; random numbers of each slot's index; the
    bits of its index as +1 and -1; or one learned row for all slots."""
    memory_scale: float = 1e-6
    """The constant; or what random numbers (uniform in -1 to 1) and index bits are multiplied by; or
    the value that the learned row starts from."""
    head_start: Literal["first", "learned", "uniform"] = "first"
    """Weightings at the start: slot 0; a learned weighting of the first S slots; or all slots alike."""
    strength_bias: float = 0.0
    """Bias of the key strength at the start, before softplus."""
    gate_bias: float = 0.0
    """Bias of the interpolation gate at the start, before sigmoid: below 0 a head begins by moving, above
    0 by looking up."""
    shift_bias: tuple[float, ...] = ()
    """Biases of the S shift options at the start, before softmax; empty for zeros."""
    sharpening_bias: float = 0.0
    """Bias of the sharpening at the start, before 1 + softplus."""
    key_bias: float = 0.0
    """Bias of every element of the keys at the start."""
    erase_bias: float = 0.0
    """Bias of every element of the erase vectors at the start, before sigmoid."""
    add_bias: float = 0.0
    """Bias of every element of the add vectors at the start."""

    def __post_init__(self) -> None:
        smallest = {"units": 1, "depth": 1, "read_heads": 1, "write_heads": 1, "memory_width": 1}
        smallest |= {"shift_width": 2, "noise": 0, "epsilon": 0}
        for name, bound in smallest.items():
            if not getattr(self, name) >= bound:
                raise ValueError(f"{name} is {getattr(self, name)}; expected at least {bound}")
        hints = get_type_hints(type(self))
        for field in fields(self):
            value, choices = getattr(self, field.name), get_args(hints[field.name])
            if choices and all(isinstance(choice, str) for choice in choices) and value not in choices:
                raise ValueError(f"{field.name} is {value!r}; expected one of {', '.join(choices)}")
        if self.memory_slots is not None and self.memory_slots < self.shift_width:
            raise ValueError(
                f"memory_slots is {self.memory_slots}; expected at least shift_width, {self.shift_width}"
            )
        if self.shift_bias and len(self.shift_bias) != self.shift_width:
            raise ValueError(
                f"shift_bias has {len(self.shift_bias)} values; expected shift_width of them, "
                f"{self.shift_width}, or none"
            )


class NTMState(NamedTuple):
    """What an NTM carries from step to step."""

    memory: Tensor
    """``[B, N, M]``"""
    weightings: Tensor
    """Where the heads are, those that write first, ``[B, H, N]``."""
    reads: Tensor
    """What was read last, ``[B, R * M]``."""
    controller: tuple[Tensor, ...]
    """The state of the controller's layers."""


class NTM(nn.Module):
    """A controller with a memory that it reads and writes through heads.

    Where the paper is silent, or this differs from it:

    - All heads choose their slots by the memory that the step begins with; then the heads write, and
      then, with the default order, they read what has been written.
    - Read vectors and controller start at zero; the paper learns them.
    - With several write heads all erase before any adds.
    - No parameter depends on the number of slots, so a trained machine runs with any memory. By default
      that is the episode's step bound.
    - Options with no counterpart in the paper are off by default (`NTMConfig`).

    Args:
        input_size: Number of input channels I.
        output_size: Number of output channels O.
        **config: Options of `NTMConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If an option's value is not possible.
    """

    Config: ClassVar[type[NTMConfig]] = NTMConfig

    def __init__(self, input_size: int, output_size: int, **config: Any) -> None:
        super().__init__()
        self.config = c = NTMConfig(**config)
        heads, width = c.write_heads + c.read_heads, c.memory_width
        self.controller = Controller(
            c.controller, input_size, c.read_heads * width, c.units, c.depth, c.noise
        )
        # All parameters of all heads come from one product, in the order in which `_heads` splits them.
        erase = c.write_heads * width if c.write_mode == "erase_add" else 0
        self._sizes = (heads * width, c.write_heads * width, 2 * heads, heads + erase, heads * c.shift_width)
        self.heads = nn.Linear(c.units, sum(self._sizes))
        self.output = nn.Linear(c.units + c.read_heads * width, output_size)
        if c.memory_start == "learned":
            self.memory_row = nn.Parameter(torch.full((width,), c.memory_scale))
        if c.head_start == "learned":
            self.start = nn.Parameter(torch.zeros(heads, c.shift_width))
        nn.init.xavier_uniform_(self.heads.weight)
        shift_bias = torch.tensor(c.shift_bias or [0.0] * c.shift_width)
        with torch.no_grad():
            keys, adds, positive, unit, shifts = self.heads.bias.split(self._sizes)
            keys.fill_(c.key_bias)
            adds.fill_(c.add_bias)
            positive[:heads].fill_(c.strength_bias)
            positive[heads:].fill_(c.sharpening_bias)
            unit[:heads].fill_(c.gate_bias)
            unit[heads:].fill_(c.erase_bias)
            shifts.copy_(shift_bias.repeat(heads))

    def initial_state(self, batch_size: int, capacity: int) -> NTMState:
        """Return the state at the start of episodes.

        Args:
            batch_size: Number of episodes B.
            capacity: Upper bound of their steps; the number of slots N, unless `memory_slots` fixes it.
        """
        c = self.config
        slots = max(capacity, c.shift_width) if c.memory_slots is None else c.memory_slots
        heads = c.write_heads + c.read_heads
        like = self.output.weight
        if c.head_start == "uniform":
            weightings = like.new_full((batch_size, heads, slots), 1 / slots)
        else:
            first = self.start.softmax(1) if c.head_start == "learned" else like.new_ones(heads, 1)
            padded = functional.pad(first, (0, slots - first.shape[1]))
            weightings = padded.expand(batch_size, heads, slots)
        reads = like.new_zeros(batch_size, c.read_heads * c.memory_width)
        memory = self._memory_rows(slots).expand(batch_size, slots, c.memory_width)
        return NTMState(memory, weightings, reads, self.controller.initial_state(batch_size))

    def forward(self, inputs: Tensor, state: NTMState) -> tuple[Tensor, NTMState]:
        """Go on from a state by T steps.

        Args:
            inputs: ``[T, B, I]``.
            state: What `initial_state` or the last call returned.

        Returns:
            The logits ``[T, B, O]`` and the state after the last step.
        """
        memory, weightings, reads, hidden = state
        shared: list[Tensor] = []  # what the output layer sees of each step
        for projected in self.controller.project(inputs).unbind(0):
            output, hidden = self.controller(projected, reads, hidden)
            weightings, erase, add = self._heads(output, memory, weightings)
            writing, reading = weightings.split((self.config.write_heads, self.config.read_heads), 1)
            before = memory
            memory = addressing.write(memory, writing, erase, add)
            source = memory if self.config.order == "write_first" else before
            reads = addressing.read(source, reading).flatten(1)  # (B, R * M)
            shared += [output, reads]
        features = torch.cat(shared, 1).view(inputs.shape[1], len(inputs), -1)  # (B, T, C + R * M)
        logits = self.output(features).transpose(0, 1)
        return logits, NTMState(memory, weightings, reads, hidden)

    def trace(self, state: NTMState) -> dict[str, Tensor]:
        """Return what there is to see of a state: weightings ``[B, heads, N]`` and memory ``[B, N, M]``."""
        writing, reading = state.weightings.split((self.config.write_heads, self.config.read_heads), 1)
        return {"write weighting": writing, "read weighting": reading, "memory": state.memory}

    def _heads(self, output: Tensor, memory: Tensor, weightings: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the weightings of all heads, and erase and add vectors of those that write."""
        c, (batch_size, heads, _) = self.config, weightings.shape
        keys, add, positive, unit, shifts = self.heads(output).split(self._sizes, 1)
        keys = _activate(keys, c.key_activation).view(batch_size, heads, c.memory_width)
        add = _activate(add, c.add_activation).view(batch_size, c.write_heads, c.memory_width)
        strengths, sharpening = functional.softplus(positive).chunk(2, 1)
        if c.write_mode == "erase_add":
            gates, erase = torch.sigmoid(unit).split((heads, unit.shape[1] - heads), 1)
            erase = erase.view(add.shape)
        else:
            gates, erase = torch.sigmoid(unit), torch.ones_like(add)
        shifts = functional.softmax(shifts.view(batch_size, heads, c.shift_width), 2)
        content = addressing.content_weighting(memory, keys, strengths, c.epsilon, c.epsilon_in)
        gated = addressing.interpolate(content, weightings, gates)
        return addressing.sharpen(addressing.shift(gated, shifts), 1 + sharpening), erase, add

    def _memory_rows(self, slots: int) -> Tensor:
        """Return the memory at the start, ``[N, M]``; a row depends on its own index alone."""
        c, like = self.config, self.output.weight
        if c.memory_start == "learned":
            return self.memory_row.expand(slots, -1)
        if c.memory_start == "constant":
            return like.new_full((slots, c.memory_width), c.memory_scale)
        index = np.arange(slots)
        if c.memory_start == "random":
            words = keyed.words(index, keyed.DATA, c.memory_width) >> np.uint64(11)
            rows = words.astype(np.float64) * 2.0**-52 - 1
        else:
            rows = (index[:, None] >> np.arange(min(c.memory_width, 63)) & 1) * 2.0 - 1
            rows = np.pad(rows, ((0, 0), (0, c.memory_width - rows.shape[1])))
        return torch.as_tensor(rows * c.memory_scale, dtype=like.dtype, device=like.device)


def _activate(values: Tensor, activation: str) -> Tensor:
    if activation == "tanh":
        return torch.tanh(values)
    return torch.sigmoid(values) if activation == "sigmoid" else values
