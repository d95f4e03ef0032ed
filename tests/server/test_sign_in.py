"""Signing in: by a code that was mailed, on one device, with tokens that are worth little to a thief."""

import logging
import secrets
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiosmtpd.controller import Controller

from mirabelle.contract import limits
from mirabelle.rules import holder
from tests.backend import Backend, Person, new_key
from tests.mails import code_in, mails
from tests.server.mailbox import ask_for_code, sign_in

# Points of small order: anybody can sign for them.
WEAK_KEYS = [
    "01" + "00" * 31,
    "00" * 32,
    "ec" + "ff" * 30 + "7f",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Backend]:
    """The demo programme's server, shared, with a clock that the tests set forward."""
    with Backend(tmp_path_factory.mktemp("server"), clock=clock) as running:
        yield running


@pytest.fixture
def address() -> str:
    """An address that no other test uses."""
    return f"{secrets.token_hex(4)}@example.org"


def try_code(person: Person, address: str, code: str, key: str | None = None) -> str:
    """Sign in with `code`; returns the status and what is wrong, if anything."""
    ask = {"email": address, "code": code, "device_key": person.device_key}
    answer = person.post("/sign-in/sessions", ask, key)
    if answer.status_code == 201:
        person.session = answer.json()
    return f"{answer.status_code} {answer.json().get('code', '')}".strip()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def refreshed(person: Person, token: str | None = None, seed: bytes | None = None) -> Any:
    """The answer to a refresh with the person's own refresh token, or an older one."""
    token = token or person.session["refresh_token"]
    proof = holder.sign(seed or person.seed, b"MV1 refresh\0" + token.encode()).hex()
    return person.post("/sign-in/refreshes", {"refresh_token": token, "proof": proof})


def test_a_code_by_mail_signs_in_an_address_unknown_so_far(server: Backend, address: str) -> None:
    first, again = sign_in(server, address), sign_in(server, address.upper())
    assert first.session["role"] == "participant"
    assert first.session["subject"] == again.session["subject"]
    assert (first.get("/wallet").json()["email"], first.available()) == (address, 0)


def test_a_mail_names_the_programme_its_recipient_and_how_long_the_code_works(server: Backend, address: str) -> None:
    server.somebody().post("/sign-in/codes", {"email": address, "language": "fr"})
    [mail] = mails(server.data, address)
    body = mail.get_content()
    assert (mail["To"], code_in(mail) in body) == (address, True)
    assert str(limits.SIGN_IN_CODE_MINUTES) in body
    assert all(file.stat().st_mode & 0o077 == 0 for file in (server.data / "outbox").iterdir())


def test_the_same_key_mails_one_code(server: Backend, address: str) -> None:
    person, key = server.somebody(), new_key()
    for _ in range(3):
        assert person.post("/sign-in/codes", {"email": address}, key).status_code == 201
    assert len(mails(server.data, address)) == 1


def test_whatever_is_wrong_with_a_code_the_answer_is_the_same(server: Backend, clock: Clock, address: str) -> None:
    person = server.somebody()
    code = ask_for_code(server, address)
    unknown = person.post(
        "/sign-in/sessions", {"email": "nobody@example.org", "code": code, "device_key": person.device_key}
    )
    mistyped = person.post(
        "/sign-in/sessions", {"email": address, "code": wrong(code), "device_key": person.device_key}
    )
    clock.forward(minutes=limits.SIGN_IN_CODE_MINUTES)
    late = person.post("/sign-in/sessions", {"email": address, "code": code, "device_key": person.device_key})
    assert unknown.status_code == 403
    assert unknown.text == mistyped.text == late.text


def test_after_too_many_tries_even_the_right_code_is_wrong(server: Backend, address: str) -> None:
    person = server.somebody()
    code = ask_for_code(server, address)
    told = [try_code(person, address, wrong(code)) for _ in range(limits.SIGN_IN_CODE_TRIES)]
    assert {*told, try_code(person, address, code)} == {"403 wrong_code"}


