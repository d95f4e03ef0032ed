"""A code in a picture is read to the character, and what cannot be read says why."""

import io

import pytest
import qrcode
from PIL import Image
from qrcode.util import MODE_ALPHA_NUM, QRData

from mirabelle.client.device.decode import PICTURE_BYTES, CannotRead, read_code

SPACED = "MV1:A  B C%*+-./:" + "X" * 290 + " "  # ends with a space, as a frame may


def picture_of(text: str, pixels: int = 4) -> Image.Image:
    code = qrcode.QRCode(border=4, box_size=pixels)
    code.add_data(QRData(text.encode(), mode=MODE_ALPHA_NUM))
    return code.make_image().get_image().convert("L")


def file_of(picture: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_every_space_of_a_frame_is_kept(kind):
    assert read_code(file_of(picture_of(SPACED), kind)) == SPACED


def test_a_code_on_a_see_through_ground_is_read_as_on_white():
    code = picture_of(SPACED)
    clear = Image.new("RGBA", code.size, (0, 0, 0, 0))
    clear.putalpha(code.point(lambda grey: 255 - grey))
    assert read_code(file_of(clear)) == SPACED


def test_a_voucher_is_preferred_to_a_poster_beside_it():
    voucher, poster = picture_of("MV1:" + "A" * 300), picture_of("HTTPS://SHOP.EXAMPLE/")
    both = Image.new("L", (voucher.width + poster.width, voucher.height), 255)
    both.paste(poster, (0, 0))
    both.paste(voucher, (poster.width, 0))
    assert read_code(file_of(both)).startswith("MV1:")


def test_a_voucher_too_fine_for_the_first_glance_is_preferred_to_a_coarse_poster_beside_it():
    voucher, poster = picture_of("MV1:" + "A" * 300, pixels=2), picture_of("HTTPS://SHOP.EXAMPLE/", pixels=8)
    both = Image.new("L", (voucher.width + poster.width, max(voucher.height, poster.height)), 255)
    both.paste(poster, (0, 0))
    both.paste(voucher.rotate(0.7, fillcolor=255), (poster.width, 0))
    assert read_code(file_of(both)).startswith("MV1:")


def test_a_code_in_a_large_photo_is_found():
    photo = Image.new("RGB", (4000, 3000), (120, 90, 80))
    photo.paste(picture_of(SPACED, 8), (1500, 1000))
    assert read_code(file_of(photo, "JPEG")) == SPACED


@pytest.mark.parametrize(
    ("picture", "fault"),
    [
        (b"", "not_a_picture"),
        (b"%PDF-1.7", "not_a_picture"),
        (file_of(picture_of(SPACED))[:300], "not_a_picture"),
        (file_of(Image.new("L", (300, 300), 255)), "no_code"),
        (b"x" * (PICTURE_BYTES + 1), "too_large"),
        (file_of(Image.new("1", (9000, 9000))), "too_large"),
    ],
    ids=["empty", "another file", "cut off", "blank", "too many bytes", "too many pixels"],
)
def test_what_cannot_be_read_says_why(picture, fault):
    with pytest.raises(CannotRead) as caught:
        read_code(picture)
    assert caught.value.fault == fault
