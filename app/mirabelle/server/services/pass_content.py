"""What a pass in a phone's wallet app says of a voucher, whichever app it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mirabelle.contract.messages import Text
from mirabelle.contract.translation import LANGUAGES, texts

DEFAULT_TINT: Final = "#F3E3EF"
_LIGHT: Final = 128  # of 255: letters are dark, so that a darker tint is not used


@dataclass(frozen=True, slots=True)
class PassContent:
    """A voucher for a wallet app: `frame` is its static code, good from `made_at` until `ends_at`; no `store` is any.

    No two passes have the same `serial`, because a wallet app takes one that it knows for the pass that it has.
    """

    serial: str
    reward: str
    title: Text
    terms: Text
    store: Text | None
    programme: str
    picture: bytes | None
    tint: str | None
    code: str
    made_at: datetime
    ends_at: datetime
    frame: str

    @property
    def background(self) -> tuple[int, int, int]:
        """The reward's tint where dark letters can be read on it."""
        red, green, blue = bytes.fromhex((self.tint or DEFAULT_TINT)[1:])
        if (299 * red + 587 * green + 114 * blue) // 1000 < _LIGHT:
            red, green, blue = bytes.fromhex(DEFAULT_TINT[1:])
        return red, green, blue


def words(name: str) -> Text:
    """What passes say under `name`, in every language."""
    return Text(**{language: str(texts(language)[f"passes.{name}"]) for language in LANGUAGES})
