"""The command `mirabelle`: reads words, then calls the app's wiring or the server, importing only what is needed."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mirabelle.contract.places import data_directory
from mirabelle.server.hosted import key_words, till_words
from mirabelle.voucher_check import words as check_words

if TYPE_CHECKING:
    from mirabelle.server.services.audit import Audit

WRONG_USE: Final = 2
CHECK_FAILED: Final = 1

_ABOUT = """\
Mirabelle: points, rewards and QR vouchers for a programme of your own.

Without a word, it starts the demo programme and opens the app.
"""
_MORE = """\
environment:
  MIRABELLE_SMTP   SMTP server for sign-in codes, as smtp://[user:password@]host[:port], or smtps:// for TLS from the
                   start; without it each mail is written into the data directory's outbox/
  MIRABELLE_DATA   data directory where --data does not name one
  MIRABELLE_MASTER_KEY   64 hexadecimal digits under which the keys in --data are sealed, see 'mirabelle keys seal'
  MIRABELLE_APPLE_..., MIRABELLE_GOOGLE_...   what signs passes for the wallet apps of phones, see the README
"""


class Unusable(Exception):
    """What was asked cannot be done; the message is the one line that says why."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mirabelle", description=_ABOUT, epilog=_MORE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    opening = commands.add_parser("open", help="open the app, as without a word, with a link")
    opening.add_argument("link", metavar="LINK", help="as in mirabelle://add?server=https%%3A%%2F%%2Fpoints.example")
    store = argparse.ArgumentParser(add_help=False)
    store.add_argument("--data", type=Path, default=None, metavar="DIR", help="data directory")
    store.add_argument("--database", default="", metavar="URL", help="postgresql://... instead of SQLite in --data")
    sealed = argparse.ArgumentParser(add_help=False)
    sealed.add_argument(
        "--master-key-file", type=Path, metavar="FILE", help="holds the master key, instead of MIRABELLE_MASTER_KEY"
    )
    rules = argparse.ArgumentParser(add_help=False)
    rules.add_argument("--programme", type=Path, metavar="FILE.toml", help="load this programme; it stays")

    serve = commands.add_parser(
        "serve", parents=[store, rules, sealed], help="run the backend and the web app on one port"
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    serve.add_argument(
        "--port", type=int, default=8550, help="port to listen on, 0 for a free one (default %(default)s)"
    )
    serve.add_argument("--demo", action="store_true", help="load the demo programme and let anybody try it")

    files = commands.add_parser("import", parents=[store, rules], help="count events from NDJSON files, plain or .gz")
    files.add_argument("files", nargs="+", type=Path, metavar="FILE")
    files.add_argument("--skip-bad", action="store_true", help="go on after bad lines; write them to FILE.rejected")

    backup = commands.add_parser(
        "backup", parents=[store], help="write everything into one file, also while it is served"
    )
    backup.add_argument(
        "file", type=Path, metavar="FILE", help="a new file; it holds the signing keys of --data as well"
    )

    restore = commands.add_parser(
        "restore", parents=[store, sealed], help="bring a backup back, into either kind of database"
    )
    restore.add_argument("file", type=Path, metavar="FILE", help="what 'mirabelle backup' wrote")
    restore.add_argument("--replace", action="store_true", help="put it in the place of what is there")

    commands.add_parser(
        "close", parents=[store], help="close the days that have ended, as a running server does by itself at night"
    )

    extend = commands.add_parser("extend", parents=[store], help="give active participants' points more time")
    extend.add_argument("--preview", action="store_true", help="only say what the programme's rule would rescue")

    reverse = commands.add_parser("reverse", parents=[store], help="give points of a redemption back")
    reverse.add_argument("redemption", metavar="REDEMPTION", help="its id")
    reverse.add_argument("--points", type=_positive, metavar="N", help="so many, instead of all that are left")
    reverse.add_argument(
        "--id", required=True, metavar="ID", help="a name of your own for it: the same again gives nothing back twice"
    )

    audit = commands.add_parser("audit", parents=[store], help="recompute the ledger and check it")
    audit.add_argument("--as-of", metavar="TIME", help="what it said at this time, as in 2018-01-02T05:00:00Z")
    audit.add_argument("--json", action="store_true", help="print JSON")
    till_words.add_words(commands, store)
    key_words.add_keys(commands, store, sealed)
    vouchers = commands.add_parser("voucher", help="judge vouchers as a till does, or block them").add_subparsers(
        dest="voucher_command", metavar="COMMAND", required=True
    )
    check_words.add_check(vouchers)
    key_words.add_blocking(vouchers, store)
    return parser


def main(words: Sequence[str] | None = None) -> None:
    """Run the command; ends the process with 0, 1 where a check failed, or 2 with one line that says what is wrong."""
    options = _parser().parse_args(words)
    commands: dict[str | None, Callable[[argparse.Namespace], int]] = {
        None: _open_app,
        "open": _open_app,
        "serve": _serve,
        "import": _import,
        "backup": _backup,
        "restore": _restore,
        "close": _close,
        "extend": _extend,
        "reverse": _reverse,
        "audit": _audit,
        "keys": _keys,
        "voucher": _voucher,
        "till": _till,
        "fraud": _till,
    }
    try:
        code = commands[options.command](options)
    except Unusable as fault:
        print(f"mirabelle: {fault}", file=sys.stderr)
        code = WRONG_USE
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


@contextmanager
def _usable() -> Iterator[None]:
    """Turn what can keep a command from its work into Unusable: files, ports, programmes and databases."""
    from sqlalchemy.exc import SQLAlchemyError

    from mirabelle.server.hosting import ServerUnusable
    from mirabelle.server.services.backup_file import BackupUnusable
    from mirabelle.server.services.blocking import NoSuchVoucher
    from mirabelle.server.services.imports import FileUnreadable
    from mirabelle.server.services.pass_keys import PassesUnusable
    from mirabelle.server.services.programme_file import ProgrammeUnusable
    from mirabelle.server.services.sealing import KeysUnusable
    from mirabelle.server.storage.database import DatabaseUnusable, told
    from mirabelle.server.storage.direct import DatabaseBusy

    clear = (ServerUnusable, ProgrammeUnusable, DatabaseUnusable, BackupUnusable, FileUnreadable, KeysUnusable)
    try:
        yield
    except (*clear, PassesUnusable, NoSuchVoucher, OSError) as fault:
        raise Unusable(fault) from fault
    except (SQLAlchemyError, DatabaseBusy) as fault:
        raise Unusable(f"the database failed: {told(fault)}") from fault


def _keep_to_this_user() -> None:
    """What is written from here on holds addresses and codes: nobody else on the machine may read it."""
    os.umask(0o077)


def _open_app(options: argparse.Namespace) -> int:
    from mirabelle.client import wiring

    _keep_to_this_user()
    with _usable():
        wiring.run(getattr(options, "link", ""))
    return 0


def _serve(options: argparse.Namespace) -> int:
    from mirabelle.client import wiring
    from mirabelle.server import hosting
    from mirabelle.server.hosted import key_commands
    from mirabelle.server.services.context import Settings
    from mirabelle.server.services.pass_keys import pass_keys_from
    from mirabelle.server.services.programme_file import read_programme

    _keep_to_this_user()
    with _usable():
        programme = read_programme(options.programme) if options.programme else None
        if programme is None and options.demo:
            programme = hosting.demo_programme()
        data = options.data or data_directory()
        host = hosting.Hosting(
            settings=Settings(
                data=data,
                demo=options.demo,
                smtp=os.environ.get("MIRABELLE_SMTP", ""),
                master_key=key_commands.master_key(options.master_key_file),
                passes=pass_keys_from(os.environ, datetime.now(UTC)),
            ),
            host=options.host,
            port=options.port,
            database_url=options.database,
            programme=programme,
            replaces_others=options.programme is not None,
            web_app=wiring.web_app,
        )
        listener = hosting.bind(options.host, options.port)
        port = listener.getsockname()[1]

        def on_ready(_server: object) -> None:
            hosting.spare_what_is_loaded()
            print(f"mirabelle: {key_commands.kept(data)}", file=sys.stderr, flush=True)
            print(f"Mirabelle is ready at http://{options.host}:{port}", flush=True)

        hosting.run_alone(hosting.serve(host, listener, port, on_ready))
    return 0


def _import(options: argparse.Namespace) -> int:
    from mirabelle.server.hosted import importing
    from mirabelle.server.services.imports import BadLine

    _keep_to_this_user()
    with _usable():
        data, now = options.data or data_directory(), datetime.now(UTC)
        try:
            importing.import_files(
                data, options.database, options.programme, options.files, now, skips_bad=options.skip_bad
            )
        except importing.NoProgramme as fault:
            raise Unusable("no programme is loaded: give one with --programme FILE.toml") from fault
        except BadLine as fault:
            raise Unusable(f"{fault} (nothing of this file was imported)") from fault
    return 0


def _backup(options: argparse.Namespace) -> int:
    from mirabelle.server.hosted import commands

    _keep_to_this_user()
    with _usable():
        data = options.data or data_directory()
        print(commands.backup(data, options.database, options.file, datetime.now(UTC)))
    return 0


def _restore(options: argparse.Namespace) -> int:
    from mirabelle.server.hosted import commands, key_commands

    _keep_to_this_user()
    with _usable():
        data, now = options.data or data_directory(), datetime.now(UTC)
        master = key_commands.master_key(options.master_key_file)
        told, passed = commands.restore(data, options.database, options.file, now, master, replace=options.replace)
    print(told)
    return 0 if passed else CHECK_FAILED


def _close(options: argparse.Namespace) -> int:
    from mirabelle.server.hosted import commands

    with _usable():
        print(commands.close(_data_of(options), options.database, datetime.now(UTC)))
    return 0


def _extend(options: argparse.Namespace) -> int:
    from mirabelle.server.hosted import commands

    with _usable():
        print(commands.extend(_data_of(options), options.database, datetime.now(UTC), preview=options.preview))
    return 0


def _reverse(options: argparse.Namespace) -> int:
    from mirabelle.server.hosted import commands
    from mirabelle.server.services.reversing import NotReversed

    with _usable():
        data, now = _data_of(options), datetime.now(UTC)
        try:
            print(commands.reverse(data, options.database, options.redemption, options.points, options.id, now))
        except NotReversed as fault:
            raise Unusable(fault) from fault
    return 0


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"not a number of points: {text}")
    return int(text)


