"""Gift cards at the till, on both databases: shown, held, taken bit by bit, and never more of one than it was worth."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from mirabelle.rules import holder
from mirabelle.rules.commands import CaptureAmount, Earn, HoldAmount, Redeem
from mirabelle.rules.frame import show
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme import load_programme, loaded_programme
from mirabelle.server.services.programme_file import ProgrammeDocument, ProgrammeUnusable
from mirabelle.server.storage.database import open_database
from tests.backend import Backend, Person, new_key
from tests.clock import MovableClock
from tests.eventually import eventually
from tests.server.books import PROGRAMME, START, open_books, voucher
from tests.server.commands import Shop

CARD, POINTS, WORTH = "gift-card-any", 2700, 5000
TILLS = 6


@pytest.fixture
def clock(any_backend: Backend) -> Iterator[MovableClock]:
    """The server's clock, set right."""
    assert isinstance(any_backend.clock, MovableClock)
    any_backend.clock.ahead = timedelta()
    yield any_backend.clock
    any_backend.clock.ahead = timedelta()


class Card:
    """Somebody's gift card."""

    def __init__(self, backend: Backend) -> None:
        self.holder = backend.participant()
        self.redemption = self.holder.redeem(CARD, POINTS, recipient="Lina").json()
        self.voucher: dict[str, Any] = self.redemption["voucher"]

    def shown_to(self, till: Person) -> dict[str, Any]:
        """What the till is told when the card is scanned."""
        return dict(till.post("/scans", {"frame": self.holder.show(self.voucher, int(time.time()))}).json())

    def now(self) -> dict[str, Any]:
        """The redemption as its holder's app is told."""
        redemptions = self.holder.get("/redemptions").json()["redemptions"]
        return dict(next(one for one in redemptions if one["id"] == self.redemption["id"]))

    @property
    def balance(self) -> dict[str, Any]:
        """The money on it, as its holder's app is told."""
        return dict(self.now()["voucher"]["balance"])


def hold(till: Person, shown: dict[str, Any], amount: int, key: str | None = None) -> httpx.Response:
    return till.post("/holds", {"scan": shown["id"], "amount_minor": amount}, key)


def capture(till: Person, hold: str, amount: int, key: str | None = None) -> httpx.Response:
    return till.post(f"/holds/{hold}/captures", {"amount_minor": amount}, key)


def take(till: Person, shown: dict[str, Any], amount: int) -> httpx.Response:
    held = hold(till, shown, amount)
    return capture(till, held.json()["id"], amount) if held.is_success else held


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_it_is_shown_and_used_bit_by_bit_and_both_ends_see_what_is_left(
    any_backend: Backend, clock: MovableClock
) -> None:
    card, till = Card(any_backend), any_backend.till()
    assert card.balance == {"value_minor": WORTH, "left_minor": WORTH, "held_minor": 0, "taken": []}
    shown = card.shown_to(till)
    assert (shown["verdict"], shown["voucher"], shown["undo_until"]) == ("amount_required", None, None)
    told = shown["balance"]
    assert (told["value_minor"], told["left_minor"]) == (WORTH, WORTH)
    assert told["number"] == card.voucher["code"][-4:] and card.voucher["code"] not in str(shown)
    held = hold(till, shown, 2000).json()
    assert (held["state"], held["amount_minor"], held["balance"]["left_minor"]) == ("held", 2000, 3000)
    assert card.balance["held_minor"] == 2000 and card.now()["state"] == "held"
    taken = capture(till, held["id"], 1250).json()
    assert (taken["verdict"], taken["value_minor"], taken["balance"]["left_minor"]) == ("accepted", 1250, 3750)
    assert card.now()["state"] == "captured"
    [at_the_till] = card.balance["taken"]
    assert (at_the_till["amount_minor"], at_the_till["till"]) == (1250, till.session["subject"])
    assert till.get("/scans").json()["scans"] == [taken]
    assert take(till, shown, 3750).status_code == 201
    assert card.now()["voucher"]["state"] == "used"
    assert [one["amount_minor"] for one in card.balance["taken"]] == [3750, 1250]
    assert card.shown_to(till)["verdict"] == "already_used"


