"""The ways through the app that its screenshots are taken on: what somebody does, and what is worth a picture."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace
from playwright.sync_api import expect

from mirabelle.rules import fallback_code
from mirabelle.server.hosted import key_commands
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.programme_file import ProgrammeDocument, TransferRules
from tests.journeys.window import ONE_TRY_MILLISECONDS, until_it_works

if TYPE_CHECKING:
    from tests.screenshots import Camera

REWARD: Final = "coffee-and-cake"
TOO_DEAR: Final = "trainers"
ON_A_DAY: Final = "spa-afternoon"
TO_CHARITY: Final = "give"
SCANNED: Final = "croissant"
WITH_MONEY: Final = "gift-card-any"
CHALLENGED: Final = "cheese-tasting"


def programme(*, with_transfers: bool) -> ProgrammeDocument:
    """The demo's, in which a reward of the till's own store asks for a challenge and points may be sent."""
    demo = demo_programme()
    transfers = TransferRules(allowed=with_transfers)
    return replace(
        demo,
        transfers=transfers,
        rewards=[replace(reward, challenge=reward.id == CHALLENGED) for reward in demo.rewards],
    )


def first_steps(camera: "Camera") -> None:
    """Somebody arrives, looks at the ways in, and tries the demo."""
    camera.open("/", "welcome.try_participant")
    camera.shoot("welcome")
    camera.presses("welcome.sign_in")
    camera.sees("welcome.send_code")
    camera.shoot("sign-in")
    camera.presses("till.enrol")
    camera.sees("till.enrol_do")
    camera.shoot("enrol")
    camera.presses("shared.back")
    camera.sees("welcome.send_code")
    camera.types("amina@example.org")
    camera.presses("welcome.send_code")
    camera.sees("welcome.send_again")
    camera.shoot("sign-in-code")
    camera.types("000000", submit=True)
    camera.sees("reasons.wrong_code")
    camera.shoot("sign-in-refused")
    camera.open("/", "welcome.try_participant")
    camera.presses("welcome.try_participant")
    camera.sees("welcome.guide_earn_hint")
    camera.shoot("guide")
    for step in ("choose", "confirm", "show"):
        camera.presses("welcome.guide_next")
        camera.sees(f"welcome.guide_{step}_hint")
    camera.shoot("guide-end")
    camera.presses("welcome.guide_start")
    camera.sees("wallet.yours_now")


def at_home(camera: "Camera") -> None:
    """What a participant has, and what happened to it."""
    camera.shoot("wallet")
    camera.goes_to("/activity", "activity.arrived")
    camera.shoot("activity")
    camera.presses("activity.spent")
    camera.sees("activity.paid_by")
    camera.page.mouse.wheel(0, 300)
    camera.shoot("activity-open")
    camera.goes_to("/alerts", "alerts.dismiss")
    camera.shoot("alerts")
    camera.goes_to("/send", "transfer.recipient")
    camera.shoot("send")
    camera.goes_to("/settings", "settings.appearance")
    camera.shoot("settings")
    camera.presses("settings.sign_out")
    camera.sees("settings.sign_out_ask")
    camera.shoot("sign-out")
    camera.presses("shared.cancel")
    for name, words in (("lock", "lock.choose"), ("reminders", "reminders.often"), ("delete", "leaving.stay")):
        camera.goes_to(f"/settings/{name}", words)
        camera.shoot(name)
    camera.goes_to("/lost", "shared.not_found")
    camera.shoot("nowhere")


def in_the_catalog(camera: "Camera") -> None:
    """Looking for something."""
    camera.goes_to("/rewards", "catalog.spend_first")
    camera.shoot("catalog")
    camera.presses("catalog.filters")
    camera.sees("catalog.affordable")
    camera.shoot("catalog-filters")
    camera.presses("catalog.kind_charity")
    camera.page.keyboard.press("Escape")
    camera.sees("catalog.clear")
    camera.shoot("catalog-filtered")
    camera.types("qqqq")
    camera.sees("catalog.none")
    camera.shoot("catalog-nothing")
    camera.goes_to(f"/rewards/{REWARD}", "catalog.choose")
    camera.shoot("reward")
    camera.goes_to(f"/rewards/{TOO_DEAR}", "catalog.missing_hint")
    camera.shoot("reward-too-dear")
    camera.goes_to("/rewards/lost", "catalog.gone")
    camera.shoot("reward-gone")


def at_the_counter(camera: "Camera") -> None:
    """Redeeming, step by step, and what comes of it."""
    camera.goes_to(f"/checkout/{ON_A_DAY}", "checkout.paying")
    camera.presses("shared.continue")
    camera.sees("checkout.needs_date")
    camera.shoot("checkout-day")
    camera.presses("checkout.choose_date")
    camera.page.get_by_role("dialog").or_(camera.page.get_by_role("alertdialog")).first.wait_for()
    camera.shoot("checkout-calendar")
    camera.page.keyboard.press("Escape")
    camera.goes_to(f"/checkout/{TO_CHARITY}", "checkout.paying")
    camera.presses("shared.continue")
    camera.sees("checkout.needs_charity")
    camera.shoot("checkout-charity")
    camera.goes_to(f"/checkout/{TOO_DEAR}", "reasons.not_enough_points")
    camera.shoot("checkout-refused")
    camera.goes_to("/vouchers", "vouchers.no_ready")
    camera.shoot("vouchers-none")
    camera.goes_to(f"/checkout/{REWARD}", "checkout.paying")
    camera.shoot("checkout-cost")
    camera.presses("shared.continue")
    camera.sees("checkout.can_cancel")
    camera.shoot("checkout-confirm")
    camera.presses("checkout.confirm", points="")
    camera.sees("checkout.show_voucher")
    camera.shoot("thanks")
    camera.presses("checkout.show_voucher")
    camera.sees("vouchers.or_say")
    camera.shoot("voucher")
    camera.goes_to("/vouchers", "vouchers.until", date="")
    camera.shoot("vouchers")
    camera.presses("vouchers.tab_orders")
    camera.shoot("vouchers-orders")


def _redeems(camera: "Camera", reward: str) -> None:
    """To the voucher of a reward that needs nothing."""
    camera.goes_to(f"/checkout/{reward}", "checkout.paying")
    camera.presses("shared.continue")
    camera.sees("checkout.can_cancel")
    camera.presses("checkout.confirm", points="")
    camera.sees("checkout.show_voucher")
    camera.presses("checkout.show_voucher")
    camera.sees("vouchers.live")


def _chooses(camera: "Camera", text: str) -> None:
    """What can be done with the voucher, from its menu."""
    camera.presses("vouchers.more")
    camera.page.get_by_role("menuitem", name=camera.t(text)).first.click()


def with_a_voucher(camera: "Camera") -> None:
    """What can be done with a voucher besides showing it."""
    _redeems(camera, SCANNED)
    camera.presses("vouchers.more")
    camera.page.get_by_role("menuitem").first.wait_for()
    camera.shoot("voucher-deeds")
    camera.page.keyboard.press("Escape")
    for deed in ("paper", "wallet"):
        _chooses(camera, f"vouchers.{deed}")
        camera.sees(f"vouchers.{deed}_hint")
        camera.shoot(f"voucher-{deed}")
        camera.presses("shared.cancel")
    _chooses(camera, "vouchers.give")
    camera.sees("vouchers.give_hint")
    camera.shoot("give")

    def addresses() -> None:
        camera.types("basil@example.org")
        expect(camera.button("shared.continue").first).to_be_enabled(timeout=ONE_TRY_MILLISECONDS)

    until_it_works(addresses)
    camera.presses("shared.continue")
    camera.sees("vouchers.give_for_good")
    camera.shoot("give-confirm")
    camera.presses("vouchers.give_confirm")
    camera.sees("reasons.no_such_recipient")
    camera.shoot("give-refused")


def with_a_task(camera: "Camera", till: "Camera", data: Path) -> None:
    """A voucher that the till sets a task for, and that its operator blocks in the end."""
    _redeems(camera, CHALLENGED)
    camera.sees("vouchers.challenge_hint")
    camera.shoot("voucher-challenge")
    till.goes_to("/till", "till.field")
    till.scans_picture(camera.picture_of_code(data / "voucher.png"))
    till.sees("till.asked")
    till.shoot("till-challenge")
    camera.scans_picture(till.picture_of_code(data / "task.png"))
    camera.sees("vouchers.challenge_answered")
    camera.shoot("voucher-answer")
    till.presses("till.scan_answer")
    till.sees("till.field")
    voucher = camera.page.url.rpartition("/")[2]
    with ThreadPoolExecutor(1) as operator:  # whose command has an event loop of its own, as this thread has already
        operator.submit(key_commands.block_voucher, data / "api", "", voucher, "sold on", datetime.now(UTC)).result()
    camera.reloads("vouchers.is_blocked")
    camera.shoot("voucher-blocked")
    camera.goes_to("/vouchers", "vouchers.is_blocked")
    camera.shoot("vouchers-blocked")


def at_the_till(camera: "Camera", code: str, card: str) -> None:
    """Staff scan `code` twice, something that is no code, and the gift card with the code `card`."""
    camera.open("/till", "welcome.try_staff")
    camera.presses("welcome.try_staff")
    camera.sees("till.field")
    camera.shoot("till")
    for name, entered, outcome in (
        ("till-accepted", code, "accepted"),
        ("till-refused", code, "refused"),
        ("till-no-voucher", "ABCD-EFGH", "refused"),
    ):
        camera.enters(entered, f"till.{outcome}")
        camera.shoot(name)
        camera.presses("till.next")
        camera.sees("till.field")
    camera.enters(card, "till.amount_title")
    camera.types("12.50")
    amount = camera.t.money(1250, "EUR")
    camera.sees("till.amount_take", amount=amount)
    camera.shoot("till-amount")
    camera.presses("till.amount_take", amount=amount)
    camera.sees("till.accepted")
    camera.shoot("till-taken")
    camera.presses("till.next")
    camera.sees("till.field")
    camera.goes_to("/till/scans", "till.history")
    camera.shoot("scans")
    camera.goes_to("/settings", "settings.appearance")
    camera.shoot("settings-staff")


def with_two_accounts(camera: "Camera", server_url: str) -> None:
    """The installed app: a participant joins one more server, as a till, and changes from there."""
    camera.open("/", "welcome.try_participant")
    camera.presses("welcome.try_participant")
    camera.sees("welcome.guide_earn_hint")
    camera.goes_to("/add", "accounts.address")
    camera.shoot("add")
    camera.submits(server_url, "accounts.join_hint")
    camera.shoot("add-join")
    camera.presses("accounts.join")
    camera.sees("welcome.try_staff")
    camera.presses("welcome.try_staff")
    camera.sees("till.field")
    camera.presses("accounts.change")
    camera.sees("accounts.go_on_as")
    camera.shoot("change-account")
    camera.presses("shared.cancel")
    camera.goes_to("/settings", "accounts.one_at_a_time")
    camera.shoot("settings-accounts")


def the_wallet_without_network(camera: "Camera") -> None:
    """The participant once the server is gone, which a page finds out when it is opened."""
    camera.open("/wallet", "shared.offline")
    camera.shoot("offline-wallet")
    camera.goes_to(f"/checkout/{REWARD}", "checkout.paying")
    camera.presses("shared.continue")
    camera.presses("checkout.confirm", points="")
    camera.sees("checkout.not_sent")
    camera.shoot("offline-checkout")
    camera.goes_to("/vouchers", "vouchers.until", date="")
    camera.presses("vouchers.until", date="")
    camera.sees("vouchers.or_say")
    camera.shoot("offline-voucher")


def the_till_without_network(camera: "Camera") -> None:
    """Staff once the server is gone."""
    camera.open("/till", "till.bar_offline")
    camera.shoot("offline-till")
    camera.enters(fallback_code.make(bytes(fallback_code.RANDOM_BYTES)), "till.unchecked")
    camera.shoot("offline-verdict")
    camera.presses("till.next")
    camera.sees("till.field")
    camera.goes_to("/till/report", "till.report")
    camera.shoot("report")
