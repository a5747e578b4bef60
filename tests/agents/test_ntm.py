"""The NTM: against a reference written as loops, and what must hold for every one of its options."""

import json
from dataclasses import asdict, fields

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from ntm_agents.machines import ntm
from ntm_agents.machines.ntm import NTM, NTMConfig
from ntm_agents.protocol import config_class
from ntm_agents.testing import check_model

INPUTS, OUTPUTS = 3, 2

# Every value of every option that changes what is computed occurs in one of these.
VARIANTS = {
    "feed-forward": {"controller": "feedforward"},
    "lstm": {},
    "lstm, uniform": {"orthogonal_init": False},
    "gru": {"controller": "gru"},
    "deep": {"num_layers": 2},
    "many heads": {"read_heads": 3, "write_heads": 2},
    "two shifts": {"shift_width": 2},
    "five shifts": {"shift_width": 5, "shift_bias": (0.0, 1.0, 2.0, 3.0, 4.0)},
    "as many shifts as slots": {"shift_width": 6},
    "tanh": {"key_activation": "tanh", "add_activation": "tanh"},
    "sigmoid": {"add_activation": "sigmoid"},
    "interpolate": {"write_mode": "interpolate"},
    "interpolate, many heads": {"write_mode": "interpolate", "write_heads": 3},
    "read first": {"order": "read_first"},
    "epsilon with norms": {"epsilon_at": "norms", "epsilon": 0.1},
    "epsilon with squares": {"epsilon_at": "squares", "epsilon": 0.1},
    "random memory": {"memory_init": "random"},
    "position memory": {"memory_init": "position", "memory_init_scale": 0.5},
    "learned memory": {"memory_init": "learned", "memory_init_scale": 0.3},
    "learned start": {"head_init": "learned"},
    "uniform start": {"head_init": "uniform"},
    "biases": {
        "key_bias": 0.5,
        "strength_bias": 1.0,
        "gate_bias": -2.0,
        "sharpening_bias": 3.0,
        "erase_bias": -1.0,
        "add_bias": 0.25,
    },
    "no feedback": {"read_feedback": False},
    "hidden layer": {"output_hidden_size": 3},
    "skip_connection": {"skip_connection": True},
    "skip, counted": {"skip_connection": True, "jump": True, "counter_channels": (1,)},
    "follower": {"followers": 1, "write_heads": 2},
    "followers, read first": {"followers": 2, "write_heads": 2, "read_heads": 3, "order": "read_first"},
    "narrow keys": {"key_width": 2},
    "jump": {"jump": True},
    "jumps and counts": {"jump": True, "signal_channels": (1,), "counter_channels": (0, 2), "read_heads": 2},
    "jumps alone": {
        "jump": True,
        "read_feedback": False,
        "controller": "feedforward",
        "counter_channels": (2,),
    },
}
CASES = {
    f"{name}, {kernel}": {**config, "kernel": kernel}
    for kernel in ("reference", "fused")
    for name, config in VARIANTS.items()
    if kernel == "reference" or name not in ("gru", "deep")
}
every_variant = pytest.mark.parametrize("config", CASES.values(), ids=CASES)


def make(config=None, **more):
    """A small model in float64 whose parameters are all large enough to matter."""
    torch.manual_seed(0)
    model = NTM(INPUTS, OUTPUTS, **{"hidden_size": 4, "memory_width": 3, **(config or {}), **more}).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model.eval()


