"""Codes as tills without network are shown them, signed by the world's one issuer for a holder it made up."""

from datetime import datetime
from typing import Final

from mirabelle.rules import frame, holder

_ISSUER: Final = bytes(range(32))
_HOLDER: Final = bytes(range(32, 64))
ISSUER_KEY: Final = holder.public_key(_ISSUER)
KEY_ID: Final = frame.key_id(ISSUER_KEY)


def shown(voucher: bytes, use: int, scope: int, at: datetime, offline: bool) -> str:
    """The code of `voucher` at a moment, as long as it is good for this use."""
    seconds = int(at.timestamp())
    lease = frame.Lease(
        dynamic=True,
        flags=frame.OFFLINE if offline else 0,
        key_id=KEY_ID,
        voucher=voucher,
        reward=1,
        scope=scope,
        lease_start=seconds - 10,
        lease_minutes=60,
        epoch=1,
        use=use,
        value_class=1,
        holder_key=holder.public_key(_HOLDER),
    )
    issued = frame.issue(lease, lambda message: holder.sign(_ISSUER, message))
    return frame.show(issued, seconds, lambda message: holder.sign(_HOLDER, message))


def read(text: str) -> tuple[int, int, bool]:
    """The use, the scope and whether it is good offline, as `shown` was told."""
    lease = frame.parse(text)
    assert isinstance(lease, frame.Frame)
    return lease.use, lease.scope, lease.offline_allowed
