"""Small DNCs of every kind, states without ties, and the same machines once more in NumPy, in loops."""

import numpy as np
import torch
from hypothesis import strategies as st

from ntm_agents import DNC
from ntm_agents.machines.dnc import DNCState

INPUTS, OUTPUTS = 3, 2

# Every value of every option that changes what is computed occurs in one of these.
VARIANTS = {
    "lstm": {},
    "feed-forward": {"controller": "feedforward"},
    "gru": {"controller": "gru"},
    "deep": {"num_layers": 2},
    "one head": {"read_heads": 1},
    "no links": {"links": 0},
    "one link": {"links": 1},
    "sparse links": {"links": 3},
    "masking": {"masking": True},
    "de-allocation": {"deallocation": True},
    "sharpening": {"link_sharpening": True},
    "sparse, sharpening": {"links": 2, "link_sharpening": True},
    "skip connection": {"skip_connection": True},
    "bounded writes": {"write_activation": "tanh"},
    "used slots": {"least_usage": 0.5},
    "all of Csordas and Schmidhuber": {"masking": True, "deallocation": True, "link_sharpening": True},
    "large epsilon": {"epsilon": 0.1},
}


@st.composite
def configurations(draw):
    """Draw the options of a DNC."""
    links = draw(st.sampled_from([None, 0, 1, 2, 4]))
    return {
        "controller": draw(st.sampled_from(["lstm", "feedforward", "gru"])),
        "num_layers": draw(st.integers(1, 2)),
        "read_heads": draw(st.integers(1, 3)),
        "memory_width": draw(st.integers(1, 4)),
        "links": links,
        "masking": draw(st.booleans()),
        "deallocation": draw(st.booleans()),
        "link_sharpening": links != 0 and draw(st.booleans()),
        "skip_connection": draw(st.booleans()),
        "write_activation": draw(st.sampled_from(["identity", "tanh"])),
        "least_usage": draw(st.sampled_from([0.0, 0.5, 1.0])),
        "epsilon": draw(st.sampled_from([0.0, 1e-6, 0.1])),
    }


def make(config=None, scale=0.3, seed=0, **more):
    """Return a small model in float64 whose parameters are all large enough to matter."""
    options = {"hidden_size": 4, "memory_width": 3, "read_heads": 2, "kernel": "reference"}
    torch.manual_seed(seed)
    model = DNC(INPUTS, OUTPUTS, **(options | (config or {}) | more)).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn_like(parameter)
    return model.eval()


