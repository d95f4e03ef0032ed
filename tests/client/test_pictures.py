"""Pictures on the device: only genuine ones are shown or kept, a few are fetched at a time, and the cap holds."""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mirabelle.client.api import Api
from mirabelle.client.app import App
from mirabelle.client.device.pictures import PictureFiles
from mirabelle.client.repositories.catalog import CatalogQuery
from mirabelle.client.repositories.pictures import Pictures
from mirabelle.client.store.database import Store
from mirabelle.contract import limits
from mirabelle.contract.pictures import PROOF_BYTES, PROOF_HEADER, WIDTHS, name_of, path_of, prove
from tests.client.devices import Device
from tests.wire import Wire

WIDTH = WIDTHS[0]
SIZE = 1000


def made(number: int, size: int = SIZE) -> tuple[str, bytes, bytes]:
    """A picture's name, its proof, and its smallest file; on the disk that is `size` bytes."""
    content = bytes([number]) * (size - PROOF_BYTES)
    proof = prove((content, b"medium", b"large"))
    return name_of(proof), proof, content


class Clock:
    """Seconds, as a test moves them."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


async def until(true: Callable[[], object]) -> None:
    """Return once `true` is, which other tasks of this loop see to."""
    for _ in range(3000):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


def kept(folder: Path) -> int:
    return len(list(folder.iterdir()))


def on_disk(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def test_what_was_seen_least_recently_goes_first_and_the_cap_holds(tmp_path: Path) -> None:
    files = PictureFiles(tmp_path, 3 * SIZE, clock := Clock())
    one, two, three, four = (made(number) for number in range(4))
    for picture in (one, two, three):
        files.put(picture[0], WIDTH, *picture[1:])
    assert files.read(one[0], WIDTH) == one[2]
    files.put(four[0], WIDTH, *four[1:])
    assert [files.read(name, WIDTH) is not None for name, *_ in (one, two, three, four)] == [True, False, True, True]
    assert on_disk(tmp_path) <= 3 * SIZE

    clock.now += 7200
    assert files.read(three[0], WIDTH)  # which the disk remembers as well
    again = PictureFiles(tmp_path, 3 * SIZE, clock)
    again.put(two[0], WIDTH, *two[1:])
    assert again.read(three[0], WIDTH) and on_disk(tmp_path) <= 3 * SIZE


def test_a_picture_larger_than_the_cap_is_not_kept_and_pushes_nothing_out(tmp_path: Path) -> None:
    files, small = PictureFiles(tmp_path, 3 * SIZE, Clock()), made(1)
    files.put(small[0], WIDTH, *small[1:])
    name, proof, content = made(2, 4 * SIZE)
    files.put(name, WIDTH, proof, content)
    assert files.read(name, WIDTH) is None and files.read(small[0], WIDTH)


def test_the_cap_holds_for_windows_that_share_the_folder(tmp_path: Path) -> None:
    windows = [PictureFiles(tmp_path, 4 * SIZE, Clock()) for _ in range(2)]
    for number in range(12):
        name, proof, content = made(number)
        windows[number % 2].put(name, WIDTH, proof, content)
        assert on_disk(tmp_path) <= 4 * SIZE


@pytest.mark.parametrize("written", [0, 1, PROOF_BYTES, SIZE - 1])
def test_a_crash_in_the_middle_of_writing_leaves_nothing_broken_and_the_cap_holds(tmp_path: Path, written: int) -> None:
    clock, (name, proof, content) = Clock(), made(1)
    unfinished = tmp_path / f"{name}-{WIDTH}.picture.123-456.part"
    cut_short = tmp_path / f"{name}-{WIDTH}.picture"  # as a power cut leaves what was not on the disk yet
    for file in (unfinished, cut_short):
        file.write_bytes((proof + content)[:written])
        os.utime(file, (clock.now, clock.now))
    files = PictureFiles(tmp_path, 3 * SIZE, clock)
    assert files.read(name, WIDTH) is None and not cut_short.exists()
    for number in range(2, 8):
        files.put(made(number)[0], WIDTH, *made(number)[1:])
        assert on_disk(tmp_path) <= 3 * SIZE
    clock.now += 3600
    after = PictureFiles(tmp_path, 3 * SIZE, clock)
    after.put(name, WIDTH, proof, content)
    assert after.read(name, WIDTH) == content and not unfinished.exists() and on_disk(tmp_path) <= 3 * SIZE


def test_a_picture_that_the_disk_spoiled_is_dropped_and_never_shown(tmp_path: Path) -> None:
    files, (name, proof, content) = PictureFiles(tmp_path, 3 * SIZE), made(1)
    files.put(name, WIDTH, proof, content)
    [file] = tmp_path.iterdir()
    for at in (0, PROOF_BYTES - 1, PROOF_BYTES, SIZE - 1):
        spoiled = bytearray(proof + content)
        spoiled[at] ^= 1
        file.write_bytes(spoiled)
        assert files.read(name, WIDTH) is None and not file.exists()
    files.put(name, WIDTH, proof, content)
    file.rename(file.with_name(file.name.replace(name, "0" * 32)))
    assert files.read("0" * 32, WIDTH) is None


def test_a_disk_that_takes_nothing_keeps_no_picture_from_being_shown(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    files, (name, proof, content) = PictureFiles(tmp_path / "file" / "pictures"), made(1)
    files.put(name, WIDTH, proof, content)
    assert files.read(name, WIDTH) is None


async def names(app: App) -> list[str]:
    """The pictures of the demo's rewards, once the catalog is here."""
    await app.catalog.refresh()
    return [reward.picture for reward in app.catalog.search(CatalogQuery()) if reward.picture]


