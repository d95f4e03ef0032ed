"""Vouchers that participants give to each other, over HTTP: the giver's code is dead at once."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mirabelle.contract.limits import UNKNOWN_RECIPIENTS_PER_DAY
from mirabelle.contract.wire import ASKED_SINCE, IDEMPOTENCY_KEY
from mirabelle.rules import holder
from tests.backend import Backend, Person, new_key
from tests.server.mailbox import sign_in
from tests.server.offline import offline, upload
from tests.server.test_races import together

NOBODY = "nobody@example.org"


def basil_of(backend: Backend) -> tuple[Person, str]:
    """Somebody signed in, and the address by which they are known."""
    address = f"basil-{new_key()}@example.org"
    return sign_in(backend, address), address


def bought(person: Person, reward: str = "croissant", points: int = 110) -> dict[str, Any]:
    answer = person.redeem(reward, points)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["voucher"])


def give(giver: Person, voucher: dict[str, Any], recipient: str, key: str | None = None) -> tuple[int, Any]:
    answer = giver.post(f"/vouchers/{voucher['id']}/gifts", {"recipient": recipient}, key)
    return answer.status_code, answer.json()


def held(person: Person, voucher: dict[str, Any]) -> dict[str, Any]:
    """The voucher as the person sees it."""
    redemptions = person.get("/redemptions").json()["redemptions"]
    return dict(next(one["voucher"] for one in redemptions if (one["voucher"] or {}).get("id") == voucher["id"]))


def lease(person: Person, voucher: dict[str, Any]) -> dict[str, Any]:
    """The voucher, leased to the person's device."""
    key = holder.public_key(holder.derive_holder_key(person.seed, held(person, voucher)["key_salt"].encode())).hex()
    answer = person.post(f"/vouchers/{voucher['id']}/leases", {"holder_key": key})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def verdict(till: Person, frame: str) -> str:
    return str(till.post("/scans", {"frame": frame}).json()["verdict"])


def test_a_giver_who_shows_the_old_code_without_network_takes_nothing_from_the_recipient(backend: Backend) -> None:
    amina, (basil, address), till = backend.participant(), basil_of(backend), backend.till()
    voucher = bought(amina)
    assert give(amina, voucher, address)[0] == 201
    late = upload(till, offline(amina.show(voucher, int(time.time())), time.time()))
    conflict = late["scan"]["conflict"]
    assert (late["outcome"], conflict["other"], conflict["points_lost"]) == ("conflict", None, 110)
    assert held(basil, voucher)["state"] == "ready"
    assert verdict(till, basil.show(lease(basil, voucher), int(time.time()))) == "accepted"


def test_the_givers_code_is_dead_at_once_and_the_recipients_is_good_once(backend: Backend) -> None:
    amina, (basil, address), till = backend.participant(), basil_of(backend), backend.till()
    voucher = bought(amina)
    now = int(time.time())
    old = amina.show(voucher, now)
    status, told = give(amina, voucher, address)
    assert status == 201 and told["voucher"]["state"] == "given" and told["voucher"]["given_to"] == address
    assert verdict(till, old) == "superseded_device"
    assert till.post("/scans", {"code": voucher["code"]}).json()["verdict"] == "not_a_voucher"
    leased = lease(basil, voucher)
    frame = basil.show(leased, int(time.time()))
    assert [verdict(till, frame) for _ in range(2)] == ["accepted", "already_used"]
    assert held(amina, voucher)["state"] == held(basil, voucher)["state"] == "used"


def test_the_giver_sees_whom_it_went_to_and_no_code_and_the_recipient_from_whom_it_came(backend: Backend) -> None:
    amina, (basil, address) = backend.participant(), basil_of(backend)
    name = amina.get("/wallet").json()["name"]
    voucher = bought(amina)
    give(amina, voucher, address)
    gone, came = held(amina, voucher), held(basil, voucher)
    assert (gone["given_to"], gone["given_by"], gone["code"], gone["issued"]) == (address, None, "", "")
    assert (came["given_to"], came["given_by"], came["superseded"]) == (None, name, False)
    assert came["code"] not in ("", voucher["code"])
    received = next(
        one for one in basil.get("/redemptions").json()["redemptions"] if one["voucher"]["id"] == voucher["id"]
    )
    assert (received["points"], received["paid_by"]) == (0, [])


