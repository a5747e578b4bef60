"""Copy with lessons: two inside the training range of its row, and one beyond it."""

from dataclasses import dataclass
from typing import ClassVar

from ntm_envs.tasks import TaskSpec
from ntm_envs.tasks.classic.copy import Copy
from ntm_envs.tasks.lessons import Lesson


@dataclass(frozen=True, kw_only=True)
class Lessons(Copy):
    """Copy, with blank vectors in its first lesson."""

    lessons: ClassVar[tuple[Lesson, ...]] = (
        Lesson(sizes={"length": 1}, parameters={"blank": 1.0}),
        Lesson(sizes={"length": (2, 3)}),
        Lesson(sizes={"length": [1, 6]}),
    )


LESSONS = TaskSpec(
    name="lessons",
    env_id="test/Lessons-v0",
    task=Lessons,
    training={"length": (1, 4)},
    ladders={"length": ({"length": 4}, {"length": 8})},
)
