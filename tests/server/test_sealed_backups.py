"""A backup holds the keys as they were kept: those that were sealed stay so, and their master key is in no backup."""

from pathlib import Path

import pytest

from tests.backend import Backend
from tests.server.commands import Said, Shop

MASTER, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def secret(shop: Shop) -> bytes:
    """The issuer's private key of a server with something in it."""
    with Backend(shop.folder / "data") as server:
        server.participant()
    return (shop.folder / "data" / "secrets" / "issuer.key").read_bytes()


def back_up(shop: Shop, *, seal: bool) -> Path:
    if seal:
        assert shop.run("keys", "seal", *shop.store()).code == 0
    file = shop.folder / "the.backup"
    said = shop.run("backup", file, *shop.store())
    assert said.code == 0 and ("sign vouchers, sealed" in said.out) is seal, said
    return file


def restore(shop: Shop, file: Path, *words: object) -> Said:
    return shop.run("restore", file, "--data", shop.folder / "there", *words)


def restored_keys(shop: Shop) -> list[bytes]:
    return [file.read_bytes() for file in sorted((shop.folder / "there" / "secrets").iterdir())]


@pytest.mark.parametrize("seal", [False, True])
@pytest.mark.parametrize("master", ["", MASTER])
def test_keys_come_back_as_they_were_and_are_sealed_where_there_is_a_master_key(
    shop: Shop, secret: bytes, monkeypatch: pytest.MonkeyPatch, seal: bool, master: str
) -> None:
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", MASTER)
    file = back_up(shop, seal=seal)
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", master)
    assert restore(shop, file).code == 0
    assert (secret in restored_keys(shop)) is not (seal or bool(master))
    assert restore(shop, file, "--replace").code == 0
    with Backend(shop.folder / "there", master_key=MASTER) as server:
        server.participant().redeem("croissant", 110).json()
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", MASTER)
    ids = [shop.run("keys", "list", "--data", shop.folder / name).out.split()[1] for name in ("data", "there")]
    assert ids[0] == ids[1]


def test_a_sealed_backup_is_refused_under_another_master_key_and_nothing_changes(
    shop: Shop, secret: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", MASTER)
    file = back_up(shop, seal=True)
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", OTHER)
    said = restore(shop, file)
    assert (said.code, said.err.count("\n")) == (2, 1) and "sealed under another master key" in said.err
    assert not (shop.folder / "there" / "secrets").exists()


def test_keys_that_were_sealed_since_are_still_the_same_keys(
    shop: Shop, secret: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = back_up(shop, seal=False)
    monkeypatch.setenv("MIRABELLE_MASTER_KEY", MASTER)
    assert shop.run("keys", "seal", *shop.store()).code == 0
    (shop.folder / "data" / "mirabelle.sqlite").unlink()
    (shop.folder / "data").rename(shop.folder / "there")
    assert restore(shop, file).code == 0
    assert secret not in restored_keys(shop)
