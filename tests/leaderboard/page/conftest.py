"""A browser, and pages that are open in it."""

import pytest
import vl_convert
from browsers import ARGUMENTS, CHROMIUM
from pages import quickly, synthetic
from playwright.sync_api import sync_playwright

from ntm_leaderboard import page
from ntm_leaderboard.board.boards import Boards


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def vega():
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


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
