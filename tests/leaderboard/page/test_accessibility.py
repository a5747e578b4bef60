"""The page is for everybody: checked by axe, by names of controls and headings, and on a phone."""

from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsers import browsing
from pages import synthetic, trained


@browsing
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(show, scheme):
    opened = show(synthetic(), trained("mine", 0.5, "copy", status="doubted"), color_scheme=scheme)
    for control in opened.locator("button.open, summary").all():
        control.click()
    options = {"preload": False, "resultTypes": ["violations"]}  # without those that pass, which take longest
    found = Axe().run(opened, options=options).response["violations"]
    assert [(what["id"], [node["html"] for node in what["nodes"]]) for what in found] == []
    opened.close()


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
