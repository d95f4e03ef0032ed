"""Texts in three languages: every one is there, in each, with the same placeholders, and is used."""

import ast
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_decimal

import mirabelle
from mirabelle.contract.cldr import plural
from mirabelle.contract.translation import LANGUAGES, Translator, texts

APP = Path(mirabelle.__file__).parent
OTHERS = [language for language in LANGUAGES if language != "en"]
# What Latin letters in Arabic texts may spell: names, and what is written so by everybody.
LATIN_IN_ARABIC = set(
    "QR XXXX Mirabelle Apache Inter Noto Sans Arabic OFL Fluent Emoji MIT A Letter CSV PDF Apple Google "
    "https http points example".split()
)
ALIKE_IN_FRENCH = set(
    "accounts.as_participant "
    "settings.contact settings.programme settings.version shared.points shared.points_word vouchers.code "
    "vouchers.paper_a4 vouchers.wallet_google".split()
)
A_KEY = re.compile(r"^[a-z]+\.[a-z0-9_]+$")


def strings(words: str | Mapping[str, str]) -> list[str]:
    return [words] if isinstance(words, str) else list(words.values())


def placeholders(words: str | Mapping[str, str]) -> set[str]:
    parsed = chain.from_iterable(Formatter().parse(text) for text in strings(words))
    return {name for _, name, _, _ in parsed if name is not None}


