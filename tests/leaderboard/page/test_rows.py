"""The rows of the page in a real browser: marks, runs and pictures; and names, which are nothing but text."""

from browsers import browsing
from pages import HOSTILE, agents, synthetic, trained
from test_board import HELD, PROBE

from ntm_envs import tasks
from ntm_leaderboard.page.commands import command


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
    privileged = trained("a", 0.5, "copy", privileges=["task_channels"])
    opened = show([*privileged, *trained("a", 0.5, "ngrams"), *trained("lstm", 0.1, "ngrams")])
    badge = opened.locator(".badge", has_text="task_channels")
    assert opened.locator("#board > tbody").filter(has=badge).locator(".name").all_inner_texts() == ["a"]
    assert opened.locator("section.task").filter(has=badge).locator("h3").all_inner_texts() == ["Copy"]
    opened.close()


@browsing
def test_own_rows_are_marked_and_the_rungs_of_scores_are_named(show):
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
def test_an_agent_that_is_right_before_training_is_marked_and_has_no_rank(show):
    probe = PROBE | {"untrained": 0.75}
    by_hand = [
        found for task in ("copy", "repeat_copy") for found in trained("by-hand", 0.99, task, 1, probe=probe)
    ]
    opened = show([*by_hand, *trained("ntm", 0.5, "copy", 1)])
    for table in ("#board", "section.task .ranking"):
        row = opened.locator(f"{table} > tbody", has_text="by-hand").first
        assert row.locator(".badge.doubted").inner_text() == "not learnt"
        assert row.locator(".rank").inner_text() == "–"
    ranking = opened.locator("section.task .ranking").first
    assert ranking.locator("tbody:not(.reference) .name").all_inner_texts() == ["ntm", "by-hand"]
    assert "0.750" in ranking.locator("tbody", has_text="by-hand").inner_text()
    opened.close()


@browsing
def test_pictures_move_on_request(opened):
    figure = opened.locator(".machines figure").first
    button, image = figure.get_by_role("button"), figure.get_by_role("img")
    for pressed, name in (("true", "copy-ntm.gif"), ("false", "copy-ntm.png")):
        button.press("Enter")
        assert button.get_attribute("aria-pressed") == pressed
        assert image.get_attribute("src") == name
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 30


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
        *(
            "Copy",
            "1",
            "0.890",
            "0.500",
            "–",
            "900,000",
            "90",
            "9,000",
            results[1].commitment[:12],
            "verified",
        ),
        command(results[1], tasks.spec("copy")),
    ]
    assert runs.nth(1).locator("code").first.get_attribute("title") == results[1].commitment
    foreign = opened.get_by_role("button", name="zebra-10", exact=True)
    foreign.click()
    assert "ntm-envs train" not in opened.locator(f"#{foreign.get_attribute('aria-controls')}").inner_text()


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
