"""A model, its options and those of its learner get other names, and a committed row stays what it is."""

from dataclasses import dataclass, replace

import pytest
from committed import RESULTS, needs_weights

import ntm_baselines
from ntm_agents import TrainConfig, migrate
from ntm_agents.learners import supervised
from ntm_agents.migrate import Change, Format
from ntm_envs import tasks
from ntm_leaderboard.board import verify
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.board.rows import in_present_names
from ntm_leaderboard.harness import entrants
from ntm_leaderboard.harness.ladder import play_ladder
from ntm_leaderboard.page import commands
from ntm_leaderboard.results import Result

ROW = RESULTS / "associative_recall" / "lstm" / "seed-1"


class Network(ntm_baselines.LSTM):
    """The LSTM by another name."""

    def __init__(self, input_size, output_size, *, width, **options):
        super().__init__(input_size, output_size, hidden_size=width, **options)


@dataclass(frozen=True, kw_only=True)
class Config(TrainConfig):
    """Options of training, one of which has another name."""

    averaging: float = 0.99


@pytest.fixture
def renamed(monkeypatch):
    lines = (
        Format(models={"ntm_baselines:LSTM": Change(options={"hidden_size": "width"})}),
        Format(models={"ntm_baselines:LSTM": Change(name="ntm_baselines:Network")}),
        Format(learners={"supervised": Change(options={"ema_decay": "averaging"})}),
    )
    monkeypatch.setattr(migrate, "FORMATS", (*migrate.FORMATS, *lines))
    # What the change of the code itself would be.
    monkeypatch.setattr(ntm_baselines, "Network", Network, raising=False)
    monkeypatch.setattr(supervised, "ROW", replace(supervised.ROW, config=Config))
    agents = tuple(
        replace(row, entry="ntm_baselines:Network") if row.entry == "ntm_baselines:LSTM" else row
        for row in entrants.AGENTS
    )
    for module in (entrants, verify):
        monkeypatch.setattr(module, "AGENTS", agents)


@needs_weights
def test_a_committed_row_reads_checks_and_replays(renamed):
    claimed = verify.check(ROW)
    assert claimed.entry == "ntm_baselines.lstm:LSTM"  # as it was written
    entrant = entrants.from_run(ROW)
    assert isinstance(entrant.agent.model, Network)
    assert entrant.commitment == claimed.commitment
    first = claimed.rungs[0]
    (again,) = play_ladder(
        entrant.agent,
        entrant.spec,
        entrant.commitment,
        references=entrants.references(entrant.spec.make()),
        whole=entrant.trusted,
        rungs=[(first.sizes, first.sequences)],
    )
    found = claimed.model_copy(update={"rungs": [again]})
    assert not verify.differences(claimed.model_copy(update={"rungs": [first]}), found)


def test_a_committed_row_shows_present_names(renamed):
    result = Result.read(ROW / "result.json")
    shown = commands.configuration(result)
    assert '"width": 64' in shown
    assert '"averaging"' in shown
    assert not any(name in shown for name in ("hidden_size", "units", "ema_decay", "average"))
    assert in_present_names(result)["entry"] == "ntm_baselines:Network"
    (row,) = Boards.of([result]).by_suite["classic"].rows
    assert row.agent == "lstm"


def test_a_row_with_an_option_that_there_is_no_more_is_shown_as_it_was_written(monkeypatch):
    gone = Format(models={"ntm_baselines:LSTM": Change(dropped={"num_layers": 1})})
    monkeypatch.setattr(migrate, "FORMATS", (*migrate.FORMATS, gone))
    result = Result.read(ROW / "result.json")
    assert result.model["depth"] == 2
    assert '"depth": 2' in commands.configuration(result)
    assert commands.command(result, tasks.spec("associative_recall")) is None
    assert Boards.of([result]).by_suite["classic"].rows
    with pytest.raises(ValueError, match="num_layers=2, an option that no longer exists; expected 1"):
        verify.check(ROW)
