"""The command line: tasks, agents, train, evaluate, bench, watch.

Options come from the dataclasses that the Python API uses. Those of `train` and `watch` depend on the
agent and the task, so these two are read first.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal, get_args

import torch
import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    UnsupportedTypeAnnotationError,
)

from ntm_agents import config_class
from ntm_agents.pretrained import pretrained_tasks
from ntm_agents.registry import installed
from ntm_agents.testing import ModelError, check_model
from ntm_agents.training import CheckpointError, NonFiniteError, learners
from ntm_agents.training.run import versions
from ntm_envs import tasks
from ntm_envs.lookup import comes_from_a_file, did_you_mean, is_reference, load
from ntm_leaderboard.board import verify as verification
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.board.rows import TRACKS
from ntm_leaderboard.board.submission import pack, weights_folder
from ntm_leaderboard.cli import report
from ntm_leaderboard.harness import bench as benchmark
from ntm_leaderboard.harness import watching
from ntm_leaderboard.harness.entrants import AGENTS, agent_spec, from_run, new_run, ready
from ntm_leaderboard.harness.evaluate import evaluate
from ntm_leaderboard.harness.recipes import read_recipe, refuse_earlier_names
from ntm_leaderboard.results import RECORD, Result

console = Console()
_REGISTRY = ConstructorRegistry()


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Train an agent on a task by its recipe, every part of which can be changed here.

    The same command on the same folder goes on where it was interrupted.
    """

    agent: str = "ntm"
    """A name from `ntm-envs agents`, or a model of your own: ./my_model.py:MyModel."""
    task: str = "copy"
    """A name from `ntm-envs tasks`, or a task of your own: ./my_task.py:MY_TASK."""
    seed: int = 0
    """Seed of initial weights, data and noise."""
    learner: str | None = None
    """How to learn: supervised (from targets), ppo or a2c (from rewards alone, by Stable-Baselines3), or one
    of an installed package; the learner of the agent's recipe without it."""
    recipe: Path | None = None
    """A JSON file in place of the agent's recipe: {"model": {...}, "learner": "ppo", "train": {...}}. Options
    given here override it."""
    output: Path | None = None
    """Folder of the run; runs/TASK-AGENT-SEED without it."""
    device: str = "cpu"
    """Where to compute, such as cpu or cuda."""
    tensorboard: bool = False
    """Write TensorBoard's event files into the folder too."""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Play the ladder of a task with a trained run, or with an agent that needs no training here."""

    run: tyro.conf.Positional[Path | None] = None
    """Folder of a complete run."""
    agent: str | None = None
    """Without a run: oracle, constant, uniform, a machine that comes trained, such as ntm, or an agent of
    your own: ./my_agent.py:MyAgent."""
    task: str | None = None
    """Without a run: the task; copy if there is none."""
    output: Path | None = None
    """Where the result goes; RUN/result.json without it."""
    up_to: int | None = None
    """Leave out the rungs at which a size is larger than this."""
    sequences: int | None = None
    """Sequences of a rung, if fewer than the ladder asks for."""
    device: str = "cpu"
    """Where a model computes, such as cpu or cuda."""


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Train and evaluate agents on tasks with several seeds, and compare them in a table and a picture.

    What is done already is not done again. Settings that are given replace those of the suite. Without a
    suite it is a quick comparison of the NTM and the LSTM on Copy and AssociativeRecall: three seeds, the
    same number of training sequences for everybody, and the lower rungs of the ladders.
    """

    suite: str | None = None
    """Suite of tasks, from `ntm-envs tasks`: all of them, the whole ladders, five seeds. It takes hours."""
    agents: tuple[str, ...] = ()
    """Agents: names, or references to your own."""
    tasks: tuple[str, ...] = ()
    """Tasks: names, or references to your own."""
    seeds: int | None = None
    """Number of seeds."""
    first_seed: int = 0
    """The first of them. A recipe that was found on some seeds has to be measured on others."""
    sequences: int | None = None
    """Sequences of a rung, if fewer than the ladder asks for."""
    jobs: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Runs at a time, each on one thread."""
    output: Path | None = None
    """Folder of everything that comes of it; bench/SUITE or bench/quick without it."""


@dataclass(frozen=True, kw_only=True)
class SubmitOptions:
    """Pack judged runs into a folder that others can check: results, configurations, weights, own source."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of judged runs, or folders of such folders, as `bench` makes."""
    output: Path = Path("submission")
    """The folder that is made, or added to."""
    held_at: str | None = None
    """Where you will put the weights, if they are larger than 2 MiB a run: an address such as
    https://example.org/weights. What goes there is written into a folder beside the submission."""


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """Check a submission: its files, and then whether the numbers come out again.

    The model plays the ladder in a process of its own, on sequences that are drawn after its weights are
    fixed; what comes of it is written beside the claim as verified.json, and stands in its place on boards,
    marked as doubted where the claim does not come out. That the training was as claimed cannot be seen from
    weights, and is not verified.
    """

    folder: tyro.conf.Positional[Path]
    """What `submit` has made, or a part of it."""
    replay: bool = False
    """Play the very sequences of each record that is there again, and compare; write nothing."""
    trust_code: bool = False
    """Allow source files of a submission to be executed. It gets limits, but no sandbox: read it first."""
    minutes: float = 60.0
    """How long each model may take."""
    gibibytes: float = 4.0
    """How much memory each may have."""


