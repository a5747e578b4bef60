"""The choice of a launcher, as options of every command that runs a list of jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rich.console import Console

from ntm_leaderboard.harness.jobs import Launcher
from ntm_leaderboard.harness.launcher import LocalLauncher, cores
from ntm_leaderboard.harness.ray_launcher import RayLauncher


@dataclass(frozen=True, kw_only=True)
class LaunchOptions:
    """Where jobs run, and how many at a time; the results are the same."""

    jobs: int | None = None
    """Number of runs at a time, each on one thread. Without it: the cores that this process may use, or those
    of the cluster."""
    launcher: Literal["local", "ray"] = "local"
    """Launcher: local (processes of this machine) or ray (a Ray cluster, which needs the extra ray)."""
    address: str | None = None
    """Address of a Ray cluster, such as auto on one of its nodes. Without it: that of RAY_ADDRESS, or a
    cluster of this machine, which ends with the command."""

    def make(self, console: Console) -> Launcher:
        """Return the launcher, which shows its progress on a console.

        Raises:
            ValueError: If options contradict each other, or a number is out of range.
        """
        if self.launcher == "ray":
            return RayLauncher(console=console, processes=self.jobs, address=self.address)
        if self.address:
            raise ValueError(f"--address is {self.address}, which needs --launcher ray")
        return LocalLauncher(console=console, processes=cores() if self.jobs is None else self.jobs)
