"""Answers that come slowly: one that goes on coming is waited for, and one that nobody can wait for is given up."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest

from mirabelle.client.api import ANSWER_SECONDS, PATIENCE, Api, LostAnswer, Patience
from mirabelle.contract import endpoints as e
from mirabelle.contract.greeting import GREETING

SOON = Patience(whole=0.05)


class Server:
    """Answers each request as `answer` says, and counts who went away."""

    def __init__(self, answer: Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]) -> None:
        self._answer, self.ended = answer, asyncio.Event()

    async def _talk(self, asked: asyncio.StreamReader, answering: asyncio.StreamWriter) -> None:
        answer = asyncio.ensure_future(self._answer(answering))
        with suppress(ConnectionError):  # who goes away with some of the answer unread, resets the connection
            while await asked.read(1000):
                pass
        answer.cancel()
        answering.close()
        self.ended.set()

    def asked_by(self, patience: Patience, told: list[bool]) -> AbstractAsyncContextManager[Api]:
        """An app, which is told whether it reached the server."""

        @asynccontextmanager
        async def asking() -> Any:
            async with await asyncio.start_server(self._talk, "127.0.0.1") as server:
                api = Api(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", told.append, patience)
                yield api
                await api.close()
                await self.ended.wait()

        return asking()


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"])
async def test_an_answer_that_never_ends_is_given_up_however_often_a_byte_of_it_comes(begun: bytes) -> None:
    async def answer(answering: asyncio.StreamWriter) -> None:
        answering.write(begun)

    told: list[bool] = []
    async with Server(answer).asked_by(SOON, told) as api:
        with pytest.raises(LostAnswer):
            await api.call(e.PROGRAMME)
    assert told == [False]


async def test_an_answer_that_goes_on_coming_is_waited_for_however_long_it_takes() -> None:
    body = msgspec.json.encode(
        {"name": "n" * 4000, "currency": "EUR", "time_zone": "UTC", "server_time": "2026-07-01T00:00:00Z"}
    )

    async def answer(answering: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        answering.write(head.encode())
        for at in range(0, len(body), 100):  # 41 times
            answering.write(body[at : at + 100])
            await asyncio.sleep(0.02)

    begun, told = asyncio.get_running_loop().time(), list[bool]()
    async with Server(answer).asked_by(Patience(whole=0.5, slowest=100.0), told) as api:
        greeting = await api.call(GREETING)
    assert asyncio.get_running_loop().time() - begun > 0.5  # that it may take of which no more comes
    assert getattr(greeting, "name", "") == "n" * 4000 and told == [True]


async def test_what_comes_without_an_end_is_given_up_at_last() -> None:
    async def answer(answering: asyncio.StreamWriter) -> None:
        answering.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999999\r\n\r\n")
        while True:
            answering.write(b" " * 100)
            await asyncio.sleep(0.01)

    told: list[bool] = []
    async with Server(answer).asked_by(Patience(whole=0.05, slowest=1.0, longest=0.2), told) as api:
        with pytest.raises(LostAnswer):
            await api.call(e.PROGRAMME)
    assert told == [False]


@pytest.mark.parametrize(("rate", "is_waited_for"), [(250, True), (1000, True), (3000, True), (200, False), (1, False)])
def test_a_page_of_the_catalog_comes_over_a_line_that_is_slow_and_not_over_one_that_drips(
    rate: int, is_waited_for: bool
) -> None:
    page = 190_000
    waits = all(second < PATIENCE.seconds(second * rate) for second in range(page // rate))
    assert waits is is_waited_for and PATIENCE.whole > ANSWER_SECONDS and PATIENCE.seconds(10**9) == PATIENCE.longest


async def test_who_hears_of_a_server_only_that_it_is_away_has_not_reached_it() -> None:
    async def answer(answering: asyncio.StreamWriter) -> None:
        answering.write(b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 3\r\n\r\n502")

    told: list[bool] = []
    async with Server(answer).asked_by(PATIENCE, told) as api:
        with pytest.raises(LostAnswer):
            await api.call(e.PROGRAMME)
    assert told == [False]
