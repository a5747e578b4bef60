"""The command `ntm-envs` names the extra that it lacks, and hides no other error."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from ntm_leaderboard import __main__ as command
from ntm_leaderboard import cli

IMPORTED_AS = {"pillow": "PIL", "pygame-ce": "pygame", "vl-convert-python": "vl_convert"}


INTERRUPTED = """
import os, signal, sys
from ntm_leaderboard.__main__ import main

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            os.kill(os.getpid(), number)
            raise SystemExit("not interrupted")

number, ignored = int(sys.argv[1]), sys.argv[2:] == ["ignored"]
sys.meta_path.insert(0, Interrupt())
signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
sys.argv[1:] = ["tasks"]
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put back the handlers of signals, which a command leaves as they are until its process ends."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_during_the_imports_gets_one_line(number: signal.Signals) -> None:
    command = [sys.executable, "-c", INTERRUPTED, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "ntm-envs: stopped\n")


def test_an_interrupt_that_the_process_was_started_to_ignore_is_ignored() -> None:
    command = [sys.executable, "-c", INTERRUPTED, str(int(signal.SIGHUP)), "ignored"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == "not interrupted\n"


def test_closed_streams_are_opened_so_that_no_file_takes_their_place() -> None:
    code = "import os, sys; from ntm_leaderboard.__main__ import _open_closed_streams as o; o();"
    code += "print('lost'); print('lost', file=sys.stderr);"
    code += "sys.exit(7 if os.open(os.devnull, os.O_RDONLY) > 2 else 1)"
    done = subprocess.run(["sh", "-c", f'"{sys.executable}" -c "{code}" <&- >&- 2>&-'])
    assert done.returncode == 7


def test_a_folder_that_has_been_deleted_gets_one_line(tmp_path: Path) -> None:
    code = "import os; from ntm_leaderboard.__main__ import main; os.rmdir(os.getcwd()); exit(main())"
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ntm-envs: the present folder has been deleted; change to another one\n"


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
    monkeypatch.setattr(sys, "argv", ["ntm-envs", "tasks"])
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
