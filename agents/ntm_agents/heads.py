"""The interface between a controller and the heads of an NTM: section 3.3 of the paper.

Source: Graves, Wayne and Danihelka, *Neural Turing Machines* (arXiv 1410.5401).

Shape letters: B batch, C hidden size of the controller, W/R write and read heads, H = W + R heads, M width of
a slot, S shift options, P parameters of all heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents.options import Choices, Few, Positive, Within, check_options, expect


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """Options of heads."""

    read_heads: Few = 1
    """Number of read heads R (paper: 1 to 8, by task)."""
    write_heads: Few = 1
    """Number of write heads W (paper: as many as read heads)."""
    memory_width: Annotated[Positive, Choices((12, 16, 20, 32))] = 20
    """Width M of a slot (paper: 20)."""
    shift_width: Annotated[int, Within(2, 1000)] = 3
    """Number of shift options S, at most the number of slots; option j moves a head by j - S // 2 slots
    (paper: 3)."""
    key_activation: Literal["identity", "tanh"] = "identity"
    """Activation of keys, of which only the direction matters."""
    add_activation: Literal["identity", "tanh", "sigmoid"] = "identity"
    """Activation of add vectors; with identity a slot can hold any value."""
    key_bias: float = 0.0
    """Initial bias of each element of a key."""
    strength_bias: float | tuple[float, ...] = 0.0
    """Initial bias of the key strength, before softplus: one for all heads, or one for each, write heads
    first. Such biases give heads their roles, which decides what can be learned at all."""
    gate_bias: float | tuple[float, ...] = 0.0
    """Initial bias of the interpolation gate, before sigmoid, for all heads or for each: negative for a head
    that begins by moving from where it is, positive for one that begins by looking up."""
    shift_bias: tuple[float, ...] = ()
    """Initial biases of the S shift options, before softmax: S for all heads, or S for each; empty for 0."""
    sharpening_bias: float | tuple[float, ...] = 0.0
    """Initial bias of the sharpening, before 1 + softplus, for all heads or for each."""
    erase_bias: float = 0.0
    """Initial bias of each element of an erase vector, before sigmoid."""
    add_bias: float = 0.0
    """Initial bias of each element of an add vector."""

    def __post_init__(self) -> None:
        check_options(self)
        heads, shifts = self.write_heads + self.read_heads, self.shift_width
        for name in ("strength_bias", "gate_bias", "sharpening_bias", "shift_bias"):
            lengths = (0, shifts, heads * shifts) if name == "shift_bias" else (heads,)
            value, numbers = getattr(self, name), " or ".join(map(str, lengths))
            valid = not isinstance(value, tuple) or len(value) in lengths
            expect(valid, name, value, f"{numbers} finite numbers, as there are {heads} heads")


class HeadParameters(NamedTuple):
    """Parameters of all heads at one step, write heads first."""

    keys: Tensor  # k, (B, H, M)
    strengths: Tensor  # beta >= 0, (B, H, 1)
    gates: Tensor  # g in [0, 1], (B, H, 1)
    shifts: Tensor  # s, a distribution, (B, H, S)
    sharpening: Tensor  # gamma >= 1, (B, H, 1)
    erase: Tensor  # e in [0, 1], of erasers up to their limit, (B, W, M)
    add: Tensor  # a, (B, W, M)


class Heads(nn.Linear):
    """A linear layer from the controller's output ``[B, C]`` to the parameters of all heads ``[B, P]``.

    These are for each head key, strength, sharpening, gate and shifts, write heads first; then for each write
    head add and erase vector.

    Args:
        hidden_size: Hidden size C of the controller.
        config: Options of the heads.
        key_width: Width of keys; M if None.
        addressing: Indices of the heads that have parameters for addressing; all if None.
        erasers: Number of trailing write heads without an add vector, which is 0.
        erase_limit: Limit of the elements of the erase vectors of erasers.
    """

    def __init__(
        self,
        hidden_size: int,
        config: HeadConfig,
        key_width: int | None = None,
        addressing: Sequence[int] | None = None,
        erasers: int = 0,
        erase_limit: float = 1.0,
    ) -> None:
        heads, width = range(config.write_heads + config.read_heads), config.memory_width
        indices = list(heads if addressing is None else addressing)
        sizes, vectors = (key_width or width, 2, 1, config.shift_width), 2 * config.write_heads - erasers
        super().__init__(hidden_size, len(indices) * sum(sizes) + vectors * width)
        self.config, self.sizes, self._addressing, self._erasers = config, sizes, indices, erasers
        self._erase_limit = erase_limit

    def initialise(self) -> None:
        """Draw weights by Glorot and Bengio's uniform rule, and set biases as configured."""
        c, heads = self.config, self.config.write_heads + self.config.read_heads
        keys = torch.full((heads, self.sizes[0]), c.key_bias)
        columns = [torch.tensor(b).expand(heads) for b in (c.strength_bias, c.sharpening_bias, c.gate_bias)]
        shifts = torch.tensor(c.shift_bias or [0.0] * c.shift_width).view(-1, c.shift_width)
        address = torch.cat((keys, torch.stack(columns, 1), shifts.expand(heads, -1)), 1)[self._addressing]
        biases = [c.add_bias, c.erase_bias] * (c.write_heads - self._erasers) + [c.erase_bias] * self._erasers
        vectors = torch.tensor(biases).repeat_interleave(c.memory_width)
        nn.init.xavier_uniform_(self.weight)
        with torch.no_grad():
            self.bias.copy_(torch.cat((address.flatten(), vectors)))

    def split(self, parameters: Tensor, dim: int) -> tuple[Tensor, Tensor]:
        """Return the part of addressing, by head, and the vectors of writing, of P values in a dimension.

        Each write head has an add vector and an erase vector, one after the other.
        """
        width, each = self.config.memory_width, len(self._addressing) * sum(self.sizes)
        address, vectors = parameters.tensor_split((each,), dim)
        if self._erasers:
            rows = torch.unflatten(vectors, dim, (-1, width)).movedim(dim, 0)
            complete, erase = rows.tensor_split((len(rows) - self._erasers,))
            pairs = torch.stack((torch.zeros_like(erase), erase), 1).flatten(0, 1)
            vectors = torch.cat((complete, pairs)).movedim(0, dim).flatten(dim, dim + 1)
        shape = (*parameters.shape[:dim], -1, sum(self.sizes), *parameters.shape[dim + 1 :])
        return address.reshape(shape), vectors

    def parameters_of(self, output: Tensor, addend: Tensor) -> HeadParameters:
        """Return the parameters that a controller's output ``[B, C]`` stands for.

        Args:
            output: Output of the controller ``[B, C]``.
            addend: Biases and other addends ``[B, P]``.
        """
        c, raw = self.config, torch.addmm(addend, output, self.weight.t())
        address, vectors = self.split(raw, 1)
        keys, positive, gates, shifts = address.split_with_sizes(self.sizes, 2)
        strengths, sharpening = functional.softplus(positive).chunk(2, 2)
        add, erase = vectors.view(len(raw), c.write_heads, -1).chunk(2, 2)
        erase, more = torch.sigmoid(erase).tensor_split((c.write_heads - self._erasers,), 1)
        return HeadParameters(
            keys=_activate(keys, c.key_activation),
            strengths=strengths,
            gates=torch.sigmoid(gates),
            shifts=functional.softmax(shifts, 2),
            sharpening=1 + sharpening,
            erase=torch.cat((erase, more * self._erase_limit), 1),
            add=_activate(add, c.add_activation),
        )


def _activate(values: Tensor, activation: str) -> Tensor:
    if activation == "tanh":
        return torch.tanh(values)
    return torch.sigmoid(values) if activation == "sigmoid" else values
