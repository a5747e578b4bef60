"""The command `ntm-envs` names the extra that it lacks, and hides no other error."""

import sys
from collections.abc import Iterator
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

from ntm_leaderboard import __main__ as command
from ntm_leaderboard import cli

IMPORTED_AS = {"pillow": "PIL", "pygame-ce": "pygame", "vl-convert-python": "vl_convert"}


def packages(extra: str) -> Iterator[str]:
    """Yield the import names of the packages that an extra brings, also by way of other extras."""
    for requirement in map(Requirement, requires("ntm-envs") or ()):
        if requirement.marker is None or not requirement.marker.evaluate({"extra": extra}):
            continue
        for included in requirement.extras if requirement.name == "ntm-envs" else ():
            yield from packages(included)
        if requirement.name != "ntm-envs":
            yield IMPORTED_AS.get(requirement.name, requirement.name.replace("-", "_"))


def test_every_package_of_the_extras_is_known_and_the_extra_named_for_it_brings_it() -> None:
    assert set(command.EXTRAS) == set(packages("all"))
    assert all(package in packages(extra) for package, extra in command.EXTRAS.items())


def test_a_package_that_is_not_installed_is_answered_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("ntm_leaderboard.cli")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("ntm_leaderboard.cli")
    monkeypatch.setitem(sys.modules, "tyro", None)
    assert command.main() == 1
    printed = capsys.readouterr()
    assert "'tyro'" in printed.err
    assert printed.err.endswith("pip install 'ntm-envs[leaderboard]'\n")
    assert not printed.out


@pytest.mark.parametrize("name", ["ntm_agents.gone", "torch.gone", "a_package_of_the_user", None])
def test_any_other_import_error_is_not_hidden(monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    def fail(argv: list[str]) -> int:
        raise ModuleNotFoundError("no such module", name=name)

    monkeypatch.setattr(cli, "main", fail)
    with pytest.raises(ModuleNotFoundError):
        command.main()
