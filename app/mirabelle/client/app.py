"""The app behind one page: its store, its repositories and its use cases, put together."""

import asyncio
import contextlib
import logging
import random
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mirabelle.client.api import ANSWER_SECONDS, Api
from mirabelle.client.device.forward_clock import ForwardClock, open_clock
from mirabelle.client.device.keys import Keys
from mirabelle.client.device.notifications import NO_NOTIFICATIONS, Notifications
from mirabelle.client.device.pictures import PictureFiles
from mirabelle.client.device.preferences import Preferences
from mirabelle.client.device.secrets import SecretStore
from mirabelle.client.device.store_keys import KeyGone, StoreKeys, has_key_beside
from mirabelle.client.parts import Parts
from mirabelle.client.repositories.accounts import store_file
from mirabelle.client.repositories.endings import ENDED, Endings
from mirabelle.client.store.database import Store, erase_file
from mirabelle.client.store.opening import MEMORY, MISHAP, Mishap, TooNew, is_sealed
from mirabelle.client.use_cases.app_lock import AppLock
from mirabelle.client.use_cases.session import ROLES, Sessions, SignedIn
from mirabelle.contract.fields import Language, Role
from mirabelle.contract.translation import FALLBACK, LANGUAGES, Translator

if TYPE_CHECKING:
    from mirabelle.client.repositories.kept_tills import KeptTill
    from mirabelle.client.use_cases.leave import Leave
    from mirabelle.client.use_cases.locked_out import LockedOut
    from mirabelle.client.use_cases.sign_in import SignIn
    from mirabelle.client.use_cases.sync import Sync
    from mirabelle.client.use_cases.tell_reminders import TellReminders
    from mirabelle.contract.account import Left

log = logging.getLogger(__name__)

JITTER: Final = random.SystemRandom()  # a draw from the generator that all share would disturb whoever has seeded it


def _now() -> datetime:
    return datetime.now(UTC)