@dataclass(frozen=True, kw_only=True)
class LeaderboardOptions:
    """Show the agents of the project, and your own among them, ranked suite by suite and on each task."""

    action: tyro.conf.Positional[Literal["show", "build", "serve"]]
    """show: print the rankings. build: write it as a web page, with charts. serve: show that page on this
    machine."""
    results: tuple[Path, ...] = ()
    """Folders that `bench` or `submit` has made, or any that have such folders in them."""
    suite: tuple[str, ...] = ()
    """Suites to show; all of them without it."""
    tasks: tuple[str, ...] = ()
    """Tasks of your own that there are results on: ./my_task.py:MY_TASK. The file is executed."""
    alone: bool = False
    """Leave out the agents of the project."""
    output: Path = Path("site")
    """Where `build` writes the page: a new folder, or one that it has made before."""
    port: int = 8000
    """Where `serve` shows it: http://127.0.0.1:PORT; 0 for any that is free."""


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """Watch an agent play an episode: in the terminal, in a window, or as a GIF.

    Of a machine with a memory one sees where its heads are as well, and in windows and pictures what is in
    the memory.
    """

    agent: str = "oracle"
    """Folder of a complete run, or the name of an agent that needs no training or comes trained (ntm and
    ntm-jump do)."""
    task: str = "copy"
    """The task; that of the run, if the agent is one."""
    key: int = 0
    """Key of the episode: the same key is the same episode."""
    mode: Literal["ansi", "human"] = "ansi"
    """In the terminal, or in a window."""
    output: Path | None = None
    """Write a GIF here instead, or a PNG of the last moment."""
    fps: float = 8.0
    """Steps a second."""


def main(argv: Sequence[str]) -> int:
    """Run a command; return the exit code.

    Args:
        argv: The arguments behind `ntm-envs`.
    """
    commands: dict[str, tuple[Callable[[list[str]], int], str]] = {
        "tasks": (_tasks, "list the tasks"),
        "agents": (_agents, "list the agents"),
        "train": (_train, "train an agent on a task"),
        "evaluate": (_evaluate, "play the ladder of a task with a trained agent"),
        "bench": (_bench, "train and evaluate several agents, and compare them"),
        "watch": (_watch, "watch an agent play an episode"),
        "leaderboard": (_leaderboard, "rank the agents of the project, and your own among them"),
        "submit": (_submit, "pack judged runs for others to check"),
        "verify": (_verify, "check a submission, and play its ladder anew"),
    }
    if not argv or argv[0] in ("-h", "--help"):
        console.print("ntm-envs: how far does a sequence model generalise beyond what it was trained on?\n")
        for name, (_, summary) in commands.items():
            console.print(f"  ntm-envs {name:11} {summary}", highlight=False)
        console.print("\nntm-envs COMMAND --help tells more. Begin with: ntm-envs bench", highlight=False)
        return 0
    if argv[0] == "--version":
        print(f"ntm-envs {versions()['ntm-envs']}")
        return 0
    if argv[0] not in commands:
        return _fail(did_you_mean("command", argv[0], commands))
    torch.set_num_threads(1)  # the models are small; runs side by side are what uses the other cores
    try:
        return commands[argv[0]][0](list(argv[1:]))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read the output, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, TypeError, OSError, CheckpointError, ModelError, NonFiniteError) as error:
        if comes_from_a_file(error):
            traceback.print_exc()  # whoever wrote the file wants to know where
        return _fail(str(error))


