"""The stages of a supervised training: lessons of the task, or the training range alone.

Lessons are data of a task (:mod:`ntm_envs.tasks.lessons`). Their numbers begin with 1. After lessons inside
the training range, this range is the last lesson.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ntm_agents.training.checks import with_overrides
from ntm_agents.training.config import LearnerConfig, TrainConfig
from ntm_agents.training.curriculum import SequenceCurriculum, Sizes
from ntm_envs import keyed
from ntm_envs.tasks import Task, TaskSpec
from ntm_envs.tasks.lessons import Lesson


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of a training.

    Attributes:
        task: The task of its validations.
        training_task: The same, as it is in training.
        curriculum: The sizes of its batches.
        largest: The sizes of its validations.
    """

    task: Task
    training_task: Task
    curriculum: SequenceCurriculum
    largest: Mapping[str, int]


def stages_of(config: TrainConfig, task: Task, spec: TaskSpec) -> list[Stage]:
    """Return the stages of a training: a lesson each or, without lessons, the training range.

    Args:
        config: Options of the training.
        task: The task.
        spec: Its row.

    Raises:
        ValueError: If the task has no lessons, or not as many, or sizes or parameters of the training or of a
            lesson are not possible.
    """
    if not config.use_lessons:
        return [_stage(config, task, spec.training)]
    return [_stage_of(config, *_of_lesson(task, lesson)) for lesson in lessons_of(config, spec)]


def lessons_of(config: TrainConfig, spec: TaskSpec) -> Sequence[Lesson]:
    """Return the lessons of a training with lessons.

    They are those of the task, up to the last one of the training. If none has sizes above the training
    range, this range follows them.

    Raises:
        ValueError: If the task has no lessons, or not as many.
    """
    found = spec.make().lessons
    if not found:
        raise ValueError(f"use_lessons is True, but {spec.name} has none; expected False (--no-use-lessons)")
    last = config.last_lesson or len(found)
    if last > len(found):
        raise ValueError(f"last_lesson is {last}; expected at most {len(found)}, the lessons of {spec.name}")
    lessons = found[:last]
    if any(_is_beyond(lesson, spec) for lesson in lessons):
        return lessons
    return [*lessons, Lesson(sizes=spec.training, parameters={})]


def lessons_beyond(config: LearnerConfig, spec: TaskSpec) -> list[int]:
    """Return the numbers of those lessons of a training that have sizes above the training range.

    Raises:
        ValueError: If the task has no lessons, or not as many.
    """
    if not (isinstance(config, TrainConfig) and config.use_lessons):
        return []
    lessons = enumerate(lessons_of(config, spec), start=1)
    return [number for number, lesson in lessons if _is_beyond(lesson, spec)]


def check_lesson(path: Path, lesson: object, config: LearnerConfig, spec: TaskSpec) -> None:
    """Check the number of the lesson that a file of a training has.

    Args:
        path: The file, for messages.
        lesson: The number; None for a training without lessons.
        config: Options of the training.
        spec: The row of the task.

    Raises:
        ValueError: If the training has no such lesson.
    """
    if not (isinstance(config, TrainConfig) and config.use_lessons):
        valid, expected = lesson is None, "none, as use_lessons is False"
    else:
        last = len(lessons_of(config, spec))
        valid, expected = type(lesson) is int and 1 <= lesson <= last, f"1 to {last}"
    if not valid:
        raise ValueError(f"{path} has the lesson {lesson!r}; expected {expected}")


def lesson_of_batch(stream: int, update: int, lesson: int, review: float) -> int:
    """Return the number of the lesson that a batch is from.

    Args:
        stream: The key of the stream that reviews are drawn from.
        update: The number of the batch's update.
        lesson: The number of the present lesson, from 1.
        review: Share of batches that are from an earlier one, each of which is as likely.
    """
    if lesson == 1:
        return lesson
    key = keyed.stream_keys(np.array([stream]), np.array([update]))
    chance, which = keyed.words(key, keyed.DATA, 2)[0]
    if int(chance) >= review * 2**64:
        return lesson
    return 1 + int(keyed.below(np.asarray(which), lesson - 1))


def _stage(config: TrainConfig, task: Task, sizes: Sizes) -> Stage:
    return Stage(
        task=task,
        training_task=with_overrides(task, config.task_overrides),
        curriculum=SequenceCurriculum(config, task, sizes),
        largest=_largest(sizes),
    )


def _stage_of(config: TrainConfig, task: Task, sizes: Sizes) -> Stage:
    """Return the stage of a lesson; sizes whose ranges lack the start of the curriculum do not grow."""
    within = {
        name: start
        for name, start in config.curriculum.items()
        if not isinstance(size := sizes.get(name, (start, start)), int) and size[0] <= start <= size[1]
    }
    return _stage(replace(config, curriculum=within), task, sizes)


def _of_lesson(task: Task, lesson: Lesson) -> tuple[Task, Sizes]:
    """Return the task of a lesson, and its sizes."""
    own = with_overrides(task, lesson.parameters, "a lesson")
    bounds = own.check_sizes(lesson.sizes, None).items()
    return own, {name: int(low) if low is high else (int(low), int(high)) for name, (low, high) in bounds}


def _is_beyond(lesson: Lesson, spec: TaskSpec) -> bool:
    """Return whether a lesson has sizes above the training range of its task."""
    largest = _largest(_of_lesson(spec.make(), lesson)[1])
    return any(largest[name] > size for name, size in spec.largest.items())


def _largest(sizes: Sizes) -> dict[str, int]:
    return {name: size if isinstance(size, int) else size[1] for name, size in sizes.items()}
