"""The command line: one file for each command, with its options.

Options are the fields of dataclasses (`options.py`), which tyro parses (`parsing.py`) and `help.py`
describes. `terminal.py` prints lines, `progress.py` shows what is running, and `report.py` prints tables.
A command is imported when it is run, as most bring torch, which takes seconds.
"""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module

from ntm_envs import __version__
from ntm_envs.lookup import comes_from_a_file, did_you_mean
from ntm_leaderboard.cli.terminal import console, discard_output, fail, safe_output
from ntm_leaderboard.harness.launcher import STOPPED

COMMANDS = {
    "tasks": "list the tasks",
    "agents": "list the agents",
    "train": "train an agent on a task",
    "tune": "search the options of an agent and its training on a task",
    "evaluate": "evaluate a trained agent on the ladder of a task",
    "bench": "train and evaluate several agents, and compare them",
    "watch": "watch an agent play an episode",
    "leaderboard": "rank the agents of the project, and your own among them",
    "submit": "pack evaluated runs for others to check",
    "verify": "check a submission, and evaluate its models again",
}
"""Names of commands, which are those of their files, and what they do."""


def find(name: str) -> Callable[[list[str]], int]:
    """Import a command and return its function, which takes the arguments and returns the exit code.

    Raises:
        ValueError: If there is no such command.
    """
    if name not in COMMANDS:
        raise ValueError(did_you_mean("command", name, COMMANDS))
    import torch

    torch.set_num_threads(1)  # the models are small; runs side by side are what uses the other cores
    command: Callable[[list[str]], int] = import_module(f"ntm_leaderboard.cli.{name}").main
    return command


def main(argv: Sequence[str]) -> int:
    """Run a command and return the exit code.

    Args:
        argv: The arguments after ``ntm-envs``.
    """
    with safe_output():
        try:
            code = _run(argv)
            sys.stdout.flush()  # its errors are reported too
            return code
        except KeyboardInterrupt as stop:
            return fail(str(stop) or "stopped", STOPPED)
        except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
            discard_output()
            return 141
        except Exception as error:
            own = comes_from_a_file(error)
            if isinstance(error, ModuleNotFoundError) and not own:
                raise  # an extra may bring it
            if _lacks_memory(error):
                return fail(f"there is not enough memory; choose smaller sizes ({error})")
            if own or not _is_expected(error):
                traceback.print_exc()  # the author of the file needs to know where
            return fail(_message(error))


def _run(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        console.print("ntm-envs: how far does a sequence model generalise beyond its training lengths?\n")
        for name, summary in COMMANDS.items():
            console.print(f"  ntm-envs {name:11} {summary}", highlight=False)
        console.print(
            "\nntm-envs COMMAND --help describes a command. Begin with: ntm-envs bench", highlight=False
        )
        return 0
    if argv[0] == "--version":
        print(f"ntm-envs {__version__}")
        return 0
    return find(argv[0])(list(argv[1:]))


def _is_expected(error: Exception) -> bool:
    """Return whether the message of an error explains it. Others are mistakes in code, to be located."""
    if isinstance(error, ValueError | TypeError | OSError):
        return True
    from ntm_agents.testing import ModelError
    from ntm_agents.training import CheckpointError, NonFiniteError

    return isinstance(error, CheckpointError | ModelError | NonFiniteError)


def _message(error: Exception) -> str:
    """Return the message of an error."""
    if isinstance(error, OSError) and error.strerror:
        if error.filename is None and error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO):
            discard_output()  # files have names
            return f"the output cannot be written: {error.strerror}"
        return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    return str(error) if _is_expected(error) else f"{type(error).__name__}: {error}"


def _lacks_memory(error: Exception) -> bool:
    """Return whether memory could not be allocated, of which torch has an error for GPUs alone."""
    of_gpu = type(error).__name__ == "OutOfMemoryError"  # torch may not have been imported
    return of_gpu or isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error)
