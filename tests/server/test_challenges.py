"""Where a reward asks for a challenge, no code that one could overhear, or read on a screenshot, stands in for it."""

import time
from pathlib import Path

from msgspec.structs import replace

from mirabelle.server.hosting import demo_programme
from tests.backend import Backend

REWARD, POINTS = "croissant", 110


def test_a_voucher_that_is_challenged_has_no_code_and_one_that_was_known_is_worth_nothing(tmp_path: Path) -> None:
    programme = demo_programme()
    wary = [replace(each, challenge=True, paper=False) if each.id == REWARD else each for each in programme.rewards]
    with Backend(tmp_path, programme=programme) as server:
        amina = server.participant()
        known = amina.redeem(REWARD, POINTS).json()["voucher"]["code"]
        assert known
    with Backend(tmp_path, programme=replace(programme, rewards=wary)) as server:
        basil, till = server.participant(), server.till()
        voucher = basil.redeem(REWARD, POINTS).json()["voucher"]
        assert voucher["code"] == ""
        assert till.post("/scans", {"code": known}).json()["verdict"] == "not_a_voucher"
        frame = basil.show(voucher, int(time.time()))
        assert till.post("/scans", {"frame": frame}).json()["verdict"] == "challenge_required"
