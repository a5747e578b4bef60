"""Controllers compute, step by step, what PyTorch's own recurrent networks do."""

import pytest
import torch
from torch import nn

from ntm_agents.controllers import Controller

T, B, INPUTS, READS, UNITS = 4, 3, 5, 2, 7


def run(controller, inputs, reads):
    state, outputs = controller.initial_state(inputs.shape[1]), []
    for projected, read in zip(controller.project(inputs), reads, strict=True):
        output, state = controller(projected, read, state)
        outputs.append(output)
    return torch.stack(outputs), state


def data():
    torch.manual_seed(0)
    return torch.randn(T, B, INPUTS), torch.randn(T, B, READS)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_feedforward_is_tanh_of_a_linear_layer(depth):
    inputs, reads = data()
    controller = Controller("feedforward", INPUTS, READS, UNITS, depth, 0.0, True)
    outputs, state = run(controller, inputs, reads)
    lowest, *others = controller.layers
    expected = torch.tanh(inputs @ controller.inputs.weight.t() + reads @ lowest.weight.t() + lowest.bias)
    for layer in others:
        expected = torch.tanh(expected @ layer.weight.t() + layer.bias)
    torch.testing.assert_close(outputs, expected)
    assert state == ()


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_recurrent_controllers_are_those_of_pytorch(kind, depth):
    inputs, reads = data()
    controller = Controller(kind, INPUTS, READS, UNITS, depth, 0.0, True)
    theirs = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[kind](INPUTS + READS, UNITS, depth)
    # Ours order the gates of an LSTM input, forget, output, candidate; theirs end with the output gate.
    order = {"rnn": [0], "lstm": [0, 1, 3, 2], "gru": [0, 1, 2]}[kind]
    with torch.no_grad():
        for i, layer in enumerate(controller.layers):
            layer.bias.normal_()
            if kind != "gru":
                below, recurrent = layer.weight.split((layer.below, UNITS), 1)
                recurrent_bias = torch.zeros_like(layer.bias)
            else:
                below, recurrent, recurrent_bias = layer.weight, layer.recurrent, layer.recurrent_bias
                recurrent_bias.normal_()
            if i == 0:
                below = torch.cat((controller.inputs.weight, below), 1)
            for name, value in (
                ("weight_ih", below),
                ("weight_hh", recurrent),
                ("bias_ih", layer.bias),
                ("bias_hh", recurrent_bias),
            ):
                blocks = value.chunk(len(order))
                getattr(theirs, f"{name}_l{i}").copy_(torch.cat([blocks[gate] for gate in order]))
    outputs, state = run(controller, inputs, reads)
    expected, last = theirs(torch.cat((inputs, reads), 2))
    torch.testing.assert_close(outputs, expected)
    hidden = last[0] if kind == "lstm" else last
    torch.testing.assert_close(state[-2 if kind == "lstm" else -1], hidden[-1])


@pytest.mark.parametrize(("kind", "tensors"), [("feedforward", 0), ("rnn", 1), ("lstm", 2), ("gru", 1)])
def test_state_has_the_batch_first(kind, tensors):
    state = Controller(kind, INPUTS, READS, UNITS, 2, 0.0, True).initial_state(B)
    assert [tensor.shape for tensor in state] == [(B, UNITS)] * 2 * tensors


@pytest.mark.parametrize("kind", ["feedforward", "rnn", "lstm", "gru"])
def test_noise_is_in_training_alone(kind):
    inputs, _ = data()
    controller = Controller(kind, INPUTS, READS, UNITS, 1, 0.3, True)
    noise = controller.project(inputs) - controller.eval().project(inputs)
    assert 0.2 < noise.std() < 0.4
    torch.testing.assert_close(controller.project(inputs), controller.project(inputs), rtol=0, atol=0)


def test_biases_start_at_random_and_forget_gates_open():
    bias = Controller("lstm", INPUTS, READS, UNITS, 1, 0.0, True).layers[0].bias.view(4, UNITS)
    offsets = bias - torch.tensor([0.0, 1.0, 0.0, 0.0])[:, None]
    assert offsets.abs().max() <= (INPUTS + READS + UNITS) ** -0.5
    assert offsets.ne(0).all()


@pytest.mark.parametrize(("kind", "gates"), [("rnn", 1), ("lstm", 4), ("gru", 3)])
def test_weights_of_the_last_output_start_orthogonal_where_it_is_asked_for(kind, gates):
    for orthogonal in (True, False):
        for layer in Controller(kind, INPUTS, READS, UNITS, 2, 0.0, orthogonal).layers:
            own = layer.recurrent_weights.reshape(gates, UNITS, UNITS).detach()
            distance = (own @ own.mT - torch.eye(UNITS)).abs().max()
            assert (distance < 1e-5) == orthogonal
