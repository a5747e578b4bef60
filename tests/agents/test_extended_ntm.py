"""ExtendedNTM: the effects of its options. Its equations are tested in `test_machines.py`."""

import pytest
import torch
from ntm_in_loops import INPUTS, OUTPUTS, data, make

from ntm_agents import NTM, ExtendedNTM
from ntm_agents.machines import extended_ntm


@pytest.mark.parametrize("kernel", ["reference", "fused"])
def test_without_extensions_it_is_an_ntm(kernel):
    config = {"kernel": kernel, "read_heads": 2, "gate_bias": (1.0, 2.0, 3.0)}
    (plain, extended), inputs = (make(kind, config) for kind in (NTM, ExtendedNTM)), data(5, 2)
    extended.load_state_dict(plain.state_dict())
    outputs = [model.with_penalty(inputs, model.initial_state(2, 6)) for model in (plain, extended)]
    for found, expected in zip(*outputs, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_the_same_seed_begins_with_the_same_weights_as_an_ntm():
    states = []
    for kind in (NTM, ExtendedNTM):
        torch.manual_seed(3)
        states.append(kind(INPUTS, OUTPUTS).state_dict())
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("kernel", ["reference", "fused"])
@pytest.mark.parametrize("order", ["write_first", "read_first"])
def test_followers_write_where_read_heads_are(kernel, order):
    config = {"write_heads": 3, "read_heads": 2, "followers": 2, "order": order, "kernel": kernel}
    model, inputs = make(ExtendedNTM, config), data(6, 2)
    _, before = model(inputs[:5], model.initial_state(2, 8))
    _, after = model(inputs[5:], before)
    followed = before if order == "write_first" else after
    torch.testing.assert_close(after.weightings[:, 1:3], followed.weightings[:, 3:], rtol=1e-12, atol=0)


def test_followers_have_no_parameters_for_addressing():
    sizes = {"write_heads": 3, "read_heads": 2, "memory_width": 4}
    parameters = [
        ExtendedNTM(INPUTS, OUTPUTS, followers=followers, **sizes).heads.out_features
        for followers in (0, 1, 2)
    ]
    assert parameters == [5 * 10 + 3 * 8, 4 * 10 + 3 * 8, 3 * 10 + 3 * 8]


@pytest.mark.parametrize("followers", [0, 1])
def test_biases_are_given_for_all_heads_followers_too(followers):
    config = {"write_heads": 2, "followers": followers, "memory_width": 1, "gate_bias": (1.0, 2.0, 3.0)}
    bias = ExtendedNTM(INPUTS, OUTPUTS, **config).heads.bias[:-4].view(-1, 7)
    assert bias[:, 3].tolist() == ([1, 3] if followers else [1, 2, 3])


@pytest.mark.parametrize("kernel", ["reference", "fused"])
@pytest.mark.parametrize("order", ["write_first", "read_first"])
def test_erasers_add_nothing_and_erase(kernel, order):
    config = {"write_heads": 2, "erasers": 2, "memory_init": "random", "order": order, "kernel": kernel}
    model, inputs = make(ExtendedNTM, config), data(6, 2)
    before = model.initial_state(2, 8)
    _, after = model(inputs, before)
    assert (after.memory.abs() < before.memory.abs()).any()
    assert (after.memory * before.memory >= 0).all()
    assert (after.memory.abs() <= before.memory.abs()).all()


@pytest.mark.parametrize("kernel", ["reference", "fused"])
def test_an_eraser_may_turn_slots_to_their_opposites(kernel):
    config = {"erasers": 1, "erase_limit": 2.0, "erase_bias": 60.0, "memory_init": "random", "kernel": kernel}
    model, inputs = make(ExtendedNTM, config), data(1, 2)
    before = model.initial_state(2, 8)
    _, after = model(inputs, before)
    expected = before.memory * (1 - 2 * after.weightings[:, 0, :, None])
    torch.testing.assert_close(after.memory, expected, rtol=1e-12, atol=1e-12)


def test_erasers_have_no_parameters_for_add_vectors():
    sizes = {"write_heads": 3, "read_heads": 2, "memory_width": 4}
    parameters = [ExtendedNTM(INPUTS, OUTPUTS, erasers=erasers, **sizes).heads for erasers in (0, 1, 3)]
    assert [heads.out_features for heads in parameters] == [5 * 10 + 4 * number for number in (6, 5, 3)]
    biases = ExtendedNTM(INPUTS, OUTPUTS, erasers=2, add_bias=1.0, erase_bias=2.0, **sizes).heads.bias
    assert biases[-16:].tolist() == [1.0] * 4 + [2.0] * 12


@pytest.mark.parametrize("kernel", ["reference", "fused"])
def test_only_the_columns_of_keys_are_compared(kernel):
    config = {"key_width": 1, "gate_bias": 60.0, "kernel": kernel}
    model, inputs = make(ExtendedNTM, config), data(1, 2)
    state = model.initial_state(2, 6)
    columns = [torch.randn(state.memory.shape, dtype=torch.float64) for _ in range(2)]
    columns[1][:, :, 0] = columns[0][:, :, 0]
    found = [model(inputs, state._replace(memory=memory))[1].weightings for memory in columns]
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-15)
    columns[1][:, :, 0] += 1
    changed = model(inputs, state._replace(memory=columns[1]))[1].weightings
    assert (changed - found[0]).abs().max() > 1e-3


