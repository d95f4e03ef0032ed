"""Words that were meant: one letter away from what was typed, or at least begun like it."""

import sqlite3
from collections.abc import Iterator
from typing import Final

from mirabelle.client.store.search import after, beginning, exactly, typed_forms

_FORGIVEN_FROM: Final = 4  # letters: shorter words are one letter away from too many others
_MOST_NEAR: Final = 12
_BEGUN_LETTERS: Final = 2


def forgivingly(connection: sqlite3.Connection, word: str) -> list[str]:
    """The FTS5 terms for one typed word, and for those that are one letter away from it or from what it begins."""
    near = [term for form in typed_forms(word) for found in near_to(connection, form)
            for term in beginning(connection, found)]  # fmt: skip
    return list(dict.fromkeys([*exactly(connection, word), *near]))


def nearly(connection: sqlite3.Connection, word: str) -> list[str]:
    """As `forgivingly`; where that finds nothing, the terms for the longest beginning that some word shares."""
    terms = forgivingly(connection, word)
    length = len(word) - 1
    while not terms and length >= _BEGUN_LETTERS:
        terms, length = exactly(connection, word[:length]), length - 1
    return terms


def near_to(connection: sqlite3.Connection, word: str) -> list[str]:
    """The beginnings of known words that are one letter away from `word`: one more, one less, another, or two turned.

    Walks down the letters that known words have, so that its cost does not grow with how many they are.
    """
    if len(word) < _FORGIVEN_FROM:
        return []
    found: dict[str, None] = {}
    for at in range(len(word) + 1):
        if at and not _is_begun(connection, word[:at]):
            break
        for candidate in _changed_at(connection, word, at):
            if candidate != word and _is_begun(connection, candidate):
                found[candidate] = None
                if len(found) == _MOST_NEAR:
                    return list(found)
    return list(found)


def _changed_at(connection: sqlite3.Connection, word: str, at: int) -> Iterator[str]:
    begin, rest = word[:at], word[at:]
    if rest:
        yield begin + rest[1:]
    if len(rest) > 1:
        yield begin + rest[1] + rest[0] + rest[2:]
    for letter in _letters_after(connection, begin):
        if rest:
            yield begin + letter + rest[1:]
            yield begin + letter + rest


def _letters_after(connection: sqlite3.Connection, prefix: str) -> Iterator[str]:
    low, high = prefix, after(prefix)
    while True:
        row = connection.execute(
            "SELECT word FROM rewards_words WHERE word > ? AND word < ? LIMIT 1", (low, high)
        ).fetchone()
        if row is None:
            return
        letter = row[0][len(prefix)]
        yield letter
        low = after(prefix + letter)


def _is_begun(connection: sqlite3.Connection, prefix: str) -> bool:
    query = "SELECT 1 FROM rewards_words WHERE word >= ? AND word < ? LIMIT 1"
    return connection.execute(query, (prefix, after(prefix))).fetchone() is not None
