r"""OneShot with fifteen labels: five classes an episode in training, and up to fifteen in evaluation.

    .venv/bin/python benchmarks/seeds.py --agents benchmarks/fifteen_classes.py:MANN --seeds 1 \
        --tasks benchmarks/fifteen_classes.py:ROW --first-seed 2035
    .venv/bin/python benchmarks/presentations.py bench/seeds/fifteen_classes/mann

The recipe is that of OneShot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ntm_agents import registry
from ntm_envs.tasks import TaskSpec, ladder
from ntm_envs.tasks.recall.one_shot import OneShot


@dataclass(frozen=True, kw_only=True)
class FifteenLabels(OneShot):
    """OneShot, with fifteen labels."""

    labels: int = 15
    """Number of labels."""


ROW = TaskSpec(
    name="fifteen_classes",
    env_id="figures/FifteenClasses-v0",
    task=FifteenLabels,
    training={"classes": 5, "shots": 10},
    ladders=ladder("classes", (5, 10, 15), shots=10),
    metric="cost",
)

_row = registry.find("mann", registry.TABLE)
MANN = replace(_row, default=_row.recipe("one_shot"))
