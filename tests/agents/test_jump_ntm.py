"""JumpNTM: gates, counter, and channels by name. Its equations are tested in `test_machines.py`."""

import pytest
import torch
from ntm_in_loops import CHANNELS, INPUTS, OUTPUTS, Jumping, data, make

from ntm_agents import JumpNTM
from ntm_agents.protocol import build
from ntm_envs import tasks


def test_what_is_counted_is_seen_through_the_counter_alone():
    model = make(Jumping, {"signal_channels": ("first",), "counter_channels": ("third",)})
    inputs, other = data(4, 2), data(4, 2)
    other[:, :, 2] += 1
    with torch.no_grad():
        model.offers[1] = 0  # the weight of the channel that is counted
        logits, state = model(inputs, model.initial_state(2, 6))
        assert torch.equal(model(other, model.initial_state(2, 6))[0], logits)
        model.offers[1] = 0.5
        counter = model(other, model.initial_state(2, 6))[1].counter
    assert (counter - state.counter).min() > 1


@pytest.mark.parametrize(("bias", "where"), [(60.0, 0), (-60.0, 3)])
def test_readers_jump_to_the_first_slot_and_count_it(bias, where):
    walk = {"gate_bias": -60.0, "shift_bias": (0.0, 60.0, 0.0), "sharpening_bias": 0.0}
    model, head = JumpNTM(INPUTS, OUTPUTS, jump_bias=bias, **walk), torch.eye(6)[3]
    state = model.initial_state(2, 6)
    state = state._replace(weightings=head.expand_as(state.weightings))
    with torch.no_grad():
        _, state = model(torch.ones(5, 2, INPUTS), state)
    writing, reading = state.weightings[0]
    assert writing.argmax() == 3
    assert reading.argmax() == where
    assert torch.equal(state.counter, torch.full((2,), 0.0 if where else 5.0))


@pytest.mark.parametrize("config", [{"jump_noise": 1.0}, {"counter_noise": 0.2}, {"controller_noise": 0.3}])
def test_noise_disturbs_training_alone(config):
    model, inputs = JumpNTM(INPUTS, OUTPUTS, **config), torch.ones(3, 2, INPUTS)

    def play():
        return model(inputs, model.initial_state(2, 4))[0]

    assert not torch.equal(play(), play())
    model.eval()
    assert torch.equal(play(), play())


def test_channels_are_found_by_the_names_of_a_task():
    task, named = tasks.get("repeat_copy"), {"signal_channels": ["delimiter"], "counter_channels": ["count"]}
    model = build(JumpNTM, task, **named)
    assert model.config.signal_channels == ("delimiter",)
    assert model.controller.inputs.in_features == task.input_size - 1  # it does not see the count
    state = model.initial_state(1, 8)
    for name, changed in (("delimiter", True), ("count", True), ("data 0", False)):
        inputs = torch.zeros(1, 1, task.input_size)
        inputs[..., task.input_channels.index(name)] = 1
        with torch.no_grad():
            model.offers.fill_(0.5)
            counter = model(inputs, state)[1].counter
            assert bool((counter != model(torch.zeros_like(inputs), state)[1].counter).item()) == changed


@pytest.mark.parametrize("option", ["signal_channels", "counter_channels"])
def test_unknown_channels_are_refused_with_a_suggestion(option):
    with pytest.raises(ValueError, match=rf"{option}: unknown input channel 'frist'; did you mean 'first'"):
        JumpNTM(INPUTS, OUTPUTS, input_channels=CHANNELS, **{option: ("frist",)})
    with pytest.raises(ValueError, match="did you mean 'delimiter'"):
        build(JumpNTM, tasks.get("repeat_copy"), **{option: ("delimeter",)})


@pytest.mark.parametrize("option", ["signal_channels", "counter_channels"])
def test_channels_need_names(option):
    with pytest.raises(ValueError, match=rf"{option} is \('first',\), but the names .* not known; pass"):
        JumpNTM(INPUTS, OUTPUTS, **{option: ("first",)})
    with pytest.raises(ValueError, match=rf"{option} is \(2,\); expected a list of strings"):
        Jumping(INPUTS, OUTPUTS, **{option: (2,)})


@pytest.mark.parametrize("kernel", ["reference", "fused"])
def test_a_counter_that_does_not_fit_is_refused(kernel):
    model = JumpNTM(INPUTS, OUTPUTS, kernel=kernel)
    state = model.initial_state(3, 8)
    with pytest.raises(ValueError, match=r"state.counter has shape \(2,\); expected \(3,\)"):
        model(torch.zeros(4, 3, INPUTS), state._replace(counter=state.counter[1:]))


@pytest.mark.parametrize("channels", [INPUTS - 1, INPUTS + 1])
def test_inputs_of_another_size_are_refused(channels):
    model = JumpNTM(INPUTS, OUTPUTS, input_channels=CHANNELS, counter_channels=("first",))
    with pytest.raises(ValueError, match=rf"shape \(4, 3, {channels}\); expected {INPUTS} channels"):
        model(torch.zeros(4, 3, channels), model.initial_state(3, 8))
