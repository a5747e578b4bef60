"""Submissions that are harmed, forged or foreign are refused before anything of them runs."""

import shutil
import struct
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from submissions import rewrite

from ntm_agents.training.checkpoint import CheckpointError
from ntm_envs.tasks.classic.copy import Copy
from ntm_envs.tasks.lessons import Lesson
from ntm_leaderboard.board import verify

pytestmark = pytest.mark.usefixtures("short_ladder")


def missing(folder):
    (folder / "config.json").unlink()


def truncated(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def oversized(folder):
    with (folder / "model.safetensors").open("ab") as file:
        file.truncate(2**18 + 1)


def header_bomb(folder):
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2**60) + b"{}")


def pickled(folder):
    torch.save({"output.weight": torch.zeros(8, 4)}, folder / "model.safetensors")


def not_finite(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["output.bias"][0] = float("nan")
    save_file(tensors, folder / "model.safetensors")


def other_weights(folder):
    shutil.copy(folder.parent / "seed-1" / "model.safetensors", folder)


def linked(folder):
    path = folder / "model.safetensors"
    path.rename(folder.parent / "elsewhere")
    path.symlink_to(folder.parent / "elsewhere")


def with_another_file(folder):
    (folder / "helper.py").write_text("", encoding="utf-8")


def in_file(file, *where):
    """Return what makes changes of a field in a part of a JSON file: `in_result(name, value)(folder)`."""

    def field(name, value):
        def edit(whole):
            part = whole
            for key in where:
                part = part[key]
            part[name] = value

        def change(folder):
            rewrite(folder / file, edit)

        change.__name__ = "_".join([file.removesuffix(".json"), *map(str, where), name, str(value)[:20]])
        return change

    return field


in_config, in_summary, in_result = (in_file(f"{name}.json") for name in ("config", "summary", "result"))
in_training = in_file("result.json", "training")
in_rung = in_file("result.json", "rungs", 0)
in_score = in_file("result.json", "rungs", 0, "score")


def without_a_model(folder):
    rewrite(folder / "config.json", lambda config: config.pop("model"))


def fewer_parameters(folder):
    in_summary("parameters", 1)(folder)
    in_training("parameters", 1)(folder)


def fewer_sequences(folder):
    for change in (in_summary("sequences", 16), in_summary("updates", 1), in_training("sequences", 16)):
        change(folder)


def more_restarts(folder):
    in_config("train", {"sequences": 32, "restart_after": 16, "batch_size": 16})(folder)
    for change in (in_summary("restarts", 1), in_training("restarts", 1)):
        change(folder)
    in_training("recipe", {"sequences": 32, "restart_after": 16, "batch_size": 16})(folder)


def oracle_no_better(folder):
    def edit(result):
        references = result["rungs"][0]["references"]
        references["oracle"] = references["constant"]

    rewrite(folder / "result.json", edit)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (missing, "config.json is missing"),
        (in_result("probe", None), "result.json has no probe"),
        (truncated, "not a whole safetensors file"),
        (oversized, "expected at most 262,144"),
        (header_bomb, "not a whole safetensors file"),
        (pickled, "not a whole safetensors file"),
        (not_finite, "'output.bias' are not finite"),
        (other_weights, "the commitment of result.json is"),
        (linked, "no plain file"),
        (in_config("entry", "os:system"), "entry is 'os:system'"),
        (in_config("entry", "../evil.py:Evil"), "entry is 'evil.py:Evil'"),
        (in_config("entry", "/tmp/evil.py:Evil"), "entry is 'evil.py:Evil'"),
        (in_config("entry", "ntm_agents:Trainer"), "entry is 'ntm_agents:Trainer'"),
        (in_config("entry", "ntm_agents.ntm:Trainer"), r"entry is 'ntm_agents\.ntm:Trainer'"),
        (in_config("format", 1), "result.json has format 2; expected 1"),
        (in_config("format", 3), "format is 3; this ntm-envs reads 1 to 2"),
        (in_config("learner", "evil:LEARNER"), "unknown learner 'evil:LEARNER'"),
        (without_a_model, "model is missing"),
        (in_config("task", "./evil.py:TASK"), "task"),
        (in_config("model", {"hidden_size": 5}), "result.json has model"),
        (in_config("model", "hidden_size"), "model is 'hidden_size'"),
        (in_config("seed", True), "seed is True"),
        (in_config("train", {"sequences": "many"}), "not the configuration of a run"),
        (in_config("train", {"unknown": 1}), "not the configuration of a run"),
        (in_result("agent", "ntm"), "result.json has agent 'ntm'"),
        (in_result("agent", "../../etc"), "agent"),
        (in_result("task", "ntm_envs/Copy-v9"), "which is not on the board"),
        (in_result("status", "verified"), "result.json has status 'verified'"),
        (in_result("commitment", "b" * 64), "the commitment of result.json is bbb"),
        (in_result("schema_version", 4), "schema_version is 4; this ntm-envs reads 1 to 3"),
        (with_another_file, r"helper\.py belongs to no submission"),
        (in_result("nonce", "f" * 64), "result.json has nonce 'ffff"),
        (in_result("training", None), "result.json has training None"),
        (in_result("format", 1), "result.json has format 1"),
        (in_training("track", "reward"), "result.json has training"),
        (in_training("learner", "ppo"), "result.json has training"),
        (in_training("sequences", 1), "result.json has training"),
        (in_training("recipe", {}), "result.json has training"),
        (in_summary("restarts", 1), "restarts is 1; expected at most 0"),
        (in_summary("sequences", -1), "sequences is -1"),
        (in_summary("updates", 3), "sequences is 32 and updates is 3"),
        (in_summary("updates", None), "updates is None"),
        (in_summary("dropped_updates", 3), "dropped_updates is 3; expected at most 2"),
        (in_summary("seconds", 0.0), "seconds is 0.0; expected more than 0"),
        (in_summary("sequences", 96), "sequences is 96, but sequences of config.json is 32"),
        (fewer_sequences, "sequences is 16, but sequences of config.json is 32, .* expected 32 to 48"),
        (
            in_config("train", {"steps": 4_100, "batch_size": 16}),
            "is 32, but sequences of config.json is 100",
        ),
        (more_restarts, "with 1 restarts; expected 48 to"),
        (fewer_parameters, "parameters is 1, but the weights are"),
        (oracle_no_better, "the oracle is no better than a constant output"),
        (in_result("privileges", ["long_validation"]), "result.json has privileges"),
        (in_result("privileges", ["<b>"]), "privileges"),
        (in_result("held", {"address": "file:///etc/passwd", "sha256": "b" * 64}), "address"),
        (in_result("held", {"address": "https://a.b/c", "sha256": "b" * 64}), "has the SHA-256"),
        (in_result("seconds", float("inf")), "it has Infinity; expected finite numbers"),
        (in_result("surprise", 1), "surprise"),
        (in_result("rungs", []), "rungs"),
        (in_rung("sizes", {"length": 21}), "not the whole ladder"),
        (in_rung("symbols", 2561), "symbols is 2561"),
        (in_score("mean_return", 1.001), r"mean_return is 1\.001 .*; expected -1\.0 to 1\.0"),
        (in_score("mean_return", 0.999), "score.mean_return is 0.999"),
        (in_score("all_right", 17), "17 of 16 sequences"),
        (in_rung("references", {}), "references are"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_harmed_submission_is_refused(packed, harm, message):
    harm(packed[0])
    with pytest.raises((FileNotFoundError, ValueError, CheckpointError), match=message):
        verify.check(packed[0], trust_code=True)


def test_an_option_that_came_later_has_its_default(packed):
    rewrite(packed[0] / "result.json", lambda result: result["training"]["recipe"].pop("restarts"))
    rewrite(packed[0] / "config.json", lambda config: config["train"].pop("restarts"))
    verify.check(packed[0])
    rewrite(packed[0] / "config.json", lambda config: config["train"].update(restarts=7))
    with pytest.raises(ValueError, match=r"result\.json has training"):
        verify.check(packed[0])


def test_the_name_of_another_agent_is_refused(packed):
    for name in ("ntm", "oracle", "Lstm"):
        for file in ("result.json", "config.json"):
            rewrite(packed[0] / file, lambda record: record.update(agent=name))  # noqa: B023
        with pytest.raises(ValueError, match=f"agent is '{name}', but .* give it a name of its own"):
            verify.check(packed[0])


@pytest.mark.parametrize(("file", "name"), [("ntm_agents.py", "NTM"), ("ntm_baselines.lstm.py", "LSTM")])
def test_a_model_of_ones_own_is_refused_that_reads_like_one_of_the_project(own_model, file, name):
    folder, marker = own_model()
    (folder / "my_model.py").rename(folder / file)
    rewrite(folder / "config.json", lambda config: config.update(entry=f"{file}:{name}"))
    with pytest.raises(ValueError, match="like one of the project; rename it"):
        verify.check(folder, trust_code=True)
    assert not marker.exists()


def test_the_task_of_a_submission_is_not_executed(packed, tmp_path):
    source, marker = tmp_path / "evil.py", tmp_path / "marker"
    source.write_text(f"open({str(marker)!r}, 'w')\nTASK = None\n", encoding="utf-8")
    in_config("learner", "ppo")(packed[0])  # the sequences in its steps depend on the task
    in_config("train", {"total_timesteps": 2048})(packed[0])
    in_summary("steps", 2048)(packed[0])
    in_config("task", f"{source}:TASK")(packed[0])
    with pytest.raises(ValueError, match=r"config\.json has task '.*evil\.py:TASK'; expected 'copy'"):
        verify.check(packed[0])
    assert not marker.exists()


def test_files_of_the_present_folder_are_not_imported(packed, tmp_path):
    for name in ("opt_einsum", "rich", "helper"):
        (packed[0].parent / f"{name}.py").write_text(
            f"raise SystemExit('{name} was imported')", encoding="utf-8"
        )
    code = "import sys; sys.path.remove(''); from ntm_leaderboard.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "verify", "."]
    done = subprocess.run(command, cwd=packed[0].parent, capture_output=True, text=True, check=False)
    assert "was imported" not in done.stderr + done.stdout
    assert "seed-0" in done.stdout


def test_lessons_above_the_training_range_are_refused(packed, monkeypatch):
    lessons = tuple(Lesson(sizes={"length": (1, high)}) for high in (20, 21))
    monkeypatch.setattr(Copy, "lessons", lessons, raising=False)
    train = {"sequences": 32, "batch_size": 16, "use_lessons": True}
    in_config("train", train)(packed[0])
    with pytest.raises(ValueError, match="lessons, of which number 2 goes above the training range of copy"):
        verify.check(packed[0])
    in_config("train", train | {"last_lesson": 1})(packed[0])
    with pytest.raises(ValueError, match=r"summary\.json has the lesson None; expected 1 to 2"):
        verify.check(packed[0])
