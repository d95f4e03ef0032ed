"""The words of `mirabelle till`: prepare a device for a store, list the tills, take one away."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any


def add_words(commands: Any, store: argparse.ArgumentParser) -> None:
    """Add `till` and what can be said after it; `store` is where the ledger is."""
    till = commands.add_parser("till", help="prepare, list or revoke the devices that staff scan with")
    said = till.add_subparsers(dest="till_command", metavar="COMMAND", required=True)
    enrol = said.add_parser("enrol", parents=[store], help="print a code that makes a device a till, once")
    enrol.add_argument("--store", required=True, metavar="ID", help="the store it stands in")
    enrol.add_argument("--name", required=True, metavar="NAME", help="what it is called there")
    enrol.add_argument("--staff", default="", metavar="NAME", help="who works with it")
    said.add_parser("list", parents=[store], help="list the tills")
    revoke = said.add_parser("revoke", parents=[store], help="end a till: its session is over at once")
    revoke.add_argument("till", metavar="ID", help="its id, see 'mirabelle till list'")


def run(options: argparse.Namespace, data: Path, now: datetime) -> Sequence[str]:
    """Do what was said; the lines to print."""
    from mirabelle.server.hosted import tills

    if options.till_command == "enrol":
        return tills.enrol(data, options.database, options.store, options.name, options.staff, now)
    if options.till_command == "revoke":
        return tills.revoke(data, options.database, options.till, now)
    return tills.listed(data, options.database, now)
