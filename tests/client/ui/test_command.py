"""A button's command runs once at a time and knows how it went."""

import asyncio

from mirabelle.client.api import LostAnswer, Refusal
from mirabelle.client.ui.shared.command import Command

REFUSED = Refusal("out_of_stock", 409, "", None)


async def test_a_second_tap_while_the_first_is_under_way_does_nothing():
    runs, gate = [], asyncio.Event()

    async def slow() -> str:
        runs.append(1)
        await gate.wait()
        return "done"

    command = Command(slow)
    first = asyncio.ensure_future(command())
    await asyncio.sleep(0)
    assert command.running
    assert await command() is None
    gate.set()
    assert await first == "done"
    assert len(runs) == 1 and not command.running and command.done == "done"


async def test_a_refusal_is_a_failure_with_its_reason():
    async def refused() -> Refusal:
        return REFUSED

    command = Command(refused)
    assert await command() is None
    assert command.failed is REFUSED and command.done is None


async def test_a_lost_answer_is_kept_as_what_it_is_and_the_next_run_starts_clean():
    answers = [LostAnswer(), "found"]

    async def flaky() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    command = Command(flaky)
    await command()
    assert isinstance(command.failed, LostAnswer) and not command.running
    assert await command() == "found"
    assert command.failed is None


async def test_an_unforeseen_fault_ends_the_run_and_leaves_the_button_usable():
    async def broken() -> None:
        raise ZeroDivisionError

    command = Command(broken)
    await command()
    assert isinstance(command.failed, ZeroDivisionError) and not command.running


async def test_whoever_watches_sees_the_command_start_and_end():
    seen = []

    async def quick() -> int:
        return 1

    command = Command(quick)

    def watch(_command: Command, field: str | None) -> None:
        seen.append((field, command.running))

    command.subscribe(watch)
    await command()
    assert ("running", True) in seen and ("running", False) in seen
