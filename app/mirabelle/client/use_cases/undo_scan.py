"""Taking back a scan: here if it was never sent, else by the programme.

The minutes are counted in the till's trusted time. Where nobody knows it, only the programme may say.
"""

from datetime import UTC, datetime

import msgspec

from mirabelle.client.api import Api, Refusal
from mirabelle.client.repositories.offline_scans import OfflineScans, Uses, forget_use
from mirabelle.client.repositories.till import Scans, keep_scan
from mirabelle.client.repositories.till_time import TillTime
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.upload_scans import UploadScans
from mirabelle.contract import endpoints as e
from mirabelle.contract import till_messages as tm
from mirabelle.contract.reasons import STATUS, Reason
from mirabelle.rules.trusted_time import TrustedTime
from mirabelle.rules.voucher_code import VoucherCode


class UndoScan:
    """Undoes scans within the minutes that the programme's policy gives."""

    def __init__(
        self, store: Store, api: Api, scans: Scans, offline: OfflineScans, upload: UploadScans,
        uses: Uses, time: TillTime,
    ) -> None:  # fmt: skip
        self._store, self._api, self._uses, self._time = store, api, uses, time
        self._scans, self._offline, self._upload = scans, offline, upload

    def is_possible(self, scan: tm.Scan) -> bool:
        """Whether staff may still take the scan back, as far as this till can tell."""
        is_accepted = scan.verdict == VoucherCode.ACCEPTED and scan.undone_at is None
        if not is_accepted or scan.undo_until is None:
            return False
        passed = self._time.at_least()
        return passed is None or passed < scan.undo_until

    async def __call__(self, scan: str) -> tm.Scan | Refusal:
        """The scan as it is undone; raises NoAnswer. Asking again does no harm: it has one key."""
        known = self._scans.get(scan)
        if known is None:
            return _refusal(Reason.NOT_FOUND)
        if known.undone_at is not None:
            return known
        time = self._time.read()
        now = datetime.fromtimestamp(time.now, UTC) if isinstance(time, TrustedTime) else None
        if not self.is_possible(known):
            return _refusal(Reason.TOO_LATE)
        waiting = self._offline.of(scan)
        if now is not None and waiting is not None and waiting.state == "waiting":
            undone = msgspec.structs.replace(known, undone_at=now)
            with self._store.write("scans", "offline_scans") as connection:
                if OfflineScans.undo(connection, waiting, now):
                    keep_scan(connection, undone)
                    return undone
        if waiting is not None and (refusal := await self._upload()) is not None:
            return refusal  # it may be there already, so its receipt comes first
        if waiting is not None:
            scan = self._uses.scan_of(waiting.voucher, waiting.use) or scan  # the programme may know it otherwise
        answer = await self._api.call(e.UNDO_SCAN, key=f"undo-{scan}", path={"scan": scan})
        if not isinstance(answer, Refusal):
            with self._store.write("scans") as connection:
                keep_scan(connection, answer)
                forget_use(connection, scan)
        return answer


def _refusal(reason: Reason) -> Refusal:
    return Refusal(reason.value, STATUS[reason], "", None)
