"""Makes what is served of a picture out of the file that a programme names: smaller, as WebP, without its metadata."""

import io
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from mirabelle.contract import limits
from mirabelle.contract.pictures import SIDE, WIDTHS, Placeholder, prove

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS: Final = ("PNG", "JPEG", "WEBP")
_QUALITIES: Final = (82, 60, 35)  # tried until the file is small enough
_BARE: Final = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}  # chunks of a WebP file that has neither metadata nor frames
_LARGE: Final = 8_000_000  # pixels; of pictures with more, one is unpacked at a time: it may take 200 MB
_STRIP: Final = 1_000_000  # pixels
_one_large: Final = Lock()


class PictureUnusable(Exception):
    """A file cannot be a reward's picture; the message says why, in words that follow its name."""


@dataclass(frozen=True, slots=True)
class MadePicture:
    """A picture as it is served: a file for each of WIDTHS, some of which may be the same, and what proves them."""

    files: tuple[bytes, ...]
    proof: bytes
    placeholder: str


def picture_file(folder: Path, named: str) -> Path:
    """The file in `folder`, where it really is, that a programme there names; raises PictureUnusable."""
    try:
        folder, file = folder.resolve(), (folder / named).resolve()
        size = file.stat().st_size if file.is_file() else None
    except (OSError, ValueError) as fault:  # a NUL in a name is a ValueError
        raise PictureUnusable("cannot be looked for") from fault
    if Path(named).is_absolute() or not file.is_relative_to(folder):
        raise PictureUnusable("is outside of the programme's folder")
    if size is None:
        raise PictureUnusable("is no file there")
    if size > limits.PICTURE_SOURCE_BYTES:
        raise PictureUnusable(f"has more than {limits.PICTURE_SOURCE_BYTES // 1024**2} MB")
    return file


def make_picture(raw: bytes) -> MadePicture:
    """What is served of the picture in the file `raw`; raises PictureUnusable."""
    image, is_as_it_came = _opened(raw)
    whole, files = b"", list[bytes]()
    for width in WIDTHS:
        if max(image.size) > width:
            smaller = image.copy()
            smaller.thumbnail((width, width), _resampling().LANCZOS)
            files.append(_packed(smaller))
        else:
            whole = whole or (raw if is_as_it_came and _is_bare_webp(raw) else _packed(image))
            files.append(whole)
    return MadePicture(tuple(files), prove(files), _placeholder(image).told())


def _resampling() -> Any:
    from PIL import Image

    return Image.Resampling


