"""A voucher as a pass for Apple's wallet app: a .pkpass, a ZIP file whose manifest the operator's key signs."""

import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from mirabelle.contract import limits
from mirabelle.contract.messages import Text
from mirabelle.contract.places import assets_directory
from mirabelle.contract.translation import LANGUAGES
from mirabelle.server.services.pass_content import PassContent, words
from mirabelle.server.services.pass_keys import AppleKey

_INK: Final = "rgb(36, 22, 32)"
_QUIET: Final = "rgb(103, 85, 98)"
_STRIP: Final = (750, 288)  # pixels, two for each point of a coupon's strip
_RELEVANT: Final = timedelta(hours=12)  # before its end, when the lock screen reminds of it
_MIDNIGHT: Final = (1980, 1, 1, 0, 0, 0)  # the ZIP's earliest: what is in it has no time of its own


def apple_pass(key: AppleKey, content: PassContent) -> bytes:
    """The .pkpass file."""
    files = {
        "pass.json": json.dumps(_document(key, content), ensure_ascii=False).encode(),
        **{file.name: file.read_bytes() for file in sorted((assets_directory() / "images" / "passes").glob("*.png"))},
        **{f"{language}.lproj/pass.strings": _strings(content, language) for language in LANGUAGES},
    }
    strip = _strip(content)
    if len(strip) <= limits.PASS_PICTURE_BYTES:
        files["strip@2x.png"] = strip
    # SHA-1 is what the format asks for; the signature over the manifest is by SHA-256.
    hashes = {name: hashlib.sha1(each, usedforsecurity=False).hexdigest() for name, each in files.items()}
    manifest = json.dumps(hashes).encode()
    files |= {"manifest.json": manifest, "signature": _signature(key, manifest)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in files.items():
            archive.writestr(zipfile.ZipInfo(name, _MIDNIGHT), each, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _signature(key: AppleKey, manifest: bytes) -> bytes:
    builder = PKCS7SignatureBuilder().set_data(manifest).add_signer(key.certificate, key.key, SHA256())
    builder = builder.add_certificate(key.intermediate)
    return builder.sign(Encoding.DER, [PKCS7Options.DetachedSignature, PKCS7Options.Binary])


def _document(key: AppleKey, content: PassContent) -> dict[str, Any]:
    return {
        "formatVersion": 1,
        "passTypeIdentifier": key.pass_type,
        "teamIdentifier": key.team,
        "serialNumber": content.serial,
        "organizationName": content.programme,
        "logoText": content.programme,
        "description": _shown(content.title),
        "backgroundColor": "rgb({}, {}, {})".format(*content.background),
        "foregroundColor": _INK,
        "labelColor": _QUIET,
        "relevantDate": _time(max(content.made_at, content.ends_at - _RELEVANT)),
        "expirationDate": _time(content.ends_at),
        "sharingProhibited": True,
        "barcodes": [
            {
                "format": "PKBarcodeFormatQR",
                "message": content.frame,
                "messageEncoding": "iso-8859-1",
                "altText": content.code,
            }
        ],
        "coupon": {
            "primaryFields": [{"key": "reward", "value": _shown(content.title)}],
            "secondaryFields": [
                {"key": "store", "label": words("store").en, "value": _shown(content.store or words("any_store"))},
                {
                    "key": "until",
                    "label": words("until").en,
                    "value": _time(content.ends_at),
                    "dateStyle": "PKDateStyleMedium",
                    "timeStyle": "PKDateStyleShort",
                },
            ],
            "backFields": [
                {"key": "rules", "label": words("rules").en, "value": words("rules_text").en},
                {"key": "terms", "label": words("terms").en, "value": _shown(content.terms)},
            ],
        },
    }


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(text: Text) -> str:
    """What the pass says where a phone speaks none of our languages, which is what the other languages go by."""
    return text.in_language("en")


def _strings(content: PassContent, language: str) -> bytes:
    """What takes the place of the texts of pass.json on a phone that speaks `language`."""
    shown = [content.title, content.terms, content.store or words("any_store")]
    shown += [words(name) for name in ("store", "until", "rules", "rules_text", "terms")]
    pairs = {_shown(text): text.in_language(language) for text in shown if _shown(text)}
    lines = [f"{_quoted(key)} = {_quoted(value)};\n" for key, value in pairs.items()]
    return "".join(lines).encode()


def _quoted(text: str) -> str:
    for character, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(character, escaped)
    return f'"{text}"'


def _strip(content: PassContent) -> bytes:
    """The reward's picture at the side of a strip, whose other side is for its name; an empty strip without one."""
    from PIL import Image, ImageOps

    strip = Image.new("RGB", _STRIP, content.background)
    if content.picture:
        with Image.open(io.BytesIO(content.picture)) as picture:
            shown = ImageOps.contain(picture.convert("RGBA"), (_STRIP[1] - 40,) * 2, Image.Resampling.LANCZOS)
        strip.paste(shown, (_STRIP[0] - shown.width - 24, (_STRIP[1] - shown.height) // 2), shown)
    packed = io.BytesIO()
    strip.save(packed, "PNG")
    return packed.getvalue()
