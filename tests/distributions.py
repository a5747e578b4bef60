"""The wheel and the source distribution of the repository, built without a network.

Nothing is fetched: the set-up by `make test` keeps the wheels of the tested versions in .venv/wheels.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
WHEELS = Path(sys.prefix, "wheels")
# What tools and people leave in a clone, as .gitignore has it.
LEFT = (
    ".*",
    "__pycache__",
    "*.egg-info",
    "build",
    "dist",
    "bench",
    "site",
    "submission",
    "runs",
    "generated",
)


@dataclass(frozen=True, kw_only=True)
class Built:
    """The two distributions, and the files of the copy of the repository from which they were built."""

    source: Path
    files: frozenset[str]
    sdist: Path
    wheel: Path


def run(*command: str | Path, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a program without a package index or Python's variables; check its exit code."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(WHEELS)}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True)
    assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def files_in(folder: Path) -> frozenset[str]:
    """Return the names of all files below a folder."""
    return frozenset(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def build(folder: Path) -> Built:
    """Build both as a release does: the wheel is built from the source distribution."""
    source, output = folder / "source", folder / "dist"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*LEFT))
    files = files_in(source)
    run(sys.executable, "-m", "build", "--outdir", output, source, cwd=folder)
    (sdist,), (wheel,) = output.glob("*.tar.gz"), output.glob("*.whl")
    return Built(source=source, files=files, sdist=sdist, wheel=wheel)
