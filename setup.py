"""Make the description that package indexes show; everything else is in pyproject.toml."""

import re
import tomllib
from pathlib import Path

from setuptools import setup

PICTURE = re.compile(r'(!\[[^\]]*\]\(|<img src=")(?!\w+:)')
LINK = re.compile(r"(?<!!)(\[[^\]]*\]\()(?!\w+:|#)")


def describe(root: Path) -> str:
    """Return the README; its links lead to the files of this version if the repository has an address."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    repository = project.get("urls", {}).get("Repository")
    if repository is None:
        return readme
    package = (root / "ntm_envs" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.+)"$', package, re.MULTILINE)
    readme = PICTURE.sub(rf"\1{repository}/raw/v{version}/", readme)
    return LINK.sub(rf"\1{repository}/blob/v{version}/", readme)


if __name__ == "__main__":
    setup(long_description=describe(Path(__file__).parent), long_description_content_type="text/markdown")
