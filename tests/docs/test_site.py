"""The documentation is built without a warning, is complete, and works without a network."""

import html.parser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsers import ARGUMENTS, CHROMIUM, browsing
from playwright.sync_api import sync_playwright

import ntm_agents
import ntm_baselines
from ntm_envs import tasks
from ntm_leaderboard.page.machines import MACHINES

ROOT = Path(__file__).parents[2]
LOOKED_AT = (
    "index",
    "quick-start",
    "verify-a-row",
    "results-by-seed",
    "generated/tasks/classic/copy",
    "generated/agents/ntm",
    "generated/machines/index",
    "generated/leaderboard/index",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site from a copy of `docs`, as generated pages are written into it."""
    folder = tmp_path_factory.mktemp("site")
    copy, built = folder / "copy", folder / "built"
    shutil.copytree(ROOT / "docs", copy / "docs", ignore=shutil.ignore_patterns("generated", "__pycache__"))
    for path in ROOT.iterdir():
        if path.name != "docs":
            (copy / path.name).symlink_to(path)
    options = ["--fail-on-warning", "--quiet", "--doctree-dir", str(folder / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *options, str(copy / "docs"), str(built)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return built


class Links(html.parser.HTMLParser):
    """The targets of a page's links and pictures, and its anchors."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.targets += [found[name] for name in ("href", "src") if found.get(name)]
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}


def leads_to(site, page):
    """Return the pages to which the text of a page has links."""
    text = (site / page).read_text(encoding="utf-8")
    article = text[text.index("<article") : text.index("</article>")]
    targets = re.findall(r'href="([^"#]+\.html)', article)
    return {os.path.normpath(os.path.join(os.path.dirname(page), target)) for target in targets}


def test_the_start_page_has_a_door_for_each_kind_of_user(site):
    text = (site / "index.html").read_text(encoding="utf-8")
    doors = re.findall(r"<tr.*?</tr>", text[text.index("<tbody") : text.index("</tbody>")], re.DOTALL)
    assert len(doors) == 6
    for door in doors:
        assert 'href="' in door
    assert ".gif" in text  # a machine at work


def test_any_reward_and_any_term_is_two_clicks_from_the_start_page(site):
    first = leads_to(site, "index.html")
    second = set().union(*(leads_to(site, page) for page in first))
    assert "glossary.html" in first
    for row in tasks.TABLE:
        page = f"generated/tasks/{row.suite}/{row.name}.html"
        assert page in second
        text = (site / page).read_text(encoding="utf-8")
        assert "each correct symbol earns" in text or "Defined above" in text
    text = (site / "generated/tasks/classic/repeat_copy.html").read_text(encoding="utf-8")
    assert re.search(
        r"earns <code[^>]*><span[^>]*>1</span>.*\(9.*such as 101 for length 10, repeats 10", text
    )


def test_a_term_of_the_glossary_leads_to_a_page_and_not_to_a_file(site):
    text = (site / "glossary.html").read_text(encoding="utf-8")
    assert 'class="reference download' not in text


def test_every_trained_machine_is_shown_on_the_page_of_its_task(site):
    for machine in MACHINES:
        suite = tasks.spec(machine.task).suite
        text = (site / f"generated/tasks/{suite}/{machine.task}.html").read_text(encoding="utf-8")
        assert f"{machine.name}.gif" in text


def test_the_page_of_an_agent_tells_its_paper_and_its_recipes(site):
    for row in (*ntm_agents.TABLE, *ntm_baselines.TABLE):
        text = (site / f"generated/agents/{row.name}.html").read_text(encoding="utf-8")
        if row.learns:
            for told in ("Source: ", 'id="options"', 'id="recipes"', "Learner "):
                assert told in text, f"{row.name} lacks {told}"


def test_every_task_and_agent_has_a_page_that_the_navigation_reaches(site):
    index = (site / "index.html").read_text(encoding="utf-8")
    pages = [f"generated/tasks/{row.suite}/{row.name}.html" for row in tasks.TABLE]
    pages += [f"generated/agents/{row.name}.html" for row in (*ntm_agents.TABLE, *ntm_baselines.TABLE)]
    for page in pages:
        assert (site / page).exists()
        assert page in index


def test_the_page_of_a_task_tells_all_that_defines_it(site):
    for row in tasks.TABLE:
        text = (site / f"generated/tasks/{row.suite}/{row.name}.html").read_text(encoding="utf-8")
        for name in ("Observations", "Actions", "Steps", "Rewards", "Training", "Evaluation"):
            assert f"{name}</p>" in text, f"{row.name} lacks {name}"
        assert 'id="source"' in text
        assert f"<p>{row.env_id.rpartition('-')[2]}, " in text  # the newest of its versions
        kind = type(row.make())
        assert f'{kind.__module__}.html#{kind.__module__}.{kind.__name__}"' in text


def test_the_page_of_a_machine_tells_its_paper_and_leads_to_the_equations(site):
    pages = {
        "ntm": ("arXiv 1410.5401", "Differences from the paper", "equations.html", "read_heads=1"),
        "dnc": ("Nature\n538, 2016", "Differences from the paper", "equations-dnc.html", "read_heads=4"),
        "sam": ("NIPS 2016", "Differences from the paper", "equations-sam.html", "read_slots=4"),
        "sdnc": ("NIPS 2016", "Differences from the paper", "equations-sam.html", "links=8"),
    }
    for name, told in pages.items():
        text = (site / f"generated/agents/{name}.html").read_text(encoding="utf-8")
        assert all(part in text for part in told), name


def test_every_link_between_pages_leads_somewhere(site):
    pages = {path: Links(path) for path in site.rglob("*.html")}
    missing = []
    for path, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            found = there.exists() and (
                not parts.fragment or there not in pages or unquote(parts.fragment) in pages[there].anchors
            )
            if not found:
                missing.append(f"{path.relative_to(site)} -> {target}")
    assert not missing


def test_nothing_is_loaded_from_another_host(site):
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for attribute in ('src="http', 'src="//', 'rel="stylesheet" href="http', "@import"):
            assert attribute not in text, f"{path.relative_to(site)} has {attribute}"


@browsing
def test_search_finds_words_without_a_network_and_phones_need_no_scrolling(site):
    asked = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{(site / 'search.html').as_uri()}?q=sharpening")
        page.wait_for_selector("#search-results li a")
        for name in LOOKED_AT:
            page.goto((site / f"{name}.html").as_uri())
            wide = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, f"{name} is {wide} pixels wider than a phone"
        browser.close()
    assert all(url.startswith(("file:", "data:")) for url in asked)


@browsing
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_for_everybody(site, scheme):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(color_scheme=scheme)
        for name in LOOKED_AT:
            page.goto((site / f"{name}.html").as_uri())
            found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
            assert [(what["id"], [node["html"] for node in what["nodes"]]) for what in found] == []
        browser.close()
