"""The NTM with options beyond its paper, which the recipes of some tasks need.

Example:
    >>> model = ExtendedNTM(9, 8, write_heads=2, followers=1, read_feedback=False)
    >>> model(torch.zeros(5, 2, 9), model.initial_state(batch_size=2, capacity=8))[0].shape
    torch.Size([5, 2, 8])
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ntm_agents.controllers import Controller
from ntm_agents.heads import HeadParameters, Heads
from ntm_agents.machines.ntm import NTM, NTMConfig, NTMState
from ntm_agents.options import Positive, Within, expect

PAPER_SLOTS = 128
"""Number of slots in the paper, with which strengths are the same with growth and without."""


@dataclass(frozen=True, kw_only=True)
class ExtendedNTMConfig(NTMConfig):
    """Options of an extended NTM."""

    followers: Annotated[int, Within(0)] = 0
    """Number of trailing write heads that reuse the latest weighting of the leading read heads: that of the
    last step or, if heads read first, of this one."""
    erasers: Annotated[int, Within(0)] = 0
    """Number of trailing write heads that erase, and add nothing."""
    erase_limit: Annotated[float, Within(1, 2)] = 1.0
    """Limit of the elements of the erase vectors of erasers: 1 takes away what is there, and 2 turns it to
    its opposite, so that a look-up by content no longer finds what was erased in part."""
    key_width: Positive | None = None
    """Width of keys, which are compared with the first columns of a slot, at most `memory_width`; None for
    all. The other columns then make a slot neither easier nor harder to find."""
    strength_growth: bool = False
    """True if key strengths are multiplied by log(N) / log(128), where N is the number of slots: to find one
    slot among more of them, a look-up needs a strength that grows with the logarithm of their number. (The
    paper has 128 slots.)"""
    skip_connection: bool = False
    """True if the head parameters see the inputs as well as the controller's output."""
    output_hidden_size: Annotated[int, Within(0)] = 0
    """Size of a hidden layer before the logits; 0 for none. Its activation asinh, linear around 0 and
    logarithmic far out, turns counts into log odds."""
    output_shortcut: bool = False
    """True if the logits see the controller's output and the read vectors beside the hidden layer. Without a
    hidden layer they always do."""
    read_feedback: bool = True
    """True if the controller sees the read vectors of the last step. Without them a machine cannot write
    again what it has read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, bound in (
            ("followers", min(self.write_heads, self.read_heads)),
            ("erasers", self.write_heads),
            ("key_width", self.memory_width),
        ):
            value = getattr(self, name)
            expect((value or 0) <= bound, name, value, f"at most {bound}")
        nothing = not (self.erasers and self.add_activation == "sigmoid")
        expect(nothing, "erasers", self.erasers, "0, as a sigmoid add vector is never 0")
        effective = self.erasers > 0 or self.erase_limit == 1
        expect(effective, "erase_limit", self.erase_limit, "1 without erasers, whose limit it is")


class ExtendedNTM(NTM):
    """An NTM with options beyond its paper; with their defaults it is an `NTM`.

    Differences from the paper, besides those of an `NTM`:

    - Write heads may follow read heads, that is, reuse the latest weighting of these (`followers`).
    - Write heads may do without add vectors (`erasers`), and erase more than there is (`erase_limit`).
    - Keys may be compared with a part of each slot only (`key_width`).
    - Key strengths may grow with the memory (`strength_growth`).
    - The head parameters may depend on the inputs directly (`skip_connection`).
    - A hidden layer may precede the logits (`output_hidden_size`), or stand beside them (`output_shortcut`).
    - The controller may do without the read vectors (`read_feedback`).

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `ExtendedNTMConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If the value of an option is not possible.
    """

    Config: ClassVar[type[NTMConfig]] = ExtendedNTMConfig
    config: ExtendedNTMConfig

    def _add_layers(self, input_size: int, output_size: int) -> None:
        c, features = self.config, self._read_size + self.config.hidden_size
        self.controller = self._new_controller(input_size, self._read_size)
        following, heads = range(c.write_heads - c.followers, c.write_heads), range(sum(self._roles))
        followed = [head + c.followers if head in following else head for head in heads]
        leaders = sorted(set(followed))
        self._order = [leaders.index(h) for h in followed]
        self.heads = Heads(c.hidden_size, c, c.key_width, leaders, c.erasers, c.erase_limit)
        if c.skip_connection:
            self.skip = nn.Linear(input_size, self.heads.out_features, bias=False)
            nn.init.xavier_uniform_(self.skip.weight)
        if c.output_hidden_size:
            self.hidden = nn.Linear(features, c.output_hidden_size)
        direct = features if c.output_shortcut or not c.output_hidden_size else 0
        self.output = nn.Linear(direct + c.output_hidden_size, output_size)

    def _new_controller(self, input_size: int, read_size: int) -> Controller:
        return super()._new_controller(input_size, read_size if self.config.read_feedback else 0)

    def project(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Return the shares of inputs and biases; see `NTM`."""
        projected, heads = super().project(inputs)
        if self.config.skip_connection:
            heads = heads + functional.linear(inputs, self.skip.weight)
        return projected, heads

    def _address(self, heads: HeadParameters, memory: Tensor, previous: Tensor) -> Tensor:
        """Return the weightings ``[B, H, N]`` of all heads; followers have those of read heads."""
        c, leading = self.config, self.config.write_heads - self.config.followers
        before = torch.cat((previous[:, :leading], previous[:, c.write_heads :]), 1)
        heads = heads._replace(strengths=heads.strengths * self._strength_factor(memory.shape[1]))
        weightings = super()._address(heads, memory[..., : c.key_width], before)
        writing, reading = weightings.split_with_sizes((leading, c.read_heads), 1)
        followed = previous[:, c.write_heads :] if c.order == "write_first" else reading
        return torch.cat((writing, followed[:, : c.followers], reading), 1)

    def read_out(self, features: Tensor) -> Tensor:
        """Return the logits ``[T, B, L]``, by way of the hidden layer if there is one."""
        if not self.config.output_hidden_size:
            return super().read_out(features)
        asinh = torch.asinh if torch.is_grad_enabled() else _asinh
        hidden = asinh(self.hidden(features))
        return super().read_out(torch.cat((features, hidden), -1) if self.config.output_shortcut else hidden)

    def _kernel_arguments(self, projected: tuple[Tensor, ...], state: NTMState) -> tuple[Any, ...]:
        """Return the kernel's arguments, in which all heads have all parameters."""
        options, inputs, weights, before = super()._kernel_arguments(projected, state)
        if self.config.followers or self.config.erasers:
            inputs = inputs._replace(parameters=self._of_all_heads(inputs.parameters, 2))
            weights = weights._replace(heads=self._of_all_heads(weights.heads, 0))
        factor = self._strength_factor(state.memory.shape[1])
        options = replace(
            options,
            followers=self.config.followers,
            strength_factor=factor,
            erasers=self.config.erasers,
            erase_limit=self.config.erase_limit,
        )
        return options, inputs, weights, before

    def _strength_factor(self, slots: int) -> float:
        return math.log(slots) / math.log(PAPER_SLOTS) if self.config.strength_growth else 1.0

    def _of_all_heads(self, parameters: Tensor, dim: int) -> Tensor:
        """Return all parameters of all heads; followers have those of their read heads."""
        heads, vectors = self.heads.split(parameters, dim)
        order = torch.tensor(self._order, device=heads.device)
        return torch.cat((heads.index_select(dim, order).flatten(dim, dim + 1), vectors), dim)


def _asinh(x: Tensor) -> Tensor:
    """Return the inverse hyperbolic sine in vectorised operations, which `torch.asinh` is not."""
    size = x.abs()
    more = size * (size / (1 + (1 + size * size).sqrt()))  # finite for any size
    return torch.log1p(size + more).copysign(x)
