"""What signs passes for the wallet apps of phones: the operator's own certificate and account, in files named in the
environment. Without them no pass is offered."""

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from mirabelle.contract.messages import PassKind

log = logging.getLogger(__name__)

APPLE_CERTIFICATE: Final = "MIRABELLE_APPLE_CERTIFICATE"
APPLE_KEY: Final = "MIRABELLE_APPLE_KEY"
APPLE_WWDR: Final = "MIRABELLE_APPLE_WWDR"
GOOGLE_ACCOUNT: Final = "MIRABELLE_GOOGLE_ACCOUNT"
GOOGLE_ISSUER: Final = "MIRABELLE_GOOGLE_ISSUER"


class PassesUnusable(Exception):
    """A setting of the passes cannot be used; the message names it in one line, and holds nothing of a key."""


@dataclass(frozen=True, slots=True)
class AppleKey:
    """A pass type's certificate with its key, and the certificate of Apple's that vouches for it."""

    certificate: x509.Certificate
    intermediate: x509.Certificate
    pass_type: str
    team: str
    key: RSAPrivateKey = field(repr=False)

    def is_good(self, now: datetime) -> bool:
        """Whether phones honour what it signs now."""
        return self.certificate.not_valid_before_utc <= now < self.certificate.not_valid_after_utc


@dataclass(frozen=True, slots=True)
class GoogleKey:
    """A service account that may issue passes as `issuer`."""

    account: str
    issuer: str
    key: RSAPrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class PassKeys:
    """The keys of the wallet apps that the operator has set up."""

    apple: AppleKey | None = None
    google: GoogleKey | None = None

    def offered(self, now: datetime) -> list[PassKind]:
        """The wallet apps for which passes can be made now."""
        apple: list[PassKind] = ["apple"] if self.apple and self.apple.is_good(now) else []
        google: list[PassKind] = ["google"] if self.google else []
        return [*apple, *google]


def pass_keys_from(environment: Mapping[str, str], now: datetime) -> PassKeys:
    """The keys in the files that the environment names; raises PassesUnusable."""
    apple = _together(environment, APPLE_CERTIFICATE, APPLE_KEY, APPLE_WWDR)
    google = _together(environment, GOOGLE_ACCOUNT, GOOGLE_ISSUER)
    keys = PassKeys(_apple(*apple) if apple else None, _google(*google) if google else None)
    if keys.apple is not None and not keys.apple.is_good(now):
        log.warning("%s: not valid now, so no pass for Apple's wallet is offered", APPLE_CERTIFICATE)
    return keys


def _together(environment: Mapping[str, str], *names: str) -> list[str] | None:
    values = [environment.get(name, "") for name in names]
    if not any(values):
        return None
    for name, value in zip(names, values, strict=True):
        if not value:
            raise PassesUnusable(f"{name} is missing: it belongs to {' and '.join(set(names) - {name})}")
    return values


def _content(setting: str, file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as fault:
        raise PassesUnusable(f"{setting}: {file}: {fault.strerror or fault}") from fault


def _certificate(setting: str, file: str) -> x509.Certificate:
    content = _content(setting, file)
    try:
        is_pem = b"-----BEGIN" in content  # perhaps below what openssl writes about it
        return (x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate)(content)
    except ValueError:
        raise PassesUnusable(f"{setting}: {file}: not a certificate, in PEM or DER") from None


def _key(setting: str, file: str, content: bytes) -> RSAPrivateKey:
    # No fault of the library is told on: it may quote what it read.
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError:
        raise PassesUnusable(f"{setting}: {file}: is under a password: take that off") from None
    except (ValueError, UnsupportedAlgorithm):
        raise PassesUnusable(f"{setting}: {file}: not a private key in PEM") from None
    if not isinstance(key, RSAPrivateKey):
        raise PassesUnusable(f"{setting}: {file}: not an RSA key")
    return key


def _apple(certificate_file: str, key_file: str, wwdr_file: str) -> AppleKey:
    certificate = _certificate(APPLE_CERTIFICATE, certificate_file)
    intermediate = _certificate(APPLE_WWDR, wwdr_file)
    key = _key(APPLE_KEY, key_file, _content(APPLE_KEY, key_file))
    if certificate.public_key() != key.public_key():
        raise PassesUnusable(f"{APPLE_KEY}: {key_file}: not the key of {APPLE_CERTIFICATE}")
    try:
        certificate.verify_directly_issued_by(intermediate)
    except (ValueError, TypeError, InvalidSignature):
        raise PassesUnusable(f"{APPLE_WWDR}: {wwdr_file}: did not issue {APPLE_CERTIFICATE}") from None
    # Apple writes both names into the certificate, so that nobody need copy them.
    pass_type, team = (
        _subject(certificate, NameOID.USER_ID), _subject(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME)
    )  # fmt: skip
    if not pass_type.startswith("pass.") or not team:
        raise PassesUnusable(f"{APPLE_CERTIFICATE}: {certificate_file}: not the certificate of a pass type")
    return AppleKey(certificate, intermediate, pass_type, team, key)


def _subject(certificate: x509.Certificate, name: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(name)
    return str(found[0].value) if found else ""


def _google(account_file: str, issuer: str) -> GoogleKey:
    if not issuer.isascii() or not issuer.isdecimal():
        raise PassesUnusable(f"{GOOGLE_ISSUER}: not the number of an issuer")
    account: Any = None
    with suppress(ValueError):  # told below, without what was read
        account = json.loads(_content(GOOGLE_ACCOUNT, account_file))
    if not isinstance(account, dict) or not {"client_email", "private_key"} <= account.keys():
        raise PassesUnusable(f"{GOOGLE_ACCOUNT}: {account_file}: not the JSON key of a service account")
    key = _key(GOOGLE_ACCOUNT, account_file, str(account["private_key"]).encode())
    return GoogleKey(str(account["client_email"]), issuer, key)
