"""The secret store: the desktop's keyring, the phone's or the browser's secure storage, else memory."""

import asyncio
import logging
import threading
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    import flet as ft

log = logging.getLogger(__name__)

T = TypeVar("T")

SERVICE: Final = "mirabelle"
MADE_BYTES: Final = 32
ANSWER_SECONDS: Final = 5
PROMPT_SECONDS: Final = 30  # that a keyring may take: it may have to ask somebody for a password first

KeptIn = Literal["keyring", "device", "browser", "memory"]


class SecretStore(Protocol):
    """Keeps secrets by name. `persistent` is False where they are gone when the app ends."""

    kept_in: KeptIn
    persistent: bool

    async def get(self, name: str) -> str | None: ...
    async def set(self, name: str, value: str) -> None: ...
    async def delete(self, name: str) -> None: ...


class MemorySecrets:
    """Keeps secrets as long as the app runs."""

    kept_in: KeptIn = "memory"
    persistent = False

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        """The secret, if there is one."""
        return self._values.get(name)

    async def set(self, name: str, value: str) -> None:
        """Keep the secret."""
        self._values[name] = value

    async def delete(self, name: str) -> None:
        """Forget the secret."""
        self._values.pop(name, None)


class _Aside:
    """A thread for calls that may never return, which the end of the app does not wait for. They run one after another,
    and one that is given up before its turn is not made, so that none overtakes a later one."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    async def run(self, call: Callable[[], Any]) -> Any:
        """What `call` returns or raises."""
        answer: Future[Any] = Future()
        self._calls.put((answer, call))
        return await asyncio.wrap_future(answer)

    def _work(self) -> None:
        while True:
            answer, call = self._calls.get()
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(call())
            except BaseException as fault:  # told to whoever waits, in their own thread
                answer.set_exception(fault)


class KeyringSecrets:
    """Keeps secrets in the desktop's keyring; keyring's faults, and its silence, are told as OSError."""

    kept_in: KeptIn = "keyring"
    persistent = True

    def __init__(self) -> None:
        self._aside = _Aside()

    async def _run(self, method: str, *arguments: str) -> Any:
        import keyring

        try:
            async with asyncio.timeout(PROMPT_SECONDS):
                return await self._aside.run(partial(getattr(keyring, method), SERVICE, *arguments))
        except Exception as fault:  # each system's service fails in ways of its own, locked or gone
            raise OSError("the keyring cannot be used") from fault

    async def get(self, name: str) -> str | None:
        """The secret, if there is one."""
        value = await self._run("get_password", name)
        return str(value) if value is not None else None

    async def set(self, name: str, value: str) -> None:
        """Keep the secret."""
        await self._run("set_password", name, value)

    async def delete(self, name: str) -> None:
        """Forget the secret."""
        if await self.get(name) is not None:
            await self._run("delete_password", name)


class SecureStorageSecrets:
    """Keeps secrets in the phone's or the browser's secure storage; its faults are told as OSError."""

    persistent = True

    def __init__(self, kept_in: KeptIn) -> None:
        self.kept_in = kept_in
        # The first thing that a browser keeps has it make the key for all of them: two at once would make two.
        self._one_by_one = asyncio.Lock()
        self._storage: Any = None
        self._made_for: weakref.ref[Any] | None = None

    def _storage_now(self) -> Any:
        """A service that outlives a dropped WebSocket never answers again (Flet 1.0.5): one for each connection."""
        import flet as ft
        import flet_secure_storage as fss

        connection = ft.context.page.session.connection
        if self._made_for is None or self._made_for() is not connection:
            self._storage, self._made_for = fss.SecureStorage(), weakref.ref(connection)
        return self._storage

    async def _run(self, method: str, *arguments: str) -> Any:
        try:
            storage = self._storage_now()
            return await asyncio.wait_for(getattr(storage, method)(*arguments), ANSWER_SECONDS)
        except Exception as fault:
            raise OSError("the secure storage cannot be used") from fault

    async def get(self, name: str) -> str | None:
        """The secret, if there is one."""
        value = await self._run("get", f"{SERVICE}.{name}")
        return str(value) if value is not None else None

    async def set(self, name: str, value: str) -> None:
        """Keep the secret."""
        async with self._one_by_one:
            await self._run("set", f"{SERVICE}.{name}", value)

    async def delete(self, name: str) -> None:
        """Forget the secret."""
        await self._run("remove", f"{SERVICE}.{name}")


async def open_secrets(page: "ft.Page", read: Callable[[SecretStore], Awaitable[T]]) -> tuple[SecretStore, T]:
    """The best secret store that works on this page's device, and what `read` finds in it: that it does so, after one
    question where it was used before, is the proof. On the web it is never the server's keyring."""
    import flet as ft

    phones = (ft.PagePlatform.ANDROID, ft.PagePlatform.IOS)
    best: SecretStore
    if page.web:
        best = SecureStorageSecrets("browser")
    elif page.platform in phones:
        best = SecureStorageSecrets("device")
    else:
        best = KeyringSecrets()
    try:
        return best, await read(best)
    except OSError:
        log.warning("no secret store on this device: secrets are kept in memory only")
        memory = MemorySecrets()
        return memory, await read(memory)


async def kept_or_made(store: SecretStore, name: str) -> str:
    """The secret `name` of 32 bytes in hexadecimal, made at the first call; raises OSError."""
    kept = await store.get(name)
    if kept is None:
        await store.set(name, token_hex(MADE_BYTES))
        # Another window that opens at the same time may set its own until an answer later: the last one is everybody's.
        for _ in range(2):
            kept = await store.get(name)
    if kept is None:
        raise OSError("the secret store forgets")
    return kept
