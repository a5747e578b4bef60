"""The sources of the results of a board, and its printing."""

import io

import pytest
from rich.console import Console
from test_board import HELD, HISTORY, REWARD, SEEDS, TASKS, TRAINING, VERIFIED, board_of, result, several

from ntm_envs import tasks
from ntm_leaderboard import cli
from ntm_leaderboard.board.boards import SHIPPED, Boards, dump, load
from ntm_leaderboard.board.records import Verification, digest
from ntm_leaderboard.cli import report


def read_board(*arguments, **options):
    (board,) = Boards.read(*arguments, **options).by_suite.values()
    return board


def test_ones_own_results_are_rows_among_those_of_a_board():
    theirs = [*several("ntm", [0.5] * 5), *several("lstm", [0.3] * 5)]
    mine = [*several("ntm", [0.4] * 2), *several("ntm", [1.0] * 2, "repeat_copy")]
    board = board_of(theirs, mine)
    ranking = board.ranking(tasks.spec("copy"))
    assert [(row.agent, row.own) for row in ranking] == [
        ("ntm", False),
        ("ntm (yours)", True),
        ("lstm", False),
    ]
    assert not board.ranked  # nobody has enough seeds on both tasks
    assert [spec.name for spec in board.specs] == ["copy", "repeat_copy"]
    assert board_of(theirs, [*theirs, *mine]) == board  # what is on the board is no other's
    thief = result("mine", commitment=theirs[0].commitment)
    boards = Boards.of(theirs, [thief])
    assert boards.by_suite["classic"] == board_of(theirs)
    assert "a copy of that of ntm, seed 0" in boards.left_out[0]


def test_the_results_that_come_with_the_package_are_there_unless_they_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("ntm_leaderboard.board.boards.SHIPPED", tmp_path / "board.json")
    (tmp_path / "board.json").write_text(dump(several("shipped", [0.5])), encoding="utf-8")
    result().write(tmp_path / "mine" / "result.json")
    for options, expected in (({}, {"shipped", "ntm (yours)"}), ({"shipped": False}, {"ntm"})):
        assert {row.agent for row in read_board([tmp_path / "mine"], **options).rows} == expected


def test_many_results_come_back_from_one_file(tmp_path):
    results = [*several("ntm", [0.5, 0.7], training=TRAINING), result("lstm", held=HELD)]
    (tmp_path / "board.json").write_text(dump(results), encoding="utf-8")
    assert load(tmp_path / "board.json") == results


def recorded(records, claim, score, status="verified"):
    """Write a claim whose model is no file, and a record of it."""
    claim.write(path := records.parent / "results" / str(claim.seed) / "result.json")
    (path.parent / "config.json").write_text("{}", encoding="utf-8")
    (path.parent / "model.safetensors").touch()
    found = result(seed=claim.seed, score=score, **VERIFIED | {"status": status})
    files = {path.name: digest(path) for path in path.parent.iterdir()}
    Verification(verifier="somebody", files=files, result=found).write(records)


def test_what_was_verified_stands_in_place_of_what_was_claimed(tmp_path, capsys):
    records, results = tmp_path / "records", tmp_path / "results"
    recorded(records, result(score=1.0), 0.5)
    result(seed=1, score=1.0).write(results / "1" / "result.json")
    (row,) = read_board([results], records=records, shipped=False).rows
    standing = row.standings["ntm_envs/Copy-v0"]
    assert standing.scores == (0.5, 1.0)
    assert row.status == "self-reported"  # of one of the two
    recorded(records, result(seed=1, score=1.0), 0.5, "doubted")
    (row,) = read_board([results], records=records, shipped=False).rows
    assert row.standings["ntm_envs/Copy-v0"].scores == (0.5, 0.5)
    assert row.status == "doubted"
    command = ["leaderboard", "show", "--alone", "--results", str(results)]
    assert cli.main([*command, "--records", str(records)]) == 0
    assert "doubted" in capsys.readouterr().out
    assert cli.main(command) == 0
    assert "doubted" not in capsys.readouterr().out


def test_boards_without_results_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no result\.json in"):
        read_board([tmp_path / "empty"], shipped=False)
    with pytest.raises(ValueError, match="there are no results"):
        read_board(shipped=False)


