"""The training loop.

On a CPU a run is a function of its configuration and seed, to the byte, also when it was killed and went on:
the batches are drawn by key from the seed and the number of the update, and everything else that the next
update depends on is in the checkpoint. Initial weights and noise come from torch's global generator, which
has a run's own state while the run is at work, and the caller's before and after.

Shape letters: B batch, T time steps, I input channels, L logits.
"""

from __future__ import annotations

import copy
import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ntm_agents.protocol import State, mapped
from ntm_agents.readout import readout
from ntm_agents.training.checkpoint import check_tensors, load_tensors, save_tensors
from ntm_agents.training.config import RewardConfig, TrainConfig
from ntm_agents.training.run import Run, alone_in
from ntm_envs import capacity, keyed
from ntm_envs.files import write_atomically
from ntm_envs.tasks import Batch, SequenceTask, Task

Metrics = dict[str, Any]
Config = TypeVar("Config", TrainConfig, RewardConfig)
T = TypeVar("T", bound=Task)
TRAINING, VALIDATION = 0, 1  # the streams of a seed


class NonFiniteError(Exception):
    """Loss or gradient were not finite for too many updates in a row."""


@dataclass(kw_only=True)
class Counters:
    """Where a run is. The loss and its count are those since the last line of metrics."""

    updates: int = 0
    sequences: int = 0
    seconds: float = 0.0
    restarts: int = 0
    restarted_at: int = 0
    rollbacks: int = 0
    dropped: int = 0
    dropped_in_a_row: int = 0
    loss: float = 0.0
    losses: int = 0
    validated_at: int = 0
    best_accuracy: float = -1.0
    best_loss: float = math.inf
    best_sequences: int = 0
    metrics_bytes: int = 0


