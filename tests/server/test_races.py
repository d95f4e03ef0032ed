"""Many at once, on both databases: nothing is sold twice, spent twice or honoured twice, by one server or by two."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

import httpx
import msgspec
import pytest

from mirabelle.contract.messages import Text
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import ProgrammeDocument, RewardRules
from tests.backend import Backend, Person, new_key
from tests.server.commands import Shop
from tests.server.conftest import fresh_database

THREADS = 8
T = TypeVar("T")


def programme() -> ProgrammeDocument:
    """The demo's, with some rewards of which there are few."""
    demo = demo_programme()
    scarce = [
        RewardRules(id="three-left", kind="discount", points=10, stock=3, title=Text(en="Three left")),
        RewardRules(id="forty-left", kind="discount", points=10, stock=40, title=Text(en="Forty left")),
        RewardRules(id="one-each", kind="discount", points=10, per_participant=1, title=Text(en="One each")),
    ]
    return msgspec.structs.replace(demo, rewards=[*demo.rewards, *scarce])


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "two servers"])
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Backend]]:
    """One server on SQLite, one on PostgreSQL, and two that share a PostgreSQL."""
    data = tmp_path_factory.mktemp("data")
    with ExitStack() as stack:
        url = ""
        if request.param != "sqlite":
            url = stack.enter_context(fresh_database(*map(request.getfixturevalue, ("postgresql", "with_tables"))))
        first = stack.enter_context(Backend(data, database_url=url, programme=programme()))
        second = first
        if request.param == "two servers":
            second = stack.enter_context(Backend(data, database_url=url, programme=programme()))
        yield [first, second]


def together(work: Callable[[int], T], threads: int = THREADS) -> list[T]:
    """What `work` gives when it is done by many threads that start at once."""
    barrier = Barrier(threads)

    def start(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(start, range(threads)))


def at(server: Backend, person: Person) -> Person:
    """The same person, at another server."""
    there = server.somebody()
    there.seed, there.session = person.seed, person.session
    return there


def codes(answers: list[httpx.Response]) -> Counter[Any]:
    return Counter(answer.json().get("code") if answer.is_error else answer.status_code for answer in answers)


def test_of_eight_who_want_the_last_three_exactly_three_get_one(servers: list[Backend]) -> None:
    people = [servers[number % 2].participant() for number in range(THREADS)]
    before = [person.available() for person in people]
    answers = together(lambda number: people[number].redeem("three-left", 10))
    assert codes(answers) == {201: 3, "out_of_stock": 5}
    spent = [was - person.available() for was, person in zip(before, people, strict=True)]
    assert sorted(spent) == [0] * 5 + [10] * 3


def test_pieces_in_every_cell_are_sold_once_each(servers: list[Backend]) -> None:
    people = [servers[number % 2].participant() for number in range(THREADS)]

    def take_all(number: int) -> Counter[Any]:
        return codes([people[number].redeem("forty-left", 10) for _ in range(6)])

    assert sum(together(take_all), Counter()) == {201: 40, "out_of_stock": 8}


def test_the_same_key_at_once_has_one_effect_and_one_answer(servers: list[Backend]) -> None:
    amina = servers[0].participant()
    before, key = amina.available(), new_key()
    ask = amina.redemption_request("croissant", 110, key)
    shells = [at(servers[number % 2], amina) for number in range(THREADS)]
    answers = together(lambda number: shells[number].post("/redemptions", ask, key))
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    assert amina.available() == before - 110
    assert len(amina.get("/redemptions").json()["redemptions"]) == 2  # with the one of the demo's past


def test_a_balance_that_is_enough_for_one_pays_for_one(servers: list[Backend]) -> None:
    amina = servers[0].participant()
    shells = [at(servers[number % 2], amina) for number in range(THREADS)]
    price = next(r["points"] for r in amina.get("/catalog").json()["rewards"] if r["id"] == "tea-blend")
    affordable = amina.available() // price
    answers = together(lambda number: [shells[number].redeem("tea-blend", price) for _ in range(3)])
    told = codes([answer for each in answers for answer in each])
    assert told == {201: affordable, "not_enough_points": 3 * THREADS - affordable}


def test_what_each_may_have_once_is_had_once(servers: list[Backend]) -> None:
    amina = servers[0].participant()
    shells = [at(servers[number % 2], amina) for number in range(THREADS)]
    answers = together(lambda number: shells[number].redeem("one-each", 10))
    assert codes(answers) == {201: 1, "limit_reached": THREADS - 1}


def test_a_voucher_shown_to_many_tills_at_once_is_accepted_by_one(servers: list[Backend]) -> None:
    amina = servers[0].participant()
    tills = [servers[number % 2].till() for number in range(THREADS)]
    shown = amina.show(amina.redeem("croissant", 110).json()["voucher"], int(time.time()))
    verdicts = together(lambda number: tills[number].post("/scans", {"frame": shown}).json())
    assert Counter(verdict["verdict"] for verdict in verdicts) == {"accepted": 1, "already_used": THREADS - 1}
    assert len({str(verdict["first_use"]) for verdict in verdicts}) == 1


