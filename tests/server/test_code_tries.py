"""How often a code by e-mail may be tried, and asked for: strangers guess nothing, and keep out as few as can be."""

import secrets
from collections import Counter

import pytest

from mirabelle.contract import limits
from tests.backend import Backend, Person, new_key
from tests.mails import code_in, mails
from tests.server.offline import found
from tests.server.test_races import together

TRIES = limits.SIGN_IN_CODE_TRIES
WRONG = "403 wrong_code"
ANSWERS = "SELECT count(*) FROM answers"


@pytest.fixture
def address() -> str:
    """An address that no other test uses."""
    return f"{secrets.token_hex(4)}@example.org"


@pytest.fixture
def owner(any_backend: Backend) -> Person:
    """Who reads the mails to the address, on a device that has not signed in yet."""
    return any_backend.somebody()


@pytest.fixture
def stranger(any_backend: Backend) -> Person:
    """Who knows the address, and no more."""
    return any_backend.somebody()


def asked(server: Backend, person: Person, address: str, *, says_who: bool = True) -> str:
    """The code that is mailed to `address` when `person` asks for one; apps of before did not say for which device."""
    device = {"device_key": person.device_key} if says_who else {}
    answer = person.post("/sign-in/codes", {"email": address} | device)
    assert answer.status_code == 201, answer.text
    return code_in(mails(server.data, address)[-1])


def tried(person: Person, address: str, code: str) -> str:
    ask = {"email": address, "code": code, "device_key": person.device_key}
    answer = person.post("/sign-in/sessions", ask)
    return f"{answer.status_code} {answer.json().get('code', '')}".strip()


def guesses(person: Person, address: str, times: int = TRIES) -> None:
    for _ in range(times):
        assert tried(person, address, "wrong") == WRONG


def test_asking_for_more_codes_brings_no_more_tries_at_the_one_there_is(
    any_backend: Backend, owner: Person, stranger: Person, address: str
) -> None:
    code = asked(any_backend, owner, address, says_who=False)
    for _ in range(limits.SIGN_IN_CODES_AT_ONCE - 1):
        guesses(stranger, address)
        asked(any_backend, stranger, address)
    guesses(stranger, address)
    assert tried(stranger, address, code) == WRONG  # its tries are used up,
    assert tried(owner, address, code) == "201"  # and nobody else's


def test_whoever_shares_the_owners_address_uses_up_no_tries_of_the_device_that_asked(
    any_backend: Backend, owner: Person, address: str
) -> None:
    code = asked(any_backend, owner, address)
    for _ in range(TRIES):
        neighbour = any_backend.somebody()
        neighbour.address = owner.address
        guesses(neighbour, address)
    guesses(owner, address, TRIES - 1)
    assert tried(owner, address, code) == "201"


def test_the_device_that_asked_has_five_tries_wherever_it_goes(
    any_backend: Backend, owner: Person, address: str
) -> None:
    code = asked(any_backend, owner, address)
    for _ in range(TRIES):
        owner.address = any_backend.somebody().address
        guesses(owner, address, 1)
    assert tried(owner, address, code) == WRONG


def test_many_addresses_together_have_few_tries_and_use_up_none_of_the_device_that_asked(
    any_backend: Backend, owner: Person, address: str
) -> None:
    code = asked(any_backend, owner, address)
    for _ in range(limits.SIGN_IN_CODE_TRIES_OF_ALL):
        guesses(any_backend.somebody(), address, 1)
    assert tried(any_backend.somebody(), address, code) == WRONG
    assert tried(owner, address, code) == "201"


def test_whoever_shares_an_address_uses_up_no_codes_of_a_device_that_the_owner_knows(
    any_backend: Backend, owner: Person, address: str
) -> None:
    assert tried(owner, address, asked(any_backend, owner, address)) == "201"
    neighbour = any_backend.somebody()
    neighbour.address = owner.address
    for _ in range(limits.SIGN_IN_CODES_PER_HOUR - 1):
        asked(any_backend, neighbour, address)
    any_backend.clock.move(minutes=limits.SIGN_IN_CODE_MINUTES)
    assert neighbour.post("/sign-in/codes", {"email": address}).status_code == 429
    assert tried(owner, address, asked(any_backend, owner, address)) == "201"


