"""The look: one plum, one sun, paper and ink; a type scale of real weights; spaces and corners.

Colours are named after their use and point at the theme's roles, so that the device switches light and dark by itself.
"""

from functools import cache
from typing import Final

import flet as ft

PLUM: Final = "#6B2C5E"
PLUM_DARK: Final = "#47193E"
SUN: Final = "#F2B33D"
PAPER: Final = "#FBF7F9"
INK: Final = "#241620"
ACCEPTED: Final = "#1F6E3D"  # a till's verdicts look the same in both themes
REFUSED: Final = "#A32620"

CARD: Final = ft.Colors.SURFACE_CONTAINER_LOWEST
LINE: Final = ft.Colors.OUTLINE_VARIANT
QUIET: Final = ft.Colors.ON_SURFACE_VARIANT
WARM: Final = ft.Colors.TERTIARY
WARM_TINT: Final = ft.Colors.TERTIARY_CONTAINER
ON_WARM_TINT: Final = ft.Colors.ON_TERTIARY_CONTAINER
OURS: Final = ft.Colors.PRIMARY
OURS_TINT: Final = ft.Colors.SECONDARY_CONTAINER
ON_OURS_TINT: Final = ft.Colors.ON_SECONDARY_CONTAINER
BAR: Final = ft.Colors.SECONDARY_FIXED
BAND_START: Final = ft.Colors.PRIMARY_FIXED_DIM  # the plum band keeps its plum in the dark
BAND_END: Final = ft.Colors.PRIMARY_FIXED
ON_BAND: Final = ft.Colors.ON_PRIMARY_FIXED
ON_BAND_QUIET: Final = ft.Colors.ON_PRIMARY_FIXED_VARIANT
WARM_BUTTON: Final = ft.Colors.TERTIARY_FIXED_DIM  # a pale sun by day, the sun itself at night
ON_WARM_BUTTON: Final = ft.Colors.ON_TERTIARY_FIXED_VARIANT
GOOD_TINT: Final = ft.Colors.TERTIARY_FIXED
ON_GOOD_TINT: Final = ft.Colors.ON_TERTIARY_FIXED
BAD_TINT: Final = ft.Colors.ERROR_CONTAINER
ON_BAD_TINT: Final = ft.Colors.ON_ERROR_CONTAINER

# Logical pixels.
XS: Final = 4
S: Final = 8
M: Final = 12
L: Final = 16
XL: Final = 24
XXL: Final = 32
CORNER_S: Final = 10
CORNER: Final = 16
CORNER_L: Final = 22
CORNER_XL: Final = 28
CONTENT_WIDTH: Final = 1120
READING_WIDTH: Final = 560
RAIL_FROM: Final = 720
WIDE_FROM: Final = 1040
TAP: Final = 48

# One file per weight: a weight that a family lacks would be smeared out of the regular one.
FONTS: Final = {
    f"{family} {weight}": f"fonts/{file}-{weight}.ttf"
    for family, file in (("Inter", "Inter"), ("Noto Sans Arabic", "NotoSansArabic"))
    for weight in ("Regular", "Medium", "SemiBold", "Bold")
}

NUMBER: Final = ft.TextThemeStyle.DISPLAY_LARGE  # the number people came for
BIG: Final = ft.TextThemeStyle.DISPLAY_MEDIUM
VERDICT: Final = ft.TextThemeStyle.DISPLAY_SMALL
PAGE_TITLE: Final = ft.TextThemeStyle.HEADLINE_LARGE
TITLE: Final = ft.TextThemeStyle.HEADLINE_MEDIUM
SECTION: Final = ft.TextThemeStyle.HEADLINE_SMALL
STRONG_L: Final = ft.TextThemeStyle.TITLE_LARGE
STRONG: Final = ft.TextThemeStyle.TITLE_MEDIUM
STRONG_S: Final = ft.TextThemeStyle.TITLE_SMALL
BODY_L: Final = ft.TextThemeStyle.BODY_LARGE
BODY: Final = ft.TextThemeStyle.BODY_MEDIUM
SMALL: Final = ft.TextThemeStyle.BODY_SMALL
LABEL: Final = ft.TextThemeStyle.LABEL_LARGE
LABEL_S: Final = ft.TextThemeStyle.LABEL_MEDIUM
TINY: Final = ft.TextThemeStyle.LABEL_SMALL

