"""The command `ntm-envs`. It is there with the plain wheel too, and says what it lacks."""

from __future__ import annotations

import sys

EXTRAS = {
    "torch": "agents",
    "safetensors": "agents",
    "tyro": "leaderboard",
    "rich": "leaderboard",
    "pydantic": "leaderboard",
    "matplotlib": "leaderboard",
    "PIL": "render",
    "pygame": "render",
}
"""The extra that brings each package that an import may miss."""


def main() -> int:
    """Run the command line; return its exit code."""
    try:
        from ntm_leaderboard import cli

        return cli.main(sys.argv[1:])
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        print(
            f"ntm-envs needs the package {error.name!r}, which is not installed. It comes with the extra "
            f"{extra!r}; everything comes with:\n\n    pip install 'ntm-envs[all]'",
            file=sys.stderr,
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())
