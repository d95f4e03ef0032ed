"""Whole rewards on their way, field by field instead of one by one: what is alike stands together and packs small."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate, chain, repeat
from operator import attrgetter
from typing import Any, Final, TypeVar

from msgspec import NODEFAULT, field
from msgspec.structs import fields

from mirabelle.contract.fields import Fulfilment, Identifier, Kind, Message, Needs, Points, Text, ValueClass
from mirabelle.contract.messages import Reward

T = TypeVar("T")

_NO_NAME: Final = bytes(16)  # in place of a picture's name
_NO_HINT: Final = " " * 8  # in place of what stands there before
_NO_TEXT: Final = Text()


class ListedReward(Reward, frozen=True, gc=False, omit_defaults=True):
    """A reward, whose JSON says only what most others do not."""

    id: Identifier
    reference: int
    kind: Kind
    category: str
    brand: str | None = None
    points: Points = 0
    title: Text = _NO_TEXT
    summary: Text = _NO_TEXT
    terms: Text = _NO_TEXT
    picture: str | None = None
    tint: str | None = None
    value_minor: int | None = None
    stock: int | None = None
    per_participant: int | None = None
    from_tier: str | None = None
    store: str | None = None
    value_class: ValueClass = "B"
    needs: Needs = "nothing"
    fulfilment: Fulfilment = "voucher"
    valid_days: int = 0
    available_until: datetime | None = None
    available_from: datetime | None = None
    popularity: int = 0
    paper: bool = False
    challenge: bool = False
    uses: int = 1
    balance: bool = False
    placeholder: str = ""


_every: Final = attrgetter(*ListedReward.__struct_fields__)


def listed(reward: Reward) -> ListedReward:
    """The reward, to be kept or sent."""
    return reward if isinstance(reward, ListedReward) else ListedReward(*_every(reward))


class RewardColumns(Message, frozen=True, kw_only=True, omit_defaults=True):
    """Rewards, as a list of each field's values in their order. One that stands alone is that of all; where there is
    none, all have what a ListedReward has by default.

    `steps` are references, each as the distance to the one before. Of `title`, `summary` and `terms` there are three
    for each reward: English, French, Arabic. `picture` holds the 16 bytes of each name, zeros for none, and
    `placeholder` the 8 characters of each, blanks for none; both are empty where no reward has one.
    """

    id: list[Identifier]
    steps: list[int]
    kind: list[Kind] = field(default_factory=list)
    category: list[str] = field(default_factory=list)
    brand: list[str | None] = field(default_factory=list)
    points: list[Points] = field(default_factory=list)
    title: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    picture: bytes = b""
    tint: list[str | None] = field(default_factory=list)
    value_minor: list[int | None] = field(default_factory=list)
    stock: list[int | None] = field(default_factory=list)
    per_participant: list[int | None] = field(default_factory=list)
    from_tier: list[str | None] = field(default_factory=list)
    store: list[str | None] = field(default_factory=list)
    value_class: list[ValueClass] = field(default_factory=list)
    needs: list[Needs] = field(default_factory=list)
    fulfilment: list[Fulfilment] = field(default_factory=list)
    valid_days: list[int] = field(default_factory=list)
    available_until: list[datetime | None] = field(default_factory=list)
    available_from: list[datetime | None] = field(default_factory=list)
    popularity: list[int] = field(default_factory=list)
    paper: list[bool] = field(default_factory=list)
    challenge: list[bool] = field(default_factory=list)
    uses: list[int] = field(default_factory=list)
    balance: list[bool] = field(default_factory=list)
    placeholder: str = ""


_TEXTS: Final = ("title", "summary", "terms")
_APART: Final = ("id", "reference", *_TEXTS, "picture", "placeholder")
_PLAIN: Final = [one for one in fields(ListedReward) if one.name not in _APART]


def columns_of(rewards: Sequence[Reward]) -> RewardColumns:
    """Rewards, on their way."""
    references = [one.reference for one in rewards]
    names = [one.picture or "" for one in rewards]
    hints = [one.placeholder for one in rewards]
    columns: dict[str, Any] = {
        one.name: _column([getattr(reward, one.name) for reward in rewards], one.default) for one in _PLAIN
    }
    for name in _TEXTS:
        said = [(text.en, text.fr, text.ar) for text in map(attrgetter(name), rewards)]
        alike = _column(said, ("", "", ""))
        columns[name] = list(chain.from_iterable(alike))
    if any(names):
        columns["picture"] = bytes.fromhex("".join(name or _NO_NAME.hex() for name in names))
    if any(hints):
        columns["placeholder"] = "".join(hint if len(hint) == len(_NO_HINT) else _NO_HINT for hint in hints)
    steps = [one - before for before, one in zip([0, *references], references, strict=False)]
    return RewardColumns(id=[one.id for one in rewards], steps=steps, **columns)


def _column(values: list[T], default: object) -> list[T]:
    first = values[0]
    if any(value != first for value in values):
        return values
    return [] if first == default else [first]


def rewards_in(columns: RewardColumns) -> list[ListedReward]:
    """The rewards, as they were before they went on their way; raises ValueError where a list is too short or long."""
    count = len(columns.id)
    if len(columns.steps) != count:
        raise ValueError("steps")
    each: dict[str, Iterable[Any]] = {one.name: _each(getattr(columns, one.name), count, one.default) for one in _PLAIN}
    each |= {name: _texts(getattr(columns, name), count) for name in _TEXTS}
    each |= {"id": columns.id, "reference": accumulate(columns.steps)}
    each |= {"picture": _names(columns.picture, count), "placeholder": _hints(columns.placeholder, count)}
    return list(map(ListedReward, *(each[name] for name in ListedReward.__struct_fields__)))


def _each(values: Sequence[T], count: int, default: T) -> Iterable[T]:
    if not values and default is NODEFAULT and count:
        raise ValueError("a column that is missing")
    if len(values) <= 1:
        return repeat(values[0] if values else default, count)
    if len(values) != count:
        raise ValueError("a column")
    return values


def _texts(said: list[str], count: int) -> Iterable[Text]:
    texts = [_NO_TEXT if not (en or fr or ar) else Text(en=en, fr=fr, ar=ar)
             for en, fr, ar in zip(said[::3], said[1::3], said[2::3], strict=True)]  # fmt: skip
    return _each(texts, count, _NO_TEXT)


def _names(hashes: bytes, count: int) -> Iterable[str | None]:
    size = len(_NO_NAME)
    if hashes and len(hashes) != size * count:
        raise ValueError("picture")
    none, told = _NO_NAME.hex(), hashes.hex()
    names = [told[at : at + 2 * size] for at in range(0, len(told), 2 * size)]
    return [None if name == none else name for name in names] or repeat(None, count)


def _hints(told: str, count: int) -> Iterable[str]:
    size = len(_NO_HINT)
    if told and len(told) != size * count:
        raise ValueError("placeholder")
    hints = [told[at : at + size].strip() for at in range(0, len(told), size)]
    return hints or repeat("", count)
