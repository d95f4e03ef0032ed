"""The mails that a server without an SMTP server writes, and people who sign in by them."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.backend import Backend, Person


def mails(data: Path, address: str) -> list[EmailMessage]:
    """The mails that were written to `address`, oldest first."""
    files = sorted((data / "outbox").glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
    written = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    return [mail for mail in written if mail["To"] == address.lower()]


def code_in(mail: EmailMessage) -> str:
    """The code that a mail brings."""
    found = re.search(r"\b[0-9]{6,8}\b", mail["Subject"])
    assert found, mail["Subject"]
    return found[0]


def ask_for_code(server: Backend, address: str) -> str:
    """Have a code sent to `address`; returns it."""
    answer = server.somebody().post("/sign-in/codes", {"email": address})
    assert answer.status_code == 201, answer.text
    return code_in(mails(server.data, address)[-1])


def sign_in(server: Backend, address: str) -> Person:
    """Somebody who has signed in by a code sent to `address`."""
    person = server.somebody()
    code = ask_for_code(server, address)
    answer = person.post("/sign-in/sessions", {"email": address, "code": code, "device_key": person.device_key})
    assert answer.status_code == 201, answer.text
    person.session = answer.json()
    return person
