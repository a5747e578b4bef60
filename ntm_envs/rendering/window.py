"""A window that shows renderings on the screen."""

from __future__ import annotations

from typing import Any

from gymnasium.error import DependencyNotInstalled

from ntm_envs.rendering.picture import Frame


class Window:
    """A pygame window that shows frames; it opens with the first one.

    Only pygame's display is started, not its sound or joysticks. There is one display per process, so the
    frames of a second window replace those of the first.

    Raises:
        DependencyNotInstalled: If pygame is not installed.
    """

    def __init__(self) -> None:
        try:
            import pygame
        except ModuleNotFoundError as error:
            raise DependencyNotInstalled(
                'a window needs pygame; install it with: pip install "ntm-envs[render]"'
            ) from error
        self._pygame = pygame
        self._clock = pygame.time.Clock()

    def __reduce__(self) -> tuple[type[Window], tuple[()]]:
        return Window, ()  # a copy opens its own window

    def show(self, frame: Frame, fps: float) -> None:
        """Show a frame ``[H, W, 3]``, and wait to keep the given number of frames per second."""
        pygame = self._pygame
        pygame.display.init()  # does nothing if the display has been started
        surface = pygame.surfarray.make_surface(frame.transpose(1, 0, 2))
        if (room := 0.9 * min(h for _, h in pygame.display.get_desktop_sizes())) < surface.get_height():
            surface = pygame.transform.smoothscale_by(surface, room / surface.get_height())
        screen: Any = pygame.display.get_surface()
        if screen is None or screen.get_size() != surface.get_size():
            screen = pygame.display.set_mode(surface.get_size())
            pygame.display.set_caption("ntm-envs")
        screen.blit(surface, (0, 0))
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(fps)

    def close(self) -> None:
        """Close the window, if it is open."""
        self._pygame.display.quit()
