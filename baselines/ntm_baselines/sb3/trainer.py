"""Training from rewards alone: a run as the supervised trainer makes it, but for what it learns from.

A run that was killed starts again, as Stable-Baselines3 cannot go on from the middle; one that is complete is
the same as of every other agent, and is evaluated in the same way.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack, VecMonitor
from torch import Tensor, nn

from ntm_agents.acting import ModelAgent
from ntm_agents.training.checkpoint import save_tensors
from ntm_agents.training.config import RewardConfig
from ntm_agents.training.run import Run, alone_in
from ntm_agents.training.trainer import (
    TRAINING,
    VALIDATION,
    Metrics,
    NonFiniteError,
    config_of,
    overridden,
    usable,
)
from ntm_baselines.sb3.memory import FloatRecurrentPPO, MemoryPolicy, MemoryPPO
from ntm_baselines.sb3.policies import FeedForward, Recurrent
from ntm_baselines.sb3.vec_env import SequenceVecEnv, StepRewards
from ntm_envs import capacity, keyed
from ntm_envs.files import write_atomically
from ntm_envs.playing import play

ALGORITHM = 2
"""The stream of a seed that Stable-Baselines3 and the environments are seeded by."""


@dataclass(kw_only=True)
class Counters:
    """Where a run is."""

    updates: int = 0
    sequences: int = 0
    steps: int = 0
    seconds: float = 0.0
    best_return: float = -math.inf
    best_accuracy: float = -1.0
    best_sequences: int = 0


class RewardTrainer:
    """Trains one model from rewards alone; its arguments are those of :class:`ntm_agents.Trainer`.

    Args:
        run: What to do; its `train` is a `RewardConfig`.
        folder: Where its files go. None for no files.
        report: Called with every line of metrics.
        device: Where to compute, such as ``cpu`` or ``cuda``.

    Raises:
        ValueError: If the folder holds another run, this one is not for this trainer or this machine, or the
            model and the algorithm do not go together.
    """

    def __init__(
        self,
        run: Run,
        folder: Path | None = None,
        *,
        report: Callable[[Metrics], None] = lambda metrics: None,
        device: str = "cpu",
    ) -> None:
        self.run, self.folder, self.config = run, folder, config_of(run, RewardConfig)
        self._report = report
        usable(device)
        self._spec = run.task_spec()
        self._task = self._spec.make()
        overridden(self._task, self.config.task_overrides)  # refuses overrides that the task does not have
        self._sizes = self.config.sizes_at(self._spec.training, 0.0)
        streams = keyed.stream_keys(np.full(3, run.seed), np.array([TRAINING, VALIDATION, ALGORITHM]))
        self._capacity = capacity(self._task.steps(**self._spec.largest))
        self._random = _random_states()
        with self._own_random_states():
            torch.manual_seed(int(streams[TRAINING]))
            self.model = run.build(self._task).to(device)
            # Not the run's own seed, with which rows of two runs would be the same.
            self._seed = int(streams[ALGORITHM]) % 2**31
            self.algorithm = _algorithm(
                self.config,
                self.model,
                self._environment(),
                capacity=self._capacity,
                seed=self._seed,
                device=device,
            )
        self._validation_keys = keyed.stream_keys(
            np.full(self.config.validation_sequences, streams[VALIDATION]),
            np.arange(self.config.validation_sequences),
        )
        self.counters = Counters()
        self._best: dict[str, Tensor] = {}
        if folder is not None:
            run.write(folder)

    @property
    def complete(self) -> bool:
        """Whether the run in the folder has come to its end."""
        return self.folder is not None and (self.folder / "summary.json").exists()

    @property
    def kernel(self) -> str | None:
        """What computes the model, if it has a choice."""
        return getattr(self.model, "kernel", None)

    def train(self) -> nn.Module:
        """Train to the end of the budget and return the model with the weights that are kept.

        Raises:
            ValueError: If the run is complete already, or another process is training in its folder.
            NonFiniteError: If weights are not finite.
        """
        with alone_in(self.folder):
            if self.complete:
                raise ValueError(f"the run in {self.folder} is complete; load it with load_run")
            self._train()
        return self.model.eval()

    @contextmanager
    def _own_random_states(self) -> Iterator[None]:
        """Go on where this run has left the generators that Stable-Baselines3 shares with everybody else."""
        others = _random_states()
        _set_random_states(self._random)
        try:
            yield
        finally:
            self._random = _random_states()
            _set_random_states(others)

    def _train(self) -> None:
        if self.folder is not None:
            (self.folder / "metrics.jsonl").write_text("")  # of a run that was killed
        with self._own_random_states():
            self.algorithm.learn(
                self.config.total_timesteps, callback=_Watch(self), log_interval=cast("int", None)
            )
        self.model.load_state_dict(self._best)
        if self.folder is not None:
            save_tensors(
                self.folder / "model.safetensors", self._best, {"sequences": self.counters.best_sequences}
            )
            summary = {
                "sequences": self.counters.sequences,
                "steps": self.counters.steps,
                "updates": self.counters.updates,
                "seconds": round(self.counters.seconds, 3),
                "kernel": self.kernel,
                "parameters": sum(p.numel() for p in self.model.parameters()),
                "restarts": 0,
                "dropped_updates": 0,
                "kept_at_sequences": self.counters.best_sequences,
                "validation_accuracy": self.counters.best_accuracy,
                "validation_return": self.counters.best_return,
            }
            write_atomically(self.folder / "summary.json", json.dumps(summary, indent=2).encode())

    def _environment(self) -> VecEnv:
        """Return the environment of the present sizes, as the algorithm is to see it."""
        config = self.config
        env: VecEnv = SequenceVecEnv(
            self._spec.env_id, config.num_envs, **self._sizes, **config.task_overrides
        )
        env = StepRewards(VecMonitor(env))  # which knows returns as they are
        if isinstance(self.model, FeedForward) and self.model.frames > 1:
            env = VecFrameStack(env, self.model.frames)
        return env

    def grow(self) -> None:
        """Go on in an environment of other sizes, where the curriculum has come to these."""
        done = min(1.0, self.counters.steps / self.config.total_timesteps)
        sizes = self.config.sizes_at(self._spec.training, done)
        if sizes == self._sizes:
            return
        self._sizes = sizes
        env = self._environment()
        env.seed((self._seed + self.counters.steps) % 2**31)
        self.algorithm.set_env(env, force_reset=False)
        algorithm = cast("OnPolicyAlgorithm", self.algorithm)
        algorithm._last_obs = cast("Any", env.reset())
        algorithm._last_episode_starts = np.ones(env.num_envs, np.bool_)

    def validate(self) -> None:
        """Play with the most probable symbols at the largest training size; keep the best weights."""
        counters = self.counters
        if isinstance(self.model, FeedForward | Recurrent):
            self.model.policy.load_state_dict(self.algorithm.policy.state_dict())
        played = play(
            ModelAgent(self.model, self._task.answers, self.algorithm.device),
            self._task,
            self._spec.largest,
            self._validation_keys,
            capacity=self._capacity,
            whole=True,
        )
        mean_return, accuracy = float(played.returns.mean()), float((played.wrong == 0).mean())
        self.log({"validation_return": mean_return, "validation_accuracy": accuracy})
        if mean_return >= counters.best_return:  # of those that are all right, the surest come last
            counters.best_return, counters.best_accuracy = mean_return, accuracy
            counters.best_sequences = counters.sequences
            self._best = {name: t.detach().clone() for name, t in self.model.state_dict().items()}

    def check_finite(self) -> None:
        """Refuse to go on with weights that are lost.

        Raises:
            NonFiniteError: If a weight is not finite.
        """
        for name, weights in self.algorithm.policy.named_parameters():
            if not weights.isfinite().all():
                raise NonFiniteError(
                    f"the weights {name} are not finite after {self.counters.steps:,} steps; a smaller "
                    "learning_rate or max_grad_norm may help"
                )

    def log(self, values: Metrics) -> None:
        """Write and report a line of metrics."""
        counters = self.counters
        line = {
            "update": counters.updates,
            "sequences": counters.sequences,
            "steps": counters.steps,
            **values,
        }
        line["seconds"] = round(counters.seconds, 3)
        if self.folder is not None:
            with (self.folder / "metrics.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
        self._report(line)


class _Watch(BaseCallback):
    """Counts, validates and reports while an algorithm learns."""

    def __init__(self, trainer: RewardTrainer) -> None:
        super().__init__()
        self._trainer = trainer
        self._started = time.perf_counter()
        self._ended: list[float] = []
        self._logged = self._validated = 0

    def _on_step(self) -> bool:
        over = np.flatnonzero(self.locals["dones"])
        self._ended += [float(self.locals["infos"][row]["episode"]["r"]) for row in over]
        self._trainer.counters.sequences += len(over)
        self._trainer.counters.steps = self.num_timesteps
        return True

    def _on_rollout_end(self) -> None:
        self._trainer.grow()

    def _on_rollout_start(self) -> None:  # behind an update, but for the first
        counters, config = self._trainer.counters, self._trainer.config
        counters.seconds = time.perf_counter() - self._started
        algorithm = cast("OnPolicyAlgorithm", self.model)
        algorithm.ent_coef = (
            config.ent_coef * config.rate(counters.steps / config.total_timesteps) / config.learning_rate
        )
        if not counters.steps:
            return
        counters.updates += 1
        self._trainer.check_finite()
        if counters.steps - self._logged >= config.total_timesteps // 200 and self._ended:
            self._logged = counters.steps
            self._trainer.log({"return": float(np.mean(self._ended))})
            self._ended = []
        if counters.steps - self._validated >= config.validate_every:
            self._validated = counters.steps
            self._trainer.validate()

    def _on_training_end(self) -> None:
        counters = self._trainer.counters
        counters.seconds = time.perf_counter() - self._started
        counters.updates += 1
        self._trainer.check_finite()
        self._trainer.validate()


def _random_states() -> tuple[Any, ...]:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002


def _set_random_states(states: tuple[Any, ...]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])


def _algorithm(
    config: RewardConfig, model: nn.Module, env: VecEnv, *, capacity: int, seed: int, device: str
) -> BaseAlgorithm:
    """Return what trains a model: Stable-Baselines3's own for its own policies, `MemoryPPO` for others."""
    share = config.n_steps * config.num_envs / config.total_timesteps  # of the training, that an update is of
    shared: dict[str, Any] = {
        "learning_rate": lambda left: config.rate(max(0.0, 1 - left - share)),
        "n_steps": config.n_steps,
        "gamma": config.gamma,
        "gae_lambda": config.gae_lambda,
        "ent_coef": config.ent_coef,
        "vf_coef": config.vf_coef,
        "max_grad_norm": config.max_grad_norm,
        "seed": seed,
        "device": device,
    }
    if config.algorithm == "a2c" and not isinstance(model, FeedForward):
        raise ValueError(
            f"algorithm is 'a2c', which has no memory; expected 'ppo' for {type(model).__name__}"
        )
    if config.algorithm == "a2c" and isinstance(model, FeedForward):
        return A2C("MlpPolicy", env, policy_kwargs=model.arguments, **shared)
    shared |= {
        "batch_size": config.batch_size,
        "n_epochs": config.n_epochs,
        "clip_range": config.clip_range,
        # The deviation is next to nothing once all is right: what is left is noise, and would be made large.
        "normalize_advantage": False,
    }
    if isinstance(model, FeedForward):
        return PPO("MlpPolicy", env, policy_kwargs=model.arguments, **shared)
    if isinstance(model, Recurrent):
        return FloatRecurrentPPO("MlpLstmPolicy", env, policy_kwargs=model.arguments, **shared)
    return MemoryPPO(
        cast("Any", MemoryPolicy), env, policy_kwargs={"model": model, "capacity": capacity}, **shared
    )
