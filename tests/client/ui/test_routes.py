"""Addresses lead to pages, pages lie on one another, and nobody sees what is not theirs."""

import pytest

from mirabelle.client.ui import routes


def addresses(route: str, role: str | None) -> list[str]:
    return [visit.route for visit in routes.visits(route, role)]


@pytest.mark.parametrize(("role", "home"), [("participant", "/wallet"), ("staff", "/till"), (None, "/welcome")])
def test_everybody_starts_at_their_own_home(role, home):
    assert addresses("/", role) == [home]


def test_a_deep_link_has_its_parents_beneath_it():
    assert addresses("/rewards/tea-blend", "participant") == ["/rewards", "/rewards/tea-blend"]
    assert addresses("/checkout/tea-blend", "participant") == ["/rewards", "/rewards/tea-blend", "/checkout/tea-blend"]


def test_an_id_arrives_as_it_was_before_it_was_put_into_the_address():
    top = routes.visits("/rewards/caf%C3%A9%20cr%C3%A8me?from=wallet", "participant")[-1]
    assert top.arguments == ("café crème",)


@pytest.mark.parametrize("route", ["/till", "/till/scans"])
def test_a_participant_is_led_home_from_the_till(route):
    assert addresses(route, "participant") == ["/wallet"]


@pytest.mark.parametrize("route", ["/wallet", "/checkout/tea-blend", "/vouchers/1", "/alerts"])
def test_staff_are_led_home_from_what_participants_do(route):
    assert addresses(route, "staff") == ["/till"]


@pytest.mark.parametrize("route", ["/wallet", "/till", "/settings"])
def test_nobody_sees_anything_without_signing_in(route):
    assert addresses(route, None) == ["/welcome"]


def test_an_address_that_nobody_has_says_so():
    assert routes.visits("/no/such/page", "participant")[-1].place is routes.NOWHERE


def test_every_page_names_a_screen_that_exists():
    for place in (*routes.PLACES, routes.NOWHERE):
        assert callable(routes.Visit(place, place.address, ()).screen()), place.address
