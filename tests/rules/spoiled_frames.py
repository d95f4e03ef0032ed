"""Good vouchers, each family spoiled in one way. Where that says which code must come, the frame carries it along."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Final

from mirabelle.rules import base45, frame, holder, voucher
from mirabelle.rules.voucher import CheckContext, VoucherCode
from tests.rules.faults import FAULTS, HOLDER, ISSUER, NOW, STORE, Draft, in_order, signer
from tests.rules.test_ed25519 import NOT_CANONICAL, SMALL_ORDER, L, challenge

HEADS: Final = (0x10, 0x11)
ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
SPACES: Final = (" ", "  ", "\t", "\n", "\r\n", "\0", "\u00a0", "\u200b", "\ufeff", "\u3000")


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A text to be judged, and the code that must come where that is known."""

    text: str
    context: CheckContext
    expected: VoucherCode | None = None


Family = Callable[[Random, int], Iterator[Spoiled]]


def good(chance: Random, **changes: Any) -> Draft:
    """A voucher like no other, shown now to an offline till that may accept it."""
    draft = Draft()
    draft.with_lease(voucher=chance.randbytes(16), reward=chance.getrandbits(32), use=chance.randrange(256), **changes)
    return draft


@cache
def _vouchers(seed: int, count: int = 64) -> tuple[tuple[bytes, CheckContext], ...]:
    """Bytes of good frames, of devices and of paper in turn; each is accepted."""
    chance, made = Random(seed), []
    for number in range(count):
        private = chance.randbytes(32)
        draft = good(chance, holder_key=holder.public_key(private))
        draft.holder = signer(private)
        if number % 2:
            draft.with_lease(dynamic=False, flags=frame.OFFLINE | frame.BEARER)
        assert voucher.check(draft.text(), draft.context).code == VoucherCode.ACCEPTED
        made.append((draft.raw(), draft.context))
    return tuple(made)


def _told(raw: bytes) -> str:
    return frame.PREFIX + base45.encode(raw)


# --- the families ----------------------------------------------------------------------------------------------------


def one_bit(chance: Random, count: int) -> Iterator[Spoiled]:
    """Every bit of whole vouchers by itself, one voucher after the other."""
    raws = _vouchers(chance.getrandbits(16))
    every = ((raw, context, (bit,)) for raw, context in raws for bit in range(8 * len(raw)))
    for _ in range(count):
        yield _with_flipped(*next(every))


def several_bits(chance: Random, count: int) -> Iterator[Spoiled]:
    """Two to eight bits of a voucher."""
    raws = _vouchers(chance.getrandbits(16))
    for _ in range(count):
        raw, context = chance.choice(raws)
        yield _with_flipped(raw, context, chance.sample(range(8 * len(raw)), chance.randint(2, 8)))


