"""Whatever a participant and two tills do, in whatever order: the API answers as a small book of theirs says."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from mirabelle.contract.messages import Text
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import ProgrammeDocument, RewardRules, TransferRules
from tests.backend import Backend, Person, new_key
from tests.server.mailbox import sign_in

PRICES = {"cheap": 40, "dear": 1900, "one-each": 60, "order": 25, "held": 80}
# No shrinking: it asks the server thousands of times, and the steps that are printed tell enough.
A_WHILE = settings(
    max_examples=12, stateful_step_count=25, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)


def programme() -> ProgrammeDocument:
    """The demo's rules with rewards of all sorts."""
    rewards = [
        RewardRules(id="cheap", kind="discount", points=PRICES["cheap"], title=Text(en="Cheap")),
        RewardRules(id="dear", kind="discount", points=PRICES["dear"], title=Text(en="Dear")),
        RewardRules(id="one-each", kind="discount", points=PRICES["one-each"], per_participant=1, title=Text(en="One")),
        RewardRules(id="held", kind="gift_card", value_class="C", points=PRICES["held"], title=Text(en="Held")),
        RewardRules(id="order", kind="merchandise", points=PRICES["order"], title=Text(en="Order")),
    ]
    return msgspec.structs.replace(
        demo_programme(), rewards=rewards, transfers=TransferRules(allowed=True, from_points=1)
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Backend]:
    """A server of our own."""
    with Backend(tmp_path, programme=programme()) as server:
        yield server


@dataclass
class Redeemed:
    """A redemption in the book."""

    id: str
    reward: str
    voucher: dict[str, Any] | None
    state: str
    used: bool = False


@dataclass
class Asked:
    """A write in the book, with what was answered."""

    who: Person
    path: str
    body: Any
    key: str
    status: int
    content: bytes


class Participant(RuleBasedStateMachine):
    """One participant, a friend to whom they give points, and two tills."""

    def __init__(self, server: Backend) -> None:
        super().__init__()
        self.server = server
        self.held = 0
        self.book: list[Redeemed] = []

    redeemed: Bundle[Redeemed] = Bundle("redeemed")
    asked: Bundle[Asked] = Bundle("asked")

    @initialize()
    def arrive(self) -> None:
        self.amina, self.tills = self.server.participant(), [self.server.till(), self.server.till()]
        self.address = f"{new_key()}@example.org"
        self.friend, self.given = sign_in(self.server, self.address), 0
        self.available = self.amina.available()
        self.before = {one["id"] for one in self.amina.get("/redemptions").json()["redemptions"]}

    def ask(self, who: Person, path: str, body: Any) -> Asked:
        key = new_key()
        if path == "/redemptions":
            body = self.amina.redemption_request(body, PRICES[body], key)
        answer = who.post(path, body, key)
        return Asked(who, path, body, key, answer.status_code, answer.content)

    @rule(target=asked, reward=st.sampled_from(sorted(PRICES)))
    def redeem(self, reward: str) -> Asked:
        asked = self.ask(self.amina, "/redemptions", reward)
        told = msgspec.json.decode(asked.content)
        mine = [one for one in self.book if one.reward == reward and one.state != "released"]
        refusals = {"limit_reached"} if reward == "one-each" and mine else set()
        refusals |= {"not_enough_points"} if PRICES[reward] > self.available else set()
        if refusals:
            assert asked.status == 409 and told["code"] in refusals
            return asked
        assert asked.status == 201 and told["state"] == ("held" if reward == "held" else "captured")
        self.available -= PRICES[reward]
        self.held += PRICES[reward] if told["state"] == "held" else 0
        self.book.append(Redeemed(told["id"], reward, told["voucher"], told["state"]))
        return asked

    @rule(target=asked, number=st.integers(0, 30))
    def cancel(self, number: int) -> Any:
        one = self.pick(number)
        if one is None:
            return multiple()
        asked = self.ask(self.amina, f"/redemptions/{one.id}/cancellations", None)
        if one.state == "released" or one.used or one.voucher is None:
            assert (asked.status, msgspec.json.decode(asked.content)["code"]) == (409, "not_cancellable")
            return asked
        assert asked.status == 201
        self.available += PRICES[one.reward]
        self.held -= PRICES[one.reward] if one.state == "held" else 0
        one.state = "released"
        return asked

    @rule(target=asked, number=st.integers(0, 30), till=st.integers(0, 1))
    def scan(self, number: int, till: int) -> Any:
        one = self.pick(number)
        if one is None or one.voucher is None:
            return multiple()
        shown = self.amina.show(one.voucher, int(time.time()))
        asked = self.ask(self.tills[till], "/scans", {"frame": shown})
        expected = "revoked" if one.state == "released" else "already_used" if one.used else "accepted"
        assert msgspec.json.decode(asked.content)["verdict"] == expected
        if expected == "accepted":
            self.held -= PRICES[one.reward] if one.state == "held" else 0
            one.state, one.used = "captured", True
        return asked

    @rule(target=asked, points=st.integers(1, 3000))
    def give(self, points: int) -> Asked:
        asked = self.ask(self.amina, "/transfers", {"recipient": self.address, "points": points})
        if points > self.available:
            assert msgspec.json.decode(asked.content)["code"] == "not_enough_points"
            return asked
        assert asked.status == 201
        self.available -= points
        self.given += points
        return asked

    @rule(number=st.integers(0, 30))
    def renew(self, number: int) -> None:
        one = self.pick(number)
        if one is None or one.voucher is None:
            return
        salt = one.voucher["key_salt"]
        holder_key = self.amina.redemption_request("", 0, salt)["holder_key"]
        answer = self.amina.post(f"/vouchers/{one.voucher['id']}/leases", {"holder_key": holder_key}).json()
        assert answer["state"] == ("cancelled" if one.state == "released" else "used" if one.used else "ready")

    @rule(asked=asked)
    def ask_again(self, asked: Asked) -> None:
        again = asked.who.post(asked.path, asked.body, asked.key)
        assert (again.status_code, again.content) == (asked.status, asked.content)

    @rule(asked=asked)
    def ask_for_something_else_under_the_same_key(self, asked: Asked) -> None:
        body = {"reward": "cheap", "points": 1, "holder_key": self.amina.device_key}
        path, body = ("/scans", {"frame": "MV1:"}) if asked.path == "/scans" else ("/redemptions", body)
        other = asked.who.post(path, body, asked.key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")

    def pick(self, number: int) -> Redeemed | None:
        return self.book[number % len(self.book)] if self.book else None

    @invariant()
    def the_book_is_right(self) -> None:
        wallet = self.amina.get("/wallet").json()
        assert (wallet["available"], wallet["held"]) == (self.available, self.held)
        assert sum(lot["remaining"] for lot in wallet["lots"]) == wallet["available"] + wallet["pending"]
        assert self.friend.available() == self.given
        found = self.amina.get("/redemptions").json()["redemptions"]
        states = {one["id"]: one["state"] for one in found if one["id"] not in self.before}
        assert states == {one.id: one.state for one in self.book}


def test_whatever_they_do_the_answers_and_balances_are_those_of_a_small_book(server: Backend) -> None:
    run_state_machine_as_test(lambda: Participant(server), settings=A_WHILE)