def test_one_customers_ipv6_addresses_are_one(any_backend: Backend, owner: Person, stranger: Person) -> None:
    network, other = ("2001:db8:" + ":".join(secrets.token_hex(2) for _ in range(2)) for _ in range(2))
    address = f"{secrets.token_hex(4)}@example.org"
    code = asked(any_backend, owner, address)
    for number in range(TRIES):
        stranger.address = f"{network}::{number + 1:x}"
        guesses(stranger, address, 1)
    stranger.address = f"{network}:ffff::1"
    assert tried(stranger, address, code) == WRONG
    stranger.address = f"{other}::1"
    assert tried(stranger, address, code) == "201"


def test_tries_at_the_same_moment_are_counted_each(
    any_backend: Backend, owner: Person, stranger: Person, address: str
) -> None:
    code = asked(any_backend, owner, address)
    people = [any_backend.somebody() for _ in range(2 * TRIES)]
    for person in people:
        person.address = stranger.address
    together(lambda number: guesses(people[number], address, 1), len(people))
    assert found(any_backend, "SELECT tries FROM sign_in_codes WHERE email = :email", email=address) == [(TRIES,)]
    assert tried(stranger, address, code) == WRONG
    assert tried(any_backend.somebody(), address, code) == "201"


def test_codes_asked_for_at_the_same_moment_are_counted_each(any_backend: Backend, address: str) -> None:
    people = [any_backend.somebody() for _ in range(2 * limits.SIGN_IN_CODES_AT_ONCE)]
    said = together(lambda number: people[number].post("/sign-in/codes", {"email": address}), len(people))
    told = Counter(answer.status_code for answer in said)
    assert told == {201: limits.SIGN_IN_CODES_AT_ONCE, 429: limits.SIGN_IN_CODES_AT_ONCE}


def test_codes_that_come_often_are_longer_and_open_the_door_as_well(any_backend: Backend, address: str) -> None:
    codes = []
    for _ in range(limits.SIGN_IN_SHORT_CODES_PER_DAY + 1):
        person = any_backend.somebody()
        codes.append(asked(any_backend, person, address))
        any_backend.clock.move(minutes=limits.SIGN_IN_CODE_MINUTES)
    short, long = limits.SIGN_IN_CODE_DIGITS, limits.SIGN_IN_LONG_CODE_DIGITS
    assert [len(code) for code in codes] == [short] * limits.SIGN_IN_SHORT_CODES_PER_DAY + [long]
    any_backend.clock.move(minutes=-1)
    assert tried(person, address, codes[-1]) == "201"
    any_backend.clock.move(days=1)
    assert len(asked(any_backend, person, address)) == short


def test_what_strangers_are_refused_leaves_no_rows_behind(any_backend: Backend, stranger: Person, address: str) -> None:
    asked(any_backend, stranger, address)
    [(before,)] = found(any_backend, ANSWERS)
    guesses(stranger, address, 2 * TRIES)
    for path, body in (
        ("refreshes", {"refresh_token": "a.1.b", "proof": "0" * 128}),
        ("sign-outs", {"refresh_token": "a.1.b"}),
        ("sessions", {"email": "nobody@example.org", "code": "123456", "device_key": stranger.device_key}),
    ):
        stranger.post(f"/sign-in/{path}", body)
    for _ in range(limits.SIGN_IN_CODES_AT_ONCE - 1):
        asked(any_backend, stranger, address)
    assert stranger.post("/sign-in/codes", {"email": address}).status_code == 429
    assert found(any_backend, ANSWERS) == [(before + limits.SIGN_IN_CODES_AT_ONCE - 1,)]


def test_a_key_that_stands_for_a_sign_in_stands_for_no_other(
    any_backend: Backend, owner: Person, stranger: Person, address: str
) -> None:
    code, key = asked(any_backend, owner, address), new_key()
    ask = {"email": address, "code": code, "device_key": owner.device_key}
    assert [owner.post("/sign-in/sessions", ask, key).status_code for _ in range(2)] == [201, 201]
    code = asked(any_backend, stranger, address)
    other = stranger.post("/sign-in/sessions", {**ask, "code": code, "device_key": stranger.device_key}, key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
