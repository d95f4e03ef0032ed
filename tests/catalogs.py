"""Catalogs as big as one likes: made up in three languages, or read from a file of real products."""

import gzip
import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from mirabelle.contract import messages as m

_Words = tuple[str, str, str]  # English, French, Arabic

_THINGS: Final[tuple[_Words, ...]] = (
    ("teapot", "théière", "إبريق شاي"), ("scarf", "écharpe", "وشاح"), ("headphones", "casque", "سماعات"),
    ("backpack", "sac à dos", "حقيبة ظهر"), ("notebook", "carnet", "دفتر"), ("lamp", "lampe", "مصباح"),
    ("bicycle", "bicyclette", "دراجة"), ("blanket", "couverture", "بطانية"), ("kettle", "bouilloire", "غلاية"),
    ("chair", "chaise", "كرسي"), ("watch", "montre", "ساعة"), ("umbrella", "parapluie", "مظلة"),
    ("cushion", "coussin", "وسادة"), ("camera", "appareil photo", "آلة تصوير"), ("puzzle", "casse-tête", "أحجية"),
    ("mug", "tasse", "كوب"), ("plant", "plante", "نبتة"), ("candle", "bougie", "شمعة"), ("towel", "serviette", "منشفة"),
    ("speaker", "enceinte", "مكبر صوت"), ("basket", "panier", "سلة"), ("mirror", "miroir", "مرآة"),
    ("clock", "horloge", "ساعة حائط"), ("gloves", "gants", "قفازات"), ("breakfast", "petit-déjeuner", "فطور"),
    ("dinner", "dîner", "عشاء"), ("concert", "concert", "حفل موسيقي"), ("massage", "massage", "تدليك"),
    ("workshop", "atelier", "ورشة"), ("ticket", "billet", "تذكرة"), ("journey", "voyage", "رحلة"),
    ("chocolate", "chocolat", "شوكولاتة"), ("coffee", "café", "قهوة"), ("honey", "miel", "عسل"),
    ("cake", "gâteau", "كعكة"),
)  # fmt: skip
_KINDS_OF_THING: Final[tuple[_Words, ...]] = (
    ("red", "rouge", "أحمر"), ("blue", "bleu", "أزرق"), ("green", "vert", "أخضر"), ("wooden", "en bois", "من الخشب"),
    ("woollen", "en laine", "من الصوف"), ("small", "petit", "صغير"), ("large", "grand", "كبير"),
    ("folding", "pliant", "قابل للطي"), ("travel", "de voyage", "للسفر"), ("winter", "d’hiver", "شتوي"),
    ("summer", "d’été", "صيفي"), ("family", "familial", "عائلي"), ("classic", "classique", "كلاسيكي"),
    ("handmade", "fait main", "مصنوع يدويًا"), ("organic", "biologique", "عضوي"), ("garden", "de jardin", "للحديقة"),
    ("kitchen", "de cuisine", "للمطبخ"), ("children's", "pour enfants", "للأطفال"), ("evening", "du soir", "مسائي"),
    ("glass", "en verre", "زجاجي"), ("silver", "argenté", "فضي"), ("golden", "doré", "ذهبي"),
)  # fmt: skip
_PLACES: Final[tuple[_Words, ...]] = (
    ("Lyon", "Lyon", "ليون"), ("Algiers", "Alger", "الجزائر"), ("Tunis", "Tunis", "تونس"),
    ("Cairo", "Le Caire", "القاهرة"),
    ("Marseille", "Marseille", "مرسيليا"), ("Beirut", "Beyrouth", "بيروت"), ("Geneva", "Genève", "جنيف"),
    ("Brussels", "Bruxelles", "بروكسل"), ("Fez", "Fès", "فاس"), ("Montreal", "Montréal", "مونتريال"),
)  # fmt: skip
_KINDS: Final = ("merchandise", "experience", "digital_good", "travel", "training", "gift_card")
_CATEGORIES: Final = ("home", "food", "tech", "outings", "wellbeing", "children", "travel", "books")
_SYLLABLES: Final = ("ba", "lo", "mi", "ren", "ta", "vel", "sor", "ki", "na", "du", "pra", "len", "go", "shi", "mar")


def generated(count: int, seed: int = 1) -> Iterator[m.Reward]:
    """`count` rewards in three languages, the most popular first."""
    chance = random.Random(seed)
    makers = ["".join(chance.choices(_SYLLABLES, k=3)).capitalize() for _ in range(2000)]
    for number in range(count):
        thing, sort, place = chance.choice(_THINGS), chance.choice(_KINDS_OF_THING), chance.choice(_PLACES)
        maker, model = chance.choice(makers), chance.randrange(10, 1000)
        title = m.Text(
            en=f"{sort[0].capitalize()} {thing[0]} {maker} {model}",
            fr=f"{thing[1].capitalize()} {sort[1]} {maker} {model}",
            ar=f"{thing[2]} {sort[2]} {maker} {model}",
        )
        summary = m.Text(
            en=f"Made in {place[0]} by {maker}.", fr=f"Fabriqué à {place[1]} par {maker}.", ar=f"صُنع في {place[2]}."
        )
        yield reward_of(
            number + 1,
            title,
            summary=summary,
            category=chance.choice(_CATEGORIES),
            kind=chance.choice(_KINDS),
            brand=maker,
            points=chance.randrange(5, 2000) * 10,
            stock=chance.choice((None, chance.randrange(500))),
            popularity=100 - number * 101 // count,
        )


def reward_of(reference: int, title: m.Text, **more: Any) -> m.Reward:
    """A reward of which only what matters is said."""
    plain: dict[str, Any] = {
        "id": f"reward-{reference}", "kind": "merchandise", "category": "home", "brand": None, "points": 100,
        "summary": m.Text(), "terms": m.Text(), "picture": None, "tint": None, "value_minor": None, "stock": None,
        "per_participant": None, "from_tier": None, "store": None, "value_class": "B", "needs": "nothing",
        "fulfilment": "voucher", "valid_days": 90, "available_until": None, "popularity": 0,
    }  # fmt: skip
    return m.Reward(reference=reference, title=title, **(plain | more))


def products(path: Path, count: int | None = None) -> Iterator[m.Reward]:
    """The products in a gzipped file of JSON lines: id, title, category, brand and points; popularity is made up."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(itertools.islice(lines, count)):
            product = msgspec.json.decode(line)
            yield reward_of(
                number + 1,
                m.Text(**product["title"]),
                id=product["id"],
                kind=product["kind"],
                category=product["category"],
                brand=product["brand"],
                points=product["points"],
                popularity=number * 7919 % 101,
            )
