import pytest
import torch
from torch.autograd import gradcheck
from torch.testing import assert_close

from ntm_agents.testing import check_model
from ntm_baselines import DeltaNet
from ntm_baselines.deltanet import CHUNK, EPSILON, delta_rule

OPTIONS = [
    {"negative_eigenvalues": signed, "gate": gate} for signed in (False, True) for gate in (False, True)
]
EXACT = {"rtol": 1e-9, "atol": 1e-9}


def make(**config):
    torch.manual_seed(0)
    return DeltaNet(5, 2, **({"hidden_size": 12, "heads": 3} | config)).double().eval()


def data(T, B):
    return torch.randn(T, B, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("config", [*OPTIONS, {"conv_width": 1}])
def test_it_keeps_to_the_protocol_of_models(config):
    check_model(DeltaNet, config={"hidden_size": 16, **config})


def parts(B=2, H=3, C=7, D=4, V=5):
    """Return arguments of `delta_rule` of moderate sizes."""
    torch.manual_seed(0)
    query, key = (torch.randn(B, H, C, D, dtype=torch.float64) for _ in range(2))
    value, memory = torch.randn(B, H, C, V).double(), torch.randn(B, H, D, V).double()
    beta, log_decay = 2 * torch.rand(B, H, C).double(), -torch.rand(B, H, C).double()
    return query, key / key.norm(dim=3, keepdim=True), value, beta, log_decay, memory


def in_loops(query, key, value, beta, log_decay, memory):
    """Return outputs and memory of one head, by its equation, a step at a time."""
    outputs = []
    for q, k, v, b, g in zip(query, key, value, beta, log_decay, strict=True):
        transition = g.exp() * (torch.eye(len(k), dtype=torch.float64) - b * torch.outer(k, k))
        memory = transition @ memory + b * torch.outer(k, v)
        outputs.append(memory.T @ q)
    return torch.stack(outputs), memory


def test_all_steps_at_once_are_the_steps_of_the_equation():
    given = parts()
    outputs, memory = delta_rule(*given)
    for row in range(2):
        for head in range(3):
            expected, last = in_loops(*(part[row, head] for part in given))
            assert_close(outputs[row, head], expected, **EXACT)
            assert_close(memory[row, head], last, **EXACT)


def test_the_gradients_of_the_delta_rule_are_right():
    given = [part.requires_grad_() for part in parts(B=1, H=2, C=4, D=2, V=3)]
    assert gradcheck(delta_rule, given, fast_mode=True)


def test_strong_decay_and_long_chunks_stay_finite():
    query, key, value, beta, log_decay, memory = parts(C=CHUNK)
    decay = (1000 * log_decay).requires_grad_()
    outputs, last = delta_rule(query, key, value, beta, decay, memory)
    (outputs.sum() + last.sum()).backward()
    assert outputs.isfinite().all()
    assert decay.grad.isfinite().all()


def test_orthogonal_keys_return_the_last_value_that_was_written_with_them():
    keys = torch.eye(3).double()[[0, 1, 2, 1]][None, None]
    values = torch.arange(8.0).double().view(1, 1, 4, 2)
    ones, zeros = torch.ones(1, 1, 4).double(), torch.zeros(1, 1, 4).double()
    outputs, memory = delta_rule(keys, keys, values, ones, zeros, torch.zeros(1, 1, 3, 2).double())
    assert_close(outputs, values)
    assert_close(memory[0, 0], values[0, 0, [0, 3, 2]])


def test_a_step_size_of_two_flips_a_sign_so_that_parity_is_kept():
    bits = torch.tensor([1.0, 0, 1, 1, 0, 0, 1, 1]).double()
    keys, nothing = torch.ones(1, 1, 8, 1).double(), torch.zeros(1, 1, 8, 1).double()
    start = torch.ones(1, 1, 1, 1).double()
    outputs, _ = delta_rule(keys, keys, nothing, 2 * bits[None, None], nothing[..., 0], start)
    assert_close(outputs.flatten(), 1 - 2 * (bits.cumsum(0) % 2))


def by_the_docstring(model, inputs):
    """Return the logits ``[T, L]`` of one sequence by the equations of the docstrings."""
    c, T = model.config, len(inputs)
    vectors = model.embedding(inputs)
    for layer in model.layers:
        x = layer.norm(vectors)
        before = torch.cat((torch.zeros(3, 36, dtype=torch.float64), layer.queries_keys_values(x)))
        convolved = torch.stack([(before[t : t + 4].T * layer.convolution).sum(1) for t in range(T)])
        qkv = torch.nn.functional.silu(convolved).view(T, 3, 3, 4)
        beta = (2 if c.negative_eigenvalues else 1) * torch.sigmoid(layer.step_size(x))
        alpha = torch.ones_like(beta)
        if c.gate:
            alpha = torch.exp(-layer.log_rate.exp() * torch.nn.functional.softplus(layer.decay(x)))
        heads = []
        for head in range(3):
            q, k, v = qkv[:, :, head].unbind(1)
            q, k = (part / (part.square().sum(1, keepdim=True) + EPSILON).sqrt() for part in (q, k))
            start = torch.zeros(4, 4, dtype=torch.float64)
            read, _ = in_loops(q, k, v, beta[:, head], alpha[:, head].log(), start)
            heads.append(layer.read_norm(read))
        read = torch.cat(heads, 1)
        if c.gate:
            read = read * torch.nn.functional.silu(layer.output_gate(x))
        vectors = vectors + layer.read(read)
        vectors = vectors + layer.feedforward(vectors)
    return model.output(vectors)


@pytest.mark.parametrize("config", OPTIONS)
def test_it_computes_the_equations(config):
    model, inputs = make(**config), data(CHUNK + 5, 2)
    with torch.no_grad():
        found, _ = model(inputs, model.initial_state(2, 64))
        for row in range(2):
            assert_close(found[:, row], by_the_docstring(model, inputs[:, row]), **EXACT)


@pytest.mark.parametrize("config", OPTIONS)
def test_a_sequence_in_parts_is_the_sequence(config):
    model, inputs = make(**config), data(2 * CHUNK + 5, 2)
    whole, _ = model(inputs, model.initial_state(2, 128))
    for size in (1, 7):
        state, found = model.initial_state(2, 128), []
        for piece in inputs.split(size):
            logits, state = model(piece, state)
            found.append(logits)
        assert_close(torch.cat(found), whole, **EXACT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 25}, "hidden_size is 25; expected a multiple of heads = 4"),
        ({"conv_width": 0}, "conv_width is 0; expected an integer of at least 1"),
    ],
)
def test_impossible_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        DeltaNet(5, 2, **options)
