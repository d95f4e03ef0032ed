"""What is typed while signing in is understood as people type it."""

import pytest

from mirabelle.client.ui.welcome.state import SigningIn


@pytest.mark.parametrize("email", ["", "amina", "@shop.example", "amina@", "amina@shop", "a" * 250 + "@shop.example"])
def test_what_cannot_be_an_address_is_not_sent(email):
    assert not SigningIn(email=email).email_looks_right


def test_spaces_around_an_address_do_no_harm():
    assert SigningIn(email="  amina@shop.example ").email_looks_right


@pytest.mark.parametrize("code", ["482913", "482 913", "٤٨٢٩١٣", " 482-913 "])
def test_a_code_is_read_in_any_digits_and_with_any_gaps(code):
    state = SigningIn(code=code)
    assert state.digits == "482913" and state.code_is_whole


def test_a_long_code_is_whole_as_well():
    assert SigningIn(code="4829 1375").code_is_whole


@pytest.mark.parametrize("code", ["", "48291", "4829131"])
def test_a_code_with_missing_or_extra_digits_is_not_whole(code):
    assert not SigningIn(code=code).code_is_whole
