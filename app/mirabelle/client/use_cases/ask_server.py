"""Asking a server who it is, before the app joins it: nothing is kept, and nothing of anybody is sent."""

from dataclasses import dataclass
from typing import Final, Literal

from mirabelle.client.api import Api, LostAnswer, NotSent, Portal, Refusal, Untrusted, WrongServer
from mirabelle.contract.endpoints import CONTRACT
from mirabelle.contract.greeting import GREETING, OLDEST_CONTRACT

_GONE: Final = (404, 410)

# "unreachable": nobody there, or no network; "untrusted": somebody, who cannot prove to be it; "portal": the page of a
# network that wants to be signed in to; "wrong": something else than Mirabelle; "silent": it cannot answer just now.
Trouble = Literal["unreachable", "untrusted", "portal", "wrong", "silent", "server_too_old", "app_too_old"]


class CannotJoin(Exception):
    """The app cannot join this server; `trouble` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble: Trouble = trouble


@dataclass(frozen=True, slots=True)
class Found:
    """A server that can be joined, and what its programme calls itself."""

    address: str
    name: str
    is_demo: bool


async def ask_server(address: str) -> Found:
    """Who is at the written `address`; raises CannotJoin."""
    api = Api(address, lambda _reached: None)
    try:
        greeting = await api.call(GREETING)
    except Untrusted:
        raise CannotJoin("untrusted") from None
    except NotSent:
        raise CannotJoin("unreachable") from None
    except LostAnswer:
        raise CannotJoin("silent") from None
    except Portal:
        raise CannotJoin("portal") from None
    except WrongServer:
        raise CannotJoin("wrong") from None
    finally:
        await api.close()
    if isinstance(greeting, Refusal):  # in our own form, so it is ours: one that has no such page any more is newer
        raise CannotJoin("app_too_old" if greeting.status in _GONE else "silent")
    if greeting.contract < OLDEST_CONTRACT:
        raise CannotJoin("server_too_old")
    if greeting.contract > CONTRACT:
        raise CannotJoin("app_too_old")
    return Found(address, greeting.name, greeting.demo)
