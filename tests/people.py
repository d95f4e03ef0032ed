"""People that a programme knew before it was served."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mirabelle.server.hosting import DEMO_PROGRAMME


def people_with_points(data: Path, *addresses: str, amount: str = "1000.00", database_url: str = "") -> None:
    """Imports participants of the demo programme who sign in by e-mail and bought for `amount` a month ago."""
    lines = [line for address in addresses for line in _past(address, amount)]
    data.mkdir(parents=True, exist_ok=True)
    file = data / "people.ndjson"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    words = ["import", "--data", str(data), "--programme", str(DEMO_PROGRAMME), str(file)]
    words += ["--database", database_url] if database_url else []
    done = subprocess.run(
        [sys.executable, "-m", "mirabelle", *words],
        env={**os.environ, "PYTHONPATH": str(DEMO_PROGRAMME.parents[3])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def _past(address: str, amount: str) -> list[dict[str, str]]:
    bought = datetime.now(UTC) - timedelta(days=30)
    id_ = address.partition("@")[0]
    return [
        {"type": "participant", "id": id_, "at": bought.isoformat(), "name": id_.title(), "email": address},
        {"type": "purchase", "id": f"{id_}-1", "participant": id_, "store": "cafe-lumiere", "at": bought.isoformat(),
         "amount": amount, "currency": "EUR"},
    ]  # fmt: skip