def used_keys() -> tuple[set[str], set[tuple[str, str]]]:
    """Every key that the code spells out, and the beginnings and ends of those that it puts together."""
    features = {key.partition(".")[0] for key in texts("en")}
    whole, parts = set(), set()
    for file in APP.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
        pieces = {id(piece) for node in nodes if isinstance(node, ast.JoinedStr) for piece in node.values}
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces:
                if A_KEY.match(node.value) and node.value.partition(".")[0] in features:
                    whole.add(node.value)
            elif isinstance(node, ast.JoinedStr) and len(node.values) > 1:
                first, last = node.values[0], node.values[-1]
                if isinstance(first, ast.Constant) and str(first.value).partition(".")[0] in features:
                    parts.add((str(first.value), str(last.value) if isinstance(last, ast.Constant) else ""))
    return whole, {(begin, end) for begin, end in parts if "." in begin}


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_there_in_every_language_with_the_same_placeholders(language: str) -> None:
    english, other = texts("en"), texts(language)
    assert english.keys() == other.keys()
    differing = {
        key: (placeholders(english[key]), placeholders(other[key]))
        for key in english
        if placeholders(english[key]) - {"count"} != placeholders(other[key]) - {"count"}
    }
    assert not differing


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_plural_has_each_form_of_its_language(language: str) -> None:
    wanted = set(Locale.parse(language).plural_form.tags) | {"other"}
    wanted -= {"many"} if language == "fr" else set()  # French "many" begins at a million; "other" says the same
    plurals = {key: set(words) for key, words in texts(language).items() if not isinstance(words, str)}
    assert plurals
    assert not {key: wanted ^ forms for key, forms in plurals.items() if forms - {"many"} != wanted - {"many"}}
    if language == "ar":
        assert all("many" in forms for forms in plurals.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_only_english(language: str) -> None:
    empty = [key for key, words in texts(language).items() if not all(text.strip() for text in strings(words))]
    assert not empty


def test_no_latin_word_is_left_in_arabic() -> None:
    left = {
        key: sorted(found)
        for key, words in texts("ar").items()
        if (found := set(re.findall(r"[A-Za-z]+", _without_placeholders(words))) - LATIN_IN_ARABIC)
    }
    assert not left


def _without_placeholders(words: str | Mapping[str, str]) -> str:
    return re.sub(r"\{[a-z_]+\}", "", " ".join(strings(words)))


def test_french_is_not_english() -> None:
    english, french = texts("en"), texts("fr")
    same = {
        key
        for key in english
        if english[key] == french[key] and re.search("[a-z]{2}", _without_placeholders(french[key]))
    }
    assert same <= ALIKE_IN_FRENCH


def test_every_text_that_the_code_asks_for_is_there() -> None:
    whole, parts = used_keys()
    missing = whole - texts("en").keys()
    assert not missing
    assert not [(begin, end) for begin, end in parts if not list(_matching(begin, end))]


def test_every_text_is_asked_for() -> None:
    whole, parts = used_keys()
    put_together = {key for begin, end in parts for key in _matching(begin, end)}
    assert not texts("en").keys() - whole - put_together


def _matching(begin: str, end: str) -> Iterator[str]:
    return (key for key in texts("en") if key.startswith(begin) and key.endswith(end))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_can_be_said(language: str) -> None:
    translate = Translator(language)
    for key, words in texts(language).items():
        values = dict.fromkeys(placeholders(words) - {"count"}, "x")
        for count in (0, 1, 2, 5, 11, 100, 1_000_000):
            assert translate(key, count=count, **values)


def test_digits_dates_and_money_are_written_as_each_language_does() -> None:
    paris = ZoneInfo("Europe/Paris")
    at = datetime(2026, 11, 3, 23, 5, tzinfo=UTC)  # the fourth in Paris
    english, french, arabic = (Translator(language, paris) for language in LANGUAGES)
    assert [t.number(4820) for t in (english, french, arabic)] == ["4,820", "4\u202f820", "٤٬٨٢٠"]
    assert [t.date(at) for t in (english, french, arabic)] == ["4 November 2026", "4 novembre 2026", "٤ نوفمبر ٢٠٢٦"]
    assert [t.time(at) for t in (english, french, arabic)] == ["00:05", "00:05", "٠٠:٠٥"]
    assert english.money(2050, "EUR") == "€20.50" and english.money(2000, "EUR") == "€20"
    assert french.money(2050, "EUR") == "20,50\u00a0€"
    assert not re.search(r"[0-9]", arabic.money(2050, "EUR") + arabic.date(date(2026, 1, 2), "short"))
    assert english.relative_days(11) == "in 11 days"
    assert arabic.rtl and not french.rtl


@pytest.mark.parametrize(("language", "region"), [("en", "en_GB"), ("fr", "fr"), ("ar", "ar_EG")])
def test_what_is_said_without_babel_is_what_babel_says(language: str, region: str) -> None:
    translate, locale = Translator(language), Locale.parse(region)
    eastern = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩" if language == "ar" else "0123456789")
    numbers = [*range(130), 999, 1000, 1003, 1011, 9999, 10_000, 123_456, 1_000_000, 2_000_003, 10**9]
    for number in (*numbers, *(-number for number in numbers)):
        said = format_decimal(number, locale=locale, numbering_system="default").translate(eastern)
        assert (translate.number(number), plural(language, number)) == (said, locale.plural_form(number))
    forms = {"short": "d MMM", "day": "d MMMM", "long": "d MMMM y", "weekday": "EEEE", "month": "LLL"}
    days = [date(2026, month, day) for month in range(1, 13) for day in (1, 8, 17, 26)]
    for form, pattern in forms.items():
        said_by_both = [(translate.date(day, form), format_date(day, pattern, locale=locale)) for day in days]
        assert all(ours == theirs.translate(eastern) for ours, theirs in said_by_both)
    for at in (time(0, 0), time(9, 5), time(23, 59)):
        assert translate.time(at) == format_time(at, "HH:mm", locale=locale).translate(eastern)
    for ahead in (-3, *range(2, 120), 199, 365, 419, 420, 900):
        span = timedelta(days=ahead)
        told = format_timedelta(span, granularity="day", threshold=60, add_direction=True, locale=locale)
        assert translate.relative_days(ahead) == told.translate(eastern)


def test_a_language_that_is_not_spoken_gets_english() -> None:
    assert Translator("de")("shared.back") == Translator("en")("shared.back") != Translator("fr")("shared.back")
