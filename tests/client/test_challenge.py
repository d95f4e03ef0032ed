"""Answering a till's challenge: made on the device with no network, good for that till, that task and that moment."""

from datetime import timedelta
from pathlib import Path

import pytest

from mirabelle.client.app import App
from mirabelle.contract.messages import Details, Voucher
from mirabelle.rules import frame
from mirabelle.rules.challenge import GOOD_SECONDS, Challenge, text_of
from mirabelle.rules.voucher import CheckContext, check
from mirabelle.rules.voucher_code import VoucherCode
from mirabelle.server.services.secrets_file import open_issuer
from tests.backend import Backend
from tests.client.devices import Device, confirm, redeemed, signed_in, voucher_of
from tests.wire import Wire

NONCE = bytes(range(8))


async def with_voucher(app: App, reward: str = "pottery-evening") -> Voucher:
    await signed_in(app)
    app.redeem.save_draft(reward, Details(date="2030-01-05"))
    return voucher_of(redeemed(await confirm(app, reward)))


def scope_of(voucher: Voucher) -> int:
    return frame.read_issued(bytes.fromhex(voucher.issued)).scope


def verdict(backend: Backend, text: str, now: float, nonce: bytes | None, store: int) -> VoucherCode:
    """What a till of `store` without network says, with `nonce` on its screen."""
    issuer = open_issuer(backend.data / "secrets")
    keys = {issuer.key_id: issuer.public_key}
    caps = dict.fromkeys(range(1, 4), 1)
    context = CheckContext(keys, 2**32, int(now), store, False, nonce=nonce, caps_left=caps)
    return check(text, context).code


async def test_only_the_answer_to_this_tills_own_challenge_is_accepted(
    backend: Backend, wire: Wire, tmp_path: Path
) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        voucher = await with_voucher(app)
        wire.cut()
        now, store = app.now(), scope_of(voucher)
        plain = app.show_voucher.frame(voucher, now)
        assert app.show_voucher.takes_challenge(voucher)
        assert verdict(backend, plain, now.timestamp(), None, store) == VoucherCode.CHALLENGE_REQUIRED
        challenge = app.show_voucher.read_challenge(
            voucher, text_of(Challenge(NONCE, store, int(now.timestamp()))), now
        )
        assert isinstance(challenge, Challenge)
        answer = app.show_voucher.frame(voucher, now, challenge)
        assert verdict(backend, answer, now.timestamp(), NONCE, store) == VoucherCode.ACCEPTED
        assert verdict(backend, answer, now.timestamp(), bytes(8), store) == VoucherCode.BAD_HOLDER_SIGNATURE
        assert verdict(backend, plain, now.timestamp(), NONCE, store) == VoucherCode.BAD_HOLDER_SIGNATURE


@pytest.mark.parametrize(
    ("late", "other_store", "why"),
    [(0, 0, ""), (GOOD_SECONDS + 1, 0, "too_old"), (-GOOD_SECONDS - 1, 0, "too_old"), (0, 1, "other_store")],
)
async def test_a_challenge_that_is_old_or_of_another_store_is_not_answered(
    backend: Backend, tmp_path: Path, late: int, other_store: int, why: str
) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        voucher = await with_voucher(app)
        now = app.now()
        text = text_of(Challenge(NONCE, scope_of(voucher) + other_store, int(now.timestamp())))
        read = app.show_voucher.read_challenge(voucher, text, now + timedelta(seconds=late))
        assert read == why if why else isinstance(read, Challenge)
        assert app.show_voucher.read_challenge(voucher, text + " ", now) == "not_a_challenge"


async def test_a_reward_without_challenge_asks_for_none(backend: Backend, tmp_path: Path) -> None:
    async with Device(tmp_path).on(backend.url) as app:
        assert not app.show_voucher.takes_challenge(await with_voucher(app, "croissant"))
