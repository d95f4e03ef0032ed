"""What a checker knows, read from a keyset file: a plain list of issuer keys, or a till's whole trust bundle."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from mirabelle.contract.trust import SignedTrust, offered
from mirabelle.rules import ed25519, trust
from mirabelle.rules.frame import KEY_ID_BYTES
from mirabelle.rules.trust import IssuerKey, KeyState, TillState, Trust, TrustRefusal
from mirabelle.rules.voucher import CheckContext
from mirabelle.voucher_check.reading import Unreadable, instant, plain, raw, read_json, rows, table, words

_FILE: Final = frozenset({"expires_at", "keys"})
_KEY: Final = frozenset({"key_id", "public_key", "state"})
_NO_LIMIT: Final = dict.fromkeys(range(256), 1)


@dataclass(frozen=True, slots=True)
class Keyset:
    """Issuer keys by key id, until when they may be used, and the bundle they came in, if they came in one."""

    expires_at: int
    keys: Mapping[bytes, IssuerKey]
    bundle: Trust | None = None

    def context(self, now: int, store: int, groups: frozenset[int], nonce: bytes | None, online: bool) -> CheckContext:
        """What `voucher.check` asks for. A compromised key vouches for nothing; caps are a bundle's, and not reached.

        The groups of the bundle's own store are known; `groups` are further ones.
        """
        trusted = {name: key.public_key for name, key in self.keys.items() if key.state is not KeyState.COMPROMISED}
        known = self.bundle
        return CheckContext(
            keys=trusted,
            keyset_expires=self.expires_at,
            now=now,
            store=store,
            online=online,
            groups=groups if known is None or known.store != store else groups | known.groups,
            revoked=frozenset() if known is None else known.revoked | known.blocked,
            epochs={} if known is None else known.epochs,
            used=frozenset() if known is None else known.used,
            nonce=nonce,
            caps_left=_NO_LIMIT if known is None else trust.caps_left(known, TillState(now, synced_at=now)),
        )


def read_keyset(path: Path) -> Keyset:
    """Read `{"expires_at", "keys": [{"key_id", "public_key", "state"}]}`, or `{"bundle", "signature",
    "programme_key"}` as `GET /till/trust` answers; raises Unreadable."""
    where = plain(str(path))
    file = read_json(path)
    if isinstance(file, dict) and "bundle" in file:
        bundle = _bundle(file, where)
        return Keyset(bundle.expires_at, bundle.keys, bundle)
    file = table(file, where, _FILE)
    keys: dict[bytes, IssuerKey] = {}
    for at, given in enumerate(rows(file.get("keys"), f"{where}: keys")):
        name, key = _key(given, f"{where}: keys[{at}]")
        if name in keys:
            raise Unreadable(f"{where}: keys[{at}].key_id: stands twice: {name.hex()}")
        keys[name] = key
    return Keyset(instant(file.get("expires_at"), f"{where}: expires_at"), keys)


def _bundle(file: dict[str, Any], where: str) -> Trust:
    """A bundle that its programme signed. That it may be over is for the check to say, and whose it is for people."""
    try:
        found = offered(msgspec.convert(file, SignedTrust))
        answer = trust.accept(None, found, found.trust.store, found.trust.issued_at)
    except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as fault:
        raise Unreadable(f"{where}: not a trust bundle: {plain(str(fault))}") from fault
    if answer in (TrustRefusal.BAD_SIGNATURE, TrustRefusal.OTHER_PROGRAMME):
        raise Unreadable(f"{where}: the trust bundle is refused: {answer}")
    return found.trust


def _key(given: Any, where: str) -> tuple[bytes, IssuerKey]:
    key = table(given, where, _KEY)
    state = words(key.get("state"), f"{where}.state")
    if state not in list(KeyState):
        raise Unreadable(f"{where}.state: none of {', '.join(KeyState)}")
    name = raw(key.get("key_id"), f"{where}.key_id", KEY_ID_BYTES)
    return name, IssuerKey(raw(key.get("public_key"), f"{where}.public_key", ed25519.PUBLIC_KEY_BYTES), KeyState(state))