def _opened(raw: bytes) -> tuple["Image", bool]:
    """The picture upright, in sRGB, with transparency only where it has some, no larger than it is ever served; and
    whether it was no larger."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(raw), formats=_FORMATS) as found:
            pixels, is_webp = found.width * found.height, found.format == "WEBP"
            most = limits.WEBP_SOURCE_PIXELS if is_webp else limits.PICTURE_SOURCE_PIXELS
            if pixels > most:
                raise PictureUnusable(_too_many(most) + (", the most for WebP" if is_webp else ""))
            with _one_large if pixels > _LARGE else nullcontext():
                is_as_it_came = max(found.size) <= WIDTHS[-1]
                found.draft("RGB", (WIDTHS[-1] * 2,) * 2)  # a large JPEG need not be unpacked in full
                found.load()
                image = _smaller(found)
            image = _in_srgb(_upright(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as fault:
        raise PictureUnusable(_too_many(limits.PICTURE_SOURCE_PIXELS)) from fault
    except UnidentifiedImageError as fault:
        raise PictureUnusable("is no PNG, JPEG or WebP picture") from fault
    except (OSError, SyntaxError, ValueError, EOFError, OverflowError) as fault:
        raise PictureUnusable("is damaged") from fault
    image.info.clear()
    return image, is_as_it_came


def _too_many(most: int) -> str:
    return f"has more than {most // 10**6} million pixels"


def _smaller(found: "Image") -> "Image":
    """`found` as `_plain` makes it, no larger than it is ever served."""
    side = WIDTHS[-1]
    times = max(found.size) // (2 * side)
    image = _reduced(found, times) if times > 1 else _plain(found)
    image.thumbnail((side, side), _resampling().LANCZOS)
    return image


def _reduced(found: "Image", times: int) -> "Image":
    """`found` so many times smaller, strip by strip: as a whole, each step on the way takes its memory once more."""
    from PIL import Image

    rows = max(1, _STRIP // (found.width * times)) * times
    image = None
    for top in range(0, found.height, rows):
        strip = _plain(found.crop((0, top, found.width, min(top + rows, found.height)))).reduce(times)
        if image is None:
            image = Image.new(strip.mode, (strip.width, -(-found.height // times)))
        image.paste(strip, (0, top // times))
    assert image is not None
    image.info = {name: note for name, note in found.info.items() if name != "transparency"}
    return image


def _plain(found: "Image") -> "Image":
    """In red, green, blue and, where it has some, transparency, 8 bits each; `found` itself where it is so."""
    if found.mode.startswith("I"):  # 16 bits of grey, which a conversion would cut off instead of scaling
        found.info.pop("transparency", None)  # of 16 bits too
        found = found.point(lambda level: level * (1 / 256) + 0).convert("L")
    if found.mode in ("RGB", "RGBA") and "transparency" not in found.info:
        return found
    return found.convert("RGBA" if found.has_transparency_data else "RGB")


def _upright(image: "Image") -> "Image":
    from PIL import ExifTags, Image

    turns = Image.Transpose
    ways = (turns.FLIP_LEFT_RIGHT, turns.ROTATE_180, turns.FLIP_TOP_BOTTOM, turns.TRANSPOSE, turns.ROTATE_270,
            turns.TRANSVERSE, turns.ROTATE_90)  # fmt: skip
    try:
        told = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # notes beside the picture, spoiled in any way, leave it whole
        return image
    way = dict(enumerate(ways, start=2)).get(told) if isinstance(told, int) else None
    return image if way is None else image.transpose(way)


def _in_srgb(image: "Image") -> "Image":
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    plain = image
    if plain.mode == "RGBA" and plain.getchannel("A").getextrema() == (255, 255):
        plain = plain.convert("RGB")
    if not profile:
        return plain
    try:
        there, here = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(plain, there, here) or plain
    except (ImageCms.PyCMSError, OSError, ValueError):
        return plain  # colours a little off are better than none


def _packed(image: "Image") -> bytes:
    packed = b""
    for quality in _QUALITIES:
        stream = io.BytesIO()
        image.save(stream, "WEBP", quality=quality, method=4, exif=b"", icc_profile=b"", xmp=b"")
        packed = stream.getvalue()
        if len(packed) <= limits.PICTURE_BYTES:
            return packed
    raise PictureUnusable(f"cannot be made smaller than {limits.PICTURE_BYTES // 1024} kB")


def _is_bare_webp(raw: bytes) -> bool:
    """Whether a file that can be opened may be served as it is: WebP with nothing in it but the picture."""
    if raw[:4] != b"RIFF" or raw[8:12] != b"WEBP" or len(raw) > limits.PICTURE_BYTES:
        return False
    at, kinds = 12, set()
    while at + 8 <= len(raw):
        kinds.add(raw[at : at + 4])
        length = int.from_bytes(raw[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    return at == len(raw) and kinds <= _BARE


def _placeholder(image: "Image") -> Placeholder:
    box = _resampling().BOX
    is_cut_out = image.mode == "RGBA"
    small = image.resize((SIDE, SIDE), box)
    mean = small.resize((1, 1), box).getpixel((0, 0))
    assert isinstance(mean, tuple)
    color = (int(mean[0]), int(mean[1]), int(mean[2]))
    if is_cut_out:
        cells = [round(level * 3 / 255) for level in small.getchannel("A").tobytes()]
    else:
        grey = (color[0] * 299 + color[1] * 587 + color[2] * 114) // 1000
        cells = [min(max((level - grey + 72) // 36, 0), 3) for level in small.convert("L").tobytes()]
    return Placeholder(color, tuple(cells), is_cut_out)
