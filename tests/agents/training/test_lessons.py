"""Lessons are passed one after the other, the weights of the last one that was reached are kept."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import lessons
import numpy as np
import pytest
import torch
from tiny_runs import interrupted, lines, tiny_run, without_time

from ntm_agents import Trainer
from ntm_agents.training.checkpoint import load_tensors, save_tensors
from ntm_agents.training.lessons import check_lesson, lesson_of_batch, lessons_beyond
from ntm_envs import keyed, tasks
from ntm_envs.tasks.lessons import Lesson

TASK = f"{lessons.__file__}:LESSONS"


def run_of(**options):
    """Return a small run on the lessons, with validations at 104, 208, 312 and 400 sequences."""
    return tiny_run(task=TASK, use_lessons=True, **options)


def graded(monkeypatch, trainer, grades):
    """Have the validations of a trainer end with a loss and an accuracy each, and return their batches."""
    forward, left, batches = trainer._forward, iter(grades), []

    def _forward(model, batch, *others):
        if model is trainer.model:
            return forward(model, batch, *others)
        batches.append(batch)
        loss, accuracy = next(left)
        return torch.tensor(loss), torch.arange(100) < 100 * accuracy

    monkeypatch.setattr(trainer, "_forward", _forward)
    return batches


def test_a_lesson_is_passed_by_a_validation_of_its_own_sizes(monkeypatch):
    seen = []
    trainer = Trainer(run_of(lesson_pass=0.9, lesson_review=0.0), report=seen.append)
    grades = [(0.5, 0.89), (0.6, 0.9), (9.0, 0.1), (9.0, 0.95), (0.7, 1.0), (0.8, 1.0)]
    batches = graded(monkeypatch, trainer, grades)
    trained, batch_of = [], trainer._batch
    monkeypatch.setattr(trainer, "_batch", lambda progress: trained.append(batch_of(progress)) or trained[-1])
    trainer.train()
    assert [int(batch.sizes["length"][0]) for batch in batches] == [1, 1, 3, 3, 6, 6]
    assert not batches[0].inputs[:1].any()  # blank, by the parameters of the lesson
    validated = [line["lesson"] for line in seen if "validation_loss" in line]
    assert validated == [1, 1, 2, 2, 3, 3]
    lengths = [set(batch.sizes["length"].tolist()) for batch in trained]
    assert set.union(*lengths[:26]) == {1}
    assert set.union(*lengths[26:39]) == {2, 3}
    assert set.union(*lengths[39:]) <= {*range(1, 7)}


def test_the_best_weights_of_the_last_lesson_are_kept(monkeypatch, tmp_path):
    trainer = Trainer(run_of(rollback=1.5), tmp_path)
    graded(monkeypatch, trainer, [(0.1, 1.0), (1.0, 0.1), (0.9, 0.2), (0.8, 0.5), (1.1, 0.6)])
    trainer.train()
    counters = trainer.counters
    assert (counters.lesson, counters.best_sequences, counters.rollbacks) == (2, 312, 0)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert (summary["lesson"], summary["validation_accuracy"]) == (2, 0.5)
    assert summary["validation_loss"] == pytest.approx(0.8)


def test_weights_that_passed_a_lesson_come_back_if_the_next_destroys_them(monkeypatch):
    trainer = Trainer(run_of(rollback=3.0))
    graded(monkeypatch, trainer, [(0.1, 1.0), (0.4, 0.7), (7.0, 0.0)])
    trainer.validate()
    passed = {name: tensor.clone() for name, tensor in trainer._averaged.state_dict().items()}
    with torch.no_grad():
        for parameter in [*trainer.model.parameters(), *trainer._averaged.parameters()]:
            parameter.mul_(100)
    trainer.validate()
    assert (trainer.counters.lesson, trainer.counters.rollbacks) == (2, 1)
    for model in (trainer.model, trainer._averaged):
        assert all(torch.equal(tensor, passed[name]) for name, tensor in model.state_dict().items())


def test_a_lesson_that_is_passed_at_the_end_keeps_its_weights(monkeypatch):
    trainer = Trainer(run_of(sequences=100))
    graded(monkeypatch, trainer, [(0.1, 1.0)])
    trainer.train()
    assert trainer.counters.lesson == 1
    assert trainer.counters.best_loss == pytest.approx(0.1)


def test_only_the_last_lesson_is_solved_and_only_the_first_restarts(monkeypatch):
    options = {"solved_loss": 0.3, "last_lesson": 1, "restart_after": 150, "restart_loss": 1e-9}
    trainer = Trainer(run_of(**options))
    graded(monkeypatch, trainer, [(0.1, 1.0), (0.4, 0.0), (0.5, 0.0), (0.2, 1.0), (0.1, 1.0)])
    trainer.train()
    counters = trainer.counters
    assert (counters.lesson, counters.solved_at, counters.restarts) == (2, 312, 0)


def test_after_lessons_inside_the_training_range_it_is_the_last_lesson():
    for last, lengths in ((1, [1, 4]), (2, [1, 3, 4]), (3, [1, 3, 6])):
        run = run_of(last_lesson=last)
        stages = Trainer(run)._stages
        assert [stage.largest["length"] for stage in stages] == lengths
        check_lesson(Path("x"), len(lengths), run.train, run.task_spec())
    training = Trainer(run_of(last_lesson=1, mixed_sizes=True))._stages[1]
    assert training.curriculum.draw(np.arange(9), 0.0, 1) == {"length": (1, 4)}
    assert training.training_task.blank == 0.0


def test_earlier_lessons_are_reviewed():
    stream = int(keyed.stream_keys(np.array([0]), np.array([2]))[0])
    drawn = [[lesson_of_batch(stream, update, 4, share) for update in range(2000)] for share in (0.25, 0, 1)]
    counts = np.bincount(drawn[0])
    assert counts[4] == pytest.approx(1500, abs=60)
    assert counts[1:4] == pytest.approx(167, abs=40)
    assert set(drawn[1]) == {4}
    assert set(drawn[2]) == {1, 2, 3}
    assert {lesson_of_batch(stream, update, 1, 1.0) for update in range(9)} == {1}


@pytest.mark.parametrize(
    "train",
    [
        {"lesson_pass": 0.0, "lesson_review": 0.5, "rollback": 1.0001, "learning_rate": 0.3},
        {
            "lesson_pass": 0.0,
            "steps": 9 * 400,
            "initial_range": 0.2,
            "alternate_from": 0.1,
            "solved_loss": 10.0,
            "mixed_sizes": True,
        },
        {"lesson_pass": 1.0, "restart_after": 90, "restart_loss": 1e-9},
    ],
    ids=str,
)
def test_a_run_with_lessons_that_was_interrupted_ends_in_the_same_bytes(tmp_path, train):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    Trainer(run_of(**train), whole).train()
    interrupted(lambda report: Trainer(run_of(**train), parts, report=report), parts)
    assert (parts / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert without_time(parts) == without_time(whole)
    assert {line["lesson"] for line in lines(whole)} >= {1, 2}
    assert any("restarts" in line for line in lines(whole)) == ("restart_after" in train)


def test_a_short_copy_is_learnt_lesson_by_lesson():
    run = run_of(
        sequences=9_600,
        learning_rate=0.01,
        model={"hidden": 32},
        batch_size=16,
        last_lesson=1,
        lesson_pass=0.5,
    )
    trainer = Trainer(run)
    trainer.train()
    assert trainer.counters.lesson == 2
    assert trainer.counters.best_loss < 0.6


def test_other_options_of_sizes_apply_to_each_lesson():
    trainer = Trainer(run_of(initial_range=0.5, alternate_from=0.5, mixed_sizes=True, curriculum_end=0.5))
    third = trainer._stages[2]
    keys = np.arange(50)
    assert third.curriculum.draw(keys, 0.0, 1) == {"length": (1, 3)}
    assert third.curriculum.draw(keys, 0.5, 1) == {"length": 6}
    assert third.largest == {"length": 6}


def test_a_curriculum_grows_the_sizes_of_those_lessons_that_have_its_start():
    first, second, third = Trainer(run_of(curriculum={"length": 2}, mixed_sizes=True))._stages
    keys = np.arange(50)
    drawn = [stage.curriculum.draw(keys, 0.0, 1)["length"] for stage in (first, second, third)]
    assert drawn == [1, (2, 2), (1, 2)]


@pytest.mark.parametrize("lesson", [None, 0, 4, -1, 1.0, True])
def test_a_lesson_that_the_run_cannot_have_reached_is_refused(lesson):
    run = run_of()
    check_lesson(Path("x"), 3, run.train, run.task_spec())
    with pytest.raises(ValueError, match=f"x has the lesson {lesson}; expected 1 to 3"):
        check_lesson(Path("x"), lesson, run.train, run.task_spec())
    check_lesson(Path("x"), None, tiny_run().train, tiny_run().task_spec())
    with pytest.raises(ValueError, match="x has the lesson 1; expected none, as use_lessons is False"):
        check_lesson(Path("x"), 1, tiny_run().train, tiny_run().task_spec())


def test_a_checkpoint_of_a_lesson_that_is_not_there_is_refused(tmp_path):
    trainer = Trainer(run_of(), tmp_path, report=lambda metrics: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    path = tmp_path / "checkpoint.safetensors"
    tensors, record = load_tensors(path)
    record["counters"]["lesson"] = 99
    save_tensors(path, tensors, record)
    with pytest.raises(ValueError, match=r"checkpoint\.safetensors has the lesson 99; expected 1 to 3"):
        Trainer(run_of(), tmp_path)


def test_lessons_that_are_not_there_are_refused():
    for options, task, message in (
        ({}, "copy", r"use_lessons is True, but copy has none; expected False"),
        ({"last_lesson": 4}, TASK, "last_lesson is 4; expected at most 3, the lessons of lessons"),
        ({"sizes": {"length": (1, 2)}}, TASK, "sizes has length"),
    ):
        with pytest.raises(ValueError, match=message):
            Trainer(replace(run_of(**options), task=task))


def test_parameters_that_no_task_has_are_refused(monkeypatch):
    task = type(tasks.spec(TASK).make())
    monkeypatch.setattr(task, "lessons", (Lesson(sizes={"length": 1}, parameters={"size": 1}),))
    with pytest.raises(ValueError, match=r"a lesson has 'size'; expected a parameter of the task: Lessons\("):
        Trainer(run_of())


def test_lessons_beyond_the_training_range_are_known():
    spec, train = tasks.spec(TASK), run_of().train
    assert lessons_beyond(train, spec) == [3]
    assert lessons_beyond(replace(train, last_lesson=2), spec) == []
    assert lessons_beyond(replace(train, use_lessons=False), spec) == []
