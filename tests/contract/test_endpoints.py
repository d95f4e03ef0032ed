"""What both ends agree on: every refusal has a status, every reason its words, and every message travels unharmed."""

from typing import get_args

import msgspec
import pytest

from mirabelle.contract import endpoints, limits
from mirabelle.contract import messages as m
from mirabelle.contract.reasons import STATUS, Reason
from mirabelle.contract.translation import LANGUAGES, texts
from mirabelle.rules.refusals import RedemptionRefusal
from mirabelle.rules.voucher_code import VoucherCode


def test_every_reason_has_a_status_of_a_refusal() -> None:
    assert set(STATUS) == set(Reason)
    assert all(400 <= status < 600 for status in STATUS.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_and_verdict_is_told_in_every_language(language: str) -> None:
    words = texts(language)
    assert [reason for reason in Reason if f"reasons.{reason}" not in words] == []
    assert [code for code in VoucherCode if f"reasons.verdict_{code}" not in words] == []


def test_every_refusal_that_a_participant_can_meet_is_a_reason_that_an_endpoint_tells() -> None:
    told = {
        *endpoints.REDEEM.refusals,
        *endpoints.CANCEL.refusals,
        *endpoints.TRANSFER.refusals,
        *endpoints.GIVE.refusals,
    }
    operators_own = {RedemptionRefusal.MORE_THAN_PAID}
    assert {Reason(refusal.value) for refusal in set(RedemptionRefusal) - operators_own} <= told


def test_every_write_may_find_its_key_missing_or_used_for_something_else() -> None:
    for endpoint in endpoints.ALL:
        keys = {Reason.IDEMPOTENCY_KEY_MISSING, Reason.IDEMPOTENCY_KEY_REUSED}
        assert keys.issubset(endpoint.refusals) is (endpoint.method == "POST")


def test_no_two_endpoints_are_the_same() -> None:
    assert len({(endpoint.method, endpoint.path) for endpoint in endpoints.ALL}) == len(endpoints.ALL)


@pytest.mark.parametrize("endpoint", endpoints.ALL, ids=lambda e: f"{e.method} {e.path}")
def test_what_a_newer_end_adds_is_ignored(endpoint: endpoints.Endpoint[m.Message]) -> None:
    messages = [one for one in (endpoint.request, endpoint.answer) if one is not None and issubclass(one, m.Message)]
    for message in messages:
        assert message.__struct_config__.forbid_unknown_fields is False


GOOD_ADDRESSES = ["a@b", "first.last+tag@example.org", "o'neil@example.org", "é@exämple.org", "x" * 64 + "@b.org"]
BAD_ADDRESSES = ["", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\n", "\na@b", "a@b\r\nX: y", "a,b@c", "<a@b>", "a\0@b"]


@pytest.mark.parametrize("address", GOOD_ADDRESSES)
def test_an_address_is_taken(address: str) -> None:
    assert msgspec.convert(address, m.Email) == address


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_what_is_no_address_or_could_forge_a_mail_is_refused(address: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(address, m.Email)


@pytest.mark.parametrize("key", ["", "0" * 63, "0" * 65, "0" * 64 + "\n", "G" * 64, "AB" * 32])
def test_what_is_no_public_key_is_refused(key: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(key, m.PublicKey)


@pytest.mark.parametrize("name", ["", "\0", "a\nb", "\x7f", "x" * (limits.IDENTIFIER_CHARACTERS + 1)])
def test_what_no_database_or_log_line_holds_is_no_identifier(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(name, m.Identifier)


TEXTS = [
    (m.Text(en="tea", fr="thé"), "fr", "thé"),
    (m.Text(en="tea"), "ar", "tea"),
    (m.Text(ar="شاي"), "fr", "شاي"),
    (m.Text(), "en", ""),
]


@pytest.mark.parametrize(("text", "language", "told"), TEXTS)
def test_a_text_is_told_in_the_language_or_the_first_that_there_is(text: m.Text, language: str, told: str) -> None:
    assert text.in_language(language) == told


def test_there_are_as_many_kinds_of_reward_as_the_programme_needs() -> None:
    assert len(get_args(m.Kind)) == 16
