"""TapeCopy with an expert, which leads a head that has gone astray back to the next symbol."""

from dataclasses import dataclass

import numpy as np

from ntm_envs.tasks import TaskSpec
from ntm_envs.tasks.interactive.tape import LEFT, RIGHT
from ntm_envs.tasks.interactive.tape_copy import TapeCopy


@dataclass(frozen=True, kw_only=True)
class Guided(TapeCopy):
    """Copy a tape."""

    base: int = 2

    def expert(self, state):
        head, written = state["head"], state["written"]
        symbol = state["output"][np.arange(len(head)), np.minimum(written, state["length"] - 1)]
        writes = head == written
        return np.stack([np.where(head > written, LEFT, RIGHT), writes, symbol * writes], 1).astype(np.uint8)


GUIDED = TaskSpec(
    name="guided",
    env_id="test/Guided-v0",
    task=Guided,
    training={"length": (1, 3)},
    ladders={"length": ({"length": 3}, {"length": 6})},
)
