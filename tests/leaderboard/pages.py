"""Parts of tests of the page: results to show, and functions that find parts of an open page."""

from contextlib import contextmanager

import pytest
from PIL import Image
from test_board import TRAINING, several

from ntm_leaderboard.harness.entrants import agent_spec
from ntm_leaderboard.page import site

NAMES = ("copy", "repeat_copy")
SCORES = {"ntm": 0.9, "lstm": 0.3, "zebra-10": 0.6, "few": 0.99}
HOSTILE = "</script><script>document.title = 'taken'</script><img src=x onerror=\"document.title = 'taken'\">"


def trained(agent, score, task, count=5, track="supervised", recipe=None, **changes):
    training = TRAINING | {
        "sequences": int(score * 1_000_000),
        "seconds": 100 * score,
        "parameters": int(10_000 * score),
        "learner": "supervised" if track == "supervised" else "ppo",
        "track": track,
        "recipe": recipe or {},
    }
    scores = [score - 0.01 * seed for seed in range(count)]
    return several(agent, scores, task, training=training, **changes)


def synthetic():
    """Return results of four agents, one of them with too few seeds, and one that is verified."""
    return [
        found
        for agent, score in SCORES.items()
        for task in NAMES
        for found in trained(
            agent,
            score,
            task,
            3 if agent == "few" else 5,
            entry="mine.py:Model" if agent == "zebra-10" else agent_spec("ntm").entry,
            privileges=["long_validation"] if agent == "lstm" else [],
            status="verified" if agent == "ntm" else "self-reported",
        )
    ]


@contextmanager
def quickly(vega=""):
    """Build pages without the parts that take seconds."""

    def draw(machine, folder):
        for suffix in (".png", ".gif"):
            Image.new("RGB", (30, 20), (0, 0, len(suffix))).save(folder / f"{machine.name}{suffix}")
        return 30, 20

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.vl_convert, "javascript_bundle", lambda snippet: vega)
        patch.setattr(site, "draw", draw)
        yield


def build_quickly(boards, output):
    with quickly():
        return site.build(boards, output)


def agents(opened):
    return opened.locator("#board > tbody:not(.reference):visible > tr > th .name").all_inner_texts()


def heading(opened, name):
    return opened.locator("#board").get_by_role("columnheader", name=name, exact=True)


def marks(opened, chart, name):
    """Return the number of marks of a layer in a chart."""
    return opened.locator(f"#{chart} .{name}_marks > path").count()
