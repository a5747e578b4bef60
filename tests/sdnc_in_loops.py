"""Temporal links of an SDNC once more in NumPy, in loops; and small SDNCs with any state."""

import numpy as np
import sam_in_loops
import torch

from ntm_agents import link_rows
from ntm_agents.machines.sdnc import SDNC

VARIANTS = {
    "plain": {},
    "one head": {"heads": 1},
    "one slot, one link": {"read_slots": 1, "links": 1},
    "three links": {"links": 3, "mode_bias": (1.0, -1.0, 1.0)},
    "chain": {"skip_connection": True, "key_init": "chain"},
    "feedforward": {"controller": "feedforward"},
}


def make(config=(), **options):
    """Return a small SDNC in float64 whose parameters are all large enough to matter."""
    return sam_in_loops.make({"links": 2} | dict(config), kind=SDNC, **options)


def any_state(model, B, capacity, seed=0):
    """Return a state as it may be in the middle of an episode, without ties."""
    state = sam_in_loops.any_state(model, B, capacity, seed)
    random = torch.Generator().manual_seed(seed)
    shape = B, H, N, L = state.links.values.shape

    def draw(*shape):
        return torch.rand(shape, generator=random, dtype=torch.float64).to(state.memory.dtype)

    own = torch.eye(N, dtype=torch.bool)
    columns = draw(B, H, N, N).masked_fill(own, 2.0).argsort(3)[..., :L]  # the slot itself comes last
    values = draw(*shape) / L * (columns != torch.arange(N).unsqueeze(1))
    matrix = torch.zeros(B, H, N, N, dtype=values.dtype).scatter(3, columns, values)
    found, followers = matrix.transpose(2, 3).topk(L)
    links = link_rows.Links(
        precedence=draw(B, H, L) / L,
        last=draw(B, H, N).argsort(2)[..., :L],
        values=values,
        columns=columns,
        followers=torch.where(found > 0, followers, torch.arange(N).unsqueeze(1)),
    )
    return state._replace(links=links)


def kept(weights, count):
    """Return the weights, all but the `count` largest set to zero."""
    least = sorted(weights, reverse=True)[min(count, len(weights)) - 1]
    return np.where(weights >= least, weights, 0.0)


class Links:
    """Links of one sequence: for each head the matrix N, and of each column the rows that it keeps."""

    def __init__(self, model, state):
        self.links, self.read_slots = state.links.last.shape[2], model.config.read_slots
        self.matrices = link_rows.dense(state.links)[0].numpy().copy()
        self.last = state.links.last[0].tolist()
        self.followers = [
            [set(rows) - {j} for j, rows in enumerate(each)] for each in state.links.followers[0].tolist()
        ]
        self.precedence = np.zeros(self.matrices.shape[:2])
        for h, slots in enumerate(self.last):
            self.precedence[h, slots] = state.links.precedence[0, h]

    def write(self, writing):
        for h, (w, p, matrix) in enumerate(zip(writing, self.precedence, self.matrices, strict=True)):
            rows = [i for i in range(len(w)) if w[i] > 0]
            for i in rows:
                for j in range(len(w)):
                    matrix[i, j] = (1 - w[i]) * matrix[i, j] + w[i] * p[j] if i != j else 0
                matrix[i] = kept(matrix[i], self.links)
            for j in set(self.last[h]):
                found = [i for i in self.followers[h][j].union(rows) if matrix[i, j] > 0]
                self.followers[h][j] = set(sorted(found, key=lambda i: -matrix[i, j])[: self.links])
            self.precedence[h] = kept((1 - w.sum()) * p + w, self.links)
            self.last[h] = np.flatnonzero(self.precedence[h]).tolist()

    def mixture(self, h, modes, previous, content):
        backward, forward = np.zeros_like(content), np.zeros_like(content)
        for j in range(len(content)):
            backward += self.matrices[h, j] * previous[j]
            for i in self.followers[h][j]:
                forward[i] += self.matrices[h, i, j] * previous[j]
        shares = np.exp(modes) / np.exp(modes).sum()
        return kept(shares[0] * backward + shares[1] * content + shares[2] * forward, self.read_slots)
