"""Texts in English, French and Arabic, with each language's plurals, digits, dates and money (CLDR; what few pages need
of it through Babel)."""

import logging
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from mirabelle.contract.cldr import WORDS, plural
from mirabelle.contract.places import assets_directory

if TYPE_CHECKING:
    from babel import Locale

log = logging.getLogger(__name__)

LANGUAGES: Final = ("en", "fr", "ar")
FALLBACK: Final = "en"

DateForm = Literal["short", "day", "long", "weekday", "month"]

# Arabic as it is written where the programme's Arabic speakers are met first: Eastern digits and month names in use.
_LOCALES: Final = {"en": "en_GB", "fr": "fr", "ar": "ar_EG"}
_MOST_DAYS: Final = 60 * 7  # from there on weeks are counted
_EASTERN: Final = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")

Words = str | Mapping[str, str]


def texts(language: str) -> Mapping[str, Words]:
    """Every text of `language` by its key "feature.name": a string, or one string for each plural category."""
    found: dict[str, Words] = {}
    for file in sorted((assets_directory() / "translations" / language).glob("*.toml")):
        found |= _texts_of(language, file.stem)
    return found


@cache
def _texts_of(language: str, feature: str) -> Mapping[str, Words]:
    """The texts of one feature, read when the first of them is said."""
    file = assets_directory() / "translations" / language / f"{feature}.toml"
    if not file.exists():
        return {}
    return {f"{feature}.{name}": words for name, words in tomllib.loads(file.read_text(encoding="utf-8")).items()}


def _text(language: str, key: str) -> Words | None:
    return _texts_of(language, key.partition(".")[0]).get(key)


@cache
def _locale(language: str) -> "Locale":
    from babel import Locale

    return Locale.parse(_LOCALES[language])


class Translator:
    """Says things in one language. Times are told in `time_zone`, the device's own where it is None."""

    def __init__(self, language: str, time_zone: tzinfo | None = None) -> None:
        self.language = language if language in LANGUAGES else FALLBACK
        self.time_zone = time_zone

    @property
    def rtl(self) -> bool:
        """Whether the language is written from right to left."""
        return self.language == "ar"

    def __call__(self, key: str, /, count: int | None = None, **values: Any) -> str:
        """The text `key` with its placeholders filled in; whole numbers get local digits, `count` picks the plural."""
        words = _text(self.language, key)
        if words is None:
            log.error("no text %s in %s", key, self.language)
            words = _text(FALLBACK, key)
        if words is None:
            raise KeyError(key)
        if not isinstance(words, str):
            words = words.get(plural(self.language, count or 0)) or words["other"]
        if count is not None:
            values["count"] = count
        told = {name: self.number(value) if isinstance(value, int) else value for name, value in values.items()}
        return words.format(**told)

    def to_somebody(self, key: str, name: str) -> str:
        """The text `key`, which calls somebody by name; where nobody knows it, the one beside it that does without."""
        return self(key, name=name) if name else self(f"{key}_nameless")

    def line(self, *parts: str) -> str:
        """Short facts in one line. A middle dot would read as one more zero among Arabic digits."""
        return self("shared.between").join(part for part in parts if part)

    def _digits(self, text: str) -> str:
        return text.translate(_EASTERN) if self.rtl else text

    def number(self, number: int) -> str:
        """A whole number, grouped, in local digits."""
        return self._digits(f"{number:,}".replace(",", WORDS[self.language].parts_thousands))

    def money(self, minor: int, currency: str) -> str:
        """An amount in minor units of `currency` (ISO 4217)."""
        from decimal import Decimal

        from babel.numbers import format_currency

        from mirabelle.rules.programme import minor_digits

        digits = minor_digits(currency)
        amount = Decimal(minor).scaleb(-digits)
        whole = digits > 0 and minor % 10**digits == 0
        pattern = ("¤#,##0" if self.language == "en" else "#,##0 ¤") if whole else None
        told = format_currency(
            amount,
            currency,
            format=pattern,
            currency_digits=not whole,
            locale=_locale(self.language),
            numbering_system="default",
        )
        return self._digits(told)

    def date(self, day: date, form: DateForm = "long") -> str:
        """A day; one of an aware time is that time's local day."""
        if isinstance(day, datetime):
            day = day.astimezone(self.time_zone).date()
        words = WORDS[self.language]
        if form == "weekday":
            return words.weekdays[day.weekday()]
        month = (words.short_months if form in ("short", "month") else words.months)[day.month - 1]
        told = {"month": month, "long": f"{day.day} {month} {day.year}"}.get(form, f"{day.day} {month}")
        return self._digits(told)

    def time(self, at: datetime | time) -> str:
        """The time of day, hours and minutes."""
        local = at.astimezone(self.time_zone).time() if isinstance(at, datetime) else at
        return self._digits(f"{local.hour:02}:{local.minute:02}")

    def date_time(self, at: datetime) -> str:
        """The day and the time of day."""
        return self("shared.date_time", date=self.date(at, "day"), time=self.time(at))

    def weekday_time(self, at: datetime) -> str:
        """The day of the week and the time of day: for what is less than a week away."""
        return self("shared.weekday_time", day=self.date(at, "weekday"), time=self.time(at))

    def relative_days(self, days: int) -> str:
        """How far a day is from today: "today", "tomorrow", "in 11 days"."""
        if days in (0, 1):
            return self("shared.today" if days == 0 else "shared.tomorrow")
        if 0 < days < _MOST_DAYS:
            return self._digits(WORDS[self.language].in_days[plural(self.language, days)].format(days))
        from babel.dates import format_timedelta

        span = timedelta(days=days)
        return self._digits(
            format_timedelta(span, granularity="day", threshold=60, add_direction=True, locale=_locale(self.language))
        )
