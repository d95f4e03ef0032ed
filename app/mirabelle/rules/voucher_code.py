"""The one list of answers to "may this voucher be honoured?", shared by server and till."""

from enum import StrEnum


class VoucherCode(StrEnum):
    """Why a shown voucher is refused, in the order of the checks, or that it is accepted.

    Where all checks are passed by one that carries money, the server asks how much of it is to be taken.
    """

    NOT_A_VOUCHER = "not_a_voucher"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNSUPPORTED_ALGORITHM = "unsupported_algorithm"
    UNKNOWN_KEY = "unknown_key"
    KEYSET_EXPIRED = "keyset_expired"
    BAD_ISSUER_SIGNATURE = "bad_issuer_signature"
    BEARER_NOT_ALLOWED = "bearer_not_allowed"
    NOT_YET_VALID = "not_yet_valid"
    LEASE_EXPIRED = "lease_expired"
    WRONG_STORE = "wrong_store"
    SUPERSEDED_DEVICE = "superseded_device"
    REVOKED = "revoked"
    CHALLENGE_REQUIRED = "challenge_required"
    BAD_HOLDER_SIGNATURE = "bad_holder_signature"
    STALE_CODE = "stale_code"
    OFFLINE_NOT_ALLOWED = "offline_not_allowed"
    OVER_CAP = "over_cap"
    ALREADY_USED = "already_used"
    ACCEPTED = "accepted"
    AMOUNT_REQUIRED = "amount_required"
