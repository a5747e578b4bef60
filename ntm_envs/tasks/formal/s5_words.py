"""S5Words: multiply permutations of five elements.

Source: the word problem of the symmetric group S5, which is complete for NC1 (Barrington, *Bounded-width
polynomial-size branching programs recognize exactly those languages in NC1*, 1989). Merrill, Petty and
Sabharwal, *The Illusion of State in State-Space Models* (arXiv 2404.08819), compare sequence models on word
problems of groups.

Other definitions: In that paper each of the 60 elements of a group is a token, and the product of the tokens
so far is the target at every step, as one of 60 classes. Here there are two tokens, and one answer of five
symbols.

Versions: v0, the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ntm_envs import keyed
from ntm_envs.answers import Symbols
from ntm_envs.tasks.base import channel_names
from ntm_envs.tasks.formal.language import Language
from ntm_envs.tasks.formal.tokens import LADDER, TRAINING, Tokens, tokens
from ntm_envs.tasks.sizes import Integers
from ntm_envs.tasks.spec import TaskSpec

ELEMENTS = 5
GENERATORS = {
    "s5": {"(0 1)": (1, 0, 2, 3, 4), "(0 1 2 3 4)": (1, 2, 3, 4, 0)},
    "a5": {"(0 1 2)": (1, 2, 0, 3, 4), "(0 1 2 3 4)": (1, 2, 3, 4, 0)},
    "c5": {"(0 1 2 3 4)": (1, 2, 3, 4, 0), "(0 4 3 2 1)": (4, 0, 1, 2, 3)},
}
"""The two generators of each group, in cycle notation, with the images of the elements 0 to 4."""


@dataclass(frozen=True, kw_only=True)
class S5Words(Language):
    """The agent observes ``length`` L random permutations of five elements, then outputs their product.

    Each permutation is one of two that generate the group. They are applied from the first to the last.
    Symbol i of the answer is the final place of the element that starts at place i.

    Timing, for a transposition t of the first two places, a cycle c of all five, and a transposition::

        step       0  1  2  3
        token      t  c  t  .
        answer     .  .  .  1
        target 0   .  .  .  2
        target 1   .  .  .  0
        target 2   .  .  .  3
        target 3   .  .  .  4
        target 4   .  .  .  1

    Example:
        >>> batch = S5Words().episodes([5], length=4)
        >>> [S5Words().input_channels[i] for i in batch.inputs[:, 0].argmax(1)]
        ['(0 1)', '(0 1 2 3 4)', '(0 1 2 3 4)', '(0 1)', 'answer']
        >>> batch.targets[-1, 0].tolist()
        [3, 2, 4, 1, 0]
    """

    group: Literal["s5", "a5", "c5"] = "s5"
    """The group that the permutations generate: all 120 permutations (``s5``); the 60 even ones (``a5``),
    which are as hard to multiply; or the 5 powers of a cycle (``c5``), which only need a counter."""

    def __post_init__(self) -> None:
        if not isinstance(self.group, str) or self.group not in GENERATORS:
            raise ValueError(f"group is {self.group!r}; expected 's5', 'a5' or 'c5'")

    @property
    def input_channels(self) -> tuple[str, ...]:
        """One channel for each generator, in cycle notation, and the request for an answer."""
        return (*GENERATORS[self.group], "answer")

    @property
    def output_channels(self) -> tuple[str, ...]:
        """The final place of each element."""
        return channel_names("place", ELEMENTS)

    @property
    def answers(self) -> Symbols:
        """Five places."""
        return Symbols((ELEMENTS,) * ELEMENTS)

    @property
    def constant_output(self) -> NDArray[Any]:
        """The places after one cycle; the answers to long words are uniform."""
        return np.array([1, 2, 3, 4, 0], self.answers.dtype)

    def draw(self, keys: keyed.Keys, sizes: Mapping[str, Integers]) -> tuple[Tokens, Integers]:
        """Draw tokens, and multiply their permutations."""
        shown = tokens(keys, sizes["length"], 2)
        table = np.array([*GENERATORS[self.group].values(), range(ELEMENTS)])  # the last one is for padding
        product = np.tile(np.arange(ELEMENTS), (len(keys), 1))  # (B, 5)
        for token in shown:
            product = table[token[:, None], product]
        return shown, product[None]

    def solve(self, tokens: list[int]) -> list[tuple[int, ...]]:
        """Follow each element through all permutations."""
        permutations, places = list(GENERATORS[self.group].values()), tuple(range(ELEMENTS))
        for token in tokens:
            places = tuple(permutations[token][place] for place in places)
        return [places]


ROW = TaskSpec(
    name="s5_words",
    env_id="ntm_envs/S5Words-v0",
    suite="formal",
    order=41,
    task=S5Words,
    summary="multiply permutations of five elements",
    training=TRAINING,
    ladders=LADDER,
    small={"length": (1, 6)},
    digest="d4be21831d33ceb6",
)
