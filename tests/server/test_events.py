"""What single events do: refunds, people, rewards and stores, told by the ledger's totals and by the running server."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mirabelle.server.services.programme_file import read_programme
from tests.backend import Backend
from tests.server.commands import Shop, purchase, redemption, refund
from tests.server.mailbox import sign_in


def reward(id_: str, points: int, **more: Any) -> dict[str, Any]:
    return {"type": "reward", "id": id_, "kind": "discount", "points": points, "title": {"en": id_}, **more}


def totals(shop: Shop) -> tuple[int, int, int]:
    audit = shop.audit()
    return audit["issued"], audit["adjusted"], audit["outstanding"]


def catalog(shop: Shop) -> dict[str, dict[str, Any]]:
    """The rewards as a server on the shop's database offers them."""
    with Backend(shop.folder / "data", demo=False, database_url=shop.database_url) as server:
        return {row["id"]: row for row in server.somebody().get("/catalog").json()["rewards"]}


def test_a_refund_takes_back_what_its_purchase_earned(shop: Shop) -> None:
    shop.imported([purchase("p1", "40.00"), purchase("p2", "10.00"), refund("f1", "p1")])
    assert totals(shop) == (50, 40, 10)


def test_refunds_in_parts_take_back_no_more_than_the_purchase_earned(shop: Shop) -> None:
    parts = [refund(f"f{n}", "p1", amount="0.70") for n in range(1, 4)]
    shop.imported([purchase("p1", "2.10"), *parts])
    assert totals(shop) == (2, 2, 0)


def test_a_refund_of_spent_points_takes_others_but_never_goes_below_zero(shop: Shop) -> None:
    shop.imported([purchase("p1", "100.00"), purchase("p2", "30.00"), redemption("r1"), refund("f1", "p1")])
    assert totals(shop) == (130, 30, 0)


def test_a_refund_dated_by_a_slow_clock_before_its_purchase_takes_it_back_all_the_same(shop: Shop) -> None:
    bought, refunded = "2026-03-01T10:00:10Z", "2026-03-01T10:00:00Z"
    shop.imported([purchase("p1", "40.00", bought), refund("f1", "p1", refunded)])
    assert totals(shop) == (40, 40, 0)


def test_a_purchase_dated_by_a_fast_clock_ends_nobodys_points_early(shop: Shop) -> None:
    now = datetime.now(UTC)
    # 90 days ago in Paris, so that the points end at the next midnight there.
    bought = datetime.combine(now.astimezone(ZoneInfo("Europe/Paris")).date() - timedelta(days=90), time(12), UTC)
    ahead = now + timedelta(hours=23, minutes=59)
    shop.imported([purchase("p1", "40.00", bought.isoformat()), purchase("p2", "1.00", ahead.isoformat())])
    assert shop.audit(now.isoformat())["expired"] == 0
    shop.imported([redemption("r1", "cup", now.isoformat())], "more.ndjson")
    assert shop.audit((now + timedelta(minutes=1)).isoformat())["outstanding"] == 41


def test_a_refund_in_a_later_file_finds_its_purchase(any_shop: Shop) -> None:
    any_shop.imported([purchase("p1", "40.00")])
    any_shop.imported([refund("f1", "p1", amount="15.00")])
    any_shop.imported([refund("f2", "p1")])
    assert totals(any_shop) == (40, 40, 0)


def test_tier_points_of_the_same_file_open_the_tiers_rewards(shop: Shop) -> None:
    early = redemption("r1", "silver-cup", at="2026-03-01T09:00:00Z")
    late = redemption("r2", "silver-cup", at="2026-03-02T09:00:00Z")
    shop.imported([purchase("p0", "20.00", at="2026-02-01T09:00:00Z"), early, purchase("p1", "80.00"), late])
    audit = shop.audit()
    assert (audit["accepted"], audit["declined"]) == (1, 1)


def test_a_participant_line_adds_what_is_known_of_somebody_who_bought_before(any_shop: Shop) -> None:
    who = {"type": "participant", "id": "amina", "name": "Amina", "email": "Amina@example.org", "language": "ar"}
    any_shop.imported([purchase("p1", "40.00", at="2026-03-01T10:00:00Z")])
    any_shop.imported([who | {"at": "2026-02-01T00:00:00Z"}])
    assert totals(any_shop) == (40, 0, 40)
    assert any_shop.audit("2026-01-31T00:00:00Z")["participants"] == 0
    assert any_shop.audit("2026-02-01T00:00:00Z")["participants"] == 1


def test_stores_and_participants_that_were_not_seen_before_are_made(any_shop: Shop) -> None:
    any_shop.imported([purchase("p1", "1.00", store="north"), purchase("p2", "1.00", store="south", who="basil")])
    with Backend(any_shop.folder / "data", demo=False, database_url=any_shop.database_url) as server:
        stores = server.somebody().get("/programme").json()["stores"]
    assert {store["id"] for store in stores} == {"corner", "north", "south"}
    assert len({store["reference"] for store in stores}) == 3
    assert any_shop.audit()["participants"] == 2


def test_a_reward_line_offers_a_reward_and_a_later_one_changes_it(any_shop: Shop) -> None:
    any_shop.imported([reward("mug", 30, stock=100)])
    any_shop.imported([reward("mug", 40, stock=60), purchase("p1", "40.00"), redemption("r1", "mug")])
    mug = catalog(any_shop)["mug"]
    assert (mug["points"], mug["stock"]) == (40, 59)


def test_a_reward_can_be_bound_to_a_store_that_a_purchase_made(shop: Shop) -> None:
    shop.imported([purchase("p1", "1.00", store="north"), reward("mug", 30, store="north")])
    mug = catalog(shop)["mug"]
    assert (mug["store"], mug["value_class"]) == ("north", "B")


def test_a_redemption_that_the_app_made_is_not_overwritten_by_an_event(tmp_path: Path, shop: Shop) -> None:
    with Backend(shop.folder / "data") as server:
        amina = server.participant()
        made = amina.redeem("croissant", 110).json()["id"]
        who = amina.session["subject"]
    said = shop.run("import", *shop.store(), shop.file([redemption(made, "croissant", who=who)]))
    assert said.code == 2 and "used before for something else" in said.err


@pytest.mark.parametrize("stays", [True, False])
def test_staff_whom_the_programme_no_longer_names_have_no_till(shop: Shop, stays: bool) -> None:
    staff = '[[staff]]\nemail = "{}@example.org"\nstore = "corner"\nname = "{}"\n'
    file = shop.programme
    plain = file.read_text(encoding="utf-8")
    file.write_text(plain + staff.format("sami", "Sami") + staff.format("lina", "Lina"), encoding="utf-8")
    shop.imported([])
    file.write_text(plain + staff.format("lina", "Lina") + (staff.format("sami", "Sami") if stays else ""), "utf-8")
    with Backend(shop.folder / "data", demo=False, programme=read_programme(file)) as server:
        sami = sign_in(server, "sami@example.org")
        lina = sign_in(server, "lina@example.org")
        assert lina.get("/till").json()["staff"] == "Lina"
        assert (sami.session["role"] == "staff") is stays
