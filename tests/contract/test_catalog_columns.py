"""Whole rewards in columns: they come out as they went in, and what is not whole is none."""

from datetime import UTC, datetime

import msgspec
import pytest

from mirabelle.contract import catalog as cm
from mirabelle.contract import messages as m
from mirabelle.contract.catalog_columns import RewardColumns, columns_of, listed
from tests.catalogs import generated, reward_of

WHOLE = reward_of(
    4_000_000_000, m.Text(en="Tea", fr="Thé\n", ar="شاي"), id="tea", kind="gift_card", category="food", brand="B",
    points=10**12, summary=m.Text(fr="x"), terms=m.Text(ar="y"), picture="0f" * 16, tint="#112233", value_minor=5,
    stock=0, per_participant=2, from_tier="gold", store="s", value_class="C", needs="address", fulfilment="order",
    valid_days=7, available_until=datetime(2026, 1, 2, tzinfo=UTC), available_from=datetime(2026, 1, 1, tzinfo=UTC),
    popularity=9, paper=True, challenge=True, uses=3, balance=True, placeholder="AAAAAA-_",
)  # fmt: skip
SHELVES = {
    "one with everything": [WHOLE],
    "one with nothing": [reward_of(1, m.Text())],
    "alike": [reward_of(at, m.Text(en="Tea")) for at in (3, 1, 2)],
    "apart": [*generated(3), WHOLE, reward_of(9, m.Text(), picture="a" * 32), reward_of(5, m.Text())],
}


def read(columns: RewardColumns) -> list[m.Reward]:
    return list(cm.read_parts({"columns": msgspec.json.encode(columns)}).rewards)


@pytest.mark.parametrize("shelf", SHELVES)
def test_rewards_come_out_as_they_went_in(shelf: str) -> None:
    assert read(columns_of(SHELVES[shelf])) == [listed(one) for one in SHELVES[shelf]]


@pytest.mark.parametrize("shelf", SHELVES)
def test_what_is_kept_of_a_reward_is_all_of_it(shelf: str) -> None:
    for one in SHELVES[shelf]:
        kept = msgspec.json.encode(listed(one))
        again = msgspec.json.decode(kept, type=type(listed(one)))
        assert {name: getattr(again, name) for name in one.__struct_fields__} == msgspec.structs.asdict(one)
        assert len(kept) <= len(msgspec.json.encode(one))
        assert msgspec.json.decode(msgspec.json.encode(one), type=type(again)) == again  # as it was kept before


@pytest.mark.parametrize("name", [one for one in RewardColumns.__struct_fields__ if one != "id"])
def test_a_column_that_is_too_short_or_too_long_is_none(name: str) -> None:
    whole = columns_of([WHOLE, reward_of(1, m.Text(en="a", fr="b", ar="c"))])
    first = msgspec.structs.replace(whole, steps=[1, 1])
    value = getattr(first, name)
    for spoiled in (value + value[:1] * 2, value[:-1] if name in ("steps", "title", "picture") else value * 3):
        with pytest.raises((ValueError, msgspec.MsgspecError)):
            read(msgspec.structs.replace(first, **{name: spoiled}))


def test_a_column_that_every_reward_needs_is_missed() -> None:
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        read(msgspec.structs.replace(columns_of([WHOLE]), kind=[]))
