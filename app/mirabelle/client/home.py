"""What an installed app comes home to: its accounts on one or several servers, and the `App` of the one in use."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

from mirabelle.client.api import Refusal
from mirabelle.client.app import App
from mirabelle.client.device.keys import Keys, open_keys
from mirabelle.client.device.preferences import Preferences
from mirabelle.client.device.secrets import MADE_BYTES, SecretStore
from mirabelle.client.device.store_keys import StoreKeys
from mirabelle.client.repositories import accounts as a
from mirabelle.client.repositories.endings import ENDED, Endings
from mirabelle.client.store.opening import remove
from mirabelle.client.store.unsent import Table, may_hold_unsent
from mirabelle.client.use_cases.bring_along import bring_along
from mirabelle.client.use_cases.session import SignedIn, remove_ended
from mirabelle.contract.fields import Role

log = logging.getLogger(__name__)

NOWHERE: Final = ""  # the server of an app that knows none yet


class Home:
    """Opens one `App` at a time, for a server and for one person or nobody; `on_app` is called with each.

    Only the account in use talks to its server: what waits in the others stays in their files until they are.
    """

    def __init__(
        self, data: Path, secret_store: SecretStore, preferences: Preferences, language: str,
        start_demo: Callable[[], str], **parts: Any,
    ) -> None:  # fmt: skip
        """Files go below `data`. `start_demo` starts the demo's own server and answers its URL; `parts` go to each
        `App`."""
        self._data, self._secrets, self._preferences, self._language = data, secret_store, preferences, language
        self._start_demo, self._parts = start_demo, parts
        self.accounts = a.Accounts(a.list_file(data), lambda: self.app.store.tell("accounts"))
        self.app = self._nowhere()
        self.on_app: Callable[[App], object] = lambda _app: None
        self.on_open: Callable[[App, str], None] = lambda _app, _route: None  # a notification, which leads to a route
        self._is_seen: Callable[[], bool] | None = None
        self._demo_url = self._had = ""  # `_had`: the account that was seen in the app in use
        # By server. Each press may be in another app: what one asked for, and had no answer to, the next one asks for.
        self._demo_asked: dict[str, dict[Role, Any]] = {}
        self._trying: App | None = None
        self._one_by_one = asyncio.Lock()
        self._syncing: asyncio.Task[None] | None = None
        self._stop_listening: Callable[[], None] = lambda: None
        self._background: set[asyncio.Task[None]] = set()

    async def open(self) -> App:
        """The app as it was left: with the same account, or at the same server with nobody, or at none yet."""
        await bring_along(self.accounts, self._secrets)
        await self._tidy()
        account, server = self.accounts.current, self.accounts.server
        try:
            if account is not None:
                self._take(await self._with(account))
            elif server:
                self._take(await self._at(server))
        except Exception:  # the demo does not start, or the secret store is out of reach: all stays as it is
            log.exception("the account in use could not be opened")
        self._do(self._remove_ended())
        return self.app

    async def _remove_ended(self) -> None:
        """Sessions that were ended while the secret store did not answer go, of servers that nobody may open again as
        well: those are not told of it, as nobody can go on with them."""
        own = a.directory_of(self._data, self.app.server or NOWHERE)
        for directory in {a.directory_of(self._data, a.DEMO), *a.server_directories(self._data)} - {own}:
            await remove_ended(self._secrets, Endings(directory / ENDED))

    async def _tidy(self) -> None:
        """An app that was ended while somebody signed in or out may list an account of which there is nothing."""
        for account in self.accounts.all if self._secrets.persistent else ():
            with contextlib.suppress(OSError):
                if not self.file_of(account).exists() and not await self._secrets.get(_session(account)):
                    await self.accounts.remove(account)

    def begin(self, is_seen: Callable[[], bool]) -> None:
        """Sync the app in use, now and then, for as long as it `is_seen`."""
        self._is_seen = is_seen
        self._sync()

    async def switch(self, account: a.Account) -> None:
        """Go on as `account`, without network and without signing in, unless its session is over."""
        async with self._one_by_one:
            app = await self._with(account)
            self._stop_listening()  # what is still heard of the one before is not about whom the list has next
            await self.accounts.use(account.server, self.accounts.get(account.id))
            self._take(app)

    async def join(self, server: str) -> None:
        """Go to `server`, where nobody is signed in yet; whoever is elsewhere stays so."""
        async with self._one_by_one:
            app = await self._at(server)
            self._stop_listening()
            await self.accounts.use(server)
            self._take(app)

    async def try_demo(self, role: Role) -> SignedIn | Refusal:
        """Sign a new visitor in to the demo that the app brings along; raises NoAnswer."""
        async with self._one_by_one:
            app = await self._at(a.DEMO)
            self._trying = app
            try:
                answer = await app.sign_in.demo(role)
            except BaseException:
                self._let_go(app)
                raise
            finally:
                self._trying = None
            if isinstance(answer, Refusal):
                self._let_go(app)
            else:
                self._take(app)
            return answer

    def _let_go(self, app: App) -> None:
        """It came to nothing: the list says again who is in use."""
        self._do(_close(app, None))
        self._do(self._note(self.app))

    def waiting(self, account: a.Account) -> int:
        """How much of an account that is not in use waits to be sent, or to be looked at."""
        return a.unsent(self._data, account)

    async def forget(self, account: a.Account, agreed: int = 0) -> bool:
        """Remove what this device keeps of an account whose session is over; False where something would be lost.

        A participant may have `agreed` to lose so many requests: perhaps there is no account any more to send them for.
        A till's scans are the programme's: they stay.
        """
        may_lose = account.role == "participant" and 0 < self.waiting(account) <= agreed
        kept: tuple[Table, ...] = ("offline_scans",) if may_lose else ("offline_scans", "outbox")
        # Whoever signs in again meanwhile, in another window, is waited for, or finds nothing of before.
        async with Endings(a.directory_of(self._data, account.server) / ENDED).turn():
            return await self._forget(account, kept)

    async def _forget(self, account: a.Account, kept: tuple[Table, ...]) -> bool:
        file = self.file_of(account)
        if not self._is_over(account) or (file.exists() and may_hold_unsent(file, *kept)):
            return False
        try:  # before nobody knows its name any more: it may be alive yet
            await self._secrets.delete(_session(account))
        except OSError as fault:
            log.warning("the secret store does not answer: %s", type(fault).__name__)
            return False
        if file.exists():
            remove(str(file))
        await StoreKeys(self._secrets).forget(str(file))
        if self._is_over(account):  # else it is listed anew, and its session written down next
            await self.accounts.remove(account)
        return True

    def _is_over(self, account: a.Account) -> bool:
        """Whether it is, by the list as it is now."""
        return (self.accounts.get(account.id) or account).is_over

    def file_of(self, account: a.Account) -> Path:
        """The file of an account's store."""
        return a.store_file(a.directory_of(self._data, account.server), account.server, account.subject)

    def _nowhere(self) -> App:
        keys = Keys(secrets.token_bytes(MADE_BYTES))  # of no use, as there is no server
        return App("", None, keys, self._secrets, self._preferences, self._spoken(), server=NOWHERE, **self._parts)

    def _spoken(self) -> str:
        return self._preferences.get("language") or self._language

    async def _at(self, server: str) -> App:
        keys = await open_keys(self._secrets, a.seed_name(server))
        url = await self._url_of_demo() if server == a.DEMO else server
        directory = a.directory_of(self._data, server)
        app = App(url, directory, keys, self._secrets, self._preferences, self._spoken(), server=server, **self._parts)
        app.sign_in.demo_asked = self._demo_asked.setdefault(server, {})
        app.files_of_others = self._files_of_others
        app.sessions_of_others = lambda: [_session(account) for account in self.accounts.all]

        async def begins(who: SignedIn) -> None:
            if app in (self.app, self._trying):
                await self.accounts.use(server, self._account(app, who))
            else:  # they have gone on to another account meanwhile
                await self.accounts.add(self._account(app, who))

        app.on_begin(begins)
        app.on_open = lambda route: self.on_open(app, route)
        await app.remove_ended()
        return app

    async def _with(self, account: a.Account) -> App:
        app = await self._at(account.server)
        try:
            await app.restore((account.role,), account.subject)
        except OSError as fault:
            log.warning("the secret store does not answer: %s", type(fault).__name__)
            app.cannot_open = "out_of_reach"
        is_over = app.session is None and app.cannot_open in (None, "set_aside")
        if is_over != account.is_over:
            await self.accounts.change(_with_end(account, is_over=is_over))
        return app

    def _files_of_others(self) -> list[str]:
        return [str(self.file_of(account)) for account in self.accounts.others() if not account.is_over]

    async def _url_of_demo(self) -> str:
        if not self._demo_url:
            self._demo_url = await asyncio.to_thread(self._start_demo)
        return self._demo_url

    def _take(self, app: App) -> None:
        before, self.app, self._had = self.app, app, ""
        self._stop_listening()
        self._stop_listening = app.subscribe(("session", "programme", "wallet"), lambda: self._do(self._note(app)))
        self._do(self._note(app))
        self.on_app(app)
        self._sync(before)

    def _sync(self, before: App | None = None) -> None:
        """Sync the app in use, and close the one that was `before` once what it was sending has been answered."""
        syncing = self._syncing
        if before is not None:
            self._do(_close(before, syncing))
        self._syncing = None
        if self.app.server != NOWHERE and self._is_seen is not None:
            self._syncing = asyncio.create_task(self.app.keep_in_sync(self._is_seen))

    async def _note(self, app: App) -> None:
        """Keep the list true, after whatever has become of the app's session."""
        account, who = self.accounts.current, app.session
        if app is not self.app or app.server is None or app.is_signing_in:
            return
        if who is not None:
            self._had = a.account_id(app.server, who.role, who.subject)
            await self.accounts.use(app.server, self._account(app, who))
        elif account is not None and account.server == app.server and app.cannot_open in (None, "set_aside"):
            if self.file_of(account).exists():
                if account.id == self._had:  # else it is another's, whom this app knows nothing of
                    await self.accounts.change(_with_end(account, is_over=True))
            else:
                await self.accounts.remove(account)

    def _account(self, app: App, who: SignedIn) -> a.Account:
        assert app.server is not None
        programme = app.programme.current()
        known = self.accounts.get(a.account_id(app.server, who.role, who.subject))
        place = programme.name if programme is not None else known.programme if known is not None else ""
        wallet = app.wallet.current() if who.role == "participant" else None
        name = who.name or (_hint(wallet.email) if wallet is not None and wallet.email else known.name if known else "")
        return a.Account(app.server, who.role, who.subject, name, place)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(_logged(work))
        self._background.add(task)  # else nothing would hold it
        task.add_done_callback(self._background.discard)

    async def settled(self) -> None:
        """Returns when the list is true, and apps that are not in use any more are closed."""
        while self._background:
            await asyncio.gather(*self._background)

    async def close(self) -> None:
        """Close the app in use, and what is left of others."""
        self._stop_listening()
        await self.settled()
        await _close(self.app, self._syncing)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception:  # such as a full disk: nobody waits for this, and the next start finds it undone
        log.exception("what goes on behind the screens failed")


async def _close(app: App, syncing: "asyncio.Task[None] | None") -> None:
    if syncing is not None:
        syncing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await syncing
    await app.close()


def _with_end(account: a.Account, *, is_over: bool) -> a.Account:
    return a.Account(account.server, account.role, account.subject, account.name, account.programme, is_over)


def _hint(email: str) -> str:
    """Enough of an address to know one's own by: the list lies open on the disk."""
    name, _, place = email.rpartition("@")
    return f"{name[:1]}…@{place}"


def _session(account: a.Account) -> str:
    return a.session_name(account.server, account.role, account.subject)
