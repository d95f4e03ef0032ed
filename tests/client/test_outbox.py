"""What is written down before it is sent, however many windows and processes send it."""

from collections.abc import Iterator
from contextlib import closing
from itertools import combinations, product
from pathlib import Path

import pytest

from mirabelle.client.repositories.outbox import Outbox
from mirabelle.client.store.database import Store
from tests.client.devices import REDEMPTION
from tests.client.old_stores import KEY
from tests.clock import MovableClock

FATES = ("answered", "lost", "not sent")
STEPS = 3  # take it up, send it, hear
NOW = MovableClock()


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory."""
    store = Store()
    yield store
    store.close()


def add(outbox: Outbox, key: str) -> None:
    """A redemption, written down."""
    outbox.add(key, "redemption", "croissant", REDEMPTION, NOW())


class Programme:
    """Decides each key once, and says the same to whoever asks again."""

    def __init__(self, is_granted: bool) -> None:
        self._is_granted, self.decided = is_granted, set[str]()

    @property
    def done(self) -> set[str]:
        """The keys of what was carried out."""
        return self.decided if self._is_granted else set()

    def answer(self, outbox: Outbox, store: Store, key: str) -> None:
        """A sender hears what was decided."""
        if not self._is_granted:
            outbox.refuse(key, "out_of_stock")
            return
        with store.write() as connection:
            outbox.settle(connection, key)


class Sender:
    """A window or a process that sends an entry, and what becomes of its request."""

    def __init__(self, outbox: Outbox, store: Store, programme: Programme, key: str, fate: str) -> None:
        self._outbox, self._store, self._programme, self._key, self._fate = outbox, store, programme, key, fate
        self._steps = iter((self._take_up, self._send, self._hear))
        self._has_it = False

    def step(self) -> None:
        """Go on."""
        next(self._steps)()

    def _take_up(self) -> None:
        self._has_it = self._outbox.claim(self._key) is not None

    def _send(self) -> None:
        if self._has_it and self._fate != "not sent":
            self._programme.decided.add(self._key)

    def _hear(self) -> None:
        if self._has_it and self._fate == "answered":
            self._programme.answer(self._outbox, self._store, self._key)
        elif self._has_it and self._fate == "not sent":
            self._outbox.put_back(self._key)


@pytest.mark.parametrize("is_granted", [True, False])
def test_of_two_senders_none_lets_what_was_done_be_taken_back_whatever_becomes_of_either(
    store: Store, is_granted: bool
) -> None:
    outbox, taken_back, kept = Outbox(store), 0, 0
    for number, (first, second, turns, person) in enumerate(
        product(FATES, FATES, combinations(range(2 * STEPS), STEPS), range(2 * STEPS + 1))
    ):
        key, programme = f"key-{number}", Programme(is_granted)
        add(outbox, key)
        senders = [Sender(outbox, store, programme, key, fate) for fate in (first, second)]
        is_taken_back = False
        for turn in range(2 * STEPS + 1):
            if turn == person:
                entry = outbox.get(key)
                is_taken_back = entry is not None and entry.state == "waiting" and outbox.drop(key)
            if turn < 2 * STEPS:
                senders[turn not in turns].step()
        case = (first, second, turns, person)
        entry = outbox.get(key)
        if is_taken_back:
            assert not programme.decided and entry is None, case
            taken_back += 1
        elif entry is None:  # it leaves on a receipt alone
            assert programme.done, case
        elif entry.state == "waiting":
            assert not programme.decided, case
        elif (first, second) == ("not sent", "not sent"):
            raise AssertionError(case)
        kept += entry is not None
    assert taken_back and kept


def test_what_each_of_three_proved_to_be_unsent_can_be_taken_back_and_not_before(store: Store) -> None:
    outbox = Outbox(store)
    add(outbox, "key")
    for _ in range(3):
        assert outbox.claim("key") is not None
    assert [outbox.put_back("key") for _ in range(2)] == ["unknown", "unknown"] and not outbox.drop("key")
    assert outbox.put_back("key") == "waiting" and outbox.drop("key") and outbox.put_back("key") is None


def test_what_an_earlier_version_sent_stays_unknown_though_a_later_one_cannot_send_it(tmp_path: Path) -> None:
    with closing(Store(str(tmp_path / "store.sqlite"), KEY)) as store:
        outbox = Outbox(store)
        add(outbox, "key")
        with store.write() as connection:
            connection.execute("UPDATE outbox SET state = 'unknown'")  # as versions did that counted no senders
        assert outbox.claim("key") is not None and outbox.put_back("key") == "unknown" and not outbox.drop("key")


def test_what_is_settled_elsewhere_is_not_written_back(store: Store) -> None:
    outbox = Outbox(store)
    add(outbox, "key")
    outbox.claim("key")
    with store.write() as connection:
        outbox.settle(connection, "key")
    assert outbox.put_back("key") is None and outbox.claim("key") is None and outbox.is_empty


def test_the_order_is_that_of_writing_down_whatever_the_clock_said(store: Store) -> None:
    outbox, clock = Outbox(store), MovableClock()
    for key in ("first", "second", "third"):
        outbox.add(key, "redemption", "croissant", REDEMPTION, clock())
        clock.move(hours=-1)
    with store.write() as connection:
        outbox.settle(connection, "second")
    outbox.add("fourth", "redemption", "croissant", REDEMPTION, clock())
    assert [entry.key for entry in outbox.entries()] == ["first", "third", "fourth"]
