"""Passes for the wallet apps of phones: signed as those ask, worth what paper is worth, and only where both are so."""

import base64
import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from PIL import Image

from mirabelle.contract import limits
from mirabelle.rules import frame
from mirabelle.server.hosting import demo_programme
from mirabelle.server.services.google_pass import google_link
from mirabelle.server.services.pass_content import PassContent
from mirabelle.server.services.pass_keys import PassesUnusable, pass_keys_from
from mirabelle.server.services.programme_file import RewardRules
from tests.backend import Backend, Person
from tests.clock import MovableClock
from tests.pass_signers import ACCOUNT, ISSUER, PASS_TYPE, TEAM, PassSigners, pass_signers, pem
from tests.server.commands import Shop

REWARD, POINTS = "croissant", 110
SAVE = "https://pay.google.com/gp/v/save/"


@pytest.fixture(scope="module")
def signers(tmp_path_factory: pytest.TempPathFactory) -> PassSigners:
    """What the operator was given."""
    return pass_signers(tmp_path_factory.mktemp("signers"))


@pytest.fixture(scope="module")
def server(signers: PassSigners, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A server whose operator has set up both wallet apps."""
    with Backend(tmp_path_factory.mktemp("passes"), passes=signers.keys()) as server:
        yield server


def ready(person: Person, reward: str = REWARD, points: int = POINTS) -> dict[str, Any]:
    voucher = person.redeem(reward, points).json()["voucher"]
    assert isinstance(voucher, dict)
    return voucher


def asked(person: Person, voucher: dict[str, Any], wallet: str = "apple") -> Any:
    return person.post(f"/vouchers/{voucher['id']}/passes", {"wallet": wallet}).json()


def unpacked(answer: Any) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(answer["pkpass"]))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def verdict(till: Person, text: str) -> str:
    return str(till.post("/scans", {"frame": text}).json()["verdict"])


def test_openssl_verifies_the_signature_of_a_pass_up_to_the_root_and_none_of_a_changed_one(
    server: Backend, signers: PassSigners, tmp_path: Path
) -> None:
    amina = server.participant()
    files = unpacked(asked(amina, ready(amina)))
    (tmp_path / "signature").write_bytes(files["signature"])

    def verified(manifest: bytes) -> bool:
        (tmp_path / "manifest.json").write_bytes(manifest)
        words = ["openssl", "smime", "-verify", "-binary", "-inform", "DER", "-in", tmp_path / "signature"]
        words += ["-content", tmp_path / "manifest.json", "-CAfile", signers.root, "-purpose", "any"]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0

    assert verified(files["manifest.json"])
    assert not verified(files["manifest.json"].replace(b"pass.json", b"past.json"))


def test_the_manifest_has_the_hash_of_every_file_and_all_that_a_pass_needs_is_there(server: Backend) -> None:
    amina = server.participant()
    files = unpacked(asked(amina, ready(amina)))
    told = json.loads(files["manifest.json"])
    assert told == {
        name: hashlib.sha1(content).hexdigest()
        for name, content in files.items()
        if name not in ("manifest.json", "signature")
    }
    assert {"pass.json", "icon.png", "icon@2x.png", "logo@2x.png", "strip@2x.png"} <= told.keys()
    sizes = {name: Image.open(io.BytesIO(files[name])).size for name in ("icon.png", "icon@2x.png", "strip@2x.png")}
    assert sizes == {"icon.png": (29, 29), "icon@2x.png": (58, 58), "strip@2x.png": (750, 288)}


def test_a_pass_says_what_it_is_for_until_when_and_where_in_three_languages(server: Backend) -> None:
    amina = server.participant()
    voucher = ready(amina)
    files = unpacked(asked(amina, voucher))
    told = json.loads(files["pass.json"])
    assert (told["passTypeIdentifier"], told["teamIdentifier"]) == (PASS_TYPE, TEAM)
    assert told["serialNumber"] and told["organizationName"]
    assert told["coupon"]["primaryFields"][0]["value"] == "Butter croissant"
    assert told["coupon"]["secondaryFields"][0]["value"] == "Café Lumière"
    [code] = told["barcodes"]
    parsed = frame.parse(code["message"])
    assert isinstance(parsed, frame.Frame) and parsed.voucher.hex() == voucher["id"]
    assert datetime.fromisoformat(told["expirationDate"]).timestamp() == parsed.lease_end
    assert datetime.fromisoformat(told["relevantDate"]) < datetime.fromisoformat(told["expirationDate"])
    assert code["altText"] == voucher["code"]
    shown = {language: files[f"{language}.lproj/pass.strings"].decode() for language in ("en", "fr", "ar")}
    assert '"Butter croissant" = "Croissant au beurre";' in shown["fr"]
    assert '"Good until" = "صالحة حتى";' in shown["ar"]
    assert [len(words.splitlines()) for words in shown.values()] == [len(shown["en"].splitlines())] * 3


def test_a_saving_link_is_a_token_of_the_operators_account_that_browsers_take(
    server: Backend, signers: PassSigners
) -> None:
    amina = server.participant()
    voucher = ready(amina)
    link = asked(amina, voucher, "google")["link"]
    assert link.startswith(SAVE) and len(link) <= limits.PASS_LINK_CHARACTERS
    claims = jwt.decode(link.removeprefix(SAVE), signers.key.public_key(), algorithms=["RS256"], audience="google")
    assert (claims["iss"], claims["typ"]) == (ACCOUNT, "savetowallet")
    [class_], [object_] = claims["payload"]["offerClasses"], claims["payload"]["offerObjects"]
    assert object_["classId"] == class_["id"] and object_["id"].startswith(f"{ISSUER}.")
    others = {each["language"]: each["value"] for each in class_["localizedTitle"]["translatedValues"]}
    assert (
        class_["title"] == "Butter croissant"
        and others["fr"] == "Croissant au beurre"
        and others.keys() == {"fr", "ar"}
    )
    assert object_["barcode"]["value"].startswith("MV1:")
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(link.removeprefix(SAVE)[:-8] + "AAAAAAAA", signers.key.public_key(), ["RS256"], audience="google")


def of_reward(reward: RewardRules, tint: str | None = None) -> PassContent:
    made = datetime.fromisoformat("2030-01-01T00:00:00+00:00")
    return PassContent(
        serial="s" * 30,
        reward=reward.id,
        title=reward.title,
        terms=reward.terms,
        store=None,
        programme="Mirabelle rewards",
        picture=None,
        tint=tint,
        code="0000-0000-0000",
        made_at=made,
        ends_at=made + timedelta(days=3),
        frame="MV1:" + "0" * 204,
    )


def test_no_title_makes_a_link_longer_than_browsers_are_sure_to_take(signers: PassSigners) -> None:
    google = signers.keys().google
    assert google is not None
    lengths = [len(google_link(google, of_reward(reward))) for reward in demo_programme().rewards]
    assert max(lengths) <= limits.PASS_LINK_CHARACTERS


@pytest.mark.parametrize("wallet", ["apple", "google"])
def test_a_pass_is_taken_once_as_the_voucher_itself(server: Backend, wallet: str) -> None:
    amina, till = server.participant(), server.till()
    voucher = ready(amina)
    text = frame_of(asked(amina, voucher, wallet))
    assert [verdict(till, text) for _ in range(2)] == ["accepted", "already_used"]
    assert amina.get("/redemptions").json()["redemptions"][0]["voucher"]["state"] == "used"
    assert asked(amina, voucher, wallet)["code"] == "voucher_over"


def frame_of(answer: Any) -> str:
    if answer["pkpass"]:
        return str(json.loads(unpacked(answer)["pass.json"])["barcodes"][0]["message"])
    claims = jwt.decode(answer["link"].removeprefix(SAVE), options={"verify_signature": False})
    return str(claims["payload"]["offerObjects"][0]["barcode"]["value"])


def test_no_pass_is_made_of_what_may_not_be_on_paper_or_is_somebody_elses(server: Backend) -> None:
    amina, basil = server.participant(), server.participant()
    assert asked(amina, ready(amina, "coffee-and-cake", 450))["code"] == "paper_not_allowed"
    assert asked(basil, ready(amina))["code"] == "not_found"
    assert server.till().post("/vouchers/ab/passes", {"wallet": "apple"}).json()["code"] == "wrong_role"


def test_passes_are_made_a_few_a_minute_for_each_participant(server: Backend) -> None:
    amina, basil = server.participant(), server.participant()
    mine = ready(amina)
    codes = [asked(amina, mine, "google").get("code", "") for _ in range(limits.PASSES_PER_MINUTE + 1)]
    assert codes == [""] * limits.PASSES_PER_MINUTE + ["rate_limited"]
    assert "code" not in asked(basil, ready(basil))


def test_where_no_wallet_app_is_set_up_none_is_offered(backend: Backend) -> None:
    amina = backend.participant()
    assert amina.get("/programme").json()["passes"] == []
    assert asked(amina, ready(amina))["code"] == "passes_not_offered"


def test_after_its_certificate_ended_nothing_is_signed_for_apples(signers: PassSigners, tmp_path: Path) -> None:
    clock = MovableClock()
    with Backend(tmp_path, passes=signers.keys(), clock=clock) as server:
        assert server.participant().get("/programme").json()["passes"] == ["apple", "google"]
        clock.move(days=366)
        amina = server.participant()
        assert amina.get("/programme").json()["passes"] == ["google"]
        assert asked(amina, ready(amina))["code"] == "passes_not_offered"


def damaged(signers: PassSigners, folder: Path) -> dict[str, tuple[dict[str, str], str]]:
    """Settings that cannot be used, and what is said of each."""
    other = ec.generate_private_key(ec.SECP256R1())
    (folder / "ec.pem").write_bytes(pem(other))
    (folder / "account.json").write_text('{"client_email": "a@b"}', encoding="utf-8")
    locked = signers.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    (folder / "locked.pem").write_bytes(locked)
    apple, google = "MIRABELLE_APPLE_", "MIRABELLE_GOOGLE_"
    return {
        "no key": ({f"{apple}KEY": ""}, f"{apple}KEY is missing"),
        "no file": ({f"{apple}KEY": str(folder / "none")}, f"{apple}KEY: "),
        "no certificate": ({f"{apple}CERTIFICATE": str(signers.folder / "pass.key")}, "not a certificate"),
        "not a pass type's": ({f"{apple}CERTIFICATE": str(signers.root)}, f"not the key of {apple}CERTIFICATE"),
        "another key": ({f"{apple}KEY": str(folder / "ec.pem")}, "not an RSA key"),
        "under a password": ({f"{apple}KEY": str(folder / "locked.pem")}, "under a password"),
        "another issuer": ({f"{apple}WWDR": str(signers.root)}, f"did not issue {apple}CERTIFICATE"),
        "no account": ({f"{google}ACCOUNT": str(folder / "account.json")}, "not the JSON key of a service account"),
        "no number": ({f"{google}ISSUER": "mine"}, f"{google}ISSUER: not the number"),
    }


def test_a_setting_that_cannot_be_used_is_named_and_no_key_is_told(signers: PassSigners, tmp_path: Path) -> None:
    secret = pem(signers.key).decode().splitlines()[5]
    for case, (changed, told) in damaged(signers, tmp_path).items():
        with pytest.raises(PassesUnusable) as fault:
            pass_keys_from(signers.environment | changed, datetime.now().astimezone())
        assert told in str(fault.value), case
        assert secret not in str(fault.value) and "\n" not in str(fault.value)
    assert secret not in repr(signers.keys()) and "RSAPrivateKey" not in repr(signers.keys())


def test_serve_says_in_one_line_which_setting_it_cannot_use(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRABELLE_GOOGLE_ISSUER", ISSUER)
    said = shop.run("serve", "--port", 0, *shop.store())
    assert said.code == 2
    assert said.err == "mirabelle: MIRABELLE_GOOGLE_ACCOUNT is missing: it belongs to MIRABELLE_GOOGLE_ISSUER\n"


def test_a_reward_whose_tint_is_dark_has_a_light_pass() -> None:
    reward = demo_programme().rewards[0]
    assert of_reward(reward, "#101010").background == of_reward(reward).background != (16, 16, 16)
    assert of_reward(reward, "#FDF1E3").background == (253, 241, 227)
