"""Tables in Markdown, and the measure that they show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.results import Rung

BY_COST = ("ngrams", "priority_sort")
"""Tasks measured by cost in bits: even the best predictor errs, or one bit more or less means little."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: Sequence[str]) -> str:
    """Return a table in Markdown.

    Args:
        head: Headings of the columns.
        rows: The cells.
        align: The line below the headings: ``---`` or ``---:``, by column.
    """
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, align, *rows))


def by_cost(spec: TaskSpec) -> bool:
    """Return whether documents measure a task by cost instead of by sequences without an error."""
    return spec.name in BY_COST


def cost_above_oracle(rung: Rung) -> float:
    """Return the cost in bits of a sequence above the oracle's, on the same sequences.

    Raises:
        ValueError: If the agent gives no probabilities, and so has no cost.
    """
    own, best = rung.score.cost_in_bits, rung.references["oracle"].cost_in_bits
    if own is None:
        raise ValueError(f"the rung at {rung.sizes} has no cost in bits; its agent gives no probabilities")
    return own - (best or 0)
