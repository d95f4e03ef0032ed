"""Whether a reward can be had, and which reason comes first where several stand against it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mirabelle.rules.redemption import Asked, RewardTerms, refusal
from mirabelle.rules.refusals import RedemptionRefusal

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TERMS = RewardTerms(
    "cup", 100, per_participant=2, from_points=50, available_until=NOW + timedelta(days=1), needs="address"
)
ASKED = Asked(
    TERMS, 100, {"address": "1 rue des Lilas"}, NOW, tier_points=50, had_before=1, in_stock=True, available=100
)

# In the order in which they are told: what nobody can have, before what this participant lacks.
OBSTACLES = {
    RedemptionRefusal.NOT_AVAILABLE: {"terms": replace(TERMS, withdrawn=True)},
    RedemptionRefusal.NOT_YET_AVAILABLE: {"terms": replace(TERMS, available_from=NOW + timedelta(seconds=1))},
    RedemptionRefusal.PRICE_CHANGED: {"agreed_points": 90},
    RedemptionRefusal.OUT_OF_STOCK: {"in_stock": False},
    RedemptionRefusal.TIER_TOO_LOW: {"tier_points": 49},
    RedemptionRefusal.LIMIT_REACHED: {"had_before": 2},
    RedemptionRefusal.DETAILS_MISSING: {"details": {"address": " \n "}},
    RedemptionRefusal.NOT_ENOUGH_POINTS: {"available": 99},
}


def test_what_nothing_stands_against_can_be_had() -> None:
    assert refusal(ASKED) is None


@pytest.mark.parametrize("reason", OBSTACLES)
def test_each_obstacle_has_its_reason(reason: RedemptionRefusal) -> None:
    assert refusal(replace(ASKED, **OBSTACLES[reason])) is reason


def test_of_several_obstacles_the_first_is_told() -> None:
    asked = ASKED
    for reason in reversed(OBSTACLES):
        asked = replace(asked, **OBSTACLES[reason])
        assert refusal(asked) is reason


def test_a_reward_that_does_not_exist_is_not_found() -> None:
    assert refusal(replace(ASKED, terms=None)) is RedemptionRefusal.NOT_FOUND


def test_an_offer_is_over_at_its_last_moment() -> None:
    until = TERMS.available_until
    assert until and refusal(replace(ASKED, at=until - timedelta(microseconds=1))) is None
    assert refusal(replace(ASKED, at=until)) is RedemptionRefusal.NOT_AVAILABLE


def test_past_events_agreed_to_no_price_and_gave_no_details() -> None:
    assert refusal(replace(ASKED, agreed_points=None, details=None)) is None
