"""Base45 as RFC 9285 states it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules import base45

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")],
)
def test_the_examples_of_rfc_9285_come_out(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@given(st.binary(max_size=300))
def test_every_byte_string_survives_the_round_trip(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


@given(st.text(ALPHABET, max_size=40))
def test_a_value_has_one_spelling(text: str) -> None:
    try:
        data = base45.decode(text)
    except base45.NotBase45:
        return
    assert base45.encode(data) == text


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("0", "length"),
        ("0000", "length"),
        (":::", "group value"),
        ("GGW", "group value"),
        ("::", "group value"),
        ("V5", "group value"),
        ("00000::", "length"),
        ("00a", "alphabet"),
        ("00\n", "alphabet"),
        ("0٣0", "alphabet"),
        ("0\ud8000", "alphabet"),
    ],
)
def test_what_is_not_base45_is_refused_by_name(text: str, fault: str) -> None:
    with pytest.raises(base45.NotBase45, match=fault):
        base45.decode(text)


def test_the_largest_groups_are_read() -> None:
    assert base45.decode("FGW") == b"\xff\xff"
    assert base45.decode("U5") == b"\xff"
