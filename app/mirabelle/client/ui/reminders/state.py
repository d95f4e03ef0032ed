"""What the reminders' page shows, and the choices that were made on it and are not kept yet."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

import flet as ft

from mirabelle.client.device.notifications import Where
from mirabelle.rules.reminders import Choices, DaysBefore

if TYPE_CHECKING:
    from mirabelle.client.app import App

USUAL = Choices()


@dataclass(frozen=True)
class RemindersPage:
    """The page's plain values. `next_at` is when there will be a reminder by what is chosen here, and one that
    `is_due` would be told now."""

    choices: Choices
    version: int
    where: Where
    next_at: datetime | None
    is_due: bool


@ft.observable
@dataclass
class Draft:
    """What is chosen on the page: `made` is None while that is what is kept. `works` is None until the device says."""

    made: Choices | None = None
    saved: bool = False
    works: bool | None = None

    def choose(self, choices: Choices) -> None:
        """Choose, but do not keep it yet."""
        self.made, self.saved = choices, False


def read_reminders(app: "App", made: Choices | None) -> RemindersPage:
    """The page as the app knows it now; where nothing is `made` on it, with what is kept."""
    kept = app.reminders.choices
    choices = kept if made is None else made
    plan = app.reminders.plan(choices)
    version = app.reminders.current().version
    return RemindersPage(choices, version, app.tell_reminders.notifications.where, plan.next_at, is_due=bool(plan.due))


def with_day(choices: Choices, day: DaysBefore) -> Choices:
    """With a reminder so many days before, or without it where there was one."""
    return replace(choices, days=tuple(sorted(set(choices.days) ^ {day})))


def with_quiet(choices: Choices, is_quiet: bool) -> Choices:
    """With the usual quiet hours, or with none."""
    if not is_quiet:
        return replace(choices, quiet_from=0, quiet_to=0)
    return replace(choices, quiet_from=USUAL.quiet_from, quiet_to=USUAL.quiet_to)
