"""The page is looked at in a real browser: what it shows, how it is used, and what it must never do."""

import json
import os
import shlex
import shutil
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import sync_playwright
from test_board import HELD, HISTORY, TRAINING, result, several

from ntm_agents import Run, TrainConfig
from ntm_agents.learners import supervised
from ntm_envs import tasks
from ntm_leaderboard import cli, page
from ntm_leaderboard.board.boards import Boards
from ntm_leaderboard.board.statistics import bootstrap_interval, task_score
from ntm_leaderboard.harness.entrants import new_run
from ntm_leaderboard.results import Result

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
browsing = pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ, reason="there is no Chromium to look at the page with"
)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
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


class Stopped:
    """A trainer that keeps what it is to train, and does not."""

    made: list[Run]

    def __init__(self, run, folder, **_):
        self.made.append(run)
        raise ValueError("it was only to be looked at")


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
            entry="mine.py:Model" if agent == "zebra-10" else "ntm_agents:NTM",
            privileges=["long_validation"] if agent == "lstm" else [],
            status="verified" if agent == "ntm" else "self-reported",
        )
    ]


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def vega():
    return page.vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


@contextmanager
def quickly(vega=""):
    """Build pages without what takes seconds."""

    def draw(machine, folder):
        for suffix in (".png", ".gif"):
            Image.new("RGB", (30, 20), (0, 0, len(suffix))).save(folder / f"{machine.name}{suffix}")
        return 30, 20

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page.vl_convert, "javascript_bundle", lambda snippet: vega)
        patch.setattr(page, "draw", draw)
        yield


def build_quickly(boards, site):
    with quickly():
        return page.build(boards, site)


@pytest.fixture(scope="module")
def show(browser, vega, tmp_path_factory):
    """Return a function that builds the page of results and opens it; complaints fail the module."""
    complaints = []

    def show(results, own=(), **options):
        with quickly(vega):
            index = page.build(Boards.of(results, own), tmp_path_factory.mktemp("page") / "site")
        opened = browser.new_page(**options)
        opened.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on(
            "request",
            lambda request: request.url.startswith(("file://", "data:")) or complaints.append(request.url),
        )
        opened.goto(index.with_name("classic.html").as_uri())
        opened.wait_for_selector("body[data-drawn]")
        return opened

    yield show
    assert not complaints


@pytest.fixture(scope="module")
def whole(show):
    return show(synthetic(), viewport={"width": 1280, "height": 900})


@pytest.fixture
def opened(whole):
    whole.reload()
    whole.wait_for_selector("body[data-drawn]")
    return whole


def agents(opened):
    return opened.locator("#board > tbody:not(.reference):visible > tr > th .name").all_inner_texts()


def heading(opened, name):
    return opened.locator("#board").get_by_role("columnheader", name=name, exact=True)


def marks(opened, chart, name):
    """Return how many marks of a layer are drawn in a chart."""
    return opened.locator(f"#{chart} .{name}_marks > path").count()


@browsing
def test_the_ranked_come_first_and_all_that_the_board_knows_is_there(opened):
    assert agents(opened) == ["ntm", "zebra-10", "lstm", "few"]
    rows = opened.locator("#board > tbody:not(.reference) > tr:not(.details)")
    texts = [text.split() for text in rows.all_inner_texts()]
    assert [text[0] for text in texts] == ["1", "2", "3", "–"]
    low, high = bootstrap_interval(*[[0.9 - 0.01 * seed for seed in range(5)]] * 2)
    assert texts[0][2:6] == ["0.880", f"{low:.3f}", "to", f"{high:.3f}"]
    assert texts[0][6:10] == ["0.880", "0.880", "5", "900,000"]
    assert (texts[0][-1], texts[1][-1]) == ("yes", "no")
    assert opened.locator(".counts dd").all_inner_texts()[:3] == ["4", "2", "36"]


@browsing
def test_a_click_on_a_heading_sorts_and_another_one_turns_it_round(opened):
    heading(opened, "Agent").get_by_role("button").click()
    assert agents(opened) == ["few", "lstm", "ntm", "zebra-10"]
    assert heading(opened, "Agent").get_attribute("aria-sort") == "ascending"
    heading(opened, "Parameters").get_by_role("button").press("Enter")
    assert agents(opened) == ["few", "ntm", "zebra-10", "lstm"]
    assert heading(opened, "Agent").get_attribute("aria-sort") == "none"
    assert heading(opened, "Parameters").get_attribute("aria-sort") == "descending"
    heading(opened, "Parameters").get_by_role("button").press("Space")
    assert agents(opened) == ["lstm", "zebra-10", "ntm", "few"]
    for expected in (["ntm", "zebra-10", "lstm", "few"], ["lstm", "zebra-10", "ntm", "few"]):
        heading(opened, "Rank").get_by_role("button").click()
        assert agents(opened) == expected, "those without a rank stay last"


