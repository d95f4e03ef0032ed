"""Pictures for the tests, and a programme that shows them."""

import io
import random
from pathlib import Path
from typing import Any

from PIL import Image

from tests.server.commands import PROGRAMME


def photograph(size: tuple[int, int] = (1600, 1200), kind: str = "JPEG", seed: int = 1, **more: Any) -> bytes:
    """A file of a picture that is nowhere the same."""
    coarse = Image.frombytes("RGB", (16, 12), random.Random(seed).randbytes(16 * 12 * 3))
    stream = io.BytesIO()
    coarse.resize(size, Image.Resampling.BICUBIC).save(stream, kind, **more)
    return stream.getvalue()


def cut_out(side: int = 600) -> bytes:
    """A file of a disc of one colour on nothing."""
    disc = Image.new("RGBA", (side, side))
    mask = Image.radial_gradient("L").resize((side, side)).point(lambda far: 255 if far < 120 else 0)
    disc.paste((200, 60, 40, 255), (0, 0), mask)
    stream = io.BytesIO()
    disc.save(stream, "PNG")
    return stream.getvalue()


def programme_with(folder: Path, **files: bytes) -> Path:
    """A programme in `folder` with a reward for each of `files`, whose picture that is."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    tables = [PROGRAMME]
    for name, content in files.items():
        (folder / "pictures" / name).write_bytes(content)
        tables.append(reward(name, f"pictures/{name}"))
    file = folder / "programme.toml"
    file.write_text("\n".join(tables), encoding="utf-8")
    return file


def reward(id_: str, picture: str) -> str:
    """A reward of a programme file."""
    return (
        f'[[rewards]]\nid = "{id_}"\nkind = "merchandise"\npoints = 5\ntitle = {{ en = "It" }}\npicture = {picture!r}\n'
    )
