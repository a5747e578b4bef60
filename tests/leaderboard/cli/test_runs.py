"""Runs are trained and evaluated by commands, and changed files are not taken for the same ones."""

import json
from importlib.metadata import version
from pathlib import Path

import lessons
import pytest
from own_files import MODEL, TINY
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ntm_agents import Run, TrainConfig, Trainer
from ntm_agents.kernels import threads
from ntm_leaderboard import cli
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.cli import progress
from ntm_leaderboard.results import Result


def test_a_run_is_trained_and_evaluated(home, capsys):
    command = ["train", "--agent", "lstm", "--task", "copy", "--model.hidden-size", "6", "--seed", "3", *TINY]
    assert cli.main([*command, "--output", "runs/a"]) == 0
    assert "ntm-envs evaluate runs/a" in capsys.readouterr().out
    config = json.loads(Path("runs/a/config.json").read_text(encoding="utf-8"))
    assert config["model"] == {
        "hidden_size": 6,
        "num_layers": 2,
        "forget_bias": 3.0,
        "orthogonal_init": False,
    }
    assert config["train"]["sequences"] == 64
    assert config["seed"] == 3
    assert cli.main([*command, "--output", "runs/a"]) == 0
    assert "complete" in capsys.readouterr().out
    assert cli.main([*command, "--output", "runs/a", "--learning-rate", "0.5"]) == 2
    assert "learning_rate is 0.0083 there and 0.5 here" in capsys.readouterr().err

    assert cli.main(["evaluate", "runs/a", "--up-to", "40", "--sequences", "8"]) == 0
    assert "horizon" in capsys.readouterr().out
    result = Result.read(Path("runs/a/result.json"))
    assert (result.agent, result.task, result.seed) == ("lstm", "ntm_envs/Copy-v0", 3)
    assert [rung.sizes for rung in result.rungs] == [{"length": 20}, {"length": 40}]
    assert result.training.sequences == 64
    assert result.training.state_values == 24
    assert (result.training.track, result.training.steps) == ("supervised", None)
    assert set(result.rungs[0].references) == {"uniform", "constant", "oracle"}
    assert cli.main(["watch", "runs/a", "--length", "2", "--fps", "1000"]) == 0
    assert "step 5 of 5" in capsys.readouterr().out
    for argv, message in (
        (["runs/a", "--task", "copy"], "a run has its own agent and task"),
        (["--length", "2", "runs/a"], "expected: ntm-envs watch runs/a [OPTIONS]"),
        (["--agent", "runs/a"], "name it without --agent"),
    ):
        assert cli.main(["watch", *argv]) == 2
        assert message in " ".join(capsys.readouterr().err.split())
    text = Path("runs/a/result.json").read_text(encoding="utf-8")
    assert max(len(word) for word in text.split() if word.strip(",").isdigit()) < 12  # no keys in it


def test_threads_are_no_part_of_a_run(home, capsys, monkeypatch):
    monkeypatch.setattr(threads, "_number", 1)
    command = ["train", "--agent", "lstm", "--task", "copy", *TINY, "--output", "runs/a"]
    assert cli.main([*command, "--threads", "3"]) == 0
    assert threads.num_threads() == 3
    assert "threads" not in Path("runs/a/config.json").read_text(encoding="utf-8")
    assert cli.main([*command, "--threads", "2"]) == 0
    assert "is complete" in capsys.readouterr().out
    for number in ("2", "1"):
        sizes = ["--up-to", "20", "--sequences", "2"]
        assert cli.main(["evaluate", "runs/a", *sizes, "--threads", number]) == 0
        assert threads.num_threads() == int(number)


def test_tensorboard_gets_the_metrics_too(home):
    train = ["train", "--agent", "lstm", "--task", "./short.py:SHORT", "--model.hidden-size", "6", *TINY]
    assert cli.main([*train, "--tensorboard", "--output", "run"]) == 0
    events = EventAccumulator("run")
    events.Reload()
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    expected = [(m["sequences"], m["validation_loss"]) for m in lines if "validation_loss" in m]
    logged = [(event.step, pytest.approx(event.value)) for event in events.Scalars("validation_loss")]
    assert expected == logged
    assert len(logged) == 2


