"""The device's keys: all derived from one seed that never leaves it."""

import hashlib
from typing import Final

from mirabelle.client.device.secrets import SecretStore, kept_or_made

SEED: Final = "seed"
_DEVICE_SALT: Final = b"MV1 device"
_DIRECTORY: Final = b"MV1 directory\0"


class Keys:
    """Derives keys when they are needed; `cryptography` is loaded no sooner."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed

    def __repr__(self) -> str:
        return "Keys(...)"

    def _private(self, salt: bytes) -> bytes:
        from mirabelle.rules.holder import derive_holder_key

        return derive_holder_key(self._seed, salt)

    def directory(self) -> str:
        """The name of this device's directory on a server that keeps the stores of many: 128 bits, hex."""
        return hashlib.sha256(_DIRECTORY + self._seed).hexdigest()[:32]

    def device_public(self) -> str:
        """The device's public key, hex."""
        return self.holder_public(_DEVICE_SALT)

    def prove(self, refresh_token: str) -> str:
        """The device's signature, hex, that lets it use a refresh token."""
        from mirabelle.rules.renewing import proof_text

        return self._sign(proof_text(refresh_token))

    def prove_at(self, refresh_token: str, signed_at: int) -> str:
        """The device's signature, hex, that it uses a refresh token at `signed_at`, in unix seconds."""
        from mirabelle.rules.renewing import dated_proof_text

        return self._sign(dated_proof_text(refresh_token, signed_at))

    def prove_leaving(self, participant: str, key: str) -> str:
        """The device's signature, hex, that deletes the account of `participant` under the idempotency key `key`."""
        from mirabelle.rules.leaving import proof_text

        return self._sign(proof_text(participant, key))

    def _sign(self, message: bytes) -> str:
        from mirabelle.rules.holder import sign

        return sign(self._private(_DEVICE_SALT), message).hex()

    def holder_public(self, salt: bytes) -> str:
        """The public key of the voucher with `salt`, hex."""
        from mirabelle.rules.holder import public_key

        return public_key(self._private(salt)).hex()

    def sign_as_holder(self, salt: bytes, message: bytes) -> bytes:
        """The holder's signature for the voucher with `salt`."""
        from mirabelle.rules.holder import sign

        return sign(self._private(salt), message)


async def open_keys(store: SecretStore, seed: str = SEED) -> Keys:
    """The keys of this device, whose `seed` the secret store keeps under that name and makes at the first call. Raises
    OSError."""
    return Keys(bytes.fromhex(await kept_or_made(store, seed)))
