"""A voucher on paper: a sheet that whoever holds it can use once, where the reward allows it."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mirabelle.client.api import Api, Refusal
from mirabelle.client.device.qr import QUIET_MODULES, code_of
from mirabelle.client.repositories.catalog import Catalog
from mirabelle.client.repositories.programme import Programme
from mirabelle.client.use_cases.session import new_key
from mirabelle.contract import endpoints as e
from mirabelle.contract.messages import PaperVoucher, Voucher
from mirabelle.contract.translation import Translator

if TYPE_CHECKING:
    from mirabelle.client.device.pdf import Paper, Sheets

CODE_MM: Final = 66  # without the quiet zone: 60 and something for printers that shrink the page


class PrintVoucher:
    """Has vouchers put on paper, and sets the sheet."""

    def __init__(self, api: Api, catalog: Catalog, programme: Programme, now: Callable[[], datetime]) -> None:
        self._api, self._catalog, self._programme, self._now = api, catalog, programme, now

    async def __call__(self, voucher: Voucher, paper: "Paper", translate: Translator) -> bytes | Refusal:
        """The sheet of `voucher` as PDF; raises NoAnswer, and CannotPrint."""
        answer = await self._api.call(e.PUT_ON_PAPER, key=new_key(), path={"voucher": voucher.id})
        if isinstance(answer, Refusal):
            return answer
        return self._sheet(voucher, answer, paper, translate)

    def _sheet(self, voucher: Voucher, paper_voucher: PaperVoucher, paper: "Paper", translate: Translator) -> bytes:
        from mirabelle.client.device.pdf import Sheets

        title = voucher.title.in_language(translate.language)
        programme, reward = self._programme.current(), self._catalog.get(voucher.reward)
        sheets = Sheets(paper, translate, title, self._now())
        sheets.text(programme.name if programme else "", quiet=True)
        sheets.text(title, 24, bold=True)
        store = self._programme.store_name(voucher.store) if voucher.store else translate("vouchers.any_store")
        sheets.text(store, 13)
        sheets.space(3)
        day = f"{translate.date(paper_voucher.ends_at, 'weekday')} {translate.date_time(paper_voucher.ends_at)}"
        sheets.text(translate("vouchers.paper_until", time=day), 15, bold=True)
        self._code(sheets, paper_voucher, translate)
        sheets.rule()
        sheets.space(4)
        sheets.text(translate("vouchers.paper_rules"), 10)
        if reward is not None:
            sheets.space(3)
            sheets.text(reward.terms.in_language(translate.language), 9, quiet=True)
        return sheets.content()

    def _code(self, sheets: "Sheets", paper_voucher: PaperVoucher, translate: Translator) -> None:
        code = code_of(paper_voucher.frame, "Q")
        sheets.code(code, CODE_MM * (code.modules_count + 2 * QUIET_MODULES) / code.modules_count)
        sheets.text(translate("vouchers.or_say"), 10, quiet=True, centred=True)
        sheets.text(paper_voucher.code, 20, bold=True, centred=True)
        sheets.space(6)
