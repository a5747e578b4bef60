"""Small NTMs of every kind, and the same machines once more in NumPy, one number at a time."""

from dataclasses import asdict
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ntm_agents import NTM, ExtendedNTM, JumpNTM

CHANNELS = ("first", "second", "third")
INPUTS, OUTPUTS = len(CHANNELS), 2

EXTENSIONS = {
    "followers": 0,
    "erasers": 0,
    "erase_limit": 1.0,
    "key_width": None,
    "strength_growth": False,
    "skip_connection": False,
    "output_hidden_size": 0,
    "output_shortcut": False,
    "read_feedback": True,
    "signal_channels": (),
    "counter_channels": (),
}
"""Options that the NTM of the paper does not have, as they are where a machine does not have them."""

Jumping = partial(JumpNTM, input_channels=CHANNELS)

# Every value of every option that changes what is computed occurs in one of these.
VARIANTS = {
    "feed-forward": (NTM, {"controller": "feedforward"}),
    "lstm": (NTM, {}),
    "lstm, uniform": (NTM, {"orthogonal_init": False}),
    "gru": (NTM, {"controller": "gru"}),
    "deep": (NTM, {"num_layers": 2}),
    "many heads": (NTM, {"read_heads": 3, "write_heads": 2}),
    "two shifts": (NTM, {"shift_width": 2}),
    "five shifts": (NTM, {"shift_width": 5, "shift_bias": (0.0, 1.0, 2.0, 3.0, 4.0)}),
    "as many shifts as slots": (NTM, {"shift_width": 6}),
    "tanh": (NTM, {"key_activation": "tanh", "add_activation": "tanh"}),
    "sigmoid": (NTM, {"add_activation": "sigmoid"}),
    "read first": (NTM, {"order": "read_first"}),
    "large epsilon": (NTM, {"epsilon": 0.1}),
    "random memory": (NTM, {"memory_init": "random"}),
    "position memory": (NTM, {"memory_init": "position", "memory_init_scale": 0.5}),
    "learned memory": (NTM, {"memory_init": "learned", "memory_init_scale": 0.3}),
    "learned start": (NTM, {"head_init": "learned"}),
    "uniform start": (NTM, {"head_init": "uniform"}),
    "biases": (
        NTM,
        {
            "key_bias": 0.5,
            "strength_bias": 1.0,
            "gate_bias": -2.0,
            "sharpening_bias": 3.0,
            "erase_bias": -1.0,
            "add_bias": 0.25,
        },
    ),
    "nothing extended": (ExtendedNTM, {}),
    "no feedback": (ExtendedNTM, {"read_feedback": False}),
    "hidden layer": (ExtendedNTM, {"output_hidden_size": 3}),
    "hidden layer beside": (ExtendedNTM, {"output_hidden_size": 3, "output_shortcut": True}),
    "no hidden layer": (ExtendedNTM, {"output_shortcut": True}),
    "skip connection": (ExtendedNTM, {"skip_connection": True}),
    "follower": (ExtendedNTM, {"followers": 1, "write_heads": 2}),
    "followers, skip connection": (
        ExtendedNTM,
        {"followers": 2, "write_heads": 3, "read_heads": 2, "skip_connection": True},
    ),
    "followers, read first": (
        ExtendedNTM,
        {"followers": 2, "write_heads": 2, "read_heads": 3, "order": "read_first"},
    ),
    "eraser": (ExtendedNTM, {"erasers": 1, "write_heads": 2, "add_activation": "tanh", "add_bias": 0.5}),
    "all erase": (ExtendedNTM, {"erasers": 2, "write_heads": 2, "skip_connection": True, "followers": 1}),
    "erases more than there is": (ExtendedNTM, {"erasers": 1, "write_heads": 2, "erase_limit": 1.8}),
    "followers of a gru": (ExtendedNTM, {"followers": 1, "controller": "gru", "read_feedback": False}),
    "narrow keys": (ExtendedNTM, {"key_width": 2}),
    "growing strengths": (ExtendedNTM, {"strength_growth": True}),
    "jumps": (Jumping, {}),
    "jumps and counts": (
        Jumping,
        {"signal_channels": ("second",), "counter_channels": ("first", "third"), "read_heads": 2},
    ),
    "jumps alone": (
        Jumping,
        {"read_feedback": False, "controller": "feedforward", "counter_channels": ("third",)},
    ),
    "jumps, deep": (Jumping, {"num_layers": 2, "signal_channels": ("first",), "order": "read_first"}),
}
CASES = {
    f"{name}, {kernel}": (kind, {**config, "kernel": kernel})
    for kernel in ("reference", "fused")
    for name, (kind, config) in VARIANTS.items()
    if kernel == "reference" or not (config.get("controller") == "gru" or "num_layers" in config)
}
every_variant = pytest.mark.parametrize(("kind", "config"), CASES.values(), ids=CASES)


