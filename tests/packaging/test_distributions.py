"""What the wheel and the source distribution hold, and what package indexes make of their metadata."""

import re
import runpy
import tarfile
import zipfile
from pathlib import Path

import trove_classifiers
from distributions import ROOT, Built, files_in
from packaging.metadata import Metadata
from readme_renderer import markdown

import ntm_envs

ROOTS = {
    "ntm_envs": "",
    "ntm_agents": "agents/",
    "ntm_baselines": "baselines/",
    "ntm_leaderboard": "leaderboard/",
}
"""The packages, and the folders that they lie in."""
LARGEST = {"wheel": 4 * 2**20, "sdist": 12 * 2**20}
"""Bytes of each; the source distribution has the files of all results beside `board.json`."""
MADE_BY_SETUPTOOLS = {"PKG-INFO", "setup.cfg"}
README = (ROOT / "README.md").read_text(encoding="utf-8")
REPOSITORY = "https://example.org/ntm-envs"


def metadata_of(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name)


def test_the_wheel_holds_the_packages_of_the_repository_and_nothing_else(built: Built) -> None:
    """It is built from the source distribution, which hence has all that they need."""
    with zipfile.ZipFile(built.wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        name.removeprefix(folder): (built.source / name).read_bytes()
        for package, folder in ROOTS.items()
        for name in built.files
        if name.startswith(f"{folder}{package}/")
    }
    assert held.keys() == expected.keys()
    assert held == expected
    assert {f"{package}/py.typed" for package in ROOTS} <= held.keys()
    assert "ntm_agents/pretrained/ntm/copy/model.safetensors" in held


def test_the_source_distribution_holds_the_repository_but_the_weights_of_runs(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        held = {member.name.partition("/")[2] for member in archive if member.isfile()}
    made = MADE_BY_SETUPTOOLS | {name for name in held if name.startswith("ntm_envs.egg-info/")}
    weights = {name for name in built.files if re.fullmatch(r"leaderboard/results/.*\.safetensors", name)}
    folders = {name for name in built.files if "/" in name}  # files beside them may be anybody's
    assert held - made <= built.files - weights
    assert folders - weights <= held
    assert {"pyproject.toml", "setup.py", "README.md", "LICENSE", "Makefile", "constraints.txt"} <= held


def test_building_leaves_nothing_but_what_git_ignores(built: Built) -> None:
    left = files_in(built.source) - built.files
    assert {name.partition("/")[0] for name in left} <= {"ntm_envs.egg-info"}


def test_both_are_small(built: Built) -> None:
    assert built.wheel.stat().st_size < LARGEST["wheel"]
    assert built.sdist.stat().st_size < LARGEST["sdist"]


def test_an_index_accepts_the_metadata(built: Built) -> None:
    text = metadata_of(built.wheel)
    with tarfile.open(built.sdist) as archive:
        beside = archive.extractfile(f"{built.sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert beside is not None
        assert beside.read() == text
    metadata = Metadata.from_email(text, validate=True)
    assert (metadata.name, str(metadata.version)) == ("ntm-envs", ntm_envs.__version__)
    assert str(metadata.requires_python) == ">=3.11"
    assert (metadata.license_expression, metadata.license_files) == ("MIT", ["LICENSE"])
    assert {"render", "agents", "fast", "baselines", "leaderboard", "all"} <= set(
        metadata.provides_extra or ()
    )
    assert set(metadata.classifiers or ()) <= trove_classifiers.classifiers
    assert not set(metadata.classifiers or ()) & trove_classifiers.deprecated_classifiers.keys()
    assert all(address.startswith("https://") for address in (metadata.project_urls or {}).values())
    assert metadata.description_content_type == "text/markdown"
    assert markdown.render(metadata.description or "")


def described(root: Path, urls: str) -> str:
    """Return the description of a project that has this README, these URLs and version 1.2.3."""
    (root / "README.md").write_text(README, encoding="utf-8")
    (root / "pyproject.toml").write_text(f"[project]\n{urls}", encoding="utf-8")
    (root / "ntm_envs").mkdir()
    (root / "ntm_envs" / "__init__.py").write_text('__version__ = "1.2.3"\n', encoding="utf-8")
    description = runpy.run_path(str(ROOT / "setup.py"))["describe"](root)
    assert isinstance(description, str)
    return description


def test_the_description_of_a_repository_without_an_address_is_the_readme(tmp_path: Path) -> None:
    assert described(tmp_path, urls="") == README


def test_links_and_pictures_of_the_description_are_those_of_the_version(tmp_path: Path) -> None:
    page = markdown.render(described(tmp_path, urls=f'[project.urls]\nRepository = "{REPOSITORY}"\n'))
    assert page
    targets = set(re.findall(r'(?:href|src)="([^"]+)"', page))
    assert not {target for target in targets if not target.startswith(("https://", "#"))}
    assert f"{REPOSITORY}/raw/v1.2.3/docs/copy.png" in targets
    assert f"{REPOSITORY}/blob/v1.2.3/docs/quick-start.md" in targets
    within = {target for target in targets if target.startswith(REPOSITORY)}
    assert all((ROOT / re.sub(r"^.*/v1\.2\.3/|#.*$", "", target)).exists() for target in within)
