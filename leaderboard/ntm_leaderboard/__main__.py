"""The command `ntm-envs`. The plain wheel has it too; it then names the extra that is missing."""

from __future__ import annotations

import sys
from pathlib import Path

EXTRAS = {
    "PIL": "render",
    "filelock": "leaderboard",
    "jinja2": "leaderboard",
    "matplotlib": "leaderboard",
    "numba": "fast",
    "pydantic": "leaderboard",
    "pygame": "render",
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


def main() -> int:
    """Run the command line and return its exit code; 1 if a package of an extra is not installed."""
    try:
        from ntm_leaderboard import cli

        here, own = str(Path.cwd()), sys.argv[1:2] != ["verify"]
        if own and "" not in sys.path and here not in sys.path:  # after all imports: it shadows nothing
            sys.path.append(here)  # my_module:MyModel may be in the current folder
        return cli.main(sys.argv[1:])
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        extra = EXTRAS[error.name]
        print(
            f"ntm-envs needs the package {error.name!r}, which the extra {extra!r} brings:\n\n"
            f"    pip install 'ntm-envs[{extra}]'",
            file=sys.stderr,
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())
