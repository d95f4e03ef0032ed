"""A voucher on paper: one sheet that a till reads, good once, for whoever holds it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp

from mirabelle.client.api import NoAnswer, Refusal
from mirabelle.client.app import App
from mirabelle.client.device.pdf import PAPERS, Paper
from mirabelle.contract.messages import Voucher
from mirabelle.contract.translation import LANGUAGES, Translator
from mirabelle.rules import frame
from tests.backend import Backend
from tests.client.devices import Device, confirm, redeemed, signed_in, voucher_of
from tests.wire import Wire

MM = 72 / 25.4


@pytest.fixture
async def app(backend: Backend, wire: Wire, tmp_path: Path) -> AsyncIterator[App]:
    """Somebody with points."""
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        yield app


async def with_voucher(app: App, reward: str) -> Voucher:
    return voucher_of(redeemed(await confirm(app, reward)))


async def printed(app: App, voucher: Voucher, paper: Paper = "A4", language: str = "en") -> bytes:
    content = await app.print_voucher(voucher, paper, Translator(language))
    assert isinstance(content, bytes), content
    return content


def read(sheet: bytes) -> tuple[str, float]:
    """What a till reads from the only page, and how wide the code is, in millimetres."""
    document = pypdfium2.PdfDocument(sheet)
    assert len(document) == 1
    picture = document[0].render(scale=4 / 1.0 / MM).to_pil().convert("L")
    document.close()
    [code] = zxingcpp.read_barcodes(picture)
    corners = code.position
    return code.text, (corners.top_right.x - corners.top_left.x) / 4


@pytest.mark.parametrize(("language", "paper"), list(zip(LANGUAGES, (*PAPERS, "A4"), strict=True)))
async def test_a_sheet_holds_a_code_of_sixty_millimetres_that_any_till_takes_once(
    app: App, backend: Backend, language: str, paper: Paper
) -> None:
    voucher = await with_voucher(app, "croissant")
    text, width = read(await printed(app, voucher, paper, language))
    assert width >= 60
    till = backend.till()
    answers = [till.post("/scans", {"frame": text}).json()["verdict"] for _ in range(2)]
    assert answers == ["accepted", "already_used"]
    await app.sync()
    used = app.vouchers.get(voucher.id)
    assert used is not None and used.state == "used"


async def test_paper_is_worth_nothing_once_the_voucher_is_used_on_the_phone(app: App, backend: Backend) -> None:
    voucher = await with_voucher(app, "croissant")
    text, _ = read(await printed(app, voucher))
    till = backend.till()
    assert till.post("/scans", {"frame": app.show_voucher.frame(voucher, app.now())}).json()["verdict"] == "accepted"
    assert till.post("/scans", {"frame": text}).json()["verdict"] == "already_used"


async def test_paper_is_a_bearer_frame_that_ends_after_72_hours_or_with_the_voucher(app: App) -> None:
    voucher = await with_voucher(app, "croissant")
    text, _ = read(await printed(app, voucher))
    read_frame = frame.parse(text)
    assert isinstance(read_frame, frame.Frame) and len(read_frame.issued) == frame.ISSUED_BYTES
    assert read_frame.bearer_allowed and not read_frame.dynamic and read_frame.window is None
    assert read_frame.lease_minutes == frame.MAX_LEASE_MINUTES
    assert not frame.read_issued(bytes.fromhex(voucher.issued)).bearer_allowed


async def test_only_a_reward_that_allows_it_and_a_voucher_that_is_good_go_on_paper(app: App, backend: Backend) -> None:
    other = await with_voucher(app, "coffee-and-cake")
    refused = await app.print_voucher(other, "A4", app.t)
    assert isinstance(refused, Refusal) and refused.reason == "paper_not_allowed"
    used = await with_voucher(app, "croissant")
    backend.till().post("/scans", {"code": used.code})
    refused = await app.print_voucher(used, "A4", app.t)
    assert isinstance(refused, Refusal) and refused.reason == "voucher_over"


async def test_nobody_prints_somebody_elses_voucher(app: App, backend: Backend) -> None:
    voucher = await with_voucher(app, "croissant")
    assert backend.participant().post(f"/vouchers/{voucher.id}/papers").status_code == 404


async def test_without_network_nothing_is_printed_and_nothing_is_lost(app: App, wire: Wire) -> None:
    voucher = await with_voucher(app, "croissant")
    wire.cut()
    with pytest.raises(NoAnswer):
        await app.print_voucher(voucher, "A4", app.t)
    assert app.vouchers.get(voucher.id) == voucher
