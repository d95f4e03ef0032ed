"""Sends mail over SMTP, or writes each as a file where no SMTP server is set."""

import logging
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

log = logging.getLogger(__name__)

SMTP_SECONDS: Final = 15


class MailNotSent(Exception):
    """The mail could not be handed over."""


class MailUnusable(Exception):
    """The SMTP server's URL is not one; the message never holds it, because it may hold a password."""


class Mailer(Protocol):
    """Hands a mail over; raises MailNotSent."""

    async def send(self, message: EmailMessage) -> None: ...


def sender(name: str, address: str) -> Address:
    """Who a programme's mails are from: its own address where it has one."""
    try:
        return Address(name, addr_spec=address)
    except (ValueError, IndexError, HeaderParseError):
        return Address(name, "no-reply", "mirabelle.invalid")


def compose(sender: Address, recipient: str, subject: str, body: str, now: datetime) -> EmailMessage:
    """A plain-text mail."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain="mirabelle.invalid")
    message.set_content(body)
    return message


@dataclass(frozen=True, slots=True)
class OutboxMailer:
    """Writes each mail as an .eml file, and says on the console where."""

    directory: Path

    async def send(self, message: EmailMessage) -> None:
        """Write `message` into the directory."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = self.directory / f"{secrets.token_hex(8)}.eml"
            file.touch(mode=0o600)
            file.write_bytes(message.as_bytes())
        except OSError as fault:
            raise MailNotSent(str(fault)) from fault
        print(f"Mail written to {file} (no SMTP server is set)", flush=True)


@dataclass(frozen=True, slots=True)
class SmtpMailer:
    """Sends through the server of an URL: smtp://[user:password@]host[:port], or smtps:// for TLS from the start."""

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raise MailUnusable where the URL is not one."""
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("smtp", "smtps") and parts.hostname and (parts.port is None or parts.port > 0)
        except ValueError:
            usable = False
        if not usable:
            raise MailUnusable("MIRABELLE_SMTP must be smtp://[user:password@]host[:port], or smtps://")

    async def send(self, message: EmailMessage) -> None:
        """Hand `message` to the SMTP server, with TLS wherever it offers it."""
        import aiosmtplib

        parts = urlsplit(self.url)
        try:
            await aiosmtplib.send(
                message,
                hostname=parts.hostname,
                port=parts.port,
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                use_tls=parts.scheme == "smtps",
                timeout=SMTP_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError) as fault:
            log.warning("mail not sent: %s", type(fault).__name__)
            raise MailNotSent("the SMTP server did not take it") from fault
