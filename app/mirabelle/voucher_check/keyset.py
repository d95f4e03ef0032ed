"""What a checker knows, read from a keyset file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mirabelle.rules import ed25519
from mirabelle.rules.frame import KEY_ID_BYTES
from mirabelle.rules.voucher import CheckContext
from mirabelle.voucher_check.reading import Unreadable, instant, plain, raw, read_json, rows, table, words

STATES: Final = ("current", "retired", "compromised")
_FILE: Final = frozenset({"expires_at", "keys"})
_KEY: Final = frozenset({"key_id", "public_key", "state"})
_NO_LIMIT: Final = dict.fromkeys(range(256), 1)


@dataclass(frozen=True, slots=True)
class Keyset:
    """Issuer keys and their states by key id, until when they may be used, and what limits a till that has them."""

    expires_at: int
    states: Mapping[bytes, str]
    _keys: Mapping[bytes, bytes]
    caps_left: Mapping[int, int] = field(default_factory=lambda: _NO_LIMIT)

    def context(self, now: int, store: int, groups: frozenset[int], nonce: bytes | None, online: bool) -> CheckContext:
        """What `voucher.check` asks for. A compromised key vouches for nothing, as if it were not there."""
        return CheckContext(
            keys={name: key for name, key in self._keys.items() if self.states[name] != "compromised"},
            keyset_expires=self.expires_at,
            now=now,
            store=store,
            online=online,
            groups=groups,
            nonce=nonce,
            caps_left=self.caps_left,
        )


def read_keyset(path: Path) -> Keyset:
    """Read `{"expires_at", "keys": [{"key_id", "public_key", "state"}]}`; raises Unreadable."""
    where = plain(str(path))
    file = table(read_json(path), where, _FILE)
    states: dict[bytes, str] = {}
    keys: dict[bytes, bytes] = {}
    for at, given in enumerate(rows(file.get("keys"), f"{where}: keys")):
        name, key, state = _key(given, f"{where}: keys[{at}]")
        if name in keys:
            raise Unreadable(f"{where}: keys[{at}].key_id: stands twice: {name.hex()}")
        states[name], keys[name] = state, key
    return Keyset(instant(file.get("expires_at"), f"{where}: expires_at"), states, keys)


def _key(given: Any, where: str) -> tuple[bytes, bytes, str]:
    key = table(given, where, _KEY)
    state = words(key.get("state"), f"{where}.state")
    if state not in STATES:
        raise Unreadable(f"{where}.state: none of {', '.join(STATES)}")
    name = raw(key.get("key_id"), f"{where}.key_id", KEY_ID_BYTES)
    return name, raw(key.get("public_key"), f"{where}.public_key", ed25519.PUBLIC_KEY_BYTES), state
