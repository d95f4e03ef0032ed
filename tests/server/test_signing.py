"""Where the private key is does not matter: in a file, or in another process that only signs."""

import time
from pathlib import Path

import pytest

from mirabelle.server.services.sealing import KeysUnusable
from tests.backend import Backend
from tests.eventually import eventually
from tests.server.commands import Shop
from tests.signer_process import ProcessSigner


def test_vouchers_are_signed_by_a_key_that_this_process_never_holds(tmp_path: Path, database_url: str) -> None:
    with ProcessSigner() as signer, Backend(tmp_path, database_url=database_url, issuer=signer) as server:
        amina, till = server.participant(), server.till()
        voucher = amina.redeem("croissant", 110).json()["voucher"]
        assert voucher["issued"][4:12] == signer.key_id.hex() and signer.signed > 0
        frame = amina.show(voucher, int(time.time()))
        assert till.post("/scans", {"frame": frame}).json()["verdict"] == "accepted"
        assert not (tmp_path / "secrets" / "issuer.key").exists()


def test_a_given_signer_whose_key_was_given_up_starts_no_server(shop: Shop) -> None:
    data = shop.folder / "data"
    with Backend(data):
        pass
    with ProcessSigner() as signer:
        with Backend(data, issuer=signer):
            pass
        assert shop.run("keys", "rotate", "--compromised", signer.key_id.hex(), *shop.store()).code == 0
        with pytest.raises(KeysUnusable, match=signer.key_id.hex()), Backend(data, issuer=signer):
            pass


def test_a_running_server_whose_given_key_was_given_up_says_so_and_issues_nothing_under_it(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    with ProcessSigner() as signer, Backend(shop.folder / "data", issuer=signer) as server:
        (shop.folder / "data" / "secrets" / "issuer.key").write_bytes(bytes(32))
        assert shop.run("keys", "rotate", *shop.store()).code == 0
        eventually(lambda: f"key {signer.key_id.hex()} was given up" in caplog.text)
        amina = server.participant()
        before = amina.available()
        assert amina.redeem("croissant", 110).status_code == 503 and amina.available() == before


def test_a_signer_that_is_gone_costs_no_points(tmp_path: Path) -> None:
    signer = ProcessSigner()
    with signer, Backend(tmp_path, issuer=signer) as server:
        amina = server.participant()
        before = amina.available()
        signer.__exit__()
        assert amina.redeem("croissant", 110).status_code >= 500
        assert amina.available() == before
