"""The table of learners: its rows, those of other packages, and how runs of earlier versions name theirs."""

import json
from dataclasses import dataclass, fields
from importlib.metadata import EntryPoint

import pytest
from tiny_runs import tiny_run

import ntm_baselines
from ntm_agents import Run, TrainConfig, Trainer, load_run
from ntm_agents.migrate import migrate
from ntm_agents.training import Learner, LearnerConfig, learners
from ntm_baselines.learners.a2c import A2CConfig
from ntm_baselines.learners.ppo import PPOConfig
from ntm_envs.lookup import load
from ntm_leaderboard import cli

ROWS = learners.installed().values()

TRAINER = '''
from ntm_agents.training import Counters, RunWriter


class Patience:
    """Learns nothing, patiently."""

    def __init__(self, run, folder=None, *, report=lambda metrics: None, device="cpu"):
        self.model = run.build(run.task_spec().make())
        self.waits, self.counters, self.kernel = run.train.waits, Counters(steps=0), None
        self._writer = RunWriter(run, folder, report)

    @property
    def complete(self):
        return self._writer.complete

    def train(self):
        with self._writer.locked():
            with self._writer.updates(self.counters) as updates:
                while self.counters.steps < self.waits:
                    self.counters.steps += 1
                    updates.tick()
                    self._writer.log(self.counters, {"calm": 1.0})
                    updates.end(lambda: ({}, {}))
            self._writer.finish(self.counters, self.model, self.model.state_dict(), kernel=None)
        return self.model
'''


@dataclass(frozen=True, kw_only=True)
class Waiting(LearnerConfig):
    """Options of a learner of another package."""

    waits: int = 7
    """Budget."""


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """A learner that another package has installed, beside a broken one."""
    (tmp_path / "theirs.py").write_text(TRAINER, encoding="utf-8")
    row = Learner(
        name="patience",
        config=Waiting,
        trainer=f"{tmp_path}/theirs.py:Patience",
        track="reward",
        unit="steps",
        budget="waits",
        measure="calm",
    )
    monkeypatch.setattr(ntm_baselines, "theirs", row, raising=False)
    points = [
        EntryPoint(name=name, value=value, group="ntm_envs.learners")
        for name, value in (("wrong", "ntm_baselines:TABLE"), ("patience", "ntm_baselines:theirs"))
    ]
    monkeypatch.setattr(learners, "entry_points", lambda group: points)
    return row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_references_of_a_row_exist(row):
    assert row is learners.find(row.name)
    assert issubclass(row.config, LearnerConfig)
    assert row.budget in {field.name for field in fields(row.config)}
    config = row.config()
    assert row.budget_of(row.with_budget(config, 12)) == 12 != row.budget_of(config)
    trainer = load(row.trainer)
    assert all(hasattr(trainer, name) for name in ("train", "complete", "kernel"))


def test_an_unknown_learner_gets_a_suggestion():
    with pytest.raises(ValueError, match="unknown learner 'pp0'; did you mean 'ppo'"):
        learners.find("pp0")
    with pytest.raises(ValueError, match="did you mean 'supervised'"):
        Run(agent="a", entry="ntm_agents:NTM", task="copy", learner="supervise")


@pytest.mark.filterwarnings("ignore:the learner 'wrong' cannot be loaded")
def test_a_learner_of_another_package_trains_on_the_command_line(theirs, tmp_path, capsys):
    folder = tmp_path / "run"
    command = ["train", "--agent", "lstm", "--task", "copy", "--learner", "patience", "--output", str(folder)]
    assert cli.main([*command, "--waits", "3"]) == 0
    _, run = load_run(folder)
    assert (run.learner, run.train) == ("patience", Waiting(waits=3))
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["learner"] == "patience"
    lines = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["steps"] for line in lines] == [1, 2, 3]
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert (summary["steps"], summary["restarts"], summary["rollbacks"]) == (3, 0, 0)
    assert cli.main([*command, "--waits", "3"]) == 0
    assert "complete" in capsys.readouterr().out


