"""Answers made small: with zstd for those who understand it, else with gzip."""

import gzip
from functools import cache
from typing import Any, Final

COMPRESS_FROM_BYTES: Final = 1000
_ZSTD_LEVEL: Final = 9
_GZIP_LEVEL: Final = 6


def packed_for(accept_encoding: str, body: bytes) -> tuple[bytes, dict[str, str]]:
    """`body` as somebody who sent this Accept-Encoding reads it, and the header that says how it is packed."""
    asked = accept_encoding.lower().replace(" ", "").split(",")
    accepted = {name.partition(";")[0] for name in asked if not name.endswith(";q=0")}
    if len(body) < COMPRESS_FROM_BYTES:
        return body, {}
    if "zstd" in accepted:
        return _zstd().ZstdCompressor(level=_ZSTD_LEVEL).compress(body), {"Content-Encoding": "zstd"}
    if "gzip" in accepted:
        return gzip.compress(body, _GZIP_LEVEL, mtime=0), {"Content-Encoding": "gzip"}
    return body, {}


@cache
def _zstd() -> Any:
    import zstandard

    return zstandard
