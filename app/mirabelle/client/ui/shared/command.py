"""What a button does: a command cannot run twice at once, and knows whether it runs, failed or is done."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import flet as ft

from mirabelle.client.api import NoAnswer, Refusal

log = logging.getLogger(__name__)


@ft.observable
class Command:
    """Runs `action` once at a time. `failed` is a Refusal, a NoAnswer or another fault; `done` is what it answered."""

    def __init__(self, action: Callable[..., Awaitable[Any]]) -> None:
        self._action = action
        self.running = False
        self.failed: Refusal | Exception | None = None
        self.done: Any = None

    async def __call__(self, *arguments: Any) -> Any:
        """Runs the action; while it runs, further calls do nothing. Returns what the action answered, or None."""
        if self.running:
            return None
        self.running, self.failed, self.done = True, None, None
        try:
            answer = await self._action(*arguments)
        except NoAnswer as fault:
            self.failed = fault
        except Exception as fault:
            log.exception("a command failed")
            self.failed = fault
        else:
            if isinstance(answer, Refusal):
                self.failed = answer
            else:
                self.done = answer
                return answer
        finally:
            self.running = False
        return None

    def forget(self) -> None:
        """Clears what the last run left to be seen."""
        self.failed, self.done = None, None


def use_command(action: Callable[..., Awaitable[Any]]) -> Command:
    """A command that lives as long as its component and always runs the newest `action`."""
    command, _ = ft.use_state(lambda: Command(action))
    command._action = action
    return command
