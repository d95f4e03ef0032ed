"""What a till did without network is told afterwards, once: the first to tell has the use, the second is a conflict."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mirabelle.contract.limits import SCANS_PAGE_ROWS
from mirabelle.rules.scans import scan_id
from tests.backend import Backend, new_key
from tests.server.commands import Shop
from tests.server.offline import at_of, found, offline, shown, upload, voucher_of


def test_a_scan_without_network_is_recorded_at_its_own_time_however_often_it_is_told(any_backend: Backend) -> None:
    amina, redemption, frame = shown(any_backend)
    till, scan = any_backend.till(), offline(frame, time.time())
    receipts = [upload(till, scan) for _ in range(3)] + [upload(till, scan, new_key())]
    assert [receipt["outcome"] for receipt in receipts] == ["recorded"] * 4
    told = receipts[0]["scan"]
    assert (told["id"], told["verdict"], told["offline"]) == (
        scan_id(till.session["subject"], scan["key"]),
        "accepted",
        True,
    )
    assert datetime.fromisoformat(told["at"]) == datetime.fromisoformat(scan["at"])
    voucher = voucher_of(amina, redemption)
    assert (voucher["state"], voucher["use"]["till"]) == ("used", till.session["subject"])
    assert [one["id"] for one in till.get("/scans").json()["scans"]] == [told["id"]]


def test_a_scan_whose_answer_got_lost_and_is_told_of_later_is_no_conflict(any_backend: Backend) -> None:
    _, _, frame = shown(any_backend)
    till, scan = any_backend.till(), offline(frame, time.time())
    assert till.post("/scans", {"frame": frame}, scan["key"]).json()["verdict"] == "accepted"
    receipt = upload(till, scan)
    assert (receipt["outcome"], receipt["scan"]["conflict"]) == ("recorded", None)
    assert len(till.get("/scans").json()["scans"]) == 1


def test_a_scan_that_arrives_after_its_own_upload_uses_nothing_twice(any_backend: Backend) -> None:
    _, _, frame = shown(any_backend)
    till, scan = any_backend.till(), offline(frame, time.time())
    upload(till, scan)
    assert till.post("/scans", {"frame": frame}, scan["key"]).json()["first_use"]["till"] == till.session["subject"]
    assert [one["verdict"] for one in till.get("/scans").json()["scans"]] == ["accepted"]


def test_the_second_of_two_tills_is_told_of_the_first_and_nobody_pays_but_the_programme(any_backend: Backend) -> None:
    amina, _, frame = shown(any_backend)
    first, second = any_backend.till(), any_backend.till()
    before, now = amina.get("/wallet").json()["available"], time.time()
    activity = amina.get("/activity").json()["activity"]
    late, early = offline(frame, now), offline(frame, now - 20)
    assert upload(first, late)["outcome"] == "recorded"
    receipts = [upload(second, early), upload(second, early), upload(second, early, new_key())]
    assert [receipt["outcome"] for receipt in receipts] == ["conflict"] * 3
    conflict = receipts[0]["scan"]["conflict"]
    assert (conflict["is_first"], conflict["points_lost"]) == (False, 450)
    assert conflict["other"]["till"] == first.session["subject"]
    [mine], [others] = first.get("/scans").json()["scans"], second.get("/scans").json()["scans"]
    assert others["conflict"] == conflict and others["undo_until"] is None
    assert (mine["conflict"]["is_first"], mine["conflict"]["points_lost"]) == (True, 450)
    assert mine["conflict"]["other"] == {"at": receipts[0]["scan"]["at"], "store": "cafe-lumiere"} | {
        "till": second.session["subject"]
    }
    assert amina.get("/wallet").json()["available"] == before
    assert amina.get("/activity").json()["activity"] == activity


def test_the_first_till_is_told_of_a_conflict_however_much_it_scanned_since(any_backend: Backend) -> None:
    _, _, frame = shown(any_backend, "croissant", 110)
    first, second = any_backend.till(), any_backend.till()
    scan = first.post("/scans", {"frame": frame}).json()["id"]
    for _ in range(SCANS_PAGE_ROWS):
        first.post("/scans", {"frame": "MV1:XX"})
    assert scan not in {one["id"] for one in first.get("/scans").json()["scans"]}
    assert upload(second, offline(frame, time.time()))["outcome"] == "conflict"
    told = first.get("/scans").json()["scans"]
    assert len(told) == SCANS_PAGE_ROWS + 1 and told[-1]["id"] == scan
    assert told[-1]["conflict"]["other"]["till"] == second.session["subject"]


def test_what_was_cancelled_before_the_till_told_of_it_is_lost_without_another_scan(any_backend: Backend) -> None:
    amina, redemption, frame = shown(any_backend)
    scan = offline(frame, time.time())
    assert amina.post(f"/redemptions/{redemption['id']}/cancellations").status_code == 201
    till = any_backend.till()
    conflict = upload(till, scan)["scan"]["conflict"]
    assert (conflict["other"], conflict["points_lost"]) == (None, 450)
    assert till.get("/scans").json()["scans"][0]["conflict"] == conflict


def test_what_the_till_undid_before_it_told_of_it_uses_nothing_up(any_backend: Backend) -> None:
    amina, redemption, frame = shown(any_backend)
    till, scan = any_backend.till(), offline(frame, now := time.time(), undone_at=at_of(now + 60))
    assert upload(till, scan)["outcome"] == "undone"
    assert upload(till, {**scan, "undone_at": None}, new_key())["outcome"] == "undone"
    assert voucher_of(amina, redemption)["state"] == "ready"
    assert till.post("/scans", {"frame": frame}, scan["key"]).json()["verdict"] != "accepted"
    [kept] = till.get("/scans").json()["scans"]
    assert kept["undone_at"] is not None
    assert till.post("/scans", {"frame": frame}).json()["verdict"] == "accepted"


def test_what_the_server_had_accepted_unheard_is_given_back_when_the_till_undid_it(any_backend: Backend) -> None:
    amina, redemption, frame = shown(any_backend)
    till, scan = any_backend.till(), offline(frame, now := time.time(), undone_at=at_of(now + 60))
    assert till.post("/scans", {"frame": frame}, scan["key"]).json()["verdict"] == "accepted"
    assert upload(till, scan)["outcome"] == "undone"
    assert voucher_of(amina, redemption)["state"] == "ready"


BAD = {
    "no frame": (lambda frame: "MV1:", "not_a_voucher"),
    "another frame": (lambda frame: frame[:-2] + ("00" if frame[-2:] != "00" else "11"), None),
}


@pytest.mark.parametrize("what", BAD)
def test_what_proves_nothing_is_refused_with_the_reason_and_kept(any_backend: Backend, what: str) -> None:
    amina, redemption, frame = shown(any_backend)
    made, reason = BAD[what]
    till, scan = any_backend.till(), offline(made(frame), time.time())
    answers = [till.post("/scans/uploads", scan, f"u-{scan['key']}") for _ in range(2)]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, "bad_proof")] * 2
    assert answers[0].text == answers[1].text and reason in (None, answers[0].json()["detail"])
    assert voucher_of(amina, redemption)["state"] == "ready"
    assert till.get("/scans").json()["scans"] == []
    kept = found(any_backend, "SELECT reason, proof FROM bad_proofs WHERE till = :till", till=till.session["subject"])
    assert kept == [(answers[0].json()["detail"], scan["frame"])]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at", "0001-01-01T00:00:00Z"),
        ("at", "2026-03-01T09:00:00"),
        ("undone_at", "2026-03-01T09:00:00"),
        ("frame", "MV1:\0"),
    ],
)
def test_what_no_till_tells_of_is_refused_and_is_no_fault(any_backend: Backend, field: str, value: str) -> None:
    till, scan = any_backend.till(), offline("MV1:", time.time())
    answer = till.post("/scans/uploads", {**scan, field: value})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid", field)


def test_the_same_key_for_another_upload_is_refused(any_backend: Backend) -> None:
    _, _, frame = shown(any_backend)
    till, key = any_backend.till(), new_key()
    upload(till, offline(frame, time.time()), key)
    answer = till.post("/scans/uploads", offline(frame, time.time()), key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_the_audit_finds_all_right_and_lost_what_a_conflict_costs(
    any_backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = any_backend.database_url or f"sqlite:///{any_backend.data / 'mirabelle.sqlite'}"
    shop, tomorrow = Shop(tmp_path, url, capsys), (datetime.now(UTC) + timedelta(days=1)).isoformat()
    before = shop.audit(tomorrow)["offline_loss"]
    _, _, frame = shown(any_backend, "croissant", 110)
    for _ in range(2):
        upload(any_backend.till(), offline(frame, time.time()))
    audit = shop.audit(tomorrow)
    assert (audit["wrong"], audit["offline_loss"] - before) == ([], 110)
