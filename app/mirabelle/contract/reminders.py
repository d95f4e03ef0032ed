"""Reminders of what expires: what a participant chose, on all of their devices, and which device tells which."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, field

from mirabelle.contract import limits
from mirabelle.contract.fields import Identifier, Message
from mirabelle.rules import reminders as rules

Hour = Annotated[int, Meta(ge=0, le=23, description="An hour of the day in the programme's time zone")]


class ReminderChoices(Message, frozen=True, kw_only=True):
    """As `rules.reminders.Choices` has them."""

    days: Annotated[list[rules.DaysBefore], Meta(max_length=len(rules.DAYS_BEFORE))]
    every_days: rules.EveryDays
    quiet_from: Hour
    quiet_to: Hour


class ToldReminder(Message, frozen=True, kw_only=True):
    """A reminder that some device told, or is about to tell."""

    id: Identifier
    at: datetime


class Reminders(Message, frozen=True, kw_only=True):
    """What the participant chose, and what was `told` lately. `version` counts how often they chose."""

    choices: ReminderChoices
    version: int
    told: list[ToldReminder] = field(default_factory=list)


class ReminderRequest(Message, frozen=True, kw_only=True):
    """Chooses, in place of what was chosen as `version`."""

    choices: ReminderChoices
    version: Annotated[int, Meta(ge=0, le=2**53)]


class DueReminder(Message, frozen=True, kw_only=True):
    """A reminder that a device would tell."""

    id: Identifier


class ClaimRequest(Message, frozen=True, kw_only=True):
    """Asks to tell reminders, together, from the calling device."""

    due: Annotated[list[DueReminder], Meta(min_length=1, max_length=limits.REMINDERS_AT_ONCE)]


class Claimed(Message, frozen=True, kw_only=True):
    """Which of them the calling device is to tell: none that another tells, and none at all too soon after the last or
    in quiet hours. `told` is as in Reminders."""

    yours: list[Identifier]
    told: list[ToldReminder]


def choices_of(message: ReminderChoices) -> rules.Choices:
    """What the rules make of a message."""
    return rules.Choices(tuple(sorted(set(message.days))), message.every_days, message.quiet_from, message.quiet_to)


def choices_message(choices: rules.Choices) -> ReminderChoices:
    """The same as a message."""
    return ReminderChoices(
        days=list(choices.days),
        every_days=choices.every_days,
        quiet_from=choices.quiet_from,
        quiet_to=choices.quiet_to,
    )
