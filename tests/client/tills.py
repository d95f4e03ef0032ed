"""Tills for tests: devices whose clocks can be moved, and vouchers to show them."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mirabelle.client.app import App
from mirabelle.client.device.forward_clock import ForwardClock
from mirabelle.contract.till_messages import Scan
from mirabelle.rules import holder
from mirabelle.rules.trusted_time import ClockRefusal
from tests.backend import Backend, Person
from tests.client.devices import Device, signed_in

REWARD, POINTS = "coffee-and-cake", 450


class TillDevice(Device):
    """A device on whose wall clock, and on whose forward clock, time can be moved on."""

    def __init__(self, directory: Path) -> None:
        self.wall, self.forward, self.starts = timedelta(), timedelta(), 0
        super().__init__(directory, now=lambda: datetime.now(UTC) + self.wall)
        self.restart()

    def move(self, **by: float) -> None:
        """Time goes by."""
        self.wall += timedelta(**by)
        self.forward += timedelta(**by)

    def restart(self) -> None:
        """The device is started anew, and its forward clock begins at zero."""
        self.starts += 1
        self.forward, begun = timedelta(), time.monotonic()
        self.clock = ForwardClock(
            lambda: time.monotonic() - begun + self.forward.total_seconds(), f"start {self.starts}"
        )


class Customer:
    """Somebody with a voucher to show."""

    def __init__(
        self,
        backend: Backend,
        person: Person | None = None,
        reward: str = REWARD,
        points: int = POINTS,
        **details: str,
    ) -> None:
        self.person = person or backend.participant()
        answer = self.person.redeem(reward, points, **details)
        assert answer.is_success, answer.text
        self.voucher: dict[str, Any] = answer.json()["voucher"]

    @property
    def code(self) -> str:
        """What is typed."""
        return str(self.voucher["code"])

    def frame(self, ahead: timedelta = timedelta()) -> str:
        """What is scanned, at a time that is `ahead`."""
        return self.person.show(self.voucher, int(time.time() + ahead.total_seconds()))

    def renewed(self) -> str:
        """What is scanned once the device has renewed the voucher's lease."""
        salt = self.voucher["key_salt"].encode()
        key = holder.public_key(holder.derive_holder_key(self.person.seed, salt)).hex()
        answer = self.person.post(f"/vouchers/{self.voucher['id']}/leases", {"holder_key": key})
        assert answer.is_success, answer.text
        self.voucher = answer.json()
        return self.frame()


async def till_in_sync(app: App) -> App:
    """Signs a new demo till in, and syncs it."""
    await signed_in(app, "staff")
    await app.sync()
    assert app.trust.held() is not None
    return app


async def judged(app: App, frame: str) -> Scan:
    """The verdict on a frame."""
    answer = await app.scan.frame(frame)
    assert isinstance(answer, Scan), answer
    return answer


async def stopped(app: App, frame: str) -> ClockRefusal:
    """Why the till does not judge."""
    answer = await app.scan.frame(frame)
    assert isinstance(answer, ClockRefusal), answer
    return answer


def forge(app: App, scan: str) -> None:
    """Spoil the holder's signature in the frame of a scan that waits to be sent."""
    frame = "CAST(opened('offline_scans frame', key, frame) AS TEXT)"
    forged = f"substr({frame}, 1, length({frame}) - 2) || CASE WHEN {frame} LIKE '%00' THEN '11' ELSE '00' END"
    statement = f"UPDATE offline_scans SET frame = sealed('offline_scans frame', key, {forged}) WHERE scan = ?"
    with app.store.write() as connection:
        connection.execute(statement, (scan,))
