"""Checkout, step by step: what it costs, what is needed, confirm. One draft has one key: nothing is spent twice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flet as ft

from mirabelle.client.api import Refusal
from mirabelle.client.ui.catalog.state import Standing, standing
from mirabelle.client.ui.checkout import outcome
from mirabelle.client.ui.checkout.state import Waiting, is_filled, paying, steps
from mirabelle.client.ui.checkout.steps import (
    confirm_step,
    cost_step,
    date_picker,
    details_step,
    reward_line,
    step_line,
)
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.command import use_command
from mirabelle.client.ui.shared.context import Window, go, use_app, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_live
from mirabelle.client.ui.shared.widgets import (
    empty_state,
    offline_banner,
    page_frame,
    primary_button,
    quiet_button,
)
from mirabelle.client.use_cases.redeem import Redeemed, Refused
from mirabelle.contract.messages import Details, LotShare, Redemption, Reward
from mirabelle.contract.translation import Translator

_WIDTH = 620


@dataclass(frozen=True)
class Counter:
    """What lies on the counter: the reward, what is known of the wallet, what has been filled in so far, and how an
    earlier confirmation of this very draft stands."""

    reward: Reward
    available: int
    shares: list[LotShare]
    standing: Standing
    details: Details
    charities: list[tuple[str, str]]
    key: str
    waiting: Waiting | None


@dataclass(frozen=True)
class Doings:
    """What can be done at the counter."""

    step: Callable[[int], Any]
    change: Callable[[Details], Any]
    pick_date: Callable[[], Any]
    confirm: Callable[[], Any]
    retry: Callable[[], Any]
    discard: Callable[[], Any]


@screen
def checkout_screen(id: str) -> ft.View:
    """The checkout of reward `id`."""
    app, window = use_app(), use_window()
    at, step = ft.use_state(0)
    picking, pick = ft.use_state(False)
    ended, end = ft.use_state(None)

    def read() -> Counter | None:
        reward, wallet, programme, now = app.catalog.get(id), app.wallet.current(), app.programme.current(), app.now()
        if reward is None or wallet is None or programme is None:
            return None
        draft = app.redeem.draft(id)
        return Counter(
            reward=reward,
            available=wallet.available,
            shares=paying(wallet, reward.points, now),
            standing=standing(reward, wallet, programme, app.redemptions.list(), now),
            details=draft.details,
            charities=[(charity.id, charity.name.in_language(app.language)) for charity in programme.charities],
            key=draft.key,
            waiting=app.redeem.waiting(draft.key),
        )

    counter = use_live(app, ("catalog", "wallet", "outbox", "redemptions"), read)

    async def settle(answer: Any) -> Refusal | None:
        end(answer if isinstance(answer, Redeemed) else None)
        return answer.refusal if isinstance(answer, Refused) else None

    async def confirm_now() -> Refusal | None:
        return await settle(await app.redeem.confirm(id))

    async def retry_now() -> Refusal | None:
        return await settle(await app.redeem.retry(counter.key))

    confirm, retry = use_command(confirm_now), use_command(retry_now)
    if counter is None:
        return page_frame("", [_gone(app.t)], back="/rewards")
    doings = Doings(
        step=step,
        change=lambda details: app.redeem.save_draft(id, details),
        pick_date=lambda: pick(True),
        confirm=confirm,
        retry=retry,
        discard=lambda: app.redeem.discard(counter.key),
    )
    calendar = date_picker(app.t, counter.details, app.now(), doings.change, lambda: pick(False))
    ft.use_dialog(calendar if picking else None)
    if isinstance(ended, Redeemed):
        return thanks_view(app.t, window, app.session.name if app.session else "", ended.redemption, counter.reward)
    return checkout_view(
        app.t, window, counter, at, doings, confirm.failed or retry.failed, confirm.running or retry.running
    )


def checkout_view(
    translate: Translator, window: Window, counter: Counter, at: int, do: Doings,
    failed: Refusal | Exception | None, busy: bool,
) -> ft.View:  # fmt: skip
    """The checkout as a page."""
    back = f"/rewards/{counter.reward.id}"
    title = translate("checkout.title")
    if counter.waiting is not None:
        discard = do.discard if counter.waiting == "not_sent" else None
        body = outcome.waiting(translate, counter.waiting, busy, do.retry, discard)
        return page_frame(title, body, back=back, width=_WIDTH)
    way = steps(counter.reward)
    at = min(at, len(way) - 1)
    parts: list[ft.Control] = [
        offline_banner(),
        step_line(translate, way, at),
        reward_line(translate, window, counter.reward),
        *_step(translate, counter, way[at], do),
    ]
    reason = failed or (Refusal(counter.standing.refused, 409, "", None) if counter.standing.refused else None)
    if reason is not None:
        again = do.confirm if at == len(way) - 1 else lambda: do.step(at)
        parts.insert(1, outcome.refused(translate, reason, again, lambda: go("/sign-in"), lambda: go("/rewards")))
    footer = _footer(translate, counter, way, at, do, busy, blocked=counter.standing.refused is not None)
    return page_frame(title, parts, back=back, footer=footer, width=_WIDTH, spacing=20)


def _step(translate: Translator, counter: Counter, step: str, do: Doings) -> list[ft.Control]:
    if step == "cost":
        return cost_step(translate, counter.reward, counter.available, counter.shares)
    if step == "details":
        return details_step(translate, counter.reward, counter.details, counter.charities, do.change, do.pick_date)
    return confirm_step(translate, counter.reward, counter.available, counter.details, counter.charities)


def _footer(
    translate: Translator, counter: Counter, way: tuple[str, ...], at: int, do: Doings, busy: bool, blocked: bool
) -> ft.Control:
    is_last = at == len(way) - 1
    if is_last:
        price = translate("shared.points", count=counter.reward.points)
        forward = primary_button(
            translate("checkout.confirm", points=price), do.confirm, busy=busy, disabled=blocked, key="confirm"
        )
    else:
        missing = way[at] == "details" and not is_filled(counter.reward, counter.details)
        forward = primary_button(
            translate("shared.continue"), lambda: do.step(at + 1), disabled=missing or blocked, key="continue"
        )
    buttons: list[ft.Control] = [ft.Container(forward, expand=True)]
    if at > 0:
        buttons.insert(
            0, quiet_button(translate("shared.back"), lambda: do.step(at - 1), disabled=busy, key="previous")
        )
    return ft.Row(buttons, spacing=theme.M)


def thanks_view(
    translate: Translator, window: Window, name: str, redemption: Redemption, reward: Reward | None
) -> ft.View:
    """Thanks as a page, all plum."""
    voucher = redemption.voucher
    show = f"/vouchers/{voucher.id}" if voucher else "/vouchers?tab=orders"
    words = outcome.thanks(translate, window, name, redemption, reward, lambda: go(show), lambda: go("/rewards"))
    band = ft.Container(
        words,
        gradient=ft.LinearGradient(
            colors=[theme.BAND_START, theme.BAND_END], begin=ft.Alignment.TOP_CENTER, end=ft.Alignment.BOTTOM_CENTER
        ),
        expand=True,
        alignment=ft.Alignment.CENTER,
    )
    return ft.View(route=ft.context.page.route, controls=[band], padding=0, spacing=0)


def _gone(translate: Translator) -> ft.Control:
    return empty_state(
        ft.Icons.REDEEM, translate("catalog.gone"), translate("catalog.gone_hint"), translate("catalog.to_catalog"),
        lambda: go("/rewards"),
    )  # fmt: skip
