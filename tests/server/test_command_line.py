"""The command line: what cannot be done is one clear line and exit code 2, and an audit that fails says so."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mirabelle.server.storage import database
from tests.server.commands import PROGRAMME, Said, Shop, purchase, redemption

ROOT = Path(__file__).parents[2]


def is_one_line(said: Said) -> bool:
    """Whether a command ended with exit code 2 and one line that says why."""
    assert (said.code, said.out) == (2, ""), said
    assert said.err.startswith("mirabelle: ") and said.err.count("\n") == 1, said.err
    return "Traceback" not in said.err


def serve(shop: Shop, *words: object) -> Said:
    return shop.run("serve", "--port", 0, "--data", shop.folder / "data", *words)


def test_a_port_in_use_is_one_line(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = serve(shop, "--port", port)
    assert is_one_line(said) and f"port {port}" in said.err


@pytest.mark.parametrize("words", [("--port", "99999"), ("--port", "-1"), ("--host", "no such host")])
def test_an_address_that_cannot_be_is_one_line(shop: Shop, words: tuple[str, str]) -> None:
    assert is_one_line(serve(shop, *words))


@pytest.mark.parametrize("command", ["serve", "import"])
def test_a_data_directory_that_cannot_be_written_is_one_line(shop: Shop, command: str) -> None:
    file = shop.folder / "file"
    file.touch()
    words = ("--port", 0) if command == "serve" else ("--programme", shop.programme, file)
    said = shop.run(command, "--data", file / "data", *words)
    assert is_one_line(said) and str(file / "data") in said.err


WRONG_PROGRAMMES = {
    "missing": (None, "No such file"),
    "a folder": ("", "directory"),
    "no TOML": ("[programme", "not TOML"),
    "a nameless programme": ('[programme]\ncurrency = "EUR"\ntime_zone = "UTC"\n', "name"),
    "an unknown field": (PROGRAMME + "colour = 1\n", "colour"),
    "an unknown time zone": (PROGRAMME.replace("Europe/Paris", "Europe/Nowhere"), "Europe/Nowhere"),
    "a time zone outside": (PROGRAMME.replace("Europe/Paris", "../../etc/passwd"), "time_zone"),
    "a reward twice": (PROGRAMME.replace('id = "silver-cup"', 'id = "cup"'), "cup stands twice"),
    "an unknown tier": (PROGRAMME.replace('from_tier = "silver"', 'from_tier = "gold"'), "from_tier: unknown: gold"),
    "a cap of no amount": (PROGRAMME + '[tills.caps]\nA = { count = 1, value = "1.2.3" }\n', "tills.caps.A.value"),
    "a cap of no class": (PROGRAMME + "[tills.caps]\nC = { count = 1 }\n", "tills.caps"),
    "an unknown kind": (PROGRAMME.replace('kind = "merchandise"', 'kind = "boat"', 1), "rewards[0].kind"),
}


@pytest.mark.parametrize("kind", WRONG_PROGRAMMES)
def test_a_programme_that_cannot_be_used_is_one_line_that_names_file_and_field(shop: Shop, kind: str) -> None:
    text, named = WRONG_PROGRAMMES[kind]
    file = shop.folder / "wrong.toml"
    if text == "":
        file.mkdir()
    elif text is not None:
        file.write_text(text, encoding="utf-8")
    said = serve(shop, "--programme", file)
    assert is_one_line(said) and str(file) in said.err and named in said.err


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://host/name",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////no/such/folder/file",
        "postgresql://user:secret@127.0.0.1:1/name",
        "postgresql://user:secret@127.0.0.1:port/name",
        "postgresql://user:secret@127.0.0.1:1/name?no_such_option=1",
        "postgresql://user:secret@no-such-host.invalid/name",
    ],
)
@pytest.mark.parametrize("command", ["serve", "audit"])
def test_a_database_that_cannot_be_reached_is_one_line_without_its_password(shop: Shop, command: str, url: str) -> None:
    words = ("--port", 0) if command == "serve" else ()
    said = shop.run(command, *words, "--data", shop.folder, "--database", url)
    assert is_one_line(said) and "secret" not in said.err


def test_a_database_that_never_answers_is_given_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        said = serve(shop, "--database", f"postgresql://user:secret@127.0.0.1:{port}/name")
    assert is_one_line(said) and "no answer" in said.err


def test_a_database_that_does_not_exist_on_its_server_is_one_line(shop: Shop, postgresql_url: str) -> None:
    said = serve(shop, "--database", postgresql_url.replace("/t", "/no_such_", 1))
    assert is_one_line(said) and "does not exist" in said.err


def test_a_file_that_is_no_database_is_one_line(shop: Shop) -> None:
    data = shop.folder / "data"
    data.mkdir()
    (data / "mirabelle.sqlite").write_bytes(b"no database at all" * 100)
    assert is_one_line(serve(shop))


@pytest.mark.parametrize("url", ["http://host", "smtp://", "smtp://user:secret@host:port", "secret"])
def test_a_mail_server_that_cannot_be_is_one_line_without_its_password(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("MIRABELLE_SMTP", url)
    said = serve(shop, "--demo")
    assert is_one_line(said) and "MIRABELLE_SMTP" in said.err and "secret" not in said.err


def test_a_secret_that_was_cut_off_is_one_line(shop: Shop) -> None:
    secrets = shop.folder / "data" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "issuer.key").write_bytes(b"short")
    said = serve(shop, "--demo")
    assert is_one_line(said) and "issuer.key" in said.err


def test_help_tells_of_every_command_and_word(shop: Shop) -> None:
    whole = shop.run("--help")
    commands = ("serve", "import", "backup", "restore", "audit", "keys")
    for word in (*commands, "MIRABELLE_SMTP", "MIRABELLE_MASTER_KEY"):
        assert word in whole.out
    assert whole.code == 0
    words = {
        "serve": ("--host", "--port", "--data", "--database", "--programme", "--demo"),
        "import": ("--data", "--database", "--programme", "--skip-bad", "FILE"),
        "backup": ("--data", "--database", "FILE", "keys"),
        "restore": ("--data", "--database", "--replace", "FILE"),
        "audit": ("--data", "--database", "--as-of", "--json"),
        "keys": ("list", "rotate", "seal"),
    }
    for command, named in words.items():
        said = shop.run(command, "--help")
        assert said.code == 0 and all(word in said.out for word in named)


def test_serve_says_when_it_is_ready_answers_and_ends_when_told(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "mirabelle", "serve", "--port", "0", "--data", str(tmp_path), "--demo"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "app")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, **pipes, env=environment, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            line = process.stdout.readline()
            with httpx.Client(base_url=line.removeprefix("Mirabelle is ready at ").strip(), timeout=60) as http:
                assert http.get("/healthz").text == "ok"
                assert "<html" in http.get("/").text.lower()
                assert http.get("/api/v1/programme").json()["demo"] is True
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in (0, -signal.SIGTERM)
            assert "not sealed: whoever can read" in process.stderr.read()
        finally:
            process.kill()  # what did not end when told would be waited for without end


TAMPERED = {
    "a lot": ("update lots set remaining = remaining - 1", "does not hold what its postings say"),
    "a balance": ("update participants set available = available + 1", "balance is not the sum"),
    "a posting's points": (
        "update postings set available = available + 5, issued = issued - 5 where sequence = 1",
        "does not follow from the one before",
    ),
    "a posting's time": ("update postings set at = at + 1 where sequence = 1", "does not follow"),
    "a posting that is gone": ("delete from postings where sequence = 2", "not the one that the account names"),
    "a lot that is gone": ("delete from lots", "does not hold what its postings say"),
}


@pytest.mark.parametrize("kind", TAMPERED)
def test_an_audit_of_a_ledger_that_was_tampered_with_fails_and_says_where(shop: Shop, kind: str) -> None:
    statement, wrong = TAMPERED[kind]
    shop.imported([purchase("p1", "150.00"), redemption("r1")])
    connection = sqlite3.connect(shop.folder / "data" / "mirabelle.sqlite")
    for change in ("update", "delete"):
        connection.execute(f"drop trigger postings_refuse_{change}")
    connection.execute(statement)
    connection.commit()
    connection.close()
    said = shop.run("audit", *shop.store(), "--json")
    assert said.code == 1
    assert not (said.json["lots_match_balances"] and said.json["chains_unbroken"])
    assert any(line.startswith("amina: ") and wrong in line for line in said.json["wrong"])


def test_an_audit_is_told_to_people_as_well(shop: Shop) -> None:
    shop.imported([purchase("p1", "150.00")])
    said = shop.run("audit", *shop.store(), "--as-of", "2026-03-05T00:00:00+01:00")
    assert said.code == 0
    told = dict(line.split(maxsplit=1) for line in said.out.splitlines())
    assert (told["participants"], told["outstanding"], told["lots_match_balances"]) == ("1", "150", "True")


@pytest.mark.parametrize("time", ["yesterday", "2018-13-01T00:00:00Z", "2018-01-02T05:00:00"])
def test_an_audit_as_of_what_is_no_time_is_one_line(shop: Shop, time: str) -> None:
    shop.imported([])
    assert is_one_line(shop.run("audit", *shop.store(), "--as-of", time))


def test_an_audit_of_a_directory_that_is_not_there_makes_none(shop: Shop) -> None:
    said = shop.run("audit", "--data", shop.folder / "nowhere")
    assert is_one_line(said) and not (shop.folder / "nowhere").exists()
