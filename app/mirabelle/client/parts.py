"""What the app behind one page is made of: its repositories, and the use cases that need nothing else."""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from mirabelle.client.api import Api
from mirabelle.client.device.forward_clock import ForwardClock
from mirabelle.client.device.keys import Keys
from mirabelle.client.device.pictures import PictureFiles
from mirabelle.client.repositories.alerts import Alerts
from mirabelle.client.repositories.catalog import Catalog
from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.repositories.pictures import Pictures
from mirabelle.client.repositories.programme import Programme
from mirabelle.client.repositories.redemptions import Redemptions, Vouchers
from mirabelle.client.repositories.wallet import Wallet
from mirabelle.client.store.database import Store

if TYPE_CHECKING:
    from mirabelle.client.repositories.offline_scans import OfflineScans, Uses
    from mirabelle.client.repositories.recent_searches import RecentSearches
    from mirabelle.client.repositories.reminders import Reminders
    from mirabelle.client.repositories.till import Scans, Till
    from mirabelle.client.repositories.till_time import TillTime
    from mirabelle.client.repositories.trust import Trust
    from mirabelle.client.use_cases.cancel import Cancel
    from mirabelle.client.use_cases.challenge_holder import ChallengeHolder
    from mirabelle.client.use_cases.choose_reminders import ChooseReminders
    from mirabelle.client.use_cases.give_voucher import GiveVoucher
    from mirabelle.client.use_cases.print_voucher import PrintVoucher
    from mirabelle.client.use_cases.put_in_wallet import PutInWallet
    from mirabelle.client.use_cases.redeem import Redeem
    from mirabelle.client.use_cases.scan_voucher import ScanVoucher
    from mirabelle.client.use_cases.send_points import SendPoints
    from mirabelle.client.use_cases.show_voucher import ShowVoucher
    from mirabelle.client.use_cases.sync import Sync
    from mirabelle.client.use_cases.take_amount import TakeAmount
    from mirabelle.client.use_cases.take_data import TakeData
    from mirabelle.client.use_cases.undo_scan import UndoScan
    from mirabelle.client.use_cases.upload_scans import UploadScans


class Situation(Protocol):
    """What the parts ask, as it changes, of whoever they are put together for."""

    language: str
    connection: str

    @property
    def sync(self) -> "Sync":
        """Bringing the store up to date."""

    def wake(self) -> None:
        """Sync now, or again once the round that runs has ended."""


