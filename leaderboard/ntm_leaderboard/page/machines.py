"""The pictures of pretrained machines at work, each on one episode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from ntm_leaderboard.harness import watching
from ntm_leaderboard.harness.entrants import ready

FPS = 8.0


@dataclass(frozen=True)
class Machine:
    """A pretrained machine, its episode, and a description of the picture."""

    agent: str
    task: str
    sizes: dict[str, int]
    text: str

    @property
    def name(self) -> str:
        """The name of its files, without suffix."""
        return f"{self.task}-{self.agent}"


MACHINES = (
    Machine(
        "ntm",
        "copy",
        {"length": 20},
        "During the inputs the write head moves through the memory, and the read head waits at its start. "
        "At the delimiter the read head starts to move.",
    ),
    Machine(
        "ntm",
        "associative_recall",
        {"items": 6},
        "The second read head looks up the queried item, more certain with each of its vectors, and moves on "
        "to the next one.",
    ),
    Machine(
        "ntm-jump",
        "repeat_copy",
        {"length": 8, "repeats": 4},
        "The write head leaves a mark behind the last vector. The read head moves, jumps back to the start "
        "when it reads the mark, and the machine counts the jumps.",
    ),
    Machine(
        "dnc",
        "repeat_copy",
        {"length": 6, "repeats": 3},
        "The read head follows the links. What it has read is released, and written once more to a slot that "
        "is free, with one repeat less to go: so the list begins again behind its end.",
    ),
    Machine(
        "dnc",
        "traversal",
        {"nodes": 5, "path": 3},
        "While the graph is described, each edge goes to a slot that is free, as does the query behind it. "
        "For the answer, the read heads look up queries and edges, one step of the path after the other.",
    ),
    Machine(
        "dntm-hard",
        "copy",
        {"length": 20},
        "Each head is at one slot, and walks from address to address. At the delimiter the read head returns "
        "to the first slot.",
    ),
    Machine(
        "dntm",
        "associative_recall",
        {"items": 6},
        "The second read head looks at the beginnings of all items when the query begins. With each vector "
        "of the query there are fewer that fit, and then it goes on to the item behind.",
    ),
    Machine(
        "mann",
        "one_shot",
        {"classes": 5, "shots": 3},
        "The last head writes the drawing of the step before, with its label, to a new slot at each step. "
        "The second head looks up the drawings that are most like the present one. It has to guess at first.",
    ),
    Machine(
        "ntm",
        "ngrams",
        {"length": 60},
        "The read head looks up the last five bits, and the write head, which follows it, adds the next bit "
        "to the counts in that slot.",
    ),
    Machine(
        "ntm",
        "priority_sort",
        {"length": 12},
        "The first write head stores the inputs. Then the read head looks up the highest priority, again and "
        "again, and the second write head erases what was read.",
    ),
)


def draw(machine: Machine, folder: Path) -> tuple[int, int]:
    """Write the last step of an episode as a PNG and the whole as a GIF; return their width and height."""
    entrant = ready(machine.agent, machine.task)
    paths = [folder / f"{machine.name}{suffix}" for suffix in (".png", ".gif")]
    watching.record(entrant.agent, entrant.spec.env_id, machine.sizes, 0, paths, FPS)
    with Image.open(paths[0]) as image:
        return image.size