def _data_of(options: argparse.Namespace) -> Path:
    """The data directory, which must be there unless a database is named."""
    data: Path = options.data or data_directory()
    if not options.database and not data.is_dir():
        raise Unusable(f"there is no data directory {data}")
    return data


def _audit(options: argparse.Namespace) -> int:
    import asyncio

    as_of = _instant(options.as_of) if options.as_of else datetime.now(UTC)
    with _usable():
        result = asyncio.run(_audited(options, as_of))
    told = result.as_dict()
    if options.json:
        print(json.dumps(told))
    else:
        for name, value in told.items():
            print(f"{name:<20} {value}")
    return 0 if result.passed else CHECK_FAILED


async def _audited(options: argparse.Namespace, as_of: datetime) -> "Audit":
    from mirabelle.server.hosting import open_store
    from mirabelle.server.services.audit import audit

    database = await open_store(_data_of(options), options.database, None, as_of)
    try:
        async with database.read() as connection:
            return await audit(connection, as_of)
    finally:
        await database.close()


def _keys(options: argparse.Namespace) -> int:
    _keep_to_this_user()
    with _usable():
        print(key_words.run_keys(options, _data_of(options), datetime.now(UTC)))
    return 0


def _voucher(options: argparse.Namespace) -> int:
    from mirabelle.voucher_check import command

    if options.voucher_command != "check":
        with _usable():
            print(key_words.run_blocking(options, _data_of(options), datetime.now(UTC)))
        return 0
    of_a_frame = (options.frame, options.at, options.store, options.keyset)
    try:
        if options.vectors is not None:
            if any((*of_a_frame, options.group, options.nonce, options.offline)):
                raise Unusable("voucher check: --vectors stands alone")
            lines, passed = command.check_vectors(options.vectors)
        elif None in of_a_frame:
            raise Unusable("voucher check: give a FRAME with --at, --store and --keyset, or --vectors")
        else:
            lines, passed = command.check_frame(
                options.frame, options.at, options.store, options.group, options.keyset, options.nonce,
                offline=options.offline,
            )  # fmt: skip
    except command.Unreadable as fault:
        raise Unusable(fault) from fault
    for line in lines:
        print(line)
    return 0 if passed else CHECK_FAILED


def _till(options: argparse.Namespace) -> int:
    from mirabelle.server.services.enrolment import NoSuch

    with _usable():
        try:
            lines = till_words.run(options, _data_of(options), datetime.now(UTC))
        except NoSuch as fault:
            raise Unusable(fault) from fault
    print("\n".join(lines))
    return 0


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as fault:
        raise Unusable(f"--as-of: not a time such as 2018-01-02T05:00:00Z: {text}") from fault
    if instant.tzinfo is None:
        raise Unusable(f"--as-of: without a time zone: {text}")
    return instant
