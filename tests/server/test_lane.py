"""The short way to redemptions and scans answers what the long way answers, byte for byte."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from mirabelle.contract.limits import REQUEST_BYTES
from mirabelle.contract.wire import API_PREFIX, IDEMPOTENCY_KEY
from mirabelle.server.application import open_context
from mirabelle.server.hosting import demo_programme, open_store
from mirabelle.server.routes.lane import with_lane
from mirabelle.server.services.context import Settings
from mirabelle.server.services.secrets_file import open_secrets
from mirabelle.server.services.tokens import Caller, Tokens
from tests.backend import Backend, Person, new_key

PATHS = ("/redemptions", "/scans")


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The demo programme's server."""
    with Backend(tmp_path_factory.mktemp("lane")) as running:
        yield running


@pytest.fixture(scope="module")
def people(backend: Backend) -> dict[str, Person]:
    """Who may call each path."""
    return {"/redemptions": backend.participant(), "/scans": backend.till()}


def send(person: Person, path: str, body: bytes, *, long_way: bool, **headers: str | None) -> httpx.Response:
    """Send `body`; in pieces, which nobody does, it goes the long way."""
    said: dict[str, str | None] = {
        "Authorization": f"Bearer {person.session['access_token']}",
        "Content-Type": "application/json",
        IDEMPOTENCY_KEY: new_key(),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    given = {name: value for name, value in said.items() if value is not None}
    content = iter([body[:1], body[1:]]) if long_way else body
    return person.http.post(path, content=content, headers=given)


def told(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """All that a caller sees, but for the moment and for how well the body was packed."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "content-length")}
    return answer.status_code, headers, answer.content


def body_for(person: Person, path: str) -> bytes:
    """What is asked for and had."""
    if path == "/scans":
        return json.dumps({"code": "0000-0000-0000"}).encode()
    return json.dumps(person.redemption_request("croissant", 110, new_key())).encode()


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("long_way_first", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_the_answer_to_a_key_is_the_same_on_both_ways(
    people: dict[str, Person], path: str, long_way_first: bool, encoding: str
) -> None:
    body, key = body_for(people[path], path), new_key()
    ways = [
        send(people[path], path, body, long_way=way, Idempotency_Key=key, Accept_Encoding=encoding)
        for way in (long_way_first, not long_way_first)
    ]
    assert ways[0].status_code == 201
    assert told(ways[0]) == told(ways[1])


EXPIRED, MADE_UP, OTHER_ROLE = "expired", "made up", "other role"
WRONG: dict[str, tuple[bytes | None, dict[str, str | None]]] = {
    "broken JSON": (b"{", {}),
    "two objects": (b"{}{}", {}),
    "no UTF-8": (b'{"code":"\xff"}', {}),
    "a lone surrogate": (b'{"code":"\\ud800"}', {}),
    "no object": (b"[]", {}),
    "nothing": (b"", {}),
    "fields missing": (b"{}", {}),
    "a field of another kind": (b'{"reward":1,"points":"1","code":1}', {}),
    "too large": (json.dumps({"more": "x" * REQUEST_BYTES}).encode(), {}),
    "not JSON by its own word": (None, {"Content_Type": "text/plain"}),
    "without a media type": (None, {"Content_Type": None}),
    "without a key": (None, {"Idempotency_Key": None}),
    "a short key": (None, {"Idempotency_Key": "short"}),
    "a long key": (None, {"Idempotency_Key": "x" * 300}),
    "a key with a space": (None, {"Idempotency_Key": "with a space"}),
    "nobody": (None, {"Authorization": None}),
    "another scheme": (None, {"Authorization": "Basic bWU6bWU="}),
    "no token": (None, {"Authorization": "Bearer"}),
    "a token of nobody's": (None, {"Authorization": MADE_UP}),
    "a token that is over": (None, {"Authorization": EXPIRED}),
    "a caller of the other role": (None, {"Authorization": OTHER_ROLE}),
    "nobody, with broken JSON": (b"{", {"Authorization": None}),
    "nobody, without a key": (None, {"Authorization": None, "Idempotency_Key": None}),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("path", PATHS)
def test_what_is_wrong_is_refused_alike_on_both_ways(
    backend: Backend, people: dict[str, Person], path: str, kind: str
) -> None:
    body, headers = WRONG[kind]
    body = body_for(people[path], path) if body is None else body
    named = headers.get("Authorization")
    if named in (EXPIRED, MADE_UP, OTHER_ROLE):
        headers = headers | {"Authorization": f"Bearer {token(backend, people, path, str(named))}"}
    long, short = (send(people[path], path, body, long_way=way, **headers) for way in (True, False))
    assert told(short) == told(long)


def token(backend: Backend, people: dict[str, Person], path: str, kind: str) -> str:
    """A token with which `path` cannot be called."""
    if kind == OTHER_ROLE:
        return str(people[next(other for other in PATHS if other != path)].session["access_token"])
    tokens = Tokens(open_secrets(backend.data / "secrets").token_key if kind == EXPIRED else bytes(32))
    long_ago = datetime.now(UTC) - timedelta(days=1)
    return tokens.access(Caller("participant", "somebody", "a session", 1), long_ago)[0]


@pytest.mark.parametrize(
    "change",
    [
        {"points": 10**9},
        {"points": 1},
        {"reward": "no-such-reward"},
        {"holder_key": "00" * 32},
        {"unknown": "field"},
        {"reward": "croissant\x00"},
    ],
)
def test_what_a_service_refuses_is_told_alike_on_both_ways(people: dict[str, Person], change: dict[str, Any]) -> None:
    amina = people["/redemptions"]
    body = json.dumps(json.loads(body_for(amina, "/redemptions")) | change).encode()
    key = new_key()
    long, short = (send(amina, "/redemptions", body, long_way=way, Idempotency_Key=key) for way in (True, False))
    assert told(short) == told(long)


def test_a_key_used_again_for_something_else_is_refused_alike_on_both_ways(people: dict[str, Person]) -> None:
    amina, key = people["/redemptions"], new_key()
    send(amina, "/redemptions", body_for(amina, "/redemptions"), long_way=False, Idempotency_Key=key)
    other = body_for(amina, "/redemptions")
    long, short = (send(amina, "/redemptions", other, long_way=way, Idempotency_Key=key) for way in (True, False))
    assert short.status_code == 422
    assert told(short) == told(long)


def test_a_scan_that_asks_for_both_or_neither_is_refused_alike_on_both_ways(people: dict[str, Person]) -> None:
    till = people["/scans"]
    for body in (b"{}", b'{"frame":"MV1:","code":"0000-0000-0000"}'):
        long, short = (send(till, "/scans", body, long_way=way) for way in (True, False))
        assert short.status_code == 400
        assert told(short) == told(long)


def test_a_voucher_redeemed_and_scanned_on_the_short_way_is_accepted_once(people: dict[str, Person]) -> None:
    amina, till = people["/redemptions"], people["/scans"]
    answer = send(amina, "/redemptions", body_for(amina, "/redemptions"), long_way=False)
    code = json.dumps({"code": answer.json()["voucher"]["code"]}).encode()
    verdicts = [send(till, "/scans", code, long_way=way).json()["verdict"] for way in (False, True, False)]
    assert verdicts == ["accepted", "not_a_voucher", "not_a_voucher"]


async def test_a_well_formed_request_needs_nothing_of_the_application(tmp_path: Path) -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("it was asked")

    database = await open_store(tmp_path, "", demo_programme(), datetime.now(UTC))
    context = await open_context(Settings(tmp_path), database)
    caller = Caller("staff", "no such till", "a session", 1)
    headers = {
        "Authorization": f"Bearer {context.tokens.access(caller, datetime.now(UTC))[0]}",
        "Content-Type": "application/json",
        IDEMPOTENCY_KEY: new_key(),
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"{API_PREFIX}/scans",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    sent = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b'{"code":"0000-0000-0000"}', "more_body": False}

    async def take(message: Any) -> None:
        sent.append(message)

    await with_lane(context, application)(scope, receive, take)  # type: ignore[arg-type]
    await database.close()
    assert (sent[0]["status"], json.loads(sent[1]["body"])["code"]) == (401, "session_ended")
