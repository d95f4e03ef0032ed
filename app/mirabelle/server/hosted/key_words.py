"""The words of `mirabelle keys` and of blocking vouchers: what they are called, and which command they call."""

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

_ABOUT = """\
Vouchers are signed by an issuer key. Who has a copy of it can issue vouchers, so it can be changed at any time, also
while it is in use; the vouchers that are out change over by themselves.
"""


def add_keys(commands: Any, store: argparse.ArgumentParser, sealed: argparse.ArgumentParser) -> None:
    """Add `keys` and its own commands."""
    keys = commands.add_parser("keys", help="list, change and seal the keys that sign vouchers", description=_ABOUT)
    own = keys.add_subparsers(dest="keys_command", metavar="COMMAND", required=True)
    both = [store, sealed]
    own.add_parser("list", parents=both, help="which keys are trusted, and how the private ones are kept")
    rotate = own.add_parser("rotate", parents=both, help="sign with a new key; the old one stays trusted for 73 hours")
    rotate.add_argument(
        "--compromised", default="", metavar="KEY_ID", help="trust this one no more: online at once, else at a sync"
    )
    own.add_parser("seal", parents=both, help="encrypt the private keys in --data under the master key")


def add_blocking(commands: Any, store: argparse.ArgumentParser) -> None:
    """Add `block`, `unblock` and `blocked` to the commands about vouchers."""
    block = commands.add_parser("block", parents=[store], help="have a voucher refused everywhere")
    block.add_argument("voucher", metavar="ID", help="the voucher's id")
    block.add_argument("--why", required=True, metavar="TEXT", help="the reason, for your own records")
    unblock = commands.add_parser("unblock", parents=[store], help="let it be used again")
    unblock.add_argument("voucher", metavar="ID", help="the voucher's id")
    commands.add_parser("blocked", parents=[store], help="list what is blocked, since when and why")


def run_keys(options: argparse.Namespace, data: Path, now: datetime) -> str:
    """Do what `mirabelle keys` was told to; raises KeysUnusable."""
    from mirabelle.server.hosted import key_commands

    master = key_commands.master_key(options.master_key_file)
    if options.keys_command == "seal":
        return key_commands.seal_keys(data, master)
    if options.keys_command == "rotate":
        return key_commands.rotate_keys(data, options.database, master, options.compromised, now)
    return key_commands.list_keys(data, options.database, master, now)


def run_blocking(options: argparse.Namespace, data: Path, now: datetime) -> str:
    """Do what `mirabelle voucher block`, `unblock` or `blocked` was told to; raises NoSuchVoucher."""
    from mirabelle.server.hosted import key_commands

    if options.voucher_command == "block":
        return key_commands.block_voucher(data, options.database, options.voucher, options.why, now)
    if options.voucher_command == "blocked":
        return key_commands.list_blocked(data, options.database, now)
    return key_commands.unblock_voucher(data, options.database, options.voucher, now)
