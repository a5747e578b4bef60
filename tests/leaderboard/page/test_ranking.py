"""The ranking in a real browser: its order, its filter and its controls."""

from axe_playwright_python.sync_playwright import Axe
from browsers import browsing
from pages import NAMES, agents, heading, synthetic, trained

from ntm_leaderboard.board.statistics import bootstrap_interval


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
    assert opened.locator(".machines").count() == 0, "no machine is pretrained on a task of this suite"
    opened.close()
