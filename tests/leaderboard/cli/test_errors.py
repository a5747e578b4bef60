"""Mistakes on the command line get one line that names them, and what was meant; nothing is written."""

from pathlib import Path

import pytest
from own_files import MODEL

from ntm_leaderboard import cli


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["trian"], "did you mean 'train'"),
        (["train", "--task", "coppy"], "did you mean 'copy'"),
        (["train", "--agent", "ntmm"], "did you mean 'ntm'"),
        (
            ["train", "--agent", "./mine.py"],
            "expected the name of the agent in it too, such as ./mine.py:Name",
        ),
        (["submit"], "no judged run in no folder"),
        (["train", "--agent", "oracle"], "does not learn"),
        (["train", "--sequences", "0"], "sequences is 0"),
        (["train", "--model.hidden-size", "0"], "hidden_size is 0"),
        (["evaluate"], "one of the two"),
        (["evaluate", "nowhere"], "no run in nowhere"),
        (["evaluate", "--agent", "lstm"], "has to be trained first"),
        (
            ["evaluate", "--agent", "oracle", "--up-to", "3"],
            "no rung of copy is up to 3; the smallest",
        ),
        (["evaluate", "--agent", "oracle", "--sequences", "0"], "sequences is 0"),
        (["train", "--device", "cudaa"], "device is 'cudaa'"),
        (["train", "--seed", "-1"], "seed is -1"),
        (["train", "--curriculum", "lenth", "3"], "curriculum has lenth=3"),
        (["train", "--task", "repeat_copy", "--curriculum", "length", "30"], "curriculum has length=30"),
        (["bench", "--seeds", "0"], "seeds is 0"),
        (["bench", "--jobs", "0"], "jobs is 0"),
        (["bench", "--agents", "./mine.py:Mine", "./other.py:Mine"], "would share the folder"),
        (["watch", "--fps", "0"], "fps is 0"),
        (["watch", "--agent", "lstm"], "has to be trained first"),
        (["watch", "--output", "x.jpg"], "neither a .gif nor a .png"),
        (["bench", "--agents", "ntmm"], "did you mean 'ntm'"),
    ],
)
def test_mistakes_get_an_answer_that_helps(home, capsys, argv, message):
    try:
        code = cli.main(argv)
    except SystemExit as stop:  # the parser's own way of ending
        code = stop.code
    assert code == 2
    error = " ".join(capsys.readouterr().err.split())  # it may be wrapped
    assert message in error
    assert "Traceback" not in error
    assert not Path("runs").exists()


def test_errors_in_ones_own_file_say_where(home, capsys):
    Path("mine.py").write_text(MODEL.replace("return self.oracle.act", "raise ValueError('mine'); return"))
    assert cli.main(["evaluate", "--agent", "./mine.py:Acts", "--task", "copy", "--up-to", "20"]) == 2
    error = "".join(capsys.readouterr().err.split())  # it may be wrapped
    assert "mine.py" in error
    assert "line" in error
