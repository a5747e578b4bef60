"""Protocols of published tables: their lengths, their accuracy, and the command."""

from itertools import pairwise
from pathlib import Path

import pytest

from ntm_envs import tasks
from ntm_leaderboard import cli
from ntm_leaderboard.harness.protocols import LENGTHS, PROTOCOLS, TOKENS
from ntm_leaderboard.results import Result


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
@pytest.mark.parametrize("spec", tasks.suite("formal"), ids=lambda spec: spec.name)
def test_lengths_are_spread_over_the_whole_range(protocol, spec):
    rungs = protocol.rungs(spec, 3)
    (name,) = spec.training
    lengths = [TOKENS[name](sizes[name]) for sizes, _ in rungs]
    assert len(lengths) == LENGTHS
    assert 0 <= lengths[0] - protocol.shortest <= 1  # some have odd or even lengths only
    assert 0 <= protocol.longest - lengths[-1] <= 1
    steps = {after - before for before, after in pairwise(lengths)}
    assert max(steps) - min(steps) <= 2
    assert {count for _, count in rungs} == {3}


@pytest.mark.parametrize("spec", tasks.suite("formal"), ids=lambda spec: spec.name)
def test_a_length_is_the_number_of_tokens_before_the_answer(spec):
    (name,) = spec.training
    size = spec.largest[name]
    batch = spec.make().episodes([1], **{name: size})
    assert batch.mask[:, 0].argmax() == TOKENS[name](size)


def test_every_length_counts_the_same(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ntm_leaderboard.harness.protocols.LENGTHS", 2)
    argv = ["evaluate", "--agent", "uniform", "--task", "reverse_string", "--protocol", "lengths-40-256"]
    assert cli.main([*argv, "--sequences", "4"]) == 0
    result = Result.read(Path("runs/reverse_string-uniform-lengths-40-256.json"))
    assert [rung.sizes["length"] for rung in result.rungs] == [40, 256]
    short, long = (rung.symbol_accuracy for rung in result.rungs)
    accuracy = PROTOCOLS["lengths-40-256"].accuracy(result)
    assert accuracy == pytest.approx((short + long) / 2)
    assert accuracy != pytest.approx(1 - sum(r.score.wrong_symbols for r in result.rungs) / (4 * 296))
    printed = capsys.readouterr().out
    assert f"mean token accuracy {accuracy:.3f}"[:-1] in printed
    assert "oracle: 1.000" in printed


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--task", "copy"], "copy is of the suite classic; the protocol lengths-41-500 is for tasks"),
        (["--task", "parity", "--up-to", "60"], "a protocol has its own lengths"),
        (["--task", "parity", "--sequences", "0"], "sequences is 0; expected at least 1"),
    ],
)
def test_what_has_no_protocol_is_refused(argv, message, capsys):
    assert cli.main(["evaluate", "--agent", "uniform", "--protocol", "lengths-41-500", *argv]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
