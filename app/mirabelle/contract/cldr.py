"""What the CLDR says of our languages that every page needs: whole numbers, plurals, days. Babel says all of it, and is
loaded only for the rest, as it takes a tenth of the app's start; a test compares the two."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec


class Words(msgspec.Struct, frozen=True):
    """A language's: what parts thousands; the months whole and short, January first; the days of the week, Monday
    first; and how far a day is from today, by the plural of its number."""

    parts_thousands: str
    months: Sequence[str]
    short_months: Sequence[str]
    weekdays: Sequence[str]
    in_days: Mapping[str, str]


_ARABIC_MONTHS: Final = "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر".split()

WORDS: Final = {
    "en": Words(
        ",",
        "January February March April May June July August September October November December".split(),
        "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec".split(),
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
        {"one": "in {} day", "other": "in {} days"},
    ),
    "fr": Words(
        "\u202f",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
        "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.".split(),
        "lundi mardi mercredi jeudi vendredi samedi dimanche".split(),
        {"one": "dans {} jour", "other": "dans {} jours"},
    ),
    "ar": Words(
        "٬",
        _ARABIC_MONTHS,
        _ARABIC_MONTHS,
        "الاثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد".split(),
        {
            "one": "خلال يوم واحد",
            "two": "خلال يومين",
            "few": "خلال {} أيام",
            "many": "خلال {} يومًا",
            "other": "خلال {} يوم",
        },
    ),
}


def plural(language: str, number: int) -> str:
    """The plural category of a whole number in `language`."""
    number = abs(number)
    if language == "ar":
        if number <= 2:
            return ("zero", "one", "two")[number]
        return "few" if 3 <= number % 100 <= 10 else "many" if number % 100 >= 11 else "other"
    if language == "fr":
        return "one" if number <= 1 else "many" if number % 1_000_000 == 0 else "other"
    return "one" if number == 1 else "other"
