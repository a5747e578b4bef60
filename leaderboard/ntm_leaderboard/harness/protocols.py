"""The protocols of published tables of formal languages, so that figures can stand side by side.

Both are the mean token accuracy over lengths of inputs that are spread evenly over a range beyond, or partly
beyond, that of training. Every length counts the same, however many answers it has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.results import Result

LENGTHS = 46
"""Number of lengths: from 41 to 500 about every tenth, odd and even ones."""
SEQUENCES = 32
"""Sequences of a length."""
TOKENS: Mapping[str, Callable[[int], int]] = {
    "length": lambda size: size,
    "operands": lambda size: 2 * size - 1,
    "half": lambda size: 2 * size,
}
"""Number of tokens of an input of a size, by the name of the size."""


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A range of lengths of inputs.

    Attributes:
        name: Name on the command line.
        shortest: Smallest number of tokens.
        longest: Largest number of tokens.
        source: Publication whose tables have it.
    """

    name: str
    shortest: int
    longest: int
    source: str

    def rungs(self, spec: TaskSpec, sequences: int | None = None) -> list[tuple[dict[str, int], int]]:
        """Return the sizes of a task to play, each with its number of sequences.

        Args:
            spec: The task.
            sequences: Sequences of a size; None for `SEQUENCES`.

        Raises:
            ValueError: If it is no task of the suite ``formal``, or there is no sequence.
        """
        if sequences is not None and sequences < 1:
            raise ValueError(f"sequences is {sequences}; expected at least 1")
        if spec.suite != "formal":
            raise ValueError(
                f"{spec.name} is of the suite {spec.suite}; the protocol {self.name} is for tasks of the "
                "suite formal"
            )
        (name,) = spec.training
        inside = [n for n in range(1, self.longest + 1) if self.shortest <= TOKENS[name](n) <= self.longest]
        chosen = np.unique(np.linspace(inside[0], inside[-1], LENGTHS).round().astype(int)).tolist()
        return [({name: size}, sequences or SEQUENCES) for size in chosen]

    def accuracy(self, result: Result) -> float:
        """Return the mean over lengths of the share of tokens that are right."""
        return float(np.mean([rung.symbol_accuracy for rung in result.rungs]))


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="lengths-41-500",
            shortest=41,
            longest=500,
            source="Deletang et al., Neural Networks and the Chomsky Hierarchy (arXiv 2207.02098)",
        ),
        Protocol(
            name="lengths-40-256",
            shortest=40,
            longest=256,
            source="the tables of IBM/expressive-sparse-state-space-model (PD-SSM, NeurIPS 2025)",
        ),
    )
}
"""The protocols by name."""
