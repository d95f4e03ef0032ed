"""A till's challenge on the voucher's page: its code comes in as a picture, and the shown code becomes the answer."""

import io

import flet as ft

from mirabelle.client.device.decode import read_code
from mirabelle.client.device.qr import code_of
from mirabelle.rules import frame
from mirabelle.rules.challenge import Challenge, text_of
from tests.client.ui.test_vouchers import enlarged
from tests.client.ui.visiting import visitor


def picture_of(text: str) -> bytes:
    file = io.BytesIO()
    code_of(text, "Q").make_image().save(file, "PNG")
    return enlarged(file.getvalue())


async def test_the_scanned_challenge_turns_the_code_into_its_answer_until_it_is_over(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("pottery-evening", date="2030-01-05")).voucher
        store = frame.read_issued(bytes.fromhex(voucher.issued)).scope
        pictures = {}
        answers = {("FilePicker", "pick_files"): lambda _arguments: [{"id": 1, "name": "a", "size": 1, **pictures}]}
        async with someone.window(f"/vouchers/{voucher.id}", answers=answers) as window:
            assert not window.all(key="typed")  # whoever heard it could use the voucher
            before = read_code(enlarged(window.one(ft.Image, key="code").src))
            pictures["bytes"] = picture_of("MC1:NOTHING")
            await window.tap(window.one(key="challenge-picture"))
            await window.until(lambda: "That is not a till's code" in window.texts())
            challenge = Challenge(bytes(8), store, int(someone.now().timestamp()))
            pictures["bytes"] = picture_of(text_of(challenge))
            await window.tap(window.one(key="challenge-picture"))
            await window.until(lambda: window.all(key="challenge-answered"))
            shown = read_code(enlarged(window.one(ft.Image, key="code").src))
            assert shown == someone.app.show_voucher.frame(voucher, someone.now(), challenge) != before
            someone.ahead = 300
            await window.until(lambda: window.all(key="challenge-hint"))


async def test_a_voucher_without_challenge_has_no_such_part(backend, tmp_path):
    async with visitor(backend.url, tmp_path) as someone:
        voucher = (await someone.redeem("croissant")).voucher
        async with someone.window(f"/vouchers/{voucher.id}") as window:
            assert not window.all(key="challenge-hint") and not window.all(key="challenge-picture")
