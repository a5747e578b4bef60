"""The Sparse DNC: Sparse Access Memory with temporal links, to be read beside appendix D of its paper.

Source: Rae, Hunt et al., *Scaling Memory-Augmented Neural Networks with Sparse Reads and Writes* (NIPS 2016).
The page `docs/equations-sam.md` goes through the equations, each with the function that computes it.

Shape letters: B batch, H heads, N memory slots, M width of a slot, K slots that a head reads, L entries that
a row of links keeps (the paper's K_L).

Example:
    >>> model = SDNC(9, 8, heads=2, links=3)
    >>> logits, state = model(torch.zeros(5, 2, 9), model.initial_state(batch_size=2, capacity=8))
    >>> logits.shape, state.slots.shape, state.links.values.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 2, 4]), torch.Size([2, 2, 8, 3]))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from ntm_agents import link_rows
from ntm_agents.kernels.checks import check_indices
from ntm_agents.link_rows import Links
from ntm_agents.machines.sam import SAM, SAMConfig, SAMState
from ntm_agents.observed import observer
from ntm_agents.options import Choices, Positive, expect
from ntm_agents.sparse_access import merge
from ntm_agents.sparse_interface import AccessParameters

INDICES = ("last", "columns", "followers")
"""Parts of the links that are slots."""


@dataclass(frozen=True, kw_only=True)
class SDNCConfig(SAMConfig):
    """Options of a Sparse DNC: those of a SAM, which always compares all slots here, and two of its links."""

    links: Annotated[Positive, Choices((4, 8))] = 8
    """Entries L that each row and column of the links keeps, and slots of the precedence weighting (paper:
    8, as K_L)."""
    mode_bias: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Initial biases of the read modes backward, content and forward, before softmax, of all heads."""

    @property
    def modes(self) -> tuple[float, ...]:
        """Initial biases of the read modes."""
        return self.mode_bias

    def __post_init__(self) -> None:
        super().__post_init__()
        fused = self.kernel == "fused"
        expect(not fused, "kernel", self.kernel, "'auto' or 'reference', as no fused kernel has links")


class SDNC(SAM):
    """A SAM that also reads what it has written before or after what it read last.

    A step of a SAM in plain PyTorch takes O(H N M) time, as it compares all slots with each key and writes to
    a copy of the memory, and for the backward pass it keeps O(N M) numbers. Links add O(H (K + L) L²) of
    arithmetic, whatever N is, and copies of their tables of H N L entries, as no state is changed in place,
    and of the gradients of these entries. They keep nothing that grows with N.

    Differences from the paper, besides those of the :class:`SAM <ntm_agents.machines.sam.SAM>`:

    - Its matrices N and P, which are transposes of each other but for what they drop, are one, with an index
      of its columns. An entry is followed forward if both its row and its column keep it.
    - Gradients go through the entries of the links, though not through the choice of what is kept; the paper
      stops them, for simplicity.
    - As in a DNC, no slot is linked to itself.

    Choices where the paper is silent:

    - Each head has links of its own, between the slots that it has written.
    - The mixture of the three ways keeps its K largest weights, which are not normalised: like the weights of
      a DNC, they have a sum of at most 1.
    - Before any write there are no links, and the precedence weighting is zero.

    Args:
        input_size: Number of input channels I.
        output_size: Number of logits L.
        **config: Options of `SDNCConfig`.

    Raises:
        TypeError: If there is no such option.
        ValueError: If the value of an option is not possible.
    """

    Config: ClassVar[type[SAMConfig]] = SDNCConfig
    agent: ClassVar[str] = "sdnc"
    integers: ClassVar[Mapping[str, torch.dtype]] = {
        **SAM.integers,
        **{f"state.links.{name}": torch.int64 for name in INDICES},
    }
    config: SDNCConfig

    def initial_state(self, batch_size: int, capacity: int) -> SAMState:
        """Return the state at the start of episodes: that of a SAM, without any link."""
        state = super().initial_state(batch_size, capacity)
        slots, heads = state.memory.shape[1], self.config.heads
        links = link_rows.no_links(state.memory, batch_size, heads, slots, min(self.config.links, slots))
        return state._replace(links=links)

    def state_shapes(self, batch_size: int, slots: int) -> list[tuple[int, ...]]:
        """Return the shapes of a state's tensors; see `MemoryMachine`."""
        each, count = (batch_size, self.config.heads), min(self.config.links, slots)
        links = 2 * [(*each, count)] + 3 * [(*each, slots, count)]
        return [*super().state_shapes(batch_size, slots), *links]

    def check_state(self, inputs: Tensor, state: SAMState) -> None:
        """Check that a state fits, and that links are between slots; see `MemoryMachine`."""
        super().check_state(inputs, state)
        if not observer():  # which would see the numbers
            for name in INDICES:
                check_indices(f"state.links.{name}", getattr(state.links, name), state.memory.shape[1])

    def _write(self, parameters: AccessParameters, state: SAMState) -> tuple[SAMState, Tensor]:
        """Return the state with memory and links after the write, and the write weightings ``[B, H, N]``."""
        written, writing = super()._write(parameters, state)
        count = min(state.slots.shape[2] + 1, writing.shape[2])  # what was read, and a free slot
        links = link_rows.link(Links(*state.links), *writing.topk(count, dim=2))
        return written._replace(links=links), writing

    def _read(self, parameters: AccessParameters, state: SAMState) -> tuple[Tensor, Tensor]:
        """Return the weights of the slots that heads read, and these slots, both ``[B, H, K]``."""
        content, found = super()._read(parameters, state)  # c
        links = Links(*state.links)
        backward, before = link_rows.backward(links, state.weightings, state.slots)  # b
        forward, after = link_rows.forward(links, state.weightings, state.slots)  # f
        pi = parameters.modes.unsqueeze(3).unbind(2)
        ways = torch.cat((pi[0] * backward, pi[1] * content, pi[2] * forward), 2)
        return merge(ways, torch.cat((before, found, after), 2), found.shape[2])

    def trace(self, state: SAMState) -> dict[str, Tensor]:
        """Return what that of a SAM does, and the largest links of any head, ``[B, N, N]``."""
        return super().trace(state) | {"links": link_rows.dense(Links(*state.links)).amax(1)}
