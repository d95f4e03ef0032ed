"""What `mirabelle fraud` tells: a table for people, or JSON."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mirabelle.rules.fraud import Visit
from mirabelle.rules.redemption import ConflictRecord, UseRecord
from mirabelle.server.hosted.tills import within
from mirabelle.server.services.fraud import Report, report


def tell(data: Path, database_url: str, days: int, now: datetime, *, as_json: bool) -> list[str]:
    """What there is to look at in the last `days`."""
    since = now - timedelta(days=days)
    found = within(data, database_url, now, lambda connection: report(connection, since))
    return [json.dumps(_plain(found))] if as_json else list(_told(found))


def _scan(told: Report, scan: UseRecord | ConflictRecord | Visit) -> dict[str, Any]:
    store = told.stores.get(scan.store, str(scan.store))
    return {"at": scan.at.isoformat(), "store": store, "till": scan.till, "scan": scan.scan}


def _proven(told: Report, scan: UseRecord | ConflictRecord) -> dict[str, Any]:
    return {**_scan(told, scan), "proof": scan.proof}


def _plain(told: Report) -> dict[str, Any]:
    return {
        "since": told.since.isoformat(),
        "shown_twice": [
            {
                "participant": one.participant,
                "voucher": one.late.voucher.hex(),
                "use": one.late.use,
                "points_lost": one.late.points,
                "first": _proven(told, one.first) if one.first else None,
                "second": {**_proven(told, one.late), "received_at": one.late.received_at.isoformat()},
            }
            for one in told.shown_twice
        ],
        "impossible_travel": [
            {
                "participant": travel.first.participant,
                "km": round(travel.km, 1),
                "first": {"voucher": travel.first.voucher, **_scan(told, travel.first)},
                "second": {"voucher": travel.second.voucher, **_scan(told, travel.second)},
            }
            for travel in told.travels
        ],
        "unusual_refusals": [
            {"till": till.till, "scans": till.scans, "refused": till.refused, "share": round(float(till.share), 3)}
            for till in told.tills
        ],
        "usual_share": round(float(told.usual), 3),
        "doubtful_uploads": [asdict(one) for one in told.doubtful],
    }


def _told(told: Report) -> Iterable[str]:
    plain = _plain(told)
    yield f"Vouchers shown twice: {len(told.shown_twice)}"
    for one in plain["shown_twice"]:
        yield f"  voucher {one['voucher']} of {one['participant']}, use {one['use']}: {one['points_lost']} points lost"
        first = one["first"]
        yield f"    first   {_where(first)}" if first else "    first   nobody: it was cancelled or blocked by then"
        if first:
            yield f"            {first['proof'] or 'typed code'}"
        yield f"    second  {_where(one['second'])}, told {one['second']['received_at']}"
        yield f"            {one['second']['proof']}"
    yield f"Impossible travel: {len(told.travels)}"
    for travel in plain["impossible_travel"]:
        yield f"  {travel['participant']}: {travel['km']} km"
        yield from (f"    {_where(travel[which])}, voucher {travel[which]['voucher']}" for which in ("first", "second"))
    yield f"Tills with unusual refusals: {len(told.tills)} (usual are {plain['usual_share']:.0%})"
    for till in plain["unusual_refusals"]:
        yield f"  {till['till']}: {till['refused']} of {till['scans']} refused ({till['share']:.0%})"
    yield f"Doubtful scans that were told later: {sum(one.recorded + one.refused for one in told.doubtful)}"
    for one in told.doubtful:
        yield f"  {one.till}: {one.reason}: {one.recorded} recorded, {one.refused} refused"


def _where(scan: dict[str, Any]) -> str:
    return f"{scan['at']} {scan['store']} {scan['till']}"
