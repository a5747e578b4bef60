"""`ntm-envs verify`: check a submission, and play its ladder anew."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tyro
from rich.markup import escape

from ntm_leaderboard.board import verify
from ntm_leaderboard.cli import report
from ntm_leaderboard.cli.options import parse
from ntm_leaderboard.cli.terminal import console
from ntm_leaderboard.results import RECORD


@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """Check a submission: its files, and then whether the numbers come out again.

    The model plays the ladder in a process of its own, on sequences that are drawn after its weights are
    fixed; what comes of it is written beside the claim as verified.json, and stands in its place on boards,
    marked as doubted where the claim does not come out. That the training was as claimed cannot be seen from
    weights, and is not verified.
    """

    folder: tyro.conf.Positional[Path]
    """What `submit` has made, or a part of it."""
    replay: bool = False
    """Play the very sequences of each record that is there again, and compare; write nothing."""
    trust_code: bool = False
    """Allow source files of a submission to be executed. It gets limits, but no sandbox: read it first."""
    minutes: float = 60.0
    """How long each model may take."""
    gibibytes: float = 4.0
    """How much memory each may have."""


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
        console.print(f"{escape(str(folder))}: {verdict}", highlight=False)
        for text in found:
            console.print(f"    {escape(text)}", highlight=False)
    return 1 if failed else 0


def _doubts(folder: Path, options: VerifyOptions) -> list[str]:
    """Play the ladder of a submission, anew or again, and say what does not come out."""
    claimed = verify.check(folder, trust_code=options.trust_code)
    with report.evaluation_display(console) as display:
        play = partial(
            verify.verify,
            folder,
            minutes=options.minutes,
            gibibytes=options.gibibytes,
            report=display,
        )
        if not options.replay:
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
