"""Options of the Dynamic Neural Turing Machine.

Source: Gulcehre, Chandar, Cho and Bengio, *Dynamic Neural Turing Machine with Soft and Hard Addressing
Schemes* (arXiv 1607.00036). The machine is in :mod:`ntm_agents.machines.dntm`.

Shape letters: A/D width of the address and of the content of a slot, W/R write and read heads, C hidden size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from ntm_agents.options import (
    Choices,
    Few,
    NonNegative,
    Positive,
    Within,
    check_options,
    expect,
    expect_per_head,
)


@dataclass(frozen=True, kw_only=True)
class DNTMConfig:
    """Options of a D-NTM, none of which depends on the number of slots."""

    controller: Annotated[Literal["feedforward", "lstm", "gru"], Choices(("feedforward", "gru"))] = "gru"
    """Kind of the controller (paper: GRU or feed-forward)."""
    hidden_size: Annotated[Positive, Choices((64, 100, 200))] = 100
    """Hidden size C of the controller."""
    read_heads: Few = 1
    """Number of read heads R."""
    write_heads: Few = 1
    """Number of write heads W."""
    memory_slots: Positive | None = None
    """Number of slots without the NOP cells; None for the episode's bound of steps."""
    address_width: Annotated[int, Within(2)] = 32
    """Width A of the address of a slot, an even number: a pair of cosine and sine for each frequency."""
    memory_width: Annotated[Positive, Choices((16, 20, 32))] = 16
    """Width D of the content of a slot."""
    learned_addresses: bool = True
    """True if the frequencies of the addresses are learned; otherwise they stay as they were drawn."""
    addressing: Literal["soft", "hard"] = "soft"
    """Kind of the weightings: distributions, or one slot for each head."""
    gradient: Literal["reinforce", "straight-through"] = "reinforce"
    """Way of learning hard weightings: slots are drawn in training, and what they cost is estimated; or the
    most probable slots are taken, with the gradient of the distributions (not in the paper)."""
    soft_batches: NonNegative = 1.0
    """Start s of the curriculum from soft to hard weightings: after n batches a sequence has soft ones with
    the probability sqrt(s / (s + n)) (paper: 1). Used in training with hard addressing only; 0 for none."""
    normalise: bool = True
    """True if REINFORCE divides costs by their running deviation."""
    entropy: NonNegative = 0.0
    """Weight of the bonus of REINFORCE for the entropy of the distributions."""
    lru: bool = True
    """True if weightings avoid what was similar to the key of the last steps (section 3.2)."""
    lru_bias: float = 0.0
    """Initial bias of the gate gamma of this term, before sigmoid."""
    nop_slots: Annotated[int, Within(0, 1000)] = 1
    """Number of NOP cells: a head that chooses one of them reads zeros, or writes nothing (paper: 1)."""
    order: Literal["read_first", "write_first"] = "read_first"
    """Order of reads and writes within a step."""
    strength_bias: float | tuple[float, ...] = 0.0
    """Initial bias of the key strength, before 1 + softplus, for all heads or for each, write heads first."""
    erase_bias: float = 0.0
    """Initial bias of each element of the erase vectors, before sigmoid."""
    by_content: tuple[bool, ...] = ()
    """For each head, write heads first, True if its key is compared with contents alone; empty for False.
    Such a key begins as the word that the first write head takes from the input. Not in the paper."""
    follows: tuple[int, ...] = ()
    """For each head the number of a read head, from 1, or 0; empty for zeros. A head that follows a read
    head, which may be itself, goes on to the address behind the one that was read last, as far as a gate is
    closed. Its own key, if not `by_content`, begins as the address of the first slot. With hard addressing
    the gate is open or closed, with the gradient of its sigmoid. Not in the paper."""
    gate_bias: float | tuple[float, ...] = -3.0
    """Initial bias of these gates, before sigmoid, for all heads or for each: negative for heads that begin
    by following."""
    feedback: Literal["slot", "content", "none"] = "slot"
    """Part of the read slots that the controller sees (paper: all of it). Logits see contents, and addresses
    if the controller does. What sees no addresses does the same at slots further than those of training."""
    epsilon: NonNegative = 1e-6
    """Addend of the product of norms in the similarity (paper: a small constant)."""
    kernel: Literal["auto", "reference", "fused"] = "auto"
    """Implementation of the recurrence: plain PyTorch, or a fused kernel, many times as fast and equal up to
    rounding. Auto takes the fused one where it applies: on a CPU, with Numba installed, but not for hard
    weightings by REINFORCE."""

    def __post_init__(self) -> None:
        check_options(self)
        heads = self.write_heads + self.read_heads
        expect(self.address_width % 2 == 0, "address_width", self.address_width, "an even number")
        valid = len(self.follows) in (0, heads) and all(0 <= head <= self.read_heads for head in self.follows)
        expected = f"for each of the {heads} heads a number from 0 to {self.read_heads}, or no numbers"
        expect(valid, "follows", self.follows, expected)
        expected = f"True or False for each of the {heads} heads, or nothing"
        expect(len(self.by_content) in (0, heads), "by_content", self.by_content, expected)
        expect_per_head(self, heads, "strength_bias", "gate_bias")
