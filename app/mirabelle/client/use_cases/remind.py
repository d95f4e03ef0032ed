"""A voucher's last day as a calendar file (RFC 5545), with an alarm the morning before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from mirabelle.contract.messages import Voucher
from mirabelle.contract.translation import Translator

_LINE_BYTES = 75  # RFC 5545, 3.1, without the line's end
_ALARM = "-PT15H"  # nine in the morning of the day before: the event is a whole day, from its midnight on


def calendar_file(translate: Translator, voucher: Voucher, store: str, zone: tzinfo, now: datetime) -> bytes:
    """The event of the last day of `voucher`, as the programme's `zone` counts days; `store` is where it is good."""
    last_day = (voucher.expires_at - timedelta(microseconds=1)).astimezone(zone).date()
    title = translate("vouchers.calendar_title", title=voucher.title.in_language(translate.language))
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Mirabelle//Vouchers//EN",
        "BEGIN:VEVENT",
        f"UID:{voucher.id}@mirabelle",  # the same voucher again replaces its event
        f"DTSTAMP:{now.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{last_day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{last_day + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(title)}",
        f"DESCRIPTION:{_escaped(translate('vouchers.calendar_hint'))}",
        f"LOCATION:{_escaped(store)}",
        "TRANSP:TRANSPARENT",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{_escaped(title)}",
        f"TRIGGER:{_ALARM}",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return b"".join(part + b"\r\n" for line in lines for part in _folded(line))


def _escaped(text: str) -> str:
    for character in ("\\", ";", ","):
        text = text.replace(character, "\\" + character)
    return "\\n".join(text.splitlines())


def _folded(line: str) -> Iterator[bytes]:
    """Lines of at most 75 bytes, each but the first after a space; no character is cut."""
    part = b""
    for character in line:
        encoded = character.encode()
        if len(part) + len(encoded) > _LINE_BYTES:
            yield part
            part = b" "
        part += encoded
    yield part
