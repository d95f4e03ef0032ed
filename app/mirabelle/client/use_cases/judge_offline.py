"""Judging a voucher with no network: by what the programme signed, and with what this till itself remembers.

An accepted voucher is on the disk, with its use, before anybody is told of it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from mirabelle.client.repositories.offline_scans import OfflineScan, OfflineScans, Uses
from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.repositories.till import Till, keep_scan
from mirabelle.client.repositories.till_time import TillTime
from mirabelle.client.repositories.trust import Held, Trust
from mirabelle.client.store.database import Store
from mirabelle.contract import messages as m
from mirabelle.contract import till_messages as tm
from mirabelle.contract.fields import ValueClass
from mirabelle.contract.trust import BundleReward
from mirabelle.rules.frame import Frame, parse
from mirabelle.rules.frame import Refusal as NoFrame
from mirabelle.rules.scans import scan_id
from mirabelle.rules.trust import TillState, context_of
from mirabelle.rules.trusted_time import ClockRefusal, TrustedTime
from mirabelle.rules.voucher import CheckContext, Verdict, check, use_key
from mirabelle.rules.voucher_code import VoucherCode

_CLASSES: Final[dict[int, ValueClass]] = {1: "A", 2: "B", 3: "C"}
# Verdicts under which nothing that the frame claims may be believed, let alone shown.
_UNTRUSTED: Final = frozenset(
    {
        VoucherCode.NOT_A_VOUCHER,
        VoucherCode.UNSUPPORTED_VERSION,
        VoucherCode.UNSUPPORTED_ALGORITHM,
        VoucherCode.UNKNOWN_KEY,
        VoucherCode.KEYSET_EXPIRED,
        VoucherCode.BAD_ISSUER_SIGNATURE,
    }
)


class JudgeOffline:
    """Decides without network."""

    def __init__(self, store: Store, till: Till, trust: Trust, time: TillTime, scans: OfflineScans, uses: Uses) -> None:
        self._store, self._till, self._trust, self._time = store, till, trust, time
        self._scans, self._uses = scans, uses

    @property
    def is_possible(self) -> bool:
        """Whether this till has ever heard what it must know, and is not about to be none any more."""
        return self._scans.is_open and self._trust.held() is not None and self._till.current() is not None

    def proves(self, text: str, nonce: bytes | None) -> bool:
        """Whether a text shows by itself that the voucher's holder is here now, be the voucher used or not."""
        held, time = self._trust.held(), self._time.read()
        if held is None or isinstance(time, ClockRefusal):
            return False
        context = replace(self._context(held, time, parse(text), nonce), online=True, used=())
        return check(text, context).code is VoucherCode.ACCEPTED

    def __call__(
        self, text: str, key: str, nonce: bytes | None = None, lost_keys: Sequence[str] = ()
    ) -> tm.Scan | ClockRefusal | None:
        """The verdict on a scanned text, under the key that it was, or would have been, sent with.

        `lost_keys` are those of typed codes that the programme may have accepted without this till's hearing of it.

        None at a till that may not decide: it never heard from its programme, or it is being signed out.
        """
        with self._store.write("outbox", "scans", "offline_scans", "trust") as connection:
            # Read, checked and written in one transaction: two windows of this till take a voucher once, and none
            # while the other takes the till's file away.
            held, till, time = self._trust.held(), self._till.current(), self._time.read()
            if held is None or till is None or not self._scans.is_open:
                return None
            if isinstance(time, ClockRefusal):
                return time
            verdict = check(text, self._context(held, time, parse(text), nonce))
            self._time.passed(connection, time)
            scan = self._answer(held, till, time, key, verdict)
            if verdict.code is VoucherCode.ACCEPTED:
                assert verdict.frame is not None
                accepted = _accepted(scan, key, text, nonce, verdict.frame)
                OfflineScans.add(connection, msgspec.structs.replace(accepted, lost_keys=tuple(lost_keys)))
                Outbox.settle(connection, key)  # what was asked online under this key is told by the upload now
            keep_scan(connection, scan)
        return scan

    def _context(
        self, held: Held, time: TrustedTime, frame: Frame | NoFrame, nonce: bytes | None
    ) -> CheckContext:  # fmt: skip
        reward = _reward(held, frame) if isinstance(frame, Frame) else None
        state = TillState(
            now=int(time.now),
            synced_at=held.trust.issued_at,
            taken=self._scans.taken(),
            used=self._uses,
            value_minor=(reward.value_minor or 0) if reward else None,
            nonce=nonce,
        )
        return context_of(held.trust, state)

    def _answer(self, held: Held, till: tm.Till, time: TrustedTime, key: str, verdict: Verdict) -> tm.Scan:
        frame = None if verdict.code in _UNTRUSTED else verdict.frame
        reward = _reward(held, frame) if frame else None
        at = datetime.fromtimestamp(time.now, UTC)
        is_accepted = verdict.code is VoucherCode.ACCEPTED
        return tm.Scan(
            # A refusal is this till's alone: the programme may know the same key by what it was asked online.
            id=scan_id(till.id, key if is_accepted else f"refused offline {key}"),
            at=at,
            verdict=verdict.code.value,
            reward=reward.id if reward else None,
            title=reward.title if reward else m.Text(),
            value_class=_CLASSES.get(frame.value_class) if frame else None,
            first_use=self._first_use(till, frame) if frame and verdict.code is VoucherCode.ALREADY_USED else None,
            valid_from=datetime.fromtimestamp(frame.lease_start, UTC) if frame else None,
            valid_until=datetime.fromtimestamp(frame.lease_end, UTC) if frame else None,
            right_store=held.bundle.store_names.get(str(frame.scope)) if frame and _is_elsewhere(verdict) else None,
            value_minor=reward.value_minor if reward else None,
            offline=True,
            undo_until=at + timedelta(minutes=held.bundle.undo_minutes) if is_accepted else None,
        )

    def _first_use(self, till: tm.Till, frame: Frame) -> m.Use | None:
        """When this till itself took it; of other tills it only knows that somebody did."""
        at = self._uses.at(*use_key(frame))
        return m.Use(at=at, store=till.store, till=till.id) if at else None


def _accepted(scan: tm.Scan, key: str, text: str, nonce: bytes | None, frame: Frame) -> OfflineScan:
    voucher, use = use_key(frame)
    return OfflineScan(
        key=key,
        scan=scan.id,
        voucher=voucher,
        use=use,
        value_class=frame.value_class,
        value_minor=scan.value_minor,
        frame=text,
        nonce=nonce.hex() if nonce and frame.challenge_required else "",
        at=scan.at,
    )


def _reward(held: Held, frame: Frame) -> BundleReward | None:
    return held.bundle.rewards.get(str(frame.reward))


def _is_elsewhere(verdict: Verdict) -> bool:
    return verdict.code is VoucherCode.WRONG_STORE
