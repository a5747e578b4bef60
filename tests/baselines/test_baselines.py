import numpy as np
import pytest
import torch

from ntm_baselines import LSTM, Constant, Uniform, oracle
from ntm_envs import Agent, tasks


@pytest.mark.parametrize("depth", [1, 3])
def test_the_lstm_is_torchs_own(depth):
    torch.manual_seed(0)
    model = LSTM(5, 2, hidden_size=7, num_layers=depth)
    inputs = torch.randn(4, 3, 5)
    logits, (hidden, cell) = model(inputs, model.initial_state(3, 8))
    features, (h, c) = model.lstm(inputs)
    torch.testing.assert_close(logits, model.output(features))
    torch.testing.assert_close(hidden, h.transpose(0, 1))
    torch.testing.assert_close(cell, c.transpose(0, 1))
    assert hidden.shape == (3, depth, 7)


def test_a_sequence_in_parts_is_the_sequence():
    model = LSTM(5, 2, hidden_size=7, num_layers=2).double()
    inputs = torch.randn(6, 3, 5, dtype=torch.float64)
    whole, _ = model(inputs, model.initial_state(3, 8))
    state, parts = model.initial_state(3, 8), []
    for step in inputs.split(1):
        logits, state = model(step, state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-12, atol=1e-12)


def test_the_start_of_the_weights_can_be_chosen():
    torch.manual_seed(0)
    model = LSTM(5, 2, hidden_size=7, num_layers=2, forget_bias=3.0, orthogonal_init=True)
    torch.manual_seed(0)
    plain = LSTM(5, 2, hidden_size=7, num_layers=2)
    for layer in range(2):
        for gate in getattr(model.lstm, f"weight_hh_l{layer}").chunk(4):
            torch.testing.assert_close(gate @ gate.T, torch.eye(7))
        moved = getattr(model.lstm, f"bias_ih_l{layer}") - getattr(plain.lstm, f"bias_ih_l{layer}")
        torch.testing.assert_close(moved, torch.tensor([0.0, 3.0, 0.0, 0.0]).repeat_interleave(7))


@pytest.mark.parametrize("option", ["hidden_size", "num_layers"])
def test_impossible_options_are_named(option):
    with pytest.raises(ValueError, match=f"{option} is 0"):
        LSTM(5, 2, **{option: 0})


@pytest.mark.parametrize("make", [oracle, Uniform, Constant])
@pytest.mark.parametrize("name", tasks.names())
def test_references_are_agents(make, name):
    task = tasks.get(name)
    agent = make(task)
    if agent is None:
        assert (make, name) == (oracle, "one_shot")
        return
    assert isinstance(agent, Agent)
    agent.begin(3, 64, seed=0)
    actions = agent.act(np.zeros((3, task.input_size), np.float32))
    assert actions.shape == (3, task.answers.width)


def test_guesses_of_bits_are_fair_and_repeat_with_their_seed():
    agent = Uniform(tasks.get("copy"))
    flips = []
    for _ in range(2):
        agent.begin(1000, 64, seed=4)
        flips.append(agent.act(np.zeros((1000, 9), np.float32)))
    np.testing.assert_array_equal(*flips)
    assert abs(flips[0].mean() - 0.5) < 4 * 0.5 / np.sqrt(8000)
