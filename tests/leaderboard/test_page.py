"""The page is looked at in a real browser: what it shows, how it is used, and what it must never do."""

import os
import shutil
from itertools import pairwise

import pytest
from playwright.sync_api import sync_playwright
from test_board import several

from ntm_envs import tasks
from ntm_leaderboard import page
from ntm_leaderboard.board import Board
from ntm_leaderboard.statistics import bootstrap_interval, task_score

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


def trained(agent, score, task, count=5, **changes):
    training = {
        "sequences": int(score * 1_000_000),
        "seconds": 100 * score,
        "restarts": 0,
        "dropped_updates": 0,
        "parameters": int(10_000 * score),
        "state_values": 5,
        "recipe": {},
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
            entry="mine.py:Model" if agent == "zebra-10" else "ntm_agents.ntm:NTM",
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


@pytest.fixture(scope="module")
def show(browser, vega, tmp_path_factory):
    """Return a function that builds the page of results and opens it; complaints fail the module."""
    complaints = []

    def show(results, **options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(page.vl_convert, "javascript_bundle", lambda snippet: vega)  # it takes seconds
            path = page.build(Board.of(results), tmp_path_factory.mktemp("page") / "site")
        opened = browser.new_page(**options)
        opened.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on(
            "request",
            lambda request: request.url.startswith(("file://", "data:")) or complaints.append(request.url),
        )
        opened.goto(path.as_uri())
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
    return opened.locator("#board > tbody:visible > tr > th .name").all_inner_texts()


def heading(opened, name):
    return opened.locator("#board").get_by_role("columnheader", name=name, exact=True)


def marks(opened, chart, name):
    """Return how many marks of a layer are drawn in a chart."""
    return opened.locator(f"#{chart} .{name}_marks > path").count()


@browsing
def test_the_ranked_come_first_and_all_that_the_board_knows_is_there(opened):
    assert agents(opened) == ["ntm", "zebra-10", "lstm", "few"]
    rows = opened.locator("#board > tbody > tr:not(.details)")
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
        "ntm-envs train --agent ntm --task copy --seed 1",
    ]
    assert runs.nth(1).locator("code").first.get_attribute("title") == results[1].commitment
    foreign = opened.get_by_role("button", name="zebra-10", exact=True)
    foreign.click()
    assert "ntm-envs train" not in opened.locator(f"#{foreign.get_attribute('aria-controls')}").inner_text()


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
    data = whole.evaluate("document.getElementById('cost-parameters').view.data('costs')")
    (point,) = [point for point in data if (point["agent"], point["task"]) == ("lstm", "Copy")]
    scores = [task_score(r, tasks.spec("copy")) for r in results if r.agent == "lstm" and "/Copy" in r.task]
    assert point["score"] == pytest.approx(sum(scores) / 5)
    assert [point[field] for field in page.COSTS] == [3000, 300_000, 30]


@browsing
def test_agents_are_switched_on_and_off_in_the_charts_of_a_task(whole):
    legend = whole.locator(".legend").first
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
    assert whole.locator(".chart[aria-label*=against]").count() == whole.locator(".chart").count() == 6


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
        for found in trained("hostile", 0.5, "copy", entry="ntm_agents.ntm:NTM")
    ]
    opened = show(hostile)
    assert agents(opened) == [HOSTILE]
    assert opened.title() == "ntm-envs leaderboard"
    assert opened.locator("img").count() == 0
    opened.locator("#copy-length .points_marks > path").first.hover()
    opened.wait_for_selector("#vg-tooltip-element.visible")
    assert opened.locator("img").count() == 0
    opened.locator("button.open").click()
    assert f"--agent '{HOSTILE.split(chr(39))[0]}" in opened.locator(".details code").last.inner_text()
    opened.close()


def test_only_a_page_that_was_made_here_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(page.vl_convert, "javascript_bundle", lambda snippet: "")
    site = tmp_path / "deep" / "site"
    assert page.build(Board.of(trained("before", 0.5, "copy")), site) == site / "index.html"
    page.build(Board.of(trained("after", 0.5, "copy")), site)
    text = (site / "index.html").read_text()
    assert "after" in text
    assert "before" not in text
    assert {path.name for path in site.iterdir()} == page.FILES
    assert list(site.parent.iterdir()) == [site]
    (site / "CNAME").write_text("somebody's")
    file = tmp_path / "file"
    file.write_text("somebody's")
    for taken in (site, file):
        with pytest.raises(ValueError, match="is not a leaderboard's page alone"):
            page.build(Board.of([]), taken)
    assert (site / "CNAME").exists()


def test_agents_that_were_not_trained_here_have_no_costs(tmp_path, monkeypatch):
    monkeypatch.setattr(page.vl_convert, "javascript_bundle", lambda snippet: "")
    text = page.build(Board.of(several("oracle", [1.0])), tmp_path / "site").read_text()
    assert "Score against cost" not in text
    assert "ntm-envs train" not in text
