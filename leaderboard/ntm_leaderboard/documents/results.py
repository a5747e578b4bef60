"""The pages `docs/results.md` and `docs/results-recall.md`: the suites classic and recall at every size.

The measure is the share of sequences without a wrong bit or, on the tasks of `BY_COST`, the cost of a
sequence in bits above the oracle's on the same sequences.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ntm_envs import tasks
from ntm_envs.tasks import TaskSpec
from ntm_leaderboard.board.statistics import ladder
from ntm_leaderboard.documents.markdown import by_cost, cost_above_oracle, table
from ntm_leaderboard.results import Result, Rung
from ntm_leaderboard.wording import down, sizes_text, task_name

AGENTS = ("ntm-one", "ntm", "dnc", "sam", "dntm", "mann", "lstm")
PAGE = """# Results on the classic suite, at every size

For readers of the leaderboard who want more than a mean score: what agents reach at each size of the ladders.
`ntm`, `dnc` and `lstm` have a recipe for each task, and `ntm-one` has [one for all of them](one-recipe.md).
`sam`, `dntm` and `mann` share [its training](one-recipe.md#what-is-in-the-training), which was not searched
for them; but `dntm` has its own for Copy and AssociativeRecall. [How models are evaluated](evaluation.md)
explains the protocol, and [Results by seed](results-by-seed.md) shows the seeds of the NTM and the DNC.

    ntm-envs leaderboard show --suite classic    # the ranking, from the same results
    python benchmarks/classic.py                 # writes this page

Each cell is the mean of five seeds and, in brackets, the worst of them. The first column is the largest
training size; all others lie beyond the training range. The numbers come from the results in
[leaderboard/results](../leaderboard/results); `ntm-envs leaderboard show` says which of them are verified.

"""

RECALL_AGENTS = ("ntm-one", "ntm", "dnc", "dntm", "sam", "mann", "transformer", "lstm")
RECALL_PAGE = """# Results on the suite recall

For readers who compare memories: how many pairs of a key and a value agents recall, and how soon they know a
character again. `sam`, `dnc` and `mann` have recipes made for [KeyValueRecall](training-sam.md#pairs), and
`mann` for [OneShot](one-shot.md). All others have their default recipes, which were not searched for these
tasks. [How models are evaluated](evaluation.md) explains the protocol.

    ntm-envs leaderboard show --suite recall    # the ranking, from the same results
    python benchmarks/classic.py                # writes this page

Each cell is the mean of five seeds and, in brackets, the worst of them. The numbers come from the results in
[leaderboard/results](../leaderboard/results); `ntm-envs leaderboard show` says which of them are verified.

{pairs}

In a sequence eight pairs are asked for. [The share of values](training-sam.md#pairs) that are right is
larger.

**OneShot** with five classes and ten drawings of each: share of the classes that were named rightly

{presentations}
"""


def results_page(results: Sequence[Result]) -> str:
    """Return the text of `docs/results.md`."""
    return f"{PAGE}{results_tables(results, AGENTS, tasks.suite('classic'))}\n"


def recall_page(results: Sequence[Result]) -> str:
    """Return the text of `docs/results-recall.md`."""
    pairs = results_tables(results, RECALL_AGENTS, [tasks.spec("key_value_recall")])
    spec, rows, names = tasks.spec("one_shot"), [], list[str]()
    for agent in RECALL_AGENTS:
        mine = [result for result in results if (result.agent, result.task) == (agent, spec.env_id)]
        rungs = [rung for result in mine for rung in result.rungs]
        scores = [rung.score.metrics for rung in rungs if rung.sizes == spec.largest]
        if scores:
            names = list(scores[0])
            columns = [[score[name] for score in scores] for name in names]
            rows.append([f"`{agent}`", *(f"{np.mean(found):.3f} ({min(found):.3f})" for found in columns)])
    head = ["agent", *(name.replace("_", " ") for name in names)]
    presentations = table(head, rows, ["---", *["---:"] * len(names)])
    return RECALL_PAGE.format(pairs=pairs, presentations=presentations)


def results_tables(results: Sequence[Result], agents: Sequence[str], specs: Sequence[TaskSpec]) -> str:
    """Return a table for each ladder, a line an agent: the mean of its seeds and, in brackets, the worst."""
    parts = []
    for spec in specs:
        for size, rungs in spec.ladders.items():
            values = [rung[size] for rung in rungs]
            rows = []
            for agent in agents:
                seeds = [_at(results, agent, spec, size, value) for value in values]
                if any(seeds):
                    rows.append([f"`{agent}`", *(_with_worst(spec, found) for found in seeds)])
            measure = "bits above the optimum" if by_cost(spec) else "share of sequences without a wrong bit"
            title = f"**{task_name(spec)}** by {size}, trained up to {sizes_text(spec.largest)}: {measure}"
            head = [size, *(f"{value:,}" for value in values)]
            parts.append(f"{title}\n\n{table(head, rows, ['---', *['---:'] * len(values)])}")
    return "\n\n".join(parts)


def _at(results: Sequence[Result], agent: str, spec: TaskSpec, size: str, value: int) -> list[float]:
    """Return the measure of each seed at a size."""
    mine = [result for result in results if (result.agent, result.task) == (agent, spec.env_id)]
    rungs = [rung for result in mine for rung in ladder(result, spec, size)]
    return [_measure(spec, rung) for rung in rungs if rung.sizes[size] == value]


def _measure(spec: TaskSpec, rung: Rung) -> float:
    return round(cost_above_oracle(rung), 2) if by_cost(spec) else rung.sequence_accuracy


def _with_worst(spec: TaskSpec, seeds: Sequence[float]) -> str:
    if not seeds:
        return ""
    worst = max(seeds) if by_cost(spec) else min(seeds)
    return f"{_number(spec, float(np.mean(seeds)))} ({_number(spec, worst)})"


def _number(spec: TaskSpec, value: float) -> str:
    return f"{value:.2f}" if by_cost(spec) else down(value)
