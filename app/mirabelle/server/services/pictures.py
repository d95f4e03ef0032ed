"""Rewards' pictures in the database: made from what a programme names, kept by what is in them, told by their names."""

import asyncio
import hashlib
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mirabelle.contract.pictures import WIDTHS, hash_in, is_name, name_of
from mirabelle.server.ledger.save import upsert
from mirabelle.server.services.picture_making import MadePicture, PictureUnusable, make_picture
from mirabelle.server.services.programme_file import ProgrammeDocument, ProgrammeUnusable
from mirabelle.server.storage import schema as t
from mirabelle.server.storage.database import Database
from mirabelle.server.storage.pictures import picture_files, pictures

log = logging.getLogger(__name__)

_AT_ONCE: Final = 32  # pictures in a transaction
_THREADS: Final = 2  # each may hold a large picture, unpacked
_ROWS: Final = 500
_UNUSED_FOR: Final = timedelta(days=1)  # a server that is just loading a programme has made pictures that nobody names


class PictureDamaged(Exception):
    """What the database holds of a picture is not what was made; the argument is the file's hash, as it should be."""


async def with_pictures(database: Database, document: ProgrammeDocument, now: datetime) -> ProgrammeDocument:
    """`document` with the names of pictures in place of files, once they are in the database; what is there already is
    not made again. Raises ProgrammeUnusable."""
    rewards = {r.picture: r.id for r in document.rewards if r.picture and not is_name(r.picture)}
    if not rewards:
        return document
    sources = await asyncio.to_thread(lambda: {file: _source(file, reward) for file, reward in rewards.items()})
    known = await database.attempt(lambda connection: _known(connection, set(sources.values()), now))
    missing = {source: file for file, source in sources.items() if source not in known}
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as threads:
        for some in _batches(missing):
            loop = asyncio.get_running_loop()
            work = [loop.run_in_executor(threads, _made, source, file, rewards[file]) for source, file in some.items()]
            made = dict(zip(some, await asyncio.gather(*work), strict=True))
            await database.attempt(lambda connection, made=made: _put(connection, made, now))  # type: ignore[misc]
            known |= {source: (name_of(one.proof), one.placeholder) for source, one in made.items()}
    changed = []
    for reward in document.rewards:
        name, placeholder = known[sources[reward.picture]] if reward.picture in sources else (reward.picture, "")
        changed.append(msgspec.structs.replace(reward, picture=name, placeholder=placeholder or reward.placeholder))
    return msgspec.structs.replace(document, rewards=changed)


def _read(file: str, reward: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as fault:
        raise ProgrammeUnusable(f"{file}: the picture of {reward}: {fault.strerror or fault}") from fault


def _source(file: str, reward: str) -> str:
    return hashlib.sha256(_read(file, reward)).hexdigest()


def _made(source: str, file: str, reward: str) -> MadePicture:
    raw = _read(file, reward)
    if hashlib.sha256(raw).hexdigest() != source:
        raise ProgrammeUnusable(f"{file}: the picture of {reward} changed while it was read")
    try:
        return make_picture(raw)
    except PictureUnusable as fault:
        raise ProgrammeUnusable(f"{file}: the picture of {reward} {fault}") from fault


def _batches(files: dict[str, str]) -> Iterator[dict[str, str]]:
    rest = iter(files.items())
    while some := dict(islice(rest, _AT_ONCE)):
        yield some


async def _known(connection: AsyncConnection, sources: set[str], now: datetime) -> dict[str, tuple[str, str]]:
    """Names and placeholders of what is there already, in every size; it counts as made now, so that no other server
    forgets it before the programme that names it is loaded."""
    wanted, found = sorted(sources), dict[str, tuple[str, str]]()
    for start in range(0, len(wanted), _ROWS):
        some = pictures.c.source.in_(wanted[start : start + _ROWS])
        stale = pictures.c.made_at < now - _UNUSED_FOR / 2
        await connection.execute(update(pictures).where(some, stale).values(made_at=now))
        # Read only now, as another server may just have cleared up.
        rows = (await connection.execute(select(pictures).where(some))).all()
        there = await _files_there(connection, sorted({one for row in rows for one in _hashes(row.proof)}))
        found |= {row.source: (row.name, row.placeholder) for row in rows if _hashes(row.proof) <= there}
    return found


async def _files_there(connection: AsyncConnection, hashes: list[str]) -> set[str]:
    there = set[str]()
    for start in range(0, len(hashes), _ROWS):
        query = select(picture_files.c.hash).where(picture_files.c.hash.in_(hashes[start : start + _ROWS]))
        there.update((await connection.execute(query)).scalars())
    return there


async def _put(connection: AsyncConnection, made: dict[str, MadePicture], now: datetime) -> None:
    files = {hashlib.sha256(file).hexdigest(): file for one in made.values() for file in one.files}
    contents = [{"hash": name, "content": content} for name, content in sorted(files.items())]
    await connection.execute(upsert(connection, picture_files), contents)
    rows = [
        {"source": source, "name": name_of(one.proof), "placeholder": one.placeholder, "proof": one.proof,
         "made_at": now}
        for source, one in sorted(made.items())
    ]  # fmt: skip
    await connection.execute(upsert(connection, pictures), rows)


async def read_picture(connection: AsyncConnection, name: str, width: int) -> tuple[bytes, bytes] | None:
    """The file of a picture in that width, and the proof of the picture; None where there is no such, or no more.
    Raises PictureDamaged."""
    query = select(pictures.c.proof).where(pictures.c.name == name).limit(1)
    proof = (await connection.execute(query)).scalar()
    if proof is None or width not in WIDTHS:
        return None
    wanted = hash_in(proof, width)
    of_file = select(picture_files.c.content).where(picture_files.c.hash == wanted.hex())
    content = (await connection.execute(of_file)).scalar()
    if content is None:
        return None
    if hashlib.sha256(content).digest() != wanted:
        raise PictureDamaged(wanted.hex())
    return content, proof


async def served_picture(database: Database, name: str, width: int) -> tuple[bytes, bytes] | None:
    """The same; a file that is not whole is forgotten, so that it is made again when the programme is next loaded."""
    try:
        async with database.read() as connection:
            return await read_picture(connection, name, width)
    except PictureDamaged as fault:
        log.error("a file of the picture %s is damaged; the next start with the programme's file makes it again", name)
        spoiled = delete(picture_files).where(picture_files.c.hash == fault.args[0])
        await database.attempt(lambda connection: connection.execute(spoiled))
        return None


async def forget_unused(connection: AsyncConnection, now: datetime) -> None:
    """Remove the pictures that no reward names any more, with the files that are no other's."""
    named = (await connection.execute(select(t.rewards.c.document["picture"].as_string()).distinct())).scalars()
    in_use = set(named)
    # Locked, so that none is named again between what is read here and what is removed.
    rows = (await connection.execute(select(pictures).with_for_update())).all()
    gone = [row for row in rows if row.name not in in_use and row.made_at < now - _UNUSED_FOR]
    if not gone:
        return
    sources = {row.source for row in gone}
    kept = {one for row in rows if row.source not in sources for one in _hashes(row.proof)}
    files = {one for row in gone for one in _hashes(row.proof)} - kept
    for table, column, values in (
        (pictures, pictures.c.source, sorted(sources)),
        (picture_files, picture_files.c.hash, sorted(files)),
    ):
        for start in range(0, len(values), _ROWS):
            await connection.execute(delete(table).where(column.in_(values[start : start + _ROWS])))


def _hashes(proof: bytes) -> set[str]:
    return {hash_in(proof, width).hex() for width in WIDTHS}
