"""Renewing a session: what a device signs for it, and what becomes of the session by the token that comes."""

from enum import Enum, auto


class Proof(Enum):
    """What the device's key says of a request: nothing; that it once signed for this token; that it did so just now;
    that it did so at a time which is not now."""

    NONE = auto()
    UNDATED = auto()
    NOW = auto()
    OTHER_TIME = auto()


class Renewal(Enum):
    """What a request to renew a session brings."""

    NEXT = auto()  # tokens that are new
    SAME = auto()  # the tokens whose reply was lost
    SIGN_ANEW = auto()  # nothing yet: the clocks differ, or the device once sent it and it comes late, or again
    NOTHING = auto()
    END = auto()  # of the session: one token is in two hands


def judge(presented: int, current: int, proof: Proof, *, is_soon: bool, is_overtaken: bool) -> Renewal:
    """What a genuine token of generation `presented` brings where `current` is the newest that was given out.

    A token that was used is worth its successor for as long as that one was not used, so that a reply may be lost on
    a journey: to the holder of the device's key, of which a copied token is no proof and a copied request none for
    long (RFC 9700, 4.14.2; RFC 9449). `is_soon` says that a request without a time is believed as well; `is_overtaken`
    that it was signed before the newest tokens were given out: it was held up on its way, and whoever makes such a one
    gets nothing by it.
    """
    if presented == current:
        return Renewal.NOTHING if proof is Proof.NONE else Renewal.NEXT
    if proof is Proof.NONE:
        return Renewal.END
    if presented != current - 1:
        return Renewal.SIGN_ANEW if is_overtaken else Renewal.END
    if is_soon or proof is Proof.NOW:
        return Renewal.SAME
    return Renewal.SIGN_ANEW if proof is Proof.OTHER_TIME else Renewal.END


def proof_text(token: str) -> bytes:
    """What a device signs to use a refresh token."""
    return b"MV1 refresh\0" + token.encode()


def dated_proof_text(token: str, signed_at: int) -> bytes:
    """What a device signs to use a refresh token at `signed_at`, in unix seconds."""
    return b"MV1 refresh at\0" + f"{signed_at}\0{token}".encode()
