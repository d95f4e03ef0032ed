"""What nobody can do and what tills usually do not, by stated rules."""

from datetime import UTC, datetime, timedelta

import pytest

from mirabelle.rules.fraud import Place, Refusals, Visit, distance_km, impossible_travel, unusual_tills

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PARIS, LYON = Place(48.8566, 2.3522), Place(45.7640, 4.8357)
PLACES = {7: PARIS, 8: LYON}


def visit(store: int, minutes: float, who: str = "amina") -> Visit:
    return Visit(who, f"v{minutes}", store, "till", NOON + timedelta(minutes=minutes), f"s{minutes}")


def test_the_way_from_paris_to_lyon_is_392_km() -> None:
    assert distance_km(PARIS, LYON) == pytest.approx(391.5, abs=1)
    assert distance_km(PARIS, PARIS) == 0


@pytest.mark.parametrize(("minutes", "found"), [(0, 1), (120, 1), (195, 1), (197, 0), (600, 0)])
def test_more_than_120_km_an_hour_is_impossible(minutes: float, found: int) -> None:
    assert len(impossible_travel([visit(7, 0), visit(8, minutes)], PLACES)) == found


def test_the_same_store_other_people_and_stores_of_unknown_place_travel_nowhere() -> None:
    visits = [visit(7, 0), visit(7, 1), visit(8, 1, "basil"), visit(9, 2)]
    assert impossible_travel(visits, PLACES) == []


def test_each_leg_of_a_journey_is_looked_at_in_the_order_of_time() -> None:
    there, back = visit(8, 10), visit(7, 20)
    found = impossible_travel([back, there, visit(7, 0)], PLACES)
    assert [(travel.first.store, travel.second.store) for travel in found] == [(7, 8), (8, 7)]


TILLS = [Refusals(f"till-{number}", 100, 4) for number in range(5)]


@pytest.mark.parametrize(("refused", "found"), [(4, 0), (13, 0), (14, 1), (100, 1)])
def test_a_till_is_unusual_from_three_times_and_ten_points_above_the_median(refused: int, found: int) -> None:
    unusual, usual = unusual_tills([*TILLS, Refusals("odd", 100, refused)])
    assert [till.till for till in unusual] == ["odd"] * found
    assert usual == TILLS[0].share


def test_three_times_a_high_median_is_asked_for_as_well() -> None:
    high = [Refusals(f"till-{number}", 100, 20) for number in range(5)]
    assert [len(unusual_tills([*high, Refusals("odd", 100, odd)])[0]) for odd in (59, 60)] == [0, 1]


def test_a_till_with_few_scans_says_nothing() -> None:
    assert unusual_tills([*TILLS, Refusals("new", 19, 19)])[0] == []
    assert unusual_tills([]) == ([], 0)
