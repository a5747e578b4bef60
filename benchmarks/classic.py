"""Writes `docs/results.md`: the NTM, the DNC and the LSTM on the classic suite, at every size.

    .venv/bin/ntm-envs bench --suite classic
    .venv/bin/ntm-envs submit bench/classic --output leaderboard/results
    .venv/bin/ntm-envs verify leaderboard/results --records leaderboard/verified
    .venv/bin/python benchmarks/classic.py

The first command trains and evaluates the runs, and resumes where it was interrupted. The last reads the
verified results, and writes every size into the page. A test keeps the page current.
"""

from pathlib import Path

from ntm_leaderboard.board.boards import results_in
from ntm_leaderboard.documents.results import results_page

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    results = results_in(ROOT / "leaderboard" / "results", ROOT / "leaderboard" / "verified")
    (ROOT / "docs" / "results.md").write_text(results_page(results), encoding="utf-8")
