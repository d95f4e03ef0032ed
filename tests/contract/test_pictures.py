"""Pictures as both ends agree: a name proves every size, and eight characters are drawn as a blur."""

import io

import pytest
from PIL import Image

from mirabelle.contract.pictures import (
    SIDE,
    WIDTHS,
    Placeholder,
    drawn,
    is_genuine,
    is_name,
    name_of,
    prove,
    read_placeholder,
    width_for,
)

FILES = (b"small", b"medium", b"large")
PROOF = prove(FILES)
NAME = name_of(PROOF)


def test_a_name_proves_each_size_and_no_other_file() -> None:
    assert [is_genuine(NAME, width, PROOF, file) for width, file in zip(WIDTHS, FILES, strict=True)] == [True] * 3
    assert not is_genuine(NAME, WIDTHS[0], PROOF, FILES[1])
    assert not is_genuine(NAME, WIDTHS[0], PROOF, FILES[0] + b"!")
    assert not is_genuine(NAME, 300, PROOF, FILES[0])


@pytest.mark.parametrize("proof", [b"", PROOF[:-1], PROOF + b"\0", prove((b"evil", *FILES[1:]))])
def test_another_proof_proves_nothing(proof: bytes) -> None:
    assert not is_genuine(NAME, WIDTHS[0], proof, FILES[0])
    assert not is_genuine(NAME, WIDTHS[0], proof, b"evil")


@pytest.mark.parametrize("text", [None, "", "teapot", NAME + "\n", NAME.upper(), "../" + NAME[3:], NAME + "0"])
def test_what_the_first_apps_named_is_no_name(text: str | None) -> None:
    assert is_name(NAME) and (text == NAME or not is_name(text))


def test_the_smallest_size_that_suffices_is_asked_for() -> None:
    assert [width_for(pixels) for pixels in (1, 256, 257, 512, 4000)] == [256, 256, 512, 512, 1024]


@pytest.mark.parametrize("is_cut_out", [True, False])
def test_a_placeholder_comes_out_of_eight_characters_as_it_went_in(is_cut_out: bool) -> None:
    hint = Placeholder((255, 0, 132), tuple(number % 4 for number in range(SIDE * SIDE)), is_cut_out)
    assert len(hint.told()) == 8 and read_placeholder(hint.told()) == hint
    picture = Image.open(io.BytesIO(drawn(hint.told())))
    picture.load()
    edge = int(is_cut_out)
    assert (picture.size, picture.mode) == ((SIDE + 2 * edge,) * 2, "RGBA")
    assert picture.getpixel((edge + 3, edge)) == ((255, 0, 132, 150) if is_cut_out else (255, 54, 186, 255))
    assert not is_cut_out or picture.getpixel((0, 3))[3] == 0


@pytest.mark.parametrize("text", ["", "1234567", "123456789", "1234567=", "١٢٣٤٥٦٧٨", "a" * 7 + "\n"])
def test_what_is_no_placeholder_draws_nothing(text: str) -> None:
    assert read_placeholder(text) is None and drawn(text) == b""
