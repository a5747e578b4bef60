"""Properties of every baseline that learns, whatever its equations are."""

import pytest
import torch
from torch.testing import assert_close

import ntm_baselines
from ntm_agents.protocol import tensors
from ntm_envs.lookup import load

MODELS = {
    row.entry: load(row.entry)
    for row in ntm_baselines.TABLE
    if row.entry.startswith("ntm_baselines:") and row.learns
}
every_model = pytest.mark.parametrize("kind", MODELS.values(), ids=MODELS)
EXACT = {"rtol": 1e-10, "atol": 1e-10}


def make(kind):
    torch.manual_seed(0)
    return kind(5, 2).double().eval()


def data(T, B):
    return torch.randn(T, B, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@every_model
def test_step_by_step_and_in_pieces_it_computes_the_same(kind):
    model, inputs = make(kind), data(70, 2)
    whole, _ = model(inputs, model.initial_state(2, 128))
    with torch.no_grad():
        for sizes in ([1] * 70, [33, 1, 36]):
            state, parts = model.initial_state(2, 128), []
            for piece in inputs.split(sizes):
                logits, state = model(piece, state)
                parts.append(logits)
            assert_close(torch.cat(parts), whole.detach(), **EXACT)


@every_model
def test_rows_do_not_depend_on_their_neighbours(kind):
    model, inputs = make(kind), data(20, 3)
    whole, state = model(inputs, model.initial_state(3, 32))
    for row in range(3):
        alone, after = model(inputs[:, row : row + 1], model.initial_state(1, 32))
        assert_close(alone[:, 0], whole[:, row], **EXACT)
        for (_, one), (_, several) in zip(tensors(after), tensors(state), strict=True):
            assert_close(one[0], several[row], **EXACT)


@every_model
def test_gradients_are_finite_and_no_step_depends_on_later_inputs(kind):
    model, inputs = make(kind), data(40, 2).requires_grad_()
    inputs.data[10:20] = 0  # blank inputs
    logits, _ = model(inputs, model.initial_state(2, 64))
    logits.square().sum().backward(retain_graph=True)
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
    assert inputs.grad.isfinite().all()
    inputs.grad = None
    logits[25].sum().backward()
    assert not inputs.grad[26:].any()
    assert inputs.grad[25].any()
