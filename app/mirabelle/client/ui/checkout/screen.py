"""Checkout, step by step: what it costs, what is needed, confirm. One draft has one key: nothing is spent twice."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import flet as ft

from mirabelle.client.api import Refusal
from mirabelle.client.ui.catalog.state import Standing, standing
from mirabelle.client.ui.checkout import outcome
from mirabelle.client.ui.checkout.state import Waiting, is_filled, just_redeemed, new_since, paying, steps
from mirabelle.client.ui.checkout.steps import (
    confirm_step,
    cost_step,
    date_picker,
    details_step,
    reward_card,
    reward_line,
    step_line,
)
from mirabelle.client.ui.shared import theme
from mirabelle.client.ui.shared.command import use_command
from mirabelle.client.ui.shared.context import Window, go, use_app, use_window
from mirabelle.client.ui.shared.frame import screen
from mirabelle.client.ui.shared.live import use_dialog, use_live
from mirabelle.client.ui.shared.widgets import (
    banner,
    empty_state,
    page_frame,
    primary_button,
    quiet_button,
    text_button,
)
from mirabelle.client.use_cases.redeem import Redeemed, Refused, Superseded
from mirabelle.contract.messages import Details, LotShare, Redemption, Reward
from mirabelle.contract.reasons import Reason
from mirabelle.contract.translation import Translator

if TYPE_CHECKING:
    from mirabelle.client.app import App

_WIDTH = 620
_WIDE = 960


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
    refused: str | None
    redemptions: list[Redemption]
    already: Redemption | None


@dataclass(frozen=True)
class Doings:
    """What can be done at the counter."""

    step: Callable[[int], Any]
    change: Callable[[Details], Any]
    pick_date: Callable[[], Any]
    confirm: Callable[[], Any]
    retry: Callable[[], Any]
    discard: Callable[[], Any]
    start_over: Callable[[], Any]


@screen
def checkout_screen(id: str) -> ft.View:
    """The checkout of reward `id`."""
    app, window = use_app(), use_window()
    at, step = ft.use_state(0)
    picking, pick = ft.use_state(False)
    ended, end = ft.use_state(None)

    counter = use_live(app, ("catalog", "wallet", "outbox", "redemptions"), lambda: _counter(app, id))

    async def settle(answer: Any) -> Refusal | None:
        end(answer.redemption if isinstance(answer, Redeemed) else None)
        if isinstance(answer, Superseded):
            step(0)  # where it says what became of it
        return answer.refusal if isinstance(answer, Refused) else None

    async def confirm_now() -> Refusal | None:
        return await settle(await app.redeem.confirm(id, counter.key, counter.reward.points))

    async def retry_now() -> Refusal | None:
        return await settle(await app.redeem.retry(counter.key))

    confirm, retry = use_command(confirm_now), use_command(retry_now)

    async def on_confirm() -> None:
        await confirm()

    async def on_retry() -> None:
        await retry()

    def start_over() -> None:
        confirm.forget()
        retry.forget()
        app.redeem.seen(key)
        step(0)

    counter, found = _late_answer(counter)
    key = counter.key if counter is not None else ""
    ft.use_effect(lambda: None, [key], cleanup=lambda: app.redeem.seen(key))
    calendar = _calendar(app, counter, lambda: pick(False)) if picking and counter is not None else None
    use_dialog(calendar)
    if counter is None:
        return page_frame("", [_gone(app.t)], back="/rewards")
    doings = Doings(
        step=step,
        change=lambda details: app.redeem.save_draft(id, details),
        pick_date=lambda: pick(True),
        confirm=on_confirm,
        retry=on_retry,
        discard=lambda: app.redeem.discard(counter.key),
        start_over=start_over,
    )
    thanked = ended or found
    if thanked is not None:
        return thanks_view(app.t, window, app.session.name if app.session else "", thanked, counter.reward)
    return checkout_view(
        app.t,
        window,
        counter,
        at,
        doings,
        confirm.failed or retry.failed,
        confirm.running or retry.running or app.redeem.is_under_way(counter.key),
    )


@dataclass(frozen=True)
class _Asked:
    """A confirmation without an answer, the redemptions there were before it, and what it came to once known."""

    key: str
    kind: Waiting
    before: frozenset[str]
    found: Redemption | None = None


def _late_answer(counter: Counter | None) -> tuple[Counter | None, Redemption | None]:
    """A hook. Where no answer came, the next sync may find one: then the thanks come late, but they come. While it is
    being asked for again, the counter goes on waiting."""
    held: ft.Ref[Any] = ft.use_ref(None)
    asked = held.current
    if counter is None:
        return None, None
    if counter.waiting is not None:
        is_new = asked is None or asked.key != counter.key
        before = frozenset(one.id for one in counter.redemptions) if is_new else asked.before
        held.current = _Asked(counter.key, counter.waiting, before)
        return counter, None
    if asked is None:
        return counter, None
    if asked.key == counter.key:
        return (replace(counter, waiting=asked.kind) if counter.refused is None else counter), None
    if asked.found is None:
        found = new_since(counter.redemptions, counter.reward.id, asked.before)
        held.current = replace(asked, found=found) if found is not None else None
        return counter, found
    return counter, asked.found


def _calendar(app: "App", counter: Counter, on_close: Callable[[], Any]) -> ft.DatePicker:
    def change(details: Details) -> None:
        app.redeem.save_draft(counter.reward.id, details)

    return date_picker(app.t, counter.details, app.now(), change, on_close)


def _counter(app: "App", id: str) -> Counter | None:
    """What lies on the counter now, all of it from the store."""
    reward, wallet, programme, now = app.catalog.get(id), app.wallet.current(), app.programme.current(), app.now()
    if reward is None or wallet is None or programme is None:
        return None
    draft, redemptions = app.redeem.draft(id), app.redemptions.list()
    entry = app.outbox.get(draft.key)
    return Counter(
        reward=reward,
        available=wallet.available,
        shares=paying(wallet, reward.points, now),
        standing=standing(reward, wallet, programme, redemptions, now),
        details=draft.details,
        charities=[(charity.id, charity.name.in_language(app.language)) for charity in programme.charities],
        key=draft.key,
        waiting=app.redeem.waiting(draft.key),
        refused=entry.reason if entry is not None and entry.state == "refused" else None,
        redemptions=redemptions,
        already=just_redeemed(redemptions, id, now),
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
    known = counter.standing.refused or counter.refused
    reason = failed or (Refusal(known, 409, "", None) if known else None)
    notices: list[ft.Control] = []
    if counter.already is not None and reason is None:
        notices.append(_already(translate, counter.already))
    if reason is not None:
        again = do.confirm if at == len(way) - 1 else lambda: do.step(at)
        if isinstance(reason, Refusal) and reason.reason == Reason.PRICE_CHANGED:
            again = do.start_over  # nobody pays a price that they have not seen
        notices.append(outcome.refused(translate, reason, again, lambda: go("/sign-in"), lambda: go("/rewards")))
    body = [step_line(translate, way, at), *notices, *_step(translate, counter, way[at], do)]
    footer = _footer(translate, counter, way, at, do, busy, blocked=counter.standing.refused is not None)
    if window.size == "phone":
        body.insert(1, reward_line(translate, window, counter.reward))
        return page_frame(title, body, back=back, footer=footer, width=_WIDTH, spacing=20)
    beside = ft.Column([*body, footer], spacing=20, expand=6, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
    row = ft.Row(
        [ft.Container(reward_card(translate, window, counter.reward), expand=4), beside],
        spacing=40,
        vertical_alignment=ft.CrossAxisAlignment.START,
    )
    return page_frame(title, [row], back=back, width=_WIDE)


def _step(translate: Translator, counter: Counter, step: str, do: Doings) -> list[ft.Control]:
    if step == "cost":
        return cost_step(translate, counter.reward, counter.available, counter.shares)
    if step == "details":
        return details_step(translate, counter.reward, counter.details, counter.charities, do.change, do.pick_date)
    return confirm_step(translate, counter.reward, counter.available, counter.details, counter.charities)


def _already(translate: Translator, redemption: Redemption) -> ft.Control:
    look = text_button(translate("vouchers.look"), lambda: go(_where(redemption)), key="look")
    title = translate("checkout.already", time=translate.time(redemption.created_at))
    return banner(ft.Icons.TASK_ALT, title, translate("checkout.already_hint"), action=look)


def _where(redemption: Redemption) -> str:
    return f"/vouchers/{redemption.voucher.id}" if redemption.voucher else "/vouchers?tab=orders"


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
    words = outcome.thanks(
        translate, window, name, redemption, reward, lambda: go(_where(redemption)), lambda: go("/rewards")
    )
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