# role: (size, weight, line height for Latin, line height for Arabic, letter spacing for Latin)
_SCALE: Final = {
    "display_large": (60, "SemiBold", 1.05, 1.25, -1.6),
    "display_medium": (44, "SemiBold", 1.1, 1.3, -1.0),
    "display_small": (36, "Bold", 1.15, 1.35, -0.6),
    "headline_large": (30, "SemiBold", 1.2, 1.45, -0.5),
    "headline_medium": (25, "SemiBold", 1.25, 1.45, -0.3),
    "headline_small": (20, "SemiBold", 1.3, 1.5, -0.2),
    "title_large": (18, "SemiBold", 1.35, 1.55, -0.1),
    "title_medium": (16, "SemiBold", 1.35, 1.55, 0),
    "title_small": (14, "SemiBold", 1.4, 1.6, 0),
    "body_large": (16, "Regular", 1.5, 1.7, 0),
    "body_medium": (14.5, "Regular", 1.45, 1.65, 0),
    "body_small": (13, "Regular", 1.4, 1.6, 0),
    "label_large": (14.5, "Medium", 1.35, 1.5, 0),
    "label_medium": (13, "Medium", 1.35, 1.5, 0),
    "label_small": (12, "Medium", 1.35, 1.5, 0),
}

BIG_SIZE, TITLE_SIZE = _SCALE["display_medium"][0], _SCALE["headline_medium"][0]  # logical pixels

_IN_ARABIC: Final = {"SemiBold": "Bold", "Medium": "SemiBold"}  # the same weight looks lighter in Noto Sans Arabic

_LIGHT: Final = {
    "primary": PLUM,
    "on_primary": "#FFFFFF",
    "primary_container": "#F4DFEE",
    "on_primary_container": PLUM_DARK,
    "secondary": "#6F5468",
    "on_secondary": "#FFFFFF",
    "secondary_container": "#F3E3EF",
    "on_secondary_container": PLUM_DARK,
    "tertiary": SUN,
    "on_tertiary": "#3D2600",
    "tertiary_container": "#FFEFD0",
    "on_tertiary_container": "#6B4300",
    "error": REFUSED,
    "on_error": "#FFFFFF",
    "error_container": "#FBE3E0",
    "on_error_container": "#7A1813",
    "surface": PAPER,
    "on_surface": INK,
    "on_surface_variant": "#675562",
    "outline": "#8C7886",
    "outline_variant": "#EADFE7",
    "surface_container_lowest": "#FFFFFF",
    "surface_container_low": "#F8F1F6",
    "surface_container": "#F5EDF2",
    "surface_container_high": "#F0E6ED",
    "surface_container_highest": "#EADEE7",
    "inverse_surface": "#3A2B35",
    "on_inverse_surface": "#FBF0F7",
    "inverse_primary": "#EDB5DC",
    "primary_fixed": PLUM,
    "primary_fixed_dim": PLUM_DARK,
    "on_primary_fixed": "#FFFFFF",
    "on_primary_fixed_variant": "#E9D5E5",
    "secondary_fixed": "#E5D0DE",
    "tertiary_fixed": "#E2F2E7",
    "on_tertiary_fixed": "#1A5A33",
    "tertiary_fixed_dim": "#FFEFD0",
    "on_tertiary_fixed_variant": "#6B4300",
    "surface_tint": ft.Colors.TRANSPARENT,
    "shadow": "#47193E",
}
_DARK: Final = {
    "primary": "#EBB6DB",
    "on_primary": "#4A1A40",
    "primary_container": "#5E2653",
    "on_primary_container": "#FFD8F1",
    "secondary": "#DCBFD3",
    "on_secondary": "#3F2A39",
    "secondary_container": "#4A3445",
    "on_secondary_container": "#F8DDEF",
    "tertiary": SUN,
    "on_tertiary": "#3D2600",
    "tertiary_container": "#46330F",
    "on_tertiary_container": "#FFDFA3",
    "error": "#FFB4AB",
    "on_error": "#690005",
    "error_container": "#5A1C18",
    "on_error_container": "#FFDAD5",
    "surface": "#171016",
    "on_surface": "#F3E8EF",
    "on_surface_variant": "#C9B7C3",
    "outline": "#9C8996",
    "outline_variant": "#392C36",
    "surface_container_lowest": "#221920",
    "surface_container_low": "#1D151C",
    "surface_container": "#271D25",
    "surface_container_high": "#31262F",
    "surface_container_highest": "#3C303A",
    "inverse_surface": "#F3E8EF",
    "on_inverse_surface": "#3A2B35",
    "inverse_primary": PLUM,
    "primary_fixed": "#5C2651",
    "primary_fixed_dim": "#341230",
    "on_primary_fixed": "#FFFFFF",
    "on_primary_fixed_variant": "#E3CBDD",
    "secondary_fixed": "#5A4454",
    "tertiary_fixed": "#17351F",
    "on_tertiary_fixed": "#AEE0BD",
    "tertiary_fixed_dim": SUN,
    "on_tertiary_fixed_variant": "#3D2600",
    "surface_tint": ft.Colors.TRANSPARENT,
    "shadow": "#000000",
}


def family(language: str, weight: str = "Regular") -> str:
    """The font family that writes `language` in `weight` (Regular, Medium, SemiBold, Bold)."""
    return f"Noto Sans Arabic {weight}" if language == "ar" else f"Inter {weight}"


