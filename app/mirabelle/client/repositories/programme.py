"""The programme: its name, tiers, categories, charities and stores."""

from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo

from mirabelle.client.api import Api, Refusal
from mirabelle.client.store.database import Store, put_document
from mirabelle.contract import messages as m


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> m.Text: ...


class Programme:
    """Reads the programme from the store and keeps it fresh."""

    def __init__(self, store: Store, api: Api, language: Callable[[], str]) -> None:
        self._store, self._api, self._language = store, api, language

    def current(self) -> m.Programme | None:
        """The programme as last seen."""
        return self._store.document("programme", m.Programme)

    def zone(self) -> tzinfo:
        """The programme's time zone; UTC until it is known."""
        programme = self.current()
        return ZoneInfo(programme.time_zone) if programme else UTC

    async def refresh(self) -> Refusal | None:
        """Fetch the programme; raises NoAnswer."""
        from mirabelle.contract import endpoints as e

        answer = await self._api.call(e.PROGRAMME)
        if isinstance(answer, Refusal):
            return answer
        with self._store.write("programme") as connection:
            put_document(connection, "programme", answer)
        return None

    def _name(self, things: Sequence[_Named], id_: str) -> str:
        return next((thing.name.in_language(self._language()) for thing in things if thing.id == id_), id_)

    def tier_name(self, id_: str) -> str:
        """The tier's name in the app's language; its id where the programme does not know it."""
        programme = self.current()
        return self._name(programme.tiers, id_) if programme else id_

    def category_name(self, id_: str) -> str:
        """The category's name in the app's language."""
        programme = self.current()
        return self._name(programme.categories, id_) if programme else id_

    def store_name(self, id_: str) -> str:
        """The store's name in the app's language."""
        programme = self.current()
        return self._name(programme.stores, id_) if programme else id_

    def charities(self) -> list[m.NamedThing]:
        """The charities to which points can be given."""
        programme = self.current()
        return programme.charities if programme else []