@browsing
def test_the_filter_leaves_the_agents_whose_names_have_the_text(opened):
    opened.get_by_label("Filter by agent").fill("TM")
    assert agents(opened) == ["ntm", "lstm"]
    assert opened.get_by_role("status").inner_text() == "2 of 4 agents"
    opened.get_by_label("Filter by agent").fill("")
    assert len(agents(opened)) == 4


@browsing
def test_ranks_are_those_among_the_tracks_and_classes_that_are_chosen(show):
    configurations = {"a": ("supervised", {}), "b": ("supervised", {"x": 0}), "c": ("reward", {})}
    results = [
        found
        for agent, (track, recipe) in configurations.items()
        for name in NAMES
        for found in trained(agent, {"a": 0.9, "b": 0.05, "c": 0.5}[agent], name, track=track, recipe=recipe)
        if not recipe or name == "copy"
    ] + trained("b", 0.05, "repeat_copy", recipe={"x": 1})
    opened = show(results)

    def ranks():
        shown = opened.locator("#board > tbody:not(.reference):visible > tr:not(.details) > td.rank")
        return dict(zip(agents(opened), shown.all_inner_texts(), strict=True))

    assert ranks() == {"a": "1", "b": "2", "c": "1"}
    assert opened.locator("#board .badge", has_text="from rewards alone").count() == 1
    opened.get_by_label("Sequences seen", exact=True).select_option("100 thousand")
    assert ranks() == {"b": "1"}
    opened.get_by_label("Sequences seen", exact=True).select_option("1 million")
    assert ranks() == {"a": "1", "b": "2", "c": "1"}
    opened.get_by_label("Configuration", exact=True).select_option("yes")
    assert ranks() == {"b": "1"}
    opened.get_by_label("Configuration", exact=True).select_option("no")
    assert ranks() == {"a": "1", "c": "1"}
    opened.get_by_label("Learnt from", exact=True).select_option("reward")
    assert ranks() == {"c": "1"}
    opened.get_by_label("Filter by agent").fill("none")
    assert not agents(opened)
    assert opened.locator(".reference:visible th").all_inner_texts()[:2] == ["oracle", "constant"]
    opened.close()


@browsing
def test_the_lstm_stays_to_be_compared_with(show):
    results = [*trained("lstm", 0.9, "copy"), *trained("a", 0.5, "copy", track="reward")]
    opened = show([*results, *trained("b", 0.05, "copy")])
    opened.get_by_label("Learnt from", exact=True).select_option("reward")
    assert agents(opened) == ["lstm", "a"]
    task = opened.locator("section.task table.ranking")
    assert task.locator(".badge", has_text="from rewards alone").count() == 1
    opened.close()


@browsing
def test_a_claim_that_did_not_come_out_is_marked(show):
    first, *others = trained("a", 0.5, "copy", status="verified")
    opened = show([first.model_copy(update={"status": "doubted"}), *others])
    for table in (opened.locator("#board"), opened.locator("section.task table.ranking")):
        row = table.locator("tbody", has_text="doubted")
        assert row.locator(".badge").all_inner_texts() == ["doubted"]
    opened.close()


@browsing
def test_privileges_are_shown_on_the_tasks_that_they_were_taken_on(show):
    told = trained("a", 0.5, "copy", privileges=["task_channels"])
    opened = show([*told, *trained("a", 0.5, "ngrams"), *trained("lstm", 0.1, "ngrams")])
    badge = opened.locator(".badge", has_text="task_channels")
    assert opened.locator("#board > tbody").filter(has=badge).locator(".name").all_inner_texts() == ["a"]
    assert opened.locator("section.task").filter(has=badge).locator("h3").all_inner_texts() == ["Copy"]
    opened.close()


@browsing
def test_ones_own_rows_are_marked_and_what_scores_are_over_is_said(show):
    shorter = [
        found.model_copy(update={"rungs": found.rungs[:3]})
        for found in trained("ntm", 0.5, "copy", held=HELD, privileges=["long_validation"])
    ]
    opened = show(synthetic(), shorter)
    own = opened.locator("#board > tbody.own")
    assert own.locator(".name").inner_text() == "ntm (yours)"
    assert own.locator(".badge").all_inner_texts() == [
        "weights held elsewhere",
        "long_validation",
        "no",
    ]
    own.get_by_role("button").click()
    assert own.get_by_role("link").first.get_attribute("href") == HELD["address"]
    assert "On Copy, scores are over length 40, 80 alone" in opened.locator(".note").inner_text()
    opened.close()


