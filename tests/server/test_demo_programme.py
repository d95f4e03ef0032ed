"""What the demo programme promises to those who open it: enough rewards, of every kind, whole in three languages."""

import re
import tomllib
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "app/mirabelle/server/demo"
PICTURES = DEMO / "pictures"
LANGUAGES = {"en", "fr", "ar"}
KINDS = {
    "merchandise", "gift_card", "experience", "discount", "cash_back", "status", "points_exchange", "free_trial",
    "customised", "charity", "training", "exclusive_access", "travel", "digital_good", "referral_bonus", "personalised",
}  # fmt: skip
KEYS = {
    "id", "kind", "category", "points", "value", "picture", "tint", "stock", "per_participant", "from_tier",
    "valid_days", "store", "value_class", "needs", "fulfilment", "popularity", "available_until",
    "title", "summary", "terms", "paper", "challenge", "uses", "balance",
}  # fmt: skip

PROGRAMME: dict[str, Any] = tomllib.loads((DEMO / "programme.toml").read_text(encoding="utf-8"))
REWARDS: list[dict[str, Any]] = [
    reward
    for path in sorted(DEMO.glob("rewards*.toml"))
    for reward in tomllib.loads(path.read_text(encoding="utf-8"))["rewards"]
]


def ids_of(table: str) -> set[str]:
    return {row["id"] for row in PROGRAMME[table]}


each_reward = pytest.mark.parametrize("reward", REWARDS, ids=lambda reward: reward["id"])


def test_there_are_at_least_sixty_rewards_with_ids_of_their_own() -> None:
    assert len(REWARDS) >= 60
    assert len({reward["id"] for reward in REWARDS}) == len(REWARDS)


def test_every_kind_has_at_least_three_rewards() -> None:
    counts = Counter(reward["kind"] for reward in REWARDS)
    assert set(counts) == KINDS
    assert min(counts.values()) >= 3


def test_every_category_has_rewards_and_every_store_has_staff() -> None:
    assert {reward["category"] for reward in REWARDS} == ids_of("categories")
    assert {member["store"] for member in PROGRAMME["staff"]} == ids_of("stores")


@pytest.mark.parametrize("table", ["tiers", "stores", "charities", "categories"])
def test_every_name_of_the_programme_is_there_in_three_languages(table: str) -> None:
    for row in PROGRAMME[table]:
        assert set(row["name"]) == LANGUAGES
        assert all(row["name"].values())


@each_reward
def test_a_reward_is_whole_in_three_languages(reward: dict[str, Any]) -> None:
    for field in ("title", "summary", "terms"):
        assert set(reward[field]) == LANGUAGES
        assert all(text == text.strip() and text for text in reward[field].values())
        assert len(set(reward[field].values())) == len(LANGUAGES), "a text left untranslated"
        assert not re.search("[A-Za-z]", reward[field]["ar"]), "Latin letters among the Arabic"
    assert len(reward["title"]["en"]) <= 30
    assert max(len(title) for title in reward["title"].values()) <= 34


@each_reward
def test_a_reward_says_nothing_that_the_programme_does_not_know(reward: dict[str, Any]) -> None:
    assert set(reward) <= KEYS
    assert reward.get("store", "cafe-lumiere") in ids_of("stores")
    assert reward.get("from_tier", "gold") in ids_of("tiers")
    assert reward["needs"] in {"nothing", "address", "recipient", "date", "charity"}
    assert reward["fulfilment"] in {"voucher", "order"}
    assert re.fullmatch("#[0-9A-F]{6}", reward["tint"])
    assert 100 <= reward["points"] <= 12000
    assert 0 <= reward["popularity"] <= 100
    assert reward["valid_days"] > 0
    assert Decimal(reward.get("value", "1.00")).as_tuple().exponent == -2
    assert date.fromisoformat(reward.get("available_until", "2030-12-31")).year >= 2030


@each_reward
def test_a_voucher_is_bounded_by_its_value_class(reward: dict[str, Any]) -> None:
    assert reward["value_class"] in {"A", "B", "C"}
    if reward["value_class"] == "A":
        assert Decimal(reward.get("value", "0")) <= 10, "class A is for what is small"
    if reward["value_class"] == "B":
        assert "store" in reward, "class B is bound to one store"
    if reward["kind"] == "gift_card" or reward["fulfilment"] == "order":
        assert reward["value_class"] == "C", "a balance is spent online only; an order has nothing to scan"


@each_reward
def test_what_is_shipped_or_donated_is_an_order(reward: dict[str, Any]) -> None:
    if reward["needs"] in {"address", "charity"} or reward["kind"] in {"charity", "cash_back", "points_exchange"}:
        assert reward["fulfilment"] == "order"


def test_every_reward_has_a_picture_of_its_own_and_no_picture_is_left_over() -> None:
    pictures = [reward["picture"] for reward in REWARDS]
    assert len(set(pictures)) == len(pictures)
    files = sorted(PICTURES.glob("*.webp"))
    assert {f"pictures/{path.name}" for path in files} == set(pictures)
    assert len({path.read_bytes() for path in files}) == len(files)


def test_the_catalog_shows_every_state_a_reward_can_be_in() -> None:
    stocks = [reward["stock"] for reward in REWARDS if "stock" in reward]
    assert 0 in stocks
    assert stocks.count(3) >= 3
    assert any(reward.get("from_tier") == "gold" for reward in REWARDS)
    assert sum("available_until" in reward for reward in REWARDS) == 2
    assert {reward["value_class"] for reward in REWARDS} == {"A", "B", "C"}
    assert {reward["needs"] for reward in REWARDS} == {"nothing", "address", "recipient", "date", "charity"}
    assert sum(reward["points"] < 2500 for reward in REWARDS) >= 40
