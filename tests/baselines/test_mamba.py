import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional
from torch.testing import assert_close

from ntm_agents.testing import check_model
from ntm_baselines import Mamba
from ntm_baselines.mamba import CHUNK, SelectiveScan

EXACT = {"rtol": 1e-9, "atol": 1e-9}


def make(**config):
    torch.manual_seed(0)
    return Mamba(5, 2, **({"hidden_size": 6, "state_size": 3} | config)).double().eval()


def data(T, B):
    return torch.randn(T, B, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_it_keeps_to_the_protocol_of_models():
    check_model(Mamba, config={"hidden_size": 16, "conv_width": 1, "expansion": 1})


@pytest.mark.parametrize("T", [1, CHUNK, 2 * CHUNK + 1])
def test_the_scan_is_its_recurrence_and_its_gradients_are_right(T):
    torch.manual_seed(0)
    B, E, N = 2, 2, 3
    sizes = [(T, B, E), (N, E), (T, B, E), (T, B, N), (T, B, N), (B, N, E)]
    given = [torch.rand(size).double().requires_grad_() for size in sizes]
    steps, rates, inputs, entering, leaving, state = given
    expected = []
    for d, u, b, c in zip(steps, inputs, entering, leaving, strict=True):
        state = torch.exp(-d[:, None] * rates) * state + b[:, :, None] * u[:, None]
        expected.append((c[:, :, None] * state).sum(1))
    outputs, last = SelectiveScan.apply(*given)
    assert_close(outputs, torch.stack(expected), **EXACT)
    assert_close(last, state, **EXACT)
    assert gradcheck(SelectiveScan.apply, given)


def by_the_docstring(model, inputs):
    """Return the logits ``[T, L]`` of one sequence by the equations of the docstring, a number at a time."""
    c, T = model.config, len(inputs)
    E, N, vectors = c.expansion * c.hidden_size, c.state_size, model.embedding(inputs)
    for layer in model.layers:
        u, z = layer.inputs_gates(layer.norm(vectors)).split(E, 1)
        before = torch.cat((torch.zeros(c.conv_width - 1, E, dtype=torch.float64), u))
        windows = [before[t : t + c.conv_width].T * layer.convolution for t in range(T)]
        u = functional.silu(torch.stack([window.sum(1) for window in windows]) + layer.convolution_bias)
        outputs, h = torch.zeros(T, E, dtype=torch.float64), torch.zeros(E, N, dtype=torch.float64)
        for t in range(T):
            selected = layer.selection.weight @ u[t]
            rank = len(selected) - 2 * N
            d = functional.softplus(layer.step_size(selected[:rank]))
            b, read = selected[rank : rank + N], selected[rank + N :]
            for e in range(E):
                for n in range(N):
                    rate = layer.log_rates[e, n].exp()
                    h[e, n] = torch.exp(-d[e] * rate) * h[e, n] + d[e] * b[n] * u[t, e]
                outputs[t, e] = read @ h[e] + layer.bypass[e] * u[t, e]
        vectors = vectors + layer.read(outputs * functional.silu(z))
    return model.output(vectors)


def test_it_computes_the_equations():
    model, inputs = make(), data(6, 2)
    with torch.no_grad():
        found, _ = model(inputs, model.initial_state(2, 8))
        for row in range(2):
            assert_close(found[:, row], by_the_docstring(model, inputs[:, row]), **EXACT)


def test_gradients_are_right():
    model, inputs = make(num_layers=1), data(3, 1).requires_grad_()

    def logits(inputs, *parameters):
        state = model.initial_state(1, 4)
        return torch.func.functional_call(model, dict(zip(names, parameters, strict=True)), (inputs, state))[
            0
        ]

    names = [name for name, _ in model.named_parameters()]
    assert gradcheck(logits, (inputs, *model.parameters()), fast_mode=True)


@pytest.mark.parametrize("scale", [1e3, -1e3])
def test_extreme_step_sizes_stay_finite(scale):
    model = make()
    with torch.no_grad():
        for layer in model.layers:
            layer.step_size.bias.fill_(scale)
    logits, _ = model(data(20, 2), model.initial_state(2, 32))
    logits.sum().backward()
    assert logits.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())
