"""What an idempotency key promises, for as long as a device may keep it."""

from datetime import timedelta
from pathlib import Path

from mirabelle.rules import holder
from tests.backend import Backend, Person, new_key
from tests.clock import MovableClock


def renewed(server: Backend, person: Person) -> Person:
    """The same person on the same device, at a server that was started since."""
    there = server.somebody()
    token = person.session["refresh_token"]
    proof = holder.sign(person.seed, b"MV1 refresh\0" + token.encode()).hex()
    there.seed = person.seed
    there.session = there.post("/sign-in/refreshes", {"refresh_token": token, "proof": proof}).json()
    return there


def test_after_eighty_nine_days_a_key_has_the_same_answer_and_no_effect(tmp_path: Path, database_url: str) -> None:
    clock, key, refused_key = MovableClock(), new_key(), new_key()
    with Backend(tmp_path, database_url=database_url, clock=clock) as server:
        amina = server.participant()
        ask = amina.redemption_request("croissant", 110, key)
        dear = amina.redemption_request("croissant", 1, refused_key)
        first, refused = amina.post("/redemptions", ask, key), amina.post("/redemptions", dear, refused_key)
        redemptions = len(amina.get("/redemptions").json()["redemptions"])
    assert (first.status_code, refused.json()["code"]) == (201, "price_changed")
    for days in (45, 44):
        clock.ahead += timedelta(days=days)
        with Backend(tmp_path, database_url=database_url, clock=clock) as server:
            amina = renewed(server, amina)
            again, refused_again = amina.post("/redemptions", ask, key), amina.post("/redemptions", dear, refused_key)
            assert (again.status_code, again.content) == (201, first.content)
            assert (refused_again.status_code, refused_again.content) == (409, refused.content)
            other = amina.post("/redemptions", {**ask, "points": 111}, key)
            assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
            assert len(amina.get("/redemptions").json()["redemptions"]) == redemptions
