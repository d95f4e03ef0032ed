"""Taking money from a gift card at a till: once, whatever becomes of answers, and never without network."""

from pathlib import Path

import pytest

from mirabelle.client.api import LostAnswer, NotSent, Refusal
from mirabelle.client.app import App
from mirabelle.contract.till_messages import Scan
from tests.backend import Backend
from tests.client.tills import Customer, TillDevice, judged, till_in_sync
from tests.wire import Wire

HOLD = "POST /api/v1/holds"
WORTH = 5000


class CardHolder(Customer):
    """Somebody with a gift card."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend, None, "gift-card-any", 2700, recipient="Lina")

    @property
    def left(self) -> tuple[int, int]:
        """What is left of the money, and what a till holds of it."""
        redemptions = self.person.get("/redemptions").json()["redemptions"]
        balance = next(r for r in redemptions if r["id"] == self.voucher["redemption"])["voucher"]["balance"]
        return balance["left_minor"], balance["held_minor"]


async def shown(app: App, holder: CardHolder) -> Scan:
    """The card, as the till is told of it."""
    scan = await judged(app, holder.frame())
    assert scan.verdict == "amount_required" and scan.balance is not None
    return scan


async def take(app: App, scan: Scan, amount: int) -> Scan:
    """What was taken."""
    answer = await app.take_amount(scan, amount)
    assert isinstance(answer, Scan), answer
    return answer


async def test_what_is_taken_is_in_the_history_and_what_is_shown_is_not(backend: Backend, tmp_path: Path) -> None:
    holder = CardHolder(backend)
    async with TillDevice(tmp_path).on(backend.url) as app:
        await till_in_sync(app)
        scan = await shown(app, holder)
        taken = await take(app, scan, 1250)
        assert (taken.value_minor, taken.balance and taken.balance.left_minor) == (1250, 3750)
        await take(app, scan, 750)
        await app.sync()
        assert [(kept.verdict, kept.value_minor) for kept in app.scans.list()] == [
            ("accepted", 750),
            ("accepted", 1250),
        ]
        undone = await app.undo_scan(taken.id)
        assert isinstance(undone, Scan) and undone.undone_at is not None
        assert (holder.left, app.outbox.entries()) == ((4250, 0), [])


@pytest.mark.parametrize("lost", ["hold", "capture"])
async def test_an_answer_that_got_lost_is_asked_for_again_at_once(
    wire: Wire, backend: Backend, tmp_path: Path, lost: str
) -> None:
    holder = CardHolder(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await shown(app, holder)
        lose(wire, lost, scan, times=1)
        await take(app, scan, 1000)
        assert (holder.left, app.outbox.entries()) == ((4000, 0), [])


@pytest.mark.parametrize("lost", ["hold", "capture"])
async def test_asked_again_by_staff_it_was_taken_once(wire: Wire, backend: Backend, tmp_path: Path, lost: str) -> None:
    holder = CardHolder(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await shown(app, holder)
        lose(wire, lost, scan, times=2)
        with pytest.raises(LostAnswer):
            await app.take_amount(scan, 1000)
        assert app.take_amount.open_amount(holder.voucher["id"]) == 1000
        again = await shown(app, holder)  # staff scan it once more
        taken = await take(app, again, 1000)
        assert taken.balance is not None and taken.balance.left_minor == 4000
        assert (holder.left, app.outbox.entries()) == ((4000, 0), [])
        assert [kept.id for kept in app.scans.list()] == [taken.id]


async def test_another_amount_takes_nothing_before_the_first_one_is_settled(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    holder = CardHolder(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await shown(app, holder)
        lose(wire, "capture", scan, times=2)
        with pytest.raises(LostAnswer):
            await app.take_amount(scan, 1000)
        told = await take(app, scan, 700)
        assert (told.value_minor, holder.left) == (1000, (4000, 0))  # it was taken, and that is what staff see
        lose(wire, "hold", scan, times=2)
        with pytest.raises(LostAnswer):
            await app.take_amount(scan, 500)
        assert ((await take(app, scan, 700)).value_minor, holder.left) == (700, (3300, 0))


async def test_what_staff_do_not_come_back_for_is_given_back(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    holder, device = CardHolder(backend), TillDevice(tmp_path)
    async with device.on(wire.url) as app:
        await till_in_sync(app)
        scan = await shown(app, holder)
        lose(wire, "hold", scan, times=2)
        with pytest.raises(LostAnswer):
            await app.take_amount(scan, 1000)
        assert holder.left == (4000, 1000)
        await app.take_amount.let_go(holder.voucher["id"])
        assert (holder.left, app.outbox.entries()) == ((WORTH, 0), [])
        lose(wire, "capture", scan, times=2)
        with pytest.raises(LostAnswer):
            await app.take_amount(scan, 1000)
        device.move(minutes=11)
        await app.take_amount.settle()
        assert (holder.left, app.outbox.entries()) == ((4000, 0), [])
        assert [(kept.verdict, kept.value_minor) for kept in app.scans.list()] == [("accepted", 1000)]


async def test_without_network_nothing_is_taken_and_nothing_waits(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    holder = CardHolder(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await shown(app, holder)
        wire.cut()
        with pytest.raises(NotSent):
            await app.take_amount(scan, 1000)
        assert app.outbox.entries() == []
        assert (await judged(app, holder.frame())).verdict == "offline_not_allowed"
        wire.mend()
        assert holder.left == (WORTH, 0)


async def test_what_may_be_held_is_not_forgotten_where_nobody_can_be_asked_again(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    holder = CardHolder(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await shown(app, holder)
        wire.lose_reply_and_all(HOLD)
        with pytest.raises(LostAnswer):
            await app.take_amount(scan, 4000)
        wire.mend()
        assert app.take_amount.open_amount(holder.voucher["id"]) == 4000
        await take(app, await shown(app, holder), 4000)
        assert (holder.left, app.outbox.entries()) == ((1000, 0), [])


async def test_what_is_held_when_the_network_goes_is_not_called_unsent_and_is_taken_once(
    wire: Wire, backend: Backend, tmp_path: Path
) -> None:
    holder = CardHolder(backend)
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan, hear = await shown(app, holder), app.api._on_contact

        def cut(reached: bool) -> None:
            app.api._on_contact = hear
            hear(reached)
            wire.cut()

        app.api._on_contact = cut  # with the answer to the hold
        with pytest.raises(LostAnswer):
            await app.take_amount(scan, 1000)
        assert app.take_amount.open_amount(holder.voucher["id"]) == 1000 and holder.left == (4000, 1000)
        wire.mend()
        await take(app, scan, 1000)
        assert (holder.left, app.outbox.entries()) == ((4000, 0), [])
        assert sum(count for request, count in wire.requests.items() if request.endswith("/captures")) == 1


async def test_a_refusal_is_told_and_leaves_nothing_open(backend: Backend, tmp_path: Path) -> None:
    holder = CardHolder(backend)
    async with TillDevice(tmp_path).on(backend.url) as app:
        await till_in_sync(app)
        refused = await app.take_amount(await shown(app, holder), WORTH + 1)
        assert isinstance(refused, Refusal) and refused.reason == "over_balance"
        assert app.outbox.entries() == []


def lose(wire: Wire, which: str, scan: Scan, times: int) -> None:
    """Lose the next answers to a hold, or to whatever is captured."""
    wire.lose_reply(HOLD if which == "hold" else f"{HOLD}/*/captures", times)