def _with_flipped(raw: bytes, context: CheckContext, bits: Any) -> Spoiled:
    spoiled = bytearray(raw)
    for bit in bits:
        spoiled[bit // 8] ^= 1 << bit % 8
    return Spoiled(_told(bytes(spoiled)), context, _code_of_change(raw, bytes(spoiled)))


def _code_of_change(raw: bytes, spoiled: bytes) -> VoucherCode:
    """The first check that a change of bytes must fail, by where it is."""
    if spoiled[0] not in HEADS:
        return VoucherCode.UNSUPPORTED_VERSION
    if spoiled[0] != raw[0]:
        return VoucherCode.NOT_A_VOUCHER
    if spoiled[1] >> 4:
        return VoucherCode.UNSUPPORTED_ALGORITHM
    if spoiled[2:6] != raw[2:6]:
        return VoucherCode.UNKNOWN_KEY
    if spoiled[:136] != raw[:136]:
        return VoucherCode.BAD_ISSUER_SIGNATURE
    return VoucherCode.BAD_HOLDER_SIGNATURE


def cut_and_extended(chance: Random, count: int) -> Iterator[Spoiled]:
    """Cut after each byte and each character, and with more behind."""
    raws = _vouchers(chance.getrandbits(16))
    cuts = ((raw, context, at) for raw, context in raws for at in range(len(raw) + len(_told(raw))))
    for _ in range(count * 4 // 5):
        raw, context, at = next(cuts)
        if at < len(raw):
            yield Spoiled(_told(raw[:at]), context, VoucherCode.NOT_A_VOUCHER)
        else:
            yield Spoiled(_told(raw)[: at - len(raw)], context)
    for _ in range(count - count * 4 // 5):
        raw, context = chance.choice(raws)
        more, characters = chance.randbytes(chance.randint(1, 80)), chance.choices(ALPHABET, k=chance.randint(1, 9))
        longer = (_told(raw + more), _told(raw) + "".join(characters), _told(raw) * chance.randint(2, 30))
        yield Spoiled(chance.choice(longer), context, VoucherCode.NOT_A_VOUCHER)


def other_spellings(chance: Random, count: int) -> Iterator[Spoiled]:
    """The same voucher as somebody's scanner, mail or good will might write it."""
    raws = _vouchers(chance.getrandbits(16))
    for _ in range(count):
        raw, context = chance.choice(raws)
        text = _told(raw)
        at, space = chance.randint(0, len(text)), chance.choice(SPACES)
        spelled = chance.choice(
            (
                text[:at] + space + text[at:], space + text, text + space, text.lower(), text.capitalize(),
                text.replace(" ", ""), text.replace(" ", "+", 1), text.replace(" ", "%20"), "mv1:" + text[4:],
                text[4:], "MV1 " + text[4:], f"HTTPS://SHOP.EXAMPLE/{text}", text[::-1], _fullwidth(text, at),
                _overflown(text, at),
            )
        )  # fmt: skip
        if spelled != text:
            yield Spoiled(spelled, context)
        else:
            yield Spoiled(text + " ", context, VoucherCode.NOT_A_VOUCHER)


def _fullwidth(text: str, at: int) -> str:
    """One character in another script's form of it."""
    at = min(at, len(text) - 1)
    return text[:at] + chr(ord(text[at]) + 0xFEE0) + text[at + 1 :]


def _overflown(text: str, near: int) -> str:
    """One group of three spelled as 65536 more, which a lax reader takes for the same two bytes."""
    groups = [text[at : at + 3] for at in range(4, len(text) - 2, 3)]
    for at in range(near, near + len(groups)):
        first, second, third = (ALPHABET.index(character) for character in groups[at % len(groups)])
        value = first + 45 * second + 2025 * third + 65536
        if value < 45**3:
            groups[at % len(groups)] = ALPHABET[value % 45] + ALPHABET[value // 45 % 45] + ALPHABET[value // 2025]
            break
    return text[:4] + "".join(groups) + text[4 + 3 * len(groups) :]


def other_versions(chance: Random, count: int) -> Iterator[Spoiled]:
    """Every other first byte and algorithm, with signatures that hold over them."""
    for number in range(count):
        draft = good(chance)
        if number % 3:
            draft.head = number // 3 % 256
            if draft.head == 0x11:
                draft.head = 0x10
        else:
            draft.algorithm = 1 + number // 3 % 15
        expected = (
            VoucherCode.UNSUPPORTED_ALGORITHM if draft.head is None
            else VoucherCode.NOT_A_VOUCHER if draft.head in HEADS
            else VoucherCode.UNSUPPORTED_VERSION
        )  # fmt: skip
        yield Spoiled(draft.text(), draft.context, expected)


@cache
def _multiples() -> tuple[tuple[bytes, int], ...]:
    """Points R = sB with their s: a library makes them from private keys, whose s is a hash."""
    privates = (number.to_bytes(32, "big") for number in range(200))
    return tuple((holder.public_key(private), _secret(private)) for private in privates)


def _secret(private: bytes) -> int:
    digest = bytearray(hashlib.sha512(private).digest()[:32])
    digest[0], digest[31] = digest[0] & 248, digest[31] & 127 | 64
    return int.from_bytes(digest, "little") % L


def _forged(public: bytes, message: bytes, chance: Random) -> bytes:
    """A signature without a private key: under a key of small order R = sB does, where the hash is 0 modulo 8."""
    points = _multiples()
    for _ in range(len(points)):
        r, s = chance.choice(points)
        if challenge(r, public, message) % 8 == 0:
            break
    return r + s.to_bytes(32, "little")


def weak_keys(chance: Random, count: int) -> Iterator[Spoiled]:
    """Keys of small order or spelled past the field, the issuer's or the holder's, and signatures forged under them."""
    for number in range(count):
        draft, weak = good(chance), chance.choice((SMALL_ORDER, NOT_CANONICAL))
        key = chance.choice(weak)
        if number % 2:
            draft.with_lease(holder_key=key)
            draft.holder = lambda message, key=key: _forged(key, message, chance)
            yield Spoiled(draft.text(), draft.context, VoucherCode.BAD_HOLDER_SIGNATURE)
        else:
            draft.with_lease(key_id=frame.key_id(key))
            draft.with_context(keys={frame.key_id(key): key})
            draft.issuer = lambda message, key=key: _forged(key, message, chance)
            yield Spoiled(draft.text(), draft.context, VoucherCode.BAD_ISSUER_SIGNATURE)


def other_signatures(chance: Random, count: int) -> Iterator[Spoiled]:
    """S + L and its multiples, and an R of small order that the key's own owner made, on either signature."""
    for number in range(count):
        draft = good(chance)
        name, code = (
            ("holder", VoucherCode.BAD_HOLDER_SIGNATURE), ("issuer", VoucherCode.BAD_ISSUER_SIGNATURE)
        )[number % 2]  # fmt: skip
        honest = getattr(draft, name)
        private = HOLDER if name == "holder" else ISSUER
        if number % 3:
            more = chance.randint(1, 14) * L
            setattr(draft, name, lambda message, honest=honest, more=more: _plus(honest(message), more))
        else:
            point = chance.choice(SMALL_ORDER)
            setattr(draft, name, lambda message, private=private, point=point: _odd(private, point, message))
        yield Spoiled(draft.text(), draft.context, code)


def _plus(signature: bytes, more: int) -> bytes:
    return signature[:32] + (int.from_bytes(signature[32:], "little") + more).to_bytes(32, "little")


def _odd(private: bytes, point: bytes, message: bytes) -> bytes:
    """S = ka fits R = 0 exactly, and any other R of small order where a verifier multiplies by 8."""
    s = challenge(point, holder.public_key(private), message) * _secret(private) % L
    return point + s.to_bytes(32, "little")


def swapped_parts(chance: Random, count: int) -> Iterator[Spoiled]:
    """Parts of one good voucher in another: its lease, its issuer's signature, its window, its holder's signature."""
    borders = (0, 2, 6, 22, 40, 72, 136, 140, 204)
    whole = [(raw, context) for raw, context in _vouchers(chance.getrandbits(16)) if len(raw) == 204]
    for _ in range(count):
        (mine, context), (theirs, _) = chance.sample(whole, 2)
        start, end = sorted(chance.sample(borders, 2))
        mixed = mine[:start] + theirs[start:end] + mine[end:]
        if mixed in (mine, theirs):
            mixed = mine[:136] + theirs[136:]
        yield Spoiled(_told(mixed), context, _code_of_mixture(mixed, mine, theirs))


def _code_of_mixture(mixed: bytes, mine: bytes, theirs: bytes) -> VoucherCode:
    """Which of the two signatures covers bytes that it was not made for."""
    is_issued = mixed[:136] in (mine[:136], theirs[:136])
    return VoucherCode.BAD_HOLDER_SIGNATURE if is_issued else VoucherCode.BAD_ISSUER_SIGNATURE


def other_windows(chance: Random, count: int) -> Iterator[Spoiled]:
    """Shown at another time; and a window's number rewritten, which no signature covers."""
    for number in range(count):
        draft, away = good(chance), chance.choice((2, 3, chance.randint(2, 100), chance.randint(2, 50_000_000)))
        away *= chance.choice((-1, 1))
        if number % 3:
            draft.shown_at += 30 * away
            yield Spoiled(draft.text(), draft.context, VoucherCode.STALE_CODE)
        else:
            raw, window = draft.raw(), frame.window_at(NOW) + chance.choice((away, 1, -1))
            rewritten = raw[:136] + window.to_bytes(4, "big") + raw[140:]
            yield Spoiled(_told(rewritten), draft.context, VoucherCode.BAD_HOLDER_SIGNATURE)


def other_places(chance: Random, count: int) -> Iterator[Spoiled]:
    """At a store that it is not for; and answers to another challenge, to another store's, or to none."""
    for number in range(count):
        draft, other = good(chance), chance.choice((0, 1, 6, 8, STORE ^ 1 << chance.randrange(3, 32)))
        if number % 2:
            draft.with_lease(scope=other or 1)
            yield Spoiled(draft.text(), draft.context, VoucherCode.WRONG_STORE)
            continue
        nonce = chance.randbytes(8)
        draft.with_lease(flags=frame.OFFLINE | frame.CHALLENGE, scope=0)
        draft.with_context(nonce=nonce)
        draft.answer = chance.choice(
            (
                {}, {"nonce": nonce, "store": other}, {"nonce": chance.randbytes(8), "store": STORE},
                {"nonce": bytes(a ^ b for a, b in zip(nonce, bytes(7) + b"\1", strict=True)), "store": STORE},
            )
        )  # fmt: skip
        yield Spoiled(draft.text(), draft.context, VoucherCode.BAD_HOLDER_SIGNATURE)


def several_faults(chance: Random, count: int) -> Iterator[Spoiled]:
    """One to six faults at once: the earliest check has the word."""
    for number in range(count):
        first = FAULTS[number % len(FAULTS)]
        chosen = [first, *chance.sample(FAULTS, chance.randint(0, 5))]
        draft = good(chance)
        wrong = in_order(chosen)
        for fault in wrong:
            fault.spoil(draft)
        yield Spoiled(draft.text(), draft.context, wrong[0].code)


def noise(chance: Random, count: int) -> Iterator[Spoiled]:
    """Anything at all, and random bytes that look like a frame from ever nearer."""
    lease = Draft().lease
    for _ in range(count):
        near = chance.randrange(5)
        head = bytes([chance.choice(HEADS)])
        body = chance.randbytes({0x10: 135, 0x11: 203}[head[0]])
        if near == 0:
            yield Spoiled(
                "".join(chr(chance.randrange(0x110000)) for _ in range(chance.randrange(400))), Draft().context
            )
        elif near == 1:
            yield Spoiled("MV1:" + "".join(chance.choices(ALPHABET, k=chance.choice((204, 306)))), Draft().context)
        else:
            known = (b"", bytes([chance.randrange(16)]), lease.signed_part[1:6])[near - 2]
            yield Spoiled(_told(head + known + body[len(known) :]), Draft().context)


FAMILIES: Final[dict[Family, int]] = {
    one_bit: 18_000,
    several_bits: 9_000,
    cut_and_extended: 9_000,
    other_spellings: 10_000,
    other_versions: 8_000,
    weak_keys: 8_000,
    other_signatures: 8_000,
    swapped_parts: 7_000,
    other_windows: 6_000,
    other_places: 5_000,
    several_faults: 8_000,
    noise: 4_000,
}