def _say(text: str) -> None:
    """Print a line as it is: names of folders may look like markup."""
    console.print(text, markup=False, highlight=False)


def _fail(message: str) -> int:
    print(f"ntm-envs: {message}", file=sys.stderr)
    return 2


def _tasks(argv: list[str]) -> int:
    _parse(_Tasks, argv, "tasks")
    suite = ""
    for name in tasks.names():
        row = tasks.spec(name)
        if row.suite != suite:
            suite = row.suite
            console.print(f"[bold underline]suite {suite}[/]", highlight=False)
        console.print(f"[bold]{name}[/]  {row.summary}", highlight=False)
        console.print(f"    as          {row.env_id}", highlight=False)
        console.print(f"    trained on  {report.training_text(row)}", highlight=False)
        for i, text in enumerate(report.ladder_texts(row)):
            console.print(f"    {'' if i else 'evaluated':10}  {text}", highlight=False)
    return 0


def _agents(argv: list[str]) -> int:
    _parse(_Agents, argv, "agents")
    table = Table("agent", "what it is", "learns from", "comes trained on", box=None, header_style="bold")
    for row in sorted(installed(AGENTS).values(), key=lambda row: not row.learns):
        track = TRACKS[learners.find(row.default.learner).track] if row.learns else "–"
        trained = pretrained_tasks(row.name)
        by_suite = {suite: {spec.name for spec in tasks.suite(suite)} for suite in tasks.suites()}
        whole = [suite for suite, names in by_suite.items() if names <= set(trained)]
        others = [task for task in trained if tasks.spec(task).suite not in whole]
        where = [*(f"suite {suite}" for suite in whole), *others]
        table.add_row(row.name, row.summary, track, ", ".join(where))
    console.print(table)
    return 0


def _train(argv: list[str]) -> int:
    agent, task = _peek(argv, "--agent", "ntm"), _peek(argv, "--task", "copy")
    config = config_class(load(agent_spec(agent).entry))
    file, learner = _peek(argv, "--recipe", ""), _peek(argv, "--learner", "")
    recipe = read_recipe(Path(file), config) if file else None
    run = new_run(agent, task, learner=learner or None, recipe=recipe)
    refuse_earlier_names(argv, type(run.train), config)
    fields = [
        ("train", Annotated[type(run.train), tyro.conf.arg(name="")], field(default=run.train)),
        ("model", config, field(default_factory=lambda: config(**run.model))),
    ]
    options = _parse(_extended(TrainOptions, fields), argv, "train")
    if is_reference(agent):
        task_made = run.task_spec().make()
        check_model(
            load(run.entry),
            input_size=task_made.input_size,
            output_size=task_made.output_size,
            config=dataclasses.asdict(options.model),
        )
    name = f"{tasks.spec(options.task).name}-{run.agent}-{options.seed}"
    folder = options.output or Path("runs") / name
    run = dataclasses.replace(
        run, model=dataclasses.asdict(options.model), train=options.train, seed=options.seed
    )
    listeners: list[Callable[[Mapping[str, Any]], None]] = []

    def notify(metrics: Mapping[str, Any]) -> None:
        for listen in listeners:
            listen(metrics)

    trainer = run.learner_row().start(run, folder, report=notify, device=options.device)
    if trainer.complete:
        _say(f"The run in {folder} is complete. Judge it: ntm-envs evaluate {folder}")
        return 0
    if trainer.kernel:
        first = " (its first use on a machine compiles it, for half a minute)"
        _say(f"kernel: {trainer.kernel}{first if trainer.kernel == 'fused' else ''}")
    restarted_at = trainer.counters.restarted_at
    with ExitStack() as stack:
        listeners.append(stack.enter_context(report.training_display(console, run, restarted_at)))
        if options.tensorboard:
            listeners.append(stack.enter_context(report.tensorboard_log(folder)))
        try:
            trainer.train()
        except KeyboardInterrupt:
            _say(f"Stopped at {trainer.counters.sequences:,} sequences. The same command goes on from there.")
            raise
    counters = trainer.counters
    _say(
        f"Trained on {counters.sequences:,} sequences in {counters.seconds:.0f} s; sequence accuracy at the "
        f"largest training size {counters.best_accuracy:.3f}.\nJudge it: ntm-envs evaluate {folder}"
    )
    return 0


