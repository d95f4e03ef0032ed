"""The whole path, in real Chromium: from a balance to a voucher that the shop accepts, once."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mirabelle.contract.translation import texts
from tests.backend import Backend
from tests.journeys.conftest import Open
from tests.journeys.names import NAMES

REWARD, PRICE = "coffee-and-cake", 450
TABLET = {"width": 820, "height": 1180}


def test_a_voucher_is_shown_scanned_from_its_picture_and_accepted_once(
    served: Backend, window: Open, tmp_path: Path
) -> None:
    amina = window(served.url).tries_the_demo()
    sami = window(served.url, size=TABLET).tries_the_demo("staff")

    amina.turns_to("rewards")
    amina.sees("catalog.search", count=74)
    amina.presses_words("Coffee and cake for two")
    amina.sees("catalog.choose")
    amina.sees("catalog.terms")
    amina.presses("catalog.choose")
    amina.sees("checkout.paying")
    amina.sees_words("4,620")  # what is left afterwards
    amina.presses("shared.continue")
    amina.confirms(PRICE)
    amina.sees("checkout.thanks", name="Amina")
    amina.presses("checkout.show_voucher")
    amina.sees("vouchers.live")

    sami.scans_picture(amina.picture_of_code(tmp_path / "voucher.png"))
    sami.sees("till.accepted")
    sami.sees_words("Coffee and cake for two")
    sami.presses("till.next")
    sami.sees("till.title")
    sami.scans_picture(amina.picture_of_code(tmp_path / "again.png"))
    sami.sees("till.refused")
    sami.sees("reasons.verdict_already_used")
    sami.sees("reasons.verdict_already_used_do")
    sami.presses("till.next")
    sami.sees("till.title")
    sami.turns_to("history")
    sami.sees("till.history")
    assert sami.everything().count("Already used") == 1

    amina.reloads("vouchers.is_used")
    amina.presses("shared.back")
    amina.sees("vouchers.tab_used")
    amina.presses("vouchers.tab_used")
    amina.sees_words("Used on")
    amina.turns_to("wallet")
    amina.sees_words("4,620")


def test_the_code_is_typed_as_well_and_counts_once_but_a_gift_card_until_it_is_spent(
    served: Backend, window: Open
) -> None:
    amina = served.participant()
    code = amina.redeem(REWARD, PRICE).json()["voucher"]["code"]
    sami = window(served.url).tries_the_demo("staff")
    sami.submits(code.lower().replace("-", " "), "till.accepted")
    sami.presses("till.next")
    sami.sees("till.title")
    sami.submits(code, "till.refused")
    sami.sees("reasons.verdict_not_a_voucher")  # of a typed code the till says no more: whoever guesses learns nothing
    card = amina.redeem("gift-card-any", 2700, recipient="Lina").json()["voucher"]["code"]
    for taken, left in (("€12.50", "€37.50"), ("€37.50", "€0")):
        sami.presses("till.next")
        sami.sees("till.title")
        sami.submits(card, "till.amount_title")
        sami.types_until("till.amount_take", taken.removeprefix("€"), amount=taken)
        sami.presses("till.amount_take", amount=taken)
        sami.sees("till.taken", amount=taken, left=left)


@pytest.mark.parametrize(("language", "direction"), [("fr", "ltr"), ("ar", "rtl")])
def test_the_main_path_speaks_the_devices_language(
    served: Backend, window: Open, language: str, direction: str
) -> None:
    amina, missing, asked = window(served.url, language), list[str](), set[str]()
    amina.page.on("response", lambda answer: missing.append(answer.url) if answer.status == 404 else None)
    amina.page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    amina.tries_the_demo()
    amina.turns_to("rewards")
    amina.sees("catalog.search", count=74)
    amina.redeems(REWARD, PRICE)
    amina.presses("shared.back")
    amina.sees("vouchers.tab_used")
    amina.turns_to("activity")
    amina.sees("activity.spent")
    amina.goes_to("/alerts", "alerts.title")
    amina.goes_to("/settings", "settings.appearance")
    assert amina.language() == language
    assert missing == []  # Flutter looks elsewhere for letters that it has no font for, and draws boxes meanwhile
    assert asked - {""} == {urlsplit(served.url).netloc}  # nobody else hears of who comes here
    said = "\n".join(amina.visited)
    assert not english_words(said, language)
    if direction == "rtl":
        assert not re.findall(r"(?<![\w-])[0-9]+(?![\w-])", without_codes(said))


def without_codes(said: str) -> str:
    """What was said, without what stays in Latin letters and digits: codes, addresses, versions."""
    return re.sub(r"\S*[@.]\S*|\b[0-9A-Z]{4}(-[0-9A-Z]{4}){2}\b|(?:\b[0-9A-Z]\W+){11}[0-9A-Z]\b", "", said)


def english_words(said: str, language: str) -> set[str]:
    """Words of the English texts on the screen that no text of `language` has."""

    def words(of: str) -> set[str]:
        return {word.casefold() for word in re.findall(r"[A-Za-zÀ-ÿ]{3,}", of)}

    def spoken(in_language: str) -> set[str]:
        return words(
            " ".join(str(dict(text) if not isinstance(text, str) else text) for text in texts(in_language).values())
        )

    return (words(without_codes(said)) & spoken("en")) - spoken(language) - NAMES


def test_the_main_path_is_walked_with_the_keyboard_alone(served: Backend, window: Open) -> None:
    amina = window(served.url)
    amina.open("/", "welcome.try_participant")
    for text in ("welcome.try_participant", "welcome.guide_skip"):
        amina.tabs_to(amina.t(text))
        amina.page.keyboard.press("Enter")
    amina.sees("wallet.yours_now")
    amina.tabs_to("Coffee and cake for two")
    amina.page.keyboard.press("Enter")
    amina.sees("catalog.choose")
    for text in ("catalog.choose", "shared.continue"):
        amina.tabs_to(amina.t(text))
        amina.page.keyboard.press("Enter")
    amina.tabs_to(amina.t("checkout.confirm", points=amina.t("shared.points", count=PRICE)))
    amina.page.keyboard.press("Enter")
    amina.sees("checkout.show_voucher")
    amina.tabs_to(amina.t("checkout.show_voucher"))
    amina.page.keyboard.press("Enter")
    amina.sees("vouchers.live")