def test_its_typed_code_shows_it_as_well_and_a_wrong_one_tells_nothing(
    any_backend: Backend, clock: MovableClock
) -> None:
    card, till = Card(any_backend), any_backend.till()
    shown = till.post("/scans", {"code": card.voucher["code"]}).json()
    assert shown["verdict"] == "amount_required" and take(till, shown, 100).is_success
    wrong = till.post("/scans", {"code": "0000-0000-0000"}).json()
    assert (wrong["verdict"], wrong["balance"]) == ("not_a_voucher", None)
    for _ in range(10):
        last = till.post("/scans", {"code": "0000-0000-0000"})
    assert refusal(last) == (429, "rate_limited")


def test_asked_again_under_its_key_everything_is_answered_as_at_first(
    any_backend: Backend, clock: MovableClock
) -> None:
    card, till = Card(any_backend), any_backend.till()
    shown, keys = card.shown_to(till), [new_key() for _ in range(3)]
    holds = [hold(till, shown, 1000, keys[0]) for _ in range(2)]
    taken = [capture(till, holds[0].json()["id"], 1000, keys[1]) for _ in range(2)]
    clock.move(minutes=6)
    holds.append(hold(till, shown, 1000, keys[0]))
    taken.append(capture(till, holds[0].json()["id"], 1000, keys[1]))
    assert len({answer.text for answer in holds}) == len({answer.text for answer in taken}) == 1
    assert refusal(hold(till, shown, 999, keys[0])) == (422, "idempotency_key_reused")
    assert card.balance["left_minor"] == 4000


@pytest.mark.parametrize("amount", [0, -1, 1.5, "10", 10**13, None])
def test_an_amount_is_whole_and_more_than_nothing(any_backend: Backend, clock: MovableClock, amount: object) -> None:
    till = any_backend.till()
    assert refusal(till.post("/holds", {"scan": "s-1", "amount_minor": amount}))[1] == "invalid"
    assert refusal(till.post("/holds/s-1/captures", {"amount_minor": amount}))[1] == "invalid"


def test_what_is_not_this_tills_or_too_long_ago_is_refused(any_backend: Backend, clock: MovableClock) -> None:
    card, till, other = Card(any_backend), any_backend.till(), any_backend.till()
    shown = card.shown_to(till)
    held = hold(till, shown, 1000).json()["id"]
    assert refusal(hold(other, shown, 1)) == refusal(capture(other, held, 1)) == (404, "not_found")
    assert refusal(other.post(f"/holds/{held}/releases")) == (404, "not_found")
    assert refusal(hold(till, shown, 4001)) == refusal(capture(till, held, 1001)) == (409, "over_balance")
    assert till.post(f"/holds/{held}/releases").json()["state"] == "released"
    assert refusal(capture(till, held, 1)) == (409, "hold_ended")
    clock.move(minutes=5, seconds=1)
    assert refusal(hold(till, shown, 1)) == (409, "present_again")


def test_a_hold_that_nobody_ends_is_over_after_its_minutes(any_backend: Backend, clock: MovableClock) -> None:
    card, till = Card(any_backend), any_backend.till()
    held = hold(till, card.shown_to(till), WORTH).json()["id"]
    assert refusal(card.holder.post(f"/redemptions/{card.redemption['id']}/cancellations")) == (409, "not_cancellable")
    clock.move(minutes=5, seconds=1)
    assert refusal(capture(till, held, 1)) == (409, "hold_ended")
    assert card.balance["left_minor"] == WORTH
    assert card.holder.post(f"/redemptions/{card.redemption['id']}/cancellations").status_code == 201
    assert refusal(hold(till, {"id": "s-nothing"}, 1)) == (404, "not_found")