@browsing
def test_pictures_move_when_they_are_told_to(opened):
    figure = opened.locator(".machines figure").first
    button, image = figure.get_by_role("button"), figure.get_by_role("img")
    for pressed, name in (("true", "copy-ntm.gif"), ("false", "copy-ntm.png")):
        button.press("Enter")
        assert button.get_attribute("aria-pressed") == pressed
        assert image.get_attribute("src") == name
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 30


@browsing
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(show, scheme):
    opened = show(synthetic(), trained("mine", 0.5, "copy", status="doubted"), color_scheme=scheme)
    for control in opened.locator("button.open, summary").all():
        control.click()
    options = {"preload": False, "resultTypes": ["violations"]}  # what passes is not told: that takes longest
    found = Axe().run(opened, options=options).response["violations"]
    assert [(what["id"], [node["html"] for node in what["nodes"]]) for what in found] == []
    opened.close()


@browsing
def test_each_suite_has_a_page_and_all_are_listed(show):
    opened = show(synthetic(), trained("mine", 0.5, "parity"))
    opened.get_by_role("link", name="ntm-envs leaderboard").click()
    assert opened.locator("h3").all_inner_texts() == ["classic", "formal"]
    assert "1 agent." in opened.locator("section[aria-labelledby=formal] p").first.inner_text()
    found = (
        Axe().run(opened, options={"preload": False, "resultTypes": ["violations"]}).response["violations"]
    )
    assert [what["id"] for what in found] == []
    opened.get_by_role("link", name="formal").click()
    opened.wait_for_selector("body[data-drawn]")
    assert opened.title() == "formal: ntm-envs leaderboard"
    assert agents(opened) == ["mine (yours)"]
    assert opened.locator(".machines").count() == 0, "no machine comes trained on a task of this suite"
    opened.close()


@browsing
def test_a_row_opens_to_its_runs_and_closes(opened):
    results = [found for found in synthetic() if found.agent == "ntm"]
    button = opened.get_by_role("button", name="ntm", exact=True)
    details = opened.locator(f"#{button.get_attribute('aria-controls')}")
    for act in (button.click, lambda: button.press("Enter"), lambda: button.press("Space")):
        assert not details.is_visible()
        act()
        assert details.is_visible()
        assert button.get_attribute("aria-expanded") == "true"
        button.click()
        assert button.get_attribute("aria-expanded") == "false"
    button.click()
    runs = details.locator("tbody tr")
    assert runs.count() == len(results)
    assert runs.nth(1).locator("th, td").all_inner_texts() == [
        *("Copy", "1", "0.890", "0.500", "900,000", "90", "9,000", results[1].commitment[:12], "verified"),
        page._command(results[1], tasks.spec("copy")),
    ]
    assert runs.nth(1).locator("code").first.get_attribute("title") == results[1].commitment
    foreign = opened.get_by_role("button", name="zebra-10", exact=True)
    foreign.click()
    assert "ntm-envs train" not in opened.locator(f"#{foreign.get_attribute('aria-controls')}").inner_text()


def test_weights_in_the_history_are_named_and_no_link(tmp_path):
    text = build_quickly(Boards.of(several("ntm", [0.5], held=HISTORY)), tmp_path / "site")
    text = text.with_name("classic.html").read_text()
    assert '<span class="badge">weights in the history</span>' in text
    assert f'title="{HISTORY["address"]}"' in text
    assert 'href="git:' not in text


def test_no_two_of_a_dozen_agents_look_alike_in_points_or_in_lines():
    dozen = Boards.of(result(f"agent-{i}", commitment=f"{i:064}") for i in range(12))
    found = page._content(dozen.by_suite["classic"])["marks"]
    assert len({(mark["colour"], mark["shape"]) for mark in found.values()}) == 12
    assert len({(mark["colour"], *mark["dash"]) for mark in found.values()}) == 12


def test_a_run_from_rewards_has_its_command():
    recipe = new_run("ppo", "copy").resolved()
    training = TRAINING | {"recipe": recipe["train"], "learner": "ppo", "track": "reward"}
    row = result(agent="ppo", entry=recipe["entry"], model=recipe["model"], training=training)
    row = Result.model_validate_json(row.model_dump_json())
    assert page._command(row, tasks.spec("copy")) == "ntm-envs train --agent ppo --task copy --seed 0"