def test_many_tills_at_once_take_no_more_from_a_gift_card_than_there_is(servers: list[Backend]) -> None:
    amina = servers[0].participant()
    card = amina.redeem("gift-card-any", 2700, recipient="Lina").json()["voucher"]
    tills = [servers[number % 2].till() for number in range(THREADS)]
    frame = amina.show(card, int(time.time()))

    def spend(number: int) -> list[httpx.Response]:
        till, answers = tills[number], []
        shown = till.post("/scans", {"frame": frame}).json()["id"]
        for _ in range(2):
            answers.append(till.post("/holds", {"scan": shown, "amount_minor": 700}))
            if answers[-1].is_success:
                answers[-1] = till.post(f"/holds/{answers[-1].json()['id']}/captures", {"amount_minor": 700})
        return answers

    told = codes([answer for each in together(spend) for answer in each])
    assert told == {201: 7, "over_balance": 2 * THREADS - 7}
    [redemption] = [one for one in amina.get("/redemptions").json()["redemptions"] if one["reward"] == "gift-card-any"]
    balance = redemption["voucher"]["balance"]
    assert (balance["left_minor"], balance["held_minor"], len(balance["taken"])) == (100, 0, 7)


def test_of_many_tills_that_tell_at_once_one_has_the_use_and_each_other_is_one_conflict(servers: list[Backend]) -> None:
    amina = servers[0].participant()
    tills = [servers[number % 2].till() for number in range(THREADS)]
    others = [at(servers[(number + 1) % 2], till) for number, till in enumerate(tills)]
    frame = amina.show(amina.redeem("croissant", 110).json()["voucher"], int(time.time()))
    scan = {"frame": frame, "at": datetime.now(UTC).isoformat()}
    keys = [new_key() for _ in tills]

    def tell(number: int) -> list[str]:
        body, key = {**scan, "key": keys[number]}, f"u-{keys[number]}"
        asked = [(tills[number], key), (others[number], key), (others[number], new_key())]
        return [till.post("/scans/uploads", body, key).json()["outcome"] for till, key in asked]

    outcomes = together(tell)
    assert all(len(set(told)) == 1 for told in outcomes)
    assert Counter(told[0] for told in outcomes) == {"recorded": 1, "conflict": THREADS - 1}
    lost = [scan["conflict"]["points_lost"] for till in tills for scan in till.get("/scans").json()["scans"]]
    assert sorted(lost) == [110] * (THREADS - 1) + [110 * (THREADS - 1)]


def test_a_voucher_that_is_cancelled_and_scanned_at_once_is_one_or_the_other(servers: list[Backend]) -> None:
    amina, till = servers[0].participant(), servers[1].till()
    before = amina.available()
    redeemed = amina.redeem("croissant", 110).json()
    shown = amina.show(redeemed["voucher"], int(time.time()))
    cancelled, scanned = together(
        lambda number: (
            till.post("/scans", {"frame": shown})
            if number
            else amina.post(f"/redemptions/{redeemed['id']}/cancellations")
        ),
        threads=2,
    )
    accepted = scanned.json()["verdict"] == "accepted"
    assert accepted is (cancelled.status_code == 409)
    assert amina.available() == before - 110 * accepted


def test_the_same_key_to_try_the_demo_at_once_makes_one_participant(servers: list[Backend]) -> None:
    person, key = servers[0].somebody(), new_key()
    ask = {"role": "participant", "language": "fr", "device_key": person.device_key}
    shells = [at(servers[number % 2], person) for number in range(THREADS)]
    answers = together(lambda number: shells[number].post("/demo/sessions", ask, key))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["subject"] for answer in answers}) == 1


def test_typed_codes_are_limited_even_when_they_come_at_once(servers: list[Backend]) -> None:
    till = servers[0].till()
    answers = together(lambda number: [till.post("/scans", {"code": "0000-0000-0000"}) for _ in range(3)])
    told = codes([answer for each in answers for answer in each])
    assert told == {201: 10, "rate_limited": 14}


def test_a_voucher_of_one_server_is_accepted_by_another_with_secrets_of_its_own(
    servers: list[Backend], tmp_path: Path
) -> None:
    url = servers[0].database_url or f"sqlite:///{servers[0].data / 'mirabelle.sqlite'}"
    amina, till = servers[0].participant(), servers[0].till()
    with Backend(tmp_path, database_url=url, programme=programme()) as other:
        basil, other_till = other.participant(), other.till()
        for holder, scanner in ((amina, other_till), (basil, till)):
            shown = holder.show(holder.redeem("croissant", 110).json()["voucher"], int(time.time()))
            assert scanner.post("/scans", {"frame": shown}).json()["verdict"] == "accepted"


def test_after_all_that_the_ledger_still_adds_up(
    servers: list[Backend], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = servers[0].database_url or f"sqlite:///{servers[0].data / 'mirabelle.sqlite'}"
    audit = Shop(tmp_path, url, capsys).audit("2100-01-01T00:00:00Z")
    assert audit["wrong"] == []
