"""What tills do without network, and tell a running server of afterwards."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from mirabelle.server.storage.database import open_database
from tests.backend import Backend, Person, new_key


def at_of(seconds: float) -> str:
    """The instant of unix `seconds`, as messages say it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def offline(frame: str, seconds: float, **more: Any) -> dict[str, Any]:
    """A scan that a till accepted at unix `seconds`, as it tells of it."""
    return {"key": new_key(), "frame": frame, "at": at_of(seconds), **more}


def upload(till: Person, scan: dict[str, Any], key: str | None = None) -> dict[str, Any]:
    """The receipt for a scan that the till tells of."""
    answer = till.post("/scans/uploads", scan, key or f"u-{scan['key']}")
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def shown(backend: Backend, reward: str = "coffee-and-cake", points: int = 450) -> tuple[Person, dict[str, Any], str]:
    """Somebody with a voucher, and its frame of now."""
    amina = backend.participant()
    redemption = amina.redeem(reward, points).json()
    return amina, redemption, amina.show(redemption["voucher"], int(time.time()))


def voucher_of(person: Person, redemption: dict[str, Any]) -> dict[str, Any]:
    """The voucher as its holder finds it now."""
    found = [one for one in person.get("/redemptions").json()["redemptions"] if one["id"] == redemption["id"]]
    return dict(found[0]["voucher"])


def found(backend: Backend, query: str, **given: Any) -> list[tuple[Any, ...]]:
    """What the server's database answers."""

    async def ask() -> list[tuple[Any, ...]]:
        database = await open_database(backend.database_url or f"sqlite:///{backend.data / 'mirabelle.sqlite'}")
        try:
            async with database.read() as connection:
                return [tuple(row) for row in (await connection.execute(text(query), given)).all()]
        finally:
            await database.close()

    return asyncio.run(ask())