def test_whoever_knows_an_address_cannot_lock_its_owner_out(server: Backend, clock: Clock, address: str) -> None:
    stranger, owner = server.somebody(), server.somebody()
    request = {"email": address}
    asked = [stranger.post("/sign-in/codes", request).status_code for _ in range(limits.SIGN_IN_CODES_PER_HOUR + 1)]
    assert asked == [201] * limits.SIGN_IN_CODES_PER_HOUR + [429]
    code = code_in(mails(server.data, address)[0])
    told = [try_code(stranger, address, wrong(code)) for _ in range(3 * limits.SIGN_IN_CODE_TRIES)]
    assert set(told) == {"403 wrong_code"}
    assert try_code(owner, address, code) == "201"  # while no new one is mailed any of those will do
    clock.forward(minutes=limits.SIGN_IN_CODE_MINUTES)
    assert owner.post("/sign-in/codes", request).status_code == 201
    assert stranger.post("/sign-in/codes", request).status_code == 429


def test_whoever_has_many_addresses_has_few_tries_and_uses_up_none_of_a_device_that_the_owner_knows(
    server: Backend, address: str
) -> None:
    owner, new = sign_in(server, address), server.somebody()
    code = ask_for_code(server, address)
    for _ in range(limits.SIGN_IN_CODE_TRIES_OF_ALL):
        assert try_code(server.somebody(), address, wrong(code)) == "403 wrong_code"
    assert try_code(new, address, code) == "403 wrong_code"
    assert try_code(owner, address, code) == "201"


def test_a_code_that_somebody_else_asked_for_does_not_lock_out_the_older_one(
    server: Backend, clock: Clock, address: str
) -> None:
    person = server.somebody()
    old = ask_for_code(server, address)
    clock.forward(seconds=5)
    ask_for_code(server, address)
    assert try_code(person, address, old) == "201"


def test_a_code_works_on_one_device_and_again_there_when_the_reply_was_lost(server: Backend, address: str) -> None:
    amina, thief = server.somebody(), server.somebody()
    code = ask_for_code(server, address)
    assert [try_code(who, address, code) for who in (amina, amina, thief)] == [
        "201",
        "201",
        "403 wrong_code",
    ]


def test_too_many_codes_to_one_address_are_refused_for_an_hour(server: Backend, clock: Clock, address: str) -> None:
    person = server.somebody()
    sent = [person.post("/sign-in/codes", {"email": address}) for _ in range(limits.SIGN_IN_CODES_PER_HOUR + 1)]
    assert [answer.status_code for answer in sent] == [201] * limits.SIGN_IN_CODES_PER_HOUR + [429]
    clock.forward(hours=1, seconds=1)
    assert person.post("/sign-in/codes", {"email": address}).status_code == 201


