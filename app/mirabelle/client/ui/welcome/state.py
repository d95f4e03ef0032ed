"""How far signing in by an e-mailed code has come."""

from dataclasses import dataclass

import flet as ft

from mirabelle.contract import limits


@ft.observable
@dataclass
class SigningIn:
    """The address a code was sent to; empty until one was sent."""

    sent_to: str = ""
    email: str = ""
    code: str = ""

    @property
    def email_looks_right(self) -> bool:
        """Whether it is worth sending a code to what is typed so far; the server has the last word."""
        name, at, place = self.email.strip().partition("@")
        return bool(name and at and "." in place and len(self.email) <= limits.EMAIL_CHARACTERS)

    @property
    def code_is_whole(self) -> bool:
        """Whether all digits of the code are there."""
        return len(self.digits) in (limits.SIGN_IN_CODE_DIGITS, limits.SIGN_IN_LONG_CODE_DIGITS)

    @property
    def digits(self) -> str:
        """The code's digits in ASCII, as sent: people paste spaces, and Arabic keyboards have digits of their own."""
        return "".join(str(int(character)) for character in self.code if character.isdecimal())
