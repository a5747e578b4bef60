"""The interface between the controller and the memory of a DNC: its interface vector.

Source: Graves, Wayne et al., *Hybrid computing using a neural network with dynamic external memory* (Nature
538, 2016), Methods, "Interface parameters". Masks and the sharpening of links are from Csordas and
Schmidhuber, *Improving Differentiable Neural Computers* (arXiv 1904.10278).

Shape letters: B batch, C hidden size of the controller, R read heads, H = 1 + R heads, M width of a slot, V
= R * M values that are read, P values of the interface vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents.options import Choices, Few, Positive, Within, check_options, expect

MASK_FLOOR = 0.1
"""Least factor of a mask (Csordas and Schmidhuber), so that no part of a key ever loses its gradient."""


@dataclass(frozen=True, kw_only=True)
class InterfaceConfig:
    """Options of the memory of a DNC and of its interface."""

    read_heads: Few = 4
    """Number of read heads R (paper: 1 to 8, by task)."""
    memory_width: Annotated[Positive, Choices((12, 16, 20, 32))] = 20
    """Width M of a slot (paper: 20 to 64, by task)."""
    links: Annotated[int, Within(0)] | None = None
    """Entries that each row of the link matrix keeps, and largest weights that count at a write (paper: 8
    for sparse links); None for all, 0 for a machine without links, which reads by content alone."""
    masking: bool = False
    """True if each key comes with a mask, which says what part of it to compare (Csordas and Schmidhuber)."""
    deallocation: bool = False
    """True if the free gates erase the content of the slots that they release (Csordas and Schmidhuber)."""
    link_sharpening: bool = False
    """True if backward and forward weightings are sharpened (Csordas and Schmidhuber)."""
    least_usage: Annotated[float, Within(0, 1)] = 0.0
    """Usage below which look-ups by content leave a slot out; 0 to leave none out. Otherwise empty slots take
    a part of each weighting, the more the more of them there are. Not in either paper."""
    skip_connection: bool = False
    """True if the interface vector sees inputs and last read vectors as well as the controller's output. Not
    in either paper."""
    write_activation: Literal["identity", "tanh"] = "identity"
    """Activation of the write vector; the paper has none. With ``tanh`` what a step adds to a slot is
    bounded, also where what was read is written again."""
    write_init: Literal["random", "orthogonal"] = "random"
    """Start of the weights from the inputs to the write vector. With ``orthogonal``, which needs
    `skip_connection`, slots are as similar at first as the inputs that were written to them, as far as their
    width allows: at random, inputs that have nothing in common look alike by chance."""
    key_init: Literal["random", "chain"] = "random"
    """Start of the weights of the read heads' keys. With ``chain``, which needs `skip_connection`, the first
    key starts as the same function of the inputs as the write vector, so that a part of what was written
    finds the whole, and each further key as the last read vector of the head before it, so that what was
    found stays in view for as many steps as there are heads."""
    strength_bias: float | tuple[float, ...] = 0.0
    """Initial bias of the key strength, before 1 + softplus: one for all heads, or one for each, the write
    head first. Such biases give heads their roles."""
    mask_bias: float = 0.0
    """Initial bias of each element of a mask, before sigmoid."""
    mode_bias: tuple[float, ...] = ()
    """Initial biases of the read modes backward, content and forward, before softmax: 3 for all read heads,
    or 3 for each; empty for 0."""
    link_sharpening_bias: float = 0.0
    """Initial bias of the powers of backward and forward weightings, before 1 + softplus."""
    free_gate_bias: float | tuple[float, ...] = 0.0
    """Initial bias of the free gates, before sigmoid, for all read heads or for each: negative for a machine
    that begins by releasing nothing."""
    allocation_gate_bias: float = 0.0
    """Initial bias of the allocation gate, before sigmoid: positive for a machine that begins by writing to
    free slots."""
    write_gate_bias: float = 0.0
    """Initial bias of the write gate, before sigmoid."""
    erase_bias: float = 0.0
    """Initial bias of each element of the erase vector, before sigmoid."""

    def __post_init__(self) -> None:
        check_options(self)
        heads, links = self.read_heads, self.links != 0
        for name, lengths in (
            ("strength_bias", (1 + heads,)),
            ("free_gate_bias", (heads,)),
            ("mode_bias", (0, 3, 3 * heads) if links else (0,)),
        ):
            value, numbers = getattr(self, name), " or ".join(map(str, lengths))
            valid = not isinstance(value, tuple) or len(value) in lengths
            expect(valid, name, value, f"{numbers} finite numbers, as there are {heads} read heads")
        sharpened = self.link_sharpening and not links
        expect(not sharpened, "link_sharpening", True, "False, as links is 0")
        for name in ("write_init", "key_init"):
            seen = getattr(self, name) == "random" or self.skip_connection
            expect(seen, name, getattr(self, name), "'random', as skip_connection is False")


class InterfaceParameters(NamedTuple):
    """Parameters of the memory at one step; of the heads the write head comes first."""

    keys: Tensor  # k, (B, H, M)
    strengths: Tensor  # beta >= 1, (B, H, 1)
    masks: Tensor | None  # in [0.1, 1], (B, H, M)
    modes: Tensor | None  # pi, distributions over backward, content and forward, (B, R, 3)
    powers: Tensor | None  # of backward and forward weightings, >= 1, (B, R, 2)
    free_gates: Tensor  # f in [0, 1], (B, R, 1)
    allocation_gate: Tensor  # g^a in [0, 1], (B, 1)
    write_gate: Tensor  # g^w in [0, 1], (B, 1)
    write: Tensor  # v, (B, 1, M)
    erase: Tensor  # e in [0, 1], (B, 1, M)


class Interface(nn.Linear):
    """A linear layer from the controller's output to the interface vector ``[B, P]``.

    It holds for each head, the write head first, key, strength and mask; then for each read head the modes;
    then for each read head two powers; the free gates; allocation gate and write gate; write vector and erase
    vector. What the options leave out is not there.

    Args:
        features: Number of values that it sees: the C of the controller's output and, behind the V last read
            values, if it sees those.
        config: Options of the memory.
    """

    def __init__(self, features: int, config: InterfaceConfig) -> None:
        c, heads, width = config, config.read_heads, config.memory_width
        self.head = (width, 1, width) if c.masking else (width, 1)
        self.sizes = [
            (1 + heads) * sum(self.head),
            3 * heads if c.links != 0 else 0,
            2 * heads if c.link_sharpening else 0,
            *(heads, 1, 1, width, width),
        ]
        super().__init__(features, sum(self.sizes))
        self.config = config

    def initialise(self) -> None:
        """Draw weights by Glorot and Bengio's uniform rule, and set biases as configured."""
        c, heads, width = self.config, self.config.read_heads, self.config.memory_width
        strengths = torch.tensor(c.strength_bias).expand(1 + heads).unsqueeze(1)
        masks = torch.full((1 + heads, width if c.masking else 0), c.mask_bias)
        parts = (
            torch.cat((torch.zeros(1 + heads, width), strengths, masks), 1),
            torch.tensor(c.mode_bias or [0.0] * 3).repeat(1 if len(c.mode_bias) > 3 else heads),
            torch.full((2 * heads,), c.link_sharpening_bias),
            torch.tensor(c.free_gate_bias).expand(heads),
            torch.tensor([c.allocation_gate_bias]),
            torch.tensor([c.write_gate_bias]),
            torch.zeros(width),
            torch.full((width,), c.erase_bias),
        )
        nn.init.xavier_uniform_(self.weight)
        with torch.no_grad():
            for bias, part in zip(self.bias.split_with_sizes(self.sizes), parts, strict=True):
                bias.copy_(part.flatten()[: len(bias)])

    def orthogonalise_writes(self, skip: Tensor) -> None:
        """Start the write vector as an orthogonal map of the inputs; see `InterfaceConfig.write_init`.

        Args:
            skip: Weights of the inputs ``[P, I]``.
        """
        with torch.no_grad():
            *_, write, _ = skip.split_with_sizes(self.sizes)
            nn.init.orthogonal_(write)

    def chain_keys(self, skip: Tensor) -> None:
        """Start the keys of the read heads as a chain; see `InterfaceConfig.key_init`.

        Args:
            skip: Weights of the inputs ``[P, I]``.
        """
        heads, width = self.config.read_heads, self.config.memory_width
        with torch.no_grad():
            for weight in (self.weight, skip):
                each, *_, write, _ = weight.split_with_sizes(self.sizes)
                keys = each.view(1 + heads, sum(self.head), -1)[1:, :width]
                keys.zero_()
                if weight is skip:
                    keys[0] = write
                else:
                    write.zero_()
                    for head in range(1, heads):
                        keys[head, :, (head - 1) * width : head * width] = torch.eye(width)

    def parameters_of(self, vector: Tensor) -> InterfaceParameters:
        """Return the parameters that an interface vector ``[B, P]`` stands for."""
        c, heads = self.config, self.config.read_heads
        each, modes, powers, free, allocation, gate, write, erase = vector.split_with_sizes(self.sizes, 1)
        keys, strengths, *masks = each.view(len(each), 1 + heads, -1).split_with_sizes(self.head, 2)
        return InterfaceParameters(
            keys=keys,
            strengths=1 + functional.softplus(strengths),
            masks=MASK_FLOOR + (1 - MASK_FLOOR) * torch.sigmoid(masks[0]) if masks else None,
            modes=functional.softmax(modes.view(-1, heads, 3), 2) if c.links != 0 else None,
            powers=1 + functional.softplus(powers.view(-1, heads, 2)) if c.link_sharpening else None,
            free_gates=torch.sigmoid(free).unsqueeze(2),
            allocation_gate=torch.sigmoid(allocation),
            write_gate=torch.sigmoid(gate),
            write=(torch.tanh(write) if c.write_activation == "tanh" else write).unsqueeze(1),
            erase=torch.sigmoid(erase).unsqueeze(1),
        )
