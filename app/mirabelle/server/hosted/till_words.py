"""The words of `mirabelle till` and `mirabelle fraud`: prepare, list and revoke tills, and look at what they told."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

_MOST_DAYS: Final = 36_500


def add_words(commands: Any, store: argparse.ArgumentParser) -> None:
    """Add `till`, `fraud` and what can be said after them; `store` is where the ledger is."""
    till = commands.add_parser("till", help="prepare, list or revoke the devices that staff scan with")
    said = till.add_subparsers(dest="till_command", metavar="COMMAND", required=True)
    enrol = said.add_parser("enrol", parents=[store], help="print a code that makes a device a till, once")
    which = enrol.add_mutually_exclusive_group(required=True)
    which.add_argument("--store", metavar="ID", help="the store that a new till stands in")
    which.add_argument("--again", metavar="ID", help="a till that there is: its device lost its session, or is another")
    enrol.add_argument("--name", default="", metavar="NAME", help="what it is called there")
    enrol.add_argument("--staff", default="", metavar="NAME", help="who works with it")
    said.add_parser("list", parents=[store], help="list the tills")
    revoke = said.add_parser("revoke", parents=[store], help="end a till: its session is over at once")
    revoke.add_argument("till", metavar="ID", help="its id, see 'mirabelle till list'")

    fraud = commands.add_parser("fraud", parents=[store], help="tell what looks wrong about vouchers and tills")
    fraud.add_argument(
        "--since", type=_days, default=30, metavar="DAYS", help="so many days back (default %(default)s)"
    )
    fraud.add_argument("--json", action="store_true", help="print JSON")


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_DAYS:
        raise argparse.ArgumentTypeError(f"not a number of days: {text}")
    return int(text)


def run(options: argparse.Namespace, data: Path, now: datetime) -> Sequence[str]:
    """Do what was said; the lines to print."""
    from mirabelle.server.hosted import fraud, tills

    if options.command == "fraud":
        return fraud.tell(data, options.database, options.since, now, as_json=options.json)
    if options.till_command == "enrol" and options.again:
        return tills.enrol_again(data, options.database, options.again, now)
    if options.till_command == "enrol":
        return tills.enrol(data, options.database, options.store, options.name, options.staff, now)
    if options.till_command == "revoke":
        return tills.revoke(data, options.database, options.till, now)
    return tills.listed(data, options.database, now)
