"""Reads the code in a picture: a camera's, or a file that staff chose."""

import io
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURE_BYTES: Final = 16 * 1024 * 1024
PICTURE_PIXELS: Final = 60_000_000  # what good phones take; checked before anything is unpacked
_LONG_SIDE_PIXELS: Final = 2400  # a code filling a tenth of it still has 4 pixels a module
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # what screens and cameras make; nothing rarer is parsed
_VOUCHER_PREFIX: Final = "MV1:"

Fault = Literal["too_large", "not_a_picture", "no_code", "no_decoder"]


class CannotRead(Exception):
    """No code was read; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


def read_code(picture: bytes) -> str:
    """Read the QR code in a picture file's bytes, to the character, a voucher's before any other. Raises CannotRead."""
    if len(picture) > PICTURE_BYTES:
        raise CannotRead("too_large")
    try:
        # Only tills read pictures, so nobody else pays for loading these.
        import zxingcpp  # noqa: F401
        from PIL import Image
    except ImportError:
        raise CannotRead("no_decoder") from None
    try:
        with Image.open(io.BytesIO(picture), formats=_FORMATS) as opened:
            if opened.width * opened.height > PICTURE_PIXELS:
                raise CannotRead("too_large")
            grey = _grey(opened)
    except Image.DecompressionBombError:
        raise CannotRead("too_large") from None
    except (OSError, ValueError, SyntaxError, EOFError):  # all of these are how Pillow says that a file is broken
        raise CannotRead("not_a_picture") from None
    # Most codes are held near enough to be read at half the size, for a third of the work.
    for look in (_glance, _search):
        found = look(grey)
        voucher = next((text for text in found if text.startswith(_VOUCHER_PREFIX)), None)
        if voucher is not None:
            return voucher
    if not found:
        raise CannotRead("no_code")
    return found[0]


def _glance(grey: "Image") -> list[str]:
    return _codes(grey.reduce(2), try_rotate=False, try_downscale=False)


def _search(grey: "Image") -> list[str]:
    return _codes(grey, try_rotate=True, try_downscale=True)


def _codes(grey: "Image", try_rotate: bool, try_downscale: bool) -> list[str]:
    import zxingcpp

    # Of a picture it would make two copies, of bytes none; and codes are dark on light: there is nothing to invert.
    rows = memoryview(grey.tobytes()).cast("B", (grey.height, grey.width))
    found = zxingcpp.read_barcodes(
        rows,
        formats=zxingcpp.BarcodeFormat.QRCode,
        text_mode=zxingcpp.TextMode.Plain,
        try_invert=False,
        try_rotate=try_rotate,
        try_downscale=try_downscale,
    )
    return [code.text for code in found]


def _grey(picture: "Image") -> "Image":
    """Bring a picture to a size worth searching, grey, on white where it is see-through."""
    picture.draft("L", (_LONG_SIDE_PIXELS, _LONG_SIDE_PIXELS))
    if picture.has_transparency_data:
        from PIL import Image

        seen = picture.convert("RGBA")
        picture = Image.new("RGBA", seen.size, "white")
        picture.alpha_composite(seen)
    grey = picture.convert("L")
    grey.thumbnail((_LONG_SIDE_PIXELS, _LONG_SIDE_PIXELS))
    return grey
