"""How words are folded for searching: case, accents, Arabic letter forms and digits make no difference."""

import unicodedata
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


def fold(text: str) -> str:
    """The text as it is searched: compatibility forms apart (NFKD), marks dropped, case and letter forms folded."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in apart if not unicodedata.combining(character))
    return plain.translate(_ARABIC).translate(_DIGITS)


def _words(text: str) -> list[str]:
    return "".join(character if character.isalnum() else " " for character in fold(text)).split()


def _without_article(word: str) -> str | None:
    """The Arabic word without its article and what is written onto it; None where there is none to take off."""
    for article in _ARTICLES:
        stem = word.removeprefix(article)
        if stem != word and len(stem) >= _STEM_LETTERS:
            return stem
    return None


def indexed(text: str) -> str:
    """What is put into the index for `text`: its folded words, and the Arabic ones without their article as well."""
    words = _words(text)
    return " ".join([*words, *filter(None, map(_without_article, words))])


def match_expression(text: str) -> str:
    """The FTS5 expression for what somebody typed so far: every word must begin some word; "" for no words."""
    alternatives = [[word, _without_article(word)] for word in _words(text)]
    return " AND ".join("(" + " OR ".join(f'"{word}"*' for word in forms if word) + ")" for forms in alternatives)
