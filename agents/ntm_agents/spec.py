"""A row of a table of agents: its model, and its recipes by task.

Recipes are frozen literals: the defaults of `ntm-envs train --agent NAME --task TASK`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from ntm_agents.training.config import LearnerConfig, TrainConfig
from ntm_envs.agent import Agent
from ntm_envs.answers import Mode
from ntm_envs.lookup import load
from ntm_envs.tasks import Task


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Options of a model and of its training.

    Attributes:
        model: Options of the model.
        learner: A name from the table of learners.
        train: Options of that learner.
    """

    model: Mapping[str, Any] = field(default_factory=dict)
    learner: str = "supervised"
    train: LearnerConfig = field(default_factory=TrainConfig)


@dataclass(frozen=True, kw_only=True)
class AgentSpec:
    """A row of a table of agents.

    Attributes:
        name: Name on the command line.
        entry: A reference to a model class, or to a function that makes an agent that does not learn here.
        summary: Description of the agent, on one line.
        learns: Whether `entry` is a model class that is trained. Otherwise it is called with the task and
            returns an :class:`ntm_envs.Agent`.
        recipes: Recipes by the names of tasks or of suites.
        default: The recipe of all other tasks.
    """

    name: str
    entry: str
    summary: str
    learns: bool = True
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    default: Recipe = field(default_factory=Recipe)

    def recipe(self, task: str, suite: str | None = None) -> Recipe:
        """Return the recipe for a task: its own, that of its suite, or the default."""
        return self.recipes.get(task) or self.recipes.get(suite or "") or self.default

    def make(self, task: Task) -> Agent | None:
        """Return the agent of a row that does not learn; None if the task has none.

        Raises:
            TypeError: If its `outputs` are neither answers nor probabilities.
        """
        make: Callable[[Task], Agent | None] = load(self.entry)
        agent = make(task)
        if agent is None:
            return None
        if (found := getattr(agent, "outputs", None)) not in get_args(Mode):
            raise TypeError(f"{self.entry}: outputs is {found!r}; expected 'answers' or 'probabilities'")
        return agent
