"""Renewing a session: its owner may lose any reply and come back any time later; a thief without the key ends it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabelle.contract import limits
from mirabelle.rules import holder
from mirabelle.rules.renewing import dated_proof_text, proof_text
from tests.backend import Backend, Person
from tests.clock import MovableClock

SECONDS = (0, 29, 31, 120, 11 * 60, 3 * 24 * 3600)
ENDED = (401, "session_ended")


@pytest.fixture(scope="module")
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, clock: MovableClock) -> Iterator[Backend]:
    """A server, shared, whose clock the tests move on."""
    with Backend(tmp_path_factory.mktemp("server"), clock=clock) as running:
        yield running


def request(token: str, seed: bytes, at: int | None) -> dict[str, Any]:
    """What the holder of the key of `seed` asks with, and says to do so `at` a time."""
    body: dict[str, Any] = {"refresh_token": token, "proof": holder.sign(seed, proof_text(token)).hex()}
    if at is not None:
        body["dated"] = {"signed_at": at, "signature": holder.sign(seed, dated_proof_text(token, at)).hex()}
    return body


@dataclass
class Family:
    """A session, and every token and request of it that ever was."""

    clock: MovableClock
    owner: Person
    tokens: list[str] = field(default_factory=list)  # by generation
    copies: dict[str, dict[str, Any]] = field(default_factory=dict)  # of the owner's requests, by token
    heard: int = 0  # the newest token that the owner has
    is_over: bool = False

    def now(self) -> int:
        return int(self.clock().timestamp())

    def asks(self, body: dict[str, Any]) -> tuple[int, str]:
        """The status of the answer, and the token or the reason in it."""
        answer = self.owner.post("/sign-in/refreshes", body)
        told = answer.json()
        return answer.status_code, told["refresh_token"] if answer.is_success else told["code"]

    def owner_asks(self, *, is_lost: bool) -> None:
        """The owner always goes on, with one and the same successor, until a thief has shown up."""
        token = self.tokens[self.heard]
        body = self.copies[token] = request(token, self.owner.seed, self.now())
        status, told = self.asks(body)
        if self.is_over:
            assert (status, told) == ENDED
            return
        assert status == 201
        if self.heard == len(self.tokens) - 1:
            self.tokens.append(told)
        assert told == self.tokens[self.heard + 1]
        self.heard += 0 if is_lost else 1

    def thief_asks(self, back: int) -> None:
        """A thief never gets anything, and after the owner ends it all."""
        index = max(0, len(self.tokens) - 1 - back)
        assert self.asks(request(self.tokens[index], b"x" * 32, self.now())) == ENDED
        self.is_over = self.is_over or index < len(self.tokens) - 1


Step = tuple[Literal["owner", "thief"], bool, int, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["owner", "owner", "owner", "thief"]), st.booleans(), st.integers(0, 3),
              st.sampled_from(SECONDS)),
    min_size=1, max_size=10,
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(steps=STEPS)
def test_an_owner_is_signed_out_by_a_thief_after_them_and_by_no_lost_reply(
    server: Backend, clock: MovableClock, steps: list[Step]
) -> None:
    family = family_of(server, clock)
    for who, is_lost, back, seconds in steps:
        clock.move(seconds=seconds)
        if who == "owner":
            family.owner_asks(is_lost=is_lost)
        else:
            family.thief_asks(back)


def family_of(server: Backend, clock: MovableClock) -> Family:
    """A new session."""
    owner = server.participant()
    return Family(clock, owner, [owner.session["refresh_token"]])


@pytest.fixture
def family(server: Backend, clock: MovableClock) -> Family:
    """A session whose first token was used, the reply being lost on its way."""
    made = family_of(server, clock)
    made.owner_asks(is_lost=True)
    return made


def test_a_copied_request_is_worth_nothing_later_and_ends_nothing(family: Family) -> None:
    copy = family.copies[family.tokens[0]]
    family.clock.move(seconds=limits.CLOCK_SKEW_SECONDS + 2)
    assert family.asks(copy) == (422, "clock_differs")
    family.owner_asks(is_lost=False)
    family.owner_asks(is_lost=False)
    assert family.asks(copy) == (422, "clock_differs")
    family.owner_asks(is_lost=False)


def test_a_request_that_two_others_overtook_is_worth_nothing_and_ends_nothing(family: Family) -> None:
    held_up = request(family.tokens[0], family.owner.seed, family.now())
    family.clock.move(seconds=1)
    family.owner_asks(is_lost=False)
    family.owner_asks(is_lost=False)
    assert family.asks(held_up) == (422, "clock_differs")
    family.owner_asks(is_lost=False)


@pytest.mark.parametrize("change", ["no time", "another time", "another key"])
def test_a_copied_request_that_is_made_to_look_new_ends_the_session(family: Family, change: str) -> None:
    copy = family.copies[family.tokens[0]]
    family.clock.move(seconds=limits.CLOCK_SKEW_SECONDS + 2)
    if change == "no time":
        del copy["dated"]
    elif change == "another time":
        copy["dated"]["signed_at"] = family.now()
    else:
        copy["dated"] = request(copy["refresh_token"], b"x" * 32, family.now())["dated"]
    assert family.asks(copy) == ENDED
    family.is_over = True
    family.owner_asks(is_lost=False)


def test_a_session_that_nobody_renews_ends_though_its_last_reply_was_lost(family: Family) -> None:
    family.clock.move(days=limits.REFRESH_TOKEN_DAYS, seconds=1)
    family.is_over = True
    family.owner_asks(is_lost=False)


def test_the_servers_time_comes_with_the_word_that_the_clocks_differ(family: Family) -> None:
    family.clock.move(hours=1)
    body = request(family.tokens[0], family.owner.seed, family.now() + limits.CLOCK_SKEW_SECONDS + 30)
    told = family.owner.post("/sign-in/refreshes", body).json()
    assert (told["code"], told["server_time"] is not None) == ("clock_differs", True)
