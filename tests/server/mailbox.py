"""People who sign in by the mails that a server without an SMTP server writes."""

from tests.backend import Backend, Person
from tests.mails import mailed_code


def ask_for_code(server: Backend, address: str) -> str:
    """Have a code sent to `address`; returns it."""
    answer = server.somebody().post("/sign-in/codes", {"email": address})
    assert answer.status_code == 201, answer.text
    return mailed_code(server.data, address)


def sign_in(server: Backend, address: str) -> Person:
    """Somebody who has signed in by a code sent to `address`."""
    person = server.somebody()
    code = ask_for_code(server, address)
    answer = person.post("/sign-in/sessions", {"email": address, "code": code, "device_key": person.device_key})
    assert answer.status_code == 201, answer.text
    person.session = answer.json()
    return person
