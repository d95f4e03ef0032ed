"""Showing a voucher: its frame for this moment, made on the device, with no network."""

from datetime import datetime

from mirabelle.client.device.keys import Keys
from mirabelle.contract.messages import Voucher
from mirabelle.rules import frame


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

    def frame(self, voucher: Voucher, now: datetime) -> str:
        """The MV1 text of `voucher` for the window of 30 s that `now` is in."""

        def sign(message: bytes) -> bytes:
            return self._keys.sign_as_holder(voucher.key_salt.encode(), message)

        return frame.show(bytes.fromhex(voucher.issued), int(now.timestamp()), sign)

    def seconds_left(self, now: datetime) -> float:
        """How long the frame of `now` stays the newest, in seconds."""
        return frame.WINDOW_SECONDS - now.timestamp() % frame.WINDOW_SECONDS
