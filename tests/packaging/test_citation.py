"""CITATION.cff is valid Citation File Format 1.2, and agrees with the version and the changelog.

The keys are those of https://github.com/citation-file-format/citation-file-format/blob/1.2.0/schema-guide.md.
"""

import datetime
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import ntm_envs

ROOT = Path(__file__).parents[2]
REQUIRED = {"authors", "cff-version", "message", "title"}
OPTIONAL = {
    *("abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license"),
    *("license-url", "preferred-citation", "references", "repository", "repository-artifact"),
    *("repository-code", "type", "url", "version"),
}


@pytest.fixture
def citation() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_it_has_the_keys_and_types_of_the_format(citation: dict[str, Any]) -> None:
    assert REQUIRED <= citation.keys() <= REQUIRED | OPTIONAL
    assert (citation["cff-version"], citation["type"]) == ("1.2.0", "software")
    for key in citation.keys() & {"abstract", "message", "title", "version", "license"}:
        assert isinstance(citation[key], str)
        assert citation[key]
    for author in citation["authors"]:  # an entity has a name, a person names of two kinds
        assert author.keys() & {"name", "family-names", "given-names"}
    for key in citation.keys() & {
        "license-url",
        "repository",
        "repository-artifact",
        "repository-code",
        "url",
    }:
        assert citation[key].startswith("https://")


def test_it_describes_the_package(citation: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == ntm_envs.__version__
    for key in ("license", "keywords"):
        assert citation[key] == project[key]
    assert citation["title"] == project["name"]
    assert citation.get("repository-code") == project.get("urls", {}).get("Repository")


def test_it_has_the_date_of_the_release_in_the_changelog(citation: dict[str, Any]) -> None:
    """A version that is not in the changelog yet has no date."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = rf"^## \[{re.escape(ntm_envs.__version__)}\] - (\d{{4}}-\d\d-\d\d)$"
    released = re.search(heading, changelog, re.MULTILINE)
    assert citation.get("date-released") == (released and datetime.date.fromisoformat(released[1]))