def type_style(role: str, language: str, color: str | None = None) -> ft.TextStyle:
    """The style of one role of the type scale, named as Material names it, such as `title_medium`."""
    size, weight, latin, arabic, spacing = _SCALE[role]
    is_arabic = language == "ar"
    if is_arabic:
        weight = _IN_ARABIC.get(weight, weight)
    return ft.TextStyle(
        size=size,
        color=color,
        height=arabic if is_arabic else latin,
        weight=ft.FontWeight.NORMAL,  # the family's file is the weight
        letter_spacing=0 if is_arabic else spacing,  # Arabic letters join: spacing would tear them
        font_family=family(language, weight),
        font_family_fallback=[family("en" if is_arabic else "ar", weight)],
    )


@cache
def in_line(role: str, language: str, color: ft.ColorValue) -> ft.TextStyle:
    """The style of one role for a part of a text in another; the same for all texts, and never changed."""
    return type_style(role, language, color)


def _button_style(language: str, **colours: ft.ColorValue) -> ft.ButtonStyle:
    return ft.ButtonStyle(
        padding=ft.Padding.symmetric(horizontal=22, vertical=14),
        shape=ft.StadiumBorder(),
        text_style=type_style("label_large", language),
        **colours,
    )


def _all_text(language: str, color: str) -> ft.TextTheme:
    return ft.TextTheme(**{role: type_style(role, language, color) for role in _SCALE})


def _nav_label(language: str, colours: dict[str, str]) -> dict[ft.ControlState, ft.TextStyle]:
    """Small enough for "Portefeuille" on a small phone when type is at its largest."""

    def label(color: str) -> ft.TextStyle:
        style = type_style("label_small", language, color)
        style.size, style.letter_spacing = 11.5, 0 if language == "ar" else -0.1
        return style

    return {
        ft.ControlState.SELECTED: label(colours["on_surface"]),
        ft.ControlState.DEFAULT: label(colours["on_surface_variant"]),
    }


@cache
def build(language: str, *, dark: bool, calm: bool) -> ft.Theme:
    """Flet's theme for a language; `calm` leaves page transitions out, for people who asked for less motion. The same
    for all pages, and never changed: it is of 150 parts."""
    moves = ft.PageTransitionTheme.NONE if calm else ft.PageTransitionTheme.FADE_FORWARDS
    colours = _DARK if dark else _LIGHT
    card, line = colours["surface_container_lowest"], colours["outline_variant"]
    # Inside a theme Flet resolves the names of roles by the seed alone: colours are given as they are here.
    return ft.Theme(
        color_scheme_seed=PLUM,
        color_scheme=ft.ColorScheme(**colours),
        font_family=family(language),
        text_theme=_all_text(language, colours["on_surface"]),
        scaffold_bgcolor=colours["surface"],
        hover_color=ft.Colors.with_opacity(0.05, colours["primary"]),
        focus_color=ft.Colors.with_opacity(0.12, colours["primary"]),
        page_transitions=ft.PageTransitionsTheme(
            android=moves,
            linux=moves,
            macos=moves,
            windows=moves,
            ios=ft.PageTransitionTheme.NONE if calm else ft.PageTransitionTheme.CUPERTINO,
        ),
        filled_button_theme=ft.FilledButtonTheme(style=_button_style(language)),
        outlined_button_theme=ft.OutlinedButtonTheme(style=_button_style(language)),
        text_button_theme=ft.TextButtonTheme(
            style=ft.ButtonStyle(
                padding=ft.Padding.symmetric(horizontal=14, vertical=12),
                text_style=type_style("label_large", language),
            )
        ),
        navigation_bar_theme=ft.NavigationBarTheme(label_text_style=_nav_label(language, colours)),
        snackbar_theme=ft.SnackBarTheme(
            behavior=ft.SnackBarBehavior.FLOATING,
            shape=ft.RoundedRectangleBorder(radius=CORNER),
            content_text_style=type_style("body_medium", language),
        ),
        dialog_theme=ft.DialogTheme(
            bgcolor=card,
            shape=ft.RoundedRectangleBorder(radius=CORNER_XL),
            title_text_style=type_style("headline_small", language, colours["on_surface"]),
            content_text_style=type_style("body_medium", language, colours["on_surface"]),
        ),
        date_picker_theme=ft.DatePickerTheme(
            bgcolor=card,
            header_headline_text_style=type_style("headline_medium", language),  # the usual one cuts Arabic days off
        ),
        bottom_sheet_theme=ft.BottomSheetTheme(bgcolor=card, show_drag_handle=True),
        divider_theme=ft.DividerTheme(color=line, thickness=1, space=1),
        tooltip_theme=ft.TooltipTheme(wait_duration=ft.Duration(milliseconds=500)),
        visual_density=ft.VisualDensity.STANDARD,
    )