class App(Parts):
    """Everything that one page's screens can reach. The screens read the store; use cases write it."""

    languages: Final = LANGUAGES
    cannot_open: Mishap | None = None
    left: "Left | None" = None
    files_of_others: Callable[[], Collection[str]] = tuple  # who are signed in as well, though not in use
    sessions_of_others: Callable[[], Collection[str]] = tuple  # as the secret store names them
    on_open: Callable[[str], object] = staticmethod(lambda _route: None)  # a notification, which leads to a route

    def __init__(
        self, server_url: str, directory: Path | None, keys: Keys, secret_store: SecretStore, preferences: Preferences,
        language: str, now: Callable[[], datetime] = _now, *, is_elsewhere: bool = False,
        clock: ForwardClock | None = None, notifications: Notifications = NO_NOTIFICATIONS, server: str | None = None,
        lock: AppLock | None = None,
    ) -> None:  # fmt: skip
        """Files go into `directory`; without one everything is gone with the page. A page that `is_elsewhere`, in
        somebody's browser, is told times in the programme's zone: this machine's would be anybody's. `server` is what
        an installed app, which has several, knows this one by; its `lock` is one for all."""
        self.secrets, self.preferences, self.server = secret_store, preferences, server
        self.lock = lock or AppLock(secret_store, clock, now)
        self._directory, self._store_keys, self._is_elsewhere = directory, StoreKeys(secret_store), is_elsewhere
        self.connection: str = "unknown"
        self.last_contact: datetime | None = None
        self._background: set[asyncio.Task[object]] = set()
        self._woken = asyncio.Event()
        self.language, self.t = FALLBACK, Translator(FALLBACK)
        api = Api(server_url, self._on_contact)
        store, clock = Store(is_one_of_many=is_elsewhere), clock or open_clock()
        super().__init__(store, api, keys, now, clock, self._picture_files(), self)
        self._speak(language)
        self.store.subscribe(("programme",), lambda: self._speak(self.language))
        self._sessions = api.tokens = Sessions(
            api, secret_store, keys, now, server, Endings(directory / ENDED if directory is not None else None)
        )
        self._sessions.on_over, self.store.on_gone = self._on_session_over, self._on_file_gone
        self._notifications = notifications

    @cached_property
    def sign_in(self) -> "SignIn":
        """Signing in and out."""
        from mirabelle.client.use_cases.sign_in import SignIn

        language = self._language_of_contract
        return SignIn(self.api, self._sessions, self._keys, language, self._change_person, self.offline_scans)

    @cached_property
    def leave(self) -> "Leave":
        """Deleting the account."""
        from mirabelle.client.use_cases.leave import Leave

        return Leave(self.store, self.api, self._keys, lambda: self.session, self._farewell)

    @cached_property
    def locked_out(self) -> "LockedOut":
        """What is left to whoever has forgotten the PIN."""
        from mirabelle.client.use_cases.locked_out import LockedOut

        others, end = lambda: list(self.sessions_of_others()), lambda: self._session_over(is_for_good=False)
        return LockedOut(self._sessions, self.lock, others, end)

    @cached_property
    def tell_reminders(self) -> "TellReminders":
        """Telling of what expires."""
        from mirabelle.client.use_cases.tell_reminders import TellReminders

        telling = TellReminders(self.store, self.api, self.reminders, self._notifications, self._teller)
        telling.on_open = self.on_open
        return telling

    @cached_property
    def sync(self) -> "Sync":
        """Bringing the store up to date."""
        from mirabelle.client.use_cases.sync import Sync

        return Sync(
            self.store,
            self.api,
            self._keys,
            lambda: self.session,
            self.now,
            programme=self.programme,
            catalog=self.catalog,
            participant=(self.wallet, self.redemptions, self.reminders),
            staff=(self.till, self.trust, self.scans),
            vouchers=self.vouchers,
            redeem=self.redeem,
            send_points=self.send_points,
            give_voucher=self.give_voucher,
            scan=self.scan,
            take_amount=self.take_amount,
            upload_scans=self.upload_scans,
            till_time=self.till_time,
            has_left=self._has_left,
        )

    @property
    def session(self) -> SignedIn | None:
        """Who is signed in."""
        return self._sessions.who

    @property
    def is_signing_in(self) -> bool:
        """Whether a new session is being written down: who it is of is known, and not signed in yet."""
        return self._sessions.is_beginning

    @property
    def is_ending(self) -> bool:
        """Whether the secret store may still hold a session that was ended on this device."""
        return self._sessions.is_ending

    async def remove_ended(self) -> None:
        """Have the secret store forget the sessions that were ended here while it did not answer, if it does now."""
        await self._sessions.remove_ended()

    def _picture_files(self) -> PictureFiles | None:
        """Where pictures are kept, for all who use this device; browsers keep them by themselves."""
        if self._directory is None or self._is_elsewhere:
            return None
        return PictureFiles(self._directory / "pictures")

    def kept_tills(self) -> "Sequence[KeptTill]":
        """The tills that this device was, and whose scans wait here until it is one of them again."""
        from mirabelle.client.repositories.kept_tills import kept_tills

        return kept_tills(self._directory, {self.store.path, *self.files_of_others()})

    def on_begin(self, note: Callable[[SignedIn], Awaitable[None]]) -> None:
        """Have `note` told of each new session before it is kept."""
        self._sessions.on_begin = note

    def subscribe(self, topics: Iterable[str], listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when one of the store's `topics` is written, until the returned function is called."""
        return self.store.subscribe(topics, listener)

    async def set_language(self, language: str) -> None:
        """Speak `language` from now on, here and with the server."""
        self._speak(language)
        await self.preferences.set("language", self.language)

    def _speak(self, language: str) -> None:
        self.language = language if language in LANGUAGES else FALLBACK
        self.t = Translator(self.language, self.programme.zone() if self._is_elsewhere else None)
        self.api.language = self.language

    def _teller(self) -> tuple[Translator, str | None]:
        """How notifications speak: with a lock they tell nobody more than which programme they are from."""
        programme = self.programme.current()
        return self.t, (programme.name if programme else "Mirabelle") if self.lock.is_on else None

    def _language_of_contract(self) -> Language:
        return "fr" if self.language == "fr" else "ar" if self.language == "ar" else "en"

    def _on_contact(self, reached: bool) -> None:
        before = self.connection
        self.connection = "online" if reached else "offline"
        if reached:
            self.last_contact = self.now()
        if before != self.connection:
            self.store.tell("connection")
        if self.sync.is_running:
            return  # a round knows by itself how it went, and how soon the next one comes
        is_till = self.session is not None and self.session.role == "staff"
        if (before, self.connection) == ("offline", "online") or (is_till and before == "online" and not reached):
            self.wake()  # what waits is sent at the first contact; without any, the next round comes sooner

    async def restore(self, roles: Sequence[Role] = ROLES, subject: str = "") -> None:
        """Go on as whoever was signed in in one of `roles`, the first that there is, in an installed app as `subject`;
        without network.

        Where their file cannot be opened `cannot_open` says why, and they have to sign in again.
        """
        if await self._sessions.restore(roles, subject) is None:
            if not self.secrets.persistent and self._is_out_of_reach():
                self.cannot_open = "out_of_reach"
            return
        is_over = False
        try:
            is_over = await self._open_file() == "set_aside"
            self.cannot_open = "set_aside" if is_over else None
        except KeyGone:
            self.cannot_open = "set_aside"
        except TooNew:
            self.cannot_open = "too_new"
        except (OSError, sqlite3.Error) as fault:
            log.warning("what is kept of a session cannot be reached: %s", type(fault).__name__)
            self.cannot_open = "out_of_reach"
        if self.cannot_open is not None:
            await self._sessions.leave(for_good=is_over)
            self.store.switch(MEMORY)

    def _is_out_of_reach(self) -> bool:
        """Whether a file is here whose key, and session, a secret store has that cannot be used now."""
        files = self._directory.glob("*.sqlite") if self._directory is not None else ()
        return any(is_sealed(path) for path in map(str, files) if not has_key_beside(path))

    async def _open_file(self, *, is_new: bool = False) -> Mishap | None:
        """Go on with the file of whoever is signed in; raises OSError, TooNew and sqlite3.Error."""
        assert self.session is not None
        path = self._file(self.session)
        mishap = self.store.switch(path, await self._key(path, is_new=is_new) if path != MEMORY else None)
        self.offline_scans.reopen()
        return mishap

    async def _key(self, path: str, *, is_new: bool) -> bytes:
        """The key of the file at `path`; raises KeyGone where the file is sealed, and so left as it is: until somebody
        signs in anew on a device whose secret store has forgotten the key. One that cannot be used may have it yet."""
        key = await self._store_keys.find(path)
        if key is None and not (is_new and self.secrets.persistent) and is_sealed(path):
            raise KeyGone("the key of what this device keeps is not to be had")
        return key or await self._store_keys.make(path)

    @property
    def mishap(self) -> Mishap | None:
        """What befell the file of whoever is signed in, until they have seen it."""
        return self.store.document(MISHAP, Mishap)

    @property
    def strange(self) -> int:
        """How much is kept here that another version of the app wrote and this one cannot read."""
        return self.outbox.strange + (self.scans.strange if "scans" in vars(self) else 0)  # none were met before

    def mishap_seen(self) -> None:
        """They have seen it."""
        with self.store.write(MISHAP) as connection:
            connection.execute("DELETE FROM documents WHERE name = ?", (MISHAP,))

    async def _change_person(self) -> None:
        await self.sync.stop()  # it would go on reading one person's points into the other's store
        await self.scan.finish()
        await self.upload_scans.stop()
        if self.session is not None:
            await self._go_on_with_file()
        elif self.offline_scans.shut():
            self.store.switch(MEMORY)  # another window came back meanwhile, and accepted something
        else:
            await self._remove_file()
        await self.sync.quietly()
        self.store.tell("session")

    async def _has_left(self) -> bool:
        """Whether the account was deleted by a request whose answer was lost; then nothing of it stays here."""
        settled = await self.leave.settle()
        if settled is not None:
            self._in_background(self._farewell(*settled))  # not within the sync, which it stops
        return settled is not None

    async def _farewell(self, left: "Left", who: SignedIn) -> bool:
        """The account of `who` is deleted: what this device kept of them goes, and the first page says so. Whoever
        signed in meanwhile keeps what is theirs; False then."""
        if self.session is not None and self.session != who:
            return False
        if self.session is None and is_sealed(file := self._file(who)):  # a sync found it over, and put it away
            erase_file(file)
            await self._store_keys.forget(file)
        await self._sessions.leave(for_good=True)
        self.left = left
        await self._change_person()
        return True

    async def _remove_file(self) -> None:
        """Nothing is left of whoever was signed in: neither their file nor its key."""
        path = self.store.path
        self.store.erase()
        if path != MEMORY:
            await self._store_keys.forget(path)
        if self._is_elsewhere and self._directory is not None:
            with contextlib.suppress(OSError):  # the shop's till may be in the same browser
                self._directory.rmdir()

    async def _go_on_with_file(self) -> None:
        """A session whose file cannot be opened is ended again: what it accepts would not be kept."""
        try:
            await self._open_file(is_new=True)
        except (OSError, TooNew, sqlite3.Error):
            await self._sessions.end()
            self.store.switch(MEMORY)
            self.store.tell("session")
            raise
        self.cannot_open = self.left = None

    def _on_session_over(self, is_for_good: bool) -> None:
        self._in_background(self._session_over(is_for_good))

    def _on_file_gone(self) -> None:
        """Somebody signed out in another window: of this browser or device, and so in this window as well."""
        self._sessions.drop()
        self._in_background(self._session_over(is_for_good=False))

    async def _session_over(self, is_for_good: bool) -> None:
        """The server ended the session: what this device keeps of the person waits for them to sign in again.

        On a server's disk nothing is left of whoever does not come back, but for what is not settled.
        """
        await self.sync.stop()
        await self.upload_scans.stop()
        if self.session is None:
            is_settled = self.outbox.is_empty and not self.offline_scans.kept() and not self.redeem.is_filled_in
            if is_for_good and self._is_elsewhere and is_settled:
                await self._remove_file()
            self.store.switch(MEMORY)
            self.store.tell("session")
            await self.sync.quietly()

    def _in_background(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)  # else nothing would hold it
        task.add_done_callback(self._background.discard)

    def _file(self, who: SignedIn) -> str:
        return MEMORY if self._directory is None else str(store_file(self._directory, self.server, who.subject))

    async def keep_in_sync(self, is_seen: Callable[[], bool]) -> None:
        """Sync now and then in rounds while the app is seen, at once when it is woken, until cancelled."""
        from mirabelle.client.use_cases.sync import pause_after

        failures, task = 0, asyncio.current_task()
        while task is None or not task.cancelling():  # which a wait_for that ends, also one in Flet, may keep from it
            self._woken.clear()
            if is_seen():
                await self._end_what_is_over()
                failures = 0 if await self.sync.quietly() else failures + 1
                if not failures and self.session is not None and self.session.role == "participant":
                    await self.tell_reminders()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause_after(failures, JITTER.random()))

    async def _end_what_is_over(self) -> None:
        was_ending = self.is_ending
        await self._sessions.tell_of_ended()
        if self.is_ending != was_ending:
            self.store.tell("session")

    def wake(self) -> None:
        """Sync now rather than at the next round: somebody looks at the app again, or the network is back."""
        self._woken.set()

    async def close(self) -> None:
        """Close connections and files, once what is being sent has been answered, and whoever left is gone."""
        if self._background:
            await asyncio.wait(list(self._background), timeout=2 * ANSWER_SECONDS)
        for sends in (self.redeem, self.send_points, self.give_voucher):
            await sends.finish()
        await self.scan.finish()
        await self.upload_scans.stop()
        await self.sync.stop()
        await self.pictures.stop()
        await self.catalog.stop()
        await self._sessions.finish()
        await self.api.close()
        self.store.close()
