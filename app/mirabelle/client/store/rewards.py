"""The rewards in the store: what changes often apart from what does not, and an index of their words.

`rewards` holds what is on offer, in the order of its `number`: the most popular first, so that a page of what was found
needs no sorting. `rewards_bodies` holds the rest of each, also of those no longer on offer, for the vouchers that name
them; `rewards_stock` how many pieces are left of those that are counted.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Final

import msgspec

from mirabelle.client.store.database import Reader, put_document
from mirabelle.client.store.search import facet_word, indexed, indexed_all
from mirabelle.contract import limits
from mirabelle.contract import messages as m
from mirabelle.contract.catalog_columns import ListedReward, listed

INDEX: Final = "catalog index"
_INDEXED_TO: Final = "catalog indexed to"
INDEX_FORM: Final = 2  # raised when words are folded otherwise, or rewards kept before cannot be read: all is read anew

_MOST_POPULAR: Final = 2**20 - 1
_REFERENCE_BITS: Final = 32
_PAGE: Final = 1000
_AT_ONCE: Final = (limits.CATALOG_LOAD_ROWS, 100, 10, 1)  # in a statement: of 5 values each, and SQLite takes 32766
_MERGED_FROM: Final = 4  # pieces of the index alike in size, which is FTS5's own choice
_BY_POINTS: Final = {"rewards_by_points": "points", "rewards_by_points_down": "points DESC"}
FACETS: Final = ("category", "kind")
ANY_REWARD: Final = (
    "SELECT body, points, pieces FROM rewards_bodies LEFT JOIN rewards USING (reference)"
    " LEFT JOIN rewards_stock USING (reference)"
)
_VALUES: Final = "SELECT value FROM json_each(CAST(? AS TEXT))"
_decode: Final = msgspec.json.Decoder(ListedReward).decode
_decode_shown: Final = lru_cache(512)(_decode)  # the same for all windows of a process, and each time they are drawn
_encode: Final = msgspec.json.encode


def number_of(reward: m.Reward) -> int:
    """A reward's place in the catalog: the more popular the lower, those that came first before the others."""
    popularity = max(0, min(reward.popularity, _MOST_POPULAR))
    return (_MOST_POPULAR - popularity) << _REFERENCE_BITS | reward.reference


def read_reward(row: Sequence[object]) -> m.Reward:
    """The reward in a row of `body, points, pieces`; `points` is None where it is no longer on offer."""
    reward = _decode_shown(row[0])  # type: ignore[arg-type]
    points = reward.points if row[1] is None else row[1]
    if points == reward.points and row[2] == reward.stock:
        return reward
    return msgspec.structs.replace(reward, points=points, stock=row[2])


def readable(row: Sequence[object]) -> m.Reward | None:
    """The same; None where another version kept it so that this one cannot read it."""
    try:
        return read_reward(row)
    except msgspec.DecodeError:
        return None


def get_reward(connection: sqlite3.Connection, reference: int) -> m.Reward | None:
    """The reward `reference`, also one that is no longer on offer."""
    row = connection.execute(f"{ANY_REWARD} WHERE reference = ?", (reference,)).fetchone()
    return read_reward(row) if row else None


class Prepared(msgspec.Struct, frozen=True):
    """Rewards as they are written, made ready without the store: in another thread, while something else is."""

    rewards: Sequence[m.Reward]
    bodies: list[tuple[int, str, bytes]]
    rows: list[tuple[int, int, int, str | None, int]]
    counted: list[tuple[int, int]]
    said: list[str]
    words: bytes


def prepare(rewards: Sequence[m.Reward], load: int = 0) -> Prepared:
    """Make rewards ready to be put; `load` says which one they came with."""
    said, words = indexed_all(map(_text, rewards))
    return Prepared(
        rewards=rewards,
        bodies=[(reward.reference, reward.id, _encode(listed(reward))) for reward in rewards],
        rows=[(number_of(reward), reward.reference, reward.points, _until(reward), load) for reward in rewards],
        counted=[(reward.reference, reward.stock) for reward in rewards if reward.stock is not None],
        said=said,
        words=_encode(sorted(words)),
    )


def put_rewards(connection: sqlite3.Connection, rewards: Sequence[m.Reward], load: int = 0) -> None:
    """Add rewards to what is on offer, or put them in place of what they were. `load` says which one they came with."""
    put_prepared(connection, prepare(rewards, load))


def put_prepared(connection: sqlite3.Connection, new: Prepared) -> None:
    """The same, of what was made ready."""
    if not new.rewards:
        return
    references, ids, _ = zip(*new.bodies, strict=True)
    by_id = f"SELECT reference FROM rewards_bodies WHERE id IN ({_VALUES})"  # another server may number otherwise
    _take_off(connection, f"({by_id} UNION {_VALUES})", _encode(ids), _encode(references))
    _insert(connection, "INSERT OR REPLACE INTO rewards_bodies (reference, id, body)", new.bodies)
    _insert(connection, "INSERT INTO rewards (number, reference, points, available_until, load)", new.rows)
    _insert(connection, "INSERT INTO rewards_stock (reference, pieces)", new.counted)
    _index(connection, [row[0] for row in new.rows], new.rewards, new.said, new.words)


