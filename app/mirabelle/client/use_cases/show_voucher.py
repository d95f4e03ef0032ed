"""Showing a voucher: its frame for this moment, made on the device, with no network."""

from datetime import datetime
from typing import Literal

from mirabelle.client.device.keys import Keys
from mirabelle.contract.messages import Voucher
from mirabelle.rules import frame
from mirabelle.rules.challenge import Challenge, parse

Obstacle = Literal["not_a_challenge", "too_old", "other_store"]


class ShowVoucher:
    """Makes the texts of voucher codes."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def is_here(self, voucher: Voucher) -> bool:
        """Whether this device can show `voucher`: it is leased to the key that this device has for it."""
        if not voucher.issued:
            return False  # it was given away
        leased_to = frame.read_issued(bytes.fromhex(voucher.issued)).holder_key.hex()
        return leased_to == self._keys.holder_public(voucher.key_salt.encode())

    def takes_challenge(self, voucher: Voucher) -> bool:
        """Whether a till sets a task before it accepts `voucher`."""
        return frame.read_issued(bytes.fromhex(voucher.issued)).challenge_required

    def read_challenge(self, voucher: Voucher, text: str, now: datetime) -> Challenge | Obstacle:
        """The till's challenge in a scanned `text`, or why `voucher` does not answer it."""
        challenge = parse(text)
        if challenge is None:
            return "not_a_challenge"
        if not challenge.is_good(int(now.timestamp())):
            return "too_old"
        scope = frame.read_issued(bytes.fromhex(voucher.issued)).scope
        return challenge if scope in (0, challenge.store) else "other_store"

    def frame(self, voucher: Voucher, now: datetime, challenge: Challenge | None = None) -> str:
        """The MV1 text of `voucher` for the window of 30 s that `now` is in, as the answer to a `challenge`."""

        def sign(message: bytes) -> bytes:
            return self._keys.sign_as_holder(voucher.key_salt.encode(), message)

        nonce, store = (challenge.nonce, challenge.store) if challenge else (None, None)
        return frame.show(bytes.fromhex(voucher.issued), int(now.timestamp()), sign, nonce, store)

    def seconds_left(self, now: datetime) -> float:
        """How long the frame of `now` stays the newest, in seconds."""
        return frame.WINDOW_SECONDS - now.timestamp() % frame.WINDOW_SECONDS
