"""QR codes of voucher frames and of links, as squares: whoever shows them draws them."""

from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import qrcode

QUIET_MODULES: Final = 4  # ISO/IEC 18004: less, and scanners lose the edge


def code_of(frame: str, level: Literal["L", "Q"]) -> "qrcode.QRCode[Any]":
    """The code of `frame` with its quiet zone. Screens need level L; paper, which folds, level Q."""
    import qrcode
    from qrcode.util import MODE_ALPHA_NUM, QRData

    correction = {"L": qrcode.constants.ERROR_CORRECT_L, "Q": qrcode.constants.ERROR_CORRECT_Q}[level]
    # The frame is made for the alphanumeric mode; a library that guesses would take bytes for the prefix.
    code = qrcode.QRCode(error_correction=correction, border=QUIET_MODULES, box_size=1)
    code.add_data(QRData(frame.encode("ascii"), mode=MODE_ALPHA_NUM))
    code.make(fit=True)
    return code


def code_of_text(text: str) -> "qrcode.QRCode[Any]":
    """The code of any text, such as a link, for screens."""
    import qrcode

    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L, border=QUIET_MODULES, box_size=1)
    code.add_data(text)
    code.make(fit=True)
    return code
