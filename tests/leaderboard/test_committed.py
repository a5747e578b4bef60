"""The committed results: the shipped board is made of them, and a sample plays the same again.

Every record is read, which is cheap. Weights are read, and played with, of a sample that does not grow with
the board: runs that the last commit changed, and others that are drawn anew at each commit. Only weights in
the tree are: a clone may be shallow, and then it does not have those of the history.
"""

from itertools import groupby

import drawing
import pytest
from committed import RESULTS, ROOT, needs_weights
from pages import build_quickly
from submissions import play

from ntm_envs import tasks
from ntm_leaderboard.board import verify
from ntm_leaderboard.board.boards import SHIPPED, Boards, dump, results_in
from ntm_leaderboard.board.numbers import check_rungs
from ntm_leaderboard.board.probes import PROBES, with_probes
from ntm_leaderboard.board.records import place, read_record
from ntm_leaderboard.documents.rankings import ranking
from ntm_leaderboard.documents.results import recall_page, results_page
from ntm_leaderboard.harness import ladder
from ntm_leaderboard.results import Result

RECORDS = ROOT / "leaderboard" / "verified"
RUNS = sorted(verify.runs_in(RESULTS))
HERE = [run for run in RUNS if (run / "model.safetensors").exists()]
TASKS = [list(runs) for _, runs in groupby(HERE, lambda run: run.parents[1])]
AGENTS = [list(runs) for _, runs in groupby(HERE, lambda run: run.parent)]
CHANGED = {path.parent for path in drawing.changed_below(RESULTS)} | {
    RESULTS / path.relative_to(RECORDS).with_suffix("") for path in drawing.changed_below(RECORDS)
}


def name(run):
    return str(run.relative_to(RESULTS))


def drawn(groups, count, purpose):
    """Return so many runs of each group."""
    rng = drawing.rng(purpose)
    return {runs[i] for runs in groups for i in rng.permutation(len(runs))[:count]}


CHECKED = sorted(drawn(TASKS, 4, "checked") | (CHANGED & set(HERE)))
# One rung of a run of each task, and of each agent and task of which there is something new.
NEW = [[run for run in runs if run in CHANGED] for runs in AGENTS]
PLAYED = sorted(drawn(TASKS, 1, "played") | drawn(NEW, 1, "new"))


@pytest.fixture(scope="module")
def results():
    return results_in(RESULTS, RECORDS)


def test_the_board_that_ships_is_made_of_them(results):
    assert RUNS
    made = dump(with_probes(results, ROOT / PROBES))
    assert SHIPPED.read_text(encoding="utf-8") == made + "\n", "leaderboard/README.md has the command"
    boards = Boards.read()
    assert not boards.left_out
    for row in boards.by_suite["classic"].rows:
        assert row.learnt
        assert all(result.probe for result in row.results)


def test_every_record_is_of_a_run_and_does_not_doubt_it():
    paths = set(RECORDS.rglob("*.json"))
    assert paths
    for run in RUNS:
        claimed = Result.read(run / "result.json")
        if record := read_record(RECORDS, run, claimed):
            paths.remove(place(RECORDS, claimed))
            assert not verify.doubts(claimed, record.result), run
            for found in (claimed, record.result):
                assert found.commit, run
                assert "dirty" not in found.commit, run
    assert not paths, "of no run, or of other files than are there"


def test_no_change_brings_a_record_with_its_own_claim():
    if not (base := drawing.base()):
        pytest.skip("this clone is shallow, or no checkout")
    claims, records = drawing.changed_below(RESULTS, base), drawing.changed_below(RECORDS, base)
    assert not (claims and records), "rows come first, and their records in another change: CONTRIBUTING.md"


@pytest.mark.parametrize("run", CHECKED, ids=name)
def test_a_run_agrees_with_its_record(run):
    claimed = verify.check(run, trust_code=True)
    if record := read_record(RECORDS, run, claimed):
        check_rungs(place(RECORDS, claimed), record.result, tasks.spec(claimed.task))


@needs_weights
def test_a_run_whose_weights_are_in_the_history_agrees_with_its_record():
    held = [run for run in RUNS if run not in HERE]
    run = held[drawing.rng("held").integers(len(held))]
    commit = Result.read(run / "result.json").held.in_history.partition(":")[0]
    if not drawing.git("cat-file", "-t", commit):
        pytest.skip("this clone is shallow")
    verify.check(run)
    assert not (run / "model.safetensors").exists()


@pytest.mark.parametrize("run", PLAYED, ids=name)
def test_a_sample_plays_the_same_again(run, monkeypatch):
    """A rung of a claim or of its record; the draw is unpredictable before the commit is made."""
    claimed = verify.check(run, trust_code=True)
    rng = drawing.rng(name(run))
    record = read_record(RECORDS, run, claimed)
    record = record.result if record and rng.integers(2) else claimed
    i = int(rng.integers(len(claimed.rungs)))
    monkeypatch.setattr(verify, "rungs_of", lambda spec: ladder.rungs_of(spec)[i : i + 1])
    sample = record.model_copy(update={"rungs": record.rungs[i : i + 1]})
    found = verify.differences(sample, play(run, nonce=record.nonce).result)
    assert not found, (run, i, record.status, f"drawn from {drawing.COMMIT}")


def test_the_page_is_built_from_them(tmp_path):
    boards = Boards.read()
    index = build_quickly(boards, tmp_path / "site")
    for suite, board in boards.by_suite.items():
        text = index.with_name(f"{suite}.html").read_text(encoding="utf-8")
        assert all(row.agent in text for row in board.rows)


def test_documents_have_their_numbers(results):
    names = ("README.md", "docs/results.md", "docs/results-recall.md")
    readme, page, recall = ((ROOT / name).read_text(encoding="utf-8") for name in names)
    assert ranking(Boards.read().by_suite["classic"]) in readme, "benchmarks/ranking.py prints it"
    assert results_page(results) == page, "benchmarks/classic.py writes it"
    assert recall_page(results) == recall, "benchmarks/classic.py writes it"