def data(T, B, seed=0):
    return torch.randn(T, B, INPUTS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def any_state(model, B, N, seed=0):
    """Return a state as it may be in the middle of an episode.

    No two of its slots are equally much in use: which of them comes first would depend on rounding.
    """
    g = torch.Generator().manual_seed(seed)
    zeros = model.initial_state(B, N)

    def uniform(like):
        return torch.rand(like.shape, generator=g, dtype=like.dtype)

    def weightings(like):  # with sums between 0 and 1
        drawn = uniform(like)
        return drawn * drawn[..., :1] / drawn.sum(-1, keepdim=True)

    links = zeros.links
    if len(links) == 2:
        matrix = uniform(links[1]) / N * (1 - torch.eye(N, dtype=links[1].dtype))
        links = weightings(links[0]), matrix
    elif links:
        columns = torch.rand(B, N, N, generator=g).argsort(2)[:, :, : links[1].shape[2]]
        values = uniform(links[1]) / N * (columns != torch.arange(N).view(1, N, 1))
        links = weightings(links[0]), values, columns
    return DNCState(
        memory=2 * uniform(zeros.memory) - 1,
        weightings=weightings(zeros.weightings),
        usage=uniform(zeros.usage),
        links=links,
        reads=2 * uniform(zeros.reads) - 1,
        controller=tuple(2 * uniform(part) - 1 for part in zeros.controller),
    )


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def oneplus(x):
    return 1 + np.log(1 + np.exp(x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def largest(weights, count):
    """Return the weights, all but the `count` largest set to zero."""
    kept = np.zeros_like(weights)
    for i in sorted(range(len(weights)), key=lambda i: -weights[i])[:count]:
        kept[i] = weights[i]
    return kept


def sharpened(weights, power):
    """Return d^s / sum(d^s), with the machine's addends, for which a weighting of zeros stays one."""
    powers = (np.maximum(weights, 0) / (weights.max() + 1e-6)) ** power
    return powers / (powers.sum() + 1e-6)


def allocation(usage):
    """Return the allocation weighting; the machine counts usages from 1e-6."""
    usage, weighting, before = 1e-6 + (1 - 1e-6) * usage, np.zeros_like(usage), 1.0
    for i in sorted(range(len(usage)), key=lambda i: usage[i]):  # the free list
        weighting[i] = (1 - usage[i]) * before
        before *= usage[i]
    return weighting


def reference(model, inputs, state):
    """Compute the paper's Methods for one episode ``[T, I]`` from a state of one row.

    Returns:
        The logits, and the parts of the state after the last step: memory, weightings, usage, precedence and
        dense links, which are zeros if there are none.
    """
    c = model.config
    p = {name: value.detach().numpy() for name, value in model.named_parameters()}
    M, R, N = c.memory_width, c.read_heads, state.memory.shape[1]
    memory, weightings, usage, reads = (
        part[0].numpy() for part in (state.memory, state.weightings, state.usage, state.reads)
    )
    precedence, links, K = np.zeros(N), np.zeros((N, N)), N if c.links is None else c.links
    if c.links is None:
        precedence, links = (part[0].numpy() for part in state.links)
    elif K:
        precedence, values, columns = (part[0].numpy() for part in state.links)
        for i in range(N):
            for value, j in zip(values[i], columns[i], strict=True):
                links[i, j] += value
    controller, logits = [part[0].numpy() for part in state.controller], []
    for x in inputs.numpy():
        hidden, controller = _control(c, p, x, reads, controller)
        seen = np.concatenate((reads, hidden)) if c.skip_connection else hidden
        vector = p["interface.weight"] @ seen + p["interface.bias"]
        if c.skip_connection:
            vector = vector + p["skip.weight"] @ x
        take = iter(np.split(vector, np.cumsum(_sizes(c))[:-1]))
        heads = []
        for _ in range(1 + R):
            key, strength = next(take), oneplus(next(take)[0])
            mask = 0.1 + 0.9 * sigmoid(next(take)) if c.masking else np.ones(M)
            heads.append((key, strength, mask))
        modes = [softmax(next(take)) for _ in range(R)] if K else []
        powers = [oneplus(next(take)) for _ in range(R)] if c.link_sharpening else []
        free = sigmoid(next(take))
        allocation_gate, write_gate = sigmoid(next(take)[0]), sigmoid(next(take)[0])
        written, erase = next(take), sigmoid(next(take))
        if c.write_activation == "tanh":
            written = np.tanh(written)

        def content(memory, usage, key, strength, mask):
            similarities, used = np.zeros(N), usage >= c.least_usage
            for n in range(N):
                a, b = key * mask, memory[n] * mask
                similarities[n] = a @ b / (np.sqrt(a @ a) * np.sqrt(b @ b) + c.epsilon)
            weighting = np.zeros(N)
            if used.any():
                weighting[used] = softmax(strength * similarities[used])
            return weighting

        retention = np.ones(N)
        for r in range(R):
            retention = retention * (1 - free[r] * weightings[1 + r])
        usage = (usage + weightings[0] - usage * weightings[0]) * retention
        mixed = allocation_gate * allocation(usage) + (1 - allocation_gate) * content(
            memory, usage, *heads[0]
        )
        writing = write_gate * mixed
        used = usage + writing - usage * writing
        memory = memory.copy()
        for n in range(N):
            if c.deallocation:
                memory[n] = memory[n] * retention[n]
            memory[n] = memory[n] * (1 - writing[n] * erase) + writing[n] * written
        before, links = links, np.zeros((N, N))
        counted, preceding = largest(writing, K), largest(precedence, K)
        for i in range(N):
            for j in range(N):
                if i != j:
                    links[i, j] = (1 - counted[i] - counted[j]) * before[i, j] + counted[i] * preceding[j]
            links[i] = largest(links[i], K)
        if K:
            precedence = (1 - writing.sum()) * precedence + writing
        reading = []
        for r in range(R):
            weighting = content(memory, used, *heads[1 + r])
            if K:
                backward, forward = links.T @ weightings[1 + r], links @ weightings[1 + r]
                if c.link_sharpening:
                    backward, forward = sharpened(backward, powers[r][0]), sharpened(forward, powers[r][1])
                weighting = modes[r][0] * backward + modes[r][1] * weighting + modes[r][2] * forward
            reading.append(weighting)
        weightings = np.array([writing, *reading])
        reads = np.concatenate([memory.T @ weighting for weighting in reading])
        logits.append(p["output.weight"] @ np.concatenate((reads, hidden)) + p["output.bias"])
    return np.array(logits), (memory, weightings, usage, precedence, links)


def _sizes(c):
    """Return the lengths of the parts of the interface vector."""
    M, R = c.memory_width, c.read_heads
    sizes = (1 + R) * ([M, 1, M] if c.masking else [M, 1])
    if c.links != 0:
        sizes += R * [3]
    if c.link_sharpening:
        sizes += R * [2]
    return [*sizes, R, 1, 1, M, M]


def _control(c, p, x, reads, state):
    """Take a step with the controller: its output, and its state."""
    below, after = reads, []
    for i in range(c.num_layers):
        name = f"controller.layers.{i}"
        total = p[f"{name}.bias"] + (p["controller.inputs.weight"] @ x if i == 0 else 0)
        if c.controller == "feedforward":
            below = np.tanh(total + p[f"{name}.weight"] @ below)
        elif c.controller == "lstm":
            hidden, cell = state[2 * i : 2 * i + 2]
            total = total + p[f"{name}.weight"] @ np.concatenate((below, hidden))
            enter, forget, leave, candidate = total.reshape(4, -1)
            cell = sigmoid(forget) * cell + sigmoid(enter) * np.tanh(candidate)
            below = sigmoid(leave) * np.tanh(cell)
            after += [below, cell]
        else:
            reset, keep, candidate = (total + p[f"{name}.weight"] @ below).reshape(3, -1)
            own = p[f"{name}.recurrent"] @ state[i] + p[f"{name}.recurrent_bias"]
            own_reset, own_keep, own_candidate = own.reshape(3, -1)
            keep = sigmoid(keep + own_keep)
            candidate = np.tanh(candidate + sigmoid(reset + own_reset) * own_candidate)
            below = keep * state[i] + (1 - keep) * candidate
            after.append(below)
    return below, after