def test_what_was_taken_is_undone_as_a_scan_is(any_backend: Backend, clock: MovableClock) -> None:
    card, till, other = Card(any_backend), any_backend.till(), any_backend.till()
    taken = take(till, card.shown_to(till), WORTH).json()
    assert refusal(other.post(f"/scans/{taken['id']}/undos")) == (404, "not_found")
    undone = till.post(f"/scans/{taken['id']}/undos").json()
    assert undone["undone_at"] is not None and undone["balance"]["left_minor"] == WORTH
    assert till.get("/scans").json()["scans"][0]["undone_at"] == undone["undone_at"]
    assert (card.now()["state"], card.now()["voucher"]["state"], card.balance["taken"]) == ("held", "ready", [])
    late = take(till, card.shown_to(till), 100).json()
    clock.move(minutes=5, seconds=1)
    assert refusal(till.post(f"/scans/{late['id']}/undos")) == (409, "too_late")


def test_nothing_is_taken_from_it_without_network(any_backend: Backend, clock: MovableClock) -> None:
    card, till = Card(any_backend), any_backend.till()
    scan = {"key": new_key(), "frame": card.holder.show(card.voucher, int(time.time()))}
    told = till.post("/scans/uploads", {**scan, "at": datetime.now(UTC).isoformat()})
    assert (refusal(told), told.json()["detail"]) == ((422, "bad_proof"), "offline_not_allowed")
    assert card.balance["left_minor"] == WORTH


def test_the_same_capture_at_once_takes_once(any_backend: Backend, clock: MovableClock) -> None:
    card, till, key = Card(any_backend), any_backend.till(), new_key()
    held = hold(till, card.shown_to(till), 1000).json()["id"]
    barrier = Barrier(TILLS)

    def spend(number: int) -> httpx.Response:
        barrier.wait()
        return capture(till, held, 1000, key if number % 2 else new_key())

    with ThreadPoolExecutor(TILLS) as pool:
        answers = list(pool.map(spend, range(TILLS)))
    assert len({answer.text for answer in answers if answer.is_success}) == 1
    assert {refusal(answer) for answer in answers if answer.is_error} <= {(409, "hold_captured")}
    assert card.balance["left_minor"] == 4000


def test_a_restart_and_a_backup_forget_no_hold_and_its_time_goes_on(shop: Shop) -> None:
    with Backend(shop.folder / "data") as server:
        card, till = Card(server), server.till()
        take(till, card.shown_to(till), 1000)
        held = hold(till, card.shown_to(till), 1500).json()["id"]
    backup = shop.folder / "shop.backup"
    assert shop.run("backup", backup, *shop.store()).code == 0
    there = ("--data", shop.folder / "there", "--database", "")
    assert shop.run("restore", backup, *there).code == 0
    clock = MovableClock()
    clock.move(minutes=6)
    with Backend(shop.folder / "there", clock=clock) as server:
        card.holder = server.somebody().go_on_as(card.holder)
        eventually(lambda: card.balance["held_minor"] == 0)
        assert card.balance["left_minor"] == 4000
        assert refusal(capture(server.somebody().go_on_as(till), held, 1)) == (409, "hold_ended")
    told = shop.run("audit", *there, "--json")
    assert told.code == 0, told


def test_the_audit_tells_of_money_that_is_not_what_its_moves_say(shop: Shop) -> None:
    with Backend(shop.folder / "data") as server:
        card, till = Card(server), server.till()
        take(till, card.shown_to(till), 1000)
    with closing(sqlite3.connect(shop.folder / "data" / "mirabelle.sqlite")) as database:
        database.execute("UPDATE vouchers SET taken_minor = 999 WHERE taken_minor = 1000")
        database.commit()
    told = shop.run("audit", *shop.store(), "--json")
    assert told.code == 1 and told.json["balances_match_moves"] is False
    assert told.json["wrong"] == [f"voucher {card.voucher['id']}: its money is not what its moves say"]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("balance = true", "balance"),
        ('balance = true\nvalue = "0.00"\nvalue_class = "C"', "balance"),
        ('balance = true\nvalue = "5.00"\nvalue_class = "A"', "value_class"),
        ('balance = true\nvalue = "5.00"\nvalue_class = "C"\npaper = true', "paper"),
        ('balance = true\nvalue = "5.00"\nvalue_class = "C"\nfulfilment = "order"', "balance"),
    ],
)
def test_a_reward_that_cannot_carry_money_is_named(shop: Shop, line: str, field: str) -> None:
    file = shop.folder / "wrong.toml"
    text = shop.programme.read_text(encoding="utf-8")
    file.write_text(text.replace('id = "cup"\n', f'id = "cup"\n{line}\n'), encoding="utf-8")
    said = shop.import_(shop.file([]), programme=file)
    assert said.code != 0 and f"rewards[0].{field}" in said.err


