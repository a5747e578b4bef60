r"""KeyValueRecall with up to 1,024 pairs in training, and a SAM that learns it.

    .venv/bin/python benchmarks/seeds.py --agents benchmarks/many_pairs.py:SAM --seeds 5 \
        --tasks benchmarks/many_pairs.py:ROW --first-seed 2025
    .venv/bin/python benchmarks/recall.py --runs bench/seeds/many_pairs/sam --pairs 32 1024 4096
    .venv/bin/python benchmarks/recall.py --runs bench/seeds/many_pairs/sam --pairs 16384 65536 \
        --episodes 16 --tables 32

Among the 32 pairs of the suite's training range, a key hardly ever meets one that differs from it in one bit;
among 4,096 of 16 bits, two of three keys have such a neighbour.
"""

from __future__ import annotations

from dataclasses import replace

from ntm_agents import registry
from ntm_agents.recipes.ntm import STEADY
from ntm_envs.tasks import TaskSpec, ladder
from ntm_envs.tasks.recall.key_value_recall import KeyValueRecall

ROW = TaskSpec(
    name="many_pairs",
    env_id="figures/ManyPairs-v0",
    task=KeyValueRecall,
    training={"pairs": (1, 1024)},
    ladders=ladder("pairs", (1024, 4096)),
)

_row = registry.find("sam", registry.TABLE)
_recipe = _row.recipe("key_value_recall")
SAM = replace(
    _row,
    default=replace(
        _recipe,
        model={**_recipe.model, "slots_per_step": 1},  # enough of them, where pairs are many
        train=replace(
            STEADY,
            sequences=16_000,
            curriculum={"pairs": 30},
            curriculum_end=0.6,
            validate_every=1000,
        ),
    ),
)
