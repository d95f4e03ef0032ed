"""Answers made small: with zstd for those who understand it, else with gzip."""

import gzip
from functools import cache
from typing import Any, Final

COMPRESS_FROM_BYTES: Final = 1000
_ZSTD_LEVEL: Final = 9
_GZIP_LEVEL: Final = 6


def packing_for(accept_encoding: str) -> str:
    """How an answer is packed for somebody who sent this Accept-Encoding: with zstd, with gzip, or "" for not."""
    asked = accept_encoding.lower().replace(" ", "").split(",")
    accepted = {name.partition(";")[0] for name in asked if not name.endswith(";q=0")}
    return next((name for name in ("zstd", "gzip") if name in accepted), "")


def packed_for(accept_encoding: str, body: bytes) -> tuple[bytes, dict[str, str]]:
    """`body` as somebody who sent this Accept-Encoding reads it, and the header that says how it is packed."""
    packing = packing_for(accept_encoding)
    if len(body) < COMPRESS_FROM_BYTES or not packing:
        return body, {}
    if packing == "zstd":
        return _zstd().ZstdCompressor(level=_ZSTD_LEVEL).compress(body), {"Content-Encoding": packing}
    return gzip.compress(body, _GZIP_LEVEL, mtime=0), {"Content-Encoding": packing}


@cache
def _zstd() -> Any:
    import zstandard

    return zstandard