def test_with_a_challenge_only_the_holders_device_lets_money_be_taken(shop: Shop) -> None:
    programme = demo_programme()
    rewards = [replace(each, challenge=True) if each.id == CARD else each for each in programme.rewards]
    with Backend(shop.folder / "data", programme=replace(programme, rewards=rewards)) as server:
        card, till = Card(server), server.till()
        shown = card.shown_to(till)
        assert (shown["verdict"], shown["balance"]) == ("challenge_required", None)
        assert refusal(hold(till, shown, 1)) == (404, "not_found")
        nonce, store = b"\1" * 8, till.get("/till").json()["store_reference"]
        private = holder.derive_holder_key(card.holder.seed, card.voucher["key_salt"].encode())
        frame = show(
            bytes.fromhex(card.voucher["issued"]),
            int(time.time()),
            lambda said: holder.sign(private, said),
            nonce,
            store,
        )
        answered = till.post("/scans", {"frame": frame, "nonce": nonce.hex()}).json()
        assert (answered["verdict"], answered["balance"]["number"]) == ("amount_required", "")
        assert take(till, answered, 1000).json()["balance"]["left_minor"] == 4000


def test_after_all_that_the_ledger_still_adds_up(
    any_backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = any_backend.database_url or f"sqlite:///{any_backend.data / 'mirabelle.sqlite'}"
    audit = Shop(tmp_path, url, capsys).audit((datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert (audit["wrong"], audit["balances_match_moves"]) == ([], True)


async def test_the_currency_stays_while_cards_carry_money_in_it(database_url: str) -> None:
    card = {"id": "card", "kind": "gift_card", "points": 30, "title": {"en": "Card"}, "valid_days": 3}
    rewards = [card | {"value_class": "C", "value": "20", "balance": True}]
    shown, later = START + timedelta(hours=1), START + timedelta(hours=2)
    async with open_books(database_url, rewards=rewards) as books:
        await books.do(Earn("amina", "p1", 100, START - timedelta(days=3)))
        await books.do(*(Redeem("amina", f"r{n}", "card", START, voucher=voucher(n)) for n in (1, 2)))
        held = HoldAmount("h", "till", 7, (), voucher(1).id, 2000, shown, timedelta(minutes=5), shown, later)
        await books.do(held, CaptureAmount("h", "till", 7, (), voucher(1).id, 2000, shown))
    in_yen = PROGRAMME | {
        "programme": PROGRAMME["programme"] | {"currency": "JPY"},
        "rewards": [rewards[0] | {"value": "3000"}],
    }
    database = await open_database(database_url)
    try:
        for at, still in ((shown, 2), (later, 1)):  # what was just taken might be given back
            async with database.write() as connection:
                with pytest.raises(ProgrammeUnusable, match=rf"^programme\.currency: stays EUR .*, now {still}$"):
                    await load_programme(connection, msgspec.convert(in_yen, ProgrammeDocument), at)
        async with database.write() as connection:
            await load_programme(connection, msgspec.convert(in_yen, ProgrammeDocument), START + timedelta(days=5))
            assert (await loaded_programme(connection)).document.programme.currency == "JPY"
    finally:
        await database.close()
