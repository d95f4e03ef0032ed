"""What messages are made of: their base, texts in three languages, and what a single value may be."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mirabelle.contract import limits

Language = Literal["en", "fr", "ar"]
Role = Literal["participant", "staff"]
Kind = Literal[
    "merchandise", "gift_card", "experience", "discount", "cash_back", "status", "points_exchange", "free_trial",
    "customised", "charity", "training", "exclusive_access", "travel", "digital_good", "referral_bonus", "personalised",
]  # fmt: skip
Needs = Literal["nothing", "address", "recipient", "date", "charity"]
Fulfilment = Literal["voucher", "order"]
ValueClass = Literal["A", "B", "C"]
PassKind = Literal["apple", "google"]

Points = Annotated[int, Meta(ge=0, le=10**12)]
Amount = Annotated[int, Meta(ge=1, le=10**12, description="Money in minor units of the programme's currency")]
# No text may hold a NUL, which PostgreSQL cannot keep. Python's "$" lets a last newline pass: "(?!\n)" or the length
# does not.
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_ATOM = r"[^@.\s\x00-\x1f\x7f<>()\[\],:;\\\"]+"
_ADDRESS_PART = rf"{_ATOM}(?:\.{_ATOM})*"
Identifier = Annotated[str, Meta(min_length=1, max_length=limits.IDENTIFIER_CHARACTERS, pattern=PRINTABLE)]
Name = Annotated[str, Meta(max_length=limits.NAME_CHARACTERS, pattern=PRINTABLE)]
Email = Annotated[
    str, Meta(max_length=limits.EMAIL_CHARACTERS, pattern=rf"^(?!.*=\?){_ADDRESS_PART}@{_ADDRESS_PART}$(?!\n)")
]
PublicKey = Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-f]{64}$", description="Ed25519 public key, hex")]


class Message(Struct, frozen=True, kw_only=True):
    """The base of all messages; unknown fields are ignored so that either end may be newer.

    Where values are listed there is never another within one version of the API: older apps would take the whole
    message for no message of ours. What is new gets a field of its own, or is a plain text from the beginning.
    """


class SecretMessage(Message, frozen=True, kw_only=True):
    """A message whose content belongs in no log and in no traceback."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


class Text(Message, frozen=True, kw_only=True, gc=False):
    """One text in the programme's languages; English stands in for a missing one."""

    en: str = ""
    fr: str = ""
    ar: str = ""

    def in_language(self, language: str) -> str:
        """The text in `language`, or in the first language that has one."""
        return str(getattr(self, language, "")) or self.en or self.fr or self.ar
