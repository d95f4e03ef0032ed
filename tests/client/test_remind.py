"""A voucher's last day in a calendar: a file that any calendar reads, in every language."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mirabelle.client.use_cases.remind import calendar_file
from mirabelle.contract.messages import Text, Voucher
from mirabelle.contract.translation import LANGUAGES, Translator

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VOUCHER = Voucher(
    id="ab" * 16, redemption="r-1", reward="cake", state="ready", code="", store=None, value_class="A", issued="",
    title=Text(en="Coffee, cake; and\\or tea", fr="Café, gâteau ; et\\ou thé", ar="قهوة وكعك، وشاي لشخصين في المقهى"),
    key_salt="", lease_ends_at=NOW, expires_at=datetime(2026, 3, 29, 22, tzinfo=UTC), issued_at=NOW, use=None,
)  # fmt: skip


def unfolded(content: bytes) -> list[str]:
    return content.replace(b"\r\n ", b"").decode().split("\r\n")


def test_the_last_day_is_the_programmes_last_local_day_and_the_alarm_the_morning_before() -> None:
    lines = unfolded(calendar_file(Translator("en"), VOUCHER, "Café Lumière", PARIS, NOW))
    assert "DTSTART;VALUE=DATE:20260329" in lines and "DTEND;VALUE=DATE:20260330" in lines
    assert "TRIGGER:-PT15H" in lines and "LOCATION:Café Lumière" in lines
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-2:] == ["END:VCALENDAR", ""]


def test_what_has_a_meaning_in_the_format_is_escaped() -> None:
    lines = unfolded(calendar_file(Translator("en"), VOUCHER, "", PARIS, NOW))
    assert "SUMMARY:Last day: Coffee\\, cake\\; and\\\\or tea" in lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_line_is_longer_than_75_bytes_and_no_character_is_cut(language: str) -> None:
    content = calendar_file(Translator(language), VOUCHER, "مقهى لوميير في المدينة القديمة " * 3, PARIS, NOW)
    assert content.endswith(b"\r\n")
    for line in content.split(b"\r\n"):
        assert len(line) <= 75 and line.decode() is not None


def test_the_same_voucher_again_is_the_same_event() -> None:
    first, again = (calendar_file(Translator("en"), VOUCHER, "", PARIS, NOW) for _ in range(2))
    assert first == again and f"UID:{VOUCHER.id}@mirabelle" in unfolded(first)
