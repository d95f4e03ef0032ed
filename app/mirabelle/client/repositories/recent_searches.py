"""What somebody searched for lately: kept with what is theirs, gone with it, and when they say so."""

from typing import Final

from mirabelle.client.store.database import Store, put_document

MOST: Final = 8
_RECENT: Final = "recent searches"
_CHARACTERS: Final = 60


class RecentSearches:
    """The searches that led somewhere, newest first."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest(self) -> list[str]:
        """What was searched for, newest first."""
        return self._store.document(_RECENT, list[str]) or []

    def note(self, text: str) -> None:
        """Remember that `text` led to a reward."""
        text = " ".join(text.split())[:_CHARACTERS]
        before = self.newest()
        if text and before[:1] != [text]:
            others = [one for one in before if one.casefold() != text.casefold()]
            self._keep([text, *others][:MOST])

    def forget(self) -> None:
        """Remember none of them."""
        self._keep([])

    def _keep(self, searches: list[str]) -> None:
        with self._store.write("searches") as connection:
            put_document(connection, _RECENT, searches)
