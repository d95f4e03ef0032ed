"""The till: every way in leads to one verdict, in colour, shape and words, and nothing is judged twice by accident."""

import io
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import flet as ft
import pytest

from mirabelle.client.api import Refusal
from mirabelle.client.ui.till.state import Sight, presented, verdict_of
from mirabelle.client.ui.till.verdict import SHAPES
from mirabelle.client.ui.vouchers.qr import draw
from mirabelle.contract.translation import LANGUAGES, texts
from mirabelle.rules.voucher_code import VoucherCode
from tests.backend import Backend
from tests.client.ui.visiting import Visitor, visitor

NOW = datetime(2026, 11, 21, 9, 41, tzinfo=UTC)
DESKTOP = {"platform": "windows", "width": 1440, "height": 900}


async def voucher_of(someone: Visitor):
    return (await someone.redeem("croissant")).voucher


def shown_by(someone: Visitor, voucher) -> str:
    return someone.app.show_voucher.frame(voucher, someone.now())


def picture_of(text: str) -> bytes:
    from PIL import Image

    small = Image.open(io.BytesIO(draw(text)[0]))
    file = io.BytesIO()
    small.resize((small.width * 6,) * 2, Image.Resampling.NEAREST).save(file, "PNG")
    return file.getvalue()


async def enter(window, text: str) -> None:
    await window.type(window.one(ft.TextField, key="wedge"), text, submit=True)


async def verdict(window, outcome: str) -> list[str]:
    await window.until(lambda: window.all(key=f"verdict-{outcome}"))
    return window.texts()


async def test_a_scanned_voucher_is_accepted_once_and_then_refused_with_when_and_where(backend, tmp_path):
    async with (
        visitor(backend.url, tmp_path / "a") as someone,
        visitor(backend.url, tmp_path / "b", "staff") as staff,
        staff.window("/till", **DESKTOP) as window,
    ):
        voucher = await voucher_of(someone)
        await enter(window, shown_by(someone, voucher))
        assert {"ACCEPTED", "Butter croissant", "Hand over the reward."} <= set(await verdict(window, "accepted"))
        await enter(window, shown_by(someone, voucher))
        words = await verdict(window, "refused")
        assert {"REFUSED", "Already used"} <= set(words)
        assert any(line.startswith("First used on") and line.endswith("at this till") for line in words)
        assert [scan.verdict for scan in staff.app.scans.list()] == ["already_used", "accepted"]


async def test_a_code_is_taken_in_small_letters_and_without_dashes(backend, tmp_path):
    async with (
        visitor(backend.url, tmp_path / "a") as someone,
        visitor(backend.url, tmp_path / "b", "staff") as staff,
        staff.window("/till", **DESKTOP) as window,
    ):
        code = (await voucher_of(someone)).code
        await enter(window, code.replace("-", " ").lower())
        await verdict(window, "accepted")


async def test_a_picture_file_is_as_good_as_a_scan(backend, tmp_path):
    async with visitor(backend.url, tmp_path / "a") as someone, visitor(backend.url, tmp_path / "b", "staff") as staff:
        picture = picture_of(shown_by(someone, await voucher_of(someone)))
        chosen = [{"id": 1, "name": "voucher.png", "size": len(picture), "path": None, "bytes": picture}]
        async with staff.window("/till", answers={("FilePicker", "pick_files"): chosen}) as window:
            await window.tap(window.one(key="picture"))
            await verdict(window, "accepted")


async def test_a_picture_without_a_code_says_so_and_asks_nobody(backend, tmp_path):
    chosen = [{"id": 1, "name": "cat.png", "size": 3, "path": None, "bytes": b"cat"}]
    async with visitor(backend.url, tmp_path, "staff") as staff:
        async with staff.window("/till", answers={("FilePicker", "pick_files"): chosen}) as window:
            await window.tap(window.one(key="picture"))
            await window.until(lambda: "That file is not a picture" in window.texts())
        assert staff.app.scans.list() == []


async def test_the_camera_of_a_browser_reads_a_voucher_and_does_not_judge_it_again_while_it_lies_there(
    backend, tmp_path
):
    async with visitor(backend.url, tmp_path / "a") as someone, visitor(backend.url, tmp_path / "b", "staff") as staff:
        seen = picture_of(shown_by(someone, await voucher_of(someone)))
        answers = {
            ("Camera", "get_available_cameras"): [{"name": "back", "lens_direction": "back", "sensor_orientation": 0}],
            ("Camera", "supports_image_streaming"): False,
            ("Camera", "take_picture"): seen,
        }
        async with staff.window("/till", answers=answers, web=True, **DESKTOP) as window:
            await window.tap(window.one(key="use-camera"))
            await verdict(window, "accepted")
            taken = len(window.window.calls)
            await window.tap(window.one(key="next"))
            await window.until(
                lambda: len([call for call in window.window.calls[taken:] if call[1] == "take_picture"]) > 4
            )
            assert window.all(key="eye") and len(staff.app.scans.list()) == 1


async def test_a_camera_that_may_not_be_used_leaves_the_other_ways_open(backend, tmp_path):
    async with visitor(backend.url, tmp_path, "staff") as staff:
        answers = {("Camera", "get_available_cameras"): []}
        async with staff.window("/till", answers=answers, web=True, **DESKTOP) as window:
            await window.tap(window.one(key="use-camera"))
            await window.until(lambda: any(words.startswith("No camera found") for words in window.texts()))
            assert window.all(key="wedge") and window.all(key="picture")


