"""Reads JSON that people wrote: each value by its type and limits, or one line that names the place where it is not."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

FILE_BYTES: Final = 64 * 1024 * 1024
LAST_SECOND: Final = 250_000_000_000  # of unix time, in the year 9892: what can still be told as a date anywhere
NUMBERS: Final = 2**32  # stores and groups


class Unreadable(Exception):
    """What was given cannot be used; the message is one line that names the file, the case or the field."""


def plain(words: str) -> str:
    """Words as they may be printed: what is no printable character is escaped, so that a line stays a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)


def read_json(path: Path) -> Any:
    """The JSON in a file of at most 64 MiB."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES + 1)
        if len(content) > FILE_BYTES:
            raise Unreadable(f"{plain(str(path))}: larger than {FILE_BYTES // 1024 // 1024} MiB")
        return json.loads(content)
    except OSError as fault:
        raise Unreadable(f"{plain(str(path))}: {fault.strerror or 'cannot be read'}") from fault
    except (
        ValueError,
        RecursionError,
    ) as fault:  # not JSON, not UTF-8, numbers or nesting without end; a NUL in a path
        raise Unreadable(f"{plain(str(path))}: not JSON: {plain(str(fault))}") from fault


def table(value: Any, where: str, known: frozenset[str] | None = None) -> dict[str, Any]:
    """A JSON object, of the `known` fields and no others: a field that is not understood may change the answer."""
    if not isinstance(value, dict):
        raise Unreadable(f"{where}: not an object")
    for name in value if known is not None else ():
        if name not in known:
            raise Unreadable(f"{where}.{plain(name)}: not a known field")
    return value


def rows(value: Any, where: str) -> list[Any]:
    """A JSON list."""
    if not isinstance(value, list):
        raise Unreadable(f"{where}: not a list")
    return value


def words(value: Any, where: str) -> str:
    """A JSON string."""
    if not isinstance(value, str):
        raise Unreadable(f"{where}: not a text")
    return value


def whole(value: Any, where: str, most: int = NUMBERS - 1) -> int:
    """A whole number from 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Unreadable(f"{where}: not a whole number from 0 to {most}")
    return value


def flag(value: Any, where: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise Unreadable(f"{where}: neither true nor false")
    return value


def raw(value: Any, where: str, length: int) -> bytes:
    """`length` bytes in hex."""
    text = words(value, where)
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != length or len(text) != 2 * length:
        raise Unreadable(f"{where}: not {length} bytes in hex")
    return found


def instant(value: Any, where: str) -> int:
    """A time in unix seconds, given as such or as in 2026-09-21T14:00:00Z."""
    if isinstance(value, int):
        return whole(value, where, LAST_SECOND)
    if isinstance(value, str) and (seconds := number(value)) is not None:
        return whole(seconds, where, LAST_SECOND)
    try:
        moment = datetime.fromisoformat(words(value, where))
        if moment.tzinfo is not None:
            return whole(int(moment.timestamp()), where, LAST_SECOND)
    except (ValueError, OverflowError):
        pass
    raise Unreadable(f"{where}: not a time such as 2026-09-21T14:00:00Z, nor unix seconds")


def number(text: str) -> int | None:
    """The whole number that a text of at most 12 digits spells; None where it spells none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None
