"""Telling of what expires, by a notification of this device: each reminder once, on one of the person's devices."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import msgspec

from mirabelle.client.api import Api, NoAnswer, Refusal
from mirabelle.client.device.notifications import Notifications
from mirabelle.client.repositories.reminders import Matter, Reminders
from mirabelle.client.store.database import Store, put_document
from mirabelle.client.use_cases.send_once import UNDECIDED
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract import limits
from mirabelle.contract import reminders as rm
from mirabelle.contract.translation import Translator
from mirabelle.rules.reminders import Reminder, is_news

log = logging.getLogger(__name__)

_CLAIM: Final = "reminder claim"


class Claim(msgspec.Struct, frozen=True):
    """What this device asked to tell and has no answer to yet."""

    key: str
    ids: list[str]


class TellReminders:
    """Asks the server for what is due, and tells what it is given. In doubt it is silent: the app lists it anyway."""

    def __init__(
        self,
        store: Store,
        api: Api,
        reminders: Reminders,
        notifications: Notifications,
        teller: Callable[[], tuple[Translator, str | None]],
    ) -> None:
        """`teller` answers the language, and whom the reminders are from where they may say no more than that."""
        self._store, self._api, self._reminders, self._teller = store, api, reminders, teller
        self.notifications = notifications
        self.on_open: Callable[[str], None] = lambda _route: None

    async def __call__(self) -> None:
        """Tell what is due now, if this device can; what fails is tried at the next round."""
        try:
            await self._tell()
        except NoAnswer as fault:
            log.info("reminders wait: %s", type(fault).__name__)
        except Exception:  # such as a full disk; the rounds must go on
            log.exception("the reminders failed")

    async def _tell(self) -> None:
        claim, due = self._look()
        if not (claim or due) or not await self.notifications.work():
            return
        claim, due = self._look()  # again: somebody else may be signed in by now
        if not (claim or due):
            return
        yours = await self._ask(claim or self._note(due))
        told = [matter for matter in self._reminders.matters() if any(_is_of(id_, matter) for id_ in yours)]
        if told:
            translate, sender = self._teller()
            title, words, route = in_words(translate, told)
            if sender is not None:
                title, words = translate("lock.reminder", name=sender), translate("lock.reminder_hint")
            await self.notifications.show(title, words, lambda: self.on_open(route))

    def _look(self) -> tuple[Claim | None, tuple[Reminder, ...]]:
        """What was asked for without an answer, and what is due; nothing of both while nobody is to be reminded."""
        if self._reminders.is_quiet:
            return None, ()
        return self._store.document(_CLAIM, Claim), self._reminders.plan().due[: limits.REMINDERS_AT_ONCE]

    def _note(self, due: tuple[Reminder, ...]) -> Claim:
        claim = Claim(new_key(), [reminder.id for reminder in due])
        with self._store.write() as connection:
            put_document(connection, _CLAIM, claim)
        return claim

    async def _ask(self, claim: Claim) -> list[str]:
        """Which of them are this device's; noted before they are told, so that none is told twice."""
        request = rm.ClaimRequest(due=[rm.DueReminder(id=id_) for id_ in claim.ids])
        answer = await self._api.call(e.CLAIM_REMINDERS, body=request, key=claim.key)
        if isinstance(answer, Refusal) and answer.reason in UNDECIDED:
            return []
        with self._store.write() as connection:
            connection.execute("DELETE FROM documents WHERE name = ?", (_CLAIM,))
        if isinstance(answer, Refusal):
            return []
        self._reminders.keep_told(answer.told)
        told = {each.id for each in answer.told}  # perhaps long after this was asked for
        return [id_ for id_ in answer.yours if is_news(id_, told)]


def _is_of(id_: str, matter: Matter) -> bool:
    return id_.rpartition(":")[0] == matter.thing.id


def in_words(translate: Translator, matters: list[Matter]) -> tuple[str, str, str]:
    """One notification of all: its title, its words, and the page that it opens."""
    matters = sorted(matters, key=lambda matter: matter.thing.expires_at)
    titles = [_title(translate, matter) for matter in matters]
    if len(matters) == 1:
        return titles[0], translate("reminders.open"), matters[0].route
    are_vouchers = all(matter.kind == "voucher_expires" for matter in matters)
    words = "\n".join(titles[1:])
    return titles[0], words, "/vouchers" if are_vouchers else "/wallet"


def _title(translate: Translator, matter: Matter) -> str:
    last_moment = matter.thing.expires_at - timedelta(microseconds=1)
    return translate(
        f"alerts.{matter.kind}",
        count=matter.points,
        name=matter.subject.in_language(translate.language),
        date=translate.date(last_moment, form="day"),
    )
