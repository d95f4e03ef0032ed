"""Problem documents (RFC 9457): how every refusal and every fault is told."""

from datetime import datetime
from typing import Final

import msgspec

from mirabelle.contract import messages as m
from mirabelle.contract.reasons import STATUS, Reason

PROBLEM_JSON: Final = "application/problem+json"

_TITLES: Final = {reason: reason.value.replace("_", " ").capitalize() for reason in Reason}


def problem_body(
    reason: Reason,
    detail: str = "",
    *,
    field: str | None = None,
    points: int | None = None,
    points_missing: int | None = None,
    server_time: datetime | None = None,
) -> bytes:
    """The JSON of the problem document for `reason`."""
    return msgspec.json.encode(
        m.Problem(
            type=f"urn:mirabelle:problem:{reason.value}",
            title=_TITLES[reason],
            status=STATUS[reason],
            code=reason.value,
            detail=detail,
            field=field,
            points=points,
            points_missing=points_missing,
            server_time=server_time,
        )
    )
