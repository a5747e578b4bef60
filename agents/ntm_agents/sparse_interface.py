"""The interface between the controller and the memory of a SAM: its interface vector.

Source: Rae, Hunt et al., *Scaling Memory-Augmented Neural Networks with Sparse Reads and Writes* (NIPS 2016),
section 3.

Shape letters: B batch, C hidden size of the controller, I inputs, H heads, M width of a slot, V = H * M
values that are read, P values of the interface vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents.options import Choices, Few, Positive, check_options, expect, expect_per_head

TRACE = 0.7
"""Factor of the last read vector in the words of a chain: below 1, so that words stay of the size of the
inputs. It is about the cosine of a key without inputs and the slot that it leads to."""


@dataclass(frozen=True, kw_only=True)
class SparseInterfaceConfig:
    """Options of the memory of a SAM and of its interface."""

    heads: Few = 4
    """Number of heads H, each of which reads and writes (paper: 4)."""
    read_slots: Positive = 4
    """Slots K that a head reads, those most similar to its key (paper: 4 or 8)."""
    memory_width: Annotated[Positive, Choices((20, 32))] = 32
    """Width M of a slot (paper: 32)."""
    skip_connection: bool = False
    """True if the interface vector sees inputs and last read vectors as well as the controller's output. Not
    in the paper."""
    key_init: Literal["random", "word", "chain"] = "random"
    """Start of the weights of keys and words. The other two need `skip_connection`. With ``word``, the key of
    a head starts as the same function of the inputs as its word, so that a part of what was written finds the
    whole. With ``chain``, both are also the same function of what the head read last. So the head reads what
    it has just written, and writes each word with a trace of those before it; without inputs, its key is the
    trace in the next word. In this way its slots are a linked list, which it can follow."""
    key_bias: float = 0.0
    """Initial bias of each element of a key."""
    strength_bias: float | tuple[float, ...] = 0.0
    """Initial bias of the key strength, before 1 + softplus: one for all heads, or one for each."""
    write_gate_bias: float | tuple[float, ...] = 0.0
    """Initial bias of the write gate, before sigmoid, for all heads or for each."""
    read_gate_bias: float | tuple[float, ...] = 0.0
    """Initial bias of the gate between slots that were read and free ones, before sigmoid, for all heads or
    for each: negative for a head that begins by writing to free slots."""

    @property
    def modes(self) -> tuple[float, ...]:
        """Initial biases of the read modes; none, as a SAM reads by content alone."""
        return ()

    def __post_init__(self) -> None:
        check_options(self)
        expect_per_head(self, self.heads, "strength_bias", "write_gate_bias", "read_gate_bias")
        seen = self.key_init == "random" or self.skip_connection
        expect(seen, "key_init", self.key_init, "'random', as skip_connection is False")


class AccessParameters(NamedTuple):
    """Parameters of all heads at one step."""

    keys: Tensor  # q, (B, H, M)
    strengths: Tensor  # beta >= 1, (B, H, 1)
    write_gates: Tensor  # alpha in [0, 1], (B, H, 1)
    read_gates: Tensor  # gamma in [0, 1], (B, H, 1)
    modes: Tensor  # pi, distributions over backward, content and forward, (B, H, 3); of a SAM, (B, H, 0)
    add: Tensor  # a, (B, H, M)


class SparseInterface(nn.Linear):
    """A linear layer from the controller's output to the interface vector ``[B, P]``.

    It holds for each head key, strength, write gate, read gate, read modes, if there are any, and the word to
    write.

    Args:
        features: Number of values that it sees: the C of the controller's output and, before them, the V last
            read values, if it sees those.
        config: Options of the memory.
    """

    def __init__(self, features: int, config: SparseInterfaceConfig) -> None:
        self.sizes = (config.memory_width, 1, 1, 1, len(config.modes), config.memory_width)
        super().__init__(features, config.heads * sum(self.sizes))
        self.config = config

    def initialise(self) -> None:
        """Draw weights by Glorot and Bengio's uniform rule, and set biases as configured."""
        c = self.config
        nn.init.xavier_uniform_(self.weight)
        with torch.no_grad():
            keys, *columns, modes, add = self.bias.view(c.heads, -1).split_with_sizes(self.sizes, 1)
            keys.fill_(c.key_bias)
            modes.copy_(torch.tensor(c.modes))
            add.zero_()
            for column, bias in zip(
                columns, (c.strength_bias, c.write_gate_bias, c.read_gate_bias), strict=True
            ):
                column.copy_(torch.tensor(bias).expand(c.heads).unsqueeze(1))

    def tie_keys(self, skip: Tensor) -> None:
        """Start the key of each head as the same function as its word; see `SparseInterfaceConfig.key_init`.

        Args:
            skip: Weights of the inputs ``[P, I]``.
        """
        heads, width = self.config.heads, self.config.memory_width
        with torch.no_grad():
            for weight in (self.weight, skip):
                each = weight.view(heads, sum(self.sizes), -1)
                keys, *_, add = each.split_with_sizes(self.sizes, 1)
                keys.zero_()
                for head, key in enumerate(keys):
                    if weight is skip:
                        nn.init.orthogonal_(key)
                    elif self.config.key_init == "chain":
                        nn.init.orthogonal_(key[:, head * width : (head + 1) * width], TRACE)
                add.copy_(keys)

    def parameters_of(self, vector: Tensor) -> AccessParameters:
        """Return the parameters that an interface vector ``[B, P]`` stands for."""
        each = vector.view(len(vector), self.config.heads, -1)
        keys, strengths, write_gates, read_gates, modes, add = each.split_with_sizes(self.sizes, 2)
        return AccessParameters(
            keys=keys,
            strengths=1 + functional.softplus(strengths),
            write_gates=torch.sigmoid(write_gates),
            read_gates=torch.sigmoid(read_gates),
            modes=functional.softmax(modes, 2),
            add=add,
        )
