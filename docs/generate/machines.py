"""The page of the pretrained machines at work, with an animation of each."""

from __future__ import annotations

from pathlib import Path

from generate import rst
from generate.agents import link
from ntm_envs import tasks
from ntm_leaderboard.page.machines import MACHINES, Machine, draw
from ntm_leaderboard.wording import task_name

ABOUT = """Each animation is an episode, played by a trained machine that comes with the package. Time runs to
the right. Below inputs, targets and outputs it shows how much each head attends to each slot, the first slot
at the top, and then the memory, in which orange is negative.

The command below an animation shows the same in your terminal, with ``--mode human`` in a window, and with
``--output FILE`` as a picture or a GIF. :doc:`/equations` explains each part of such a machine, and
:doc:`/training-recipes` how these were trained, and what the heads do. To install it all, in a clone of the
repository:"""
INSTALL = """export PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu  # on Linux, to do without CUDA
pip install '.[all]'"""


def write(folder: Path) -> None:
    """Write the page and its animations."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [rst.heading("Machines at work"), ABOUT, rst.literal(INSTALL, "bash")]
    for machine in MACHINES:
        draw(machine, folder)
        row = tasks.spec(machine.task)
        task = f":doc:`{task_name(row)} </generated/tasks/{row.suite}/{row.name}>`"
        title = rst.heading(f"{machine.agent} on {task_name(row)}", 1)
        pages = f"The task: {task}. The agent: {link(machine.agent)}."
        parts += [title, machine.text, *animation(machine), pages]
    rst.write(folder / "index.rst", *parts)


def animation(machine: Machine) -> list[str]:
    """Return the animation of a machine, and the command that shows it."""
    sizes = " ".join(f"--{name} {value}" for name, value in machine.sizes.items())
    command = f"ntm-envs watch --agent {machine.agent} --task {machine.task} {sizes}"
    alt = f"{machine.agent} on {machine.task}, step by step"
    picture = f".. image:: /generated/machines/{machine.name}.gif\n   :alt: {alt}"
    return [picture, rst.literal(command, "bash")]
