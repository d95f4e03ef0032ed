"""What this till relies on without network: the bundle that its programme signed last."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from mirabelle.client.api import Api, Refusal
from mirabelle.client.repositories.till_time import TillTime
from mirabelle.client.store.database import Store, put_document
from mirabelle.contract import endpoints as e
from mirabelle.contract import till_messages as tm
from mirabelle.contract import trust as tr
from mirabelle.rules import trust as rules
from mirabelle.rules.trust import TrustRefusal

log = logging.getLogger(__name__)

WARN_BEFORE_END: Final = timedelta(days=7)
_UNREADABLE: Final = "unreadable"
_PIN: Final = "trust pin"


class _Kept(msgspec.Struct, frozen=True):
    """`refused` says why a later bundle was not taken."""

    signed: tr.SignedTrust
    refused: str = ""


class _Pin(msgspec.Struct, frozen=True):
    """What of the bundle believed last must be known for good: apart from it, which later versions may not read."""

    programme_key: str
    version: int
    issued_at: int


@dataclass(frozen=True, slots=True)
class Held:
    """The bundle as messages and as the rules know it."""

    bundle: tr.TrustBundle
    trust: rules.Trust
    programme_key: bytes
    refused: str

    @property
    def ends_at(self) -> datetime:
        """When the till has to stop, unless it hears from the programme before."""
        without_contact = self.trust.issued_at + self.trust.seconds_since_sync
        return datetime.fromtimestamp(min(without_contact, self.trust.expires_at), UTC)

    @property
    def keys_end_at(self) -> datetime:
        """When the keys in it are too old to be relied on."""
        return datetime.fromtimestamp(self.trust.expires_at, UTC)


class Trust:
    """Reads the held bundle from the store and keeps it fresh; what is not believed never replaces it."""

    def __init__(self, store: Store, api: Api, time: TillTime) -> None:
        self._store, self._api, self._time = store, api, time
        self._read: tuple[bytes, Held] | None = None

    def held(self) -> Held | None:
        """The bundle believed last."""
        row = self._store.read.execute("SELECT body FROM documents WHERE name = 'trust'").fetchone()
        if row is None:
            return None
        if self._read is None or self._read[0] != row[0]:
            kept = self._store.document("trust", _Kept)
            if kept is None:
                return None
            try:
                offered, bundle = tr.offered(kept.signed), tr.read_bundle(kept.signed.bundle)
            except (ValueError, msgspec.MsgspecError):
                log.warning("the kept trust bundle has another shape; it is fetched anew")
                return None
            held = Held(bundle, offered.trust, offered.programme_key, kept.refused)
            self._read = (row[0], held)
        return self._read[1]

    async def refresh(self) -> Refusal | None:
        """Fetch the bundle and believe it if it can be believed; raises NoAnswer. The till is fetched before it."""
        answer = await self._api.call(e.TRUST)
        if isinstance(answer, Refusal):
            return answer
        till = self._store.document("till", tm.Till)
        if till is None:
            return None
        try:
            offered = tr.offered(answer)
        except (ValueError, msgspec.MsgspecError):
            self._refuse(_UNREADABLE)
            return None
        judged = rules.accept(self._pinned(), offered, till.store_reference, int(till.server_time.timestamp()))
        if isinstance(judged, TrustRefusal):
            self._refuse(judged.value)
            return None
        with self._store.write("trust") as connection:
            self._time.told(connection, judged.issued_at)  # of all that is told, this time alone is signed
            put_document(connection, "trust", _Kept(answer))
            put_document(connection, _PIN, _Pin(offered.programme_key.hex(), judged.version, judged.issued_at))
        return None

    def _pinned(self) -> rules.HeldTrust | None:
        """The programme's key and the newest bundle that this till ever believed."""
        pin, held = self._store.document(_PIN, _Pin), self.held()
        if pin is not None:
            return rules.HeldTrust(bytes.fromhex(pin.programme_key), pin.version, pin.issued_at)
        return rules.HeldTrust(held.programme_key, held.trust.version, held.trust.issued_at) if held else None

    def _refuse(self, reason: str) -> None:
        """Go on with what is held, and remember why the new one was not believed."""
        log.warning("a trust bundle was not believed: %s", reason)
        kept = self._store.document("trust", _Kept)
        if kept is not None:
            with self._store.write("trust") as connection:
                put_document(connection, "trust", msgspec.structs.replace(kept, refused=reason))
