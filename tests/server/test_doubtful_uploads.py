"""What a till handed out is recorded however doubtful it was: a voucher that was used never stays ready."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend import Backend, new_key
from tests.server.commands import Shop
from tests.server.offline import at_of, found, offline, shown, upload, voucher_of


@pytest.fixture
def backend(database_url: str, tmp_path: Path) -> Iterator[Backend]:
    """A server of its own on each database, whose keys may be changed."""
    url = database_url if database_url.startswith("postgresql") else ""
    with Backend(tmp_path / "data", database_url=url) as running:
        yield running


def doubt_of(backend: Backend, voucher: str) -> str:
    """Why the use of the voucher is doubtful."""
    [(doubt,)] = found(backend, "SELECT doubt FROM uses WHERE voucher = :voucher", voucher=voucher)
    return str(doubt)


def test_what_no_till_should_have_accepted_is_used_all_the_same_and_its_doubt_is_kept(backend: Backend) -> None:
    for reward, points, ago, doubt in (
        ("coffee-and-cake", 450, 3600, "not_yet_valid"),
        ("bowling", 1300, 0, "offline_not_allowed"),
    ):
        amina, redemption, frame = shown(backend, reward, points)
        till, scan = backend.till(), offline(frame, time.time() - ago)
        assert upload(till, scan)["outcome"] == "recorded"
        assert voucher_of(amina, redemption)["state"] == "used"
        assert amina.get("/wallet").json()["held"] == 0
        assert doubt_of(backend, redemption["voucher"]["id"]) == doubt


def test_what_is_of_a_time_to_come_is_not_answered_for_good(backend: Backend) -> None:
    amina, redemption, frame = shown(backend)
    till, key = backend.till(), new_key()
    early, scan = offline(frame, time.time() + 300), offline(frame, time.time())
    answer = till.post("/scans/uploads", early, key)
    assert (answer.status_code, answer.json()["code"]) == (425, "too_early")
    assert voucher_of(amina, redemption)["state"] == "ready"
    assert upload(till, scan, key)["outcome"] == "recorded"


def test_a_scan_under_a_key_that_was_compromised_before_the_till_told_of_it_uses_the_voucher_up(
    backend: Backend, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    amina, redemption, frame = shown(backend)
    till, scan, key = backend.till(), offline(frame, time.time()), redemption["voucher"]["issued"][4:12]
    where = ("--data", backend.data, "--database", backend.database_url)
    assert Shop(tmp_path, "", capsys).run("keys", "rotate", *where, "--compromised", key).code == 0
    assert till.post("/scans", {"frame": frame}).json()["verdict"] == "unknown_key"
    assert upload(till, scan)["outcome"] == "recorded"
    assert voucher_of(amina, redemption)["state"] == "used"
    assert doubt_of(backend, redemption["voucher"]["id"]) == "unknown_key"


def test_a_blocked_voucher_that_a_till_took_before_it_heard_is_used_also_when_it_is_unblocked(
    backend: Backend, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    amina, redemption, frame = shown(backend)
    scan, shop, id_ = offline(frame, time.time()), Shop(tmp_path, "", capsys), redemption["voucher"]["id"]
    where = ("--data", backend.data, "--database", backend.database_url)
    assert shop.run("voucher", "block", id_, "--why", "sold on", *where).code == 0
    receipt = upload(backend.till(), scan)
    assert (receipt["outcome"], receipt["scan"]["conflict"]) == ("recorded", None)
    assert shop.run("voucher", "unblock", id_, *where).code == 0
    assert (
        backend.till().post("/scans", {"frame": amina.show(redemption["voucher"], int(time.time()))}).json()["verdict"]
        == "already_used"
    )
    assert doubt_of(backend, id_) == "revoked"


def test_an_undo_that_was_told_late_does_not_take_back_a_use_of_long_ago(backend: Backend) -> None:
    amina, redemption, frame = shown(backend)
    till, now = backend.till(), time.time()
    scan = offline(frame, now, undone_at=at_of(now + 301))
    assert till.post("/scans", {"frame": frame}, scan["key"]).json()["verdict"] == "accepted"
    receipt = upload(till, scan)
    assert (receipt["outcome"], receipt["scan"]["conflict"], receipt["scan"]["undone_at"]) == ("recorded", None, None)
    assert voucher_of(amina, redemption)["state"] == "used"