class Trainer:
    """Trains one model; see the module.

    Args:
        run: What to do.
        folder: Where its files go; a run that is there already goes on. None for no files.
        report: Called with every line of metrics.
        device: Where to compute, such as ``cpu`` or ``cuda``.

    Raises:
        ValueError: If the folder holds another run, or this one is not for this trainer or this machine.
        CheckpointError: If its checkpoint does not belong to the model.
    """

    def __init__(
        self,
        run: Run,
        folder: Path | None = None,
        *,
        report: Callable[[Metrics], None] = lambda metrics: None,
        device: str = "cpu",
    ) -> None:
        self.run, self.folder, self.config = run, folder, config_of(run, TrainConfig)
        self.device = usable(device)
        self._report = report
        self._spec = run.task_spec()
        task = self._spec.make()
        if not isinstance(task, SequenceTask):
            raise ValueError(f"{self._spec.name} is interactive and has no targets; learn it from rewards")
        self._task = task
        self._readout = readout(self._task.answers)
        self._training_task = overridden(self._task, self.config.task_overrides)
        self.config.sizes_at(self._spec.training, 0.0)  # refuses impossible sizes before there are files
        self._streams = keyed.stream_keys(np.full(2, run.seed), np.array([TRAINING, VALIDATION]))
        self.counters = Counters()
        self._best: dict[str, Tensor] = {}
        with torch.random.fork_rng(devices=[]):
            self._start()
            self._random = torch.get_rng_state()
        if folder is not None:
            run.write(folder)
            self._checkpoint = folder / "checkpoint.safetensors"
            self._metrics = folder / "metrics.jsonl"
            if self._checkpoint.exists() and not self.complete:
                self._load()

    @property
    def complete(self) -> bool:
        """Whether the run in the folder has come to its end."""
        return self.folder is not None and (self.folder / "summary.json").exists()

    @property
    def kernel(self) -> str | None:
        """What computes the model: ``compiled``, or what the model itself says, if it has a choice."""
        return "compiled" if self.config.compile else getattr(self.model, "kernel", None)

    def train(self) -> nn.Module:
        """Train to the end of the budget and return the model with the weights that are kept.

        An interrupt (Ctrl-C, SIGTERM) ends the present update, writes a checkpoint and is raised again.

        Raises:
            ValueError: If the run is complete already, or another process is training in its folder.
            NonFiniteError: If loss or gradient are not finite for `patience` updates in a row.
            KeyboardInterrupt: After an interrupt.
        """
        with alone_in(self.folder):
            if self.complete:
                raise ValueError(f"the run in {self.folder} is complete; load it with load_run")
            self._train()
        return self._best_model()

    def _train(self) -> None:
        config, counters = self.config, self.counters
        self._forget_what_is_made_again()
        started = time.perf_counter() - counters.seconds
        saved = time.monotonic()
        with _interrupts() as interrupted, self._own_random_state():
            while not self._is_over():
                self._update()
                counters.seconds = time.perf_counter() - started
                if counters.updates % config.log_every == 0:
                    self._log_loss()
                if counters.sequences - counters.validated_at >= config.validate_every or self._is_over():
                    before = counters.validated_at
                    self.validate()
                    self._restart_if_stuck(before)
                if interrupted or time.monotonic() - saved > config.checkpoint_seconds:
                    self._save()
                    saved = time.monotonic()
                if interrupted:
                    raise KeyboardInterrupt
        self._finish()

    @contextmanager
    def _own_random_state(self) -> Iterator[None]:
        """Go on where this run has left torch's generator, whatever others have drawn from it since."""
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._random)
            try:
                yield
            finally:
                self._random = torch.get_rng_state()

    def validate(self) -> None:
        """Judge the averaged weights at the largest training size.

        They are kept if the loss is the least, and given up if it is many times that (`rollback`).
        """
        config, counters = self.config, self.counters
        self._averaged.load_state_dict(dict(self.model.named_buffers()), strict=False)
        keys = keyed.stream_keys(
            np.full(config.validation_sequences, self._streams[VALIDATION]),
            np.arange(config.validation_sequences),
        )
        batch = self._task.episodes(keys, **self._spec.largest)
        with torch.no_grad():
            losses, right = self._forward(self._averaged, batch)
        loss, accuracy = float(losses), float(right.double().mean())
        counters.validated_at = counters.sequences
        self._log({"validation_loss": _number(loss), "validation_accuracy": accuracy})
        # Not by accuracy, which is luck where the answers are random bits.
        if not self._best or loss < counters.best_loss or math.isnan(counters.best_loss):
            counters.best_accuracy, counters.best_loss = accuracy, loss
            counters.best_sequences = counters.sequences
            self._best = {name: t.detach().clone() for name, t in self._averaged.state_dict().items()}
        elif config.rollback is not None and not loss <= config.rollback * counters.best_loss:
            self.model.load_state_dict(self._best)
            self._averaged.load_state_dict(self._best)
            counters.rollbacks += 1
            self._log({"rollbacks": counters.rollbacks})

    def _start(self) -> None:
        """Begin with new weights, which depend on the seed and on the number of restarts."""
        torch.manual_seed(int(keyed.stream_keys(self._streams[:1], np.array([self.counters.restarts]))[0]))
        self.model = self.run.build(self._task).to(self.device).train()
        if (penalty := self.config.penalty) and not hasattr(self.model, "with_penalty"):
            raise ValueError(
                f"penalty is {penalty}, but {type(self.model).__name__} has no with_penalty; use 0"
            )
        self._averaged = copy.deepcopy(self.model).eval()
        # To walk through modules takes as long as a small update, so it is done once.
        self._parameters: list[Tensor] = list(self.model.parameters())
        self._averages: list[Tensor] = list(self._averaged.parameters())
        self._step: Callable[[Tensor, State], tuple[Tensor, State]] = self.model
        if self.config.compile:  # even to ask for it takes seconds
            self._step = torch.compile(self.model, dynamic=False)
        self._optimizer = _optimizer(self.config, self.model)
        self._best = {}

    def _update(self) -> None:
        config, counters = self.config, self.counters
        progress = self._progress()
        batch = self._batch(progress)
        for group in self._optimizer.param_groups:
            group["lr"] = config.rate(progress)
        for parameter in self._parameters:
            parameter.grad = None
        value, answers, penalty = 0.0, batch.mask.sum(), config.penalty_weight(progress)
        for part in batch.buckets(config.bucket_size):
            loss = self._forward(self.model, part, penalty)[0] * float(part.mask.sum() / answers)
            loss.backward()  # type: ignore[no-untyped-call]
            value += loss.item()
        norm = _clip(self._parameters, config.max_grad_norm)
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

    def _forward(self, model: nn.Module, batch: Batch, penalty: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return the mean loss of the answers, in nats a symbol, and which sequences ``[B]`` are all right.

        The model's penalty is added with its weight.
        """
        inputs = torch.from_numpy(batch.inputs).to(self.device).contiguous()
        targets = torch.from_numpy(batch.targets).to(self.device)
        mask = torch.from_numpy(batch.mask).to(self.device)
        T, B, _ = inputs.shape
        state = model.initial_state(B, capacity(T))  # type: ignore[operator]
        added: Tensor | float = 0.0
        if penalty:
            logits, added = model.with_penalty(inputs, state)  # type: ignore[operator]
        elif self.config.compile and model is self.model:
            logits = self._compiled_steps(inputs, state)
        else:
            logits, _ = model(inputs, state)
        right = (self._readout.decode(logits) == targets).all(2) | ~mask
        loss = self._readout.loss(logits[mask], targets[mask])
        return loss + penalty * added, right.all(0)

    def _compiled_steps(self, inputs: Tensor, state: State) -> Tensor:
        """Return the logits ``[T, B, L]``, a compiled step at a time; whole sequences compile for minutes."""
        logits = []
        for observation in inputs.unsqueeze(1).unbind(0):
            # Of a state that is always laid out alike, one program serves all steps.
            output, state = self._step(observation, mapped(Tensor.contiguous, state))
            logits.append(output)
        return torch.cat(logits)

    def _batch(self, progress: float) -> Batch:
        """Return the batch of this update."""
        config, B = self.config, self.config.batch_size
        indices = np.arange(B) + self.counters.updates * B
        keys = keyed.stream_keys(np.full(B, self._streams[TRAINING]), indices)
        sizes = config.sizes_at(self._spec.training, progress)
        if not config.mixed_sizes:
            bounds = self._task.check_sizes(sizes, None)
            sizes = {name: int(size[0]) for name, size in self._task.draw_sizes(keys[:1], bounds).items()}
        return self._training_task.episodes(keys, **sizes)

    def _progress(self) -> float:
        return (self.counters.sequences - self.counters.restarted_at) / self.config.sequences

    def _is_over(self) -> bool:
        config, counters = self.config, self.counters
        late = config.minutes is not None and counters.seconds >= 60 * config.minutes
        return self._progress() >= 1 or late

    def _restart_if_stuck(self, before: int) -> None:
        """Begin again, if this is the first validation after `restart_after`; the last was at `before`."""
        config, counters = self.config, self.counters
        due = math.inf if config.restart_after is None else counters.restarted_at + config.restart_after
        if not before < due <= counters.sequences or self._is_over():
            return
        if counters.restarts < config.restarts and not counters.best_loss <= config.restart_loss:
            counters.restarts += 1
            counters.restarted_at = counters.sequences
            counters.best_accuracy, counters.best_loss, counters.best_sequences = -1.0, math.inf, 0
            self._start()
            self._log({"restarts": counters.restarts})

    def _log_loss(self) -> None:
        counters = self.counters
        loss = counters.loss / counters.losses if counters.losses else None
        self._log({"loss": loss, "learning_rate": self._optimizer.param_groups[0]["lr"]})
        counters.loss, counters.losses = 0.0, 0

    def _log(self, values: Metrics) -> None:
        counters = self.counters
        line = {"update": counters.updates, "sequences": counters.sequences, **values}
        line["seconds"] = round(counters.seconds, 3)
        if self.folder is not None:
            with self._metrics.open("a") as file:
                file.write(json.dumps(line) + "\n")
        self._report(line)

    def _save(self) -> None:
        """Write a checkpoint: everything that the next update depends on."""
        if self.folder is None:
            return
        self.counters.metrics_bytes = self._metrics.stat().st_size
        save_tensors(self._checkpoint, self._state(), asdict(self.counters))

    def _forget_what_is_made_again(self) -> None:
        """Cut the lines of metrics off that belong to updates behind the checkpoint."""
        if self.folder is None:
            return
        self._metrics.touch()
        with self._metrics.open("r+b") as file:
            file.truncate(min(self.counters.metrics_bytes, self._metrics.stat().st_size))

    def _load(self) -> None:
        """Go on from the checkpoint."""
        tensors, record = load_tensors(self._checkpoint)
        self.counters = Counters(**record)
        # None before the first update, and none ever of parameters that no gradient has reached.
        moved = {name.split(".")[1] for name in tensors if name.startswith("optimizer.")}
        if moved:
            for index, parameter in enumerate(self._parameters):
                parameter.grad = torch.zeros_like(parameter) if str(index) in moved else None
            rate = self._optimizer.param_groups[0]["lr"]
            self._optimizer.param_groups[0]["lr"] = 0.0
            self._optimizer.step()  # a step of length zero makes the tensors that are then filled
            self._optimizer.param_groups[0]["lr"] = rate
        if any(name.startswith("best.") for name in tensors):
            self._best = self._averaged.state_dict()
        check_tensors(self._checkpoint, tensors, self._state())
        self.model.load_state_dict(_part(tensors, "model"))
        self._averaged.load_state_dict(_part(tensors, "average"))
        self._best = _part(tensors, "best")
        state = self._optimizer.state_dict()
        for index, values in state["state"].items():
            for name in values:
                values[name] = tensors[f"optimizer.{index}.{name}"]
        self._optimizer.load_state_dict(state)
        self._random = tensors["rng"]

    def _state(self) -> dict[str, Tensor]:
        tensors = {"rng": torch.get_rng_state()}
        tensors |= {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self._averaged.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self._best.items()}
        for index, values in self._optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in values.items()}
        return tensors

    def _finish(self) -> None:
        """Write the weights that are kept and the summary; only then is the run complete."""
        if self.folder is None:
            return
        counters = self.counters
        save_tensors(self.folder / "model.safetensors", self._best, {"sequences": counters.best_sequences})
        summary = {
            "sequences": counters.sequences,
            "updates": counters.updates,
            "seconds": round(counters.seconds, 3),
            "kernel": self.kernel,
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "restarts": counters.restarts,
            "rollbacks": counters.rollbacks,
            "dropped_updates": counters.dropped,
            "kept_at_sequences": counters.best_sequences,
            "validation_accuracy": counters.best_accuracy,
            "validation_loss": _number(counters.best_loss),
        }
        write_atomically(self.folder / "summary.json", json.dumps(summary, indent=2).encode())
        self._checkpoint.unlink(missing_ok=True)

    def _best_model(self) -> nn.Module:
        self._averaged.load_state_dict(self._best)
        return self._averaged


def config_of(run: Run, kind: type[Config]) -> Config:
    """Return how a run is trained, if it is for a trainer of this kind.

    Raises:
        ValueError: If it is for another, or its seed is out of range.
    """
    if not 0 <= run.seed < 2**63:
        raise ValueError(f"seed is {run.seed}; expected an integer from 0 to below 2 ** 63")
    if not isinstance(run.train, kind):
        raise ValueError(f"train is {run.train!r}; expected a {kind.__name__} for this trainer")
    return run.train


def overridden(task: T, overrides: Mapping[str, float]) -> T:
    """Return a task with the parameters that are others in training.

    Raises:
        ValueError: If it has no such parameter, or it changes what the task looks like.
    """
    for name in overrides:
        if name not in (field.name for field in fields(task)):
            raise ValueError(f"task_overrides has {name!r}; expected a parameter of the task: {task}")
    changed = replace(task, **overrides)
    if (changed.input_channels, changed.output_channels) != (task.input_channels, task.output_channels):
        raise ValueError(
            f"task_overrides has {dict(overrides)}, which changes the channels; expected the same ones"
        )
    return changed


def usable(device: str) -> torch.device:
    """Return a device, with its number.

    Raises:
        ValueError: If torch cannot use it.
    """
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device is {device!r}, which torch cannot use: {error}") from error


def _optimizer(config: TrainConfig, model: nn.Module) -> torch.optim.Optimizer:
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(model.parameters(), rate, momentum=config.momentum, weight_decay=decay)
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    betas = (0.9, config.beta2)
    return kind(model.parameters(), rate, betas, config.epsilon, weight_decay=decay, fused=True)


def _clip(parameters: list[Tensor], limit: float | None) -> float:
    """Scale gradients down to a norm, in half the time of PyTorch's function; return the norm before."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))))
    if limit is not None and norm > limit:
        torch._foreach_mul_(gradients, limit / norm)
    return norm


def _number(value: float) -> float | None:
    """Return a number that JSON has."""
    return value if math.isfinite(value) else None


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    length = len(prefix) + 1
    return {name[length:]: t for name, t in tensors.items() if name.startswith(f"{prefix}.")}


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM in a list instead of being interrupted in the middle of an update."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.signal(s, lambda number, _frame: received.append(number)) for s in signals]
    try:
        yield received
    finally:
        for number, handler in zip(signals, handlers, strict=True):
            signal.signal(number, handler)