def test_ones_own_model_agent_and_task(home, capsys):
    assert (
        cli.main(
            ["train", "--agent", "./mine.py:Mine", "--task", "./short.py:SHORT", "--model.gain", "2", *TINY]
        )
        == 0
    )
    assert cli.main(["evaluate", "runs/short-copy-Mine-0", "--sequences", "8"]) == 0
    result = Result.read(Path("runs/short-copy-Mine-0/result.json"))
    assert result.model == {"gain": 2.0}
    assert result.entry == "mine.py:Mine"
    assert result.versions["safetensors"] == version("safetensors")
    assert result.task == "mine/ShortCopy-v0"
    assert (
        cli.main(
            ["evaluate", "--agent", "./mine.py:Acts", "--task", "copy", "--up-to", "40", "--sequences", "8"]
        )
        == 0
    )
    evaluated = Result.read(Path("runs/copy-Acts.json"))
    assert evaluated.rungs[1].sequence_accuracy == 1
    assert evaluated.training is None


def test_a_budget_in_steps_gives_way_to_one_in_sequences(home, capsys):
    recipe = '{"model": {"hidden_size": 6}, "train": {"steps": 900, "batch_size": 16}}'
    Path("recipe.json").write_text(recipe, encoding="utf-8")
    train = ["train", "--agent", "lstm", "--task", "./short.py:SHORT", "--recipe", "recipe.json"]
    few = ["--validation-sequences", "4"]
    assert cli.main([*train, *few, "--output", "steps"]) == 0
    assert Run.read(Path("steps")).train.steps == 900
    spec = Run.read(Path("steps")).task_spec()
    sequences = -(-(900 // spec.make().steps(**spec.largest)) // 16) * 16
    assert json.loads(Path("steps/summary.json").read_text(encoding="utf-8"))["sequences"] == sequences > 32
    assert cli.main([*train, *few, "--sequences", "32", "--output", "sequences"]) == 0
    assert Run.read(Path("sequences")).train.steps is None
    assert json.loads(Path("sequences/summary.json").read_text(encoding="utf-8"))["sequences"] == 32


def test_a_run_with_lessons_says_which_it_has_reached(home, capsys):
    task = [
        "--task",
        f"{lessons.__file__}:LESSONS",
        "--agent",
        "lstm",
        "--model.hidden-size",
        "6",
        "--use-lessons",
    ]
    assert cli.main(["train", *task, *TINY, "--lesson-pass", "0", "--output", "whole"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Lesson 3 goes above the training range, so this run is none for the leaderboard" in shown
    assert "sequence accuracy at the largest size of lesson 2 " in shown
    assert cli.main(["train", *task, *TINY, "--last-lesson", "2", "--output", "part"]) == 0
    assert "leaderboard" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("agent", "options"),
    [("ppo", []), ("./mine.py:Mine", ["--learner", "ppo", "--privileges", "long_validation"])],
)
def test_rewards_alone_make_a_run_like_every_other(home, capsys, agent, options):
    train = ["train", "--agent", agent, "--task", "./short.py:SHORT", *options, "--output", "run"]
    few = ["--total-timesteps", "300", "--num-envs", "4", "--n-steps", "16", "--batch-size", "32"]
    assert cli.main([*train, *few]) == 0
    assert "ntm-envs evaluate run" in capsys.readouterr().out
    assert cli.main([*train, *few]) == 0
    assert "complete" in capsys.readouterr().out
    assert cli.main(["evaluate", "run", "--sequences", "8"]) == 0
    result = Result.read(Path("run/result.json"))
    assert (result.training.track, result.training.steps) == ("reward", 320)
    assert result.training.recipe["total_timesteps"] == 300
    assert result.privileges == options[3:]
    assert Boards.of([result]).by_suite["own"].rows[0].track == "reward"
    assert cli.main([*train, "--learner", "supervised"]) == 2


def test_the_commitment_covers_weights_configuration_and_source(home):
    def commitment(name):
        return Result.read(Path(f"runs/{name}/result.json")).commitment

    def make(name, *options):
        run = ["train", "--agent", "./mine.py:Mine", "--task", "copy", *TINY, "--output", f"runs/{name}"]
        assert cli.main([*run, *options]) == 0
        assert cli.main(["evaluate", f"runs/{name}", "--up-to", "20", "--sequences", "4"]) == 0

    make("a"), make("b"), make("c", "--seed", "1")
    assert commitment("a") == commitment("b")
    assert commitment("a") != commitment("c")
    before = commitment("a")
    Path("mine.py").write_text(MODEL + "# changed\n", encoding="utf-8")
    with pytest.warns(UserWarning, match=r"mine\.py:Mine has changed since the training of .* runs/a"):
        assert cli.main(["evaluate", "runs/a", "--up-to", "20", "--sequences", "4"]) == 0
    assert commitment("a") != before


@pytest.mark.parametrize(
    ("kernel", "explained"), [("compiled", "single steps by torch.compile"), ("own", "of the model itself")]
)
def test_the_kernel_is_explained(home, capsys, monkeypatch, kernel, explained):
    monkeypatch.setattr(Trainer, "kernel", kernel)
    assert cli.main(["train", "--agent", "./mine.py:Mine", "--task", "copy", *TINY]) == 0
    assert f"kernel: {kernel} ({explained})" in " ".join(capsys.readouterr().out.split())


def test_a_result_is_not_replaced_by_a_smaller_one(home, capsys):
    command = ["evaluate", "--agent", "oracle", "--task", "./short.py:SHORT"]
    assert cli.main([*command, "--sequences", "8"]) == 0
    assert cli.main([*command, "--sequences", "4"]) == 2
    assert "choose another --output" in capsys.readouterr().err
    assert cli.main([*command, "--sequences", "4", "--output", "small.json"]) == 0
    first = Result.read(Path("small.json")).rungs[0].sizes["length"]
    many = [*command, "--sequences", "400", "--up-to", str(first), "--output", "small.json"]
    assert cli.main(many) == 2, "more of one rung, but none of another"
    assert "and this would replace them by 0" in " ".join(capsys.readouterr().err.split())


def test_a_custom_model_is_not_taken_for_a_pretrained_one(home, capsys):
    Path("mine.py").write_text(MODEL + "\n\nclass ntm(Mine):\n    pass\n", encoding="utf-8")
    assert cli.main(["evaluate", "--agent", "./mine.py:ntm", "--task", "copy"]) == 2
    assert "has to be trained first" in capsys.readouterr().err


def test_a_changed_model_is_not_taken_for_the_one_that_was_trained(home, capsys):
    command = ["train", "--agent", "./mine.py:Mine", "--task", "copy", *TINY, "--output", "runs/a"]
    assert cli.main(command) == 0
    Path("mine.py").write_text(MODEL + "# changed\n", encoding="utf-8")
    assert cli.main(command) == 2
    assert "mine.py:Mine has changed since" in capsys.readouterr().err


def test_progress_counts_what_was_before_a_restart_on_top(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_SECONDS", -1)
    run = Run(agent="ntm", entry="ntm_agents:NTM", task="copy", train=TrainConfig(sequences=400))
    with progress.training_display(Console(), run) as display:
        display({"sequences": 100, "loss": 0.5})
        display({"sequences": 208, "restarts": 1})
    with progress.training_display(Console(), run, restarted_at=208) as display:  # a later process resumes
        display({"sequences": 300, "loss": 0.5})
    printed = capsys.readouterr().out
    assert all(f"{seen} sequences" in printed for seen in ("100 of 400", "208 of 608", "300 of 608"))


def test_a_machine_that_needs_the_channels_of_a_task_is_trained_by_its_reference(home):
    command = ["train", "--agent", "ntm_agents:JumpNTM", "--task", "copy", "--output", "runs/jump", *TINY]
    assert cli.main([*command, "--model.signal-channels", "delimiter", "--model.hidden-size", "4"]) == 0
    config = json.loads(Path("runs/jump/config.json").read_text(encoding="utf-8"))
    assert config["model"]["signal_channels"] == ["delimiter"]


def test_further_metrics_are_measured_and_shown(home, capsys):
    evaluate = "evaluate --agent nearest --task one_shot --up-to 10 --sequences 4 --output one.json"
    assert cli.main(evaluate.split()) == 0
    shown = capsys.readouterr().out
    (rung,) = Result.read(Path("one.json")).rungs
    assert set(rung.score.metrics) == {f"presentation_{k}" for k in (1, 2, 3, 5, 10)}
    assert rung.score.metrics == rung.references["nearest"].metrics
    assert rung.references["constant"].metrics["presentation_10"] == 0.2
    assert "further metrics" in shown
    assert f"{rung.score.metrics['presentation_2']:.3f}" in shown
