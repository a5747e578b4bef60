"""The table of agents: what an agent is made of, its recipes by task, and how it is found.

An agent is one file and one row of its package's table. Recipes are frozen literals: what is set here is
what `ntm-envs train --agent NAME --task TASK` uses without another word.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from typing import Any, get_args

from ntm_agents.training.config import RewardConfig, TrainConfig
from ntm_envs.agent import Agent
from ntm_envs.answers import Mode
from ntm_envs.lookup import absolute, did_you_mean, is_reference, load
from ntm_envs.tasks import Task


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A model's options and how it is trained."""

    model: Mapping[str, Any] = field(default_factory=dict)
    train: TrainConfig | RewardConfig = field(default_factory=TrainConfig)


@dataclass(frozen=True, kw_only=True)
class AgentSpec:
    """A row of a table of agents.

    Attributes:
        name: What the agent is called on the command line.
        entry: A reference to a model class, or to what makes an agent that does not learn here.
        summary: What it is, in a line.
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
            TypeError: If it does not say what its outputs are.
        """
        make: Callable[[Task], Agent | None] = load(self.entry)
        agent = make(task)
        if agent is None:
            return None
        if (found := getattr(agent, "outputs", None)) not in get_args(Mode):
            raise TypeError(f"{self.entry}: outputs is {found!r}; expected 'answers' or 'probabilities'")
        return agent


_WITH_LSTM = {
    # Biases give the heads roles: a writer and a reader behind it walk on, another looks up.
    # Its weighting must not be sharpened at first, or what it finds, spread over many slots, is lost
    # beside the one slot that it comes from, and with it the gradient; and its gate must let what it
    # found survive the steps to the answer. Near misses teach to compare all bits.
    "associative_recall": Recipe(
        model={
            "read_heads": 2,
            "memory_scale": 0.0,
            "gate_bias": (-6.0, -6.0, -1.0),
            "shift_bias": (0.0, 0.0, 6.0, 0.0, 0.0, 6.0, 0.0, 0.0, 4.0),
            "sharpening_bias": (1.0, 1.0, -4.0),
        },
        train=TrainConfig(
            sequences=48_000,
            sizes={"items": (5, 6)},
            lessons={"near_misses": 0.3},
            validation_sequences=256,
        ),
    ),
    # A table of counts: the last five bits are the key, slots differ from the start, and the next bit
    # is added to the slot that was read before it. Nothing is erased, so that nothing is forgotten.
    "ngrams": Recipe(
        model={
            "units": 48,
            "memory_slots": 64,
            "memory_width": 12,
            "memory_start": "position",
            "feedback": False,
            "followers": 1,
            "output_units": 32,
            "gate_bias": 4.0,
            "shift_bias": (0.0, 4.0, 0.0),
            "erase_bias": -12.0,
        },
        train=TrainConfig(
            sequences=40_000,
            batch_size=16,
            bucket_size=16,
            validation_sequences=256,
        ),
    ),
    # A selection sort: one head writes the list down, the reader looks up the largest priority, which
    # alone is compared with keys, and the second writer deletes what was read. Near ties are rare in
    # short lists, so in the end no list is short. If deleted slots are found again, it goes back.
    "priority_sort": Recipe(
        model={
            "units": 64,
            "memory_width": 12,
            "memory_scale": 0.0,
            "key_width": 2,
            "epsilon": 1.0,
            "write_heads": 2,
            "followers": 1,
            "order": "read_first",
            "skip": True,
            "feedback": False,
            "gate_bias": (-4.0, 0.0, 4.0),
            "shift_bias": (0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 4.0, 0.0),
        },
        train=TrainConfig(
            sequences=600_000,
            batch_size=16,
            bucket_size=16,
            mixed_sizes=True,
            sizes={"length": (2, 20)},
            curriculum={"length": 5},
            curriculum_end=0.35,
            longest_from=0.6,
            decay_start=0.6,
            rollback=4.0,
            validate_every=8_000,
            validation_sequences=256,
        ),
    ),
}
"""Recipes of NTMs with an LSTM as controller, the best ones of their tasks."""

