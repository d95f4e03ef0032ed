"""100,000 spoiled frames, none may be accepted: `python -m tests.rules.fuzz_frames [SEED]` counts the codes."""

import sys
import time
from collections import Counter
from dataclasses import dataclass
from random import Random

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mirabelle.rules import frame, voucher
from mirabelle.rules.frame import Frame
from mirabelle.rules.voucher import VoucherCode
from tests.rules.spoiled_frames import FAMILIES, Family, Spoiled, other_signatures, weak_keys


@dataclass(frozen=True, slots=True)
class Tally:
    """What a family got: how often each code, how often another than had to come, and how many of those refused for a
    signature `cryptography` alone would have let pass."""

    codes: Counter[VoucherCode]
    surprises: list[tuple[str, VoucherCode]]
    lax: int


def judged(family: Family, seed: int, count: int) -> Tally:
    """Judge `count` frames of a family."""
    codes: Counter[VoucherCode] = Counter()
    surprises, lax = [], 0
    for spoiled in family(Random(f"{seed} {family.__name__}"), count):
        code = voucher.check(spoiled.text, spoiled.context).code
        codes[code] += 1
        if spoiled.expected not in (None, code):
            surprises.append((spoiled.text, code))
        if family in (weak_keys, other_signatures):
            lax += _passes_elsewhere(spoiled)
    return Tally(codes, surprises, lax)


def _passes_elsewhere(spoiled: Spoiled) -> bool:
    """Whether both signatures hold for somebody who only asks `cryptography`."""
    shown = frame.parse(spoiled.text)
    assert isinstance(shown, Frame) and shown.window is not None and shown.holder_signature is not None
    message = frame.holder_message(shown.issued, shown.window)
    try:
        issuer = Ed25519PublicKey.from_public_bytes(spoiled.context.keys[shown.key_id])
        issuer.verify(shown.issuer_signature, frame.issuer_message(shown))
        Ed25519PublicKey.from_public_bytes(shown.holder_key).verify(shown.holder_signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def main() -> None:
    """Judge them all, a line a family."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    total, began = Counter[VoucherCode](), time.perf_counter()
    for family, count in FAMILIES.items():
        tally = judged(family, seed, count)
        total += tally.codes
        told = ", ".join(f"{code} {often}" for code, often in sorted(tally.codes.items()))
        print(f"{family.__name__}: {count} frames: {told}", flush=True)
        if tally.lax:
            print(f"  of these cryptography alone would have accepted {tally.lax}")
        for text, code in tally.surprises[:5]:
            print(f"  SURPRISE {code}: {text!r}")
    print(f"{total.total()} frames, {total[VoucherCode.ACCEPTED]} accepted, in {time.perf_counter() - began:.0f} s")
    sys.exit(bool(total[VoucherCode.ACCEPTED]))


if __name__ == "__main__":
    main()
