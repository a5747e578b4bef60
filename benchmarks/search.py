"""Searches the LSTM's recipe on each task, with about as many trials and minutes as the NTM's recipe took.

    .venv/bin/pip install --constraint constraints.txt --editable '.[search]'
    .venv/bin/python benchmarks/search.py
    .venv/bin/python benchmarks/search.py --show

A trial trains an LSTM for some minutes on one core, with a budget of sequences that its speed allows, so that
its schedule comes to its end, and is judged as every training run is: by the loss on validation sequences of
the largest training size. Optuna's tree-structured Parzen estimator (Bergstra et al. 2011) chooses what is
tried next. A line a trial is kept in `lstm_search/`, from which a search goes on; tasks may be searched side
by side.
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

HERE = Path(__file__).parent / "lstm_search"
SEED = 100
"""The seed of all trials; none of those that tables are made of."""
SPEED_SECONDS = 2.0
"""How long the speed of a model is measured."""

BUDGETS = {
    "copy": (40, 1.0),
    "associative_recall": (30, 1.0),
    "repeat_copy": (60, 2.0),
    "ngrams": (45, 1.6),
    "priority_sort": (20, 3.5),
}
"""Trials, and minutes of each. Those of the NTM's recipes, which these follow, have no log."""

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
"""What is searched on every task."""
MODEL = ("hidden_size", "num_layers", "forget_bias", "orthogonal_init")

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
"""What is searched on one task alone: options of training, as JSON."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """Search the LSTM's recipe."""

    tasks: tuple[str, ...] = tuple(BUDGETS)
    """Tasks, by name."""
    show: bool = False
    """Print what was found, and try nothing."""


def main(options: Options) -> None:
    """Make the trials that are left."""
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    HERE.mkdir(exist_ok=True)
    for task in options.tasks:
        trials = _read(task)
        while len(trials) < BUDGETS[task][0] and not options.show:
            trials.append(_trial(task, trials))
            with _log(task).open("a") as file:
                file.write(json.dumps(trials[-1]) + "\n")
            print(f"{task}, {len(trials)} of {BUDGETS[task][0]}: {trials[-1]}", flush=True)
        if trials:
            print(_table(task, trials))


def _log(task: str) -> Path:
    return HERE / f"{task}.jsonl"


def _read(task: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _log(task).read_text().splitlines()] if _log(task).exists() else []


def _trial(task: str, trials: list[dict[str, Any]]) -> dict[str, Any]:
    """Choose options in the light of earlier trials, train, and return the line of the log."""
    variants = {name: CategoricalDistribution(choices) for name, choices in VARIANTS[task].items()}
    space = SPACE | variants
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=len(trials), multivariate=True))
    for line in trials:
        loss, params = line["validation_loss"], line["params"]
        state = TrialState.FAIL if loss is None else TrialState.COMPLETE
        study.add_trial(create_trial(params=params, distributions=space, value=loss, state=state))
    params = study.ask(space).params
    started = time.perf_counter()
    trainer = None
    try:
        speed = _speed(task, params)
        left = 60 * BUDGETS[task][1] - (time.perf_counter() - started)
        trainer = Trainer(_run(task, params, int(speed * left)))
        trainer.train()
    except NonFiniteError:
        trainer = None
    return {
        "number": len(trials),
        "params": params,
        "sequences": trainer and trainer.run.train.sequences,
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
    """Return the sequences a second of a run in small, through the whole of its curriculum."""
    sequences = 4 * params["batch_size"]
    while True:
        trainer = Trainer(_run(task, params, sequences, validation_sequences=1))
        trainer.train()
        if trainer.counters.seconds > SPEED_SECONDS:
            return sequences / trainer.counters.seconds
        sequences *= 2


def _table(task: str, trials: list[dict[str, Any]]) -> str:
    """Return the best trial of each size in Markdown, the best first."""
    best: dict[tuple[int, int], dict[str, Any]] = {}
    done = [line for line in trials if line["validation_loss"] is not None]
    for line in sorted(done, key=lambda line: -line["validation_loss"]):
        best[line["params"]["hidden_size"], line["params"]["num_layers"]] = line
    minutes = sum(line["seconds"] for line in trials) / 60
    lines = [
        f"\n{task}: {len(trials)} trials, {len(trials) - len(done)} not finite, {minutes:.0f} core-minutes\n",
        "| units | layers | trials | loss (nats a bit) | accuracy | sequences | other options |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for size, line in sorted(best.items(), key=lambda item: item[1]["validation_loss"]):
        params = {
            name: value for name, value in line["params"].items() if name not in ("hidden_size", "num_layers")
        }
        count = sum(
            (trial["params"]["hidden_size"], trial["params"]["num_layers"]) == size for trial in trials
        )
        lines.append(
            f"| {size[0]} | {size[1]} | {count} | {line['validation_loss']:.5f} | "
            f"{line['validation_accuracy']:.2f} | {line['sequences']:,} | "
            + ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in params.items())
            + " |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main(tyro.cli(Options))
