"""Rewards' pictures: made from an operator's files, served from the database by their content, and nothing else."""

import asyncio
import io
import sqlite3
import struct
import subprocess
import sys
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select, update

from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract.pictures import PROOF_HEADER, WIDTHS, hash_in, is_genuine, is_name, read_placeholder
from mirabelle.server.hosting import open_store
from mirabelle.server.services.events import EventBook, OfferedReward
from mirabelle.server.services.picture_making import PictureUnusable, make_picture, picture_file
from mirabelle.server.services.pictures import forget_unused, served_picture, with_pictures
from mirabelle.server.services.programme import loaded_programme, world_of
from mirabelle.server.services.programme_file import ProgrammeUnusable, read_programme
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.database import Database
from mirabelle.server.storage.pictures import picture_files, pictures
from tests.backend import Backend
from tests.pictures import cut_out, photograph, programme_with, reward
from tests.server.commands import PROGRAMME, Shop

NOW = datetime(2026, 7, 1, tzinfo=UTC)
SECRET = b"GPS 36.75N 3.06E"


def with_place(size: tuple[int, int] = (900, 600), kind: str = "JPEG") -> bytes:
    """A photograph that lies on its side and tells where it was taken."""
    notes = Image.Exif()
    notes[0x0112], notes[0x010E] = 6, SECRET.decode()
    return photograph(size, kind, exif=notes.tobytes())


def opened(file: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(file))
    picture.load()
    return picture


def test_a_photograph_is_made_smaller_upright_and_tells_nothing_of_where_it_was_taken() -> None:
    raw = with_place()
    assert SECRET in raw
    made = make_picture(raw)
    assert [opened(file).size for file in made.files] == [(171, 256), (341, 512), (600, 900)]
    for file in made.files:
        assert SECRET not in file and b"EXIF" not in file and b"ICCP" not in file
        assert opened(file).format == "WEBP" and len(file) <= limits.PICTURE_BYTES
    hint = read_placeholder(made.placeholder)
    assert hint is not None and not hint.is_cut_out and len(set(hint.cells)) > 1


# Tags and types that can be read, but not be packed again.
SPOILED_NOTES = {
    "a number that is text": (0x010E, 24, 2),
    "text that is a number": (0x014E, 1, 2),
    "a place in bytes": (0x010E, 1, 6),
}


@pytest.mark.parametrize(("title", "tag", "kind"), SPOILED_NOTES.values(), ids=SPOILED_NOTES)
def test_spoiled_notes_beside_a_photograph_do_not_keep_it_out(title: int, tag: int, kind: int) -> None:
    entries = struct.pack(">HHI4s", title, 2, 6, struct.pack(">I", 50))
    entries += struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack(">HHII", 0x8825, 4, 1, 56)
    of_place = struct.pack(">HHHI4sI", 1, tag, kind, 2, b"N\0\0\0", 0)
    notes = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 3) + entries + bytes(4) + b"hello\0" + of_place
    assert [opened(file).size for file in make_picture(photograph((64, 48), exif=notes)).files] == [(48, 64)] * 3


def test_notes_that_are_none_leave_the_photograph_as_it_lies() -> None:
    made = make_picture(photograph((64, 48), exif=b"Exif\0\0no notes"))
    assert opened(made.files[0]).size == (64, 48)


def test_a_small_webp_is_served_as_it_is_unless_it_tells_more_than_the_picture() -> None:
    plain, telling = photograph((200, 100), "WEBP"), with_place((200, 100), "WEBP")
    assert make_picture(plain).files == (plain,) * 3
    assert SECRET in telling and SECRET not in make_picture(telling).files[0]


def test_what_is_cut_out_stays_so_and_is_hinted_at_by_its_shape() -> None:
    made = make_picture(cut_out())
    assert opened(made.files[0]).mode == "RGBA"
    hint = read_placeholder(made.placeholder)
    assert hint is not None and hint.is_cut_out
    assert hint.color[0] > hint.color[1] and hint.cells[0] < hint.cells[5]


