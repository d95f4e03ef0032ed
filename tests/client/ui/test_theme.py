"""The look keeps its promises: contrast by day and at night, real weights, tints that keep their hue."""

import colorsys
from pathlib import Path

import flet as ft
import pytest

import mirabelle.client.ui.shared.theme as theme
from mirabelle.client.ui.shared.pictures import tint_of

ASSETS = Path(__file__).parents[3] / "assets"
TEXT_ON_GROUND = [
    ("on_surface", "surface"),
    ("on_surface", "surface_container_lowest"),
    ("on_surface_variant", "surface"),
    ("on_surface_variant", "surface_container_lowest"),
    ("on_surface_variant", "surface_container_high"),
    ("primary", "surface"),
    ("primary", "surface_container_lowest"),
    ("on_primary", "primary"),
    ("on_secondary_container", "secondary_container"),
    ("on_tertiary", "tertiary"),
    ("on_tertiary_container", "tertiary_container"),
    ("on_tertiary_container", "surface_container_lowest"),
    ("on_tertiary_fixed_variant", "tertiary_fixed_dim"),
    ("on_tertiary_fixed", "tertiary_fixed"),
    ("on_tertiary_fixed", "surface_container_lowest"),
    ("on_error_container", "error_container"),
    ("on_primary_fixed", "primary_fixed"),
    ("on_primary_fixed_variant", "primary_fixed"),
    ("on_primary_fixed_variant", "primary_fixed_dim"),
]


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["day", "night"])
@pytest.mark.parametrize(("text", "ground"), TEXT_ON_GROUND)
def test_text_can_be_read_on_its_ground(text, ground, dark):
    scheme = theme.build("en", dark=dark, calm=False).color_scheme
    assert contrast(getattr(scheme, text), getattr(scheme, ground)) >= 4.5


@pytest.mark.parametrize("verdict", [theme.ACCEPTED, theme.REFUSED])
def test_a_verdict_can_be_read_on_its_colour(verdict):
    assert contrast("#FFFFFF", verdict) >= 4.5


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_every_weight_is_a_file_of_its_own_and_none_is_smeared(language):
    styles = theme.build(language, dark=False, calm=False).text_theme
    for role in ("display_large", "headline_small", "title_medium", "body_medium", "label_large"):
        style = getattr(styles, role)
        assert style.weight == ft.FontWeight.NORMAL
        for family in (style.font_family, *style.font_family_fallback):
            assert (ASSETS / theme.FONTS[family]).is_file()


def test_arabic_letters_are_never_pulled_apart():
    styles = theme.build("ar", dark=False, calm=False).text_theme
    assert {styles.display_large.letter_spacing, styles.headline_large.letter_spacing} == {0}


def test_people_who_asked_for_less_motion_get_no_page_transitions():
    moves = theme.build("en", dark=False, calm=True).page_transitions
    assert {moves.android, moves.ios, moves.linux, moves.macos, moves.windows} == {ft.PageTransitionTheme.NONE}


def test_at_night_a_tint_keeps_its_hue_and_stops_glaring():
    night = tint_of("#E8EEFB", dark=True)
    assert luminance(night) < 0.06

    def hue(color: str) -> float:
        return colorsys.rgb_to_hls(*(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)))[0]

    assert hue(night) == pytest.approx(hue("#E8EEFB"), abs=0.02)
    assert tint_of("#E8EEFB", dark=False) == "#E8EEFB"
