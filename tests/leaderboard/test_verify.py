"""Submissions: what is refused, what is doubted, and that what is honest comes out again."""

import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy import stats

from ntm_agents import TrainConfig, Trainer
from ntm_agents.registry import find
from ntm_agents.training.checkpoint import CheckpointError
from ntm_agents.training.run import Run
from ntm_leaderboard import cli
from ntm_leaderboard.board import statistics, submission, verify
from ntm_leaderboard.board.boards import results_in
from ntm_leaderboard.board.player import Player, PlayerError
from ntm_leaderboard.harness import ladder
from ntm_leaderboard.harness.entrants import from_run
from ntm_leaderboard.harness.evaluate import evaluate
from ntm_leaderboard.results import Result, Rung

FEW = {"up_to": 20, "sequences": 16}
NONCE = "e" * 64

OWN_MODEL = """
import os, pathlib, sys, time
import torch

MARKER = pathlib.Path({marker!r})
MARKER.touch()
print("a model may print what it likes")

class Mine(torch.nn.Module):
    def __init__(self, input_size, output_size):
        super().__init__()
        self.layer = torch.nn.Linear(input_size, output_size)

    def initial_state(self, batch_size, capacity):
        return torch.zeros(batch_size, 1)

    def forward(self, inputs, state):
        {act}
        return self.layer(inputs), state
"""


def trained(folder, seed=0, entry="ntm_baselines:LSTM", agent="lstm", model=None):
    train = TrainConfig(sequences=32, batch_size=16, validation_sequences=4)
    model = {"hidden_size": 4} if model is None else model
    run = Run(agent=agent, entry=entry, task="copy", model=model, train=train, seed=seed)
    Trainer(run, folder).train()
    evaluate(from_run(folder), folder / "result.json", **FEW)
    return folder


def draw(count):
    """Return what a verifier draws, here always the same: chance does not decide on a test."""
    assert count == 32
    return NONCE


