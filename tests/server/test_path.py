"""The whole path over HTTP: from a balance to a voucher that is accepted once."""

import time
from pathlib import Path

import httpx

from mirabelle.rules import holder
from tests.backend import Backend, Person, new_key


def test_a_voucher_is_accepted_once_and_refused_ever_after(any_backend: Backend) -> None:
    amina, till = any_backend.participant(), any_backend.till()
    before = amina.available()
    redeemed = amina.redeem("coffee-and-cake", 450)
    assert redeemed.status_code == 201
    assert amina.available() == before - 450
    voucher = redeemed.json()["voucher"]
    first = till.post("/scans", {"frame": amina.show(voucher, int(time.time()))}).json()
    second = till.post("/scans", {"frame": amina.show(voucher, int(time.time()))}).json()
    typed = till.post("/scans", {"code": voucher["code"]}).json()
    assert first["verdict"] == "accepted"
    assert [second["verdict"], typed["verdict"]] == ["already_used", "not_a_voucher"]
    assert second["first_use"] == first["first_use"]


def test_the_same_key_spends_once_however_often_it_is_sent(any_backend: Backend) -> None:
    amina, key = any_backend.participant(), new_key()
    before = amina.available()
    answers = {amina.redeem("croissant", 110, key).text for _ in range(4)}
    assert len(answers) == 1
    assert amina.available() == before - 110


def test_the_same_key_for_another_request_is_refused(any_backend: Backend) -> None:
    amina, key = any_backend.participant(), new_key()
    amina.redeem("croissant", 110, key)
    answer = amina.redeem("tea-blend", 680, key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_a_screenshot_dies_within_ninety_seconds(any_backend: Backend) -> None:
    amina, till = any_backend.participant(), any_backend.till()
    voucher = amina.redeem("croissant", 110).json()["voucher"]
    old = amina.show(voucher, int(time.time()) - 90)
    assert till.post("/scans", {"frame": old}).json()["verdict"] == "stale_code"


def test_staff_can_do_nothing_that_a_participant_can_and_the_reverse(any_backend: Backend) -> None:
    amina, till = any_backend.participant(), any_backend.till()
    for path in ("/wallet", "/activity", "/redemptions"):
        assert till.get(path).json()["code"] == "wrong_role"
    assert till.redeem("croissant", 110).json()["code"] == "wrong_role"
    for path in ("/till", "/scans"):
        assert amina.get(path).json()["code"] == "wrong_role"
    assert amina.post("/scans", {"code": "0000-0000-0000"}).json()["code"] == "wrong_role"


def test_an_unused_voucher_can_be_cancelled_and_its_points_come_back(any_backend: Backend) -> None:
    amina, till = any_backend.participant(), any_backend.till()
    before = amina.get("/wallet").json()
    redemption = amina.redeem("coffee-and-cake", 450).json()
    cancelled = amina.post(f"/redemptions/{redemption['id']}/cancellations")
    assert cancelled.json()["voucher"]["state"] == "cancelled"
    after = amina.get("/wallet").json()
    assert (after["available"], after["lots"]) == (before["available"], before["lots"])
    frame = amina.show(redemption["voucher"], int(time.time()))
    assert till.post("/scans", {"frame": frame}).json()["verdict"] == "revoked"


def test_a_used_voucher_cannot_be_cancelled(any_backend: Backend) -> None:
    amina, till = any_backend.participant(), any_backend.till()
    redemption = amina.redeem("coffee-and-cake", 450).json()
    till.post("/scans", {"frame": amina.show(redemption["voucher"], int(time.time()))})
    answer = amina.post(f"/redemptions/{redemption['id']}/cancellations")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")


def test_the_sessions_of_a_demo_end_with_the_demo(tmp_path: Path) -> None:
    with Backend(tmp_path) as demo:
        amina = demo.participant()
        assert refreshed(amina).status_code == 201
    with Backend(tmp_path, demo=False) as earnest:
        returned = earnest.somebody()
        returned.seed, returned.session = amina.seed, amina.session
        assert refreshed(returned).json()["code"] == "session_ended"


def refreshed(person: Person) -> httpx.Response:
    token = person.session["refresh_token"]
    proof = holder.sign(person.seed, b"MV1 refresh\0" + token.encode()).hex()
    answer = person.post("/sign-in/refreshes", {"refresh_token": token, "proof": proof})
    if answer.status_code == 201:
        person.session = answer.json()
    return answer
