"""A till whose network is gone, in real Chromium: it goes on, says so, and tells the programme when it is back."""

import time
from pathlib import Path

from playwright.sync_api import Playwright

from tests import chromium
from tests.client.tills import Customer
from tests.journeys.conftest import Apart, Open
from tests.journeys.film import film_of
from tests.journeys.window import Window

REWARD, PRICE = "coffee-and-cake", 450
TABLET = {"width": 820, "height": 1180}


def comes_to_work(window: Window) -> Window:
    """A till that has heard what it must know to go on alone."""
    window.tries_the_demo("staff")
    window.sees("till.until", time="")
    return window


def test_the_camera_accepts_once_without_network_and_the_receipt_comes_when_it_is_back(
    apart: Apart, window: Open, playwright: Playwright, tmp_path: Path
) -> None:
    film = tmp_path / "voucher.y4m"  # Chromium reads it when the camera is first used
    eye = chromium.launch(
        playwright,
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    sami = comes_to_work(window(apart.url, size=TABLET, eye=eye))
    amina = window(apart.url).tries_the_demo()
    amina.redeems(REWARD, PRICE)
    film_of(amina.picture_of_code(tmp_path / "voucher.png"), film)
    apart.to_api.cut()
    sami.presses("till.use_camera")
    sami.sees("till.accepted")
    sami.sees("till.bar_offline")
    sami.sees("till.bar_waiting", count=1)
    sami.presses("till.next")
    sami.sees("till.bar_waiting", count=1)
    apart.to_api.mend()
    sami.sees("till.bar_sent")
    sami.turns_to("history")
    sami.sees("till.history")
    sami.until(lambda: sami.everything().count("Accepted") == 1, "one scan")  # though the code still lies there
    amina.reloads("vouchers.is_used")


def test_a_voucher_used_elsewhere_meanwhile_is_told_as_such_with_what_it_cost(apart: Apart, window: Open) -> None:
    customer, other = Customer(apart.backend), apart.backend.till()
    sami = comes_to_work(window(apart.url, size=TABLET))
    apart.to_api.cut()
    sami.submits(customer.frame(), "till.accepted")
    assert other.post("/scans", {"frame": customer.person.show(customer.voucher, int(time.time()))}).is_success
    apart.to_api.mend()
    sami.presses("till.next")
    sami.sees("till.bar_sent")
    sami.turns_to("history")
    sami.sees("till.history")
    points = sami.t("shared.points", count=PRICE)
    sami.until(lambda: f"{points} booked to offline loss" in sami.everything(), "the conflict in words")


def test_a_till_is_not_signed_out_while_a_scan_waits(apart: Apart, window: Open) -> None:
    customer = Customer(apart.backend)
    sami = comes_to_work(window(apart.url, size=TABLET))
    apart.to_api.cut()
    sami.submits(customer.frame(), "till.accepted")
    sami.presses("till.next")
    sami.turns_to("settings")
    sami.sees("settings.appearance")
    sami.presses("settings.sign_out")
    sami.sees("settings.cannot_sign_out")
    sami.presses("settings.stay")
    apart.to_api.mend()
    sami.turns_to("scan")
    sami.sees("till.bar_sent")
