"""What lies beside the path: coming in by e-mail, looking around, alerts, settings, and who may see what."""

import io
import re

from PIL import Image
from playwright.sync_api import expect

from mirabelle.contract.translation import Translator
from mirabelle.server.hosting import demo_programme
from tests.backend import Backend
from tests.journeys.conftest import NOUR, Apart, Open
from tests.journeys.window import ONE_TRY_MILLISECONDS, until_it_works
from tests.mails import mailed_code

DESKTOP = {"width": 1440, "height": 900}


def test_one_signs_in_with_a_mailed_code_and_stays_signed_in(apart: Apart, window: Open) -> None:
    nour = window(apart.url).open("/", "welcome.sign_in")
    nour.presses("welcome.sign_in")
    nour.sees("welcome.send_code")
    nour.submits(NOUR, "welcome.send_again")
    code = mailed_code(apart.backend.data, NOUR)
    nour.submits(f"{(int(code) + 1) % 10**6:06}", "reasons.wrong_code")
    nour.sees("reasons.wrong_code_do")
    nour.types(code, submit=True)
    nour.sees("welcome.guide_earn")
    for step in ("choose", "confirm", "show"):
        nour.presses("welcome.guide_next")
        nour.sees(f"welcome.guide_{step}")
    nour.presses("welcome.guide_start")
    nour.sees_words("1,000")
    nour.reloads("wallet.yours_now")
    nour.goes_to("/settings", "settings.sign_out")
    nour.sees("settings.secrets_browser")
    nour.presses("settings.sign_out")
    nour.sees("settings.sign_out_ask")
    nour.button("settings.sign_out").last.click()
    nour.sees("welcome.sign_in")
    nour.reloads("welcome.sign_in")


def test_the_wallet_says_what_there_is_until_when_and_why(served: Backend, window: Open) -> None:
    amina = window(served.url, size=DESKTOP).tries_the_demo()
    amina.sees_words("5,070")
    amina.sees_words("arriving")
    amina.sees_words("Silver")
    amina.sees("wallet.use_them")
    amina.turns_to("activity")
    amina.sees("activity.earlier")  # the wallet, which is still there for a moment, has such rows too
    amina.presses_words("Earned")
    amina.sees("activity.why_earned")
    amina.sees("activity.balance_after")


def test_the_catalog_is_searched_narrowed_linked_to_and_left_by_the_back_button(served: Backend, window: Open) -> None:
    amina = window(served.url).tries_the_demo()
    amina.turns_to("rewards")
    amina.sees("catalog.search", count=74)
    amina.types("THEIERE")  # in French, without its accents
    amina.sees("catalog.found", count=1)
    amina.presses_words("Teapot")
    amina.sees("catalog.choose")
    amina.is_at("/rewards/teapot")
    amina.page.go_back()
    amina.sees("catalog.found", count=1)  # the search is as it was
    amina.types("zzzz")
    amina.sees("catalog.none")
    amina.presses("catalog.clear")
    amina.sees_words("Coffee and cake for two")
    amina.presses_words("Food")
    amina.sees("catalog.found", count=sum(reward.category == "food" for reward in demo_programme().rewards))
    amina.open("/rewards/sea-night", "catalog.missing", count=2330)
    expect(amina.button("catalog.choose")).to_have_count(0)
    amina.goes_to("/rewards/no-such-thing", "catalog.gone")
    amina.goes_to("/nowhere", "shared.not_found")


def test_an_alert_is_counted_read_followed_and_put_away(served: Backend, window: Open) -> None:
    amina = window(served.url).tries_the_demo()
    amina.presses("alerts.bell", count=1)
    amina.sees_words("points expire")
    amina.presses("alerts.points_expire_action")
    amina.sees("catalog.title")
    amina.page.go_back()
    amina.sees_words("points expire")
    amina.presses("alerts.dismiss")
    amina.sees("alerts.empty")
    amina.presses("shared.back")
    amina.sees("wallet.yours_now")
    amina.does_not_see("alerts.bell", count=1)
    amina.reloads("wallet.yours_now")
    amina.does_not_see("alerts.bell", count=1)


def test_language_and_brightness_change_at_once_and_stay(served: Backend, window: Open) -> None:
    amina = window(served.url).tries_the_demo()
    amina.goes_to("/settings", "settings.appearance")
    amina.presses_words("العربية")
    amina.t = Translator("ar")
    amina.sees("settings.appearance")
    amina.presses("settings.theme_dark")
    amina.reloads("settings.appearance")
    assert amina.language() == "ar"
    amina.until(lambda: _is_dark(amina.page.screenshot()), "a dark page")


def _is_dark(picture: bytes) -> bool:
    """Whether the middle of the page's edge is."""
    with Image.open(io.BytesIO(picture)) as opened:
        return int(opened.convert("L").getpixel((4, opened.height // 2))) < 80  # type: ignore[arg-type]


def test_a_locked_app_tells_nothing_of_the_page_beneath(served: Backend, window: Open) -> None:
    amina = window(served.url).tries_the_demo()
    amina.goes_to("/settings/lock", "lock.hint")

    def choose_pin() -> None:
        for number in (0, 1):
            box = amina.page.get_by_role("textbox").filter(visible=True).nth(number)
            box.click()
            expect(box).to_be_focused()
            box.fill("")
            box.fill("284193")
        expect(amina.button("lock.turn_on")).to_be_enabled(timeout=ONE_TRY_MILLISECONDS)

    until_it_works(choose_pin)
    amina.presses("lock.turn_on")
    amina.sees("lock.on_hint")
    amina.presses("lock.now")
    amina.sees("lock.forgotten")
    amina.does_not_see("lock.on_hint")
    door = {amina.t(f"lock.{word}") for word in ("pin", "open", "forgotten")}
    assert set(amina.everything().splitlines()) == door | {amina.t("lock.closed", name="Mirabelle")}
    amina.submits("284193", "lock.on_hint")


def test_staff_and_participants_cannot_see_each_others_pages(served: Backend, window: Open) -> None:
    amina = window(served.url).tries_the_demo()
    sami = window(served.url).tries_the_demo("staff")
    for route in ("/wallet", "/rewards", "/vouchers", "/alerts", "/checkout/croissant", "/activity"):
        sami.goes_to(route, "till.title")
        sami.is_at("/till")
    for route in ("/till", "/till/scans"):
        amina.goes_to(route, "wallet.yours_now")
        amina.is_at("/wallet")
    nobody = window(served.url)
    for route in ("/wallet", "/till", "/settings"):
        nobody.open(route, "welcome.try_participant")


def test_a_voucher_can_be_given_up_for_its_points(served: Backend, window: Open) -> None:
    amina = window(served.url).tries_the_demo()
    amina.redeems("croissant", 110)
    amina.presses("vouchers.more")
    amina.page.get_by_role("menuitem", name=amina.t("vouchers.cancel")).or_(
        amina.button("vouchers.cancel")
    ).first.click()
    amina.sees("vouchers.cancel_hint")
    amina.presses("vouchers.cancel_confirm")
    amina.sees("vouchers.is_cancelled")
    amina.presses("shared.back")
    amina.turns_to("wallet")
    amina.sees_words("5,070")
    assert not re.search(r"4,960\b", amina.everything())
