"""Text made ready for searching: case, accents, Arabic letter forms and digits make no difference."""

import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

_ARABIC: Final = str.maketrans(
    {
        "ة": "ه",
        "ى": "ي",
        "ٱ": "ا",
        "ـ": None,  # tatweel only stretches
        "œ": "oe",
        "æ": "ae",
    }
)
# And, with, like, so, for: each is written onto the article, and people search without either.
_ARTICLES: Final = ("وال", "بال", "كال", "فال", "ولل", "لل", "ال")
_STEM_LETTERS: Final = 2
_DIGITS: Final = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")

INDEXED_PREFIX: Final = 3  # letters of a beginning that the index finds at once
_SPELLED_OUT: Final = 16  # words that begin alike: up to here they are asked for one by one, which needs no merging
_KEPT_PIECES: Final = 8192
_TYPED_WORDS: Final = 8
_TYPED_LETTERS: Final = 32
_FIRST_FACET: Final = 0xF0000  # private-use characters: nobody types them, and they are one letter long

Forms = Callable[[sqlite3.Connection, str], list[str]]


def fold(text: str) -> str:
    """The text as it is searched: compatibility forms apart (NFKD), marks dropped, case and letter forms folded."""
    apart = unicodedata.normalize("NFKD", text.casefold()).casefold()  # again, as capitals may come apart from a form
    plain = "".join(character for character in apart if not unicodedata.combining(character))
    return plain.translate(_ARABIC).translate(_DIGITS)


def _words_of(piece: str) -> tuple[str, ...]:
    return tuple("".join(character if character.isalnum() else " " for character in fold(piece)).split())


def words(text: str) -> Iterator[str]:
    """The folded words of a text."""
    for piece in text.split():
        yield from _words_of(piece)


def _without_article(word: str) -> str | None:
    """The Arabic word without its article and what is written onto it; None where there is none to take off."""
    for article in _ARTICLES:
        stem = word.removeprefix(article)
        if stem != word and len(stem) >= _STEM_LETTERS:
            return stem
    return None


class _Indexed(dict[str, str]):
    """What is put into the index for a piece of text: a catalog says the same ones over and over."""

    def __missing__(self, piece: str) -> str:
        found = _words_of(piece)
        said = " ".join((*found, *filter(None, map(_without_article, found))))
        if len(self) < _KEPT_PIECES:
            self[piece] = said
        return said


_indexed_of: Final = _Indexed().__getitem__


def indexed(text: str) -> str:
    """What is put into the index for `text`: its folded words, the Arabic ones without their article too."""
    return " ".join(map(_indexed_of, dict.fromkeys(text.split())))


def indexed_all(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """The same for each of `texts`; and all the words in it, each once."""
    pieces = [text.split() for text in texts]
    said = [" ".join(map(_indexed_of, dict.fromkeys(some))) for some in pieces]
    return said, set(" ".join(map(_indexed_of, set().union(*pieces))).split())


def facet_word(number: int) -> str:
    """What stands in the index for the facet (a category or a kind) `number`."""
    return chr(_FIRST_FACET + number)


def typed_words(text: str) -> list[str]:
    """The words of what somebody typed, as far as they are looked at."""
    return [word[:_TYPED_LETTERS] for word in words(text)][:_TYPED_WORDS]


def typed_forms(word: str) -> list[str]:
    """A typed word, and what it is without its article."""
    return [form for form in (word, _without_article(word)) if form]


def beginning(connection: sqlite3.Connection, prefix: str) -> list[str]:
    """FTS5 terms for the words that begin with `prefix`, and for the categories whose names hold such a word."""
    return [*_words_beginning(connection, prefix), *_facets_beginning(connection, prefix)]


def _words_beginning(connection: sqlite3.Connection, prefix: str) -> list[str]:
    is_indexed = len(prefix) <= INDEXED_PREFIX
    query = "SELECT word FROM rewards_words WHERE word >= ? AND word < ? LIMIT ?"
    most = 1 if is_indexed else _SPELLED_OUT + 1
    found = [row[0] for row in connection.execute(query, (prefix, after(prefix), most))]
    if found and (is_indexed or len(found) > _SPELLED_OUT):
        return [f'"{prefix}"*']
    return [f'"{word}"' for word in found]


def _facets_beginning(connection: sqlite3.Connection, prefix: str) -> list[str]:
    query = "SELECT DISTINCT facet FROM rewards_names WHERE word >= ? AND word < ?"
    return [f'"{facet_word(row[0])}"' for row in connection.execute(query, (prefix, after(prefix)))]


def after(prefix: str) -> str:
    """What sorts after every word that begins with `prefix`."""
    return prefix + "\U0010ffff"


def exactly(connection: sqlite3.Connection, word: str) -> list[str]:
    """The terms for one typed word as it stands."""
    return [term for form in typed_forms(word) for term in beginning(connection, form)]


def expression(connection: sqlite3.Connection, typed: Sequence[str], forms: Forms) -> str | None:
    """The FTS5 expression for `typed` words: each must begin some word. None where one of them begins no word at all,
    in any of its forms."""
    parts = []
    for word in typed:
        terms = forms(connection, word)
        if not terms:
            return None
        parts.append(f"({' OR '.join(terms)})")
    return " AND ".join(parts)
