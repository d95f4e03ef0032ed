"""The API is what its OpenAPI document says: whatever is sent, right or wrong, the answer is one that it tells of."""

import json
from http import HTTPStatus
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from mirabelle.contract import endpoints, limits
from mirabelle.contract.endpoints import Endpoint
from mirabelle.contract.reasons import STATUS, Reason
from mirabelle.contract.wire import API_PREFIX, IDEMPOTENCY_KEY
from tests.backend import Backend, Person, new_key

BY_NAME = {f"{endpoint.method} {endpoint.path.replace(':str', '')}": endpoint for endpoint in endpoints.ALL}
WRITES = [name for name, endpoint in BY_NAME.items() if endpoint.method == "POST"]
WITH_BODY = [name for name in WRITES if BY_NAME[name].request is not None]
SIGNED_IN = [name for name, endpoint in BY_NAME.items() if endpoint.role]
# What these two know, this API does not promise: unknown fields and parameters are ignored, so that either end may be
# newer, and what is well-formed may still be refused.
NOT_PROMISED = [negative_data_rejection, positive_data_acceptance]
# No shrinking: it asks the server thousands of times, and what schemathesis reports can be sent again by hand.
A_FEW = settings(max_examples=12, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
# No schema can say that exactly one field is wanted, and for JSON Schema 1.0 is an integer.
BEYOND_SCHEMAS = ("exactly one of frame and code", "before 1970", "Expected `int`, got `float`")


@pytest.fixture(scope="module")
def document(backend: Backend) -> Any:
    """The document, as the server gives it."""
    return schemathesis.openapi.from_url(f"{backend.url}{API_PREFIX}/openapi.json")


@pytest.fixture(scope="module")
def people(backend: Backend) -> dict[str | None, Person]:
    """Somebody of each role, and nobody."""
    return {"participant": backend.participant(), "staff": backend.till(), None: backend.somebody()}


def path_of(endpoint: Endpoint[Any], **names: str) -> str:
    path = endpoint.path.replace(":str", "")
    named = {"redemption": "r-1", "voucher": "ab", "scan": "s-1", "hold": "s-2", "picture": "0" * 32, "width": "256"}
    return path.format(**named) if "{" in path else path


def headers_of(person: Person) -> dict[str, str]:
    token = person.session.get("access_token")
    return {"Authorization": f"Bearer {token}"} if token else {}


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_well_formed_gets_an_answer_that_the_document_tells_of(
    document: Any, people: dict[str | None, Person], name: str
) -> None:
    endpoint = BY_NAME[name]
    method, path = name.split()

    @given(case=document[API_PREFIX + path][method].as_strategy(generation_mode=GenerationMode.POSITIVE))
    @A_FEW
    def ask(case: Any) -> None:
        headers = headers_of(people[endpoint.role]) | ({IDEMPOTENCY_KEY: new_key()} if method == "POST" else {})
        answer = case.call_and_validate(headers=headers, excluded_checks=NOT_PROMISED)
        if answer.status_code == HTTPStatus.BAD_REQUEST:
            assert answer.json()["detail"] in BEYOND_SCHEMAS

    ask()


@pytest.mark.parametrize(
    "name", [name for name in BY_NAME if name in WRITES or name in ("GET /catalog", "GET /activity")]
)
def test_what_is_wrong_gets_an_answer_that_the_document_tells_of(
    document: Any, people: dict[str | None, Person], name: str
) -> None:
    endpoint = BY_NAME[name]
    method, path = name.split()

    @given(case=document[API_PREFIX + path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    @A_FEW
    def ask(case: Any) -> None:
        case.call_and_validate(headers=headers_of(people[endpoint.role]), excluded_checks=NOT_PROMISED)

    ask()


def test_the_document_tells_of_every_endpoint_and_of_nothing_else(document: Any) -> None:
    told = {f"{method.upper()} {path}" for path, item in document.raw_schema["paths"].items() for method in item}
    assert told == {f"{e.method} {API_PREFIX}{e.path.replace(':str', '')}" for e in endpoints.ALL}


@pytest.mark.parametrize("name", BY_NAME)
def test_the_document_tells_of_every_reason_an_endpoint_refuses_with(document: Any, name: str) -> None:
    method, path = name.split()
    told = document.raw_schema["paths"][API_PREFIX + path][method.lower()]["responses"]
    for reason in BY_NAME[name].refusals:
        assert reason.value in told[str(STATUS[reason])]["description"].split(", ")


def is_problem(answer: httpx.Response, reason: Reason) -> bool:
    """Whether `answer` is the problem document of `reason`."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    assert (told["status"], told["code"]) == (answer.status_code, reason.value), answer.text
    return answer.status_code == STATUS[reason]


def send(person: Person, name: str, content: bytes, **headers: str) -> httpx.Response:
    said = headers_of(person) | {IDEMPOTENCY_KEY: new_key(), "Content-Type": "application/json"} | headers
    return person.http.request(name.split(maxsplit=1)[0], path_of(BY_NAME[name]), content=content, headers=said)


NO_JSON = {"broken": b"{", "no UTF-8": b'{"email":"\xff"}', "a lone surrogate": b'{"email":"\\ud800"}', "two": b"{}{}",
           "deep": b'{"more":' + b"[" * 20_000 + b"]" * 20_000 + b"}"}  # fmt: skip


@pytest.mark.parametrize("kind", NO_JSON)
@pytest.mark.parametrize("name", WITH_BODY)
def test_a_body_that_is_not_json_is_malformed(people: dict[str | None, Person], name: str, kind: str) -> None:
    assert is_problem(send(people[BY_NAME[name].role], name, NO_JSON[kind]), Reason.MALFORMED)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"1", b'"{}"'])
@pytest.mark.parametrize("name", WITH_BODY)
def test_a_body_that_is_not_an_object_is_invalid(people: dict[str | None, Person], name: str, content: bytes) -> None:
    assert is_problem(send(people[BY_NAME[name].role], name, content), Reason.INVALID)


@pytest.mark.parametrize("name", WRITES)
def test_a_body_that_does_not_say_it_is_json_is_not_looked_at(people: dict[str | None, Person], name: str) -> None:
    answer = send(people[BY_NAME[name].role], name, b"{}", **{"Content-Type": "text/plain"})
    assert is_problem(answer, Reason.UNSUPPORTED_MEDIA_TYPE)


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_body_that_is_too_large_is_refused(people: dict[str | None, Person], name: str) -> None:
    content = json.dumps({"more": "x" * limits.REQUEST_BYTES}).encode()
    assert is_problem(send(people[BY_NAME[name].role], name, content), Reason.TOO_LARGE)


@pytest.mark.parametrize("name", WRITES)
def test_every_write_wants_an_idempotency_key(people: dict[str | None, Person], name: str) -> None:
    person = people[BY_NAME[name].role]
    answer = person.http.post(path_of(BY_NAME[name]), headers=headers_of(person))
    assert is_problem(answer, Reason.IDEMPOTENCY_KEY_MISSING)


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space"])
def test_what_cannot_be_an_idempotency_key_is_refused(people: dict[str | None, Person], key: str) -> None:
    cancel = "POST /redemptions/{redemption}/cancellations"
    answer = send(people["participant"], cancel, b"", **{IDEMPOTENCY_KEY: key})
    assert is_problem(answer, Reason.INVALID) and answer.json()["field"] == IDEMPOTENCY_KEY


@pytest.mark.parametrize("name", SIGNED_IN)
def test_who_has_not_signed_in_is_asked_to(people: dict[str | None, Person], name: str) -> None:
    answer = send(people[None], name, b"{}")
    assert is_problem(answer, Reason.NOT_SIGNED_IN) and answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("name", SIGNED_IN)
def test_nobody_may_do_what_is_anothers_role(people: dict[str | None, Person], name: str) -> None:
    other = "staff" if BY_NAME[name].role == "participant" else "participant"
    assert is_problem(send(people[other], name, b"{}"), Reason.WRONG_ROLE)


@pytest.mark.parametrize("points", [-1, 1.5, 10**13, 10**30, "10", None, True])
def test_points_are_whole_numbers_within_their_limits(people: dict[str | None, Person], points: object) -> None:
    person = people["participant"]
    answer = person.post("/redemptions", {"reward": "croissant", "points": points, "holder_key": person.device_key})
    assert is_problem(answer, Reason.INVALID) and answer.json()["field"] == "points"


@pytest.mark.parametrize("name", ["a%00b", "a%0Ab", "%7f", "x" * 81])
def test_a_name_that_no_database_holds_is_refused(people: dict[str | None, Person], name: str) -> None:
    person = people["participant"]
    assert is_problem(person.post(f"/redemptions/{name}/cancellations"), Reason.INVALID)


@pytest.mark.parametrize("path", ["/nope", "/", "/catalog/more", "/redemptions/a%2Fb/cancellations", "/wallet%0A"])
def test_an_unknown_path_is_a_problem_document_too(people: dict[str | None, Person], path: str) -> None:
    assert is_problem(people[None].get(path), Reason.NOT_FOUND)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_a_method_that_is_not_allowed_names_those_that_are(people: dict[str | None, Person], method: str) -> None:
    answer = people[None].http.request(method, "/redemptions")
    assert is_problem(answer, Reason.METHOD_NOT_ALLOWED)
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=1.0", "after=%00", "after=" + "9" * 19])
def test_what_is_no_cursor_is_refused(people: dict[str | None, Person], query: str) -> None:
    assert is_problem(people[None].http.get(f"/catalog?{query}"), Reason.INVALID)


@pytest.mark.parametrize("query", ["before=0", "before=x", "before=", "before=9007199254740993"])
def test_what_is_no_sequence_is_refused(people: dict[str | None, Person], query: str) -> None:
    answer = people["participant"].http.get(f"/activity?{query}", headers=headers_of(people["participant"]))
    assert is_problem(answer, Reason.INVALID)


@pytest.mark.parametrize("named", ["{}", "W/{}", '"other", {}', "*"])
def test_a_catalog_that_did_not_change_is_not_sent_again(people: dict[str | None, Person], named: str) -> None:
    nothing_new = "/catalog?after=999999"  # past every change that others make meanwhile
    etag = people[None].get(nothing_new).headers["etag"]
    answer = people[None].http.get(nothing_new, headers={"If-None-Match": named.format(etag)})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    other = people[None].http.get("/catalog", headers={"If-None-Match": etag})
    assert other.status_code == 200


def test_health_is_told_once_the_database_answers(backend: Backend) -> None:
    assert httpx.get(f"{backend.url}/healthz", timeout=60).text == "ok"
