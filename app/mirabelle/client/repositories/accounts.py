"""The accounts of an installed app: who is who, in which programme, on which server. Nothing secret is in the list."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from mirabelle.client.device.keys import SEED
from mirabelle.client.device.preferences import Preferences
from mirabelle.client.store.unsent import count_unsent
from mirabelle.contract.fields import Role

DEMO: Final = "demo"  # the server that the app brings along; all others are known by their address
ACCOUNTS: Final = "accounts"


class Account(msgspec.Struct, frozen=True):
    """Somebody's account. `programme` is its name as last seen; `is_over`: they have to sign in again."""

    server: str
    role: Role
    subject: str
    name: str
    programme: str = ""
    is_over: bool = False

    @property
    def id(self) -> str:
        """What tells it from every other account on any server."""
        return account_id(self.server, self.role, self.subject)


class _List(msgspec.Struct, frozen=True):
    """`server` is the one in use, "" for none yet; `current` the id of the account in use, "" for nobody."""

    accounts: tuple[Account, ...] = ()
    server: str = ""
    current: str = ""


class Accounts:
    """The list in the preferences. What an older or a newer app wrote differently counts as none."""

    def __init__(self, preferences: Preferences, on_change: Callable[[], object] = lambda: None) -> None:
        self._preferences, self._on_change = preferences, on_change
        try:
            self._kept = msgspec.json.decode(preferences.get(ACCOUNTS) or "{}", type=_List)
        except msgspec.DecodeError:
            self._kept = _List()

    @property
    def all(self) -> Sequence[Account]:
        """Every account, in the order in which they came."""
        return self._kept.accounts

    @property
    def server(self) -> str:
        """The server in use; "" for none yet."""
        return self._kept.server

    @property
    def current(self) -> Account | None:
        """The account in use."""
        return self.get(self._kept.current)

    def get(self, id_: str) -> Account | None:
        """The account `id_`."""
        return next((account for account in self._kept.accounts if account.id == id_), None)

    def others(self) -> Sequence[Account]:
        """Every account but the one in use."""
        return [account for account in self._kept.accounts if account.id != self._kept.current]

    async def use(self, server: str, account: Account | None = None) -> None:
        """The app is with `server` from now on, and with `account`, which is new, or known by another name."""
        accounts = self._kept.accounts
        if account is not None:
            known = self.get(account.id)
            same = [account if one == known else one for one in accounts]
            accounts = tuple(same if known is not None else [*accounts, account])
        await self._keep(_List(accounts, server, account.id if account is not None else ""))

    async def change(self, account: Account) -> None:
        """Something about a known account is different."""
        accounts = tuple(account if one.id == account.id else one for one in self._kept.accounts)
        await self._keep(msgspec.structs.replace(self._kept, accounts=accounts))

    async def add(self, account: Account) -> None:
        """There is one more, which is not in use for that."""
        if self.get(account.id) is None:
            await self._keep(msgspec.structs.replace(self._kept, accounts=(*self._kept.accounts, account)))

    async def remove(self, account: Account) -> None:
        """It is gone from this device."""
        accounts = tuple(one for one in self._kept.accounts if one.id != account.id)
        current = "" if self._kept.current == account.id else self._kept.current
        await self._keep(_List(accounts, self._kept.server, current))

    async def _keep(self, kept: _List) -> None:
        if kept != self._kept:
            self._kept = kept
            self._on_change()
            await self._preferences.set(ACCOUNTS, msgspec.json.encode(kept).decode())


def account_id(server: str, role: Role, subject: str) -> str:
    """What tells an account from every other on any server."""
    return _digest(f"{server}\0{role}\0{subject}")


def session_name(server: str, role: Role, subject: str) -> str:
    """Where the secret store keeps the session."""
    return f"session.{account_id(server, role, subject)}"


def seed_name(server: str) -> str:
    """Where the secret store keeps the seed of the device's keys for `server`: what one server has signed, no other
    one can make use of."""
    return SEED if server == DEMO else f"{SEED}.{_digest(server)}"


def directory_of(data: Path, server: str) -> Path:
    """Where below `data` the stores of a server's people are."""
    return data / "demo" / "app" if server == DEMO else data / "servers" / _digest(server)


def store_file(directory: Path, server: str | None, subject: str) -> Path:
    """The store of a person. The key of the file goes by its name: it is another one on each server."""
    whose = subject if server is None or server == DEMO else f"{server}\0{subject}"
    return directory / f"{_digest(whose)}.sqlite"


def unsent(data: Path, account: Account) -> int:
    """How much of an account was not sent yet, or refused and not seen, as far as can be told without its key."""
    file = store_file(directory_of(data, account.server), account.server, account.subject)
    return count_unsent(file) if file.exists() else 0


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
