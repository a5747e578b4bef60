"""Training and evaluation of agents on tasks with several seeds.

A bench is a list of independent jobs (`jobs_of`), which a launcher runs; its outcome is their results. The
numbers of jobs follow from the plan: more seeds add jobs at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ntm_agents import Run
from ntm_envs import tasks
from ntm_envs.lookup import absolute
from ntm_leaderboard.harness.entrants import agent_spec, new_run, ready
from ntm_leaderboard.harness.jobs import Arguments, Failure, Job, Launcher
from ntm_leaderboard.harness.ladder import rungs_of
from ntm_leaderboard.results import SEEDS, Result


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The agents, tasks and seeds of a bench, and how each run is evaluated.

    Attributes:
        agents: Names of agents, or references.
        tasks: Names of tasks, or references.
        seeds: Number of seeds.
        output: Folder of the runs and their results.
        sequences: Sequences per rung, if fewer than the ladder has.
        budget: Training sequences of every run whose learner counts sequences, in place of its recipe's.
        first_seed: First seed; the others follow it.
        up_to: Largest size to evaluate at, by the name of the task; the whole ladder without it.
    """

    agents: tuple[str, ...]
    tasks: tuple[str, ...]
    seeds: int
    output: Path
    sequences: int | None = None
    budget: int | None = None
    first_seed: int = 0
    up_to: Mapping[str, int] = field(default_factory=dict)


MOST_SEEDS = 1000
"""Largest number of seeds of a bench."""
QUICK = Plan(
    agents=("ntm", "lstm"),
    tasks=("copy", "associative_recall"),
    seeds=3,
    output=Path("bench/quick"),
    sequences=128,
    budget=48_000,
    up_to={"copy": 120, "associative_recall": 20},
)
"""A first look: two tasks, the lower rungs, and the same number of training sequences for everybody."""


@dataclass(frozen=True, kw_only=True)
class BenchJob(Job):
    """One run of a bench: train an agent on a task with one seed, then evaluate it.

    Attributes:
        agent: Name of the agent, or a reference.
        task: Name of the task, or a reference.
        seed: The seed.
        sequences: As in `Plan`.
        budget: As in `Plan`.
        up_to: Largest size to evaluate at; None for the whole ladder.
    """

    agent: str
    task: str
    seed: int
    sequences: int | None = None
    budget: int | None = None
    up_to: int | None = None

    def __str__(self) -> str:
        return f"{self.agent} on {self.task}, seed {self.seed}"

    @property
    def result(self) -> Path:
        """The file of the result."""
        return self.folder / "result.json"

    def complete(self) -> bool:
        """Return whether there is a result, of this agent and with every rung that is asked for.

        Raises:
            ValueError: If the folder holds another run, or the result is damaged.
        """
        if not self.result.exists():
            return False
        result = Result.read(self.result)
        if agent_spec(self.agent).learns:
            self._run().write(self.folder)  # refuses a folder that holds another run
        elif result.commitment != ready(self.agent, self.task).commitment:
            return False  # the agent has changed since
        wanted = rungs_of(tasks.spec(self.task), up_to=self.up_to, sequences=self.sequences)
        return all(_has(result, sizes, count) for sizes, count in wanted)

    def commands(self) -> list[Arguments]:
        """Return the commands that train, if the agent learns, and evaluate.

        Raises:
            ValueError: If the folder holds another run.
        """
        who = ["--agent", absolute(self.agent), "--task", absolute(self.task)]
        evaluate = [] if self.up_to is None else ["--up-to", str(self.up_to)]
        evaluate += [] if self.sequences is None else ["--sequences", str(self.sequences)]
        if not agent_spec(self.agent).learns:
            return [["evaluate", *who, "--output", self.result, *evaluate]]
        run = self._run()
        run.write(self.folder)
        train: list[str | Path] = ["train", *who, "--seed", str(self.seed), "--output", self.folder]
        learner = run.learner_row()
        if self.budget and learner.unit == "sequences":
            train += [f"--{learner.budget.replace('_', '-')}", str(self.budget)]
        return [train, ["evaluate", self.folder, *evaluate]]

    def _run(self) -> Run:
        """Return the run, with its budget."""
        run = new_run(self.agent, self.task, self.seed)
        learner = run.learner_row()
        if self.budget and learner.unit == "sequences":
            train = learner.with_budget(run.train.for_task(run.task_spec()), self.budget)
            run = replace(run, train=train)
        return run


