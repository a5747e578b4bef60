import json
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ntm_agents import Run, TrainConfig
from ntm_leaderboard import cli
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.cli import report
from ntm_leaderboard.harness import bench
from ntm_leaderboard.results import Result

TINY = ["--sequences", "64", "--batch-size", "16", "--validate-every", "32", "--validation-sequences", "4"]

MODEL = '''
from torch import nn


class Mine(nn.Module):
    """A linear model."""

    def __init__(self, input_size, output_size, *, gain: float = 1.0):
        super().__init__()
        self.linear = nn.Linear(input_size, output_size)
        self.gain = gain

    def initial_state(self, batch_size, capacity):
        return self.linear.weight.new_zeros(batch_size, 1)

    def forward(self, inputs, state):
        return self.linear(inputs) * self.gain, state


class Acts:
    """An agent that was trained elsewhere."""

    outputs = "answers"

    def __init__(self, task):
        self.oracle = task.oracle()

    def begin(self, num_envs, capacity, seed):
        self.oracle.begin(num_envs, capacity, seed)

    def act(self, observations):
        return self.oracle.act(observations)


class Fails(Mine):
    """It breaks."""

    def forward(self, inputs, state):
        raise RuntimeError("broken on purpose")
'''

TASK = """
from ntm_envs.tasks import TaskSpec

SHORT = TaskSpec(
    name="short-copy",
    env_id="mine/ShortCopy-v0",
    task="ntm_envs.tasks.classic.copy:Copy",
    training={"length": (1, 3)},
    ladders={"length": ({"length": 3}, {"length": 6})},
)
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MODEL)
    (tmp_path / "other.py").write_text(MODEL)
    (tmp_path / "short.py").write_text(TASK)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_is_trained_and_judged(home, capsys):
    command = ["train", "--agent", "lstm", "--task", "copy", "--model.hidden-size", "6", "--seed", "3", *TINY]
    assert cli.main([*command, "--output", "runs/a"]) == 0
    assert "ntm-envs evaluate runs/a" in capsys.readouterr().out
    config = json.loads(Path("runs/a/config.json").read_text())
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
    text = Path("runs/a/result.json").read_text()
    assert max(len(word) for word in text.split() if word.strip(",").isdigit()) < 12  # no keys in it


def test_tensorboard_gets_the_metrics_too(home):
    train = ["train", "--agent", "lstm", "--task", "./short.py:SHORT", "--model.hidden-size", "6", *TINY]
    assert cli.main([*train, "--tensorboard", "--output", "run"]) == 0
    events = EventAccumulator("run")
    events.Reload()
    lines = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
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
    assert result.task == "mine/ShortCopy-v0"
    assert (
        cli.main(
            ["evaluate", "--agent", "./mine.py:Acts", "--task", "copy", "--up-to", "40", "--sequences", "8"]
        )
        == 0
    )
    judged = Result.read(Path("runs/copy-Acts.json"))
    assert judged.rungs[1].sequence_accuracy == 1
    assert judged.training is None


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
    Path("mine.py").write_text(MODEL + "# changed\n")
    assert cli.main(["evaluate", "runs/a", "--up-to", "20", "--sequences", "4"]) == 0
    assert commitment("a") != before


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["trian"], "did you mean 'train'"),
        (["train", "--task", "coppy"], "did you mean 'copy'"),
        (["train", "--agent", "ntmm"], "did you mean 'ntm'"),
        (
            ["train", "--agent", "./mine.py"],
            "expected the name of the agent in it too, such as ./mine.py:Name",
        ),
        (["submit"], "no evaluated run in no folder"),
        (["train", "--agent", "oracle"], "does not learn"),
        (["train", "--sequences", "0"], "sequences is 0"),
        (["train", "--model.hidden-size", "0"], "hidden_size is 0"),
        (["evaluate"], "one of the two"),
        (["evaluate", "nowhere"], "no run in nowhere"),
        (["evaluate", "--agent", "lstm"], "has to be trained first"),
        (
            ["evaluate", "--agent", "oracle", "--up-to", "3"],
            "no rung of copy is up to 3; the smallest",
        ),
        (["evaluate", "--agent", "oracle", "--sequences", "0"], "sequences is 0"),
        (["train", "--device", "cudaa"], "device is 'cudaa'"),
        (["train", "--seed", "-1"], "seed is -1"),
        (["train", "--curriculum", "lenth", "3"], "curriculum has lenth=3"),
        (["train", "--task", "repeat_copy", "--curriculum", "length", "30"], "curriculum has length=30"),
        (["bench", "--seeds", "0"], "seeds is 0"),
        (["bench", "--jobs", "0"], "jobs is 0"),
        (["bench", "--agents", "./mine.py:Mine", "./other.py:Mine"], "would share the folder"),
        (["watch", "--fps", "0"], "fps is 0"),
        (["watch", "--agent", "lstm"], "has to be trained first"),
        (["watch", "--output", "x.jpg"], "neither a .gif nor a .png"),
        (["bench", "--agents", "ntmm"], "did you mean 'ntm'"),
    ],
)
def test_mistakes_get_an_answer_that_helps(home, capsys, argv, message):
    try:
        code = cli.main(argv)
    except SystemExit as stop:  # the parser's own way of ending
        code = stop.code
    assert code == 2
    error = " ".join(capsys.readouterr().err.split())  # it may be wrapped
    assert message in error
    assert "Traceback" not in error
    assert not Path("runs").exists()


def test_the_version_is_that_of_the_package(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"ntm-envs {version('ntm-envs')}\n"


def test_agents_are_listed_with_what_they_learn_from(capsys):
    assert cli.main(["agents"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "targets" in lines["ntm"]
    assert "suite classic" in lines["ntm"]
    assert "repeat_copy" in lines["ntm-jump"]
    assert "rewards alone" in lines["ntm-ppo"]


@pytest.mark.parametrize("argv", [["tasks"], ["agents"], ["--help"], []])
def test_lists_name_what_there_is(capsys, argv):
    assert cli.main(argv) == 0
    out = capsys.readouterr().out
    expected = {"tasks": "priority_sort", "agents": "uniform"}.get(argv[0] if argv else "", "bench")
    assert expected in out


@pytest.mark.parametrize("command", ["train", "evaluate", "bench", "watch"])
def test_help_teaches(capsys, command):
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    assert "default:" in capsys.readouterr().out


def test_an_episode_is_watched_in_the_terminal_and_recorded(home, capsys):
    assert cli.main(["watch", "--length", "2", "--fps", "1000"]) == 0
    assert "step 5 of 5, 0 wrong of 16" in capsys.readouterr().out
    assert cli.main(["watch", "--task", "associative_recall", "--items", "2", "--output", "a.gif"]) == 0
    with Image.open("a.gif") as gif:
        assert gif.n_frames == 17
    assert cli.main(["watch", "--length", "2", "--output", "pictures/a.png"]) == 0
    with Image.open("pictures/a.png") as png:
        assert png.width > 400


def test_a_bench_is_repeatable_and_survives_what_fails(home, capsys):
    command = ["bench", "--agents", "oracle", "./mine.py:Fails", "uniform", "--tasks", "./short.py:SHORT"]
    command += ["--seeds", "2", "--sequences", "8", "--jobs", "2", "--output", "out"]
    assert cli.main(command) == 1
    out = " ".join(capsys.readouterr().out.split())  # it may be wrapped
    assert out.count("failed:") == 2
    assert "broken on purpose" in out
    assert "oracle" in out
    with Image.open("out/accuracy.png") as png:
        assert png.width > 400
    results = sorted(Path("out").rglob("result.json"))
    assert len(results) == 2
    times = [path.stat().st_mtime_ns for path in results]
    assert cli.main([*command[:3], *command[5:]]) == 0
    assert [path.stat().st_mtime_ns for path in results] == times


def test_a_bench_is_not_fooled_by_what_it_finds(home, capsys):
    command = ["bench", "--tasks", "./short.py:SHORT", "--seeds", "1", "--output", "out", "--jobs", "2"]
    command += ["--agents", "./mine.py:Acts"]
    assert cli.main([*command, "--sequences", "4"]) == 0
    path = Path("out/short-copy/Acts/seed-0/result.json")
    assert [rung.sequences for rung in Result.read(path).rungs] == [4, 4]
    assert cli.main([*command, "--sequences", "8"]) == 0  # more are played
    assert [rung.sequences for rung in Result.read(path).rungs] == [8, 8]
    assert cli.main([*command, "--sequences", "2"]) == 0  # these are among them
    assert [rung.sequences for rung in Result.read(path).rungs] == [8, 8]
    before = Result.read(path).commitment
    Path("mine.py").write_text(
        MODEL.replace("self.oracle.act(observations)", "1 - self.oracle.act(observations)")
    )
    fooled = [sys.executable, "-m", "ntm_leaderboard", *command, "--sequences", "8"]
    assert subprocess.run(fooled, check=True)
    assert Result.read(path).commitment != before
    assert Result.read(path).rungs[0].sequence_accuracy == 0
    capsys.readouterr()
    path.write_text("{}")
    assert cli.main([*command, "oracle", "--sequences", "8"]) == 1
    out = "".join(capsys.readouterr().out.split())
    assert "isnotaresult" in out
    assert "oracle" in out


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


def test_ones_own_is_not_taken_for_what_comes_trained(home, capsys):
    Path("mine.py").write_text(MODEL + "\n\nclass ntm(Mine):\n    pass\n")
    assert cli.main(["evaluate", "--agent", "./mine.py:ntm", "--task", "copy"]) == 2
    assert "has to be trained first" in capsys.readouterr().err


def test_a_changed_model_is_not_taken_for_the_one_that_was_trained(home, capsys):
    command = ["train", "--agent", "./mine.py:Mine", "--task", "copy", *TINY, "--output", "runs/a"]
    assert cli.main(command) == 0
    Path("mine.py").write_text(MODEL + "# changed\n")
    assert cli.main(command) == 2
    assert "source is" in capsys.readouterr().err


def test_errors_in_ones_own_file_say_where(home, capsys):
    Path("mine.py").write_text(MODEL.replace("return self.oracle.act", "raise ValueError('mine'); return"))
    assert cli.main(["evaluate", "--agent", "./mine.py:Acts", "--task", "copy", "--up-to", "20"]) == 2
    error = "".join(capsys.readouterr().err.split())  # it may be wrapped
    assert "mine.py" in error
    assert "line" in error


def test_a_bench_that_is_terminated_takes_its_runs_with_it(home):
    command = [sys.executable, "-m", "ntm_leaderboard", "bench", "--agents", "lstm", "--tasks", "copy"]
    process = subprocess.Popen([*command, "--output", "out", "--seeds", "1"], stdout=subprocess.DEVNULL)
    metrics = Path("out/copy/lstm/seed-0/metrics.jsonl")
    while not (metrics.exists() and metrics.stat().st_size):  # the file is there before the first update
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    process.wait()
    assert process.returncode == 130
    assert (metrics.parent / "checkpoint.safetensors").exists()  # its run was told, and waited for


def test_a_bench_is_quick_or_of_a_suite():
    quick = bench.plan()
    assert quick.agents == ("ntm", "lstm")
    assert quick.up_to == {"copy": 120, "associative_recall": 20}
    assert quick.budget == 48_000
    classic = bench.plan("classic", seeds=1)
    assert len(classic.tasks) == 5
    assert classic.seeds == 1
    assert classic.budget is None
    assert not classic.up_to
    fresh = bench.plan("classic", agents=["ntm", "oracle"], tasks=["copy"], seeds=2, first_seed=2000)
    assert [(job.agent, job.seed) for job in bench.jobs_of(fresh)] == [
        ("ntm", 2000), ("oracle", 2000), ("ntm", 2001),
    ]  # fmt: skip
    assert bench.plan("interactive").agents == ("ntm-ppo", "ppo")  # which has no targets
    with pytest.raises(ValueError, match="did you mean 'classic'"):
        bench.plan("clasic")


def test_the_command_is_the_same_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "ntm_leaderboard", "agents"], capture_output=True, text=True, check=True
    )
    assert "ntm" in done.stdout


def test_progress_counts_what_was_before_a_restart_on_top(capsys, monkeypatch):
    monkeypatch.setattr(report, "PLAIN_SECONDS", -1)
    run = Run(agent="ntm", entry="ntm_agents:NTM", task="copy", train=TrainConfig(sequences=400))
    with report.training_display(Console(), run) as display:
        display({"sequences": 100, "loss": 0.5})
        display({"sequences": 208, "restarts": 1})
    with report.training_display(Console(), run, restarted_at=208) as display:  # a later process goes on
        display({"sequences": 300, "loss": 0.5})
    printed = capsys.readouterr().out
    assert all(f"{seen} sequences" in printed for seen in ("100 of 400", "208 of 608", "300 of 608"))
