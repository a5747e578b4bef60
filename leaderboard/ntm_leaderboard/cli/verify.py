"""`ntm-envs verify`: check a submission, and play its ladder anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tyro

from ntm_envs.files import check_writable
from ntm_leaderboard.board import verify
from ntm_leaderboard.cli import progress
from ntm_leaderboard.cli.parsing import parse
from ntm_leaderboard.cli.terminal import console, plain, say
from ntm_leaderboard.results import RECORD


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """Check the files of a submission, and evaluate its models again.

    Each model plays the ladder in a process of its own, on sequences that are drawn after its weights are
    fixed. The outcome is written beside the claim as verified.json and replaces it on leaderboards; where
    the two disagree, it is marked as doubted. How a model was trained cannot be seen from its weights, and
    is not verified.

    Example:
        ntm-envs verify submission
    """

    folder: tyro.conf.Positional[Path]
    """Folder that `ntm-envs submit` has made, or a part of it."""
    replay: bool = False
    """Replay the sequences of each record that is there, and compare; write nothing."""
    trust_code: bool = False
    """Execute the source files of a submission, with limits but without a sandbox: read them first."""
    minutes: float = 60.0
    """Time limit per model."""
    gibibytes: float = 4.0
    """Memory limit per model."""


def main(argv: list[str]) -> int:
    """Run the command and return the exit code."""
    options = parse(VerifyOptions, argv, "verify")
    folders = list(verify.runs_in(options.folder))
    if not folders:
        raise ValueError(f"there is no result.json in {options.folder}; name the folder that submit has made")
    failed = 0
    for folder in folders:
        try:
            found, verdict = _doubts(folder, options), "[yellow]doubted[/]"
        except Exception as error:
            found, verdict = [str(error) or repr(error)], "[red]refused[/]"
        failed += bool(found)
        if not found:
            verdict = "[green]plays the same again[/]" if options.replay else "[green]verified[/]"
        console.print(f"{plain(str(folder))}: {verdict}", highlight=False, soft_wrap=True)
        for text in found:
            say(f"    {text}")
    return 1 if failed else 0


def _doubts(folder: Path, options: VerifyOptions) -> list[str]:
    """Evaluate a submission, on new sequences or on those of its records; return what disagrees."""
    claimed = verify.check(folder, trust_code=options.trust_code)
    with progress.evaluation_display(console) as display:
        play = partial(
            verify.verify,
            folder,
            minutes=options.minutes,
            gibibytes=options.gibibytes,
            report=display,
        )
        if not options.replay:
            check_writable(folder / RECORD)
            own = play()
            if found := verify.doubts(claimed, own):
                own = own.model_copy(update={"status": "doubted"})
            own.write(folder / RECORD)
            return found
        found = []
        for record in filter(None, (claimed, verify.check_record(folder, claimed))):
            again = play(nonce=record.nonce)
            found += [f"{record.status}: {text}" for text in verify.differences(record, again)]
    return found