def test_nobody_has_mails_sent_to_everybody(server: Backend, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SIGN_IN_CODES_PER_HOUR_OF_ALL", 7)  # else it takes long to come to it
    person = server.somebody()
    asked = [{"email": f"{number}-{address}"} for number in range(limits.SIGN_IN_CODES_PER_HOUR_OF_ALL + 1)]
    told = [person.post("/sign-in/codes", request).status_code for request in asked]
    assert told == [201] * limits.SIGN_IN_CODES_PER_HOUR_OF_ALL + [429]
    assert server.somebody().post("/sign-in/codes", asked[-1]).status_code == 201


@pytest.mark.parametrize(
    "address",
    ["a@b\n", "a@b\r\nBcc: c@d", "a b@c", "a@b@c", "a,b@c", "<a@b>", "a@", "@b", "a\0@b", "x" * 250 + "@b.org"],
)
def test_what_is_no_address_is_refused(server: Backend, address: str) -> None:
    answer = server.somebody().post("/sign-in/codes", {"email": address})
    assert (answer.status_code, answer.json()["field"]) == (400, "email")


@pytest.mark.parametrize("key", WEAK_KEYS)
def test_keys_that_anybody_could_sign_for_are_refused(server: Backend, key: str, address: str) -> None:
    person = server.participant()
    code = ask_for_code(server, address)
    answers = [
        person.post("/sign-in/sessions", {"email": address, "code": code, "device_key": key}),
        person.post("/demo/sessions", {"role": "participant", "device_key": key}),
        person.post("/redemptions", {"reward": "croissant", "points": 110, "holder_key": key}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, "unsafe_key")] * 3


def test_staff_sign_in_by_the_address_that_the_programme_names(server: Backend) -> None:
    sami = sign_in(server, "staff@mirabelle.example")
    assert (sami.session["role"], sami.get("/till").json()["store"]) == ("staff", "cafe-lumiere")
    assert sami.get("/wallet").json()["code"] == "wrong_role"


def test_an_access_token_ends_after_its_minutes(server: Backend, clock: Clock, address: str) -> None:
    amina = sign_in(server, address)
    clock.forward(minutes=limits.ACCESS_TOKEN_MINUTES)
    answer = amina.get("/wallet")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_ended")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_token_that_was_not_signed_here_is_refused(server: Backend, address: str) -> None:
    amina = sign_in(server, address)
    claims = jwt.decode(amina.session["access_token"], options={"verify_signature": False})
    for forged in (jwt.encode(claims, "x" * 32, "HS256"), jwt.encode(claims, None, "none")):
        amina.session = {"access_token": forged}
        assert amina.get("/wallet").json()["code"] == "session_ended"


def test_a_refresh_token_brings_the_next_and_works_once(server: Backend, clock: Clock, address: str) -> None:
    amina = sign_in(server, address)
    first = amina.session["refresh_token"]
    amina.session = refreshed(amina).json()
    assert amina.session["refresh_token"] != first
    clock.forward(seconds=limits.REFRESH_REPLY_SECONDS + 1)
    assert refreshed(amina, first).json()["code"] == "session_ended"


def test_a_lost_reply_within_thirty_seconds_brings_the_same_successor(
    server: Backend, clock: Clock, address: str
) -> None:
    amina = sign_in(server, address)
    lost = refreshed(amina).json()
    clock.forward(seconds=limits.REFRESH_REPLY_SECONDS)
    again = refreshed(amina).json()
    assert again["refresh_token"] == lost["refresh_token"]


def test_a_refresh_token_used_again_later_ends_the_whole_family(server: Backend, clock: Clock, address: str) -> None:
    amina = sign_in(server, address)
    stolen = amina.session["refresh_token"]
    amina.session = refreshed(amina).json()
    clock.forward(seconds=limits.REFRESH_REPLY_SECONDS + 1)
    assert refreshed(amina, stolen).status_code == 401
    assert refreshed(amina).json()["code"] == "session_ended"


def test_a_refresh_token_is_worth_nothing_without_the_device_key(server: Backend, address: str) -> None:
    amina = sign_in(server, address)
    assert refreshed(amina, seed=b"x" * 32).json()["code"] == "session_ended"
    assert refreshed(amina).status_code == 201


@pytest.mark.parametrize("token", ["", ".", "..", "a.1.b", "a.٣.b", "a.-1.b", "a.9999999999.b", "é.1.é", "\0.1.\0"])
def test_what_is_no_refresh_token_is_refused(server: Backend, token: str) -> None:
    person = server.somebody()
    assert person.post("/sign-in/refreshes", {"refresh_token": token, "proof": "0" * 128}).status_code == 401
    assert person.post("/sign-in/sign-outs", {"refresh_token": token}).status_code == 201


def test_after_signing_out_nothing_is_refreshed(server: Backend, address: str) -> None:
    amina = sign_in(server, address)
    amina.post("/sign-in/sign-outs", {"refresh_token": amina.session["refresh_token"]})
    assert refreshed(amina).json()["code"] == "session_ended"


def test_a_session_that_was_long_unused_has_ended(server: Backend, clock: Clock, address: str) -> None:
    amina = sign_in(server, address)
    clock.forward(days=limits.REFRESH_TOKEN_DAYS)
    assert refreshed(amina).json()["code"] == "session_ended"


def test_tills_of_one_address_share_its_tries(server: Backend, clock: Clock) -> None:
    tills = [server.till() for _ in range(limits.TYPED_CODES_PER_MINUTE + 1)]
    for till in tills:
        till.address = tills[0].address
    tries = [till.post("/scans", {"code": "0000-0000-0000"}, f"key-{n:05}") for n, till in enumerate(tills)]
    assert [answer.status_code for answer in tries] == [201] * limits.TYPED_CODES_PER_MINUTE + [429]
    again = tills[0].post("/scans", {"code": "0000-0000-0000"}, "key-00000")
    assert again.text == tries[0].text  # what was answered is told again, and is no new try


def test_a_code_that_a_till_types_too_often_is_not_judged_for_a_minute(server: Backend, clock: Clock) -> None:
    till = server.till()
    tries = [till.post("/scans", {"code": "0000-0000-0000"}) for _ in range(limits.TYPED_CODES_PER_MINUTE + 1)]
    assert [answer.status_code for answer in tries] == [201] * limits.TYPED_CODES_PER_MINUTE + [429]
    assert till.post("/scans", {"frame": "MV1:"}).status_code == 201
    assert server.till().post("/scans", {"code": "0000-0000-0000"}).status_code == 201
    clock.forward(minutes=1)
    assert till.post("/scans", {"code": "0000-0000-0000"}).json()["verdict"] == "not_a_voucher"


class Received:
    """An SMTP server's handler: keeps what it is handed, or is told to refuse it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuse = False

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802
        if self.refuse:
            return "451 not now"
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def smtp() -> Iterator[tuple[Received, str]]:
    """A real SMTP server, and its URL."""
    received = Received()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(received, hostname="127.0.0.1", port=port)
    controller.start()
    yield received, f"smtp://127.0.0.1:{port}"
    controller.stop()


def test_codes_go_through_a_real_smtp_server(tmp_path: Path, smtp: tuple[Received, str]) -> None:
    received, url = smtp
    with Backend(tmp_path, smtp=url) as server:
        amina = server.somebody()
        assert amina.post("/sign-in/codes", {"email": "amina@example.org", "language": "ar"}).status_code == 201
        [mail] = received.mails
        assert mail["To"] == "amina@example.org"
        assert try_code(amina, "amina@example.org", code_in(mail)) == "201"
        assert not (tmp_path / "outbox").exists()


def test_a_mail_that_could_not_go_may_be_asked_for_again(tmp_path: Path, smtp: tuple[Received, str]) -> None:
    received, url = smtp
    with Backend(tmp_path, smtp=url) as server:
        amina, key = server.somebody(), new_key()
        received.refuse = True
        answer = amina.post("/sign-in/codes", {"email": "amina@example.org"}, key)
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        received.refuse = False
        assert amina.post("/sign-in/codes", {"email": "amina@example.org"}, key).status_code == 201
        assert len(received.mails) == 1


def test_a_mail_server_that_does_not_answer_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        with Backend(tmp_path, smtp=url) as server:
            amina, waiting = server.participant(), server.somebody()
            asked = threading.Thread(target=waiting.post, args=("/sign-in/codes", {"email": "a@b.org"}))
            asked.start()
            connection, _ = silent.accept()
            assert amina.redeem("croissant", 110).status_code == 201
            connection.close()
            asked.join()


def test_no_secret_reaches_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    with caplog.at_level(logging.DEBUG), Backend(tmp_path) as server:
        amina = sign_in(server, "amina@example.org")
        code = code_in(mails(tmp_path, "amina@example.org")[0])
        refresh = amina.session["refresh_token"]
        refreshed(amina)
        amina.post("/redemptions", {"reward": "croissant", "points": "many"})
    said = caplog.text + "".join(capsys.readouterr())
    for secret in (code, refresh, amina.session["access_token"], refresh.rpartition(".")[2]):
        assert secret not in said
