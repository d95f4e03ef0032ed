"""Rows that another version of the app wrote: what the server has is fetched anew, what waits stays and is told of."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from mirabelle.client.app import App
from mirabelle.contract import messages, till_messages, trust
from mirabelle.contract.fields import Message
from mirabelle.contract.translation import Translator
from tests.backend import Backend
from tests.client.devices import TRANSFER, Device, confirm, redeemed, signed_in, voucher_of
from tests.client.tills import Customer, TillDevice, judged, till_in_sync
from tests.client.ui.visiting import visitor
from tests.wire import Wire

# As a version wrote them that had not all of today's fields; and as one may that means something else by them.
OLDER, NEWER = b'{"id":"x"}', b'[2,{"id":"x","points":{"of":[1]}}]'


def rewrite(app: App, table: str, key: str, body: bytes) -> None:
    """Put another version's content into every row of a table."""
    with app.store.write() as connection:
        connection.execute(f"UPDATE {table} SET body = sealed('{table}', {key}, ?)", (body,))


@pytest.mark.parametrize("shape", [OLDER, NEWER])
async def test_what_the_server_has_is_fetched_anew(wire: Wire, tmp_path: Path, shape: bytes) -> None:
    async with Device(tmp_path).on(wire.url) as app:
        await signed_in(app)
        voucher = voucher_of(redeemed(await confirm(app, "croissant")))
        await app.sync()
        before = app.wallet.activity(), app.wallet.current(), app.redemptions.list()
        rewrite(app, "activity", "sequence", shape)
        rewrite(app, "redemptions", "id", shape)
        with app.store.write() as connection:
            connection.execute(
                "UPDATE documents SET body = sealed('documents', 'wallet', ?) WHERE name = 'wallet'", (shape,)
            )
        assert (app.wallet.activity(), app.wallet.current(), app.redemptions.list()) == ([], None, [])
        assert app.vouchers.list() == [] and app.alerts.current(app.now()) == []
        app.vouchers.keep(voucher)
        assert await app.sync() is None
        assert (app.wallet.activity(), app.redemptions.list()) == (before[0], before[2])
        assert app.wallet.current() is not None and app.strange == 0


@pytest.mark.parametrize("shape", [OLDER, NEWER])
async def test_what_waits_stays_as_it_is_and_keeps_nothing_else_from_being_sent(
    wire: Wire, tmp_path: Path, shape: bytes
) -> None:
    device = Device(tmp_path)
    async with device.on(wire.url) as app:
        await signed_in(app)
        for kind in ("redemption", "transfer", "gift"):
            app.outbox.add(f"of another version {kind}", kind, "x", shape, app.now())
        wire.cut()
        await confirm(app, "croissant")
        wire.mend()
        assert await app.sync() is None
        assert [one.reward for one in app.redemptions.list()][:1] == ["croissant"]
        assert app.outbox.entries() == [] and app.strange == 3
    async with device.on(wire.url) as app:
        kept = app.store.read.execute("SELECT opened('outbox', key, body), state FROM outbox")
        assert [tuple(row) for row in kept] == [(shape, "waiting")] * 3


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_whoever_looks_is_told_of_it_and_so_is_whoever_signs_out(
    backend: Backend, tmp_path: Path, language: str
) -> None:
    t = Translator(language)
    async with visitor(backend.url, tmp_path, language=language) as someone:
        someone.app.outbox.add("k", "transfer", "x", OLDER, someone.now())
        async with someone.window("/settings") as window:
            assert t("shared.strange", count=1) in window.texts()
            await window.tap(window.one(key="sign-out"))
            assert t("settings.waiting_strange", count=1) in window.texts(window.dialog)


async def test_a_tills_scans_of_another_shape_break_nothing(wire: Wire, backend: Backend, tmp_path: Path) -> None:
    async with TillDevice(tmp_path).on(wire.url) as app:
        await till_in_sync(app)
        scan = await judged(app, Customer(backend).frame())
        rewrite(app, "scans", "id", OLDER)
        assert app.scans.list() == [] and app.strange == 1
        assert await app.sync() is None
        assert [one.id for one in app.scans.list()] == [scan.id] and app.strange == 0
        app.outbox.add("k", "scan", "x", OLDER, app.now())
        assert (await judged(app, Customer(backend).frame())).verdict == "accepted"


def all_messages(base: type[Any] = Message) -> list[type[Any]]:
    return [base, *(below for each in base.__subclasses__() for below in all_messages(each))]


def test_no_message_minds_a_field_that_it_does_not_know() -> None:
    assert {messages.Wallet, till_messages.Scan, trust.TrustBundle} <= set(all_messages())
    minding = [each for each in all_messages() if each.__struct_config__.forbid_unknown_fields]
    assert minding == []
    transfer = msgspec.json.decode(TRANSFER.replace(b"{", b'{"colour":"blue",', 1), type=messages.TransferRequest)
    assert transfer.points == 10
