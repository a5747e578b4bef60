"""Entrants, agents that are ready to be evaluated, and commitments to all that determines their behaviour."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import ntm_agents
import ntm_baselines
from ntm_agents import AgentSpec, ModelAgent, Recipe, Run, load_run
from ntm_agents.migrate import FORMAT
from ntm_agents.pretrained import pretrained
from ntm_agents.registry import find
from ntm_agents.training import learners
from ntm_agents.training.checkpoint import update_digest
from ntm_agents.training.checks import torch_device
from ntm_agents.training.run import (
    WEIGHTS,
    load_weights,
    read_description,
    read_summary,
    versions,
)
from ntm_agents.training.sources import executed_digest
from ntm_envs import capacity, tasks
from ntm_envs.agent import Agent
from ntm_envs.lookup import absolute, is_reference
from ntm_envs.tasks import Task, TaskSpec
from ntm_leaderboard.fields import check_agent
from ntm_leaderboard.results import Result, Training
from ntm_leaderboard.wording import command

AGENTS: tuple[AgentSpec, ...] = (*ntm_agents.TABLE, *ntm_baselines.TABLE)
"""The rows of all agents of the project."""


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """An agent that is ready to be evaluated on a task, and its description for results.

    `format`, `entry` and `model` describe it as its `config.json` does.
    """

    agent: Agent
    spec: TaskSpec
    name: str
    format: int
    entry: str
    model: dict[str, Any]
    seed: int
    training: Training | None
    privileges: tuple[str, ...] = ()
    commitment: str
    versions: dict[str, str]
    """The versions of the packages that its numbers depend on."""
    trusted: bool
    """True if its code is this project's own, and may take whole sequences at once."""
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    """The weights that play, by name."""
    untrained: Callable[[], Agent] | None = None
    """Returns the agent with its initial weights; None for one that was not trained here."""

    def __post_init__(self) -> None:
        check_agent(self.name)


def agent_spec(name: str) -> AgentSpec:
    """Return the row of an agent; see :func:`ntm_agents.registry.find`."""
    return find(name, AGENTS)


def references(task: Task) -> dict[str, Agent]:
    """Return the agents that every other agent is compared with, which do not learn, by name."""
    made = {row.name: row.make(task) for row in AGENTS if not row.learns}
    return {name: agent for name, agent in made.items() if agent is not None}


def from_run(folder: Path, device: str = "cpu") -> Entrant:
    """Return the agent that a complete run has trained.

    Args:
        folder: The run.
        device: Device to compute on, such as ``cpu`` or ``cuda``.

    Raises:
        FileNotFoundError: If there is no run in the folder, it is not complete, or its weights are held
            elsewhere; the message then says how to get them.
        ValueError: If one of its files is damaged.
        CheckpointError: If the weights do not belong to the model.
    """
    check_weights(folder)
    model, run = load_run(folder)
    stored, summary = read_description(folder), read_summary(folder)
    spec = run.task_spec()
    task = spec.make()
    state_values = counts_of(model, capacity(task.steps(**spec.largest)))[1]
    source, weights = run.sources.get("source"), load_weights(folder)
    return Entrant(
        agent=ModelAgent(model, task.answers, torch_device(device)),
        spec=spec,
        name=run.agent,
        format=stored.get("format", 1),
        entry=portable(stored["entry"]),
        model=stored["model"],
        seed=run.seed,
        training=training_of(run, stored["train"], summary, state_values, numbers_in(weights)),
        privileges=run.train.privileges,
        commitment=commitment_of(stored, weights, source),
        versions=versions(run.entry),
        trusted=source is None,
        weights=weights,
        untrained=lambda: untrained(run, device),
    )


def untrained(run: Run, device: str = "cpu") -> ModelAgent:
    """Return the agent of a run before its training, with initial weights that depend on its seed."""
    task = run.task_spec().make()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        return ModelAgent(run.build(task), task.answers, torch_device(device))


def check_weights(folder: Path) -> None:
    """Check that the weights of a run are not held elsewhere.

    Raises:
        FileNotFoundError: If they are; the message says how to get them.
        ValueError: If the result, which says that, is damaged.
    """
    weights, result = folder / WEIGHTS, folder / "result.json"
    if not weights.exists() and result.exists() and (held := Result.read(result).held):
        raise FileNotFoundError(f"the weights of {folder} are held {held.how_to_get(weights)}")


def training_of(
    run: Run, recipe: Mapping[str, Any], summary: Mapping[str, Any], state_values: int, weights: int
) -> Training:
    """Return the record of a training for a result.

    Args:
        run: The run.
        recipe: Its configuration of the training, as in its `config.json`.
        summary: Content of its `summary.json`.
        state_values: Numbers in the state of its model.
        weights: Numbers in the weights that play. Summaries of the first format counted critics too.

    Raises:
        ValueError: If the summary lacks something, or has something impossible.
    """
    names = ("sequences", "seconds", "restarts", "dropped_updates", "parameters", "steps", "kernel")
    own = {
        "learner": run.learner,
        "track": run.learner_row().track,
        "recipe": recipe,
        "state_values": state_values,
    }
    training = Training.model_validate_json(json.dumps(own | {name: summary.get(name) for name in names}))
    return training.model_copy(update={"parameters": min(training.parameters, weights)})


