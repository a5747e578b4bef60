"""A dense machine in plain loops, which SAM is if its heads read all slots; and small SAMs with any state."""

import numpy as np
import torch
from hypothesis import strategies as st

from ntm_agents.machines.sam import SAM

INPUTS, OUTPUTS = 3, 2

VARIANTS = {
    "plain": {},
    "one head": {"heads": 1},
    "one slot": {"read_slots": 1},
    "skip connection": {"skip_connection": True, "strength_bias": 2.0},
    "chain": {"skip_connection": True, "key_init": "chain"},
    "feedforward": {"controller": "feedforward"},
    "gru, two layers": {"controller": "gru", "num_layers": 2},
}


def make(config=(), scale=0.3, seed=0, kind=SAM, **options):
    """Return a small machine in float64 whose parameters are all large enough to matter."""
    torch.manual_seed(seed)
    small = {"hidden_size": 4, "memory_width": 3, "heads": 2, "read_slots": 2}
    model = kind(INPUTS, OUTPUTS, **(small | dict(config) | options)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn_like(parameter)
    return model.eval()


def data(T, B, seed=0):
    return torch.randn(T, B, INPUTS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def any_state(model, B, capacity, seed=0):
    """Return a state in which no two slots are alike, so that rounding changes no choice."""
    random = torch.Generator().manual_seed(seed)
    first = model.initial_state(B, capacity)
    slots = first.memory.shape[1]

    def draw(*shape):
        return torch.rand(shape, generator=random, dtype=torch.float64).to(first.memory.dtype)

    heads, count = first.slots.shape[1:]
    return first._replace(
        memory=draw(*first.memory.shape) - 0.5,
        weightings=draw(*first.weightings.shape) / count,
        slots=draw(B, heads, slots).argsort(2)[:, :, :count],
        usage=torch.randint(0, 5, (B, slots), generator=random),
        reads=draw(*first.reads.shape) - 0.5,
        controller=tuple(draw(*part.shape) - 0.5 for part in first.controller),
    )


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference(model, inputs, state, links=None):
    """Compute logits ``[T, L]``, memory, read weightings ``[H, N]`` and usage for one sequence ``[T, I]``.

    The controller is the model's; all the rest is written out, slot by slot. Links, if there are any, are
    told each write, and mix what they lead to with what is found by content.
    """
    c = model.config
    memory, last = state.memory[0].numpy().copy(), state.usage[0].numpy().copy()
    N, M = memory.shape
    reading = np.zeros((c.heads, N))
    for h in range(c.heads):
        for k, slot in enumerate(state.slots[0, h].tolist()):
            reading[h, slot] += state.weightings[0, h, k]
    reads, controller, logits = state.reads, state.controller, []
    for x in inputs:
        output, controller = model.controller(model.controller.project(x[None, None])[0], reads, controller)
        seen = torch.cat((reads, output), 1) if c.skip_connection else output
        vector = model.interface(seen) + (model.skip(x[None]) if c.skip_connection else 0)
        parts = vector.detach().numpy().reshape(c.heads, -1)
        free = sorted(range(N), key=lambda n: (last[n], n))[: c.heads]
        writing = np.zeros((c.heads, N))
        for h, part in enumerate(parts):
            alpha, gamma = sigmoid(part[M + 1]), sigmoid(part[M + 2])
            for n in range(N):
                writing[h, n] = alpha * (gamma * reading[h, n] + (1 - gamma) * (n == free[h]))
        for n in free:
            memory[n] = 0
        for h, part in enumerate(parts):
            memory += np.outer(writing[h], part[-M:])
        if links:
            links.write(writing)
        previous, reading, found = reading, np.zeros((c.heads, N)), []
        for h, part in enumerate(parts):
            key, strength = part[:M], 1 + np.log1p(np.exp(part[M]))
            norms = np.linalg.norm(key) * np.linalg.norm(memory, axis=1) + c.epsilon
            similarities = memory @ key / norms
            chosen = sorted(range(N), key=lambda n: (-similarities[n], n))[: c.read_slots]
            shares = np.exp(strength * similarities[chosen])
            reading[h, chosen] = shares / shares.sum()
            if links:
                reading[h] = links.mixture(h, part[M + 3 : M + 6], previous[h], reading[h])
            found.append(reading[h] @ memory)
        reads = torch.from_numpy(np.concatenate(found))[None]
        now = last.max() + 1
        for n in range(N):
            if (writing[:, n] + reading[:, n]).sum() > 0.005:
                last[n] = now
        logits.append(model.output(torch.cat((reads, output), 1))[0].numpy())
    return np.stack(logits), memory, reading, last


OPTIONS = st.fixed_dictionaries(
    {
        "controller": st.sampled_from(["feedforward", "lstm"]),
        "hidden_size": st.integers(1, 9),
        "heads": st.integers(1, 5),
        "read_slots": st.integers(1, 6),
        "memory_width": st.integers(1, 9),
        "skip_connection": st.booleans(),
        "epsilon": st.sampled_from([1e-6, 0.1]),
    }
)
