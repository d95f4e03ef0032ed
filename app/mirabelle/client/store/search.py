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
_DIGITS: Final = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")


def fold(text: str) -> str:
    """The text as it is searched: compatibility forms apart (NFKD), marks dropped, case and letter forms folded."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in apart if not unicodedata.combining(character))
    return plain.translate(_ARABIC).translate(_DIGITS)


def match_expression(text: str) -> str:
    """The FTS5 expression for what somebody typed so far: every word must begin some word; "" for no words."""
    words = "".join(character if character.isalnum() else " " for character in fold(text)).split()
    return " ".join(f'"{word}"*' for word in words)
