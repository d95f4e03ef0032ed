"""The web app's files are sent small, as the browser can unpack them, and are the same files."""

from collections.abc import Iterator

import httpx
import pytest

from mirabelle.client.wiring import web_app
from tests.backend import Backend

PROGRAM = "/main.dart.wasm"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        Backend(tmp_path_factory.mktemp("web"), web_app=web_app) as running,
        httpx.Client(base_url=running.url, timeout=60) as client,
    ):
        yield client


def loaded(web: httpx.Client, file: str, packing: str = "identity", **headers: str) -> httpx.Response:
    return web.get(file, headers={"Accept-Encoding": packing, **headers})


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
@pytest.mark.parametrize("again", [False, True])
def test_a_program_is_sent_at_a_third_of_its_size_and_is_the_same(web: httpx.Client, packing: str, again: bool) -> None:
    whole, small = loaded(web, PROGRAM), loaded(web, PROGRAM, packing)
    assert (small.headers["content-encoding"], small.headers["vary"]) == (packing, "Accept-Encoding")
    assert int(small.headers["content-length"]) < len(whole.content) * 0.35
    assert small.content == whole.content and small.headers["content-type"] == whole.headers["content-type"]


@pytest.mark.parametrize("packing", ["gzip", "identity"])
def test_a_browser_that_has_the_file_is_not_sent_it_again(web: httpx.Client, packing: str) -> None:
    for had in (loaded(web, PROGRAM), loaded(web, PROGRAM, "gzip")):
        asked = {"If-None-Match": had.headers["etag"]}
        assert loaded(web, PROGRAM, packing, **asked).status_code == 304


def test_a_part_of_a_file_is_a_part_of_the_file(web: httpx.Client) -> None:
    part = loaded(web, PROGRAM, "gzip", Range="bytes=4-7")
    assert (part.status_code, part.content) == (206, loaded(web, PROGRAM).content[4:8])


@pytest.mark.parametrize("file", ["/favicon.png", "/version.json", "/nothing.js", "/wallet", "/"])
def test_what_is_small_already_or_no_file_is_sent_as_it_is(web: httpx.Client, file: str) -> None:
    asked, plain = loaded(web, file, "gzip"), loaded(web, file)
    assert "content-encoding" not in asked.headers
    assert (asked.status_code, asked.content) == (plain.status_code, plain.content)