@dataclass(frozen=True)
class Outcome:
    """Results in the order of the jobs, and the jobs that failed."""

    results: list[Result]
    failures: dict[BenchJob, Failure]


def plan(
    suite: str | None = None,
    *,
    agents: Sequence[str] = (),
    tasks: Sequence[str] = (),
    seeds: int | None = None,
    first_seed: int = 0,
    sequences: int | None = None,
    budget: int | None = None,
    output: Path | None = None,
) -> Plan:
    """Return the plan of a suite, or `QUICK` without one, with these settings in place of its own.

    Raises:
        ValueError: If there is no such suite, or a number is out of range.
    """
    if seeds is not None and not 1 <= seeds <= MOST_SEEDS:
        raise ValueError(f"seeds is {seeds}; expected 1 to {MOST_SEEDS}")
    for name, value in (("budget", budget), ("sequences", sequences)):
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value}; expected at least 1")
    if first_seed < 0:
        raise ValueError(f"first_seed is {first_seed}; expected at least 0")
    chosen = QUICK if suite is None else of_suite(suite)
    return replace(
        chosen,
        agents=tuple(agents) or chosen.agents,
        tasks=tuple(tasks) or chosen.tasks,
        seeds=chosen.seeds if seeds is None else seeds,
        first_seed=first_seed,
        sequences=chosen.sequences if sequences is None else sequences,
        budget=chosen.budget if budget is None else budget,
        output=output or chosen.output,
    )


def of_suite(suite: str) -> Plan:
    """Return the plan of a whole suite: every task and rung, five seeds, and agents that can learn it."""
    rows = tasks.suite(suite)
    supervised = all("supervised" in row.learners for row in rows)
    return Plan(
        agents=("ntm", "lstm") if supervised else ("ntm-ppo", "ppo"),
        tasks=tuple(row.name for row in rows),
        seeds=SEEDS,
        output=Path("bench") / suite,
    )


def run(
    jobs: Sequence[BenchJob],
    launcher: Launcher,
    *,
    first_seed: Callable[[list[Result]], None] = lambda results: None,
) -> Outcome:
    """Run jobs and return their results.

    Args:
        jobs: The jobs of a plan, or some of them.
        launcher: Runs the jobs.
        first_seed: Called with the results of the first seed once they are complete, if there are more seeds.
    """
    first = [job for job in jobs if job.seed == jobs[0].seed]
    waiting, complete = set(first), set[BenchJob]()

    def finished(job: BenchJob, failure: Failure | None) -> None:
        if job in waiting:
            waiting.remove(job)
            if failure is None:
                complete.add(job)
            if not waiting and len(first) < len(jobs):
                first_seed([Result.read(each.result) for each in first if each in complete])

    failures = launcher(jobs, finished)
    return Outcome([Result.read(job.result) for job in jobs if job not in failures], failures)


def jobs_of(plan: Plan) -> list[BenchJob]:
    """Return the jobs of a plan, all of them with one seed before the next.

    Raises:
        ValueError: If two agents would share a folder.
    """
    found = dict[Path, BenchJob]()
    rows = {agent: agent_spec(agent) for agent in plan.agents}
    names = {task: tasks.spec(task).name for task in plan.tasks}
    for seed in range(plan.first_seed, plan.first_seed + plan.seeds):
        for task, name in names.items():
            for agent, row in rows.items():
                if not row.learns and seed > plan.first_seed:
                    continue
                job = BenchJob(
                    number=len(found),
                    folder=plan.output / name / row.name / f"seed-{seed}",
                    agent=agent,
                    task=task,
                    seed=seed,
                    sequences=plan.sequences,
                    budget=plan.budget,
                    up_to=plan.up_to.get(name),
                )
                if (other := found.get(job.folder)) and (other.agent, other.task) != (agent, task):
                    raise ValueError(
                        f"{other} and {job} would share the folder {job.folder}; give the classes different "
                        "names"
                    )
                found.setdefault(job.folder, job)
    return list(found.values())


def _has(result: Result, sizes: dict[str, int], count: int) -> bool:
    """Return whether a result has so many sequences of a rung; the first ones are always the same."""
    return any(rung.sizes == sizes and rung.sequences >= count for rung in result.rungs)
