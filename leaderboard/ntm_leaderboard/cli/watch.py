"""`ntm-envs watch`: show an agent playing an episode."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import tyro

from ntm_leaderboard.cli.options import extended
from ntm_leaderboard.cli.parsing import parse, peek
from ntm_leaderboard.cli.terminal import console, say
from ntm_leaderboard.harness import watching
from ntm_leaderboard.harness.entrants import from_run, ready
from ntm_leaderboard.wording import command


@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """Watch a trained run, or another agent, play an episode: in the terminal, in a window, or as a GIF.

    A machine with a memory shows its heads as well and, in windows and pictures, the memory.

    The sizes below are those of the task, or of the run, that is named before --help.

    Example:
        ntm-envs watch --agent ntm --task copy --length 20 --output copy.gif
    """

    run: tyro.conf.Positional[Path | None] = None
    """Folder of a complete run; it comes before all options."""
    agent: str = "oracle"
    """Agent to watch without a run: one that needs no training or is pretrained, such as ntm."""
    task: str = "copy"
    """Name from `ntm-envs tasks`, or a task of your own, without a run."""
    key: int = 0
    """Key of the episode; the same key and sizes are the same episode."""
    mode: Literal["ansi", "human"] = "ansi"
    """ansi shows the episode in the terminal (a file or pipe gets the last step alone), human in a window."""
    output: Path | None = None
    """Write a GIF here instead, or a PNG of the last step."""
    fps: float = 8.0
    """Steps per second, from 0.01 to 1000."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    folder = next((argument for argument in argv[:1] if not argument.startswith("-")), "")
    agent, task = peek(argv, "--agent", ""), peek(argv, "--task", "")
    if folder and (agent or task):
        raise ValueError("--agent and --task go without a run; a run has its own agent and task")
    entrant = from_run(Path(folder)) if folder else ready(agent or "oracle", task or "copy")
    largest = entrant.spec.largest
    fields = [(name, int, field(default=size)) for name, size in largest.items()]
    options = parse(extended(WatchOptions, fields), argv, "watch")
    if options.run and not folder:
        raise ValueError(
            f"{options.run} comes after an option; expected: {command('watch', options.run)} [OPTIONS]"
        )
    if not 0.01 <= options.fps <= 1000:
        raise ValueError(f"fps is {options.fps}; expected 0.01 to 1000")
    sizes = {name: getattr(options, name) for name in largest}
    env_id = entrant.spec.env_id
    if options.output is not None:
        watching.record(entrant.agent, env_id, sizes, options.key, [options.output], options.fps)
        say(f"The episode is in {options.output}")
    else:
        watching.play(entrant.agent, env_id, sizes, options.key, options.mode, options.fps, console)
    return 0
