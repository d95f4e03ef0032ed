"""Rewards of several uses on the server: the ledger adds up whatever became of the vouchers, on both databases."""

from pathlib import Path

import pytest

from mirabelle.rules import holder
from mirabelle.server.hosting import demo_programme
from tests.backend import Backend, Person, new_key
from tests.server.commands import Shop

BREAD, POINTS, USES = "bread-week", 350, 3


def redeem(person: Person, uses: int = USES) -> tuple[int, dict[str, object]]:
    key = new_key()
    request = person.redemption_request(BREAD, POINTS, key)
    salts = [f"{key}/{number}" for number in range(2, uses + 1)]
    more = [holder.public_key(holder.derive_holder_key(person.seed, salt.encode())).hex() for salt in salts]
    answer = person.post("/redemptions", {**request, "more_holder_keys": "".join(more)}, key)
    return answer.status_code, answer.json()


def test_a_reversal_after_a_use_leaves_a_ledger_and_a_stock_that_add_up(any_shop: Shop) -> None:
    programme = demo_programme()
    for reward in programme.rewards:
        if reward.id == BREAD:
            reward.stock = 5
    url = any_shop.database_url
    with Backend(any_shop.folder / "data", database_url=url, programme=programme) as server:
        amina, till = server.participant(), server.till()
        before = amina.available()
        status, redemption = redeem(amina)
        assert status == 201 and len(redemption["others"]) == USES - 1  # type: ignore[arg-type]
        code = redemption["others"][0]["code"]  # type: ignore[index]
        assert till.post("/scans", {"code": code}).json()["verdict"] == "accepted"
    said = any_shop.run("reverse", *any_shop.store(), redemption["id"], "--id", "ticket-1")
    assert said.code == 0, said.err
    assert any_shop.run("audit", *any_shop.store(), "--json").code == 0
    with Backend(any_shop.folder / "data", database_url=url, programme=programme) as server:
        again = server.somebody().go_on_as(amina)
        assert again.available() == before
        [first] = [one for one in again.get("/redemptions").json()["redemptions"] if one["id"] == redemption["id"]]
        states = sorted(voucher["state"] for voucher in (first["voucher"], *first["others"]))
        assert states == ["cancelled", "cancelled", "used"]


@pytest.mark.parametrize(("uses", "code"), [(1, "price_changed"), (2, "price_changed"), (25, "invalid")])
def test_an_app_that_knows_another_number_of_uses_is_told_to_look_again(backend: Backend, uses: int, code: str) -> None:
    assert redeem(backend.participant(), uses)[1]["code"] == code


def test_each_key_of_them_must_be_safe(backend: Backend) -> None:
    amina, key = backend.participant(), new_key()
    request = amina.redemption_request(BREAD, POINTS, key)
    answer = amina.post("/redemptions", {**request, "more_holder_keys": "0" * 128}, key)
    assert answer.json()["code"] == "unsafe_key"


def test_a_programme_that_cannot_be_is_named(tmp_path: Path, shop: Shop) -> None:
    text = shop.programme.read_text(encoding="utf-8")
    for line, field in (
        ('uses = 3\nvalue_class = "C"', "uses"),
        ("uses = 21", "uses"),
        ("paper = true\nchallenge = true", "paper"),
    ):
        file = tmp_path / "wrong.toml"
        file.write_text(text.replace('id = "cup"\n', f'id = "cup"\n{line}\n'), encoding="utf-8")
        said = shop.import_(shop.file([]), programme=file)
        assert said.code != 0 and f"rewards[0].{field}" in said.err