def test_one_broken_package_does_not_take_all_learners_with_it(theirs):
    with pytest.warns(UserWarning, match="the learner 'wrong' cannot be loaded: .*expected a Learner named"):
        assert learners.find("patience") is theirs
    with pytest.warns(UserWarning, match="cannot be loaded"):
        assert set(learners.installed()) == {"supervised", "a2c", "ppo", "patience"}


def test_all_trainers_write_the_same_summary(tmp_path):
    ppo = PPOConfig(total_timesteps=64, num_envs=4, n_steps=16, validation_sequences=4)
    lstm = {"agent": "lstm", "entry": "ntm_baselines:LSTM", "task": "copy", "model": {"hidden_size": 4}}
    runs = {
        "supervised": Run(**lstm, train=TrainConfig(sequences=32, validation_sequences=4)),
        "ppo": Run(**lstm, learner="ppo", train=ppo),
    }
    names = []
    for name, run in runs.items():
        run.learner_row().start(run, tmp_path / name).train()
        names.append(json.loads((tmp_path / name / "summary.json").read_text(encoding="utf-8")).keys())
        assert not {"restarts", "rollbacks", "dropped_updates", "steps"} - names[-1]
    assert names[0] == names[1]


def test_options_belong_to_the_learner():
    with pytest.raises(ValueError, match=r"train is TrainConfig\(.*expected a PPOConfig, as the learner is"):
        Run(agent="a", entry="ntm_agents:NTM", task="copy", learner="ppo")
    for seed in (-1, 2**63):
        with pytest.raises(ValueError, match=f"seed is {seed}; expected an integer from 0"):
            tiny_run(seed)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seed": 1.5}, "seed is 1.5; expected an integer"),
        ({"seed": True}, "seed is True; expected an integer"),
        ({"agent": 3}, "agent is 3; expected text"),
        ({"task": None}, "task is None; expected text"),
        ({"model": None}, "model is None; expected an object of options"),
    ],
)
def test_fields_of_another_type_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Run(**{"agent": "a", "entry": "ntm_agents:NTM", "task": "copy", **fields})


@pytest.mark.parametrize("name", ["json", "ROWS"])
def test_what_is_no_model_is_refused(name):
    with pytest.raises(TypeError, match=f":{name} is of type .*; expected a torch.nn.Module"):
        Trainer(tiny_run(entry=f"{__file__}:{name}"))


def test_folders_may_be_named_by_text(tmp_path):
    Trainer(tiny_run(sequences=8), str(tmp_path)).train()
    assert load_run(str(tmp_path))[1].agent == "tiny"


def test_reading_a_run_executes_nothing_that_it_names(tmp_path):
    (tmp_path / "evil.py").write_text("raise RuntimeError('executed')", encoding="utf-8")
    record = {"agent": "a", "entry": "ntm_agents:NTM", "task": "copy", "model": {}, "train": {}, "seed": 0}
    record["learner"] = f"{tmp_path}/evil.py:ROW"
    (tmp_path / "config.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ValueError, match="unknown learner"):
        Run.read(tmp_path)


PPO_OPTIONS = {"batch_size": 512, "n_epochs": 4, "clip_range": 0.2}


@pytest.mark.parametrize(
    ("earlier", "learner", "train"),
    [
        ({"train": {"sequences": 5}}, "supervised", TrainConfig(sequences=5)),
        ({"track": "supervised", "train": {"lessons": {}}}, "supervised", TrainConfig()),
        ({"track": "reward", "train": {"algorithm": "ppo", "steps": 9, **PPO_OPTIONS}}, "ppo",
         PPOConfig(total_timesteps=9)),
        ({"track": "reward", "train": {"algorithm": "a2c", "rollout": 5, **PPO_OPTIONS}}, "a2c",
         A2CConfig(n_steps=5)),
    ],
)  # fmt: skip
def test_runs_of_earlier_versions_have_a_learner(tmp_path, earlier, learner, train):
    record = {"agent": "a", "entry": "ntm_agents:NTM", "task": "copy", "model": {}, "seed": 0, **earlier}
    (tmp_path / "config.json").write_text(json.dumps(record), encoding="utf-8")
    run = Run.read(tmp_path)
    assert (run.learner, run.train) == (learner, train)
    present = migrate(record)
    assert migrate(present) == present
    run.write(tmp_path)  # the run that is there is this one
