"""The words of `mirabelle voucher check`."""

from pathlib import Path
from typing import Any

_ABOUT_CHECK = """\
Exit code 0: accepted, or every vector got its answer. 1: refused, or a vector did not. 2: unusable input.
A frame may hold spaces, $ and %%: quote it.
"""


def add_check(commands: Any) -> None:
    """Add `check` and what can be said after it to `mirabelle voucher`."""
    check = commands.add_parser(
        "check", help="explain one frame field by field, or judge a file of test vectors", description=_ABOUT_CHECK
    )
    check.add_argument("frame", nargs="?", metavar="FRAME", help="the text of the code, exactly as scanned")
    check.add_argument("--at", metavar="TIME", help="judge it for this time, as in 2018-01-02T05:00:00Z")
    check.add_argument("--store", metavar="N", help="at the store of this number")
    check.add_argument("--group", action="append", default=[], metavar="N", help="which is in this group of stores")
    check.add_argument(
        "--keyset",
        type=Path,
        metavar="FILE.json",
        help="issuer keys: {expires_at, keys: [{key_id, public_key, state}]}",
    )
    check.add_argument("--nonce", metavar="HEX", help="the challenge that the till has set, 8 bytes")
    check.add_argument("--offline", action="store_true", help="by a till without network")
    check.add_argument("--vectors", type=Path, metavar="FILE.json", help="judge every case of this file instead")