TABLE = (
    AgentSpec(
        name="ntm",
        entry="ntm_agents.ntm:NTM",
        summary="Neural Turing Machine (Graves et al. 2014)",
        recipes={
            # Copy is walking through the memory twice. The writer begins by walking on; blank vectors must
            # not look like the end of the sequence.
            "copy": Recipe(
                model={"controller": "feedforward", "shift_bias": (0.0, 0.0, 2.0, 0.0, 0.0, 0.0)},
                train=TrainConfig(sequences=48_000, lessons={"blank": 0.1}),
            ),
            # Both heads walk, and never look up: the machine writes what it reads once more, further on, with
            # a tally of the repeats that are left. Repeats, harder to learn than lengths, grow, and soon: a
            # machine that says two or three for long learns a way that has room for no more. So steps are
            # large at first, and a run that is lost goes back.
            "repeat_copy": Recipe(
                model={
                    "controller": "feedforward",
                    "noise": 0.05,
                    "gate_bias": -60.0,
                    "shift_bias": (0.0, 0.0, 4.0, 0.0, 0.0, 4.0),
                    "sharpening_bias": (1.0, -4.0),
                },
                train=TrainConfig(
                    sequences=80_000,
                    batch_size=16,
                    bucket_size=4,
                    mixed_sizes=True,
                    lessons={"blank": 0.1},
                    curriculum={"repeats": 3},
                    curriculum_end=0.19,
                    learning_rate=5e-3,
                    clip_norm=0.05,
                    beta2=0.99,
                    rollback=10.0,
                ),
            ),
            **_WITH_LSTM,
        },
        default=Recipe(train=TrainConfig(sequences=64_000, mixed_sizes=True)),
    ),
    AgentSpec(
        name="ntm-lstm",
        entry="ntm_agents.ntm:NTM",
        summary="NTM with an LSTM controller",
        recipes={
            # The roles of the heads are those of the feed-forward machine. With orthogonal weights two of ten
            # seeds did not learn Copy.
            "copy": Recipe(
                model={
                    "orthogonal": False,
                    "gate_bias": -3.0,
                    "shift_bias": (0.0, 0.0, 2.0, 0.0, 0.0, 0.0),
                    "noise": 0.3,
                },
                train=TrainConfig(sequences=32_000, penalty=0.02, lessons={"blank": 0.1}),
            ),
            # The reader looks the start up, and goes round; what counts are the LSTM's cells.
            "repeat_copy": Recipe(
                model={
                    "units": 64,
                    "noise": 0.2,
                    "gate_bias": (-4.0, -1.0),
                    "shift_bias": (0.0, 0.0, 4.0, 0.0, 0.0, 2.0),
                    "strength_bias": (0.0, 4.0),
                    "sharpening_bias": (1.0, -4.0),
                },
                train=TrainConfig(
                    sequences=80_000,
                    batch_size=16,
                    mixed_sizes=True,
                    lessons={"blank": 0.1},
                    curriculum={"repeats": 3},
                    clip_norm=0.2,
                    decay_start=0.4,
                ),
            ),
            **_WITH_LSTM,
        },
        default=Recipe(train=TrainConfig(sequences=64_000, mixed_sizes=True)),
    ),
    AgentSpec(
        name="ntm-jump",
        entry="ntm_agents.ntm:NTM",
        summary="NTM whose readers may jump to the start, with a counter of jumps",
        recipes={
            # The writer leaves a mark at the last vector; the reader walks, and jumps where it reads the
            # mark. The counter, set to minus the repeats and up by one a jump, tells which jump was the last.
            # The other ways to go round, which do not carry further, are closed: there is no look-up, and
            # nothing that was read is written once more. Noise on gates and counter makes them exact.
            "repeat_copy": Recipe(
                model={
                    "controller": "feedforward",
                    "feedback": False,
                    "noise": 0.1,
                    "gate_bias": -60.0,
                    "shift_bias": (0.0, 0.0, 2.0, 0.0, 0.0, 2.0),
                    "sharpening_bias": (1.0, -4.0),
                    "jump": True,
                    "jump_noise": 1.0,
                    "signals": (8,),
                    "counted": (9,),
                    "count_bias": -0.5,
                    "count_noise": 0.2,
                },
                train=TrainConfig(
                    sequences=96_000,
                    batch_size=16,
                    mixed_sizes=True,
                    lessons={"blank": 0.1},
                    clip_norm=0.2,
                    beta2=0.99,
                    epsilon=1e-4,
                    penalty=0.02,
                    restart_after=10_000,
                    restart_loss=0.3,
                    privileges=("task_channels",),
                ),
            ),
        },
        default=Recipe(model={"jump": True}, train=TrainConfig(sequences=64_000, mixed_sizes=True)),
    ),
)


def find(name: str, tables: Iterable[AgentSpec]) -> AgentSpec:
    """Return an agent's row.

    Args:
        name: A name of the tables or of an installed package (entry points ``ntm_envs.agents``), or a
            reference such as ``./my_model.py:MyModel`` to a class of one's own: one with `initial_state`
            is a model to train, one with `act` an agent to judge.
        tables: The rows to look in.

    Raises:
        ValueError: If there is no such agent; the message suggests the nearest one.
        TypeError: If a reference names neither a model nor an agent.
    """
    if is_reference(name):
        return _own(name)
    for row in tables:
        if row.name == name:
            return row
    rows = installed(tables)  # what others have installed is loaded only when it is asked for
    if name not in rows:
        raise ValueError(did_you_mean("agent", name, rows))
    return rows[name]


def installed(tables: Iterable[AgentSpec]) -> dict[str, AgentSpec]:
    """Return all rows by name: those of the tables and of installed packages."""
    rows = {row.name: row for row in tables}
    for entry_point in entry_points(group="ntm_envs.agents"):
        if entry_point.name not in rows:
            try:
                found = entry_point.load()
                if not isinstance(found, AgentSpec):
                    raise TypeError(f"it is {found!r}; expected an AgentSpec")
                rows[entry_point.name] = found
            except Exception as error:  # one broken package must not take all agents with it
                warnings.warn(f"the agent {entry_point.name!r} cannot be loaded: {error}", stacklevel=3)
    return rows


def _own(reference: str) -> AgentSpec:
    found = load(reference)
    if isinstance(found, AgentSpec):
        return replace(found, entry=absolute(found.entry))
    learns = hasattr(found, "initial_state")
    if not learns and not (hasattr(found, "begin") and hasattr(found, "act")):
        raise TypeError(
            f"{reference} is {found!r}; expected a model (with initial_state and forward) or an agent (with "
            "begin and act)"
        )
    entry, attribute = absolute(reference), reference.rpartition(":")[2]
    summary = (inspect.getdoc(found) or attribute).splitlines()[0]
    return AgentSpec(name=attribute, entry=entry, summary=summary, learns=learns)
