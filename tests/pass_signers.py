"""What an operator gets from Apple and Google to sign passes with, made up: a chain of certificates, and an account."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from mirabelle.server.services.pass_keys import PassKeys, pass_keys_from

PASS_TYPE, TEAM, ISSUER = "pass.org.example.points", "ABCDE12345", "3388000000012345678"
ACCOUNT = "passes@example.iam.gserviceaccount.com"
_VALID = timedelta(days=365)


@dataclass(frozen=True)
class PassSigners:
    """The files in `folder` and the environment that names them; `root` is who phones trust in the end."""

    folder: Path
    key: rsa.RSAPrivateKey
    root: Path
    environment: dict[str, str]

    def keys(self, now: datetime | None = None) -> PassKeys:
        """As a server reads them."""
        return pass_keys_from(self.environment, now or datetime.now(UTC))


def pem(key: Any) -> bytes:
    """A private key as its file."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _signed(subject: x509.Name, key: Any, issuer: x509.Name, signer: Any, *, is_authority: bool) -> x509.Certificate:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(signer, SHA256())
    )


def _named(common_name: str, **more: str) -> x509.Name:
    names = [(NameOID.COMMON_NAME, common_name)] + [(getattr(NameOID, name), value) for name, value in more.items()]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in names])


def pass_signers(folder: Path) -> PassSigners:
    """A root, an intermediate and a pass type's certificate; and a service account with the same key."""
    key, root_key, middle_key = (
        rsa.generate_private_key(65537, 2048),
        *(ec.generate_private_key(ec.SECP256R1()) for _ in range(2)),
    )
    root_name, middle_name = _named("Root"), _named("Developer Relations")
    leaf_name = _named("Pass Type ID", USER_ID=PASS_TYPE, ORGANIZATIONAL_UNIT_NAME=TEAM)
    files = {
        "root.pem": _signed(root_name, root_key, root_name, root_key, is_authority=True).public_bytes(Encoding.PEM),
        "wwdr.cer": _signed(middle_name, middle_key, root_name, root_key, is_authority=True).public_bytes(Encoding.DER),
        "pass.pem": _signed(leaf_name, key, middle_name, middle_key, is_authority=False).public_bytes(Encoding.PEM),
        "pass.key": pem(key),
        "account.json": json.dumps({"client_email": ACCOUNT, "private_key": pem(key).decode()}).encode(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        # Above what it took out of a .p12, openssl says what that is.
        above = b"Bag Attributes\n    friendlyName: Pass\n" if name.startswith("pass.") else b""
        (folder / name).write_bytes(above + content)
    environment = {
        "MIRABELLE_APPLE_CERTIFICATE": str(folder / "pass.pem"),
        "MIRABELLE_APPLE_KEY": str(folder / "pass.key"),
        "MIRABELLE_APPLE_WWDR": str(folder / "wwdr.cer"),
        "MIRABELLE_GOOGLE_ACCOUNT": str(folder / "account.json"),
        "MIRABELLE_GOOGLE_ISSUER": ISSUER,
    }
    return PassSigners(folder, key, folder / "root.pem", environment)
