"""Telling the programme what was accepted without network: each once however often it is sent.

What was never sent goes first, so that a scan to which no answer comes keeps no other waiting. A scan leaves this
device only on the programme's receipt. One that is refused stays until staff have seen it.
"""

import logging
from typing import Final

from mirabelle.client.api import Api, NoAnswer, NotSent, Refusal, SingleFlight
from mirabelle.client.repositories.offline_scans import OfflineScan, OfflineScans, forget_use, rename_use
from mirabelle.client.repositories.till import rename_scan
from mirabelle.client.store.database import Store
from mirabelle.contract import endpoints as e
from mirabelle.contract import till_messages as tm
from mirabelle.contract.reasons import STATUS, Reason

_IN_A_ROW: Final = 2  # that fail before the others are left for another time

log = logging.getLogger(__name__)

# Refusals that say nothing of the scan itself: it is sent again another time, and so is what comes after it.
_LATER: Final = frozenset(
    {
        Reason.RATE_LIMITED, Reason.NOT_SIGNED_IN, Reason.SESSION_ENDED, Reason.WRONG_ROLE, Reason.METHOD_NOT_ALLOWED,
        Reason.NOT_FOUND,
    }
)  # fmt: skip


class UploadScans:
    """Sends what waits; whoever asks meanwhile gets the same outcome."""

    def __init__(self, store: Store, api: Api, scans: OfflineScans) -> None:
        self._store, self._api, self._scans = store, api, scans
        self._single = SingleFlight(self._run)

    async def __call__(self) -> Refusal | None:
        """Send all that waits; the refusal of what has to wait on, if there was one. Raises NoAnswer."""
        if not self._scans.unsent():
            return None
        return await self._single()

    async def quietly(self) -> None:
        """Send as far as it goes now."""
        try:
            await self()
        except NoAnswer as fault:
            log.info("scans wait to be sent: %s", type(fault).__name__)

    async def stop(self) -> None:
        """Break off what runs."""
        await self._single.stop()

    async def _run(self) -> Refusal | None:
        failed: Refusal | NoAnswer | None = None
        in_a_row = 0
        for waiting in sorted(self._scans.unsent(), key=lambda scan: scan.state == "unknown"):
            try:
                outcome: Refusal | NoAnswer | None = await self._send(waiting.key)
            except NotSent:
                raise
            except NoAnswer as fault:
                outcome = fault
            failed = failed or outcome
            if isinstance(outcome, Refusal) and outcome.reason == Reason.TOO_EARLY:
                continue  # of this one scan, for now
            in_a_row = in_a_row + 1 if outcome is not None else 0
            if in_a_row == _IN_A_ROW or (isinstance(outcome, Refusal) and outcome.reason in _LATER):
                break  # it is not about this one scan
        if isinstance(failed, NoAnswer):
            raise failed
        return failed

    async def _send(self, key: str) -> Refusal | None:
        scan = self._scans.claim(key)
        if scan is None:
            return None  # undone or settled meanwhile, by another window
        try:
            answer = await self._api.call(e.UPLOAD_SCAN, body=_upload(scan), key=f"u-{key}")
        except NotSent:
            self._scans.put_back(key)
            raise
        if isinstance(answer, Refusal):
            return self._refused(scan, answer)
        with self._store.write("offline_scans", "scans") as connection:
            OfflineScans.settle(connection, key)
            rename_scan(connection, scan.scan, answer.scan)
            if scan.undone_at is not None or answer.outcome == "undone":
                forget_use(connection, scan.scan)
            elif answer.scan.id != scan.scan:
                rename_use(connection, scan.scan, answer.scan.id)
        return None

    def _refused(self, scan: OfflineScan, refusal: Refusal) -> Refusal | None:
        if refusal.status >= 500 or refusal.reason in {*_LATER, Reason.TOO_EARLY} or refusal.reason not in STATUS:
            return refusal
        self._scans.refuse(scan.key, refusal.detail if refusal.reason == Reason.BAD_PROOF else refusal.reason)
        return None


def _upload(scan: OfflineScan) -> tm.ScanUpload:
    return tm.ScanUpload(
        key=scan.key, frame=scan.frame, at=scan.at, nonce=scan.nonce, undone_at=scan.undone_at,
        lost_keys=list(scan.lost_keys),
    )  # fmt: skip