def _insert(connection: sqlite3.Connection, into: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows, many in a statement: it is within one that SQLite leaves the processor to Python's other threads,
    and between two it may wait for them longer than it takes. As statements are kept, there are few lengths of them."""
    start = 0
    for size in _AT_ONCE:
        while len(rows) - start >= size:
            some = rows[start : start + size]
            places = f"({', '.join('?' * len(some[0]))})"
            values = list(chain.from_iterable(some))
            connection.execute(f"{into} VALUES {', '.join([places] * size)}", values)
            start += size


def _until(reward: m.Reward) -> str | None:
    return reward.available_until.isoformat() if reward.available_until else None


def set_stock(connection: sqlite3.Connection, stock: Iterable[tuple[int, int | None]]) -> None:
    """Say how many pieces are left, by reference; None where nobody counts."""
    stock = list(stock)
    connection.executemany(
        "INSERT INTO rewards_stock (reference, pieces) VALUES (?, ?)"
        " ON CONFLICT (reference) DO UPDATE SET pieces = excluded.pieces",
        [pair for pair in stock if pair[1] is not None],
    )
    uncounted = [pair[:1] for pair in stock if pair[1] is None]
    connection.executemany("DELETE FROM rewards_stock WHERE reference = ?", uncounted)


def set_points(connection: sqlite3.Connection, points: Iterable[tuple[int, int]]) -> None:
    """Say what rewards cost, by reference."""
    turned = [(price, reference) for reference, price in points]
    connection.executemany("UPDATE rewards SET points = ? WHERE reference = ?", turned)


def take_off(connection: sqlite3.Connection, references: Iterable[int]) -> None:
    """Take rewards off what is on offer; vouchers still find what they are."""
    if references := list(references):
        _take_off(connection, f"({_VALUES})", _encode(references))


def _take_off(connection: sqlite3.Connection, references: str, *values: bytes) -> None:
    """Take off those whose references the statement `references` answers to `values`."""
    query = "SELECT number, body FROM rewards JOIN rewards_bodies USING (reference) WHERE reference IN"
    found = connection.execute(f"{query} {references}", values).fetchall()
    if not found:
        return
    rewards = [_decode(row[1]) for row in found]
    facets = _facets(connection, rewards, -1)
    connection.executemany(
        "INSERT INTO rewards_text (rewards_text, rowid, words) VALUES ('delete', ?, ?)",
        [
            (row[0], f"{indexed(_text(one))} {_facet_words(one, facets)}")
            for row, one in zip(found, rewards, strict=True)
        ],
    )
    for table in ("rewards", "rewards_stock"):
        connection.executemany(f"DELETE FROM {table} WHERE reference = ?", [(one.reference,) for one in rewards])


def take_off_before(connection: sqlite3.Connection, load: int) -> None:
    """Take off what did not come with `load` or since."""
    rows = connection.execute("SELECT reference FROM rewards WHERE load < ?", (load,)).fetchall()
    take_off(connection, [row[0] for row in rows])


def _index(
    connection: sqlite3.Connection,
    numbers: Sequence[int],
    rewards: Sequence[m.Reward],
    said: Sequence[str],
    words: bytes,
) -> None:
    facets = _facets(connection, rewards, 1)
    found = [f"{words} {_facet_words(reward, facets)}" for words, reward in zip(said, rewards, strict=True)]
    _insert(connection, "INSERT INTO rewards_text (rowid, words)", sorted(zip(numbers, found, strict=True)))
    _know(connection, words)


def _know(connection: sqlite3.Connection, words: bytes) -> None:
    connection.execute(f"INSERT OR IGNORE INTO rewards_words (word) {_VALUES}", (words,))


def _text(reward: m.Reward) -> str:
    title = reward.title
    return f"{title.en} {title.fr} {title.ar} {reward.brand or ''}"


def _facet_words(reward: m.Reward, facets: dict[str, dict[str, str]]) -> str:
    return f"{facets['category'][reward.category]} {facets['kind'][reward.kind]}"


def _facets(connection: sqlite3.Connection, rewards: Sequence[m.Reward], sign: int) -> dict[str, dict[str, str]]:
    """What the index holds for the rewards' categories and kinds, once they are counted in (1) or out (-1)."""
    words: dict[str, dict[str, str]] = {}
    for facet in FACETS:
        counts, words[facet] = Counter(map(attrgetter(facet), rewards)), {}
        for name, count in counts.items():
            row = connection.execute(
                "INSERT INTO rewards_facets (facet, name, count) VALUES (?, ?, ?)"
                " ON CONFLICT (facet, name) DO UPDATE SET count = count + excluded.count RETURNING number",
                (facet, name, sign * count),
            ).fetchone()
            words[facet][name] = facet_word(row[0])
    return words


def facet_number(connection: sqlite3.Connection, facet: str, name: str) -> int | None:
    """The number of a category or kind; None where no reward has it."""
    query = "SELECT number FROM rewards_facets WHERE facet = ? AND name = ?"
    row = connection.execute(query, (facet, name)).fetchone()
    return row[0] if row else None


def facet_term(number: int) -> str:
    """The FTS5 term for the rewards of the category or kind `number`."""
    return f'"{facet_word(number)}"'


def name_categories(connection: sqlite3.Connection, names: dict[str, m.Text]) -> None:
    """Let categories be found by their names, in every language; by their ids where they have none."""
    connection.execute("DELETE FROM rewards_names")
    for row in connection.execute("SELECT number, name FROM rewards_facets WHERE facet = 'category'").fetchall():
        name = names.get(row[1], m.Text(en=row[1]))
        found = indexed(f"{name.en} {name.fr} {name.ar}")
        connection.executemany(
            "INSERT OR IGNORE INTO rewards_names (word, facet) VALUES (?, ?)",
            ((word, row[0]) for word in found.split()),
        )
        _know(connection, _encode(found.split()))


def leave_in_pieces(connection: sqlite3.Connection) -> None:
    """Let the index grow in pieces, as much is about to come: merging them again and again takes longest. Where nothing
    is on offer yet, prices have no index until all has come: each page would write both of theirs anew, half of all
    that a first load writes, and what is there meanwhile is sorted as well."""
    _merge_from(connection, 0)
    if connection.execute("SELECT 1 FROM rewards").fetchone() is None:
        for name in _BY_POINTS:
            connection.execute(f"DROP INDEX IF EXISTS {name}")


def is_in_pieces(read: Reader) -> bool:
    """Whether the index was left in pieces, be it by a load that was cut off in another life of the app."""
    query = "SELECT 1 FROM rewards_text_config WHERE k = 'automerge' AND v = 0"
    return read.execute(query).fetchone() is not None


def tidy_index(connection: sqlite3.Connection) -> None:
    """Put the index's many pieces together after a load, and few at a time from now on: a keystroke costs a quarter
    less then."""
    connection.execute("INSERT INTO rewards_text (rewards_text) VALUES ('optimize')")
    for name, order in _BY_POINTS.items():
        connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON rewards ({order})")
    _merge_from(connection, _MERGED_FROM)


def _merge_from(connection: sqlite3.Connection, pieces: int) -> None:
    connection.execute("INSERT INTO rewards_text (rewards_text, rank) VALUES ('automerge', ?)", (pieces,))


def is_indexed(read: Reader) -> bool:
    """Whether all words are in the index, as this version puts them there."""
    row = read.execute("SELECT body FROM documents WHERE name = ?", (INDEX,)).fetchone()
    return row is not None and row[0] == _encode(INDEX_FORM)


def index_more(connection: sqlite3.Connection) -> bool:
    """Put the next rewards into the index, the most popular first, from the beginning where it was made by another
    version; whether there were some that this version cannot read. They are no longer on offer until they come anew.
    When none is left the index is whole: until then no reward may be put or taken off."""
    last = _begun(connection)
    query = "SELECT body, number FROM rewards JOIN rewards_bodies USING (reference) WHERE number > ? ORDER BY number"
    page = connection.execute(f"{query} LIMIT {_PAGE}", (last,)).fetchall()
    readable, unreadable = list[m.Reward](), list[tuple[int]]()
    for row in page:
        try:
            readable.append(_decode(row[0]))
        except msgspec.DecodeError:
            unreadable.append((row[1],))
    connection.executemany("DELETE FROM rewards WHERE number = ?", unreadable)
    new = prepare(readable)
    _index(connection, [row[0] for row in new.rows], readable, new.said, new.words)
    if len(page) == _PAGE:
        put_document(connection, _INDEXED_TO, (INDEX_FORM, page[-1][1]))
    else:
        tidy_index(connection)
        connection.execute("DELETE FROM documents WHERE name = ?", (_INDEXED_TO,))
        put_document(connection, INDEX, INDEX_FORM)
    return bool(unreadable)


def _begun(connection: sqlite3.Connection) -> int:
    """The last reward whose words are in the index; one before the first once it was emptied, to begin anew."""
    row = connection.execute("SELECT body FROM documents WHERE name = ?", (_INDEXED_TO,)).fetchone()
    form, last = msgspec.json.decode(row[0], type=tuple[int, int]) if row else (0, -1)
    if form == INDEX_FORM:
        return last
    leave_in_pieces(connection)
    connection.execute("INSERT INTO rewards_text (rewards_text) VALUES ('delete-all')")
    connection.execute("DELETE FROM rewards_words")
    connection.execute("UPDATE rewards_facets SET count = 0")
    return -1
