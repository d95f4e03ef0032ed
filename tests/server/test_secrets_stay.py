"""No private key and no master key is ever told: by no command, log or error, nor by what a part says of itself."""

import base64
import logging
import secrets
import traceback
from pathlib import Path

import pytest

from mirabelle.server.services.sealing import KeysUnusable, MasterKey, master_key_from
from mirabelle.server.services.secrets_file import SECRETS, open_issuer, open_secrets, put_secrets
from tests.backend import Backend
from tests.server.commands import Shop


def spellings(secret: bytes) -> set[str]:
    """How a secret could be written."""
    plain, safe = base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode()
    return {secret.hex(), plain.rstrip("="), safe.rstrip("="), repr(secret)[2:-1], str(list(secret))[1:-1]}


def test_whatever_goes_right_or_wrong_no_key_is_told(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = {name: secrets.token_bytes(32) for name in SECRETS}
    master, other = secrets.token_bytes(32), secrets.token_bytes(32)
    data = shop.folder / "data"
    put_secrets(data / "secrets", canaries)
    told = []

    def run(*words: object) -> None:
        said = shop.run(*words)
        told.extend([said.out, said.err])

    monkeypatch.setenv("MIRABELLE_MASTER_KEY", master.hex())
    for sealed in (False, True):
        if sealed:
            run("keys", "seal", *shop.store())
        with Backend(data, master_key=master.hex()) as server:
            amina, till = server.participant(), server.till()
            answers = [
                amina.redeem("croissant", 110),
                till.get("/till/trust"),
                till.post("/scans", {"frame": "MV1:"}),
                amina.get("/redemptions"),
            ]
            told.extend(answer.text for answer in answers)
        run("keys", "list", *shop.store())
        run("backup", tmp_path / f"{sealed}.backup", *shop.store())
        run("restore", tmp_path / f"{sealed}.backup", "--data", tmp_path / f"there-{sealed}")
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", other.hex())
    for words in (("keys", "list"), ("keys", "rotate"), ("serve", "--port", 0)):
        run(*words, *shop.store())
    run("restore", tmp_path / "True.backup", "--data", tmp_path / "nowhere")
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", master.hex() + "0")
    run("keys", "list", *shop.store())
    told.extend(of_themselves(data / "secrets", master, other))
    everything = "\n".join([*told, caplog.text])
    for secret in (*canaries.values(), master, other):
        assert [spelling for spelling in spellings(secret) if spelling in everything] == []


def of_themselves(directory: Path, master: bytes, other: bytes) -> list[str]:
    """What the parts that hold keys say of themselves, and of what is wrong with them."""
    key = MasterKey(master)
    said = [repr(key), repr(open_secrets(directory, key)), repr(open_issuer(directory, key))]
    try:
        open_issuer(directory, MasterKey(other))
    except KeysUnusable:
        said.append(traceback.format_exc())
    try:
        master_key_from(None, {"MIRABELLE_MASTER_KEY": master.hex()[1:]})
    except KeysUnusable:
        said.append(traceback.format_exc())
    assert len(said) == 5
    return said


def test_the_sealed_file_of_the_same_key_never_looks_the_same_twice(tmp_path: Path) -> None:
    master, secret = MasterKey(bytes(32)), bytes(range(32))
    seals = {master.seal("issuer.key", secret) for _ in range(20)}
    assert len(seals) == 20
    assert {master.open("issuer.key", seal) for seal in seals} == {secret}