async def test_a_desktop_offers_no_camera_and_a_phone_raises_no_keyboard(backend, tmp_path):
    async with visitor(backend.url, tmp_path, "staff") as staff:
        async with staff.window("/till", **DESKTOP) as window:
            assert not window.all(key="use-camera") and window.one(ft.TextField, key="wedge").autofocus
        async with staff.window("/till", platform="android") as window:
            assert window.all(key="use-camera") and not window.one(ft.TextField, key="wedge").autofocus


async def test_after_a_verdict_enter_alone_goes_on_to_the_next_scan(backend, tmp_path):
    async with visitor(backend.url, tmp_path, "staff") as staff, staff.window("/till", **DESKTOP) as window:
        await enter(window, "HELLO WORLD")
        assert "Not a voucher" in await verdict(window, "refused")
        assert window.one(ft.TextField, key="wedge").autofocus
        await enter(window, "")
        assert "Scan a voucher" in window.texts() and window.one(ft.TextField, key="wedge").value == ""


async def test_scan_after_scan_each_verdict_has_a_field_of_its_own_in_focus(backend, tmp_path):
    async with visitor(backend.url, tmp_path, "staff") as staff, staff.window("/till", **DESKTOP) as window:
        fields = []
        for text in ("FIRST", "SECOND", "THIRD"):
            known = len(staff.app.scans.list())
            await enter(window, text)
            await window.until(lambda known=known: len(staff.app.scans.list()) > known and window.top.bgcolor)
            await window.settle()
            fields.append(window.one(ft.TextField, key="wedge"))
        assert fields[-1].autofocus and not fields[-1].value
        assert len({field._i for field in fields}) == 3


async def test_a_verdict_is_felt_heard_and_spoken(backend, tmp_path):
    async with visitor(backend.url, tmp_path, "staff") as staff, staff.window("/till", platform="android") as window:
        await enter(window, "HELLO WORLD")
        await verdict(window, "refused")
        await window.until(lambda: len(window.window.calls) > 3)
        asked = {(kind, name): arguments for kind, name, arguments in window.window.calls}
        assert ("HapticFeedback", "vibrate") in asked and ("Audio", "play") in asked
        assert asked["SemanticsService", "announce_message"]["message"].startswith("REFUSED. Not a voucher.")


async def test_without_network_a_verdict_says_that_nothing_was_checked(tmp_path):
    async with AsyncExitStack() as stack:
        with Backend(tmp_path / "server") as backend:
            staff = await stack.enter_async_context(visitor(backend.url, tmp_path / "till", "staff"))
        window = await stack.enter_async_context(staff.window("/till", **DESKTOP))
        await enter(window, "7K4M-QX2P-9WZD")
        assert {"NOT CHECKED", "No network"} <= set(await verdict(window, "unchecked"))
        assert staff.app.scans.list() == []


async def test_wide_windows_have_the_history_at_the_side(backend, tmp_path):
    async with visitor(backend.url, tmp_path, "staff") as staff:
        async with staff.window("/till", **DESKTOP) as window:
            await enter(window, "HELLO WORLD")
            await verdict(window, "refused")
            await enter(window, "")
            assert window.all(key="history")
        async with staff.window("/till/scans") as window:
            assert window.all(key="history") and "Not a voucher" in window.texts()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_verdict_has_words_and_something_to_do(language):
    words = texts(language)
    for code in (*VoucherCode, "no_answer", "rate_limited", "session_ended", "fault"):
        assert words[f"reasons.verdict_{code}"] and words[f"reasons.verdict_{code}_do"], code


def test_verdicts_differ_in_shape_and_not_only_in_colour():
    assert len(set(SHAPES.values())) == len(SHAPES) == 3


@pytest.mark.parametrize(
    ("reason", "code"), [("rate_limited", "rate_limited"), ("session_ended", "session_ended"), ("busy", "fault")]
)
def test_a_server_that_does_not_answer_the_question_is_no_verdict_on_the_voucher(reason, code):
    found = verdict_of(Refusal(reason, 429, "", None), NOW)
    assert (found.outcome, found.code) == ("unchecked", code)


@pytest.mark.parametrize("entered", ["MV1:A B  C ", "MV1: A", " MV1:AB", "MV1:AB  "])
def test_spaces_of_a_scanned_frame_are_never_trimmed(entered):
    assert presented(entered) == ("frame", entered)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_scanners_newline_is_cut_and_nothing_else(ending):
    assert presented("MV1:A B " + ending) == ("frame", "MV1:A B ")


def test_a_voucher_taken_away_and_shown_again_is_judged_again():
    sight = Sight()
    sight.judged("HELLO", NOW)
    assert sight.is_still_there("HELLO", NOW + timedelta(seconds=2))
    assert sight.is_still_there("HELLO", NOW + timedelta(seconds=4))
    assert not sight.is_still_there("ANOTHER", NOW + timedelta(seconds=4))
    assert not sight.is_still_there("HELLO", NOW + timedelta(seconds=8))


def test_a_voucher_that_lay_before_the_camera_while_the_verdict_was_read_is_not_judged_again():
    sight = Sight()
    sight.judged("HELLO", NOW)
    sight.look_again(NOW + timedelta(seconds=60))
    assert sight.is_still_there("HELLO", NOW + timedelta(seconds=61))


@pytest.mark.parametrize("name", ["accepted", "refused"])
def test_the_sounds_of_the_verdicts_are_shipped(name):
    file = Path(__file__).parents[3] / "assets" / "sounds" / f"{name}.wav"
    assert file.read_bytes()[:4] == b"RIFF"
