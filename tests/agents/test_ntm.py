"""The NTM: its shapes, its initial state, and its options. Its equations are tested in `test_machines.py`."""

import json
from dataclasses import asdict, fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ntm_in_loops import INPUTS, OUTPUTS, data, make

from ntm_agents import ExtendedNTM, JumpNTM
from ntm_agents.machines.ntm import NTM, NTMConfig
from ntm_agents.protocol import config_class


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    T=st.integers(1, 5),
    B=st.integers(1, 4),
    capacity=st.integers(1, 17),
    R=st.integers(1, 3),
    W=st.integers(1, 3),
    S=st.integers(2, 5),
    M=st.integers(1, 5),
    row=st.integers(0, 3),
)
def test_any_shape_works_and_rows_do_not_see_each_other(T, B, capacity, R, W, S, M, row):
    model, row = make(read_heads=R, write_heads=W, shift_width=S, memory_width=M), row % B
    inputs = data(T, B)
    logits, state = model(inputs, model.initial_state(B, capacity))
    assert logits.shape == (T, B, OUTPUTS)
    seen = model.trace(state)
    N = max(capacity, S)
    assert [seen[name].shape for name in seen] == [(B, W, N), (B, R, N), (B, N, M)]
    for name in ("write weighting", "read weighting"):
        assert (seen[name] >= 0).all()
        torch.testing.assert_close(seen[name].sum(2), torch.ones_like(seen[name][..., 0]))
    alone, _ = model(inputs[:, row : row + 1], model.initial_state(1, capacity))
    torch.testing.assert_close(alone[:, 0], logits[:, row], rtol=1e-10, atol=1e-10)


def test_a_fixed_memory_does_not_grow():
    model = NTM(INPUTS, OUTPUTS, memory_slots=5)
    assert model.initial_state(1, 1024).memory.shape == (1, 5, 20)


def test_initial_memory_and_positions_are_as_configured():
    def start(**config):
        return NTM(1, 1, memory_width=3, **config).initial_state(2, 4)

    assert (start().memory == 1e-6).all()
    assert (start(memory_init_scale=0.5).memory == 0.5).all()
    assert start(memory_init="position").memory[1].tolist() == [
        [-1, -1, -1],
        [1, -1, -1],
        [-1, 1, -1],
        [1, 1, -1],
    ]
    random = start(memory_init="random").memory
    assert len(random[0].unique()) == 12
    assert -1 <= random.min() < 0 < random.max() < 1
    assert start().weightings.tolist() == [[[1, 0, 0, 0]] * 2] * 2
    assert (start(head_init="uniform").weightings == 0.25).all()
    assert start(head_init="learned").weightings[0, 0].tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])


def test_biases_start_as_configured_and_nothing_else_has_one():
    config = {
        "key_bias": 1.0, "strength_bias": 2.0, "sharpening_bias": 3.0, "gate_bias": 4.0,
        "shift_bias": (5.0, 6.0, 7.0), "add_bias": 8.0, "erase_bias": 9.0,
    }  # fmt: skip
    bias = NTM(1, 1, memory_width=2, read_heads=2, **config).heads.bias.tolist()
    assert bias == [1, 1, 2, 3, 4, 5, 6, 7] * 3 + [8, 8, 9, 9]
    assert NTM(1, 1).heads.bias.count_nonzero() == 0


def test_each_head_may_have_biases_of_its_own():
    config = {"strength_bias": (1.0, 2.0), "sharpening_bias": 3, "gate_bias": [4, 5]}
    config |= {"shift_bias": (6.0, 7.0, 8.0, 9.0, 10.0, 11.0)}
    model = NTM(1, 1, memory_width=1, **config)
    choose = [0, 1, 3, 4, 6, 7, 8, 0, 2, 3, 5, 9, 10, 11]
    assert model.heads.bias.tolist() == [*choose, 0, 0]
    assert model.config.gate_bias == (4, 5)


