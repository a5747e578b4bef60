"""The committed results: the shipped board is made of them, and a sample plays the same again."""

import secrets
from itertools import groupby
from pathlib import Path

import pytest

from ntm_leaderboard import evaluate, page, verify
from ntm_leaderboard.board import SHIPPED, Board, dump, results_in

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "leaderboard" / "results"
RUNS = sorted(verify.runs_in(RESULTS))
AGENTS = [list(runs) for _, runs in groupby(RUNS, lambda run: run.parent)]


def name(run):
    return str(run.relative_to(RESULTS))


def test_the_board_that_ships_is_made_of_them():
    assert RUNS
    assert SHIPPED.read_text() == dump(results_in(RESULTS)) + "\n", "leaderboard/README.md says how"


@pytest.mark.parametrize("run", RUNS, ids=name)
def test_a_run_is_what_it_says(run):
    claimed = verify.check(run, trust_code=True)
    record = verify.check_record(run, claimed)
    assert record
    assert not verify.doubts(claimed, record)
    for found in (claimed, record):
        assert found.commit
        assert "dirty" not in found.commit


@pytest.mark.parametrize("runs", AGENTS, ids=lambda runs: name(runs[0].parent))
def test_a_sample_plays_the_same_again(runs, monkeypatch):
    """A rung of a claim or of its record, drawn anew each time, so nobody knows what is looked at."""
    run = secrets.choice(runs)
    claimed = verify.check(run, trust_code=True)
    records = claimed, verify.check_record(run, claimed)
    i = secrets.randbelow(len(claimed.rungs))
    monkeypatch.setattr(verify, "rungs_of", lambda spec: evaluate.rungs_of(spec)[i : i + 1])
    record = secrets.choice(records)
    sample = record.model_copy(update={"rungs": record.rungs[i : i + 1]})
    assert not verify.differences(sample, verify.verify(run, nonce=record.nonce)), (run, i, record.status)


def test_the_page_is_built_from_them(tmp_path):
    board = Board.read()
    text = page.build(board, tmp_path / "site").read_text()
    for row in board.rows:
        assert row.agent in text


def test_documents_have_their_numbers(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import classic  # type: ignore[import-not-found]
    import ranking  # type: ignore[import-not-found]

    results, readme = results_in(RESULTS), (ROOT / "README.md").read_text()
    assert ranking.ranking(Board.read()) in readme, ranking.__doc__
    assert classic.summary(results) in readme, classic.__doc__
    assert (ROOT / "docs" / "classic.md").read_text() == classic.page(results), classic.__doc__