def test_it_is_given_once_however_often_the_request_is_sent(backend: Backend) -> None:
    amina, (_, address), key = backend.participant(), basil_of(backend), new_key()
    voucher = bought(amina)
    first, second = give(amina, voucher, address, key), give(amina, voucher, address, key)
    assert first == second and first[0] == 201
    assert give(amina, voucher, address)[1]["code"] == "already_given"


def test_the_giver_can_neither_cancel_nor_lease_nor_print_it_any_more(backend: Backend) -> None:
    amina, (basil, address) = backend.participant(), basil_of(backend)
    voucher = bought(amina)
    give(amina, voucher, address)
    for person, code in ((amina, "not_cancellable"), (basil, "not_found")):
        assert person.post(f"/redemptions/{voucher['redemption']}/cancellations").json()["code"] == code
    key = holder.public_key(amina.seed).hex()
    assert amina.post(f"/vouchers/{voucher['id']}/leases", {"holder_key": key}).json()["code"] == "not_found"
    assert amina.post(f"/vouchers/{voucher['id']}/papers").json()["code"] == "not_found"
    assert basil.post(f"/vouchers/{voucher['id']}/papers").status_code == 201


def test_paper_that_was_printed_before_is_dead_as_well(backend: Backend) -> None:
    amina, (_, address), till = backend.participant(), basil_of(backend), backend.till()
    voucher = bought(amina)
    paper = amina.post(f"/vouchers/{voucher['id']}/papers").json()["frame"]
    give(amina, voucher, address)
    assert verdict(till, paper) == "superseded_device"


def test_held_points_of_a_gift_are_captured_from_who_paid(backend: Backend) -> None:
    amina, (basil, address), till = backend.participant(), basil_of(backend), backend.till()
    answer = amina.redeem("gift-card-cafe", 550, recipient="Basil")
    voucher = answer.json()["voucher"]
    give(amina, voucher, address)
    had = basil.available()
    assert verdict(till, basil.show(lease(basil, voucher), int(time.time()))) == "accepted"
    assert (amina.get("/wallet").json()["held"], basil.available()) == (0, had)


def test_a_recipient_whom_nobody_knows_is_refused_and_guessing_is_limited(backend: Backend) -> None:
    amina = backend.participant()
    voucher = bought(amina)
    codes = [give(amina, voucher, NOBODY)[1]["code"] for _ in range(UNKNOWN_RECIPIENTS_PER_DAY + 1)]
    assert codes == ["no_such_recipient"] * UNKNOWN_RECIPIENTS_PER_DAY + ["rate_limited"]
    assert held(amina, voucher)["state"] == "ready"


def test_guesses_at_the_same_moment_are_limited_as_well(backend: Backend) -> None:
    amina = backend.participant()
    voucher, times = bought(amina), 2 * UNKNOWN_RECIPIENTS_PER_DAY
    told = together(lambda number: give(amina, voucher, f"guess-{number}@example.org")[1]["code"], times)
    assert Counter(told) == {"no_such_recipient": times // 2, "rate_limited": times // 2}


def test_what_may_have_been_done_is_not_called_one_guess_too_many(backend: Backend) -> None:
    amina = backend.participant()
    voucher = bought(amina)
    for _ in range(UNKNOWN_RECIPIENTS_PER_DAY + 1):
        told = give(amina, voucher, NOBODY)[1]["code"]
    headers = {**amina._headers(), IDEMPOTENCY_KEY: new_key(), ASKED_SINCE: "0"}
    late = amina.http.post(f"/vouchers/{voucher['id']}/gifts", json={"recipient": NOBODY}, headers=headers)
    assert (told, late.json()["code"]) == ("rate_limited", "outcome_unknown")


@pytest.mark.parametrize("id_", ["ab" * 16, "ab", "no hex at all"])
def test_a_voucher_that_is_not_there_cannot_be_given(backend: Backend, id_: str) -> None:
    _, address = basil_of(backend)
    assert give(backend.participant(), {"id": id_}, address)[1]["code"] == "not_found"


def test_on_either_database_a_gift_reaches_its_recipient(tmp_path: Path, database_url: str) -> None:
    with Backend(tmp_path / "data", database_url=database_url) as server:
        amina, (basil, address), till = server.participant(), basil_of(server), server.till()
        voucher = bought(amina)
        assert give(amina, voucher, address)[0] == 201
        assert verdict(till, basil.show(lease(basil, voucher), int(time.time()))) == "accepted"
