"""The command `ntm-envs`. The plain wheel has it too; it then names the extra that is missing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

EXTRAS = {
    "PIL": "render",
    "filelock": "leaderboard",
    "jinja2": "leaderboard",
    "matplotlib": "leaderboard",
    "numba": "fast",
    "optuna": "tune",
    "pydantic": "leaderboard",
    "pygame": "render",
    "ray": "ray",
    "rich": "leaderboard",
    "safetensors": "leaderboard",
    "sb3_contrib": "baselines",
    "stable_baselines3": "baselines",
    "tensorboard": "all",
    "torch": "leaderboard",
    "tyro": "leaderboard",
    "vl_convert": "leaderboard",
}
"""The extra that brings each package, by the name that is imported."""
STOPPED = 130
"""Exit code of a command that Ctrl-C or another request to end has stopped, as in shells."""


def main() -> int:
    """Run the command line and return its exit code; 1 if a package of an extra is not installed.

    Requests to end (SIGTERM, a closed terminal) stop a command as Ctrl-C does.
    """
    _open_closed_streams()
    _on_interrupt(_exit)  # imports take seconds, and hold nothing
    try:
        here = str(Path.cwd())
    except FileNotFoundError:  # torch would end the process
        print("ntm-envs: the present folder has been deleted; change to another one", file=sys.stderr)
        return 2
    try:
        from ntm_leaderboard import cli
        from ntm_leaderboard.harness.launcher import end_with_launcher

        name = "".join(sys.argv[1:2])
        if name in cli.COMMANDS:
            cli.find(name)  # imports it now, while an interrupt may end the process at once
        own = name != "verify"
        if own and "" not in sys.path and here not in sys.path:  # after all imports: it shadows nothing
            sys.path.append(here)  # my_module:MyModel may be in the current folder
        _on_interrupt(signal.default_int_handler)
        end_with_launcher()
        return cli.main(sys.argv[1:])
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        extra = EXTRAS[error.name]
        print(
            f"ntm-envs: the package {error.name!r} is missing; install it: pip install 'ntm-envs[{extra}]'",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:  # just before or after the command
        return STOPPED
    finally:
        _on_interrupt(_exit)


def _on_interrupt(handler: Callable[[int, Any], Any]) -> None:
    """Handle the requests to end, but for those that the process was started to ignore, as by nohup."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _exit(*_: object) -> NoReturn:
    os.write(2, b"ntm-envs: stopped\n")
    os._exit(STOPPED)


def _open_closed_streams() -> None:
    """Open the standard streams that are closed: the next file would get their number, and their output."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


if __name__ == "__main__":
    sys.exit(main())
