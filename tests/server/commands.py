"""The command line as the tests use it: in this process, on files of events made up for the occasion."""

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mirabelle.cli import main
from tests.prepared import lay_database

DATA = Path(__file__).parents[1] / "data"
PROGRAMME = """\
[programme]
name = "Corner shop"
currency = "EUR"
time_zone = "Europe/Paris"

[earning]
points_per_unit = 1

[expiry]
after_days = 90

[[tiers]]
id = "silver"
from_points = 100
name = { en = "Silver" }

[[stores]]
id = "corner"
name = { en = "Corner" }

[[rewards]]
id = "cup"
kind = "merchandise"
points = 100
title = { en = "Cup" }

[[rewards]]
id = "silver-cup"
kind = "merchandise"
points = 10
from_tier = "silver"
title = { en = "Silver cup" }
"""


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """What it said, as JSON."""
        said: dict[str, Any] = json.loads(self.out)
        return said


@dataclass(frozen=True)
class Shop:
    """A programme with its database, worked by the command line alone."""

    folder: Path
    database_url: str
    capsys: pytest.CaptureFixture[str]

    @property
    def programme(self) -> Path:
        """The programme's file."""
        file = self.folder / "programme.toml"
        if not file.exists():
            file.write_text(PROGRAMME, encoding="utf-8")
        return file

    def run(self, *words: object) -> Said:
        """Run `mirabelle` with `words`."""
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = self.capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, said.out, said.err)

    def store(self) -> tuple[str, ...]:
        """The words that name this shop's database."""
        return ("--data", str(self.folder / "data"), "--database", self.database_url)

    def import_(self, *words: object, programme: Path | None = None) -> Said:
        """Run `mirabelle import`, on tables that are there already."""
        lay_database(self.folder / "data", self.database_url)
        return self.run("import", *self.store(), "--programme", programme or self.programme, *words)

    def imported(self, events: Iterable[dict[str, Any]], name: str = "events.ndjson") -> Said:
        """Import `events`, which must work."""
        said = self.import_(self.file(events, name))
        assert said.code == 0, said.err
        return said

    def file(self, events: Iterable[dict[str, Any] | str], name: str = "events.ndjson") -> Path:
        """A file of events, packed if its name says so; a string is written as it stands."""
        lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
        text = "".join(f"{line}\n" for line in lines).encode()
        file = self.folder / name
        file.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        return file

    def audit(self, as_of: str = "2026-05-01T00:00:00Z") -> dict[str, Any]:
        """What `mirabelle audit` says; its checks must hold."""
        said = self.run("audit", *self.store(), "--as-of", as_of, "--json")
        assert said.code == 0, said
        return said.json


def purchase(
    id_: str, amount: str, at: str = "2026-03-01T10:00:00Z", who: str = "amina", **more: Any
) -> dict[str, Any]:
    """A purchase."""
    return {"type": "purchase", "id": id_, "participant": who, "at": at, "amount": amount, "currency": "EUR", **more}


def redemption(id_: str, reward: str = "cup", at: str = "2026-03-02T10:00:00Z", who: str = "amina") -> dict[str, Any]:
    """A redemption, the day after."""
    return {"type": "redemption", "id": id_, "participant": who, "reward": reward, "at": at}


def refund(id_: str, of: str, at: str = "2026-03-03T10:00:00Z", who: str = "amina", **more: Any) -> dict[str, Any]:
    """A refund, the day after that."""
    return {"type": "refund", "id": id_, "participant": who, "purchase": of, "at": at, **more}