class Parts:
    """Each part is made from those before it. They share one store and one connection to the server.

    What the first page does not show is made, and its module loaded, when it is first asked for.
    """

    def __init__(
        self,
        store: Store,
        api: Api,
        keys: Keys,
        now: Callable[[], datetime],
        clock: ForwardClock,
        picture_files: PictureFiles | None,
        situation: Situation,
    ) -> None:
        self.store, self.api, self.now = store, api, now
        self._keys, self._clock, self._situation = keys, clock, situation
        self.programme = Programme(store, api, lambda: situation.language)
        self.catalog = Catalog(store, api, self.programme, now)
        self.pictures = Pictures(api, store, picture_files, lambda: situation.connection == "offline")
        self.wallet = Wallet(store, api, now, self.programme.zone)
        self.redemptions = Redemptions(store, api)
        self.vouchers = Vouchers(store, now)
        self.outbox = Outbox(store)
        self.alerts = Alerts(store, self.wallet, self.vouchers, self.outbox, self.catalog, now)

    # More repositories

    @cached_property
    def recent_searches(self) -> "RecentSearches":
        """What was searched for lately."""
        from mirabelle.client.repositories.recent_searches import RecentSearches

        return RecentSearches(self.store)

    @cached_property
    def reminders(self) -> "Reminders":
        """What is reminded of, and when."""
        from mirabelle.client.repositories.reminders import Reminders

        return Reminders(self.store, self.api, self.wallet, self.vouchers, self.now, self.programme.zone)

    @cached_property
    def till(self) -> "Till":
        """The till that this device is."""
        from mirabelle.client.repositories.till import Till

        return Till(self.store, self.api)

    @cached_property
    def scans(self) -> "Scans":
        """What a till has scanned."""
        from mirabelle.client.repositories.till import Scans

        return Scans(self.store, self.api)

    @cached_property
    def till_time(self) -> "TillTime":
        """The time that a till goes by."""
        from mirabelle.client.repositories.till_time import TillTime

        return TillTime(self.store, self.now, self._clock)

    @cached_property
    def trust(self) -> "Trust":
        """Whom a till believes."""
        from mirabelle.client.repositories.trust import Trust

        return Trust(self.store, self.api, self.till_time)

    @cached_property
    def offline_scans(self) -> "OfflineScans":
        """What a till accepted without network."""
        from mirabelle.client.repositories.offline_scans import OfflineScans

        return OfflineScans(self.store)

    @cached_property
    def _uses(self) -> "Uses":
        from mirabelle.client.repositories.offline_scans import Uses

        return Uses(self.store)

    # What participants do

    @cached_property
    def redeem(self) -> "Redeem":
        """Redeeming a reward."""
        from mirabelle.client.use_cases.redeem import Redeem

        return Redeem(self.store, self.api, self.outbox, self.catalog, self._keys, self.now, self._refresh_wallet)

    @cached_property
    def cancel(self) -> "Cancel":
        """Cancelling a redemption."""
        from mirabelle.client.use_cases.cancel import Cancel

        return Cancel(self.store, self.api, self.wallet)

    @cached_property
    def send_points(self) -> "SendPoints":
        """Sending points to somebody."""
        from mirabelle.client.use_cases.send_points import SendPoints

        return SendPoints(self.store, self.api, self.outbox, self.wallet, self.now)

    @cached_property
    def give_voucher(self) -> "GiveVoucher":
        """Giving a voucher away."""
        from mirabelle.client.use_cases.give_voucher import GiveVoucher

        return GiveVoucher(self.store, self.api, self.outbox, self.now)

    @cached_property
    def show_voucher(self) -> "ShowVoucher":
        """Showing a voucher."""
        from mirabelle.client.use_cases.show_voucher import ShowVoucher

        return ShowVoucher(self._keys)

    @cached_property
    def print_voucher(self) -> "PrintVoucher":
        """Putting a voucher on paper."""
        from mirabelle.client.use_cases.print_voucher import PrintVoucher

        return PrintVoucher(self.api, self.catalog, self.programme, self.now)

    @cached_property
    def put_in_wallet(self) -> "PutInWallet":
        """Putting a voucher into the phone's own wallet."""
        from mirabelle.client.use_cases.put_in_wallet import PutInWallet

        return PutInWallet(self.api)

    @cached_property
    def choose_reminders(self) -> "ChooseReminders":
        """Choosing reminders."""
        from mirabelle.client.use_cases.choose_reminders import ChooseReminders

        return ChooseReminders(self.api, self.reminders)

    @cached_property
    def take_data(self) -> "TakeData":
        """Taking one's own data along."""
        from mirabelle.client.use_cases.take_data import TakeData

        return TakeData(self.api)

    # What staff do

    @cached_property
    def scan(self) -> "ScanVoucher":
        """Scanning a voucher."""
        from mirabelle.client.use_cases.judge_offline import JudgeOffline
        from mirabelle.client.use_cases.scan_voucher import ScanVoucher

        judge = JudgeOffline(self.store, self.till, self.trust, self.till_time, self.offline_scans, self._uses)
        return ScanVoucher(self.store, self.api, self.outbox, judge, self.now)

    @cached_property
    def challenge_holder(self) -> "ChallengeHolder":
        """Having a voucher's holder prove it."""
        from mirabelle.client.use_cases.challenge_holder import ChallengeHolder

        return ChallengeHolder(self.till, self.till_time, self.now)

    @cached_property
    def take_amount(self) -> "TakeAmount":
        """Taking an amount of a voucher."""
        from mirabelle.client.use_cases.take_amount import TakeAmount

        return TakeAmount(self.store, self.api, self.outbox, self.till, self.now)

    @cached_property
    def upload_scans(self) -> "UploadScans":
        """Telling the programme of what was accepted without network."""
        from mirabelle.client.use_cases.upload_scans import UploadScans

        return UploadScans(self.store, self.api, self.offline_scans)

    @cached_property
    def undo_scan(self) -> "UndoScan":
        """Undoing a scan."""
        from mirabelle.client.use_cases.undo_scan import UndoScan

        return UndoScan(
            self.store, self.api, self.scans, self.offline_scans, self.upload_scans, self._uses, self.till_time
        )

    async def _refresh_wallet(self) -> None:
        await self.wallet.refresh()
        if self._situation.sync.is_running:
            self._situation.wake()  # it brings the catalog last, which may take minutes, or has asked for it before
        else:
            await self.catalog.refresh()
