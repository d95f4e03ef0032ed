"""Sessions from before the app knew several accounts: they are the demo's, and become the first accounts."""

import logging

import msgspec

from mirabelle.client.device.secrets import SecretStore
from mirabelle.client.repositories.accounts import DEMO, Account, Accounts, session_name
from mirabelle.client.use_cases.session import ROLES, SignedIn

log = logging.getLogger(__name__)


class _Before(msgspec.Struct, frozen=True):
    who: SignedIn


async def bring_along(accounts: Accounts, secret_store: SecretStore) -> None:
    """List what earlier versions left, and keep each session under its account's name; whatever ends the app between
    two steps, the next start goes on."""
    for role in ROLES:
        name = f"session.{role}"
        try:
            raw = await secret_store.get(name)
            if raw is None:
                continue
            who = msgspec.json.decode(raw, type=_Before).who
            account = Account(DEMO, who.role, who.subject, who.name)
            is_first = accounts.server == ""
            await accounts.add(account)
            if await secret_store.get(session_name(DEMO, who.role, who.subject)) is None:
                await secret_store.set(session_name(DEMO, who.role, who.subject), raw)
            if is_first:
                await accounts.use(DEMO, account)
            await secret_store.delete(name)
        except (OSError, msgspec.DecodeError) as fault:
            log.warning("a session of before could not be brought along: %s", type(fault).__name__)
