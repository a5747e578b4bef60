"""Searches the LSTM's recipe on each task, with about as many trials and minutes as the NTM's recipe took.

    .venv/bin/pip install --constraint constraints.txt --editable '.[search]'
    .venv/bin/python benchmarks/search.py
    .venv/bin/python benchmarks/search.py --show

A trial trains an LSTM for some minutes on one core. Its budget of sequences is what its speed allows, so that
the schedule of the learning rate is completed. Its value is the loss on validation sequences of the largest
training size. Optuna's tree-structured Parzen estimator (Bergstra et al. 2011) chooses the next trial. The
logs in `lstm_search/` have a line for each trial; a search resumes from them. Tasks can be searched side by
side.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import torch
import tyro
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState, create_trial

from ntm_agents.training import NonFiniteError, Run, TrainConfig, Trainer
from ntm_leaderboard.documents.markdown import table

HERE = Path(__file__).parent / "lstm_search"
SEED = 100
"""Seed of all trials; tables have other seeds."""
SPEED_SECONDS = 2.0
"""Time for which the speed of a model is measured."""

BUDGETS = {
    "copy": (40, 1.0),
    "associative_recall": (30, 1.0),
    "repeat_copy": (60, 2.0),
    "ngrams": (45, 1.6),
    "priority_sort": (20, 3.5),
}
"""Number of trials and minutes of each, after those of the NTM's recipes, which have no log."""

SPACE: dict[str, BaseDistribution] = {
    "hidden_size": CategoricalDistribution((64, 128, 256, 512)),
    "num_layers": CategoricalDistribution((1, 2, 3)),
    "forget_bias": CategoricalDistribution((0.0, 1.0, 3.0)),
    "orthogonal_init": CategoricalDistribution((False, True)),
    "learning_rate": FloatDistribution(3e-4, 2e-2, log=True),
    "batch_size": CategoricalDistribution((8, 16, 32, 64)),
    "max_grad_norm": FloatDistribution(0.05, 10, log=True),
    "beta2": CategoricalDistribution((0.99, 0.999)),
    "decay_start": FloatDistribution(0.0, 0.8),
    "ema_decay": CategoricalDistribution((0.9, 0.99, 0.995)),
}
"""Options that are searched on every task."""
MODEL = ("hidden_size", "num_layers", "forget_bias", "orthogonal_init")
"""Options of the model; the others of `SPACE` are options of training."""

VARIANTS: dict[str, dict[str, tuple[str, ...]]] = {
    "copy": {
        "sizes": ("{}", '{"curriculum": {"length": 5}}'),
        "task_overrides": ("{}", '{"task_overrides": {"blank": 0.1}}'),
    },
    "associative_recall": {
        "sizes": ("{}", '{"curriculum": {"items": 2}}'),
        "task_overrides": ("{}", '{"task_overrides": {"near_misses": 0.3}}'),
    },
    "repeat_copy": {
        "sizes": ("{}", '{"curriculum": {"repeats": 3}}', '{"curriculum": {"repeats": 3, "length": 3}}'),
        "task_overrides": ("{}", '{"task_overrides": {"blank": 0.1}}'),
    },
    "ngrams": {},
    "priority_sort": {
        "sizes": (
            "{}",
            '{"sizes": {"length": [2, 20]}}',
            '{"sizes": {"length": [2, 20]}, "curriculum": {"length": 5}}',
        ),
    },
}
"""Options of training, as JSON, that are searched on one task only."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Search the LSTM's recipe."""

    tasks: tuple[str, ...] = tuple(BUDGETS)
    """Names of tasks."""
    show: bool = False
    """Print the tables of the logs, and try nothing."""


def main(options: Options) -> None:
    """Run the trials that are left, and print the tables."""
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    HERE.mkdir(exist_ok=True)
    for task in options.tasks:
        trials = _read(task)
        while len(trials) < BUDGETS[task][0] and not options.show:
            trials.append(_trial(task, trials))
            with _log(task).open("a", encoding="utf-8") as file:
                file.write(json.dumps(trials[-1]) + "\n")
            print(f"{task}, {len(trials)} of {BUDGETS[task][0]}: {trials[-1]}", flush=True)
        if trials:
            print(_table(task, trials))


