"""The command line: one file for each command, with its options.

Options are the fields of dataclasses (`options.py`), which tyro parses (`parsing.py`) and `help.py`
describes. `terminal.py` prints lines, `progress.py` shows what is running, and `report.py` prints tables.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence

import torch

from ntm_agents.testing import ModelError
from ntm_agents.training import CheckpointError, NonFiniteError
from ntm_agents.training.run import versions
from ntm_envs.lookup import comes_from_a_file, did_you_mean
from ntm_leaderboard.cli import agents, bench, evaluate, leaderboard, submit, tasks, train, verify, watch
from ntm_leaderboard.cli.terminal import console, fail


def main(argv: Sequence[str]) -> int:
    """Run a command and return the exit code.

    Args:
        argv: The arguments after ``ntm-envs``.
    """
    commands: dict[str, tuple[Callable[[list[str]], int], str]] = {
        "tasks": (tasks.main, "list the tasks"),
        "agents": (agents.main, "list the agents"),
        "train": (train.main, "train an agent on a task"),
        "evaluate": (evaluate.main, "evaluate a trained agent on the ladder of a task"),
        "bench": (bench.main, "train and evaluate several agents, and compare them"),
        "watch": (watch.main, "watch an agent play an episode"),
        "leaderboard": (leaderboard.main, "rank the agents of the project, and your own among them"),
        "submit": (submit.main, "pack evaluated runs for others to check"),
        "verify": (verify.main, "check a submission, and evaluate its models again"),
    }
    if not argv or argv[0] in ("-h", "--help"):
        console.print("ntm-envs: how far does a sequence model generalise beyond its training lengths?\n")
        for name, (_, summary) in commands.items():
            console.print(f"  ntm-envs {name:11} {summary}", highlight=False)
        console.print(
            "\nntm-envs COMMAND --help describes a command. Begin with: ntm-envs bench", highlight=False
        )
        return 0
    if argv[0] == "--version":
        print(f"ntm-envs {versions()['ntm-envs']}")
        return 0
    if argv[0] not in commands:
        return fail(did_you_mean("command", argv[0], commands))
    torch.set_num_threads(1)  # the models are small; runs side by side are what uses the other cores
    try:
        return commands[argv[0]][0](list(argv[1:]))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, TypeError, OSError, CheckpointError, ModelError, NonFiniteError) as error:
        if comes_from_a_file(error):
            traceback.print_exc()  # the author of the file needs to know where
        return fail(str(error))
