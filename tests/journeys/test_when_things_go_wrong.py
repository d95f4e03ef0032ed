"""Lost answers, cut lines, ended sessions, doubled clicks: nothing is spent twice, and the screen says what is safe."""

import sqlite3
from pathlib import Path

from mirabelle.client.device.decode import read_code
from mirabelle.contract.wire import API_PREFIX
from tests.backend import Backend, Person
from tests.journeys.conftest import LINA, NOUR, Apart, Open
from tests.journeys.window import Window
from tests.mails import mailed_code

REDEEM = f"POST {API_PREFIX}/redemptions"
REWARD, PRICE = "croissant", 110


def redeemed(backend: Backend, reward: str = REWARD) -> int:
    """How often anybody redeemed `reward`, as the operator counts it."""
    with sqlite3.connect(f"file:{backend.data / 'mirabelle.sqlite'}?mode=ro", uri=True) as database:
        return int(database.execute("SELECT count(*) FROM redemptions WHERE reward = ?", (reward,)).fetchone()[0])


def signs_in_by_mail(window: Window, apart: Apart, address: str) -> None:
    """From the sign-in page to being signed in."""
    window.sees("welcome.send_code")
    window.submits(address, "welcome.send_again")
    window.types(mailed_code(apart.backend.data, address), submit=True)


def comes_in(window: Window, apart: Apart, address: str) -> Window:
    """From nothing to the wallet of somebody with an e-mail address."""
    window.open("/sign-in", "welcome.send_code")
    signs_in_by_mail(window, apart, address)
    window.sees("welcome.guide_skip")
    window.presses("welcome.guide_skip")
    window.sees("wallet.lately")
    return window


def test_a_doubled_click_spends_once(served: Backend, window: Open) -> None:
    amina = window(served.url).tries_the_demo()
    before = redeemed(served)
    amina.goes_to_checkout(REWARD, PRICE)
    amina.button("checkout.confirm", points=amina.t("shared.points", count=PRICE)).dblclick()
    amina.sees("checkout.thanks", name="Amina")
    amina.presses("checkout.more_rewards")
    amina.turns_to("wallet")
    amina.sees_words("4,960")
    assert redeemed(served) == before + 1


def test_a_lost_answer_spends_once_even_over_a_reload(apart: Apart, window: Open) -> None:
    amina = window(apart.url).tries_the_demo()
    before = redeemed(apart.backend)
    amina.goes_to_checkout(REWARD, PRICE)
    apart.to_api.lose_reply(REDEEM)
    amina.confirms(PRICE)
    amina.sees("checkout.unknown")
    amina.sees("checkout.unknown_safe")
    amina.sees("checkout.unknown_do")
    amina.does_not_see("checkout.discard")
    lost = apart.to_api.lost[REDEEM]
    apart.to_api.lose_reply(REDEEM)
    amina.presses("checkout.unknown_retry")
    amina.until(lambda: apart.to_api.lost[REDEEM] == lost + 1, "the second answer is lost as well")
    amina.open("/vouchers", "vouchers.until", date="")  # loads the page anew, in the middle of it
    amina.turns_to("wallet")
    amina.sees_words("4,960")
    assert redeemed(apart.backend) == before + 1


def test_what_was_filled_in_outlives_a_reload(served: Backend, window: Open) -> None:
    amina = window(served.url).tries_the_demo()
    amina.looks_at("teddy-bear")
    amina.presses("catalog.choose")
    amina.sees("checkout.paying")
    amina.presses("shared.continue")
    amina.sees("checkout.needs_recipient")
    amina.types("Lina")
    amina.reloads("checkout.paying")
    amina.presses("shared.continue")
    amina.sees("checkout.needs_recipient")
    amina.presses("shared.continue")
    amina.sees("checkout.recap_recipient")
    amina.sees_words("Lina")


def test_without_network_nothing_is_sent_and_it_can_be_taken_back(apart: Apart, window: Open) -> None:
    amina = window(apart.url).tries_the_demo()
    before = redeemed(apart.backend)
    amina.goes_to_checkout(REWARD, PRICE)
    apart.to_api.cut()
    amina.confirms(PRICE)
    for text in ("not_sent", "not_sent_safe", "not_sent_do"):
        amina.sees(f"checkout.{text}")
    amina.presses("checkout.discard")
    amina.sees("checkout.can_cancel")
    amina.sees("shared.offline")
    apart.to_api.mend()
    amina.confirms(PRICE)
    amina.sees("checkout.thanks", name="Amina")
    assert redeemed(apart.backend) == before + 1


