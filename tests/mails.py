"""The mails that a server without SMTP settings writes into its data directory."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path


def mails(data: Path, address: str) -> list[EmailMessage]:
    """The mails that were written to `address`, oldest first."""
    files = sorted((data / "outbox").glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
    # By the line as it stands: Python's parser fails at some of the addresses that other tests make up.
    to = f"To: {address.lower()}\n".encode()
    written = [each for each in (file.read_bytes() for file in files) if to in each.partition(b"\n\n")[0]]
    return [message_from_bytes(each, policy=policy.default) for each in written]


def code_in(mail: EmailMessage) -> str:
    """The code that a mail brings."""
    found = re.search(r"\b[0-9]{6,8}\b", mail["Subject"])
    assert found, mail["Subject"]
    return found[0]


def mailed_code(data: Path, address: str) -> str:
    """The sign-in code in the newest mail to `address`; fails where there is none."""
    return code_in(mails(data, address)[-1])
