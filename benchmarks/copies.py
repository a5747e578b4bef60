"""Print how far apart the models of the board are, and a model from itself with noise on its weights.

    python benchmarks/copies.py

The docstring of `ntm_leaderboard.board.copies` has these numbers.
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import torch

from ntm_agents import ModelAgent, load_run
from ntm_leaderboard.board.boards import SHIPPED, load
from ntm_leaderboard.board.copies import distance
from ntm_leaderboard.harness.probe import sketch, sketch_of_outputs
from ntm_leaderboard.results import Result

RESULTS = Path(__file__).parents[1] / "leaderboard" / "results"
NOISE = (1e-6, 1e-4, 1e-3, 1e-2)


def nearest(name: str, pairs: list[tuple[Result, Result]]) -> None:
    """Print the smallest distances of pairs of results."""
    print(f"{name}: {len(pairs)} pairs")
    for field in ("outputs", "weights"):
        found = []
        for pair in pairs:
            one, other = (getattr(result.probe, field) for result in pair)
            names = " and ".join(f"{result.agent} {result.seed}" for result in pair)
            found.append((distance(one, other), f"{names} on {pair[0].task}"))
        print("  {}: {:.3f}, {}".format(field, *min(found)))


def noisy(run: Path) -> None:
    """Print the distances of a model from itself with noise of a relative size on its weights."""
    model, description = load_run(run)
    task, weights = description.task_spec().make(), model.state_dict()

    def sketches() -> tuple[list[float], list[float]]:
        ordered = (tensor.double().numpy() for _, tensor in sorted(model.state_dict().items()))
        return sketch_of_outputs(ModelAgent(model, task.answers), task), sketch(*ordered)

    before = sketches()
    kept = {name: tensor.clone() for name, tensor in weights.items()}
    for scale in NOISE:
        generator = torch.Generator().manual_seed(0)
        model.load_state_dict(
            {name: t * (1 + scale * torch.randn(t.shape, generator=generator)) for name, t in kept.items()}
        )
        outputs, of_weights = map(distance, before, sketches())
        print(f"{run.relative_to(RESULTS)}, noise {scale:g}: outputs {outputs:.5f}, weights {of_weights:.5f}")


def main() -> None:
    """Print both parts."""
    results = load(SHIPPED)
    pairs = [(a, b) for a, b in combinations(results, 2) if a.task == b.task]
    memoryless = {r.agent for r in results if r.training and r.training.state_values == 0}
    nearest("one of the two without a memory", [p for p in pairs if memoryless & {r.agent for r in p}])
    pairs = [p for p in pairs if not memoryless & {r.agent for r in p}]
    nearest("both with a memory", pairs)
    nearest("of one agent, with a memory", [(a, b) for a, b in pairs if a.agent == b.agent])
    for name in ("copy/ntm", "copy/ntm-ppo", "repeat_copy/ntm-jump", "priority_sort/ntm", "ngrams/ntm"):
        noisy(RESULTS / name / "seed-0")


if __name__ == "__main__":
    main()
