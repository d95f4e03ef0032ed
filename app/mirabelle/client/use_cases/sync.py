"""Bringing the store up to date: everything that the signed-in person's screens read, and what is not settled yet."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from mirabelle.client.api import Api, LostAnswer, NoAnswer, Refusal, SingleFlight
from mirabelle.client.device.keys import Keys
from mirabelle.client.repositories.redemptions import Vouchers
from mirabelle.client.repositories.till_time import TillTime
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.give_voucher import GiveVoucher
from mirabelle.client.use_cases.redeem import Redeem
from mirabelle.client.use_cases.scan_voucher import ScanVoucher
from mirabelle.client.use_cases.send_points import SendPoints
from mirabelle.client.use_cases.session import SignedIn, new_key
from mirabelle.client.use_cases.take_amount import TakeAmount
from mirabelle.client.use_cases.upload_scans import UploadScans
from mirabelle.contract import endpoints as e
from mirabelle.contract import messages as m
from mirabelle.contract.fields import Role
from mirabelle.rules import frame

log = logging.getLogger(__name__)

RENEW_FROM_LEFT: Final = 0.5  # of a lease: renewed early, so that one is fresh when the network goes

PAUSE_SECONDS: Final = 60  # between two rounds
FIRST_PAUSE_SECONDS: Final = 16  # after a round that failed; twice as long after the next, until it is an ordinary one


def pause_after(failures: int, chance: float) -> float:
    """How many seconds to wait after so many failed rounds running; `chance`, in [0, 1), keeps devices apart.

    Half of it is drawn: a server that comes back is not asked by everybody at once.
    """
    longest = PAUSE_SECONDS
    if failures:
        longest = min(PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, PAUSE_SECONDS))
    return longest * (1 + chance) / 2


class _Noun(Protocol):
    async def refresh(self) -> Refusal | None: ...


class Sync:
    """Runs once at a time; whoever asks meanwhile gets the same outcome."""

    def __init__(
        self,
        store: Store,
        api: Api,
        keys: Keys,
        who: Callable[[], SignedIn | None],
        now: Callable[[], datetime],
        programme: _Noun,
        catalog: _Noun,
        participant: tuple[_Noun, ...],
        staff: tuple[_Noun, ...],
        vouchers: Vouchers,
        redeem: Redeem,
        send_points: SendPoints,
        give_voucher: GiveVoucher,
        scan: ScanVoucher,
        take_amount: TakeAmount,
        upload_scans: UploadScans,
        till_time: TillTime,
        has_left: Callable[[], Awaitable[bool]],
    ) -> None:
        self._store, self._api, self._keys, self._who, self._now = store, api, keys, who, now
        self._nouns = {None: (programme,), "participant": (programme, *participant), "staff": (programme, *staff)}
        self._catalog = catalog
        self._vouchers, self._redeem, self._send_points, self._scan = vouchers, redeem, send_points, scan
        self._give_voucher, self._take_amount = give_voucher, take_amount
        self._upload_scans, self._till_time, self._has_left = upload_scans, till_time, has_left
        self._single = SingleFlight(self._run)

    async def __call__(self, *_event: Any) -> Refusal | None:
        """Bring everything up to date; the first refusal, if there was one. Raises NoAnswer."""
        return await self._single()

    @property
    def is_running(self) -> bool:
        """Whether a round is under way."""
        return self._single.is_running

    async def stop(self) -> None:
        """Break off what runs: the next call starts anew, for whoever is signed in then."""
        await self._single.stop()

    async def quietly(self) -> bool:
        """Bring everything up to date as far as it goes now; whether the server answered throughout."""
        try:
            await self()
        except NoAnswer as fault:
            log.info("not synced: %s", type(fault).__name__)
            return False
        except Exception:  # such as a full disk; the rounds must go on
            log.exception("the sync failed")
            return False
        return True

    async def _run(self) -> Refusal | None:
        self._store.notice_others()
        who = self._who()
        unsent: Refusal | NoAnswer | None = None
        if (who is None or who.role == "participant") and await self._has_left():
            return None
        if who is not None and who.role == "participant":
            unsent = await self._settle()
        if who is not None and who.role == "staff":
            self._till_time.note()
            try:
                unsent = await self._upload_scans()
                await self._take_amount.settle()
            except LostAnswer as fault:
                unsent = fault  # what the till relies on is asked for all the same
        refused = await self._refresh(who.role if who else None)
        if refused is None and who is not None and who.role == "participant":
            refusal = await self._renew_leases()
            unsent = unsent or refusal
        if who is not None and who.role == "staff":
            self._scan.forget_old()
        refusal = await self._catalog.refresh()  # over a slow line it takes minutes: nothing is to wait for it
        outcome = refused or unsent or refusal
        if isinstance(outcome, NoAnswer):
            raise outcome
        return outcome

    async def _refresh(self, role: Role | None) -> Refusal | None:
        """What there is for `role` but for the catalog, until something is refused."""
        for noun in self._nouns[role]:
            refusal = await noun.refresh()
            if refusal is not None:
                return refusal
        return None

    async def _settle(self) -> LostAnswer | None:
        """What the participant asked for; an answer that is lost again, after which all else is brought up to date."""
        lost = None
        await self._redeem.settle_all()
        for sends in (self._send_points, self._give_voucher):
            try:
                await sends.settle()
            except LostAnswer as fault:
                lost = fault
        return lost

    async def _renew_leases(self) -> Refusal | None:
        first = None
        for voucher in self._vouchers.list():
            if voucher.state == "ready" and not voucher.blocked and self._wants_renewal(voucher):
                request = m.LeaseRequest(holder_key=self._keys.holder_public(voucher.key_salt.encode()))
                path = {"voucher": voucher.id}
                answer = await self._api.call(e.RENEW_LEASE, body=request, key=new_key(), path=path)
                if isinstance(answer, Refusal):
                    first = first or answer  # of one voucher: the others have leases of their own
                else:
                    self._vouchers.keep(answer)
        return first

    def _wants_renewal(self, voucher: m.Voucher) -> bool:
        lease = frame.read_issued(bytes.fromhex(voucher.issued))
        if lease.holder_key.hex() != self._keys.holder_public(voucher.key_salt.encode()):
            return True  # it was leased to another device, or never to any
        if voucher.lease_ends_at >= voucher.expires_at - timedelta(minutes=1):
            return False  # it lasts as long as the voucher does
        whole = timedelta(minutes=lease.lease_minutes)
        return voucher.lease_ends_at - self._now() < whole * RENEW_FROM_LEFT