@pytest.fixture(scope="module", autouse=True)
def short_ladder():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "rungs_of", lambda spec: ladder.rungs_of(spec, **FEW))
        patch.setattr(verify, "secrets", SimpleNamespace(token_hex=draw))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [trained(folder / f"seed-{seed}", seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def honest(made, tmp_path_factory):
    """A submission that tests do not change."""
    return submission.pack([made[0].parent], tmp_path_factory.mktemp("honest") / "submission")


@pytest.fixture
def packed(honest, tmp_path):
    """A submission of one's own: `tmp_path / "submission"`."""
    whole = honest[0].parents[2]
    shutil.copytree(whole, tmp_path / "submission")
    return [tmp_path / "submission" / folder.relative_to(whole) for folder in honest]


@pytest.fixture(scope="module")
def played(honest):
    """What a verifier finds: on sequences that it draws, and on those of the claim."""
    return verify.verify(honest[0]), verify.verify(honest[0], nonce=verify.check(honest[0]).nonce)


def rewrite(path, change):
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def test_an_honest_submission_is_verified_and_plays_the_same_again(honest, played):
    assert [folder.parts[-3:] for folder in honest] == [("copy", "lstm", f"seed-{seed}") for seed in (0, 1)]
    claimed, (own, of_the_claim) = verify.check(honest[0]), played
    assert own.status == "verified"
    assert own.nonce == NONCE != claimed.nonce
    assert own.commitment == claimed.commitment
    assert own.rungs != claimed.rungs
    assert not verify.doubts(claimed, own)
    again = verify.verify(honest[0], nonce=own.nonce)
    assert [rung.score for rung in again.rungs] == [rung.score for rung in own.rungs]
    assert of_the_claim.rungs == claimed.rungs  # as in the process itself


def test_the_command_packs_and_verifies(made, tmp_path, capsys):
    output = tmp_path / "submission"
    assert cli.main(["submit", str(made[0]), "--output", str(output)]) == 0
    assert cli.main(["submit", str(made[0]), "--output", str(output)]) == 0  # the same is there already
    assert "| lstm | copy | 0 |" in (output / "README.md").read_text()
    assert cli.main(["verify", str(output)]) == 0
    record = Result.read(output / "copy" / "lstm" / "seed-0" / "verified.json")
    assert record.status == "verified"
    assert cli.main(["verify", str(output), "--replay"]) == 0
    rewrite(output / "copy" / "lstm" / "seed-0" / "config.json", lambda config: config.update(seed=1))
    capsys.readouterr()
    assert cli.main(["verify", str(output)]) == 1
    assert "result.json has seed 0; expected 1" in capsys.readouterr().out.replace("\n", "")


def test_what_is_not_judged_or_holds_another_run_is_not_packed(made, packed, tmp_path):
    with pytest.raises(ValueError, match="no judged run"):
        submission.pack([tmp_path / "nothing"], tmp_path / "submission")
    other = shutil.copytree(made[1], tmp_path / "other")
    rewrite(other / "result.json", lambda result: result.update(seed=0))
    with pytest.raises(ValueError, match="holds another run"):
        submission.pack([other], tmp_path / "submission")
    with pytest.raises(ValueError, match=r"other: result.json has seed 0; expected 1"):
        submission.pack([other], tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_weights_that_are_held_elsewhere_are_those_that_the_result_names(made, tmp_path, monkeypatch):
    monkeypatch.setattr(submission, "LARGEST_WEIGHTS", 100)
    monkeypatch.setattr(verify, "LARGEST_WEIGHTS", 100)
    output = tmp_path / "submission"
    with pytest.raises(ValueError, match=r"expected at most 100 beside a result\. Say where"):
        submission.pack([made[0]], output)
    with pytest.raises(ValueError, match="address"):
        submission.pack([made[0]], output, "http://example.org")
    assert not output.exists()
    (folder,) = submission.pack([made[0]], output, "https://example.org/mine/")
    assert submission.pack([made[0]], output, "https://example.org/mine") == [folder]
    held = Result.read(folder / "result.json").held
    assert held.address == "https://example.org/mine/copy/lstm/seed-0/model.safetensors"
    with pytest.raises(ValueError, match=f"not there yet; get it from {held.address}"):
        verify.check(folder)
    elsewhere = tmp_path / "submission-weights" / "copy" / "lstm" / "seed-0" / "model.safetensors"
    shutil.copy(elsewhere, folder)
    assert verify.verify(folder, nonce=verify.check(folder).nonce).held == held
    shutil.copy(made[1] / "model.safetensors", folder)
    with pytest.raises(ValueError, match="has the SHA-256"):
        verify.check(folder)


def missing(folder):
    (folder / "config.json").unlink()


def truncated(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def oversized(folder):
    with (folder / "model.safetensors").open("ab") as file:
        file.truncate(2**21 + 1)


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
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")


def with_another_file(folder):
    (folder / "helper.py").write_text("")


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


def fewer_parameters(folder):
    in_summary("parameters", 1)(folder)
    in_training("parameters", 1)(folder)


def oracle_no_better(folder):
    def edit(result):
        references = result["rungs"][0]["references"]
        references["oracle"] = references["constant"]

    rewrite(folder / "result.json", edit)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (missing, "config.json is missing"),
        (truncated, "not a whole safetensors file"),
        (oversized, "expected at most 2,097,152"),
        (header_bomb, "not a whole safetensors file"),
        (pickled, "not a whole safetensors file"),
        (not_finite, "'output.bias' are not finite"),
        (other_weights, "the commitment of result.json is"),
        (linked, "no plain file"),
        (in_config("entry", "os:system"), "entry is 'os:system'"),
        (in_config("entry", "../evil.py:Evil"), "entry is 'evil.py:Evil'"),
        (in_config("entry", "/tmp/evil.py:Evil"), "entry is 'evil.py:Evil'"),
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
        (in_result("schema_version", 3), "schema_version is 3; this ntm-envs reads 1 and 2"),
        (with_another_file, r"helper\.py belongs to no submission"),
        (in_result("nonce", "f" * 64), "result.json has nonce 'ffff"),
        (in_result("training", None), "result.json has training None"),
        (in_training("track", "reward"), "result.json has training"),
        (in_training("sequences", 1), "result.json has training"),
        (in_training("recipe", {}), "result.json has training"),
        (in_summary("restarts", 1), "result.json has training"),
        (in_summary("sequences", -1), "not the summary of a run"),
        (fewer_parameters, "parameters is 1, but the weights are"),
        (oracle_no_better, "the oracle is no better than a constant output"),
        (in_result("privileges", ["long_validation"]), "result.json has privileges"),
        (in_result("privileges", ["<b>"]), "privileges"),
        (in_result("held", {"address": "file:///etc/passwd", "sha256": "b" * 64}), "address"),
        (in_result("held", {"address": "https://a.b/c", "sha256": "b" * 64}), "has the SHA-256"),
        (in_result("seconds", float("inf")), "seconds"),
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
    for name in ("ntm", "oracle"):
        for file in ("result.json", "config.json"):
            rewrite(packed[0] / file, lambda record: record.update(agent=name))  # noqa: B023
        with pytest.raises(ValueError, match=f"agent is '{name}', which is .* give it a name of its own"):
            verify.check(packed[0])


def test_the_command_says_what_is_doubted_and_what_plays_otherwise(packed, capsys):
    def claim(result):
        result["rungs"][0]["score"] |= {"all_right": 16, "wrong_symbols": 0, "mean_return": 1.0}

    assert cli.main(["verify", str(packed[0]), "--replay"]) == 0
    assert "plays the same again" in capsys.readouterr().out.replace("\n", " ")
    rewrite(packed[0] / "result.json", claim)
    for command in (["verify"], ["verify", "--replay"]):
        assert cli.main([*command, str(packed[0])]) == 1
        assert "doubted" in capsys.readouterr().out
    (found,) = results_in(packed[0])
    assert found.status == "doubted"
    assert found.rungs[0].score.all_right == 0  # what was found stands in place of what was claimed


def test_counts_that_were_edited_are_doubted(packed, played):
    def claim(result):
        rung = result["rungs"][0]
        rung["score"] |= {"all_right": 16, "wrong_symbols": 0, "mean_return": 1.0}

    rewrite(packed[0] / "result.json", claim)
    claimed = verify.check(packed[0])  # nothing contradicts it
    own, again = played
    assert "16 sequences all right were claimed, and 0 found" in verify.doubts(claimed, own)[0]
    assert len(verify.differences(claimed, again)) == 1


def test_references_that_were_edited_are_doubted(packed, played):
    def claim(result):
        rung = result["rungs"][0]
        wrong = rung["references"]["oracle"]["wrong_symbols"] + 1000
        rung["references"]["oracle"] |= {
            "all_right": 0,
            "wrong_symbols": wrong,
            "mean_return": 1 - 2 * wrong / rung["symbols"],
        }

    rewrite(packed[0] / "result.json", claim)
    claimed = verify.check(packed[0])
    own, again = played
    assert "oracle at {'length': 20}: 0 sequences all right were claimed" in verify.doubts(claimed, own)[0]
    assert "oracle at {'length': 20}: 0 sequences" in verify.differences(claimed, again)[0]


def record_of(claimed, change=lambda record: None):
    record = json.loads(claimed.model_dump_json()) | {"status": "verified", "nonce": "b" * 64}
    change(record)
    return Result.model_validate_json(json.dumps(record))


def test_a_record_is_believed_only_if_it_is_one_of_the_claim(packed):
    def forge(record):
        score = record["rungs"][0]["score"]
        score["mean_return"] = 1.0

    claimed = verify.check(packed[0])
    assert verify.check_record(packed[0], claimed) is None
    honest = record_of(claimed)
    honest.write(packed[0] / "verified.json")
    assert verify.check_record(packed[0], claimed) == honest
    record_of(claimed, forge).write(packed[0] / "verified.json")
    with pytest.raises(ValueError, match=r"verified\.json: score\.mean_return is 1\.0 at"):
        verify.check_record(packed[0], claimed)
    record_of(claimed, lambda record: record.update(seed=7)).write(packed[0] / "verified.json")
    with pytest.raises(ValueError, match=r"verified\.json is no record of the result beside it"):
        verify.check_record(packed[0], claimed)


def test_all_counts_of_a_record_have_to_come_out_again(packed):
    def wrong_symbols(change):
        def edit(record):
            rung = record["rungs"][0]
            rung["score"]["wrong_symbols"] += change
            rung["score"]["mean_return"] -= 2 * change / rung["symbols"]

        return edit

    claimed = verify.check(packed[0])
    assert not verify.differences(record_of(claimed, wrong_symbols(-160)), claimed)  # those of one sequence
    found = verify.differences(record_of(claimed, wrong_symbols(-161)), claimed)
    assert "wrong symbols in the record" in found[0]
    cheap = record_of(claimed, lambda record: record["rungs"][0]["score"].update(cost_in_bits=1.0))
    assert "a cost of 1.0 bits in the record" in verify.differences(cheap, claimed)[0]
    hard = record_of(claimed, lambda record: record["rungs"][0]["score"].update(cost_in_bits=None))
    assert "a cost of None bits" in verify.differences(hard, claimed)[0]


def test_what_is_written_follows_no_link_and_one_folder_does_not_stop_the_others(packed, tmp_path, capsys):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (packed[1] / "verified.json").symlink_to(victim)
    (packed[0] / "config.json").write_text("[" * 100_000)
    (odd := packed[0].parent / "[red]seed").mkdir()
    (odd / "result.json").mkdir()
    (odd / "x]").mkdir()
    (odd / "x]" / "result.json").write_text("{}")
    assert cli.main(["verify", str(tmp_path / "submission")]) == 1
    printed = capsys.readouterr().out.replace("\n", "")
    assert "seed-0: refused" in printed
    assert "[red]seed/x]: refused" in printed
    assert "seed-1: verified" in printed
    assert victim.read_text() == "mine"
    assert not (packed[1] / "verified.json").is_symlink()


def test_a_model_that_needs_more_than_its_file_is_not_packed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "helper.py").write_text("value = 1")
    with pytest.raises(ValueError, match="No module named 'helper'"):
        with_own_model(tmp_path, first="import helper")
    assert not list((tmp_path / "submission").rglob("result.json"))


def test_what_does_not_learn_is_left_out_of_a_submission(made, tmp_path):
    bench = tmp_path / "bench"
    shutil.copytree(made[0], bench / "lstm")
    (bench / "constant").mkdir()
    shutil.copy(made[0] / "result.json", bench / "constant")
    assert len(submission.pack([bench], tmp_path / "submission")) == 1


def test_files_of_the_present_folder_are_not_imported(packed, tmp_path):
    for name in ("opt_einsum", "rich", "helper"):
        (packed[0].parent / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')")
    code = "import sys; sys.path.remove(''); from ntm_leaderboard.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "verify", "."]
    done = subprocess.run(command, cwd=packed[0].parent, capture_output=True, text=True, check=False)
    assert "was imported" not in done.stderr + done.stdout
    assert "seed-0" in done.stdout


def test_bits_are_compared_where_no_sequence_is_right(packed):
    def with_wrong(wrong):
        score = {"all_right": 0, "wrong_symbols": wrong, "mean_return": 0.0, "cost_in_bits": None}
        rung = {
            "sizes": {"length": 20},
            "sequences": 500,
            "symbols": 80_000,
            "score": score,
            "references": {},
        }
        return claimed.model_copy(update={"rungs": [Rung.model_validate(rung)]})

    claimed = verify.check(packed[0])
    for wrong, doubted in ((40_000, False), (41_000, False), (20_000, True)):
        assert bool(verify.doubts(with_wrong(40_000), with_wrong(wrong))) is doubted


def test_the_two_sample_tests_are_scipys():
    rng = np.random.default_rng(0)
    for _ in range(50):
        n, m = rng.integers(1, 600, 2)
        a, b = rng.integers(0, n + 1), rng.integers(0, m + 1)
        theirs = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
        assert statistics.fisher(int(a), int(n), int(b), int(m)) == pytest.approx(theirs, rel=1e-6, abs=1e-12)
        pooled = (
            stats.chi2_contingency([[a, n - a], [b, m - b]], correction=False) if 0 < a + b < n + m else None
        )
        if pooled is not None:
            assert statistics.two_shares(a / n, b / m, n, m) == pytest.approx(pooled.pvalue, rel=1e-6)
    assert statistics.two_shares(0, 0, 5, 5) == 1


def with_own_model(tmp_path, first=""):
    """Train a model of one's own in a folder, and pack it there."""
    source, marker = tmp_path / "mine" / "my_model.py", tmp_path / "marker"
    source.parent.mkdir(exist_ok=True)
    source.write_text(first + OWN_MODEL.format(marker=str(marker), act="pass"))
    row = find(f"{source}:Mine", ())
    run = trained(tmp_path / "run", entry=row.entry, agent=row.name, model={})
    return submission.pack([run], tmp_path / "submission")[0], marker


@pytest.fixture(scope="module")
def packed_own(tmp_path_factory):
    return with_own_model(tmp_path_factory.mktemp("own"))


@pytest.fixture
def own_model(packed_own, tmp_path):
    """Return a function that makes a submission with code of its own, which may do something only later."""

    def make(act="pass"):
        packed, marker = packed_own
        marker.unlink(missing_ok=True)
        folder = shutil.copytree(packed, tmp_path / "own")
        if act != "pass":
            (folder / "my_model.py").write_text(OWN_MODEL.format(marker=str(marker), act=act))
        return folder, marker

    return make


def test_foreign_code_runs_only_if_it_is_trusted(own_model):
    folder, marker = own_model()
    with pytest.raises(ValueError, match=r"has code of its own, my_model\.py"):
        verify.check(folder)
    claimed = verify.check(folder, trust_code=True)
    assert not marker.exists()
    own = verify.verify(folder, nonce=claimed.nonce)
    assert marker.exists()
    assert own.rungs == claimed.rungs
    rewrite(folder / "config.json", lambda config: config.update(source="0" * 64))
    with pytest.raises(ValueError, match=r"my_model\.py is not what the model was trained with"):
        verify.check(folder, trust_code=True)
    (folder / "my_model.py").write_text((folder / "my_model.py").read_text() + "# changed\n")
    with pytest.raises(ValueError, match="commitment"):
        verify.check(folder, trust_code=True)


@pytest.mark.parametrize(
    ("act", "limits", "message"),
    [
        ("time.sleep(600)", {"seconds": 1}, "took too long"),
        ("bytearray(2**30)", {"gibibytes": 1.4}, "ended, exit code 1: MemoryError"),
        ("os._exit(3)", {}, "ended, exit code 3"),
    ],
)
def test_a_model_that_breaks_its_limits_is_stopped(own_model, act, limits, message):
    folder, _ = own_model(act)
    observations = np.zeros((2, 9), np.float32)
    seconds = limits.pop("seconds", 600)
    with Player(folder, 8, **limits) as player:
        player.begin(2, 64, 0)
        player._left = seconds
        with pytest.raises(PlayerError, match=message):
            player.act(observations)


def test_the_kernel_stops_a_model_that_has_computed_for_as_long_as_it_may(own_model):
    folder, _ = own_model("while True: pass")
    with Player(folder, 8, minutes=0.25) as player:
        player.begin(2, 64, 0)
        pid = player._process.pid
        assert resource.prlimit(pid, resource.RLIMIT_CPU) == (15, 15)
        # The test has not the time for them: a second more than it has taken so far is enough.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        seconds = (int(fields[11]) + int(fields[12])) // os.sysconf("SC_CLK_TCK") + 1
        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))
        with pytest.raises(PlayerError, match=r"ended, exit code -(9|24)"):
            player.act(np.zeros((2, 9), np.float32))


def test_what_a_model_needs_is_within_the_limits_of_that_test(own_model):
    folder, _ = own_model("bytearray(2**20)")
    with Player(folder, 8, gibibytes=1.4) as player:
        player.begin(2, 64, 0)
        assert player.act(np.zeros((2, 9), np.float32)).shape == (2, 8)


def test_what_a_model_starts_ends_with_it(own_model, tmp_path):
    started = tmp_path / "started"
    folder, _ = own_model(f"pathlib.Path({str(started)!r}).write_text(str(os.fork() or time.sleep(600)))")
    with Player(folder, 8) as player:
        player.begin(2, 64, 0)
        player.act(np.zeros((2, 9), np.float32))
        pid = int(started.read_text())

    def runs():
        try:  # one that has ended stays as a zombie where nobody reaps it
            return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
        except FileNotFoundError:
            return False

    while runs():  # to the end of the test's time, if it is not killed
        time.sleep(0.01)


def test_a_model_that_does_not_listen_is_stopped(own_model):
    folder, _ = own_model()
    with Player(folder, 8, minutes=5) as player:
        os.kill(player._process.pid, signal.SIGSTOP)
        player._left = 1.0
        with pytest.raises(PlayerError, match="took too long"):
            player.act(np.zeros((2**16, 9), np.float32))  # more than a pipe holds


@pytest.mark.parametrize("limits", [{"minutes": 0}, {"gibibytes": -1}, {"minutes": float("nan")}])
def test_impossible_limits_are_refused(tmp_path, limits):
    with pytest.raises(ValueError, match=f"{next(iter(limits))} is .*; expected more than 0"):
        Player(tmp_path, 8, **limits)


def test_a_model_sees_nothing_of_the_parents_environment(own_model, monkeypatch):
    monkeypatch.setenv("A_SECRET", "hidden")
    folder, _ = own_model("assert 'A_SECRET' not in os.environ")
    with Player(folder, 8) as player:
        player.begin(2, 64, 0)
        assert player.act(np.zeros((2, 9), np.float32)).shape == (2, 8)
