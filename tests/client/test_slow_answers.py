"""Answers that come so slowly that nobody can wait for them."""

import asyncio

import pytest

from mirabelle.client import api as api_module
from mirabelle.client.api import ANSWER_SECONDS, WHOLE_ANSWER_SECONDS, Api, LostAnswer
from mirabelle.contract import endpoints as e


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"])
async def test_an_answer_that_never_ends_is_given_up_however_often_a_byte_of_it_comes(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(asked: asyncio.StreamReader, answering: asyncio.StreamWriter) -> None:
        answering.write(begun)
        while await asked.read(1000):
            pass
        answering.close()
        await answering.wait_closed()
        ended.set()

    ended = asyncio.Event()
    assert WHOLE_ANSWER_SECONDS > ANSWER_SECONDS
    monkeypatch.setattr(api_module, "WHOLE_ANSWER_SECONDS", 0.05)
    told: list[bool] = []
    async with await asyncio.start_server(answer, "127.0.0.1") as server:
        api = Api(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", told.append)
        with pytest.raises(LostAnswer):
            await api.call(e.PROGRAMME)
        await api.close()
        await ended.wait()
    assert told == [False]
