"""One result, whatever it has in its fields, harms no page of others."""

import json
from functools import reduce

import pytest
from pages import build_quickly, trained
from pydantic import ValidationError
from test_board import HELD, PROBE, TRAINING, result

from ntm_leaderboard import cli
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.fields import explain
from ntm_leaderboard.page import site
from ntm_leaderboard.page.commands import command, configuration
from ntm_leaderboard.page.content import content
from ntm_leaderboard.results import Result

HONEST = [result("ntm", score=0.8), result("lstm", score=0.3)]
DEEP = reduce(lambda inner, _: [inner], range(90), [])
VALUES = (
    *(10**400, 10**18, -(10**400), -1, 0, 1e308, -1e308, float("nan"), float("inf"), True, None),
    *("", "x" * 10**5, "n\u200dtm", "\u043dtm", "<script>", "../../etc", "\x1b[2J", "os:system"),
    *([], {}, DEEP, [1] * 10**4, {"k" * 10**5: 1}, {"a": {"b": DEEP}}),
)

TRAINED = TRAINING | {"steps": 5, "kernel": "fused", "recipe": {"sequences": 100}}
RECORD = result(
    "other", score=0.5, training=TRAINED, held=HELD, probe=PROBE, privileges=["best_of_seeds"]
).model_dump_json()


def leaves(part, path=()):
    """Yield the paths of all parts of a record."""
    if path:
        yield path
    items = part.items() if isinstance(part, dict) else enumerate(part[:1]) if isinstance(part, list) else ()
    for name, inner in items:
        yield from leaves(inner, (*path, name))


def altered():
    """Yield records that have one of the values in place of one of their parts."""
    for path in leaves(json.loads(RECORD)):
        for value in VALUES:
            record = json.loads(RECORD)
            part = record
            for name in path[:-1]:
                part = part[name]
            part[path[-1]] = value
            yield record


def test_a_field_beyond_measure_is_refused_or_does_no_harm():
    accepted, reasons = [], []
    for i, record in enumerate(altered()):
        try:
            found = Result.model_validate_json(json.dumps(record))
        except ValidationError as error:
            reasons.append(explain(error))
            continue
        own = {"agent": f"other-{i}", "commitment": f"{i:064x}", "probe": None}
        accepted.append(found.model_copy(update=own))
    assert len(accepted) > 50
    assert all(reason.isascii() and len(reason) < 1000 for reason in reasons)
    before, boards = Boards.of(HONEST).by_suite["classic"], Boards.of(HONEST, accepted)
    board = boards.by_suite["classic"]
    assert [row for row in board.rows if not row.own] == list(before.rows)
    assert len(board.rows) + len(boards.left_out) == len(HONEST) + len(accepted)
    text = json.dumps(content(board)["charts"], allow_nan=False)
    assert len(text) < 10_000 * len(accepted)
    for row in board.rows:
        assert len(configuration(row.results[0])) < 10_000


def test_a_bad_file_is_named_and_all_others_are_shown(tmp_path, capsys):
    for seed, found in enumerate(trained("mine", 0.5, "copy", 2)):
        found.write(tmp_path / "runs" / str(seed) / "result.json")
    bad = tmp_path / "runs" / "bad" / "result.json"
    record = json.loads(RECORD)
    record["rungs"][0]["sequences"] = 10**400
    for text, reason in (
        (json.dumps(record), "rungs.0.sequences: Input should be less than or equal to"),
        ("[" * 10**5, "recursion"),
        ('{"agent": "\xff', "Invalid JSON"),
        ("{}", "schema_version: Field required"),
    ):
        bad.parent.mkdir(exist_ok=True)
        bad.write_text(text, encoding="latin-1")
        assert cli.main(["leaderboard", "show", "--alone", "--results", str(tmp_path / "runs")]) == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert f"{bad} is left out" in printed.replace("result. json", "result.json")
        assert reason in printed
        assert "mine" in printed
    boards = Boards.read([tmp_path / "runs"], shipped=False)
    index = build_quickly(boards, tmp_path / "site")
    assert str(bad) in index.read_text(encoding="utf-8")
    assert "mine" in index.with_name("classic.html").read_text(encoding="utf-8")


def test_the_page_has_no_numbers_that_are_no_json(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "content", lambda board: content(board) | {"charts": {"a": float("nan")}})
    with pytest.raises(ValueError, match="not JSON compliant"):
        build_quickly(Boards.of(HONEST), tmp_path / "site")


def test_the_page_imports_no_module_that_a_result_names(tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("raise SystemExit('executed')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for entry in ("evil.py:NTM", "evil:NTM", "./evil.py:NTM"):
        found = result("ntm", entry=entry, training=TRAINING)
        assert command(found, Boards.of([found]).by_suite["classic"].specs[0]) is None
