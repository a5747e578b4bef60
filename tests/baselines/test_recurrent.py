"""The recurrent networks without an external memory."""

import pytest
import torch
from torch.testing import assert_close

from ntm_baselines import GRU, RNN

KINDS = pytest.mark.parametrize("kind", [GRU, RNN])


def make(kind):
    torch.manual_seed(0)
    return kind(5, 2, hidden_size=4, num_layers=2).double()


def weights(module, layer):
    names = ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
    return [getattr(module, f"{name}_l{layer}") for name in names]


def step(kind, layer, x, h):
    """Return the next state of a layer by the equations of its docstring."""
    W, b, U, c = weights(kind, layer)
    ours, theirs = x @ W.T + b, h @ U.T + c
    if isinstance(kind, torch.nn.RNN):
        return torch.tanh(ours + theirs)
    (r, z, n), (r_h, z_h, n_h) = ours.chunk(3, 1), theirs.chunk(3, 1)
    r, z = torch.sigmoid(r + r_h), torch.sigmoid(z + z_h)
    n = torch.tanh(n + r * n_h)
    return (1 - z) * n + z * h


@KINDS
def test_it_computes_the_equations_of_its_docstring(kind):
    model = make(kind)
    module = model.gru if kind is GRU else model.rnn
    inputs = torch.randn(6, 3, 5, dtype=torch.float64)
    found, state = model(inputs, model.initial_state(3, 8))
    layers, expected = [torch.zeros(3, 4, dtype=torch.float64)] * 2, []
    for x in inputs:
        layers[0] = step(module, 0, x, layers[0])
        layers[1] = step(module, 1, layers[0], layers[1])
        expected.append(model.output(layers[1]))
    assert_close(found, torch.stack(expected), rtol=1e-12, atol=1e-12)
    assert_close(state, torch.stack(layers, 1), rtol=1e-12, atol=1e-12)


@KINDS
def test_recurrent_weights_start_orthogonal_if_chosen(kind):
    model = kind(5, 2, hidden_size=4, num_layers=2, orthogonal_init=True)
    module = model.gru if kind is GRU else model.rnn
    for layer in range(2):
        for gate in weights(module, layer)[2].split(4):
            assert_close(gate @ gate.T, torch.eye(4))