def _evaluate(argv: list[str]) -> int:
    options = _parse(EvaluateOptions, argv, "evaluate")
    if (options.run is None) == (options.agent is None):
        raise ValueError("name the folder of a run, or an --agent; one of the two")
    if options.run and options.task:
        raise ValueError("--task goes with --agent; a run has its own task")
    if options.run:
        entrant = from_run(options.run, options.device)
    else:
        entrant = ready(options.agent, options.task or "copy", options.device)
    path = options.output or (options.run / "result.json" if options.run else None)
    if path is None:
        path = Path("runs") / f"{entrant.spec.name}-{entrant.name}.json"
    with report.evaluation_display(console) as display:
        result = evaluate(entrant, path, up_to=options.up_to, sequences=options.sequences, report=display)
    report.print_result(console, result)
    _say(f"The result is in {path}")
    return 0


def _bench(argv: list[str]) -> int:
    options = _parse(BenchOptions, argv, "bench")
    plan = benchmark.plan(
        options.suite,
        agents=options.agents,
        tasks=options.tasks,
        seeds=options.seeds,
        first_seed=options.first_seed,
        sequences=options.sequences,
        output=options.output,
    )
    if options.jobs < 1:
        raise ValueError(f"jobs is {options.jobs}; expected at least 1")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stops as Ctrl-C does

    def first_seed(results: list[Result]) -> None:
        console.print("\nAfter the first seed:\n", style="bold")
        report.print_results(console, results)

    try:
        outcome = benchmark.run(plan, jobs=options.jobs, console=console, first_seed=first_seed)
    except KeyboardInterrupt:
        _say("Stopped. The same command goes on from there.")
        raise
    report.print_results(console, outcome.results)
    report.print_boards(console, Boards.of(outcome.results))
    if outcome.results:
        from ntm_leaderboard.page.figures import accuracy_figure

        path = plan.output / "accuracy.png"
        accuracy_figure(outcome.results, path)
        _say(f"The picture is in {path}, the results are beside it. What to do next:")
        _say(f"  ntm-envs leaderboard serve --results {plan.output}   a page with charts, among other agents")
        _say("  ntm-envs watch --agent ntm --task copy --length 20   a trained machine at work")
        _say("  ntm-envs bench --agents ntm ./my_model.py:MyModel    a model of your own beside it")
    for job, reason in outcome.failures.items():
        console.print(f"[red]{escape(str(job))} failed:[/] {escape(reason)}", highlight=False)
    return 1 if outcome.failures else 0


def _submit(argv: list[str]) -> int:
    options = _parse(SubmitOptions, argv, "submit")
    for folder in (packed := pack(options.runs, options.output, options.held_at)):
        _say(f"{folder}")
    if options.held_at:
        _say(f"Put what is in {weights_folder(options.output)} to {options.held_at}, as it lies there.")
    _say(f"{len(packed)} runs are in {options.output}. Check them: ntm-envs verify {options.output}")
    return 0


def _leaderboard(argv: list[str]) -> int:
    options = _parse(LeaderboardOptions, argv, "leaderboard")
    for task in options.tasks:
        tasks.spec(task)  # makes it known
    boards = Boards.read(options.results, shipped=not options.alone).only(options.suite)
    if options.action == "show":
        report.print_boards(console, boards)
        return 0
    from ntm_leaderboard import page  # it brings Jinja and Vega, which nothing else here needs

    if options.action == "build":
        index = page.build(boards, options.output)
        _say(f"The page is {index}: it opens in a browser, and on any host of static files.")
        return 0
    with page.serve(boards, options.port) as address:
        _say(f"The page is at {address} until you press Ctrl-C.")
        threading.Event().wait()
    return 0


