"""Reads the rows of a damaged SQLite file page by page, without SQLite, which gives a table up at its first bad page.

The file format is SQLite's, at sqlite.org/fileformat2.html: sections 1.3 (header), 1.6 (b-tree pages), 2.1 (records)
and 4.1 (the write-ahead log).
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

Value = int | float | str | bytes | None

PAGE_BYTES: Final = 4096  # of every store: what a spoiled header says of it is not asked
_LONGEST_ROW: Final = 1 << 24
_LOG_HEADER, _FRAME_HEADER = 32, 24
_LEAF, _INTERIOR = 8, 12  # bytes of a page's own header
_TABLE_LEAF, _INDEX_LEAF = 13, 10  # what it says first of itself
# How much of a row is on its own page, the rest being on others (section 1.6).
_LEAST: Final = (PAGE_BYTES - 12) * 32 // 255 - 23
_MOST_OF_TABLE: Final = PAGE_BYTES - 35
_MOST_OF_INDEX: Final = (PAGE_BYTES - 12) * 64 // 255 - 23
_INT_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}


class _Unreadable(Exception):
    """There is no row here."""


class Pages:
    """The pages of a file, whatever checksums say of them: as they were after the last commit, and before."""

    def __init__(self, file: bytes, log: bytes = b"") -> None:
        """`log` is the write-ahead log beside the file."""
        written = [(1 + at // PAGE_BYTES, file[at : at + PAGE_BYTES]) for at in range(0, len(file), PAGE_BYTES)]
        self._written = [*written, *_committed(log)]
        self._pages = dict(self._written)

    def hold(self, mark: bytes) -> bool:
        """Whether `mark` is on any of them."""
        return any(mark in page for _, page in self._written)

    def newest_first(self, mark: bytes) -> Iterator[tuple[int, list[list[Value]], bool]]:
        """Each page's number and its rows, none where it does not hold `mark`, and whether it is sound by its form.

        A number that is a row's key stands in its first column. Whatever kind of page one says it is, it is read as
        each of those that hold rows: what is no row is left out.
        """
        for number, page in reversed(self._written):
            yield number, list(self._rows(page)) if mark in page else [], self._is_sound(page)

    def _rows(self, page: bytes) -> Iterator[list[Value]]:
        for header, child, is_table in ((_LEAF, 0, True), (_LEAF, 0, False), (_INTERIOR, 4, False)):
            for cell in _cells(page, header):
                with suppress(_Unreadable, IndexError, UnicodeDecodeError):
                    yield self._row(page, cell + child, is_table)

    def _is_sound(self, page: bytes) -> bool:
        """Whether the page says of itself that it holds rows, and as many of them can be read."""
        kind = page[0]
        if kind not in (_TABLE_LEAF, _INDEX_LEAF):
            return False
        count = int.from_bytes(page[3:5], "big")
        try:
            for place in range(_LEAF, _LEAF + 2 * count, 2):
                self._row(page, int.from_bytes(page[place : place + 2], "big"), kind == _TABLE_LEAF)
        except (_Unreadable, IndexError, UnicodeDecodeError):
            return False
        return True

    def _row(self, page: bytes, at: int, is_table: bool) -> list[Value]:
        length, at = _varint(page, at)
        row_number = None
        if is_table:
            row_number, at = _varint(page, at)
        values = list(_values(self._payload(page, at, length, is_table)))
        if is_table and values and values[0] is None:
            values[0] = row_number
        return values

    def _payload(self, page: bytes, at: int, length: int, is_table: bool) -> bytes:
        if not 0 < length < _LONGEST_ROW:
            raise _Unreadable
        most, here = _MOST_OF_TABLE if is_table else _MOST_OF_INDEX, length
        if length > most:
            here = _LEAST + (length - _LEAST) % (PAGE_BYTES - 4)
            here = here if here <= most else _LEAST
        payload, following = page[at : at + here], page[at + here : at + here + 4]
        while len(payload) < length:
            page = self._pages.get(int.from_bytes(following, "big"), b"")
            if not page:
                raise _Unreadable
            following, more = page[:4], page[4:PAGE_BYTES]
            payload += more[: length - len(payload)]
        return payload


def _cells(page: bytes, header: int) -> Iterator[int]:
    """Where the page's cells are: all that lies before the first of them is where they are, whatever its count says."""
    place, first = header, len(page)
    while place + 1 < first:
        cell = int.from_bytes(page[place : place + 2], "big")
        if place < cell < len(page):
            first = min(first, cell)
            yield cell
        place += 2


def _varint(source: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | source[place] & 0x7F
        if source[place] < 0x80:
            return value, place + 1
    return value << 8 | source[at + 8], at + 9


def _values(payload: bytes) -> Iterator[Value]:
    end, at = _varint(payload, 0)
    body = end
    while at < end:
        kind, at = _varint(payload, at)
        value, body = _value(payload, kind, body)
        yield value
    if body != len(payload):
        raise _Unreadable


def _value(payload: bytes, kind: int, at: int) -> tuple[Value, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    length = _INT_BYTES.get(kind, (kind - 12) // 2)
    raw = payload[at : at + length]
    if kind in (7, 10, 11) or len(raw) != length:
        raise _Unreadable  # no row of ours holds a fraction
    if kind in _INT_BYTES:
        return int.from_bytes(raw, "big", signed=True), at + length
    return raw.decode() if kind % 2 else raw, at + length


def committed_frames(log: bytes) -> int:
    """How many pages the log holds up to its last commit, whatever its checksums say."""
    return sum(1 for _ in _committed(log))


def _committed(log: bytes) -> Iterator[tuple[int, bytes]]:
    """The pages that the log holds up to its last commit, in order. Its checksums are passed over: they would give up
    all that follows one bad byte."""
    stride = _FRAME_HEADER + PAGE_BYTES
    heads = {at: log[at : at + _FRAME_HEADER] for at in range(_LOG_HEADER, len(log) - stride + 1, stride)}
    salts = log[16:24] if _is_sound(log[:_LOG_HEADER]) else next(iter(heads.values()), b"")[8:16]
    ours = [(at, head) for at, head in heads.items() if head[8:16] == salts]
    last = max((index for index, (_, head) in enumerate(ours) if any(head[4:8])), default=-1)
    for at, head in ours[: last + 1]:
        yield int.from_bytes(head[:4], "big"), log[at + _FRAME_HEADER : at + stride]


def _is_sound(header: bytes) -> bool:
    """Whether the log's header has the checksum that it says it has (section 4.2)."""
    if len(header) < _LOG_HEADER:
        return False
    order = "big" if header[3] & 1 else "little"
    first = second = 0
    for at in range(0, 24, 8):
        first = (first + int.from_bytes(header[at : at + 4], order) + second) % 2**32
        second = (second + int.from_bytes(header[at + 4 : at + 8], order) + first) % 2**32
    return header[24:] == first.to_bytes(4, "big") + second.to_bytes(4, "big")
