"""What the app behind one page is made of: its repositories, and the use cases that need nothing else."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from mirabelle.client.api import Api
from mirabelle.client.device.forward_clock import ForwardClock
from mirabelle.client.device.keys import Keys
from mirabelle.client.device.pictures import PictureFiles
from mirabelle.client.repositories.alerts import Alerts
from mirabelle.client.repositories.catalog import Catalog
from mirabelle.client.repositories.offline_scans import OfflineScans, Uses
from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.repositories.pictures import Pictures
from mirabelle.client.repositories.programme import Programme
from mirabelle.client.repositories.recent_searches import RecentSearches
from mirabelle.client.repositories.redemptions import Redemptions, Vouchers
from mirabelle.client.repositories.reminders import Reminders
from mirabelle.client.repositories.till import Scans, Till
from mirabelle.client.repositories.till_time import TillTime
from mirabelle.client.repositories.trust import Trust
from mirabelle.client.repositories.wallet import Wallet
from mirabelle.client.store.database import Store
from mirabelle.client.use_cases.cancel import Cancel
from mirabelle.client.use_cases.challenge_holder import ChallengeHolder
from mirabelle.client.use_cases.choose_reminders import ChooseReminders
from mirabelle.client.use_cases.give_voucher import GiveVoucher
from mirabelle.client.use_cases.judge_offline import JudgeOffline
from mirabelle.client.use_cases.print_voucher import PrintVoucher
from mirabelle.client.use_cases.put_in_wallet import PutInWallet
from mirabelle.client.use_cases.redeem import Redeem
from mirabelle.client.use_cases.scan_voucher import ScanVoucher
from mirabelle.client.use_cases.send_points import SendPoints
from mirabelle.client.use_cases.show_voucher import ShowVoucher
from mirabelle.client.use_cases.take_amount import TakeAmount
from mirabelle.client.use_cases.take_data import TakeData
from mirabelle.client.use_cases.undo_scan import UndoScan
from mirabelle.client.use_cases.upload_scans import UploadScans


class Situation(Protocol):
    """What the parts ask, as it changes, of whoever they are put together for."""

    language: str
    connection: str


class Parts:
    """Each part is made from those before it. They share one store and one connection to the server."""

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
        self._read(clock, picture_files, situation)
        self._spend(keys)
        self._work_at_the_till()

    def _read(self, clock: ForwardClock, picture_files: PictureFiles | None, situation: Situation) -> None:
        """The repositories."""
        store, api, now = self.store, self.api, self.now
        self.programme = Programme(store, api, lambda: situation.language)
        self.catalog = Catalog(store, api, self.programme, now)
        self.pictures = Pictures(api, store, picture_files, lambda: situation.connection == "offline")
        self.wallet = Wallet(store, api, now, self.programme.zone)
        self.redemptions = Redemptions(store, api)
        self.vouchers = Vouchers(store, now)
        self.outbox = Outbox(store)
        self.recent_searches = RecentSearches(store)
        self.alerts = Alerts(store, self.wallet, self.vouchers, self.outbox, self.catalog, now)
        self.reminders = Reminders(store, api, self.wallet, self.vouchers, now, self.programme.zone)
        self.till = Till(store, api)
        self.scans = Scans(store, api)
        self.till_time = TillTime(store, now, clock)
        self.trust = Trust(store, api, self.till_time)
        self.offline_scans = OfflineScans(store)

    def _spend(self, keys: Keys) -> None:
        """What participants do."""
        store, api, now = self.store, self.api, self.now
        self.redeem = Redeem(store, api, self.outbox, self.catalog, keys, now, self._refresh_wallet)
        self.cancel = Cancel(store, api, self.wallet)
        self.send_points = SendPoints(store, api, self.outbox, self.wallet, now)
        self.give_voucher = GiveVoucher(store, api, self.outbox, now)
        self.show_voucher = ShowVoucher(keys)
        self.print_voucher = PrintVoucher(api, self.catalog, self.programme, now)
        self.put_in_wallet = PutInWallet(api)
        self.choose_reminders = ChooseReminders(api, self.reminders)
        self.take_data = TakeData(api)

    def _work_at_the_till(self) -> None:
        """What staff do."""
        store, api, now = self.store, self.api, self.now
        uses = Uses(store)
        judge = JudgeOffline(store, self.till, self.trust, self.till_time, self.offline_scans, uses)
        self.scan = ScanVoucher(store, api, self.outbox, judge, now)
        self.challenge_holder = ChallengeHolder(self.till, self.till_time, now)
        self.take_amount = TakeAmount(store, api, self.outbox, self.till, now)
        self.upload_scans = UploadScans(store, api, self.offline_scans)
        self.undo_scan = UndoScan(store, api, self.scans, self.offline_scans, self.upload_scans, uses, self.till_time)

    async def _refresh_wallet(self) -> None:
        await self.wallet.refresh()
        await self.catalog.refresh()
