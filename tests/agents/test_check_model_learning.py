"""`check_model` refuses models that a trainer could not train, and accepts none that it cannot."""

import dataclasses

import numpy as np
import pytest
import torch
from good_models import Good
from rewards import reward_run, start
from tiny_runs import tiny_run
from torch import nn

from ntm_agents.testing import ModelError, check_model
from ntm_agents.training.trainer import Trainer


class Double(Good):
    """One of its parameters has 64 bits."""

    def __init__(self, input_size: int, output_size: int):
        super().__init__(input_size, output_size)
        self.scale = nn.Parameter(torch.ones(output_size, dtype=torch.float64))

    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits * self.scale.to(logits.dtype), state


class Tied(Good):
    """Two layers have the same weights."""

    def __init__(self, input_size: int, output_size: int):
        super().__init__(input_size, output_size)
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight

    def forward(self, inputs, state):
        hidden, state = self.gru(inputs, state[None])
        return self.output(self.second(self.first(hidden).tanh())), state[0]


class FrozenAndEmpty(Good):
    """Some parameters are not trained, one of them of 16 bits, and one has no numbers."""

    def __init__(self, input_size: int, output_size: int):
        super().__init__(input_size, output_size)
        self.gru.bias_hh_l0.requires_grad_(False)
        self.few = nn.Parameter(torch.ones(4, dtype=torch.bfloat16), requires_grad=False)
        self.nothing = nn.Parameter(torch.zeros(0, output_size))

    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits + logits[..., :0] @ self.nothing, state


class Transposed(Good):
    """A parameter does not lie in order, and a buffer is complex."""

    def __init__(self, input_size: int, output_size: int):
        super().__init__(input_size, output_size)
        self.turned = nn.Parameter(torch.eye(output_size).t())
        self.register_buffer("phases", torch.ones(3, dtype=torch.complex64))

    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits @ self.turned, state


@pytest.mark.parametrize("model", [Double, Tied, FrozenAndEmpty, Transposed])
def test_what_is_accepted_is_trained_by_all_trainers_and_optimizers(model, tmp_path):
    check_model(model)
    entry = f"{__file__}:{model.__name__}"
    for optimizer in ("adam", "adamw", "rmsprop"):
        small = {"sequences": 16, "validate_every": 8, "validation_sequences": 2, "optimizer": optimizer}
        Trainer(tiny_run(entry=entry, **small), tmp_path / optimizer).train()
    config = dataclasses.replace(reward_run().train, total_timesteps=128)
    start(reward_run(entry, {}, config=config), tmp_path / "ppo").train()


class WithParameter(Good):
    """A parameter that takes part in the logits."""

    def __init__(self, input_size, output_size, *, kind: str = ""):
        super().__init__(input_size, output_size)
        made = {
            "bfloat16": lambda: torch.ones(output_size, dtype=torch.bfloat16),
            "complex": lambda: torch.ones(output_size, dtype=torch.complex64),
            "shared": lambda: torch.ones(1).expand(output_size),
        }[kind]()
        self.scale = nn.Parameter(made)

    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits * self.scale.real.to(logits.dtype), state


class FrozenIntegers(Good):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.order = nn.Parameter(torch.arange(3), requires_grad=False)


class Lazy(Good):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.output = nn.LazyLinear(output_size)


class MadeInForward(Good):
    def forward(self, inputs, state):
        if not hasattr(self, "scale"):
            self.scale = nn.Parameter(inputs.new_ones(()))
        logits, state = super().forward(inputs, state)
        return logits * self.scale, state


class Sparse(Good):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.embedding = nn.Embedding(2, output_size, sparse=True)

    def forward(self, inputs, state):
        logits, state = super().forward(inputs, state)
        return logits + self.embedding((inputs[..., 0] > 0.5).long()), state


class NotCopied(Good):
    """It keeps what forward has computed, with the graph behind it."""

    def forward(self, inputs, state):
        logits, after = super().forward(inputs, state)
        self.seen = logits
        return logits, after


class OldWeightNorm(Good):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        with pytest.warns(FutureWarning, match="deprecated"):
            nn.utils.weight_norm(self.output)


class ExtraState(Good):
    def get_extra_state(self):
        return {"calls": 3}

    def set_extra_state(self, state):
        pass


class BatchNorm(Good):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)
        self.norm = nn.BatchNorm1d(input_size)

    def forward(self, inputs, state):
        return super().forward(self.norm(inputs.flatten(0, 1)).view_as(inputs), state)


class NoiseOfNumPy(Good):
    def forward(self, inputs, state):
        if self.training:
            inputs = inputs + np.random.normal()  # noqa: NPY002
        return super().forward(inputs, state)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            lambda i, o: WithParameter(i, o, kind="bfloat16"),
            "'scale' is of type torch.bfloat16; expected torch.float32",
        ),
        (
            lambda i, o: WithParameter(i, o, kind="complex"),
            "'scale' is of type torch.complex64; .*view_as_complex",
        ),
        (lambda i, o: WithParameter(i, o, kind="shared"), "numbers of the parameter 'scale' share memory"),
        (FrozenIntegers, "'order' is of type torch.int64; .* to be a buffer"),
        (Lazy, "'output.weight' has no shape before the first forward"),
        (MadeInForward, "forward made the parameter 'scale'; expected all parameters to be made by __init__"),
        (Sparse, "gradient of the parameter 'embedding.weight' is sparse; .* sparse=False"),
        (NotCopied, "copy.deepcopy of the model failed: RuntimeError.* detach what forward keeps"),
        (OldWeightNorm, "copy.deepcopy of the model failed: .* torch.nn.utils.parametrizations"),
        (ExtraState, "state_dict cannot be written as safetensors: .* remove get_extra_state"),
        (BatchNorm, "in training mode, with other inputs in row 0 .* such as nn.LayerNorm"),
        (NoiseOfNumPy, "in training mode, the same weights, .* torch's global generator"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_mistake_is_explained(model, message):
    with pytest.raises(ModelError, match=message):
        check_model(model)


class KeptInEvaluation(Good):
    """A table that an evaluation computes, and training uses: torch refuses it."""

    table = None

    def forward(self, inputs, state):
        if torch.is_inference_mode_enabled() and self.table is None:
            self.table = torch.ones(8)
        logits, state = super().forward(inputs, state)
        return logits * (torch.ones(8, dtype=inputs.dtype) if self.table is None else self.table), state


def test_what_an_evaluation_computes_is_not_kept_for_training():
    with pytest.raises(ModelError, match="Inference tensors cannot be saved for backward"):
        check_model(KeptInEvaluation)