def make(kind=NTM, config=None, **more):
    """Return a small model in float64 whose parameters are all large enough to matter."""
    torch.manual_seed(0)
    model = kind(INPUTS, OUTPUTS, **{"hidden_size": 4, "memory_width": 3, **(config or {}), **more}).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn_like(parameter)
    return model.eval()


def data(T, B, seed=0):
    return torch.randn(T, B, INPUTS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def reference(model, inputs, slots):
    """Compute section 3 of the paper for one episode ``[T, I]``, one number at a time: logits and states."""
    c = SimpleNamespace(**(EXTENSIONS | asdict(model.config)))
    jumping = hasattr(model, "jumps")
    p = {name: value.detach().numpy() for name, value in model.named_parameters()}
    N, M, R, W, S = slots, c.memory_width, c.read_heads, c.write_heads, c.shift_width
    H, F, K = W + R, c.followers, c.key_width or M
    signals, counted = (
        [CHANNELS.index(name) for name in names] for names in (c.signal_channels, c.counter_channels)
    )

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
    count, visible = 0.0, [i for i in range(INPUTS) if i not in counted]
    logits, states = [], []
    for x in inputs.numpy():
        if jumping:
            jumps = p["jumps.weight"] @ reads + p["jumps.bias"] + p["signalling"] @ x[signals]
            jumps = np.clip((jumps + 3) / 6, 0, 1)
            count += p["offers"] @ x[signals + counted] / 0.25 + jumps.sum()
        below = reads if c.read_feedback else reads[:0]
        for i in range(c.num_layers):
            name = f"controller.layers.{i}"
            total = p[f"{name}.bias"] + (p["controller.inputs.weight"] @ x[visible] if i == 0 else 0)
            if i == 0 and jumping:
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
            parameters = parameters + p["skip.weight"] @ x[visible]
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
                norms = np.sqrt(square) * np.sqrt(key_square)
                similarities[n] = key @ memory[n, :K] / (norms + c.epsilon)  # equation 6
            growth = np.log(N) / np.log(128) if c.strength_growth else 1
            content = softmax(growth * strength * similarities)  # equation 5
            gated = gate * content + (1 - gate) * weightings[h]  # equation 7
            if jumping and h >= W:
                gated = (1 - jumps[h - W]) * gated + jumps[h - W] * np.eye(N)[0]
            for n in range(N):
                for j in range(S):
                    chosen[h, (n + j - S // 2) % N] += gated[n] * shifts[j]  # equation 8
            chosen[h] = chosen[h] ** sharpening / (chosen[h] ** sharpening).sum()  # equation 9
        chosen[W - F : W] = (weightings if c.order == "write_first" else chosen)[W : W + F]
        before, memory, weightings = memory, memory.copy(), chosen
        vectors, E = parameters[len(leaders) * per_head :].reshape(-1, M), c.erasers
        adds, erases = vectors[: -E or None : 2], [*vectors[1 : 2 * (W - E) : 2], *vectors[2 * (W - E) :]]
        for w in range(W):
            limit = 1 if w < W - E else c.erase_limit
            for n in range(N):
                memory[n] *= 1 - weightings[w, n] * limit * sigmoid(erases[w])  # equation 3
        for w in range(W - E):
            for n in range(N):
                memory[n] += weightings[w, n] * activation[c.add_activation](adds[w])  # equation 4
        source = memory if c.order == "write_first" else before
        reads = np.concatenate([weightings[W + r] @ source for r in range(R)])  # equation 2
        seen = np.concatenate((reads, below))
        if c.output_hidden_size:
            hidden_layer = np.arcsinh(p["hidden.weight"] @ seen + p["hidden.bias"])
            seen = np.concatenate((seen, hidden_layer)) if c.output_shortcut else hidden_layer
        logits.append(p["output.weight"] @ seen + p["output.bias"])
        states.append((memory, weightings))
    return np.array(logits), states
