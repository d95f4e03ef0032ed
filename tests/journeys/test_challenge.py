"""A voucher that only its own phone can use, in real Chromium: the till sets a task, the app answers it, once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from mirabelle.client.device.decode import CannotRead, read_code
from mirabelle.client.wiring import web_app
from mirabelle.rules import challenge, ed25519, frame
from mirabelle.server.hosting import demo_programme
from tests.backend import Backend
from tests.journeys.conftest import Open
from tests.journeys.window import Window

REWARD, PRICE = "cheese-tasting", 280


@pytest.fixture(scope="module")
def wary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The demo, in which a reward of the till's own store asks for a challenge."""
    programme = demo_programme()
    rewards = [replace(reward, challenge=reward.id == REWARD) for reward in programme.rewards]
    folder = tmp_path_factory.mktemp("wary")
    with Backend(folder, programme=replace(programme, rewards=rewards), web_app=web_app) as running:
        yield running


def is_answer(text: str, task: challenge.Challenge) -> bool:
    """Whether a code is signed for this very task."""
    shown = frame.parse(text)
    if not isinstance(shown, frame.Frame) or shown.window is None or shown.holder_signature is None:
        return False
    message = frame.holder_message(shown.issued, shown.window, task.nonce, task.store)
    return ed25519.verify(shown.holder_key, message, shown.holder_signature)


def picture_of_answer(window: Window, task: challenge.Challenge, file: Path) -> Path:
    """A screenshot of the voucher once its code answers the task."""

    def is_drawn() -> bool:
        window.page.screenshot(path=file)
        try:
            return is_answer(read_code(file.read_bytes()), task)
        except CannotRead:
            return False

    window.until(is_drawn, "the answer on the screen")
    return file


def test_the_till_sets_a_task_and_the_vouchers_own_app_answers_it_once(
    wary: Backend, window: Open, tmp_path: Path
) -> None:
    amina = window(wary.url).tries_the_demo()
    sami = window(wary.url).tries_the_demo("staff")
    amina.redeems(REWARD, PRICE)
    amina.sees("vouchers.challenge_hint")

    sami.scans_picture(amina.picture_of_code(tmp_path / "voucher.png"))
    sami.sees("reasons.verdict_challenge_required_do")
    sami.sees("till.asked")
    task = sami.picture_of_code(tmp_path / "task.png")
    read = challenge.parse(read_code(task.read_bytes()))
    assert read is not None
    amina.scans_picture(task)
    amina.sees("vouchers.challenge_answered")
    answer = picture_of_answer(amina, read, tmp_path / "answer.png")

    sami.presses("till.scan_answer")
    sami.sees("till.title")
    sami.scans_picture(answer)
    sami.sees("till.accepted")
    sami.presses("till.next")
    sami.sees("till.title")
    sami.scans_picture(answer)
    sami.sees("till.asked")  # the answer was to a task that is over
    amina.reloads("vouchers.is_used")
