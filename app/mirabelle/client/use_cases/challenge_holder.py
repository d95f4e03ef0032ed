"""Challenging whoever shows a voucher: only the device that holds its key can answer, and only now."""

import secrets
from collections.abc import Callable
from datetime import datetime

from mirabelle.client.repositories.till import Till
from mirabelle.client.repositories.till_time import TillTime
from mirabelle.rules.challenge import Challenge
from mirabelle.rules.frame import NONCE_BYTES
from mirabelle.rules.trusted_time import TrustedTime


class ChallengeHolder:
    """Sets challenges."""

    def __init__(self, till: Till, time: TillTime, now: Callable[[], datetime]) -> None:
        self._till, self._time, self._now = till, time, now

    def __call__(self) -> Challenge | None:
        """A challenge never set before; None where the till does not know its store yet."""
        till, time = self._till.current(), self._time.read()
        at = time.now if isinstance(time, TrustedTime) else self._now().timestamp()
        return Challenge(secrets.token_bytes(NONCE_BYTES), till.store_reference, int(at)) if till else None