def test_the_command_that_trains_again_is_there_where_it_does():
    recall = tasks.spec("associative_recall")
    recipe = new_run("ntm", "associative_recall").resolved()
    training = TRAINING | {"recipe": recipe["train"]}
    again = result(task="associative_recall", seed=3, model=recipe["model"], training=training)
    again = Result.model_validate_json(again.model_dump_json())
    assert page._command(again, recall) == "ntm-envs train --agent ntm --task associative_recall --seed 3"
    for changes in (
        {"agent": "mine"},
        {"training": None},
        {"model": again.model | {"option_that_is_gone": 6}},
        {"training": again.training.model_copy(update={"learner": "ppo"})},
    ):
        assert page._command(again.model_copy(update=changes), recall) is None
    before = recipe["train"] | {
        "sequences": 7,
        "mixed_sizes": not recipe["train"]["mixed_sizes"],
        "task_overrides": {"near_misses": 0.25, "blank": 0.5},
        "sizes": {},
        "curriculum": {"items": 3},
        "privileges": ("best_of_seeds",),
    }
    del before["restarts"]  # which came later
    older = again.model_copy(
        update={
            "training": again.training.model_copy(update={"recipe": before}),
            "model": again.model
            | {"gate_bias": [-4.0, 0.5, 1.0], "orthogonal_init": False, "memory_slots": 64, "shift_bias": []},
        }
    )
    older = Result.model_validate_json(older.model_dump_json())
    command = shlex.split(page._command(older, recall))
    assert command[:6] == ["ntm-envs", "train", "--agent", "ntm", "--task", "associative_recall"]
    with pytest.MonkeyPatch.context() as patch:  # the command line understands it, and makes the same of it
        made = []
        patch.setattr(supervised, "ROW", replace(supervised.ROW, trainer=f"{__name__}:Stopped"))
        patch.setattr(Stopped, "made", made, raising=False)
        assert cli.main(command[1:]) == 2
    (run,) = made
    assert run.train == TrainConfig(**before)
    assert json.loads(json.dumps(run.model)) == older.model


@browsing
def test_the_charts_hold_what_was_measured(whole):
    results = synthetic()
    for name in NAMES:
        spec = tasks.spec(name)
        mine = [found for found in results if found.task == spec.env_id]
        for size, rungs in spec.ladders.items():
            chart = f"{name}-{size}"
            data = whole.evaluate(
                "id => ['seeds', 'means'].map(name => document.getElementById(id).view.data(name))", chart
            )
            assert [len(part) for part in data] == [len(rungs) * len(mine), len(rungs) * len(SCORES)]
            assert {point["size"] for point in data[1]} == {rung[size] for rung in rungs}
            assert marks(whole, chart, "points") == len(rungs) * len(SCORES)
            assert marks(whole, chart, "lines") == marks(whole, chart, "bands") == len(SCORES)
            assert marks(whole, chart, "trained") == 1
    data = whole.evaluate("document.getElementById('profiles').view.data('profiles')")
    ranked = {row.agent: row for row in Boards.of(results).by_suite["classic"].ranked}
    assert {point["agent"] for point in data} == set(ranked)
    assert all(point["share"] == ranked[point["agent"]].share_above(point["score"]) for point in data)
    assert marks(whole, "profiles", "lines") == len(ranked)
    data = whole.evaluate("document.getElementById('cost-parameters').view.data('costs')")
    (point,) = [point for point in data if (point["agent"], point["task"]) == ("lstm", "Copy")]
    scores = [task_score(r, tasks.spec("copy")) for r in results if r.agent == "lstm" and "/Copy" in r.task]
    assert point["score"] == pytest.approx(sum(scores) / 5)
    assert [point[field] for field in page.COSTS] == [3000, 300_000, 30]


@browsing
def test_agents_are_switched_on_and_off_in_the_charts_of_a_task(whole):
    legend = whole.locator("[data-charts=copy-length]")
    legend.get_by_label("ntm", exact=True).uncheck()
    whole.wait_for_function("document.querySelectorAll('#copy-length .lines_marks > path').length === 3")
    assert marks(whole, "repeat_copy-length", "lines") == 4
    legend.get_by_label("ntm", exact=True).press("Space")
    whole.wait_for_function("document.querySelectorAll('#copy-length .lines_marks > path').length === 4")


@browsing
def test_costs_are_those_of_all_tasks_or_of_one(whole):
    for field in page.COSTS:
        assert marks(whole, f"cost-{field}", "points") == 4
    whole.get_by_label("Task", exact=True).select_option("Repeat Copy")
    assert whole.evaluate("document.getElementById('cost-seconds').view.signal('task')") == "Repeat Copy"


