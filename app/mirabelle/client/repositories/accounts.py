"""The accounts of an installed app: who is who, in which programme, on which server. Nothing secret is in the list."""

import hashlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec

from mirabelle.client.device.keys import SEED
from mirabelle.client.store.unsent import count_unsent
from mirabelle.contract.fields import Role

log = logging.getLogger(__name__)

DEMO: Final = "demo"  # the server that the app brings along; all others are known by their address
_SERVERS: Final = "servers"
WAIT_SECONDS: Final = 5  # for another window that writes

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS accounts (number INTEGER PRIMARY KEY, id TEXT UNIQUE, content BLOB) STRICT",
    "CREATE TABLE IF NOT EXISTS used (one INTEGER PRIMARY KEY CHECK (one = 1), server TEXT, current TEXT) STRICT",
)
_ADD: Final = "INSERT INTO accounts (id, content) VALUES (:id, :content) ON CONFLICT DO NOTHING"
_CHANGE: Final = "UPDATE accounts SET content = :content WHERE id = :id"
_REMOVE: Final = "DELETE FROM accounts WHERE id = :id"
_USE: Final = "INSERT OR REPLACE INTO used VALUES (1, :server, :current)"


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


class Accounts:
    """The list, in a file that all windows of the app share. What a newer app wrote differently is left as it is.

    Which account and server are in use is each window's own; the next start goes on with what was used last. Where the
    file is out of reach the list lasts as long as the app, and the file is not written over.
    """

    def __init__(self, file: Path, on_change: Callable[[], object] = lambda: None) -> None:
        self._file, self._on_change = file, on_change
        self._known: tuple[Account, ...] = ()
        used = self._run(("SELECT server, current FROM used",))
        self._server, self._current = used[0] if used else ("", "")

    @property
    def all(self) -> Sequence[Account]:
        """Every account, in the order in which they came."""
        rows = self._run(("SELECT content FROM accounts ORDER BY number",))
        if rows is not None:
            self._known = tuple(account for (content,) in rows if (account := _decoded(content)) is not None)
        return self._known

    @property
    def server(self) -> str:
        """The server in use; "" for none yet."""
        return self._server

    @property
    def current(self) -> Account | None:
        """The account in use."""
        return self.get(self._current)

    def get(self, id_: str) -> Account | None:
        """The account `id_`."""
        return next((account for account in self.all if account.id == id_), None)

    def others(self) -> Sequence[Account]:
        """Every account but the one in use."""
        return [account for account in self.all if account.id != self._current]

    async def use(self, server: str, account: Account | None = None) -> None:
        """The app is with `server` from now on, and with `account`, which is new, or known by another name."""
        before = (self._server, self._current, account and self.get(account.id))
        self._server, self._current = server, account.id if account is not None else ""
        if before == (self._server, self._current, account):
            return
        kept = [] if account is None else [_ADD, _CHANGE]
        self._write(account, *kept)

    async def change(self, account: Account) -> None:
        """Something about a known account is different."""
        if self.get(account.id) not in (None, account):
            self._write(account, _CHANGE)

    async def add(self, account: Account) -> None:
        """There is one more, which is not in use for that."""
        if self.get(account.id) is None:
            self._write(account, _ADD)

    async def remove(self, account: Account) -> None:
        """It is gone from this device."""
        self._current = "" if self._current == account.id else self._current
        self._write(account, _REMOVE)

    def _write(self, account: Account | None, *statements: str) -> None:
        values = {"id": account.id, "content": msgspec.json.encode(account)} if account is not None else {}
        use = {"server": self._server, "current": self._current}
        if self._run(*((statement, values) for statement in statements), (_USE, use)) is None and account is not None:
            others = tuple(one for one in self._known if one.id != account.id)
            self._known = others if _REMOVE in statements else (*others, account)
        self._on_change()

    def _run(self, *statements: tuple[Any, ...]) -> list[Any] | None:
        """What the last of `statements` finds, all in one transaction; None where the file is out of reach."""
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file.touch(mode=0o600)
            with closing(sqlite3.connect(self._file, timeout=WAIT_SECONDS)) as connection, connection:
                for table in _TABLES:
                    connection.execute(table)
                return [connection.execute(*statement).fetchall() for statement in statements][-1]
        except (OSError, sqlite3.Error) as fault:
            log.warning("the list of accounts is out of reach: %s", type(fault).__name__)
            if type(fault) is sqlite3.DatabaseError:  # kept aside, so that there can be a list again
                self._file.replace(self._file.with_suffix(".spoiled"))
            return None


def _decoded(content: bytes) -> Account | None:
    try:
        return msgspec.json.decode(content, type=Account)
    except msgspec.DecodeError:
        return None


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
    return data / "demo" / "app" if server == DEMO else data / _SERVERS / _digest(server)


def server_directories(data: Path) -> Sequence[Path]:
    """Those of all servers that were ever used, but for the demo's."""
    return sorted((data / _SERVERS).glob("*"))


def list_file(data: Path) -> Path:
    """Where below `data` the list is."""
    return data / "account-list.sqlite"


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
