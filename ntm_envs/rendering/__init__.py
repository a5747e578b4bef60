"""Rendering of episodes as text, as images, and in a window.

A rendering shows the episode so far over a common time axis: inputs, targets, outputs, and the errors. It
shows nothing of the future: inputs appear when the agent observes them, targets once the agent has answered.
A second rendering, placed below the first, shows a machine with a memory: the weightings of its heads over
the same time axis, and the current content of the memory.
"""

from ntm_envs.rendering.picture import rgb_array, trace_rgb_array
from ntm_envs.rendering.snapshot import Snapshot, Trace, View
from ntm_envs.rendering.text import ansi, trace_ansi
from ntm_envs.rendering.window import Window

__all__ = ["Snapshot", "Trace", "View", "Window", "ansi", "rgb_array", "trace_ansi", "trace_rgb_array"]
