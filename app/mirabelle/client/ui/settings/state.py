"""What the settings page shows, read from the app in one go."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from mirabelle.client.ui.shared.widgets import parted

if TYPE_CHECKING:
    from mirabelle.client.app import App

FORGOTTEN: Final = ("redemption", "transfer", "gift")  # of what waits; a scan is in the server's history if it counted
SecretsKept = Literal["keyring", "device", "browser", "memory"]


@dataclass(frozen=True)
class SettingsPage:
    """The page's plain values. `waiting` counts, by kind, what has no answer yet and signing out would forget; `scans`
    a till's scans that this device has to keep, which is why it cannot be signed out."""

    name: str
    detail: str
    is_staff: bool
    languages: tuple[str, ...]
    theme: str
    secrets_kept: SecretsKept
    secrets_last: bool
    programme: str
    contact: str
    last_contact: datetime | None
    waiting: Mapping[str, int]
    scans: int


def read_settings(app: "App") -> SettingsPage:
    """The page as the app knows it now."""
    session, programme = app.session, app.programme.current()
    is_staff = session is not None and session.role == "staff"
    detail = ""
    if is_staff:
        till = app.till.current()
        detail = parted(app.t, till.name, till.store_name.in_language(app.language)) if till else ""
    elif wallet := app.wallet.current():
        detail = wallet.email or ""
    unsettled = (entry.kind for entry in app.outbox.entries() if entry.state != "refused" and entry.kind in FORGOTTEN)
    waiting = Counter[str](unsettled) + Counter(strange=app.outbox.strange)
    return SettingsPage(
        name=session.name if session else "",
        detail=detail,
        is_staff=is_staff,
        languages=app.languages,
        theme=app.preferences.get("theme") or "system",
        secrets_kept=app.secrets.kept_in,
        secrets_last=app.secrets.persistent,
        programme=programme.name if programme else "",
        contact=programme.contact if programme else "",
        last_contact=app.last_contact,
        scans=app.sign_in.kept_scans,
        waiting={kind: count for kind, count in waiting.items() if count},
    )
