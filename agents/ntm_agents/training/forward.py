"""The forward pass of supervised training: the loss of a model on a batch.

Shape letters: B batch, T time steps, I input channels, L logits.
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from ntm_agents.protocol import State, mapped
from ntm_agents.readout import Readout
from ntm_agents.training.config import TrainConfig
from ntm_envs import capacity, keyed
from ntm_envs.tasks import Batch


class Forward:
    """A function that computes losses.

    Args:
        readout: Readout of the answers.
        device: Device to compute on.
        config: Options of the training, which say what sizes memories have.
        compiled: The model whose single steps are compiled with torch.compile; None for none.
    """

    def __init__(
        self,
        readout: Readout,
        device: torch.device,
        config: TrainConfig,
        compiled: nn.Module | None = None,
    ) -> None:
        self._readout, self._device, self._config, self._compiled = readout, device, config, compiled
        # Even to ask for it takes seconds.
        self._step = None if compiled is None else torch.compile(compiled, dynamic=False)

    def __call__(self, model: nn.Module, batch: Batch, penalty: float = 0.0) -> tuple[Tensor, Tensor]:
        """Return the mean loss, in nats a symbol, and which sequences ``[B]`` have no wrong symbol.

        The model's penalty is added with its weight; in training, so is its auxiliary loss, if it has one.
        """
        inputs = torch.from_numpy(batch.inputs).to(self._device).contiguous()
        targets = torch.from_numpy(batch.targets).to(self._device)
        mask = torch.from_numpy(batch.mask).to(self._device)
        T, B, _ = inputs.shape
        slots = self._slots(batch) if model.training else capacity(T)
        state = model.initial_state(B, slots)  # type: ignore[operator]
        added: Tensor | float = 0.0
        if penalty:
            logits, blur = model.with_penalty(inputs, state)  # type: ignore[operator]
            added = penalty * blur
        elif model is self._compiled:
            logits = self._compiled_steps(inputs, state)
        elif model.training and (with_loss := getattr(model, "with_auxiliary_loss", None)) is not None:
            logits, added = with_loss(
                inputs, state, partial(self._readout.shares, targets=targets, mask=mask)
            )
        else:
            logits, _ = model(inputs, state)
        right = (self._readout.decode(logits) == targets).all(2) | ~mask
        loss = self._readout.loss(logits[mask], targets[mask])
        return loss + added, right.all(0)

    def _slots(self, batch: Batch) -> int:
        """Return the number of slots for training, which is drawn by key: a run that resumes has the same."""
        word = keyed.words(batch.keys[:1], keyed.MEMORY, 1)
        steps, doublings = len(batch.inputs), self._config.memory_doublings
        if self._config.memory_sizes == "all":
            return steps + int(keyed.below(word, (capacity(steps) << doublings) - steps + 1)[0, 0])
        return capacity(steps) << int(keyed.below(word, doublings + 1)[0, 0])

    def _compiled_steps(self, inputs: Tensor, state: State) -> Tensor:
        """Return the logits ``[T, B, L]``, a compiled step at a time; whole sequences compile for minutes."""
        assert self._step is not None
        logits = []
        for observation in inputs.unsqueeze(1).unbind(0):
            # Of a state that is always laid out alike, one program serves all steps.
            output, state = self._step(observation, mapped(Tensor.contiguous, state))
            logits.append(output)
        return torch.cat(logits)