@browsing
def test_charts_are_drawn_anew_when_the_colours_change(whole):
    whole.emulate_media(color_scheme="dark")
    whole.wait_for_selector("body[data-drawn=dark]")
    assert marks(whole, "copy-length", "lines") == 4
    whole.emulate_media(color_scheme="light")
    whole.wait_for_selector("body[data-drawn=light]")


@browsing
def test_every_control_has_a_name_and_headings_do_not_jump(whole):
    nameless = """[...document.querySelectorAll('a, button, input, select, summary, [role=region]')].filter(
        element => !(element.ariaLabel || element.labels?.[0]?.textContent || element.textContent).trim())"""
    assert whole.evaluate(f"{nameless}.map(element => element.outerHTML)") == []
    found = whole.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
    assert found.count(1) == 1
    assert found[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(found))
    assert whole.evaluate("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == (
        whole.locator("[id]").count()
    )
    for landmark in ("banner", "main", "contentinfo", "navigation"):
        assert whole.get_by_role(landmark).count() == 1
    assert whole.locator(".chart[aria-label*=score], .chart[aria-label*=against]").count() == 7
    assert whole.locator(".chart").count() == 7


@browsing
def test_a_phone_scrolls_tables_and_not_the_page(show):
    phone = show(synthetic(), viewport={"width": 390, "height": 844})
    for button in phone.locator("button.open, summary").all():
        button.click()
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    assert phone.evaluate("document.querySelector('.scroll').scrollWidth") > 390
    phone.close()


@browsing
def test_names_of_agents_are_nothing_but_text(show):
    hostile = [
        found.model_copy(update={"agent": HOSTILE, "privileges": [HOSTILE]})  # as if nobody had checked them
        for found in trained("hostile", 0.5, "copy", entry="ntm_agents:NTM")
    ]
    opened = show(hostile)
    assert agents(opened) == [HOSTILE]
    assert opened.title() == "classic: ntm-envs leaderboard"
    assert opened.locator("img:not(.machines img)").count() == 0
    opened.locator("#copy-length .points_marks > path").first.hover()
    opened.wait_for_selector("#vg-tooltip-element.visible")
    assert opened.locator("img:not(.machines img)").count() == 0
    opened.locator("button.open").click()
    assert HOSTILE in opened.locator(".details p").first.inner_text()
    opened.close()


def test_only_a_page_that_was_made_here_is_replaced(tmp_path):
    site = tmp_path / "deep" / "site"
    assert build_quickly(Boards.of(trained("before", 0.5, "copy")), site) == site / "index.html"
    build_quickly(Boards.of(trained("after", 0.5, "copy")), site)
    text = (site / "classic.html").read_text()
    assert "after" in text
    assert "before" not in text
    assert {path.name for path in site.iterdir()} == page.FILES | {"index.html", "classic.html"}
    assert list(site.parent.iterdir()) == [site]
    (site / "CNAME").write_text("somebody's")
    file, other = tmp_path / "file", tmp_path / "other"
    file.write_text("somebody's")
    other.mkdir()
    (other / "page.css").write_text("somebody's")
    for taken in (site, file, other):
        with pytest.raises(ValueError, match="is not a leaderboard's page alone"):
            page.build(Boards.of([]), taken)
    assert (site / "CNAME").exists()


def test_agents_that_were_not_trained_here_have_no_costs(tmp_path):
    text = build_quickly(Boards.of(several("oracle", [1.0])), tmp_path / "site")
    text = text.with_name("classic.html").read_text()
    assert "Score against cost" not in text
    assert "ntm-envs train" not in text


def test_the_page_is_served_to_this_machine_until_that_is_over():
    with quickly(), page.serve(Boards.of(several("ntm", [1.0])), port=0) as address:
        assert address.startswith("http://127.0.0.1:")
        with urlopen(address) as answer:
            assert b"ntm-envs leaderboard" in answer.read()
    with pytest.raises(URLError):
        urlopen(address)


@pytest.mark.parametrize("machine", page.MACHINES, ids=lambda machine: machine.name)
def test_a_picture_shows_a_machine_at_work_without_a_mistake(machine, tmp_path):
    size = page.draw(machine, tmp_path)
    with Image.open(tmp_path / f"{machine.name}.gif") as moving:
        assert moving.size == size
        assert moving.n_frames == tasks.get(machine.task).steps(**machine.sizes) + 1
