"""Parts of documents: tables that agree with the logs, and cards of pretrained machines."""

from pathlib import Path

import pytest

from ntm_agents import load_run
from ntm_agents.pretrained import CHECKSUM, checksum
from ntm_envs import tasks
from ntm_leaderboard import cli
from ntm_leaderboard.docstrings import description, field_docs, paragraphs, section
from ntm_leaderboard.documents import model_card
from ntm_leaderboard.documents.ablations import ablation_table, of_one_recipe, read_log
from ntm_leaderboard.documents.markdown import cost_above_oracle, table
from ntm_leaderboard.documents.results import results_tables
from ntm_leaderboard.results import Result

ROOT = Path(__file__).parents[2]
LOGS = sorted((ROOT / "benchmarks" / "ablations").glob("*/*.jsonl"))


class Documented:
    """Describe it on a line
    and another.

    A second paragraph.

    Example:
        first
            indented

    Raises:
        nothing
    """

    one: int = 1
    """The first of
    two."""
    two: int = 2
    three: int = 3
    """The last."""


class Further(Documented):
    two: int = 4
    """It is described here."""


def test_docstrings_are_taken_apart():
    assert description(Documented) == ["Describe it on a line and another.", "A second paragraph."]
    assert section(Documented, "Example") == "first\n    indented"
    assert section(Documented, "Raises") == "nothing"
    assert section(Documented, "Returns") == ""
    assert field_docs(Documented) == {"one": "The first of two.", "three": "The last."}
    assert field_docs(Further) == field_docs(Documented) | {"two": "It is described here."}
    assert field_docs(type("Made", (), {})) == {}
    assert paragraphs("a\n b\n\n\nc\n") == ["a b", "c"]


def test_a_table_has_a_line_a_row():
    assert table(["a", "b"], [["1", "2"]], ["---", "---:"]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


@pytest.mark.parametrize("log", LOGS, ids=lambda log: f"{log.parent.name}-{log.stem}")
def test_the_page_of_ablations_has_the_tables_of_the_logs(log):
    page = (ROOT / "docs" / "ablations.md").read_text(encoding="utf-8")
    lines = read_log(log)
    assert lines
    assert ablation_table(tasks.spec(log.stem), of_one_recipe(lines, "")) in page


def line(recipe, ingredient, seed, options="", **changes):
    rungs = {"40": [seed, 0.5], "20": [0, 0.25]}
    return {"recipe": recipe, "ingredient": ingredient, "options": options, "seed": seed} | (
        changes or {"rungs": rungs}
    )


def test_a_table_of_ablations_shows_one_recipe_seed_by_seed():
    lines = [
        line("old", "nothing", 0),
        line("new", "gates", 1, "--sequences 9 --gates 0"),
        line("new", "nothing", 0, "--sequences 9"),
        line("new", "gates", 0, "--sequences 9 --gates 0", failed="not finite"),
    ]
    assert of_one_recipe(lines, "old") == lines[:1]
    assert of_one_recipe(lines, "newer") == lines[1:]
    assert of_one_recipe([], "old") == []
    shown = ablation_table(tasks.spec("copy"), lines[1:])
    assert shown.splitlines() == [
        "| without | 20 | 40 | options |",
        "| --- | --- | --- | --- |",
        "| gates | failed, 0 | failed, 1 | `--gates 0` |",
        "| nothing | 0 | 0 |  |",
    ]
    assert "| nothing | 0.25 | 0.5 |  |" in ablation_table(tasks.spec("ngrams"), lines[2:3])


def test_a_machine_is_published_with_its_card(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model_card, "PRETRAINED", tmp_path / "pretrained")
    few = "--model.hidden-size 6 --sequences 64 --batch-size 16 --validation-sequences 4"
    assert cli.main(["train", "--agent", "lstm", "--output", "run", *few.split()]) == 0
    assert cli.main(["evaluate", "run", "--up-to", "40", "--sequences", "4"]) == 0
    result = Result.read(Path("run/result.json"))
    folder = model_card.publish(Path("run"))
    assert folder == tmp_path / "pretrained" / "lstm" / "copy"
    assert load_run(folder)[1] == load_run(Path("run"))[1]
    assert (folder / CHECKSUM).read_text(encoding="utf-8") == checksum(folder)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card == model_card.model_card(result)
    assert "the machine of seed 0, which was not selected by its results" in card
    assert "the machine of seed 0, the best of two;" in model_card.model_card(result, "the best of two")
    assert "ntm-envs train --agent lstm --task copy --seed 0" in card
    assert result.commitment in card
    assert [row.split(" | ")[:2] for row in card.splitlines() if row.startswith("| ")][2:] == [
        ["| 20", "4"],
        ["| 40", "4"],
    ]
    tables = results_tables([result], ["lstm", "ntm"], [tasks.spec("copy")])
    assert "`lstm`" in tables
    assert "`ntm`" not in tables
    assert tables.startswith(
        "**Copy** by length, trained up to length 20: share of sequences without a wrong bit"
    )
    rung = result.rungs[0]
    assert cost_above_oracle(rung) == rung.score.cost_in_bits  # the oracle's is 0
    answers = rung.model_copy(update={"score": rung.score.model_copy(update={"cost_in_bits": None})})
    with pytest.raises(ValueError, match="has no cost in bits"):
        cost_above_oracle(answers)
    with pytest.raises(ValueError, match="was not trained"):
        model_card.model_card(result.model_copy(update={"training": None}))