def data(T, B, seed=0):
    return torch.randn(T, B, INPUTS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def reference(model, inputs, slots):
    """Section 3 of the paper for one episode ``[T, I]``, one number at a time: logits and the states."""
    c = model.config
    p = {name: value.detach().numpy() for name, value in model.named_parameters()}
    N, M, R, W, S = slots, c.memory_width, c.read_heads, c.write_heads, c.shift_width
    H, F, K = W + R, c.followers, c.key_width or M

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def softplus(x):
        return np.log1p(np.exp(x))

    def softmax(x):
        return np.exp(x) / np.exp(x).sum()

    activation = {"identity": lambda x: x, "tanh": np.tanh, "sigmoid": sigmoid}
    state = model.initial_state(1, slots)
    memory, weightings = state.memory[0].detach().numpy(), state.weightings[0].detach().numpy()
    reads, hidden, cell = (
        np.zeros(R * M),
        np.zeros((c.num_layers, c.hidden_size)),
        np.zeros((c.num_layers, c.hidden_size)),
    )
    count, heard = 0.0, [i for i in range(INPUTS) if i not in c.counter_channels]
    logits, states = [], []
    for x in inputs.numpy():
        if c.jump:
            jumps = p["jumps.weight"] @ reads + p["jumps.bias"] + p["signalling"] @ x[list(c.signal_channels)]
            jumps = np.clip((jumps + 3) / 6, 0, 1)
            count += p["offers"] @ x[[*c.signal_channels, *c.counter_channels]] / 0.25 + jumps.sum()
        below = reads if c.read_feedback else reads[:0]
        for i in range(c.num_layers):
            name = f"controller.layers.{i}"
            total = p[f"{name}.bias"] + (p["controller.inputs.weight"] @ x[heard] if i == 0 else 0)
            if i == 0 and c.jump:
                total = total + count / (1 + abs(count)) * p["counting"]
            if c.controller == "feedforward":
                hidden[i] = np.tanh(total + p[f"{name}.weight"] @ below)
            elif c.controller == "lstm":
                total = total + p[f"{name}.weight"] @ np.concatenate((below, hidden[i]))
                enter, forget, leave, candidate = total.reshape(4, -1)
                cell[i] = sigmoid(forget) * cell[i] + sigmoid(enter) * np.tanh(candidate)
                hidden[i] = sigmoid(leave) * np.tanh(cell[i])
            else:
                reset, keep, candidate = (total + p[f"{name}.weight"] @ below).reshape(3, -1)
                own = p[f"{name}.recurrent"] @ hidden[i] + p[f"{name}.recurrent_bias"]
                own_reset, own_keep, own_candidate = own.reshape(3, -1)
                keep = sigmoid(keep + own_keep)
                candidate = np.tanh(candidate + sigmoid(reset + own_reset) * own_candidate)
                hidden[i] = keep * hidden[i] + (1 - keep) * candidate
            below = hidden[i]
        parameters = p["heads.weight"] @ below + p["heads.bias"]
        if c.skip_connection:
            parameters = parameters + p["skip.weight"] @ x[heard]
        per_head = K + 3 + S
        chosen = np.zeros((H, N))
        leaders = [h for h in range(H) if not W - F <= h < W]
        for i, h in enumerate(leaders):
            own = parameters[i * per_head : (i + 1) * per_head]
            key = activation[c.key_activation](own[:K])
            strength, sharpening, gate = softplus(own[K]), 1 + softplus(own[K + 1]), sigmoid(own[K + 2])
            shifts = softmax(own[K + 3 :])
            similarities = np.zeros(N)
            for n in range(N):
                square, key_square = (memory[n, :K] ** 2).sum(), (key**2).sum()
                similarities[n] = key @ memory[n, :K] / {
                    "product": np.sqrt(square) * np.sqrt(key_square) + c.epsilon,
                    "norms": (np.sqrt(square) + c.epsilon) * (np.sqrt(key_square) + c.epsilon),
                    "squares": np.sqrt(square + c.epsilon) * np.sqrt(key_square + c.epsilon),
                }[c.epsilon_at]  # fmt: skip
            content = softmax(strength * similarities)  # equation 5
            gated = gate * content + (1 - gate) * weightings[h]  # equation 7
            if c.jump and h >= W:
                gated = (1 - jumps[h - W]) * gated + jumps[h - W] * np.eye(N)[0]
            for n in range(N):
                for j in range(S):
                    chosen[h, (n + j - S // 2) % N] += gated[n] * shifts[j]  # equation 8
            chosen[h] = chosen[h] ** sharpening / (chosen[h] ** sharpening).sum()  # equation 9
        chosen[W - F : W] = (weightings if c.order == "write_first" else chosen)[W : W + F]
        before, memory, weightings = memory, memory.copy(), chosen
        vectors = parameters[len(leaders) * per_head :].reshape(W, -1)
        for w in range(W):
            erase = sigmoid(vectors[w, M:]) if c.write_mode == "erase_add" else np.ones(M)
            for n in range(N):
                memory[n] *= 1 - weightings[w, n] * erase  # equation 3
        for w in range(W):
            for n in range(N):
                memory[n] += weightings[w, n] * activation[c.add_activation](vectors[w, :M])  # equation 4
        source = memory if c.order == "write_first" else before
        reads = np.concatenate([weightings[W + r] @ source for r in range(R)])  # equation 2
        seen = np.concatenate((reads, below))
        if c.output_hidden_size:
            seen = np.arcsinh(p["hidden.weight"] @ seen + p["hidden.bias"])
        logits.append(p["output.weight"] @ seen + p["output.bias"])
        states.append((memory, weightings))
    return np.array(logits), states


@every_variant
def test_the_penalty_is_the_mean_entropy_of_the_weightings(config):
    model, inputs = make(config), data(4, 2)
    _, penalty = model.with_penalty(inputs, model.initial_state(2, 6))
    state, entropies = model.initial_state(2, 6), []
    for observation in inputs.split(1):
        _, state = model(observation, state)
        entropies.append(torch.distributions.Categorical(probs=state.weightings).entropy())
    torch.testing.assert_close(penalty, torch.stack(entropies).mean())


@every_variant
def test_it_computes_what_the_paper_says(config):
    model, inputs = make(config), data(T=5, B=2)
    logits, state = model(inputs, model.initial_state(2, 6))
    for b in range(2):
        expected, states = reference(model, inputs[:, b], slots=6)
        np.testing.assert_allclose(logits[:, b].detach(), expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state.memory[b].detach(), states[-1][0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(state.weightings[b].detach(), states[-1][1], rtol=1e-9, atol=1e-12)


@every_variant
@pytest.mark.parametrize("slots", [6, 300])
def test_without_gradients_it_computes_the_same(config, slots):
    model, inputs = make(config), data(T=150, B=2)
    logits, state = model(inputs, model.initial_state(2, slots))
    with torch.no_grad():
        found, after = model(inputs, model.initial_state(2, slots))
    torch.testing.assert_close(found, logits.detach(), rtol=1e-8, atol=1e-10)
    for part, expected in zip(after[:3], state[:3], strict=True):
        torch.testing.assert_close(part, expected.detach(), rtol=1e-8, atol=1e-10)


def test_a_hidden_layer_far_out_is_finite():
    x = torch.tensor([0.0, 1e-30, 1e-4, 1.0, 1e4, 1e30], dtype=torch.float64)
    x = torch.cat((-x, x))
    torch.testing.assert_close(ntm._asinh(x), torch.asinh(x), rtol=1e-14, atol=0)
    assert torch.isfinite(ntm._asinh(x.float())).all()


@every_variant
def test_it_keeps_to_the_protocol_of_models(config):
    check_model(NTM, config=config)


@every_variant
def test_its_gradients_are_right(config):
    model, inputs = make(config, hidden_size=2), data(T=2, B=2).requires_grad_()

    def logits(inputs, *parameters):
        return torch.func.functional_call(
            _Whole(model), {f"model.{name}": p for name, p in zip(names, parameters, strict=True)}, (inputs,)
        )

    names = [name for name, _ in model.named_parameters()]
    assert gradcheck(logits, (inputs, *model.parameters()), fast_mode=True)


class _Whole(torch.nn.Module):
    """Runs a model from its initial state, which may have parameters of its own."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, inputs):
        return self.model(inputs, self.model.initial_state(inputs.shape[1], 6))[0]


@every_variant
def test_step_by_step_is_the_whole_sequence(config):
    model, inputs = make(config), data(T=6, B=2)
    whole, last = model(inputs, model.initial_state(2, 8))
    state, steps = model.initial_state(2, 8), []
    for observation in inputs:
        logits, state = model(observation.unsqueeze(0), state)
        steps.append(logits)
    torch.testing.assert_close(torch.cat(steps), whole, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(state.memory, last.memory, rtol=1e-12, atol=1e-12)


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


@every_variant
def test_no_parameter_depends_on_the_number_of_slots(config):
    shapes = []
    for slots in (None, 8, 64):
        parameters = NTM(INPUTS, OUTPUTS, **config, memory_slots=slots).state_dict()
        shapes.append({name: value.shape for name, value in parameters.items()})
    assert shapes[0] == shapes[1] == shapes[2]


@every_variant
def test_slots_start_the_same_however_many_there_are(config):
    model = make(config)
    small, large = model.initial_state(2, 8), model.initial_state(2, 64)
    assert torch.equal(large.memory[:, :8], small.memory)
    if model.config.head_init != "uniform":
        assert torch.equal(large.weightings[..., :8], small.weightings)
        assert (large.weightings[..., 8:] == 0).all()


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


@pytest.mark.parametrize(
    "config",
    [{"controller_noise": 0.3}, {"jump": True, "jump_noise": 1.0}, {"jump": True, "counter_noise": 0.2}],
)
def test_noise_disturbs_training_alone(config):
    model, inputs = NTM(INPUTS, OUTPUTS, **config), torch.ones(3, 2, INPUTS)

    def play():
        return model(inputs, model.initial_state(2, 4))[0]

    assert not torch.equal(play(), play())
    model.eval()
    assert torch.equal(play(), play())


def test_what_is_counted_is_seen_through_the_counter_alone():
    model = make({"jump": True, "signal_channels": (0,), "counter_channels": (2,)})
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
    model, head = NTM(INPUTS, OUTPUTS, jump=True, jump_bias=bias, **walk), torch.eye(6)[3]
    state = model.initial_state(2, 6)
    state = state._replace(weightings=head.expand_as(state.weightings))
    with torch.no_grad():
        _, state = model(torch.ones(5, 2, INPUTS), state)
    writing, reading = state.weightings[0]
    assert writing.argmax() == 3
    assert reading.argmax() == where
    assert torch.equal(state.counter, torch.full((2,), 0.0 if where else 5.0))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"hidden_size": None}, "hidden_size is None; expected an integer of at least 1"),
        ({"order": None}, "order is None; expected one of 'write_first', 'read_first'"),
        ({"epsilon": None}, "epsilon is None; expected a finite number of at least 0"),
        ({"gate_bias": None}, "gate_bias is None; expected a finite number"),
        ({"shift_bias": None}, "shift_bias is None; expected"),
        ({"signal_channels": None}, "signal_channels is None; expected indices"),
        ({"jump": None}, "jump is None; expected True or False"),
        ({"hidden_size": 0}, "hidden_size is 0; expected an integer of at least 1"),
        ({"num_layers": 1.5}, "num_layers is 1.5; expected an integer of at least 1"),
        ({"shift_width": 1}, "shift_width is 1; expected an integer of at least 2"),
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
        ({"gate_bias": (1.0, float("inf"))}, "expected 2 finite numbers"),
        ({"followers": 2, "write_heads": 2}, "followers is 2; expected at most 1"),
        ({"key_width": 0}, "key_width is 0; expected an integer of at least 1"),
        ({"key_width": 21}, "key_width is 21; expected at most 20"),
        ({"output_hidden_size": -1}, "output_hidden_size is -1; expected an integer of at least 0"),
        (
            {"signal_channels": (0,)},
            r"signal_channels is \(0,\); expected indices of input channels, and jump=True",
        ),
        (
            {"counter_channels": (-1,), "jump": True},
            r"counter_channels is \(-1,\); expected indices of input channels",
        ),
        ({"counter_channels": 3, "jump": True}, "counter_channels is 3; expected indices of input channels"),
        (
            {"signal_channels": (1,), "counter_channels": (5,), "jump": True},
            r"counter_channels is \(5,\); expected channels below 3",
        ),
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
