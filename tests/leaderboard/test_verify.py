"""Verification: honest results are reproduced, and edited ones are doubted."""

import json

import pytest
from submissions import NONCE, play, rewrite

from ntm_leaderboard import cli
from ntm_leaderboard.board import verify
from ntm_leaderboard.board.boards import results_in
from ntm_leaderboard.board.records import Verification
from ntm_leaderboard.results import Result, Rung

pytestmark = pytest.mark.usefixtures("short_ladder")


def test_an_honest_submission_is_verified_and_plays_the_same_again(honest, played):
    assert [folder.parts[-3:] for folder in honest] == [("copy", "lstm", f"seed-{seed}") for seed in (0, 1)]
    claimed, (own, of_the_claim) = verify.check(honest[0]), played
    assert own.status == "verified"
    assert own.nonce == NONCE != claimed.nonce
    assert own.commitment == claimed.commitment
    assert own.rungs != claimed.rungs
    assert not verify.doubts(claimed, own)
    again = play(honest[0], nonce=own.nonce).result
    assert [rung.score for rung in again.rungs] == [rung.score for rung in own.rungs]
    assert of_the_claim.rungs == claimed.rungs  # as in the process itself


def test_the_command_packs_and_verifies(made, tmp_path, capsys):
    output = tmp_path / "submission"
    assert cli.main(["submit", str(made[0]), "--output", str(output)]) == 0
    assert cli.main(["submit", str(made[0]), "--output", str(output)]) == 0  # the same is there already
    assert "| lstm | copy | 0 |" in (output / "README.md").read_text(encoding="utf-8")
    records = ["--records", str(tmp_path / "records"), "--verifier", "Ada"]
    assert cli.main(["verify", str(output), *records]) == 0
    record = Verification.model_validate_json((tmp_path / "records/copy/lstm/seed-0.json").read_bytes())
    assert (record.verifier, record.result.status) == ("Ada", "verified")
    assert cli.main(["verify", str(output), "--replay", *records]) == 0
    rewrite(output / "copy" / "lstm" / "seed-0" / "config.json", lambda config: config.update(seed=1))
    capsys.readouterr()
    assert cli.main(["verify", str(output)]) == 1
    assert "result.json has seed 0; expected 1" in capsys.readouterr().out.replace("\n", "")


def test_the_command_reports_doubts_and_differences(packed, tmp_path, capsys):
    def claim(result):
        result["rungs"][0]["score"] |= {"all_right": 16, "wrong_symbols": 0, "mean_return": 1.0}

    assert cli.main(["verify", str(packed[0]), "--replay"]) == 0
    assert "plays the same again" in capsys.readouterr().out.replace("\n", " ")
    rewrite(packed[0] / "result.json", claim)
    records = tmp_path / "records"
    for options in ([], ["--replay"]):
        assert cli.main(["verify", str(packed[0]), "--records", str(records), *options]) == 1
        assert "doubted" in capsys.readouterr().out
    (found,) = results_in(packed[0], records)
    assert found.status == "doubted"
    assert found.rungs[0].score.all_right == 0  # what was found stands in place of what was claimed


def test_counts_that_were_edited_are_doubted(packed, played):
    def claim(result):
        rung = result["rungs"][0]
        rung["score"] |= {"all_right": 16, "wrong_symbols": 0, "mean_return": 1.0}

    rewrite(packed[0] / "result.json", claim)
    claimed = verify.check(packed[0])  # nothing contradicts it
    own, again = played
    assert "16 correct sequences were claimed, and 0 found" in verify.doubts(claimed, own)[0]
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
    assert "oracle at {'length': 20}: 0 correct sequences were claimed" in verify.doubts(claimed, own)[0]
    assert "oracle at {'length': 20}: 0 correct sequences in" in verify.differences(claimed, again)[0]


def record_of(claimed, change=lambda record: None):
    record = json.loads(claimed.model_dump_json()) | {"status": "verified", "nonce": "b" * 64}
    change(record)
    return Result.model_validate_json(json.dumps(record))


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
    cheap = record_of(claimed, lambda record: record["rungs"][0]["score"].update(cost_in_bits=100.0))
    assert "a cost of 100.0 bits in the record" in verify.differences(cheap, claimed)[0]
    hard = record_of(claimed, lambda record: record["rungs"][0]["score"].update(cost_in_bits=None))
    assert "a cost of None bits" in verify.differences(hard, claimed)[0]


def test_one_folder_does_not_stop_the_others(packed, tmp_path, capsys):
    (packed[0] / "config.json").write_text("[" * 100_000, encoding="utf-8")
    (odd := packed[0].parent / "[red]seed").mkdir()
    (odd / "result.json").mkdir()
    (odd / "x]").mkdir()
    (odd / "x]" / "result.json").write_text("{}", encoding="utf-8")
    assert cli.main(["verify", str(tmp_path / "submission")]) == 1
    printed = capsys.readouterr().out.replace("\n", "")
    assert "seed-0: refused" in printed
    assert "[red]seed/x]: refused" in printed
    assert "seed-1: verified" in printed


def test_shards_divide_a_submission(packed, tmp_path, capsys):
    verified = []
    for shard in ("1/3", "2/3", "3/3"):
        assert cli.main(["verify", str(tmp_path / "submission"), "--shard", shard]) == 0
        printed = capsys.readouterr().out.replace("\n", "")
        verified += [folder for folder in packed if f"{folder}: verified" in printed]
    assert sorted(verified) == packed  # each of them in one shard


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
