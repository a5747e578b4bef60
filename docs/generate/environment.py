"""The page of the environments, which all tasks share, from the docstrings of `SequenceEnv` and its twin."""

from __future__ import annotations

import re
from pathlib import Path

from generate import rst
from generate.docstrings import HEADING
from ntm_envs import SequenceEnv, SequenceVectorEnv
from ntm_leaderboard.docstrings import prose

SOURCE = "Source code: :py:obj:`ntm_envs.env.SequenceEnv`, :py:obj:`ntm_envs.vector_env.SequenceVectorEnv`."


def write(folder: Path) -> None:
    """Write the page."""
    rst.write(
        folder / "index.rst",
        rst.heading("Observations, actions and rewards"),
        ".. py:currentmodule:: ntm_envs.env",
        HEADING.sub(_heading, prose(SequenceEnv)),
        rst.heading("Many episodes at once", 1),
        prose(SequenceVectorEnv),
        SOURCE,
    )


def _heading(found: re.Match[str]) -> str:
    """Return a heading, to which other pages refer by its text."""
    return f".. _environment-{found[1].lower()}:\n\n{rst.heading(found[1], 1)}\n"