def test_the_ranking_is_printed(tmp_path, capsys, monkeypatch):
    for task in TASKS:
        for found in (*several("ntm", [0.75] * 5, task), *several("lstm", [0.25] * 2, task)):
            found.write(tmp_path / task / found.agent / str(found.seed) / "result.json")
    assert cli.main(["leaderboard", "show", "--alone", "--results", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert (
        printed.index("1 ntm") < printed.index("lstm") < printed.index("oracle") < printed.index("constant")
    )
    assert "0.750–0.750" in printed
    rewards = several("rewards", [0.5] * 5, training=REWARD, privileges=["best_of_seeds"])
    file = io.StringIO()
    report.print_boards(Console(file=file, width=120), Boards.of([*several("ntm", [0.7] * 5), *rewards]))
    assert "rewards alone" in file.getvalue()
    assert "best_of_seeds" in file.getvalue()
    (tmp_path / "board.json").write_text(dump(several("shipped", [0.5] * 5)), encoding="utf-8")
    monkeypatch.setattr("ntm_leaderboard.board.boards.SHIPPED", tmp_path / "board.json")
    assert cli.main(["leaderboard", "show", "--results", str(tmp_path / "copy")]) == 0
    printed = capsys.readouterr().out
    assert "2 shipped" in printed
    assert "ntm (yours): 1 of 3 on copy" in printed
    assert "lstm (yours): 3 of 3 on copy" in printed
    assert cli.main(["leaderboard", "show"]) == 0
    assert "yours" not in capsys.readouterr().out
    file = io.StringIO()
    report.print_boards(Console(file=file, width=120), Boards.of([]))
    assert not file.getvalue()


def test_a_narrow_terminal_cuts_no_number():
    own = several("an-agent-with-a-long-name", [0.75] * 5, training=REWARD)
    file = io.StringIO()
    report.print_boards(Console(file=file, width=80), Boards.of([*load(SHIPPED), *own]))
    assert "…" not in file.getvalue()
    assert "1 ntm" in file.getvalue()
    assert "verified" in file.getvalue()
    formal = file.getvalue().count("scores, suite formal")
    assert 1 < formal < len(tasks.suite("formal")), "a table has as many tasks as fit"


def test_results_on_a_task_of_ones_own_are_ranked_in_a_suite_of_their_own(tmp_path, capsys):
    path = tmp_path / "own.py"
    path.write_text(
        "from ntm_envs.tasks import TaskSpec, ladder\n"
        "ROW = TaskSpec(name='own_copy', env_id='mine/OwnCopy-v0', task='ntm_envs.tasks.classic.copy:Copy',\n"
        "    training={'length': (1, 5)}, ladders=ladder('length', (5, 10)))\n",
        encoding="utf-8",
    )
    tasks.spec(f"{path}:ROW")
    found = several("mine", [0.8] * SEEDS, "own_copy")
    boards = Boards.of(several("ntm", [0.5]), found)
    assert [row.agent for row in boards.by_suite["own"].ranked] == ["mine (yours)"]
    for own in found:
        own.write(tmp_path / "runs" / str(own.seed) / "result.json")
    show = [
        "leaderboard",
        "show",
        "--results",
        str(tmp_path / "runs"),
        "--suite",
        "own",
        "--tasks",
        f"{path}:ROW",
    ]
    assert cli.main(show) == 0
    printed = capsys.readouterr().out
    assert "scores, suite own" in printed
    assert "1 mine (yours)" in printed
    assert "suite classic" not in printed


def test_results_on_tasks_that_nobody_knows_are_left_out_and_named(capsys):
    unknown = result().model_copy(update={"task": "mine/Unknown-v0", "commitment": "b" * 64})
    for boards in (Boards.of([result(), unknown]), Boards.of([result()], [unknown])):
        assert [row.agent for row in boards.by_suite["classic"].rows] == ["ntm"]
        (left_out,) = boards.left_out
        assert "results on mine/Unknown-v0 are left out" in left_out
    report.print_boards(Console(), boards)
    assert "results on mine/Unknown-v0 are left out" in capsys.readouterr().out


def test_it_is_shown_where_weights_are_that_do_not_lie_beside_their_results():
    places = {"here": None, "history": HISTORY, "elsewhere": HELD}
    rows = board_of(found for name, held in places.items() for found in several(name, [0.5], held=held)).rows
    assert {row.agent: row.held for row in rows} == {
        "here": None,
        "history": "weights in the history",
        "elsewhere": "weights held elsewhere",
    }
    file = io.StringIO()
    report.print_boards(Console(file=file, width=120), Boards.of(several("history", [0.5], held=HISTORY)))
    assert "weights in the history" in file.getvalue()