def _verify(argv: list[str]) -> int:
    options = _parse(VerifyOptions, argv, "verify")
    folders = list(verification.runs_in(options.folder))
    if not folders:
        raise ValueError(f"there is no result.json in {options.folder}; name the folder that submit has made")
    failed = 0
    for folder in folders:
        try:
            found, verdict = _doubts(folder, options), "[yellow]doubted[/]"
        except Exception as error:
            found, verdict = [str(error) or repr(error)], "[red]refused[/]"
        failed += bool(found)
        if not found:
            verdict = "[green]plays the same again[/]" if options.replay else "[green]verified[/]"
        console.print(f"{escape(str(folder))}: {verdict}", highlight=False)
        for text in found:
            console.print(f"    {escape(text)}", highlight=False)
    return 1 if failed else 0


def _doubts(folder: Path, options: VerifyOptions) -> list[str]:
    """Play the ladder of a submission, anew or again, and say what does not come out."""
    claimed = verification.check(folder, trust_code=options.trust_code)
    with report.evaluation_display(console) as display:
        play = partial(
            verification.verify,
            folder,
            minutes=options.minutes,
            gibibytes=options.gibibytes,
            report=display,
        )
        if not options.replay:
            own = play()
            if found := verification.doubts(claimed, own):
                own = own.model_copy(update={"status": "doubted"})
            own.write(folder / RECORD)
            return found
        found = []
        for record in filter(None, (claimed, verification.check_record(folder, claimed))):
            again = play(nonce=record.nonce)
            found += [f"{record.status}: {text}" for text in verification.differences(record, again)]
    return found


def _watch(argv: list[str]) -> int:
    agent, task = _peek(argv, "--agent", "oracle"), _peek(argv, "--task", "")
    if Path(agent).is_dir() and task:
        raise ValueError("--task goes with the name of an agent; a run has its own task")
    entrant = from_run(Path(agent)) if Path(agent).is_dir() else ready(agent, task or "copy")
    largest = entrant.spec.largest
    fields = [(name, int, field(default=size)) for name, size in largest.items()]
    options = _parse(_extended(WatchOptions, fields), argv, "watch")
    if not 0 < options.fps <= 1000:
        raise ValueError(f"fps is {options.fps}; expected more than 0, and at most 1000")
    sizes = {name: getattr(options, name) for name in largest}
    env_id = entrant.spec.env_id
    if options.output is not None:
        watching.record(entrant.agent, env_id, sizes, options.key, [options.output], options.fps)
        _say(f"The episode is in {options.output}")
    else:
        watching.play(entrant.agent, env_id, sizes, options.key, options.mode, options.fps)
    return 0


@dataclass(frozen=True)
class _Tasks:
    """List the tasks by suite: what they are, what agents are trained on, and what they are evaluated on."""


@dataclass(frozen=True)
class _Agents:
    """List the agents: what they are, what they learn from, and on which tasks they come trained."""


def _parse(options: Any, argv: list[str], command: str) -> Any:
    return tyro.cli(options, args=argv, prog=f"ntm-envs {command}", registry=_REGISTRY)


@_REGISTRY.primitive_rule
def _mapping(
    info: PrimitiveTypeInfo,
) -> PrimitiveConstructorSpec[Any] | UnsupportedTypeAnnotationError | None:
    """Say every mapping in one way, `--sizes length 1 5`.

    Tyro does so for empty ones alone; others become an option for each key, which takes no other key.
    """
    if info.type_origin is not Mapping:
        return None
    alike: Any = GenericAlias(dict, get_args(info.type))
    return ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(alike, info.markers))


def _peek(argv: list[str], option: str, default: str) -> str:
    """Return the value of an option before the command line is read as a whole."""
    for i, argument in enumerate(argv):
        if argument == option and i + 1 < len(argv):
            return argv[i + 1]
        if argument.startswith(f"{option}="):
            return argument.partition("=")[2]
    return default


def _extended(options: type[Any], fields: list[Any]) -> type[Any]:
    """Return a dataclass of options with further fields."""
    made = dataclasses.make_dataclass(options.__name__, fields, bases=(options,), frozen=True, kw_only=True)
    made.__doc__ = options.__doc__
    return made
