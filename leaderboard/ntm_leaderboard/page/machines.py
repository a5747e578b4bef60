"""The pictures of machines at work: those that come trained, each on one episode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ntm_leaderboard.harness import watching
from ntm_leaderboard.harness.entrants import ready

FPS = 8.0


@dataclass(frozen=True)
class Machine:
    """A machine that comes trained, the episode that it is shown on, and what there is to be seen."""

    agent: str
    task: str
    sizes: dict[str, int]
    text: str

    @property
    def name(self) -> str:
        """The name of its files, without their ending."""
        return f"{self.task}-{self.agent}"


MACHINES = (
    Machine(
        "ntm",
        "copy",
        {"length": 20},
        "While the machine listens the writer walks through the memory, and the reader waits at its start; "
        "at the delimiter the reader begins to walk.",
    ),
    Machine(
        "ntm",
        "associative_recall",
        {"items": 6},
        "The second reader looks up the item that is asked for, surer with each of its vectors, and walks on "
        "into the next one.",
    ),
    Machine(
        "ntm-jump",
        "repeat_copy",
        {"length": 8, "repeats": 4},
        "The writer leaves a mark behind the last vector. The reader walks, jumps back to the start where it "
        "reads the mark, and counts its jumps.",
    ),
    Machine(
        "ntm",
        "ngrams",
        {"length": 60},
        "The reader looks up what the last five bits are, and the writer, which follows it, adds the next "
        "bit to what was counted there.",
    ),
    Machine(
        "ntm",
        "priority_sort",
        {"length": 12},
        "The first writer writes down what it hears; then the reader looks up the highest priority, again "
        "and again, and the second writer deletes what was read.",
    ),
)


def draw(machine: Machine, folder: Path) -> tuple[int, int]:
    """Write the last moment of an episode as a PNG, and all of it as a GIF; return their width and height."""
    entrant = ready(machine.agent, machine.task)
    paths = [folder / f"{machine.name}{suffix}" for suffix in (".png", ".gif")]
    watching.record(entrant.agent, entrant.spec.env_id, machine.sizes, 0, paths, FPS)
    with Image.open(paths[0]) as image:
        return image.size
