"""Pictures of an episode: as text, as an array of pixels, and in a window.

An episode is drawn as it grows: what the agent has seen, the targets, what it answered and where that was
wrong, over a common axis of time. Nothing of the future is shown: an input appears when it is observed, a
target once it has been answered. A second picture, to stand below the first, shows a machine at work: where
its heads have been, over the same axis, and what is in its memory now.
"""

from ntm_envs.rendering.picture import rgb_array, trace_rgb_array
from ntm_envs.rendering.snapshot import Snapshot, Trace
from ntm_envs.rendering.text import ansi, trace_ansi
from ntm_envs.rendering.window import Window

__all__ = ["Snapshot", "Trace", "Window", "ansi", "rgb_array", "trace_ansi", "trace_rgb_array"]