@pytest.mark.parametrize("kernel", ["reference", "fused"])
def test_strengths_that_grow_are_twice_as_large_with_the_square_of_the_slots(kernel):
    config = {"gate_bias": 60.0, "shift_bias": (0.0, 60.0, 0.0), "sharpening_bias": -60.0, "kernel": kernel}
    ratios = {}
    for growth in (False, True):
        model = make(ExtendedNTM, config | {"strength_growth": growth})
        for slots in (128, 128**2):
            state = model.initial_state(1, slots)
            memory = torch.randn(1, slots, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
            weighting = model(data(1, 1), state._replace(memory=memory))[1].weightings[0, 1].log()
            ratios[growth, slots] = (weighting[0] - weighting[1]).item()
    assert ratios[True, 128] == pytest.approx(ratios[False, 128])
    assert ratios[True, 128**2] == pytest.approx(2 * ratios[False, 128**2])
    assert abs(ratios[False, 128]) > 1e-3


def test_without_feedback_the_controller_does_not_see_what_was_read():
    inputs = data(1, 2)
    for feedback in (True, False):
        model = make(ExtendedNTM, {"read_feedback": feedback})
        state = model.initial_state(2, 6)
        with torch.no_grad():
            outputs = [model(inputs, state._replace(reads=state.reads + more))[1] for more in (0, 1)]
        same = torch.equal(outputs[0].controller[0], outputs[1].controller[0])
        assert same != feedback


def test_a_hidden_layer_far_out_is_finite():
    x = torch.tensor([0.0, 1e-30, 1e-4, 1.0, 1e4, 1e30], dtype=torch.float64)
    x = torch.cat((-x, x))
    torch.testing.assert_close(extended_ntm._asinh(x), torch.asinh(x), rtol=1e-14, atol=0)
    assert torch.isfinite(extended_ntm._asinh(x.float())).all()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"followers": 2, "write_heads": 2}, "followers is 2; expected at most 1"),
        ({"followers": -1}, "followers is -1; expected an integer of at least 0"),
        ({"erase_limit": 2.5}, "erase_limit is 2.5; expected"),
        ({"erase_limit": 1.5}, "erase_limit is 1.5; expected 1 without erasers"),
        ({"erasers": 2}, "erasers is 2; expected at most 1"),
        ({"erasers": 1, "add_activation": "sigmoid"}, "erasers is 1; expected 0, as a sigmoid"),
        ({"key_width": 0}, "key_width is 0; expected an integer of at least 1"),
        ({"key_width": 21}, "key_width is 21; expected at most 20"),
        ({"output_hidden_size": -1}, "output_hidden_size is -1; expected an integer of at least 0"),
        ({"skip_connection": None}, "skip_connection is None; expected True or False"),
        ({"shift_width": 1}, "shift_width is 1; expected an integer from 2 to 1000"),
    ],
)
def test_impossible_values_are_refused_with_a_message(config, message):
    with pytest.raises(ValueError, match=message):
        ExtendedNTM(INPUTS, OUTPUTS, **config)
