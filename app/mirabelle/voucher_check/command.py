"""The words of `mirabelle voucher check`, and what comes of them."""

from collections.abc import Sequence
from pathlib import Path

from mirabelle.rules.frame import NONCE_BYTES
from mirabelle.rules.voucher import VoucherCode
from mirabelle.voucher_check.explain import explain
from mirabelle.voucher_check.keyset import read_keyset
from mirabelle.voucher_check.reading import Unreadable, instant, number, raw, whole
from mirabelle.voucher_check.vectors import judge


def check_vectors(path: Path) -> tuple[list[str], bool]:
    """A line for each case of a file, and whether all are right; raises Unreadable."""
    answers = judge(path)
    return [answer.line() for answer in answers], all(answer.is_right for answer in answers)


def check_frame(
    text: str, at: str, store: str, groups: Sequence[str], keyset_file: Path, nonce: str | None, *, offline: bool
) -> tuple[list[str], bool]:
    """What there is to say of one frame, and whether it is accepted; raises Unreadable, naming the word."""
    keyset = read_keyset(keyset_file)
    context = keyset.context(
        now=instant(at, "--at"),
        store=whole(number(store), "--store"),
        groups=frozenset(whole(number(group), "--group") for group in groups),
        nonce=None if nonce is None else raw(nonce, "--nonce", NONCE_BYTES),
        online=not offline,
    )
    lines, code = explain(text, keyset, context)
    return lines, code == VoucherCode.ACCEPTED


__all__ = ["Unreadable", "check_frame", "check_vectors"]
