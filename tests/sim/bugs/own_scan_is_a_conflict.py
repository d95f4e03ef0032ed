"""A till that had no answer, decided by itself and tells of it later is taken for somebody else."""

from dataclasses import replace

import pytest

from mirabelle.rules import commands as c
from mirabelle.rules import ledger, using
from mirabelle.rules.book import Book


def _upload(book: Book, command: c.UploadScan) -> c.Uploaded | c.BadProof:
    return using.upload(book, replace(command, scan=f"{command.scan}-later"))


def plant(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(ledger._HANDLERS, c.UploadScan, _upload)
