"""Training from rewards alone: the loop around an algorithm of Stable-Baselines3.

A run differs from one of the supervised trainer only in its training signal. On a CPU it is a function of
its configuration and seed, to the byte, also when it was killed and resumed: a checkpoint holds everything
that the next rollout and update depend on (:mod:`ntm_baselines.sb3.resuming`). An interrupt ends the present
rollout and update first.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar, cast

import numpy as np
import torch
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack, VecMonitor
from torch import Tensor, nn

from ntm_agents.acting import ModelAgent
from ntm_agents.training import checkpoint
from ntm_agents.training.checks import NonFiniteError, check_finite, torch_device, with_overrides
from ntm_agents.training.curriculum import Curriculum, Sizes
from ntm_agents.training.defaults import own_defaults
from ntm_agents.training.learners import Metrics, config_for
from ntm_agents.training.run import Run
from ntm_agents.training.trainer import TRAINING, VALIDATION
from ntm_agents.training.writer import Counters, RunWriter, State
from ntm_baselines.learners.rewards import RewardConfig
from ntm_baselines.policies import PolicyModel
from ntm_baselines.sb3.resuming import generators, play_tensors, restore_play, set_generators
from ntm_baselines.sb3.vec_env import SequenceVecEnv, StepRewards
from ntm_envs import capacity, keyed
from ntm_envs.playing import play

C = TypeVar("C", bound=RewardConfig)

ALGORITHM = 2
"""The stream of a seed that Stable-Baselines3 and the environments are seeded by."""
LINES = 200
"""Largest number of lines of returns in the metrics of a run."""


@dataclass(kw_only=True)
class RewardCounters(Counters):
    """Counters of learning from rewards."""

    steps: int = 0
    logged_at: int = 0
    """Steps before the last line of returns."""
    best_return: float = -math.inf


class RewardTrainer(ABC, Generic[C]):
    """A trainer of one model from rewards alone; its arguments are those of :class:`ntm_agents.Trainer`.

    A subclass names its options and makes its algorithm.

    Args:
        run: The run; its learner takes options of the class `Config`.
        folder: Folder of its files; a run in it is resumed. None for no files.
        report: Called with every line of metrics.
        device: Device to compute on, such as ``cpu`` or ``cuda``.

    Attributes:
        model: The model that is trained, without a critic.
        capacity: Upper bound of the number of steps of an episode, a power of two.
        algorithm: The algorithm of Stable-Baselines3.
        counters: Position of the run.

    Raises:
        ValueError: If the folder holds another run, this one is not for this trainer or this machine, or the
            algorithm cannot train the model.
        CheckpointError: If its checkpoint does not belong to the model.
    """

    Config: ClassVar[type[RewardConfig]]

    def __init__(
        self,
        run: Run,
        folder: str | Path | None = None,
        *,
        report: Callable[[Metrics], None] = lambda metrics: None,
        device: str = "cpu",
    ) -> None:
        self.run = run = replace(run)  # loads files anew if they have changed, and keeps to them
        self.config = cast("C", config_for(run, self.Config))
        torch_device(device)
        self._spec = run.task_spec()
        self._task = self._spec.make()
        self._training_task = with_overrides(self._task, self.config.task_overrides)
        self._curriculum = Curriculum(self.config, self._task, self._spec.training)
        self._sizes = self._curriculum.at(0.0)
        streams = keyed.stream_keys(np.full(3, run.seed), np.array([TRAINING, VALIDATION, ALGORITHM]))
        both = self._task, self._training_task
        self.capacity = capacity(max(task.steps(**self._spec.largest) for task in both))
        self.counters = RewardCounters()
        self._returns: list[float] = []  # of the episodes since the last line of metrics
        self._best: dict[str, Tensor] = {}
        self._random = generators()
        with self._own_generators():
            torch.manual_seed(int(streams[TRAINING]))
            self.model = run.build(self._task).to(device)
            # Not the run's own seed, with which rows of two runs would be the same.
            self._seed = int(streams[ALGORITHM]) % 2**31
            self.algorithm = self._algorithm(self._environment(), self._shared_arguments(device))
        self.algorithm.set_logger(Logger(folder=None, output_formats=[]))
        self._validation_keys = keyed.stream_keys(
            np.full(self.config.validation_sequences, streams[VALIDATION]),
            np.arange(self.config.validation_sequences),
        )
        self._writer = RunWriter(run, folder, report)
        with own_defaults():
            self._resume()

    @abstractmethod
    def _algorithm(self, env: VecEnv, shared: dict[str, Any]) -> OnPolicyAlgorithm:
        """Return the algorithm that trains the model.

        Args:
            env: The environment.
            shared: Arguments that all algorithms have in common.

        Raises:
            ValueError: If the algorithm cannot train the model.
        """

    @property
    def complete(self) -> bool:
        """True if the run in the folder is complete."""
        return self._writer.complete

    @property
    def kernel(self) -> str | None:
        """The model's own `kernel`, if it has one."""
        return getattr(self.model, "kernel", None)

    def train(self) -> nn.Module:
        """Train to the end of the budget and return the model with the weights that are kept.

        An interrupt (Ctrl-C, SIGTERM) ends the present update, writes a checkpoint and is raised again.

        Raises:
            ValueError: If the run is complete already, or another process is training in its folder.
            NonFiniteError: If weights, or the returns of all validations, are not finite.
            KeyboardInterrupt: After an interrupt.
        """
        counters, every = self.counters, self.config.validate_every
        with self._writer.locked():
            with self._writer.updates(counters) as updates, self._own_generators():
                while not self._is_over():
                    self._update()
                    updates.tick()
                    self._log_returns()
                    if self._is_over() or counters.steps - counters.validated_at >= every:
                        self.validate()
                    updates.end(self._state)
            kept, best = counters.best_return, self._best
            if not math.isfinite(kept):
                raise NonFiniteError("no validation has a finite return; check the rewards of the task")
            self._writer.finish(counters, self.model, best, kernel=self.kernel, validation_return=kept)
        self.model.load_state_dict(self._best)
        return self.model.eval()

    def validate(self) -> None:
        """Play with the most probable symbols at the largest training size; keep the best weights."""
        counters = self.counters
        if isinstance(self.model, PolicyModel):
            self.model.take(self.algorithm.policy.state_dict())
        played = play(
            ModelAgent(self.model, self._task.answers, self.algorithm.device),
            self._task,
            self._spec.largest,
            self._validation_keys,
            capacity=self.capacity,
            whole=True,
        )
        mean_return, accuracy = float(played.returns.mean()), float((played.wrong == 0).mean())
        counters.validated_at = counters.steps
        self._writer.log(counters, {"validation_return": mean_return, "validation_accuracy": accuracy})
        if mean_return >= counters.best_return:  # of equal ones, the last, which is the most certain
            counters.best_return, counters.best_accuracy = mean_return, accuracy
            counters.best_sequences = counters.sequences
            self._best = {name: t.detach().clone() for name, t in self.model.state_dict().items()}

    def _update(self) -> None:
        """Play a rollout and learn from it."""
        config, counters = self.config, self.counters
        rate = config.rate(counters.steps / config.total_timesteps)
        self.algorithm.ent_coef = config.ent_coef * rate / config.learning_rate
        self.algorithm.learning_rate = self._learning_rate()
        self.algorithm._setup_lr_schedule()
        steps = config.n_steps * config.num_envs
        self.algorithm.learn(
            steps, callback=self._count, log_interval=cast("int", None), reset_num_timesteps=False
        )
        counters.steps += steps
        counters.updates += 1
        check_finite(self.algorithm.policy, f"after {counters.steps:,} steps")
        self._grow()

    def _count(self, here: dict[str, Any], _: dict[str, Any]) -> bool:
        """Count the episodes that end with a step."""
        over = np.flatnonzero(here["dones"])
        self._returns += [float(here["infos"][row]["episode"]["r"]) for row in over]
        self.counters.sequences += len(over)
        return True

    def _log_returns(self) -> None:
        counters = self.counters
        due = counters.steps - counters.logged_at >= self.config.total_timesteps // LINES
        if due and self._returns and not self._is_over():  # at the end, a validation follows
            counters.logged_at = counters.steps
            self._writer.log(counters, {"return": float(np.mean(self._returns))})
            self._returns = []

    def _is_over(self) -> bool:
        config, counters = self.config, self.counters
        late = config.minutes is not None and counters.seconds >= 60 * config.minutes
        return counters.steps >= config.total_timesteps or late

    def _grow(self) -> None:
        """Continue in an environment of other sizes if the curriculum has reached them."""
        sizes = self._sizes_now()
        if sizes == self._sizes:
            return
        self._sizes = sizes
        env = self._environment()
        env.seed((self._seed + self.counters.steps) % 2**31)
        self.algorithm.set_env(env, force_reset=False)
        self.algorithm._last_obs = cast("Any", env.reset())
        self.algorithm._last_episode_starts = np.ones(env.num_envs, np.bool_)

    def _sizes_now(self) -> Sizes:
        progress = min(1.0, self.counters.steps / self.config.total_timesteps)
        return self._curriculum.at(progress)

    def _environment(self) -> VecEnv:
        """Return the environment of the present sizes, with its wrappers."""
        config = self.config
        env: VecEnv = SequenceVecEnv(
            self._spec.env_id, config.num_envs, task=self._training_task, **self._sizes
        )
        env = StepRewards(VecMonitor(env))  # the monitor sees returns as the environment has them
        frames = self.model.frames if isinstance(self.model, PolicyModel) else 1
        return VecFrameStack(env, frames) if frames > 1 else env

    def _shared_arguments(self, device: str) -> dict[str, Any]:
        config = self.config
        return {
            "learning_rate": config.learning_rate,
            "n_steps": config.n_steps,
            "gamma": config.gamma,
            "gae_lambda": config.gae_lambda,
            "ent_coef": config.ent_coef,
            "vf_coef": config.vf_coef,
            "max_grad_norm": config.max_grad_norm,
            "seed": self._seed,
            "device": device,
        }

    def _learning_rate(self) -> float:
        """Return the learning rate of the present update: that of the progress before its rollout."""
        config = self.config
        steps, whole = config.n_steps * config.num_envs, config.total_timesteps
        # In this order of operations, which is Stable-Baselines3's, earlier runs are repeated to the byte.
        left = 1.0 - (self.counters.steps + steps) / whole
        return config.rate(max(0.0, 1 - left - steps / whole))

    @contextmanager
    def _own_generators(self) -> Iterator[None]:
        """Continue where this run left the generators that Stable-Baselines3 shares with everybody else."""
        others = generators()
        set_generators(self._random)
        try:
            with own_defaults():
                yield
        finally:
            self._random = generators()
            set_generators(others)

    def _state(self) -> State:
        """Return everything but the counters that the next update depends on."""
        random = generators()
        tensors = {"rng": random.pop("torch"), "returns": torch.tensor(self._returns, dtype=torch.float64)}
        tensors |= checkpoint.named("policy", self.algorithm.policy.state_dict())
        tensors |= checkpoint.named("best", self._best)
        optimizer = checkpoint.optimizer_tensors(self.algorithm.policy.optimizer)
        tensors |= checkpoint.named("optimizer", optimizer)
        tensors |= checkpoint.named("play", play_tensors(self.algorithm))
        return tensors, {"random": random}

    def _resume(self) -> None:
        """Resume from the checkpoint, if there is one."""
        if (found := self._writer.load()) is None:
            return
        tensors, record, path = found
        self.counters = RewardCounters.of(record["counters"], path)
        algorithm, policy = self.algorithm, self.algorithm.policy
        checkpoint.allocate_optimizer(policy.optimizer, checkpoint.part(tensors, "optimizer"))
        expected = checkpoint.named("policy", policy.state_dict())
        expected |= checkpoint.named("optimizer", checkpoint.optimizer_tensors(policy.optimizer))
        kept = checkpoint.part(tensors, "best")
        expected |= checkpoint.named("best", self.model.state_dict() if kept else {})
        fixed = {name.partition(".")[0] for name in expected}  # unlike those of episodes in flight
        checkpoint.check_tensors(
            path, {n: t for n, t in tensors.items() if n.partition(".")[0] in fixed}, expected
        )
        policy.load_state_dict(checkpoint.part(tensors, "policy"))
        checkpoint.fill_optimizer(policy.optimizer, checkpoint.part(tensors, "optimizer"))
        self._best, self._returns = kept, tensors["returns"].tolist()
        algorithm.num_timesteps = self.counters.steps
        self._sizes = self._sizes_now()
        algorithm.set_env(self._environment(), force_reset=False)
        restore_play(algorithm, checkpoint.part(tensors, "play"))
        self._random = {**record["random"], "torch": tensors["rng"]}