@pytest.mark.parametrize("controller", ["feedforward", "lstm", "gru"])
def test_sequences_a_hundred_times_those_trained_stay_finite(controller):
    torch.manual_seed(0)
    model = NTM(INPUTS, OUTPUTS, controller=controller, hidden_size=8, memory_width=4, memory_slots=16)
    optimizer = torch.optim.Adam(model.parameters(), 0.1)
    for _ in range(10):
        inputs = torch.randint(0, 2, (10, 4, INPUTS)).float()
        logits, _ = model(inputs, model.initial_state(4, 16))
        optimizer.zero_grad()
        logits.square().mean().backward()
        optimizer.step()
    with torch.no_grad():
        inputs = torch.randint(0, 2, (1000, 2, INPUTS)).float()
        logits, state = model(inputs, model.initial_state(2, 16))
    assert logits.isfinite().all()
    assert all(tensor.isfinite().all() for tensor in state[:3])


def test_noise_disturbs_training_alone():
    model, inputs = NTM(INPUTS, OUTPUTS, controller_noise=0.3), torch.ones(3, 2, INPUTS)

    def play():
        return model(inputs, model.initial_state(2, 4))[0]

    assert not torch.equal(play(), play())
    model.eval()
    assert torch.equal(play(), play())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"hidden_size": None}, "hidden_size is None; expected an integer of at least 1"),
        ({"order": None}, "order is None; expected one of 'write_first', 'read_first'"),
        ({"epsilon": None}, "epsilon is None; expected a finite number of at least 0"),
        ({"gate_bias": None}, "gate_bias is None; expected a finite number"),
        ({"shift_bias": None}, "shift_bias is None; expected"),
        ({"hidden_size": 0}, "hidden_size is 0; expected an integer of at least 1"),
        ({"num_layers": 1.5}, "num_layers is 1.5; expected an integer from 1 to 1000"),
        ({"shift_width": 1}, "shift_width is 1; expected an integer from 2 to 1000"),
        ({"memory_slots": 2}, "memory_slots is 2; expected an integer of at least 3"),
        ({"controller_noise": -0.1}, "noise is -0.1; expected a finite number of at least 0"),
        ({"gate_bias": float("nan")}, "gate_bias is nan; expected a finite number"),
        ({"memory_init_scale": float("inf")}, "memory_init_scale is inf; expected a finite number"),
        ({"controller": "rnn"}, "controller is 'rnn'; expected one of 'feedforward', 'lstm', 'gru'"),
        (
            {"shift_bias": (1.0, 2.0)},
            r"shift_bias is \(1.0, 2.0\); expected 0 or 3 or 6 finite numbers, as there",
        ),
        ({"gate_bias": (1.0,)}, r"gate_bias is \(1.0,\); expected 2 finite numbers, as there are 2 heads"),
        ({"gate_bias": (1.0, float("inf"))}, "expected a finite number or a list of finite numbers"),
    ],
)
def test_impossible_values_are_refused_with_a_message(config, message):
    with pytest.raises(ValueError, match=message):
        NTM(INPUTS, OUTPUTS, **config)


def test_an_unknown_option_is_refused():
    with pytest.raises(TypeError, match="slots"):
        NTM(INPUTS, OUTPUTS, slots=3)


def test_the_configuration_survives_json():
    config = NTMConfig(shift_bias=(0.0, 1.0, 0.0), memory_slots=7)
    assert NTMConfig(**json.loads(json.dumps(asdict(config)))) == config
    assert config_class(NTM) is NTMConfig
    assert all(field.kw_only for field in fields(NTMConfig))


def test_it_has_no_option_that_goes_beyond_the_paper():
    own = {field.name for field in fields(NTMConfig)}
    extended, jumping = (
        {field.name for field in fields(kind.Config)} - own for kind in (ExtendedNTM, JumpNTM)
    )
    reading = {"key_width", "strength_growth", "read_feedback", "output_hidden_size", "output_shortcut"}
    assert reading | {"followers", "erasers", "erase_limit", "skip_connection"} == extended
    assert "jump_bias" in jumping
    assert NTM(INPUTS, OUTPUTS).initial_state(1, 4)._fields == ("memory", "weightings", "reads", "controller")


@pytest.mark.parametrize("name", ["input_size", "output_size"])
@pytest.mark.parametrize("size", [0, -1, 9.0, "9", True])
def test_impossible_numbers_of_inputs_and_outputs_are_refused_by_name(name, size):
    with pytest.raises(ValueError, match=rf"{name} is {size!r}; expected an integer of at least 1"):
        NTM(**{"input_size": 9, "output_size": 8, name: size})