def _log(task: str) -> Path:
    return HERE / f"{task}.jsonl"


def _read(task: str) -> list[dict[str, Any]]:
    return (
        [json.loads(line) for line in _log(task).read_text(encoding="utf-8").splitlines()]
        if _log(task).exists()
        else []
    )


def _trial(task: str, trials: list[dict[str, Any]]) -> dict[str, Any]:
    """Choose options by the earlier trials, train, and return the line of the log."""
    variants = {name: CategoricalDistribution(choices) for name, choices in VARIANTS[task].items()}
    space = SPACE | variants
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=len(trials), multivariate=True))
    for line in trials:
        loss, params = line["validation_loss"], line["params"]
        state = TrialState.FAIL if loss is None else TrialState.COMPLETE
        study.add_trial(create_trial(params=params, distributions=space, value=loss, state=state))
    params = study.ask(space).params
    started = time.perf_counter()
    trainer, sequences = None, None
    try:
        speed = _speed(task, params)
        left = 60 * BUDGETS[task][1] - (time.perf_counter() - started)
        sequences = int(speed * left)
        trainer = Trainer(_run(task, params, sequences))
        trainer.train()
    except NonFiniteError:
        trainer, sequences = None, None
    return {
        "number": len(trials),
        "params": params,
        "sequences": sequences,
        "parameters": trainer and sum(parameter.numel() for parameter in trainer.model.parameters()),
        "seconds": round(time.perf_counter() - started, 1),
        "validation_loss": trainer and trainer.counters.best_loss,
        "validation_accuracy": trainer and trainer.counters.best_accuracy,
    }


def _run(task: str, params: dict[str, Any], sequences: int, validation_sequences: int = 256) -> Run:
    model = {name: params[name] for name in MODEL}
    train = {name: value for name, value in params.items() if name in SPACE and name not in MODEL}
    for name in VARIANTS[task]:
        train |= json.loads(params[name])
    train |= {"sequences": sequences, "validation_sequences": validation_sequences}
    config = TrainConfig(mixed_sizes=True, **train)
    return Run(agent="lstm", entry="ntm_baselines:LSTM", task=task, model=model, train=config, seed=SEED)


def _speed(task: str, params: dict[str, Any]) -> float:
    """Return the sequences per second of a short run, through the whole of its curriculum."""
    sequences: int = 4 * params["batch_size"]
    while True:
        trainer = Trainer(_run(task, params, sequences, validation_sequences=1))
        trainer.train()
        if trainer.counters.seconds > SPEED_SECONDS:
            return float(sequences / trainer.counters.seconds)
        sequences *= 2


def _table(task: str, trials: list[dict[str, Any]]) -> str:
    """Return the best trial of each size in Markdown, the best first."""
    best: dict[tuple[int, int], dict[str, Any]] = {}
    done = [line for line in trials if line["validation_loss"] is not None]
    for line in sorted(done, key=lambda line: -line["validation_loss"]):
        best[line["params"]["hidden_size"], line["params"]["num_layers"]] = line
    minutes = sum(line["seconds"] for line in trials) / 60
    rows = []
    for size, line in sorted(best.items(), key=lambda item: item[1]["validation_loss"]):
        params = dict(line["params"])
        own = [params.pop(name) for name in ("hidden_size", "num_layers")]
        same = [
            trial
            for trial in trials
            if (trial["params"]["hidden_size"], trial["params"]["num_layers"]) == size
        ]
        others = [f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in params.items()]
        measured = [f"{line['validation_loss']:.5f}", f"{line['validation_accuracy']:.2f}"]
        rows.append([*map(str, own), str(len(same)), *measured, f"{line['sequences']:,}", ", ".join(others)])
    head = (
        "hidden size",
        "layers",
        "trials",
        "loss (nats per bit)",
        "accuracy",
        "sequences",
        "other options",
    )
    title = f"{task}: {len(trials)} trials, {len(trials) - len(done)} not finite, {minutes:.0f} core-minutes"
    return f"\n{title}\n\n{table(head, rows, ['---:'] * 6 + ['---'])}"


if __name__ == "__main__":
    main(tyro.cli(Options))
