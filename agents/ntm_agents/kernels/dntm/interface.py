"""Arguments and results of the recurrence of a D-NTM, as tensors.

Terms that do not depend on the state are passed as addends, and functions of the results of a step are
computed outside, as for the NTM. Head parameters, reads and features lie as in
:mod:`ntm_agents.machines.dntm`.

Shape letters: T steps, B sequences, N slots, A/D width of the address and of the content of a slot, W/R write
and read heads, H = W + R, C hidden size, G pre-activations of a hidden unit (4 of an LSTM or GRU, otherwise
1), V = R * (A + D) values that are read, S those of them that the controller sees, P head parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a D-NTM that its recurrence depends on, and that follow from no tensor's shape."""

    write_heads: int
    """Number of write heads W."""
    write_first: bool
    """True if heads read the memory as it is after the write of the same step."""
    lru: bool
    """True if weightings avoid what was similar to the key of the last steps."""
    nop_slots: int
    """Number of NOP cells, the first slots."""
    follows: tuple[int, ...]
    """For each head the number of a read head, from 1, or 0; empty for zeros."""
    by_content: tuple[bool, ...]
    """For each head, True if its key is compared with contents alone; empty for False."""
    feedback: Literal["slot", "content", "none"]
    """Part of the read slots that the controller sees. Features have addresses if it does."""
    epsilon: float
    """Addend of the product of the norms, which keeps the similarity finite."""

    @property
    def extras(self) -> int:
        """Number of parameters of a head behind its key and strength."""
        return self.lru + bool(self.follows)


class Inputs(NamedTuple):
    """Shares of the inputs in T steps, which do not depend on the state."""

    preactivations: Tensor
    """Shares of inputs and bias in the controller's pre-activations ``[T, B, G * C]``; of a GRU those of
    :func:`ntm_agents.fusing.one_product`. Overwritten."""
    parameters: Tensor
    """Shares of inputs and bias in the head parameters ``[T, B, P]``: for each head key (A + D), strength
    and, if there are any, gates gamma and of following; then erase vectors (D) of all write heads, their
    candidates (D), and their gates alpha."""
    contents: Tensor
    """Shares of the inputs in what is written, before the gates alpha, ``[T, B, W * D]``."""
    soft: Tensor | None
    """Sequences whose weightings are distributions, bool ``[B]``; None for all. The others have the most
    probable slots, with the gradients of the distributions."""


class Weights(NamedTuple):
    """Weights of the recurrence."""

    recurrent: Tensor
    """From the last reads and, but for a feed-forward controller, the last output to the pre-activations,
    ``[G * C, S]`` or ``[G * C, S + C]``."""
    heads: Tensor
    """From the controller's output to the head parameters ``[P, C]``."""
    rotation: Tensor
    """Cosines and sines of the angles from each address to the next ``[2, A / 2]``."""


class State(NamedTuple):
    """State before the first or after the last step."""

    memory: Tensor
    """Contents ``[B, N, D]``."""
    addresses: Tensor
    """Addresses, the same in all sequences, ``[1, N, A]``."""
    weightings: Tensor
    """Of all heads, write heads first, ``[B, H, N]``. Those before the first step are of no consequence."""
    similarities: Tensor
    """Moving averages of what was similar to the keys ``[B, H, N]``."""
    reads: Tensor
    """Read vectors, of each the address and then the content, ``[B, V]``."""
    controller: tuple[Tensor, ...]
    """Output and cells of an LSTM, or output of a GRU, each ``[B, C]``; or nothing."""


class Result(NamedTuple):
    """Results of T steps."""

    features: Tensor
    """Read vectors, or their contents if the controller sees no addresses, and output of the controller after
    each step ``[T, B, V + C]`` or ``[T, B, R * D + C]``."""
    weightings: Tensor | None
    """Weightings after each step ``[T, B, H, N]``; None of :func:`infer`, which keeps only the last."""
    state: State
    """State after the last step."""
