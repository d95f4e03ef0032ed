"""Which bundle a till believes, and what it makes of one: nothing forged, nothing older, nothing of somebody else's."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabelle.rules import frame, holder
from mirabelle.rules.trust import (
    Cap,
    HeldTrust,
    IssuerKey,
    KeyState,
    Offered,
    TillState,
    Trust,
    TrustRefusal,
    accept,
    bundle_message,
    context_of,
    programme_id,
)
from mirabelle.rules.voucher import check
from mirabelle.rules.voucher_code import VoucherCode

PROGRAMME, OTHER, ISSUER, HOLDER = (bytes([number]) * 32 for number in range(4))
PROGRAMME_KEY, ISSUER_KEY = holder.public_key(PROGRAMME), holder.public_key(ISSUER)
KEY_ID = frame.key_id(ISSUER_KEY)
NOW, DAY, STORE, VOUCHER = 1_800_000_000, 86_400, 7, bytes(range(16))
TRUST = Trust(
    version=5,
    issued_at=NOW - DAY,
    expires_at=NOW + 13 * DAY,
    programme=programme_id(PROGRAMME_KEY),
    store=STORE,
    groups=frozenset({1000}),
    keys={KEY_ID: IssuerKey(ISSUER_KEY, KeyState.CURRENT)},
    revoked=frozenset(),
    epochs={},
    blocked=frozenset(),
    used=frozenset(),
    caps={1: Cap(3, 1000), 2: Cap(2)},
    seconds_since_sync=DAY,
)
BUNDLE = b'{"version":5}'


def offered(trust: Trust = TRUST, signer: bytes = PROGRAMME, bundle: bytes = BUNDLE) -> Offered:
    return Offered(bundle, holder.sign(signer, bundle_message(bundle)), holder.public_key(signer), trust)


def shown(**changes: object) -> str:
    lease = frame.Lease(
        dynamic=True, flags=frame.OFFLINE, key_id=KEY_ID, voucher=VOUCHER, reward=1, scope=0, lease_start=NOW - 60,
        lease_minutes=60, epoch=2, use=1, value_class=1, holder_key=holder.public_key(HOLDER),
    )  # fmt: skip
    issued = frame.issue(replace(lease, **changes), lambda message: holder.sign(ISSUER, message))  # type: ignore[arg-type]
    return frame.show(issued, NOW, lambda message: holder.sign(HOLDER, message))


TILL = TillState(now=NOW, synced_at=NOW - 3600)


def verdict(trust: Trust = TRUST, till: TillState = TILL, text: str = "") -> VoucherCode:
    return check(text or shown(), context_of(trust, till)).code


def test_the_first_bundle_of_a_till_is_believed_and_the_next_under_the_same_key() -> None:
    assert accept(None, offered(), STORE, NOW) is TRUST
    assert accept(HeldTrust(PROGRAMME_KEY, 5, TRUST.issued_at), offered(), STORE, NOW) is TRUST


def test_a_bundle_of_another_programme_is_refused_however_well_it_is_signed() -> None:
    other = replace(TRUST, programme=programme_id(holder.public_key(OTHER)))
    assert (
        accept(HeldTrust(PROGRAMME_KEY, 1, TRUST.issued_at), offered(other, OTHER), STORE, NOW)
        is TrustRefusal.OTHER_PROGRAMME
    )
    assert accept(None, offered(other), STORE, NOW) is TrustRefusal.OTHER_PROGRAMME


def test_a_bundle_for_another_store_is_refused_for_its_scopes_and_uses_are_that_stores() -> None:
    assert accept(None, offered(), STORE + 1, NOW) is TrustRefusal.OTHER_STORE


def test_a_bundle_that_was_kept_back_is_refused_after_a_newer_one_that_says_the_same() -> None:
    held = HeldTrust(PROGRAMME_KEY, TRUST.version, TRUST.issued_at)
    assert accept(held, offered(replace(TRUST, issued_at=TRUST.issued_at - 1)), STORE, NOW) is TrustRefusal.ROLLBACK


def test_a_bundle_that_is_over_is_refused_and_one_with_a_second_left_is_not() -> None:
    assert accept(None, offered(), STORE, TRUST.expires_at) is TrustRefusal.EXPIRED
    assert accept(None, offered(), STORE, TRUST.expires_at - 1) is TRUST


@given(st.integers(0, len(BUNDLE) * 8 - 1))
def test_a_bundle_with_any_bit_changed_is_refused(bit: int) -> None:
    changed = bytearray(BUNDLE)
    changed[bit // 8] ^= 1 << bit % 8
    assert accept(None, replace(offered(), bundle=bytes(changed)), STORE, NOW) is TrustRefusal.BAD_SIGNATURE


@given(st.integers(0, 511))
def test_a_signature_with_any_bit_changed_is_refused(bit: int) -> None:
    good = offered()
    changed = bytearray(good.signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert accept(None, replace(good, signature=bytes(changed)), STORE, NOW) is TrustRefusal.BAD_SIGNATURE


def test_what_the_programme_key_signed_for_another_purpose_is_no_bundle() -> None:
    for message in (BUNDLE, b"MV1\0issue\0" + BUNDLE):
        again = replace(offered(), signature=holder.sign(PROGRAMME, message))
        assert accept(None, again, STORE, NOW) is TrustRefusal.BAD_SIGNATURE


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-20 * DAY, 20 * DAY))))
def test_whatever_is_offered_in_whatever_order_a_till_never_goes_back_nor_takes_what_is_over(
    offers: list[tuple[int, int]],
) -> None:
    held: HeldTrust | None = None
    for version, ends in offers:
        answer = accept(held, offered(replace(TRUST, version=version, expires_at=NOW + ends)), STORE, NOW)
        older = held is not None and version < held.version
        if isinstance(answer, Trust):
            assert not older and ends > 0
            held = HeldTrust(PROGRAMME_KEY, version, TRUST.issued_at)
        else:
            assert answer is (TrustRefusal.ROLLBACK if older else TrustRefusal.EXPIRED)


def test_a_voucher_is_accepted_by_what_the_bundle_says() -> None:
    assert verdict() is VoucherCode.ACCEPTED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"keys": {}}, VoucherCode.UNKNOWN_KEY),
        ({"keys": {KEY_ID: IssuerKey(ISSUER_KEY, KeyState.COMPROMISED)}}, VoucherCode.UNKNOWN_KEY),
        ({"keys": {KEY_ID: IssuerKey(ISSUER_KEY, KeyState.RETIRED)}}, VoucherCode.ACCEPTED),
        ({"expires_at": NOW}, VoucherCode.KEYSET_EXPIRED),
        ({"revoked": frozenset({VOUCHER})}, VoucherCode.REVOKED),
        ({"blocked": frozenset({VOUCHER})}, VoucherCode.REVOKED),
        ({"epochs": {VOUCHER: 3}}, VoucherCode.SUPERSEDED_DEVICE),
        ({"epochs": {VOUCHER: 2}}, VoucherCode.ACCEPTED),
        ({"used": frozenset({(VOUCHER, 1)})}, VoucherCode.ALREADY_USED),
        ({"used": frozenset({(VOUCHER, 2)})}, VoucherCode.ACCEPTED),
        ({"caps": {}}, VoucherCode.OVER_CAP),
    ],
)
def test_each_part_of_the_bundle_counts(changes: dict[str, object], code: VoucherCode) -> None:
    assert verdict(replace(TRUST, **changes)) is code  # type: ignore[arg-type]


def test_a_store_and_its_group_are_the_bundles() -> None:
    for scope, code in ((STORE, VoucherCode.ACCEPTED), (1000, VoucherCode.ACCEPTED), (8, VoucherCode.WRONG_STORE)):
        assert verdict(text=shown(scope=scope)) is code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"used": {(VOUCHER, 1)}}, VoucherCode.ALREADY_USED),
        ({"synced_at": NOW - DAY}, VoucherCode.OVER_CAP),
        ({"synced_at": NOW - DAY + 1}, VoucherCode.ACCEPTED),
        ({"taken": {1: Cap(3, 0)}}, VoucherCode.OVER_CAP),
        ({"taken": {2: Cap(3, 0)}}, VoucherCode.ACCEPTED),
        ({"taken": {1: Cap(1, 600)}, "value_minor": 401}, VoucherCode.OVER_CAP),
        ({"taken": {1: Cap(1, 600)}, "value_minor": 400}, VoucherCode.ACCEPTED),
        ({"value_minor": None}, VoucherCode.OVER_CAP),
    ],
)
def test_what_the_till_itself_did_counts(changes: dict[str, object], code: VoucherCode) -> None:
    assert verdict(till=replace(TILL, **changes)) is code  # type: ignore[arg-type]


@given(st.integers(0, 5), st.none() | st.integers(0, 2000), st.lists(st.tuples(st.integers(1, 2), st.integers(0, 700))))
def test_a_till_never_takes_more_than_its_caps(count: int, value: int | None, vouchers: list[tuple[int, int]]) -> None:
    trust = replace(TRUST, caps={1: Cap(count, value)})
    taken = Cap(0, 0)
    for class_, value_minor in vouchers:
        left = context_of(trust, replace(TILL, taken={1: taken}, value_minor=value_minor)).caps_left
        if left.get(class_, 0) > 0:
            taken = Cap(taken.count + 1, (taken.value_minor or 0) + value_minor)
    assert taken.count <= count
    assert value is None or (taken.value_minor or 0) <= value