def asked(app: App, name: str) -> list[bytes]:
    """What comes of a picture that was asked for."""
    come: list[bytes] = []
    app.pictures.ask(name, WIDTH, come.append, first=False)
    return come


async def test_a_picture_comes_once_through_the_wire_and_then_from_the_disk_also_offline(
    wire: Wire, tmp_path: Path
) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        name, other, *_ = await names(app)
        come = asked(app, name)
        await until(lambda: come)
        assert wire.requests[f"GET /api/v1{path_of(name, WIDTH)}"] == 1
    wire.cut()
    async with device.on(wire.url) as app:
        again = asked(app, name)
        never = asked(app, other)
        await until(lambda: again)
        assert again == come and never == []


async def test_what_could_not_be_had_offline_comes_when_the_network_is_back(wire: Wire, tmp_path: Path) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        some = (await names(app))[:10]
        wire.cut()
        come = [asked(app, name) for name in some]
        await until(lambda: app.connection == "offline")
        wire.mend()
        await app.catalog.refresh()
        await until(lambda: all(come))


class Impostor(ThreadingHTTPServer):
    """A server whose picture is what a test says, and that answers when it says so."""

    def __init__(self, proof: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.proof, self.content, self.status = proof, b"", 200
        self.lock, self.may_answer = threading.Lock(), threading.Event()
        self.asked, self.now, self.most = 0, 0, 0
        self.may_answer.set()


class _Answer(BaseHTTPRequestHandler):
    server: Impostor

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.asked += 1
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        self.server.may_answer.wait(10)
        with self.server.lock:
            self.server.now -= 1
        with contextlib.suppress(OSError):  # who asked may be gone
            self.send_response(self.server.status)
            self.send_header(PROOF_HEADER, self.server.proof.hex())
            self.send_header("Content-Length", str(len(self.server.content)))
            self.end_headers()
            self.wfile.write(self.server.content)

    def log_message(self, *_words: object) -> None:
        """Nobody need hear of it."""


@asynccontextmanager
async def served_by(server: Impostor, folder: Path) -> AsyncIterator[Pictures]:
    """A device's pictures that come from `server`; what could not be had is soon asked for again."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    store = Store()
    api = Api(f"http://127.0.0.1:{server.server_port}", lambda _reached: None)
    pictures = Pictures(api, store, PictureFiles(folder), lambda: False, rest_seconds=0.02)
    yield pictures
    await pictures.stop()
    await api.close()
    store.close()
    server.may_answer.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "lie", ["another picture", "another proof", "no proof", "nothing", "a sign-in page", "a refusal"]
)
async def test_what_is_not_the_picture_is_neither_shown_nor_kept_and_asked_for_again_later(
    tmp_path: Path, lie: str
) -> None:
    name, proof, content = made(1)
    _, other_proof, other = made(2)
    server = Impostor(proof)
    server.status = 404 if lie == "a refusal" else 200
    server.proof = {"another proof": other_proof, "no proof": b"", "a sign-in page": b""}.get(lie, proof)
    server.content = {"another proof": other, "another picture": other, "nothing": b""}.get(lie, b"<html>")
    come: list[bytes] = []
    async with served_by(server, tmp_path) as pictures:
        pictures.ask(name, WIDTH, come.append, first=False)
        await until(lambda: server.asked >= 3)
        assert not come and not kept(tmp_path)
        server.proof, server.content, server.status = proof, content, 200
        await until(lambda: come)
        assert come == [content] and kept(tmp_path) == 1


async def test_a_few_are_fetched_at_once_what_is_looked_at_first_and_what_is_gone_not_at_all(tmp_path: Path) -> None:
    name, proof, content = made(1)
    server = Impostor(proof)
    server.content = content
    server.may_answer.clear()
    come: list[bytes] = []
    async with served_by(server, tmp_path) as pictures:
        leaving = [pictures.ask(f"{number:032x}", WIDTH, come.append, first=False) for number in range(200)]
        await until(lambda: server.now == limits.PICTURES_AT_ONCE)
        pictures.ask(name, WIDTH, come.append, first=True)
        for leave in leaving[limits.PICTURES_AT_ONCE :]:
            leave()
        server.may_answer.set()
        await until(lambda: come)
        assert come == [content]
        assert server.most == limits.PICTURES_AT_ONCE
        assert server.asked <= 3 * limits.PICTURES_AT_ONCE  # those that were on their way rest, and are asked for again
