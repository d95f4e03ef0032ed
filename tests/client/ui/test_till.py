"""The till: every way in leads to one verdict, in colour, shape and words, and nothing is judged twice by accident."""

import io
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flet as ft
import pytest

from mirabelle.client.api import Refusal
from mirabelle.client.ui.till.state import Sight, presented, verdict_of
from mirabelle.client.ui.till.verdict import SHAPES
from mirabelle.client.ui.vouchers.qr import draw
from mirabelle.client.use_cases.sign_in import ScansWait
from mirabelle.contract.translation import LANGUAGES, texts
from mirabelle.rules.trusted_time import ClockRefusal
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


async def test_where_letters_are_large_the_verdict_itself_is_seen_first_and_no_word_of_it_is_broken(backend, tmp_path):
    async with visitor(backend.url, tmp_path, "staff") as staff, staff.window("/till", width=360) as window:
        await enter(window, "MV1:")
        await verdict(window, "refused")
        assert window.one(ft.Text, key="verdict").size is None
        [letter] = window.all(ft.Text, root=window.one(key="ruler"))
        await window.fire(letter, "size_change", {"w": 26.0, "h": 40.0})  # as tall as at 200 %
        assert window.one(ft.Text, key="verdict").size * 2 * len("REFUSED") * 0.72 <= 320
        said = next(part for part in window.all(ft.Column) if part.scroll)
        assert window.all(key="verdict", root=said) and window.all(key="to-do", root=said)


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


async def gone(stack: AsyncExitStack, tmp_path: Path, language: str = "en") -> tuple[Visitor, Visitor, Any]:
    """A participant with a voucher and a till in sync, whose server is gone by now."""
    with Backend(tmp_path / "server") as backend:
        someone = await stack.enter_async_context(visitor(backend.url, tmp_path / "a"))
        staff = await stack.enter_async_context(visitor(backend.url, tmp_path / "till", "staff", language))
        return someone, staff, await voucher_of(someone)


async def test_without_network_a_typed_code_is_not_checked_and_staff_are_told_what_works(tmp_path):
    async with AsyncExitStack() as stack:
        _, staff, voucher = await gone(stack, tmp_path)
        window = await stack.enter_async_context(staff.window("/till", **DESKTOP))
        await enter(window, voucher.code)
        assert {"NOT CHECKED", "Typed codes need the network"} <= set(await verdict(window, "unchecked"))
        assert staff.app.scans.list() == []


async def test_without_network_a_voucher_is_accepted_and_the_screen_says_that_it_waits(tmp_path):
    async with AsyncExitStack() as stack:
        someone, staff, voucher = await gone(stack, tmp_path)
        window = await stack.enter_async_context(staff.window("/till", **DESKTOP))
        await enter(window, shown_by(someone, voucher))
        words = await verdict(window, "accepted")
        assert {"ACCEPTED", "Butter croissant", "Without network", "1 scan waits to be sent"} <= set(words)
        assert any(line.endswith("class\u00a0A:\u00a029\u00a0left · class\u00a0B:\u00a020\u00a0left") for line in words)
        await enter(window, "")
        assert "Without network · 1 scan waits to be sent" in window.texts()
        assert any("without network · waits to be sent" in line for line in window.texts())


async def test_a_scan_that_still_waits_is_undone_without_network_and_the_voucher_is_good_again(tmp_path):
    async with AsyncExitStack() as stack:
        someone, staff, voucher = await gone(stack, tmp_path)
        window = await stack.enter_async_context(staff.window("/till", **DESKTOP))
        await enter(window, shown_by(someone, voucher))
        await verdict(window, "accepted")
        await window.tap(window.one(key="undo"))
        await window.tap(window.one(key="take-back", root=window.dialog))
        await window.until(lambda: "Undone" in window.texts())
        assert not window.all(key="undo") and not window.dialog
        await enter(window, shown_by(someone, voucher))
        await window.until(lambda: len(staff.app.scans.list()) == 2)
        assert "ACCEPTED" in await verdict(window, "accepted")


async def test_a_wrong_clock_stops_the_till_and_says_why(tmp_path):
    async with AsyncExitStack() as stack:
        someone, staff, voucher = await gone(stack, tmp_path)
        staff.ahead = 600
        window = await stack.enter_async_context(staff.window("/till", **DESKTOP))
        stops = "Accepts nothing without network: this device's clock is off by more than a minute."
        assert stops in window.texts()
        await enter(window, shown_by(someone, voucher))
        assert {"NOT CHECKED", "This device's clock is wrong"} <= set(await verdict(window, "unchecked"))


async def test_a_till_whose_scans_wait_is_not_signed_out(tmp_path):
    async with AsyncExitStack() as stack:
        someone, staff, voucher = await gone(stack, tmp_path)
        window = await stack.enter_async_context(staff.window("/till", **DESKTOP))
        await enter(window, shown_by(someone, voucher))
        await verdict(window, "accepted")
        await window.go("/settings")
        await window.tap(window.one(key="sign-out"))
        words = window.texts(window.dialog)
        assert any(line.startswith("1 scan is only on this device") for line in words)
        assert not window.all(key="leave", root=window.dialog)
        with pytest.raises(ScansWait):
            await staff.app.sign_in.sign_out()
        assert staff.app.session is not None and staff.app.offline_scans.unsent()


async def test_the_day_report_counts_what_was_accepted_and_why_the_rest_was_not(tmp_path):
    saved = []
    answers = {("FilePicker", "save_file"): saved.append}
    async with AsyncExitStack() as stack:
        someone, staff, voucher = await gone(stack, tmp_path)
        window = await stack.enter_async_context(staff.window("/till", answers=answers, **DESKTOP))
        for text in (shown_by(someone, voucher), shown_by(someone, voucher), "HELLO"):
            known = len(staff.app.scans.list())
            await enter(window, text)
            await window.until(lambda known=known: len(staff.app.scans.list()) > known)
            await window.until(lambda: window.top.bgcolor)
        await window.go("/till/report")
        words = window.texts(window.one(key="numbers"))
        assert words[:6] == ["Accepted", "1", "Worth", "€2.20", "Of these without network", "1"]
        assert words[6:] == ["Refused", "2", "Already used", "1", "Not a voucher", "1"]
        await window.tap(window.one(key="csv"))
        await window.tap(window.one(key="pdf"))
        await window.until(lambda: len(saved) == 2)
        table = saved[0]["src_bytes"].decode("utf-8-sig").splitlines()
        assert len(table) == 4 and "Butter croissant,accepted,2.20,EUR,without network" in table[1]
        assert saved[1]["src_bytes"].startswith(b"%PDF-") and saved[1]["file_name"].endswith(".pdf")
        await window.tap(window.one(key="day-before"))
        assert "No scans on this day" in window.texts()


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
    for code in (
        *VoucherCode,
        *ClockRefusal,
        "code_needs_network",
        "no_answer",
        "rate_limited",
        "session_ended",
        "fault",
    ):
        assert words[f"reasons.verdict_{code}"] and words[f"reasons.verdict_{code}_do"], code


def test_verdicts_differ_in_shape_and_not_only_in_colour():
    assert len(set(SHAPES.values())) == len(SHAPES) == 4


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
