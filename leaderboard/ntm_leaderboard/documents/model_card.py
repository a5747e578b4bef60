"""The publication of a trained machine: its run in the package, with a model card in Markdown."""

from __future__ import annotations

import shutil
from pathlib import Path

from ntm_agents.pretrained import CHECKSUM, checksum
from ntm_agents.pretrained import HERE as PRETRAINED
from ntm_envs import tasks
from ntm_envs.answers import Symbols
from ntm_envs.files import write_atomically
from ntm_envs.lookup import load
from ntm_leaderboard.documents.markdown import by_cost, cost_above_oracle, table
from ntm_leaderboard.results import Result
from ntm_leaderboard.wording import sizes_product

FILES = ("config.json", "summary.json", "model.safetensors")
"""The files of a run that `load_run` needs."""

CARD = """# {agent} on {task}

The task: {summary}. This is the machine of seed {seed}, {choice}; [the
table](../../../../../docs/results-by-seed.md) has the other seeds. The command that trained it,

    {command}

used {training.sequences:,} sequences of sizes up to {largest}, and {training.seconds:.0f} seconds
on one core. It trains to the same bytes again only on the same kind of processor, and with the same versions
of this package and of torch. The machine has {training.parameters:,} parameters; `config.json` has all
options. Its evaluation sequences are drawn from the hash of its weights, `{commitment}`:

{rungs}

- Evaluate it again: `ntm-envs evaluate --agent {agent} --task {task}`
- Watch it: `ntm-envs watch --agent {agent} --task {task}`
- Use it: `ntm_agents.{machine}.from_pretrained("{task}", "{agent}")`

It takes the inputs of `{env_id}` and no others. MIT License.
"""


UNSELECTED = "which was not selected by its results"
"""How the seed of most machines was chosen."""


def publish(run: Path, choice: str = UNSELECTED) -> Path:
    """Copy a run into the package, with its model card and a checksum, and return the folder.

    Args:
        run: Folder of the run.
        choice: How its seed was chosen, for the card.

    Raises:
        ValueError: If the run was not trained.
    """
    result = Result.read(run / "result.json")
    folder = PRETRAINED / result.agent / tasks.spec(result.task).name
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copy(run / name, folder)
    write_atomically(folder / CHECKSUM, checksum(folder).encode())
    write_atomically(folder / "README.md", model_card(result, choice).encode())
    return folder


def model_card(result: Result, choice: str = UNSELECTED) -> str:
    """Return the card of the machine of a result.

    Args:
        result: The result.
        choice: How its seed was chosen.

    Raises:
        ValueError: If it was not trained.
    """
    if result.training is None:
        raise ValueError(f"{result.agent} was not trained; a model card is that of a trained machine")
    spec = tasks.spec(result.task)
    metrics = list(result.rungs[0].score.metrics)
    rows = [
        [
            sizes_product(spec, rung.sizes),
            str(rung.sequences),
            str(rung.sequences - rung.score.all_right),
            f"{cost_above_oracle(rung):.2f}"
            if by_cost(spec)
            else f"{rung.score.wrong_symbols} of {rung.symbols:,}",
            *(f"{rung.score.metrics[name]:.3f}" for name in metrics),
        ]
        for rung in result.rungs
    ]
    symbols = "symbols" if isinstance(spec.make().answers, Symbols) else "bits"
    last = "bits above the optimum" if by_cost(spec) else f"wrong {symbols}"
    measured = [name.replace("_", " ") for name in metrics]
    head = [" x ".join(spec.largest), "sequences", "wrong sequences", last, *measured]
    return CARD.format(
        agent=result.agent,
        machine=load(result.entry).__name__,
        task=spec.name,
        env_id=result.task,
        summary=spec.summary,
        seed=result.seed,
        choice=choice,
        largest=sizes_product(spec, spec.largest),
        command=f"ntm-envs train --agent {result.agent} --task {spec.name} --seed {result.seed}",
        training=result.training,
        rungs=table(head, rows, ["---:"] * len(head)),
        commitment=result.commitment,
    )