def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off() -> None:
    levels = b"".join(struct.pack("<H", 65_535 * at // 4095) for at in range(64 * 64))
    stream = io.BytesIO()
    Image.frombytes("I;16", (64, 64), levels).save(stream, "PNG")
    shown = opened(make_picture(stream.getvalue()).files[0]).convert("L").tobytes()
    assert max(shown[:64]) < 10 and abs(shown[64 * 32] - 128) < 10 and min(shown[-64:]) > 245


def test_a_large_webp_is_made_smaller_even_where_it_tells_nothing_more() -> None:
    raw = photograph((1500, 1000), "WEBP", quality=20)
    assert len(raw) < limits.PICTURE_BYTES
    assert [opened(file).width for file in make_picture(raw).files] == list(WIDTHS)


PEAK = """
import io, resource, sys
from PIL import Image
from mirabelle.server.services.events import EventBook, OfferedReward
from mirabelle.server.services.picture_making import make_picture
make_picture(open(sys.argv[1], "rb").read())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
make_picture(open(sys.argv[2], "rb").read())
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024))
"""


def test_a_large_picture_takes_little_more_memory_than_it_unpacks_to(tmp_path: Path) -> None:
    small, large, (width, height) = tmp_path / "small.png", tmp_path / "large.png", (5000, 3000)
    small.write_bytes(photograph((64, 48), "PNG"))
    Image.new("RGBA", (width, height), (90, 60, 30, 128)).save(large, compress_level=1)
    taken = subprocess.run([sys.executable, "-c", PEAK, small, large], check=True, capture_output=True, text=True)
    assert int(taken.stdout) < 1.4 * 4 * width * height


def bomb() -> bytes:
    """A small file that says that it unpacks to 900 million pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    plain = photograph((10, 10), "PNG")
    return plain[:12] + head + struct.pack(">I", zlib.crc32(head)) + plain[33:]


# One colour, 4000 times 3250 pixels.
LARGE_WEBP = bytes.fromhex("524946461a000000574542505650384c0e0000002f9f4f2c03071011fd0f4444ff03")

UNUSABLE = {
    "no picture": (b"%PDF-1.7 and so on", "is no PNG, JPEG or WebP picture"),
    "nothing": (b"", "is no PNG, JPEG or WebP picture"),
    "another kind": (photograph((10, 10), "GIF"), "is no PNG, JPEG or WebP picture"),
    "cut off": (photograph((400, 400))[:3000], "is damaged"),
    "a bomb": (bomb(), "has more than 40 million pixels"),
    "a large WebP": (LARGE_WEBP, "has more than 12 million pixels, the most for WebP"),
}


@pytest.mark.parametrize(("raw", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_cannot_be_a_picture_says_why(raw: bytes, why: str) -> None:
    with pytest.raises(PictureUnusable, match=why):
        make_picture(raw)


@pytest.mark.parametrize("named", ["../secret.png", "/etc/hostname", "pictures/../../secret.png", "link.png", "a\0b"])
def test_no_picture_is_taken_from_outside_of_the_programmes_folder(tmp_path: Path, named: str) -> None:
    (tmp_path / "secret.png").write_bytes(photograph((10, 10), "PNG"))
    folder = tmp_path / "programme"
    (folder / "pictures").mkdir(parents=True)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(PictureUnusable, match=r"outside|cannot be looked for"):
        picture_file(folder, named)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.png").open("wb") as stream:
        stream.truncate(limits.PICTURE_SOURCE_BYTES + 1)
    with pytest.raises(PictureUnusable, match="has more than 20 MB"):
        picture_file(tmp_path, "huge.png")


def test_one_line_names_the_reward_the_file_and_why(shop: Shop) -> None:
    for picture, why in (("../out.png", "outside of the programme's folder"), ("none.png", "is no file there")):
        shop.programme.write_text(f"{PROGRAMME}\n{reward('mug', picture)}", encoding="utf-8")
        said = shop.import_(shop.file([]))
        assert said.code and said.err.count("\n") == 1
        assert all(part in said.err for part in (str(shop.programme), "mug", picture, why)), said.err
    (shop.folder / "none.png").write_bytes(b"words")
    said = shop.import_(shop.file([]))
    assert said.code and said.err.count("\n") == 1
    assert "none.png" in said.err and "mug" in said.err and "is no PNG" in said.err


def test_a_picture_is_served_to_anybody_for_ever_and_proved_by_the_name_in_the_catalog(tmp_path: Path) -> None:
    file = programme_with(tmp_path, cup2=photograph(), disc=cut_out())
    with Backend(tmp_path / "data", demo=False, programme=read_programme(file)) as server:
        somebody = server.somebody()
        shown = {one["id"]: one for one in somebody.get("/catalog").json()["rewards"]}
        assert shown["cup"]["picture"] is None and shown["cup"]["placeholder"] == ""
        for id_ in ("cup2", "disc"):
            name = shown[id_]["picture"]
            assert is_name(name) and read_placeholder(shown[id_]["placeholder"])
            for width in WIDTHS:
                answer = somebody.http.get(f"/pictures/{name}/{width}", headers={"Accept-Encoding": "gzip"})
                assert answer.status_code == 200 and answer.headers["content-type"] == "image/webp"
                assert "immutable" in answer.headers["cache-control"] and "content-encoding" not in answer.headers
                assert max(opened(answer.content).size) <= width
                assert is_genuine(name, width, bytes.fromhex(answer.headers[PROOF_HEADER]), answer.content)
        for path in ("0" * 32 + "/256", f"{name}/300", f"{name}/0256", f"{name}/٢٥٦", "..%2Fdata/256", "%00/256"):
            answer = somebody.get(f"/pictures/{path}")
            assert answer.status_code == 404 and answer.json()["code"] == "not_found", path


async def _loaded(folder: Path, url: str, file: Path, now: datetime) -> Database:
    return await open_store(folder / "data", url, read_programme(file), now)


async def _names(database: Database) -> dict[str, str]:
    async with database.read() as connection:
        rows = await connection.execute(select(t.rewards.c.id, t.rewards.c.document))
        return {row.id: row.document["picture"] for row in rows if row.document["picture"]}


async def _made_at(database: Database) -> list[datetime]:
    async with database.read() as connection:
        return sorted((await connection.execute(select(pictures.c.made_at))).scalars())


async def test_what_did_not_change_is_not_made_again_and_what_nobody_shows_goes_after_a_day(
    tmp_path: Path, database_url: str
) -> None:
    file = programme_with(tmp_path, one=photograph((300, 200), seed=1), two=photograph((300, 200), seed=2))
    database = await _loaded(tmp_path, database_url, file, NOW)
    before = await _names(database)
    await database.close()

    (tmp_path / "pictures" / "two").write_bytes(photograph((300, 200), seed=3))
    hour = timedelta(hours=1)
    database = await _loaded(tmp_path, database_url, file, NOW + hour)
    after = await _names(database)
    assert after["one"] == before["one"] and after["two"] != before["two"]
    assert await _made_at(database) == [NOW, NOW, NOW + hour]  # somebody may be about to show what nobody shows
    assert await served_picture(database, before["two"], 256)
    await database.close()

    database = await _loaded(tmp_path, database_url, file, NOW + 30 * hour)
    assert await _made_at(database) == [NOW + 30 * hour] * 2
    assert await served_picture(database, before["two"], 256) is None
    assert await served_picture(database, after["one"], 256) and await served_picture(database, after["two"], 1024)
    await database.close()


async def test_a_picture_that_is_named_again_is_not_forgotten_before_it_is_named(tmp_path: Path) -> None:
    programme = read_programme(programme_with(tmp_path, one=photograph((300, 200))))
    database = await open_store(tmp_path / "data", "", None, NOW)
    await with_pictures(database, programme, NOW)
    later = NOW + timedelta(days=9)
    name = (await with_pictures(database, programme, later)).rewards[-1].picture
    await database.attempt(lambda connection: forget_unused(connection, later))  # another server's start
    assert name and await served_picture(database, name, 256)
    await database.close()


@pytest.mark.parametrize("is_withdrawn", [False, True])
async def test_a_reward_that_an_event_offers_again_keeps_its_picture(
    tmp_path: Path, database_url: str, is_withdrawn: bool
) -> None:
    file = programme_with(tmp_path, one=photograph((300, 200)))
    database = await _loaded(tmp_path, database_url, file, NOW)
    before = await _names(database)
    if is_withdrawn:
        await database.close()
        database = await _loaded(tmp_path, database_url, programme_with(tmp_path), NOW)
    async with database.write() as connection:
        loaded = await loaded_programme(connection)
        again = OfferedReward(id="one", kind="merchandise", points=6, title=m.Text(en="It"))
        book = EventBook(loaded.document, world_of(loaded), NOW)
        assert await book.count(connection, [again]) == [None]
        rows = (await connection.execute(select(t.rewards).where(t.rewards.c.id == "one"))).all()
    assert [(row.points, row.withdrawn, bool(row.document["placeholder"])) for row in rows] == [(6, False, True)]
    assert await _names(database) == before and await served_picture(database, before["one"], 256)
    await database.close()


async def test_servers_that_load_at_once_make_one_picture_that_each_of_them_serves(
    tmp_path: Path, database_url: str
) -> None:
    file = programme_with(tmp_path, one=photograph((300, 200)))
    both = await asyncio.gather(*(_loaded(tmp_path, database_url, file, NOW) for _ in range(2)))
    name = (await _names(both[0]))["one"]
    assert await served_picture(both[0], name, 256) == await served_picture(both[1], name, 256) is not None
    assert len(await _made_at(both[0])) == 1
    for database in both:
        await database.close()


async def test_what_the_database_spoiled_is_never_served_and_made_again_at_the_next_start(tmp_path: Path) -> None:
    file = programme_with(tmp_path, one=photograph((300, 200)))
    database = await _loaded(tmp_path, "", file, NOW)
    name = (await _names(database))["one"]
    whole = await served_picture(database, name, 256)
    async with database.write() as connection:
        await connection.execute(update(picture_files).values(content=b"RIFF spoiled"))
    assert await served_picture(database, name, 256) is None
    await database.close()
    database = await _loaded(tmp_path, "", file, NOW)
    assert await served_picture(database, name, 256) == whole is not None
    await database.close()


async def test_a_spoiled_size_takes_no_other_with_it_and_comes_back_with_the_programme(tmp_path: Path) -> None:
    file = programme_with(tmp_path, one=photograph((300, 200)))
    database = await _loaded(tmp_path, "", file, NOW)
    name = (await _names(database))["one"]
    large, proof = await served_picture(database, name, 1024) or (b"", b"")
    spoil = update(picture_files).where(picture_files.c.hash == hash_in(proof, 1024).hex()).values(content=b"RIFF")
    await database.attempt(lambda connection: connection.execute(spoil))
    assert await served_picture(database, name, 1024) is None
    await database.close()
    database = await open_store(tmp_path / "data", "", None, NOW)
    assert await served_picture(database, name, 256) and await served_picture(database, name, 1024) is None
    await database.close()
    database = await _loaded(tmp_path, "", file, NOW)
    assert await served_picture(database, name, 1024) == (large, proof)
    await database.close()


async def test_a_programme_whose_picture_is_spoiled_changes_nothing(tmp_path: Path) -> None:
    good = programme_with(tmp_path, one=photograph((300, 200)))
    database = await _loaded(tmp_path, "", good, NOW)
    names = await _names(database)
    await database.close()
    (tmp_path / "pictures" / "one").write_bytes(b"words")
    with pytest.raises(ProgrammeUnusable, match="the picture of one is no PNG"):
        await _loaded(tmp_path, "", good, NOW)
    database = await open_store(tmp_path / "data", "", None, NOW)
    assert await _names(database) == names and await served_picture(database, names["one"], 256)
    await database.close()


def test_a_backup_brings_pictures_back(shop: Shop) -> None:
    assert shop.import_(shop.file([]), programme=programme_with(shop.folder, one=cut_out())).code == 0
    assert shop.run("backup", shop.folder / "all.backup", *shop.store()).code == 0
    assert shop.run("restore", shop.folder / "all.backup", "--data", shop.folder / "there").code == 0
    rows = []
    for folder in ("data", "there"):
        with sqlite3.connect(next((shop.folder / folder).glob("*.sqlite"))) as connection:
            rows.append(
                [connection.execute(f"SELECT * FROM {one}").fetchall() for one in ("pictures", "picture_files")]
            )
        connection.close()
    assert rows[0] == rows[1] and len(rows[0][1]) == 3
