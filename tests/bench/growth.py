"""What a redemption costs where much has gathered: for one person's long history, and among very many people."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from mirabelle.rules.cells import CELLS
from tests.bench.crowd import REWARDS, Crowd, people, postgresql
from tests.bench.figures import Rates, Run
from tests.bench.load import run_load

CLIENTS: Final = 8
EACH: Final = 60  # redemptions of a client in a round
ROUNDS: Final = 5
LOTS, POSTINGS = 10, 10_000
FEW, MANY, MILLION = 1_000, 200_000, 1_000_000
WANTED: Final = 1 / 1.2

# Copies of a row that is there, under other keys, so that they have whatever columns the tables have.
_PEOPLE: Final = f"""
INSERT INTO participants SELECT copy.* FROM participants AS one, generate_series(1, {{count}}) AS n,
    jsonb_populate_record(one, jsonb_build_object('participant', 'copy-' || n,
        'cell', get_byte(sha256(convert_to('copy-' || n, 'UTF8')), 0) % {CELLS})) AS copy
    WHERE one.participant = 'person-1';
INSERT INTO lots SELECT copy.* FROM lots AS one, participants AS owner,
    jsonb_populate_record(one, jsonb_build_object('participant', owner.participant, 'cell', owner.cell)) AS copy
    WHERE one.participant = 'person-1' AND owner.participant LIKE 'copy-%';
"""
_HISTORY: Final = f"""
INSERT INTO postings SELECT copy.* FROM postings AS one, generate_series({LOTS + 1}, {POSTINGS}) AS n,
    jsonb_populate_record(one, jsonb_build_object('sequence', n)) AS copy
    WHERE one.sequence = 1 AND one.participant IN ({{names}});
UPDATE participants SET sequence = {POSTINGS} WHERE participant IN ({{names}});
"""


def of_a_history() -> Iterator[Rates]:
    """People with ten lots and ten thousand postings beside people with one of each and ten."""
    long, short = people(CLIENTS * 2)[:CLIENTS], people(CLIENTS * 2)[CLIENTS:]
    with tempfile.TemporaryDirectory() as folder, postgresql(Path(folder) / "postgresql") as server:
        crowd = Crowd(Path(folder) / "data", server.get_uri())
        crowd.seed(dict.fromkeys(long, LOTS) | dict.fromkeys(short, 1))
        server.psql(_HISTORY.format(names=", ".join(f"'{who}'" for who in long)) + "VACUUM ANALYZE;")
        with crowd.served() as url:
            ours, bare = _in_turn(((crowd, url, long), (crowd, url, short)))
        yield Rates(f"redemptions with {LOTS} lots and {POSTINGS} postings", "with one of each", ours, bare, WANTED)


def of_a_crowd(many: int = MANY) -> Iterator[Rates]:
    """Two servers in turn: one with very many people, one with few."""
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory()))
        server = open_.enter_context(postgresql(folder / "postgresql"))
        sides = []
        for name, count in (("many", many), ("few", FEW)):
            crowd = _crowd_of(server, folder, name, count)
            sides.append((crowd, open_.enter_context(crowd.served()), people(FEW)))
        ours, bare = _in_turn(sides)
        yield Rates(f"redemptions among {many:,} people", f"among {FEW:,}", ours, bare, WANTED)


def of_a_million() -> Iterator[Rates]:
    """The same with as many as a large programme has; it takes minutes."""
    return of_a_crowd(MILLION)


def _crowd_of(server: Any, folder: Path, name: str, count: int) -> Crowd:
    server.psql(f"CREATE DATABASE {name};")
    crowd = Crowd(folder / name, server.get_uri(database=name))
    crowd.seed(dict.fromkeys(people(FEW), 1))
    copies = _PEOPLE.format(count=count - FEW)
    server.psql(f"\\c {name}\n{copies}VACUUM ANALYZE;\nCHECKPOINT;")
    return crowd


def _in_turn(sides: Sequence[tuple[Crowd, str, Sequence[str]]]) -> tuple[list[Run], list[Run]]:
    """The rounds of both sides, the first of each left out: it warms up."""
    runs: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(ROUNDS + 1):
        for (crowd, url, who), into in zip(sides, runs, strict=True):
            into.append(run_load(url, crowd.letters(url, who, REWARDS, CLIENTS, EACH)))
    return runs[0][1:], runs[1][1:]