def test_the_last_one_gone_says_what_happened_what_is_safe_and_what_to_do(served: Backend, window: Open) -> None:
    amina = window(served.url).tries_the_demo()
    amina.goes_to_checkout("cinema-tickets", 900)
    for _ in range(2):  # the others are quicker
        other = served.participant()
        while other.available() >= 900 and other.redeem("cinema-tickets", 900).is_success:
            pass
    amina.confirms(900)
    for text in ("out_of_stock", "out_of_stock_safe", "out_of_stock_do"):
        amina.sees(f"reasons.{text}")
    amina.presses("catalog.to_catalog")
    amina.sees("catalog.title")
    amina.turns_to("wallet")
    amina.sees_words("5,070")


def test_points_spent_elsewhere_meanwhile_are_said_to_be_missing(apart: Apart, window: Open) -> None:
    nour = comes_in(window(apart.url), apart, NOUR)
    nour.goes_to_checkout("album", 480)
    phone = apart.backend.somebody()
    _by_mail(phone, apart.backend)
    while phone.available() >= 480:
        assert phone.redeem("album", 480).is_success
    nour.confirms(480)
    for text in ("not_enough_points", "not_enough_points_safe", "not_enough_points_do"):
        nour.sees(f"reasons.{text}")


def _by_mail(person: Person, backend: Backend) -> None:
    assert person.post("/sign-in/codes", {"email": NOUR, "language": "en"}).is_success
    request = {"email": NOUR, "code": mailed_code(backend.data, NOUR), "device_key": person.device_key}
    person.session = person.post("/sign-in/sessions", request).json()


def test_a_session_that_ended_asks_to_sign_in_and_goes_on_with_the_checkout(apart: Apart, window: Open) -> None:
    lina = comes_in(window(apart.url), apart, LINA)
    lina.looks_at("friend-coffee")
    lina.presses("catalog.choose")
    lina.sees("checkout.paying")
    lina.presses("shared.continue")
    lina.sees("checkout.needs_recipient")
    lina.types("Ines")
    lina.presses("shared.continue")
    lina.sees("checkout.recap_recipient")
    before = redeemed(apart.backend, "friend-coffee")
    apart.clock.move(days=61)  # longer than a session lasts unused
    lina.confirms(120)
    lina.sees("welcome.session_ended")
    lina.sees("welcome.session_ended_hint")
    lina.presses("welcome.sign_in")
    signs_in_by_mail(lina, apart, LINA)
    lina.sees("checkout.paying")
    lina.presses("shared.continue")
    lina.sees("checkout.needs_recipient")
    lina.presses("shared.continue")
    lina.sees_words("Ines")
    assert redeemed(apart.backend, "friend-coffee") == before


def test_with_the_server_gone_wallet_catalog_and_voucher_are_still_there(
    apart: Apart, window: Open, tmp_path: Path
) -> None:
    till = apart.backend.till()
    amina = window(apart.url).tries_the_demo()
    amina.redeems(REWARD, PRICE)
    apart.to_api.cut()
    amina.reloads("vouchers.live")
    code = read_code(amina.picture_of_code(tmp_path / "voucher.png").read_bytes())
    amina.presses("shared.back")
    amina.turns_to("wallet")
    amina.sees_words("4,960")
    amina.sees("shared.offline")
    amina.turns_to("rewards")
    amina.sees_words("Coffee and cake for two")
    apart.to_api.mend()
    assert till.post("/scans", {"frame": code}).json()["verdict"] == "accepted"


def test_a_dropped_connection_leaves_a_living_screen(apart: Apart, window: Open) -> None:
    amina = window(apart.url).tries_the_demo()
    with amina.page.expect_websocket():
        apart.to_web.cut()
        apart.to_web.mend()
    amina.turns_again_to("rewards", "catalog.search", count=74)
    amina.turns_to("vouchers")
    amina.sees("vouchers.tab_used")
    amina.turns_to("rewards")
    amina.sees("catalog.search", count=74)
    amina.redeems(REWARD, PRICE)
