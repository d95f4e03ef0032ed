"""Every page's address, who may see it, and which page lies beneath it."""

import importlib
from collections.abc import Callable
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

import msgspec

Who = Literal["anybody", "guest", "participant", "staff", "signed_in"]


class Place(msgspec.Struct, frozen=True):
    """A page: its address, where `:id` stands for one part; its screen as `module:function` below `client.ui`; who
    may see it; and the address of the page that "back" leads to, which stays drawn beneath it."""

    address: str
    screen: str
    who: Who
    beneath: str | None = None


PLACES: Final = (
    Place("/welcome", "welcome.screen:welcome_screen", "guest"),
    Place("/sign-in", "welcome.sign_in:sign_in_screen", "guest", "/welcome"),
    Place("/enrol", "till.enrol:enrol_screen", "guest", "/sign-in"),
    Place("/add", "accounts.add:add_screen", "anybody"),
    Place("/guide", "welcome.guide:guide_screen", "anybody"),
    Place("/wallet", "wallet.screen:wallet_screen", "participant"),
    Place("/activity", "activity.screen:activity_screen", "participant"),
    Place("/alerts", "alerts.screen:alerts_screen", "participant", "/wallet"),
    Place("/send", "transfer.screen:transfer_screen", "participant", "/wallet"),
    Place("/settings", "settings.screen:settings_screen", "signed_in"),
    Place("/settings/lock", "lock.setup:lock_settings_screen", "signed_in", "/settings"),
    Place("/settings/reminders", "reminders.screen:reminders_screen", "participant", "/settings"),
    Place("/settings/delete", "settings.leaving:leaving_screen", "participant", "/settings"),
    Place("/rewards", "catalog.screen:catalog_screen", "participant"),
    Place("/rewards/:id", "catalog.reward:reward_screen", "participant", "/rewards"),
    Place("/checkout/:id", "checkout.screen:checkout_screen", "participant", "/rewards/:id"),
    Place("/vouchers", "vouchers.screen:vouchers_screen", "participant"),
    Place("/vouchers/:id", "vouchers.voucher:voucher_screen", "participant", "/vouchers"),
    Place("/vouchers/:id/give", "vouchers.give:give_screen", "participant", "/vouchers/:id"),
    Place("/till", "till.screen:till_screen", "staff"),
    Place("/till/scans", "till.scans:scans_screen", "staff"),
    Place("/till/report", "till.report:report_screen", "staff", "/till/scans"),
)
NOWHERE: Final = Place("", "welcome.nowhere:nowhere_screen", "anybody")


class Visit(msgspec.Struct, frozen=True):
    """A page as it is visited now: `arguments` are the parts of the address that `:id` stood for."""

    place: Place
    route: str
    arguments: tuple[str, ...]

    def screen(self) -> Callable[..., Any]:
        """The component that draws it; its module is loaded at the first visit."""
        module, function = self.place.screen.split(":")
        screen: Callable[..., Any] = getattr(importlib.import_module(f"mirabelle.client.ui.{module}"), function)
        return screen


def find(route: str) -> Visit:
    """The page at `route`; an address that nobody has leads nowhere."""
    path = urlsplit(route).path
    parts = path.strip("/").split("/")
    for place in PLACES:
        pattern = place.address.strip("/").split("/")
        if len(pattern) == len(parts) and all(want in (":id", part) for want, part in zip(pattern, parts, strict=True)):
            arguments = tuple(unquote(part) for want, part in zip(pattern, parts, strict=True) if want == ":id")
            return Visit(place, path, arguments)
    return Visit(NOWHERE, path, ())


def may_see(place: Place, role: str | None) -> bool:
    """Whether someone in `role` (None: not signed in) may see `place`."""
    if place.who == "anybody":
        return True
    if place.who == "guest":
        return role is None
    return role is not None and place.who in ("signed_in", role)


def home(role: str | None) -> str:
    """Where someone in `role` starts."""
    return {"participant": "/wallet", "staff": "/till"}.get(role or "", "/welcome")


def visits(route: str, role: str | None) -> list[Visit]:
    """The pages to draw for `route`, lowest first; the home of `role` where `route` is not for them."""
    top = find(home(role)) if urlsplit(route).path in ("", "/") else find(route)
    if not may_see(top.place, role):
        top = find(home(role))
    pages = [top]
    while pages[0].place.beneath is not None:
        beneath = pages[0].place.beneath
        for argument in pages[0].arguments:
            beneath = beneath.replace(":id", argument, 1)
        pages.insert(0, find(beneath))
    return pages
