"""The wording of numbers, sizes and tasks for readers: in the terminal, on pages and in documents."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping

from ntm_envs.tasks import TaskSpec


def down(share: float) -> str:
    """Return a share with three digits, rounded down, so that only perfect ones read 1.000."""
    return f"{math.floor(round(1000 * share, 6)) / 1000:.3f}"


def up(count: float) -> str:
    """Return a mean number of errors with one digit, rounded up, so that only perfect ones read 0.0."""
    return f"{math.ceil(round(10 * count, 6)) / 10:.1f}"


def command(*words: object) -> str:
    """Return a command of `ntm-envs` that a shell takes as it is, whatever names it has."""
    return shlex.join(["ntm-envs", *map(str, words)])


def task_name(spec: TaskSpec) -> str:
    """Return the name of a task without namespace and version: ``RepeatCopy``."""
    return re.sub(r"^.*/|-v\d+$", "", spec.env_id)


def task_title(spec: TaskSpec) -> str:
    """Return the name of a task in words: ``Repeat Copy``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", task_name(spec))


def sizes_text(sizes: Mapping[str, int]) -> str:
    """Return sizes in words: ``length 20, repeats 10``."""
    return ", ".join(f"{name} {value}" for name, value in sizes.items())


def sizes_product(spec: TaskSpec, sizes: Mapping[str, int]) -> str:
    """Return the values of sizes alone: ``20 x 10``."""
    return " x ".join(f"{sizes[name]:,}" for name in spec.largest)


def training_text(spec: TaskSpec) -> str:
    """Return the training range of a task in words: ``length 1..20``."""
    ranges = {n: f"{s[0]}..{s[1]}" if isinstance(s, tuple) else str(s) for n, s in spec.training.items()}
    return ", ".join(f"{name} {text}" for name, text in ranges.items())


def ladder_texts(spec: TaskSpec) -> list[str]:
    """Return each ladder of a task in words: ``length 20, 40, 80``, with the sizes that stay the same."""
    texts = []
    for size, rungs in spec.ladders.items():
        fixed = {name: value for name, value in rungs[0].items() if name != size}
        text = f"{size} {', '.join(str(rung[size]) for rung in rungs)}"
        if further := ", ".join(str(rung[size]) for rung in spec.further.get(size, ())):
            text += f", and further {further}"
        texts.append(f"{text} (with {sizes_text(fixed)})" if fixed else text)
    return texts
