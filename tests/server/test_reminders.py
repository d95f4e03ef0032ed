"""Reminders over HTTP, on both databases: chosen for all of a participant's devices, told by one of them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

from tests.backend import Backend, Person, new_key

ALWAYS = {"days": [1, 7, 30], "every_days": 1, "quiet_from": 0, "quiet_to": 0}


def choose(person: Person, choices: dict[str, Any], version: int = 0) -> Any:
    return person.post("/reminders", {"choices": choices, "version": version})


def claim(person: Person, *ids: str, key: str | None = None) -> list[str]:
    answer = person.post("/reminders/claims", {"due": [{"id": id_} for id_ in ids]}, key)
    assert answer.status_code == 201, answer.text
    return list(answer.json()["yours"])


def who_wants_all(backend: Backend) -> Person:
    person = backend.participant()
    assert choose(person, ALWAYS).json()["choices"] == ALWAYS
    return person


def test_until_somebody_chooses_they_are_reminded_by_day_a_week_and_a_day_before(any_backend: Backend) -> None:
    chosen = any_backend.participant().get("/reminders").json()
    assert chosen["choices"] == {"days": [1, 7], "every_days": 1, "quiet_from": 21, "quiet_to": 8}
    assert (chosen["version"], chosen["told"]) == (0, [])


def test_what_was_chosen_on_another_device_meanwhile_is_not_written_over(any_backend: Backend) -> None:
    amina = who_wants_all(any_backend)
    refused = choose(amina, {**ALWAYS, "days": []}, version=0)
    assert (refused.status_code, refused.json()["code"]) == (409, "changed_elsewhere")
    assert choose(amina, ALWAYS, version=0).json()["version"] == 1  # the same again, its reply was lost
    assert choose(amina, {**ALWAYS, "days": [7, 3, 7]}, version=1).json()["version"] == 2
    assert amina.get("/reminders").json()["choices"]["days"] == [3, 7]
    assert any_backend.participant().get("/reminders").json()["version"] == 0


def test_a_reminder_is_told_by_the_device_that_claimed_it_first_and_told_it_again_when_asked_again(
    any_backend: Backend,
) -> None:
    amina, key = who_wants_all(any_backend), new_key()
    assert claim(amina, "points:x:7", "voucher:y:1", key=key) == ["points:x:7", "voucher:y:1"]
    assert claim(amina, "points:x:7", "voucher:y:1") == []
    assert claim(amina, "points:x:7", "voucher:y:1", key=key) == ["points:x:7", "voucher:y:1"]
    assert [each["id"] for each in amina.get("/reminders").json()["told"]] == ["points:x:7", "voucher:y:1"]
    assert claim(who_wants_all(any_backend), "points:x:7") == ["points:x:7"]


def test_devices_that_claim_at_the_same_moment_never_tell_the_same_nor_two_on_one_day(any_backend: Backend) -> None:
    for chooses in (True, False):
        amina = who_wants_all(any_backend) if chooses else any_backend.participant()
        barrier = Barrier(6)

        def ask(number: int, amina: Person = amina, barrier: Barrier = barrier) -> list[str]:
            barrier.wait()
            return claim(amina, "shared:1", f"own-{number}:1")

        with ThreadPoolExecutor(6) as pool:
            told = [ids for ids in pool.map(ask, range(6)) if ids]
        assert len(told) == 1 if chooses else len(told) <= 1
        assert {each["id"] for each in amina.get("/reminders").json()["told"]} == {id_ for ids in told for id_ in ids}


def test_nothing_is_told_in_quiet_hours_or_to_whoever_wants_nothing(any_backend: Backend) -> None:
    amina = any_backend.participant()
    hour = any_backend.clock().astimezone(ZoneInfo(amina.get("/programme").json()["time_zone"])).hour
    quiet = {**ALWAYS, "quiet_from": (hour - 1) % 24, "quiet_to": (hour + 2) % 24}
    assert choose(amina, quiet).status_code == 201
    assert claim(amina, "points:x:1") == []
    assert choose(amina, {**ALWAYS, "days": []}, version=1).status_code == 201
    assert claim(amina, "points:x:1") == []
    assert choose(amina, ALWAYS, version=2).status_code == 201
    assert claim(amina, "points:x:1") == ["points:x:1"]


def test_the_next_day_there_may_be_another_but_not_the_same(any_backend: Backend) -> None:
    amina = who_wants_all(any_backend)
    assert claim(amina, "a:7") == ["a:7"]
    any_backend.clock.move(days=1)  # type: ignore[attr-defined]
    amina = any_backend.somebody().go_on_as(amina)
    assert claim(amina, "a:7", "a:1") == ["a:1"]
