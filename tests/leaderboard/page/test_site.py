"""The site is written and served, and pictures of machines are drawn."""

from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest
from pages import build_quickly, quickly, trained
from PIL import Image
from test_board import HISTORY, several

from ntm_envs import tasks
from ntm_leaderboard import page
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.page.machines import MACHINES, draw
from ntm_leaderboard.page.site import FILES


def test_only_a_page_that_was_made_here_is_replaced(tmp_path):
    site = tmp_path / "deep" / "site"
    assert build_quickly(Boards.of(trained("first", 0.5, "copy")), site) == site / "index.html"
    build_quickly(Boards.of(trained("second", 0.5, "copy")), site)
    text = (site / "classic.html").read_text(encoding="utf-8")
    assert ">second<" in text
    assert ">first<" not in text
    others = {machine.name for machine in MACHINES if tasks.spec(machine.task).suite != "classic"}
    files = {name for name in FILES if name.partition(".")[0] not in others}
    assert {path.name for path in site.iterdir()} == files | {"index.html", "classic.html"}
    assert list(site.parent.iterdir()) == [site]
    (site / "CNAME").write_text("somebody's", encoding="utf-8")
    file, other = tmp_path / "file", tmp_path / "other"
    file.write_text("somebody's", encoding="utf-8")
    other.mkdir()
    (other / "page.css").write_text("somebody's", encoding="utf-8")
    for taken in (site, file, other):
        with pytest.raises(ValueError, match="is not a leaderboard's page alone"):
            page.build(Boards.of([]), taken)
    assert (site / "CNAME").exists()


def test_agents_that_were_not_trained_here_have_no_costs(tmp_path):
    text = build_quickly(Boards.of(several("oracle", [1.0])), tmp_path / "site")
    text = text.with_name("classic.html").read_text(encoding="utf-8")
    assert "Score against cost" not in text
    assert "ntm-envs train" not in text


def test_weights_in_the_history_are_named_and_no_link(tmp_path):
    text = build_quickly(Boards.of(several("ntm", [0.5], held=HISTORY)), tmp_path / "site")
    text = text.with_name("classic.html").read_text(encoding="utf-8")
    assert '<span class="badge">weights in the history</span>' in text
    assert f'title="{HISTORY["address"]}"' in text
    assert 'href="git:' not in text


def test_the_page_is_served_to_this_machine_until_that_is_over():
    with quickly(), page.serve(Boards.of(several("ntm", [1.0])), port=0) as address:
        assert address.startswith("http://127.0.0.1:")
        with urlopen(address) as answer:
            assert b"ntm-envs leaderboard" in answer.read()
    with pytest.raises(URLError):
        urlopen(address)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_a_picture_shows_a_machine_at_work_without_a_mistake(machine, tmp_path):
    size = draw(machine, tmp_path)
    with Image.open(tmp_path / f"{machine.name}.gif") as moving:
        assert moving.size == size
        sizes = {name: np.array([size]) for name, size in machine.sizes.items()}
        steps = tasks.get(machine.task).count_steps(np.array([0]), sizes)[0]
        assert moving.n_frames == steps + 1
