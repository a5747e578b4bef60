"""Draws of tests: the same at one commit, so that a failure can be repeated, and others at the next.

`COMMIT_DRAWN_FROM=<a commit> pytest ...` repeats the draws of another commit.
"""

import hashlib
import os
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]


def git(*arguments: str) -> list[str]:
    """Return the lines that git prints; none without a checkout or its history."""
    try:
        done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    except FileNotFoundError:
        return []
    return done.stdout.splitlines() if done.returncode == 0 else []


# The processes of pytest-xdist take what the first one found: they have to collect the same tests.
COMMIT = os.environ.setdefault("COMMIT_DRAWN_FROM", next(iter(git("rev-parse", "HEAD")), "no checkout"))


def rng(purpose: str) -> np.random.Generator:
    """Return the random numbers of this commit for one purpose."""
    return np.random.default_rng(int(hashlib.sha256(f"{COMMIT} {purpose}".encode()).hexdigest(), 16))


def base() -> str | None:
    """Return the commit that a change starts from, as far as git knows.

    That is where its branch left `main`; on `main` itself, the commit before the last change or merge.
    """
    head = git("rev-parse", "HEAD")
    for main in ("origin/main", "main"):
        if (found := git("merge-base", "HEAD", main)) and found != head:
            return found[0]
    return next(iter(git("rev-parse", "--verify", "HEAD^")), None)


def changed_below(folder: Path, since: str = "HEAD^") -> set[Path]:
    """Return the files that were added or changed since a commit, also by nobody yet, as far as git knows."""
    changed = git("diff", "--name-only", "--no-renames", "--diff-filter=d", since, "--", str(folder))
    new = git("ls-files", "--full-name", "--others", "--exclude-standard", "--", str(folder))
    return {ROOT / name for name in changed + new}