def numbers_in(tensors: Mapping[str, Tensor]) -> int:
    """Return how many numbers named tensors have."""
    return sum(tensor.numel() for tensor in tensors.values())


def ready(name: str, task: str, device: str = "cpu") -> Entrant:
    """Return an agent that needs no training here: one that does not learn, or a pretrained one.

    Raises:
        ValueError: If there is no such agent or task, or the agent has to be trained first.
    """
    if Path(name, "config.json").is_file():
        raise ValueError(f"{name} is the folder of a run; name it without --agent")
    row, spec = agent_spec(name), tasks.spec(task)
    if row.learns:
        train = command("train", "--agent", name, "--task", task, "--output", "RUN")
        first = f"{name} has to be trained first: {train}; then name RUN in place of --agent and --task"
        if is_reference(name) or is_reference(task):  # a custom one may have the name of a pretrained one
            raise ValueError(first)
        try:
            folder = pretrained(row.name, spec.name)
        except ValueError as error:
            raise ValueError(f"{first} ({error})") from error
        return from_run(folder, device)
    if (agent := row.make(spec.make())) is None:
        raise ValueError(f"{spec.name} has no {row.name}")
    source = executed_digest(row.entry)
    return Entrant(
        agent=agent,
        spec=spec,
        name=row.name,
        format=FORMAT,
        entry=portable(row.entry),
        model={},
        seed=0,
        training=None,
        commitment=commitment_of({"entry": row.entry, "model": {}}, {}, source),
        versions=versions(row.entry),
        trusted=source is None,
    )


def new_run(
    agent: str, task: str, seed: int = 0, *, learner: str | None = None, recipe: Recipe | None = None
) -> Run:
    """Return the run that trains an agent on a task by its recipe.

    Args:
        agent: A name, or a reference to a model.
        task: A name, or a reference.
        seed: Seed of initial weights, data and noise.
        learner: A name from the table of learners, if not that of the recipe: its defaults are then used.
        recipe: A recipe in place of the agent's own.

    Raises:
        ValueError: If there is no such agent, task or learner, the agent does not learn, its name is not
            possible, or the task cannot be learnt in this way.
    """
    row, spec = agent_spec(agent), tasks.spec(task)
    if not row.learns:
        raise ValueError(f"{agent} does not learn; evaluate it: ntm-envs evaluate --agent {agent} ...")
    check_agent(row.name)
    recipe = recipe or row.recipe(spec.name, spec.suite)
    if learner not in (None, recipe.learner):
        recipe = replace(recipe, learner=learner, train=learners.find(learner).config())
    if learners.find(recipe.learner).track not in spec.learners:
        possible = [row.name for row in learners.installed().values() if row.track in spec.learners]
        raise ValueError(
            f"the learner is {recipe.learner!r}; {spec.name} is learnt by: {', '.join(possible)} (--learner)"
        )
    return Run(
        agent=row.name,
        entry=row.entry,
        task=absolute(task),
        model=dict(recipe.model),
        learner=recipe.learner,
        train=recipe.train,
        seed=seed,
    )


def commitment_of(
    description: Mapping[str, Any], tensors: Mapping[str, Tensor], source: str | None = None
) -> str:
    """Return the SHA-256 of all that determines behaviour: description, read-out, weights, foreign source.

    The read-out is always the same: a bit is 1 where its probability is above one half, and another symbol is
    the most probable class. Of an agent that was trained elsewhere it covers the source alone, and not the
    files that this reads.

    Args:
        description: Content of `config.json`, as it was written, of which `entry` and `model` count.
        tensors: The weights that play.
        source: The SHA-256 of the source of a foreign model.
    """
    digest = hashlib.sha256()
    readout = {"bit": "p > 0.5", "entry": portable(description["entry"]), "model": description["model"]}
    digest.update(json.dumps(readout, sort_keys=True, separators=(",", ":")).encode())
    if source:
        digest.update(bytes.fromhex(source))
    update_digest(digest, tensors)
    return digest.hexdigest()


def portable(entry: str) -> str:
    """Return a reference without the folder of its file, which is meaningless elsewhere."""
    where, _, attribute = entry.rpartition(":")
    return f"{Path(where).name}:{attribute}" if where.endswith(".py") else entry


def counts_of(model: nn.Module, capacity: int) -> tuple[int, int]:
    """Return how many parameters a model has, and how many numbers its state for one sequence."""
    with torch.no_grad():
        state = model.initial_state(1, capacity)  # type: ignore[operator]
    return sum(parameter.numel() for parameter in model.parameters()), _count(state)


def _count(state: Any) -> int:
    return state.numel() if isinstance(state, Tensor) else sum(_count(part) for part in state)
