import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional
from torch.testing import assert_close

from ntm_agents.testing import check_model
from ntm_baselines import XLSTM
from ntm_baselines.mlstm import CHUNK, recur

KINDS = ["slstm", "mlstm"]
EXACT = {"rtol": 1e-8, "atol": 1e-8}
W, HEADS, D = 6, 2, 3


def make(kind, **config):
    torch.manual_seed(0)
    model = XLSTM(5, 2, **({"hidden_size": W, "heads": HEADS, "blocks": (kind,)} | config)).double().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model


def data(T, B):
    return torch.randn(T, B, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_it_keeps_to_the_protocol_of_models(kind):
    check_model(XLSTM, config={"hidden_size": 16, "blocks": (kind,), "conv_width": 1})


def convolved(block, inputs):
    width = block.convolution.shape[1]
    before = torch.cat((torch.zeros(width - 1, inputs.shape[1], dtype=torch.float64), inputs))
    windows = [before[t : t + width].T * block.convolution for t in range(len(inputs))]
    return functional.silu(torch.stack([window.sum(1) for window in windows]))


def slstm_without_stabilisers(block, vectors):
    """Return the vectors above a block by the equations, in which m cancels out, a step at a time."""
    x, heads = block.norm(vectors), []
    shares = torch.cat((block.input_forget(convolved(block, x)), block.candidate_output(x)), 1)
    for head in range(HEADS):
        h, c, n, outputs = torch.zeros(D).double(), torch.zeros(D).double(), torch.zeros(D).double(), []
        for share in shares.view(len(x), 4, HEADS, D)[:, :, head]:
            i, f, z, o = share + (h @ block.recurrent[head]).view(4, D)
            c = torch.sigmoid(f) * c + i.exp() * torch.tanh(z)
            n = torch.sigmoid(f) * n + i.exp()
            h = torch.sigmoid(o) * c / n
            outputs.append(h)
        heads.append(torch.stack(outputs))
    vectors = vectors + block.head_norm(torch.cat(heads, 1))
    gate, value = block.enter(block.feedforward_norm(vectors)).chunk(2, 1)
    return vectors + block.leave(functional.gelu(gate) * value)


def mlstm_without_stabilisers(block, vectors):
    """The same for an mLSTM."""
    u, g = block.inputs_gates(block.norm(vectors)).chunk(2, 1)
    u_c, E = convolved(block, u), 2 * D
    parts = torch.stack((u_c, u_c, u)).view(3, len(u), HEADS, E)
    q, k, v = torch.stack([parts[i, :, j] @ block.queries_keys_values[i, j] for i in range(3) for j in (0, 1)]
                          ).view(3, HEADS, len(u), E)  # fmt: skip
    k = k / math.sqrt(E)
    gates = block.input_forget(torch.cat((q, k, v), 2).transpose(0, 1).flatten(1)).view(-1, 2, HEADS)
    heads = []
    for head in range(HEADS):
        C, n, outputs = torch.zeros(E, E).double(), torch.zeros(E).double(), []
        for t in range(len(u)):
            i, f = gates[t, 0, head].exp(), torch.sigmoid(gates[t, 1, head])
            C = f * C + i * torch.outer(k[head, t], v[head, t])
            n = f * n + i * k[head, t]
            outputs.append(C.T @ q[head, t] / max(abs(n @ q[head, t]), torch.tensor(1.0)))
        heads.append(torch.stack(outputs))
    features = block.head_norm(torch.cat(heads, 1)) + block.skip * u_c
    return vectors + block.read(features * functional.silu(g))


@pytest.mark.parametrize(
    ("kind", "reference"), [("slstm", slstm_without_stabilisers), ("mlstm", mlstm_without_stabilisers)]
)
def test_it_computes_the_equations(kind, reference):
    model, inputs = make(kind), data(CHUNK + 3, 2)
    with torch.no_grad():
        found, _ = model(inputs, model.initial_state(2, 64))
        for row in range(2):
            expected = model.output(reference(model.blocks[0], model.embedding(inputs[:, row])))
            assert_close(found[:, row], expected, **EXACT)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_right(kind):
    model, inputs = make(kind), data(3, 1).requires_grad_()

    def logits(inputs, *parameters):
        state = model.initial_state(1, 4)
        return torch.func.functional_call(model, dict(zip(names, parameters, strict=True)), (inputs, state))[
            0
        ]

    names = [name for name, _ in model.named_parameters()]
    assert gradcheck(logits, (inputs, *model.parameters()), fast_mode=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [200.0, -200.0])
def test_extreme_gates_stay_finite(kind, scale):
    model = make(kind)
    with torch.no_grad():
        model.blocks[0].input_forget.bias.fill_(scale)
    logits, _ = model(data(20, 2), model.initial_state(2, 32))
    logits.sum().backward()
    assert logits.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_an_mlstm_retrieves_the_value_of_a_key():
    keys, values = torch.eye(4).double()[None, None], torch.arange(8.0).double().view(1, 1, 4, 2)
    zeros, ones = torch.zeros(1, 1, 4).double(), torch.ones(1, 1, 4).double()
    start = (torch.zeros(1, 1, 4, 2).double(), torch.zeros(1, 1, 4).double(), torch.zeros(1, 1).double())
    outputs, *_ = recur(keys[:, :, [0, 0, 1, 3]], keys, values, zeros, -1e-9 * ones, *start)
    assert_close(outputs[0, 0], values[0, 0, [0, 0, 1, 3]])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"blocks": ()}, r"blocks is \(\); expected at least one"),
        ({"blocks": ("lstm",)}, r"blocks is \('lstm',\); expected a list of one of 'slstm', 'mlstm'"),
        ({"hidden_size": 6}, "hidden_size is 6; expected a multiple of heads = 4"),
    ],
)
def test_impossible_options_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        XLSTM(5, 2, **config)
