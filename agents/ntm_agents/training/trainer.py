"""The loop of supervised training.

On a CPU a run is a function of its configuration and seed, to the byte, also when it was killed and resumed:
the batches are drawn by key from the seed and the number of the update, and everything else that the next
update depends on is in the checkpoint. Initial weights and noise come from torch's global generator, which
has a run's own state while the run is at work, and the caller's before and after; so have torch's defaults.

Shape letter: B batch.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ntm_agents.acting import ModelAgent
from ntm_agents.readout import readout
from ntm_agents.training import checkpoint
from ntm_agents.training.checks import NonFiniteError, check_finite, check_penalty, torch_device
from ntm_agents.training.config import TrainConfig
from ntm_agents.training.defaults import own_defaults
from ntm_agents.training.forward import Forward
from ntm_agents.training.imitation import has_expert, roll_out
from ntm_agents.training.learners import Metrics, config_for
from ntm_agents.training.lessons import check_lesson, lesson_of_batch, stages_of
from ntm_agents.training.optimization import clip_gradients, make_optimizer
from ntm_agents.training.run import Run
from ntm_agents.training.writer import LATER, Counters, RunWriter, finite
from ntm_agents.training.writer import State as Checkpoint
from ntm_envs import keyed
from ntm_envs.tasks import Batch, InteractiveTask, SequenceTask, Size, Task

TRAINING, VALIDATION, REVIEW = 0, 1, 2  # the streams of a seed


@dataclass(kw_only=True)
class SupervisedCounters(Counters):
    """Counters of supervised training; `loss` is the sum of the `losses` since the last line of metrics."""

    dropped_in_a_row: int = 0
    loss: float = 0.0
    losses: int = 0
    best_loss: float = math.inf
    solved_at: int | None = field(default=None, metadata=LATER)
    """Sequences before the first validation since the last restart whose loss was below `solved_loss`."""
    rate_factor: float = field(default=1.0, metadata=LATER)
    """Factor of the learning rate, by the rollbacks since the last restart."""


class Trainer:
    """A trainer of one model from targets; see the module.

    Args:
        run: The run; its learner takes a `TrainConfig`.
        folder: Folder of its files; a run in it is resumed. None for no files.
        report: Called with every line of metrics.
        device: Device to compute on, such as ``cpu`` or ``cuda``.

    Raises:
        ValueError: If the folder holds another run, or this one is not for this trainer or this machine.
        CheckpointError: If its checkpoint does not belong to the model.
    """

    def __init__(
        self,
        run: Run,
        folder: str | Path | None = None,
        *,
        report: Callable[[Metrics], None] = lambda metrics: None,
        device: str = "cpu",
    ) -> None:
        self.run = run = replace(run)  # loads files anew if they have changed, and keeps to them
        self._spec = run.task_spec()
        self.config = config_for(run, TrainConfig).for_task(self._spec)
        self.device = torch_device(device)
        self._task = task = self._spec.make()
        if isinstance(task, InteractiveTask) and not has_expert(task):
            raise ValueError(f"{self._spec.name} is interactive and has no expert; learn it from rewards")
        if (own := self.config.own_actions) and not isinstance(task, InteractiveTask):
            raise ValueError(f"own_actions is {own}, but {self._spec.name} is not interactive; expected 0")
        self._readout = readout(self._task.answers)
        self._stages = stages_of(self.config, task, self._spec)
        self._streams = keyed.stream_keys(np.full(3, run.seed), np.array([TRAINING, VALIDATION, REVIEW]))
        self.counters = SupervisedCounters(lesson=1 if self.config.use_lessons else None)
        self._best: dict[str, Tensor] = {}
        with torch.random.fork_rng(devices=[]), own_defaults():
            self._start()
            self._random = torch.get_rng_state()
        self._writer = RunWriter(run, folder, report)
        with own_defaults():
            self._resume()

    @property
    def complete(self) -> bool:
        """True if the run in the folder is complete."""
        return self._writer.complete

    @property
    def kernel(self) -> str | None:
        """Implementation of the model: ``compiled``, or the model's own `kernel`, if it has one."""
        return "compiled" if self.config.compile else getattr(self.model, "kernel", None)

    def train(self) -> nn.Module:
        """Train to the end of the budget and return the model with the weights that are kept.

        An interrupt (Ctrl-C, SIGTERM) ends the present update, writes a checkpoint and is raised again.

        Raises:
            ValueError: If the run is complete already, or another process is training in its folder.
            NonFiniteError: If loss or gradient are not finite for `patience` updates in a row, or weights or
                all validation losses are not.
            KeyboardInterrupt: After an interrupt.
        """
        config, counters = self.config, self.counters
        with self._writer.locked():
            with self._writer.updates(counters) as updates, self._own_random_state():
                while not self._is_over():
                    self._update()
                    updates.tick()
                    if counters.updates % config.log_every == 0:
                        self._log_loss()
                    if counters.sequences - counters.validated_at >= config.validate_every or self._is_over():
                        before = counters.validated_at
                        self.validate()
                        self._restart_if_stuck(before)
                    updates.end(self._state)
            loss = counters.best_loss
            if not math.isfinite(loss):
                raise NonFiniteError(f"the validation loss is {loss}; a smaller learning_rate may help")
            self._writer.finish(counters, self.model, self._best, kernel=self.kernel, validation_loss=loss)
        self._averaged.load_state_dict(self._best)
        return self._averaged

    def validate(self) -> None:
        """Evaluate the averaged weights at the largest training size, or that of the present lesson.

        They are kept if the loss is the lowest so far, and discarded if it is many times that (`rollback`).
        Losses of different lessons are not comparable: weights that pass a lesson are evaluated in the next.

        Raises:
            NonFiniteError: If they are not finite.
        """
        accuracy = self._evaluate_lesson()
        if self._lesson < len(self._stages) and accuracy >= self.config.lesson_pass and not self._is_over():
            self.counters.lesson, self.counters.best_loss = self._lesson + 1, math.inf
            self._evaluate_lesson()

    def _evaluate_lesson(self) -> float:
        """Evaluate the averaged weights in the present lesson, keep or discard them; return the accuracy."""
        config, counters = self.config, self.counters
        self._check_finite()
        self._averaged.load_state_dict(dict(self.model.named_buffers()), strict=False)
        count = config.validation_sequences
        keys = keyed.stream_keys(np.full(count, self._streams[VALIDATION]), np.arange(count))
        stage = self._stages[self._lesson - 1]
        batch, played = self._episodes(self._averaged, stage.task, keys, stage.largest, own=1.0)
        with torch.no_grad():
            losses, right = self._forward(self._averaged, batch)
        loss = float(losses)
        accuracy = float(right.double().mean() if played is None else played.mean())
        before = counters.validated_at
        counters.validated_at = counters.sequences
        solved = self._lesson == len(self._stages) and loss < (config.solved_loss or 0)
        if solved and counters.solved_at is None:
            counters.solved_at = counters.sequences
        self._log({"validation_loss": finite(loss), "validation_accuracy": accuracy})
        if (every := config.keep_every) and before // every < counters.sequences // every:
            weights = self._averaged.state_dict()
            present = replace(counters, best_sequences=counters.sequences, best_accuracy=accuracy)
            self._writer.keep(present, self.model, weights, kernel=self.kernel, validation_loss=loss)
        # Not by accuracy, which is luck where the answers are random bits.
        if not self._best or loss < counters.best_loss or math.isnan(counters.best_loss):
            counters.best_accuracy, counters.best_loss = accuracy, loss
            counters.best_sequences = counters.sequences
            self._best = {name: t.detach().clone() for name, t in self._averaged.state_dict().items()}
        elif config.rollback is not None and not loss <= config.rollback * counters.best_loss:
            self.model.load_state_dict(self._best)
            self._averaged.load_state_dict(self._best)
            counters.rollbacks += 1
            counters.rate_factor *= config.rollback_rate
            self._log({"rollbacks": counters.rollbacks})
        return accuracy

    def _start(self) -> None:
        """Start with new weights, which depend on the seed and on the number of restarts."""
        torch.manual_seed(int(keyed.stream_keys(self._streams[:1], np.array([self.counters.restarts]))[0]))
        model = self.run.build(self._task).train()
        check_penalty(model, {"penalty": self.config.penalty, "compile": self.config.compile})
        # A copy on a GPU would lose the layout in which cuDNN has the weights of an RNN.
        self._averaged = copy.deepcopy(model).to(self.device).eval()
        self.model = model.to(self.device)
        # To walk through modules takes as long as a small update, so it is done once.
        self._parameters: list[Tensor] = list(self.model.parameters())
        self._averages: list[Tensor] = list(self._averaged.parameters())
        compiled = self.model if self.config.compile else None
        self._forward = Forward(self._readout, self.device, self.config, compiled)
        self._optimizer = make_optimizer(self.config, self.model)
        self._best = {}

    def _update(self) -> None:
        config, counters = self.config, self.counters
        progress = self._progress(counters.sequences)
        batch = self._batch(progress)
        solved_at = None if counters.solved_at is None else self._progress(counters.solved_at)
        rate = counters.rate_factor * config.rate(progress, solved_at)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        for parameter in self._parameters:
            parameter.grad = None
        value, answers, penalty = 0.0, batch.mask.sum(), config.penalty_weight(progress)
        for bucket in batch.buckets(config.bucket_size):
            loss = self._forward(self.model, bucket, penalty)[0] * float(bucket.mask.sum() / answers)
            loss.backward()  # type: ignore[no-untyped-call]
            value += loss.item()
        norm = clip_gradients(self._parameters, config.max_grad_norm)
        counters.updates += 1
        counters.sequences += len(batch.keys)
        if math.isfinite(value) and math.isfinite(norm):
            self._optimizer.step()
            decay = min(config.ema_decay, counters.updates / (counters.updates + 10))
            with torch.no_grad():
                torch._foreach_lerp_(self._averages, self._parameters, 1 - decay)
            counters.loss += value
            counters.losses += 1
            counters.dropped_in_a_row = 0
            return
        counters.dropped += 1
        counters.dropped_in_a_row += 1
        self._log({"dropped": counters.dropped, "keys": [str(key) for key in batch.keys]})
        if counters.dropped_in_a_row >= config.patience:
            raise NonFiniteError(
                f"loss {value} and gradient norm {norm} at update {counters.updates}, and no finite "
                f"ones for {config.patience} updates; the keys of the batch: {batch.keys.tolist()}, its "
                f"sizes: { {name: size.tolist() for name, size in batch.sizes.items()} }. A smaller "
                "learning_rate or max_grad_norm may help"
            )

    def _batch(self, progress: float) -> Batch:
        """Return the batch of this update."""
        B, update = self.config.batch_size, self.counters.updates
        indices = np.arange(B) + update * B
        keys = keyed.stream_keys(np.full(B, self._streams[TRAINING]), indices)
        lesson = lesson_of_batch(self._streams[REVIEW], update, self._lesson, self.config.lesson_review)
        stage, own = self._stages[lesson - 1], self.config.own_actions * progress
        sizes = stage.curriculum.draw(keys, progress, update)
        return self._episodes(self.model, stage.training_task, keys, sizes, own)[0]

    def _episodes(
        self, model: nn.Module, task: Task, keys: keyed.Keys, sizes: Mapping[str, Size], own: float
    ) -> tuple[Batch, NDArray[np.bool_] | None]:
        """Return episodes, and which of them a model plays without an error; None if targets tell that.

        The answers to an interactive task are the model's own with a probability.
        """
        if isinstance(task, SequenceTask):
            return task.episodes(keys, **sizes), None
        assert isinstance(task, InteractiveTask)
        training = model.training
        played = roll_out(task, keys, sizes, ModelAgent(model, task.answers, self.device), own)
        model.train(training)
        return played

    @property
    def _lesson(self) -> int:
        """The number of the present stage, from 1."""
        return self.counters.lesson or 1

    def _progress(self, sequences: int) -> float:
        return (sequences - self.counters.restarted_at) / self.config.sequences

    def _is_over(self) -> bool:
        config, counters = self.config, self.counters
        late = config.minutes is not None and counters.seconds >= 60 * config.minutes
        return self._progress(counters.sequences) >= 1 or late

    def _restart_if_stuck(self, before: int) -> None:
        """Restart if this is the first validation after `restart_after`; the last was at `before`."""
        config, counters = self.config, self.counters
        due = math.inf if config.restart_after is None else counters.restarted_at + config.restart_after
        if self._lesson > 1 or not before < due <= counters.sequences or self._is_over():
            return
        if counters.restarts < config.restarts and not counters.best_loss <= config.restart_loss:
            counters.restarts += 1
            counters.restarted_at, counters.solved_at, counters.rate_factor = counters.sequences, None, 1.0
            counters.best_accuracy, counters.best_loss, counters.best_sequences = -1.0, math.inf, 0
            self._start()
            self._log({"restarts": counters.restarts})

    def _check_finite(self) -> None:
        check_finite(self._averaged, f"after {self.counters.updates:,} updates")

    def _log_loss(self) -> None:
        counters = self.counters
        loss = counters.loss / counters.losses if counters.losses else None
        self._log({"loss": loss, "learning_rate": self._optimizer.param_groups[0]["lr"]})
        counters.loss, counters.losses = 0.0, 0

    def _log(self, values: Metrics) -> None:
        self._writer.log(self.counters, values)

    @contextmanager
    def _own_random_state(self) -> Iterator[None]:
        """Continue where this run left torch's generator, whatever others have drawn from it since."""
        with torch.random.fork_rng(devices=[]), own_defaults():
            torch.set_rng_state(self._random)
            try:
                yield
            finally:
                self._random = torch.get_rng_state()

    def _state(self) -> Checkpoint:
        """Return everything but the counters that the next update depends on.

        Raises:
            NonFiniteError: If weights are not finite.
        """
        self._check_finite()
        tensors = {"rng": torch.get_rng_state()}
        tensors |= checkpoint.named("model", self.model.state_dict())
        tensors |= checkpoint.named("average", self._averaged.state_dict())
        tensors |= checkpoint.named("best", self._best)
        tensors |= checkpoint.named("optimizer", checkpoint.optimizer_tensors(self._optimizer))
        return tensors, {}

    def _resume(self) -> None:
        """Resume from the checkpoint, if there is one."""
        if (found := self._writer.load()) is None:
            return
        tensors, record, path = found
        self.counters = SupervisedCounters.of(record["counters"], path)
        check_lesson(path, self.counters.lesson, self.config, self._spec)
        moved = checkpoint.part(tensors, "optimizer")
        checkpoint.allocate_optimizer(self._optimizer, moved)
        if checkpoint.part(tensors, "best"):
            self._best = self._averaged.state_dict()
        checkpoint.check_tensors(path, tensors, self._state()[0])
        self.model.load_state_dict(checkpoint.part(tensors, "model"))
        self._averaged.load_state_dict(checkpoint.part(tensors, "average"))
        self._best = checkpoint.part(tensors, "best")
        checkpoint.fill_optimizer(self._optimizer, moved)
        self._random = tensors["rng"]
