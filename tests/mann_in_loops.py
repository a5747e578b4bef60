"""A MANN once more in NumPy, in loops, from the equations of its paper; and machines and states for tests."""

import numpy as np
import torch

from ntm_agents import MANN
from ntm_agents.machines.mann import MANNState

INPUTS, OUTPUTS = 3, 2


def make(seed=0, **config):
    """Return a small model in float64 whose parameters are all large enough to matter."""
    torch.manual_seed(seed)
    model = MANN(
        INPUTS, OUTPUTS, **({"hidden_size": 4, "memory_width": 3, "read_heads": 2} | config)
    ).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.5 * torch.randn_like(parameter)
    return model.eval()


def any_state(model, B, N, seed=0):
    """Return a state as it may be in the middle of an episode, without slots that are used equally much."""
    g = torch.Generator().manual_seed(seed)
    zeros = model.initial_state(B, N)
    memory, weightings, usage, reads, *layers = (
        torch.rand(part.shape, generator=g, dtype=part.dtype) for part in (*zeros[:4], *zeros.controller)
    )
    return MANNState(
        2 * memory - 1, weightings / weightings.sum(2, keepdim=True), usage, reads, tuple(layers)
    )


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


def cosine(one, other, epsilon):
    return one @ other / (np.linalg.norm(one) * np.linalg.norm(other) + epsilon)


def reference(model, inputs, state):
    """Return the logits ``[T, L]`` of a sequence ``[T, I]``, and memory, weightings and usage after it.

    The controller is an LSTM of one layer, or feed-forward, and the state one of NumPy arrays without a
    batch.
    """
    c = model.config
    weights = {name: parameter.detach().numpy() for name, parameter in model.named_parameters()}
    memory, weightings, usage, reads, controller = state
    last = controller[0] if controller else None
    heads, slots = c.read_heads, len(memory)
    reading, logits = weightings[heads:], []
    for observation in inputs:
        addend = weights["controller.inputs.weight"] @ observation + weights["controller.layers.0.bias"]
        if c.controller == "feedforward":
            hidden = np.tanh(addend + weights["controller.layers.0.weight"] @ reads)
        else:
            seen = np.concatenate([reads, last])
            enter, forget, leave, candidate = np.split(
                addend + weights["controller.layers.0.weight"] @ seen, 4
            )
            cell = sigmoid(forget) * controller[1] + sigmoid(enter) * np.tanh(candidate)
            hidden = sigmoid(leave) * np.tanh(cell)
            controller = hidden, cell
        seen = np.concatenate([hidden, last]) if c.delayed_output else hidden
        last = hidden
        vectors = (weights["heads.weight"] @ seen + weights["heads.bias"]).reshape(heads, -1)
        keys, gate = np.tanh(vectors[:, : c.memory_width]), sigmoid(vectors[:, c.memory_width])
        strength = 1 + softplus(vectors[:, -1]) if c.key_strength else np.ones(heads)
        by_usage = sorted(range(slots), key=lambda slot: (usage[slot], slot))[:heads]
        writing = np.zeros((heads, slots))
        for head in range(heads):
            for slot in range(slots):
                new = 1 - gate[head] if slot == by_usage[head] else 0
                writing[head, slot] = gate[head] * reading[head, slot] + new  # equation 7
        before = memory
        memory = memory.copy()
        memory[by_usage] = 0
        for slot in range(slots):
            for head in range(heads):
                memory[slot] = memory[slot] + writing[head, slot] * keys[head]  # equation 8
        source = memory if c.order == "write_first" else before
        reading = np.zeros((heads, slots))
        for head in range(heads):
            similar = [cosine(source[slot], keys[head], c.epsilon) for slot in range(slots)]  # equation 2
            powers = np.exp(strength[head] * np.array(similar))
            reading[head] = powers / powers.sum()  # equation 3
        reads = np.concatenate([reading[head] @ source for head in range(heads)])  # equation 4
        usage = c.usage_decay * usage + writing.sum(axis=0) + reading.sum(axis=0)  # equation 5
        logits.append(weights["output.weight"] @ np.concatenate([reads, hidden]) + weights["output.bias"])
    return np.array(logits), memory, np.concatenate([writing, reading]), usage
