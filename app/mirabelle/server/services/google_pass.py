"""A voucher as a pass for Google's wallet app: a link that saves it, a token that the operator's account signs.

The code in it stands still. A rotating one is to be had there only as digits of a TOTP, by SHA-1: no till could check
these without network, and whoever reads the link, which holds their key, could make all of them. A code that the
holder's device signs anew cannot be written down in advance.
"""

import hashlib
import json
from typing import Any, Final

import jwt

from mirabelle.contract import limits
from mirabelle.contract.messages import Text
from mirabelle.server.services.pass_content import PassContent
from mirabelle.server.services.pass_keys import GoogleKey

_SAVE: Final = "https://pay.google.com/gp/v/save/"
_NAME_DIGITS: Final = 12


class _Utf8(json.JSONEncoder):
    """Writes Arabic as it is: escaped, it would take up three times the room in the link."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


def google_link(key: GoogleKey, content: PassContent) -> str:
    """The link; in English alone where it would be longer than browsers are sure to take."""
    link = _link(key, content, content.title)
    if len(link) > limits.PASS_LINK_CHARACTERS:
        link = _link(key, content, Text(en=content.title.in_language("en")))
    return link


def _link(key: GoogleKey, content: PassContent, title: Text) -> str:
    class_ = _class(key, content, title)
    claims = {
        "iss": key.account,
        "aud": "google",
        "typ": "savetowallet",
        "iat": int(content.made_at.timestamp()),
        "payload": {"offerClasses": [class_], "offerObjects": [_object(key, content, class_["id"])]},
    }
    return _SAVE + jwt.encode(claims, key.key, algorithm="RS256", json_encoder=_Utf8)


def _class(key: GoogleKey, content: PassContent, title: Text) -> dict[str, Any]:
    shown = title.in_language("en")
    others = [
        {"language": language, "value": value}
        for language in ("fr", "ar")
        if (value := title.in_language(language)) != shown
    ]
    localized = {"defaultValue": {"language": "en", "value": shown}, "translatedValues": others}
    class_ = {
        "issuerName": content.programme,
        "provider": content.programme,
        "title": shown,
        **({"localizedTitle": localized} if others else {}),
        "redemptionChannel": "INSTORE",
        "reviewStatus": "UNDER_REVIEW",
    }
    # Named by what it says: Google keeps the class that it knows by a name, whatever the link says of it.
    name = hashlib.sha256(json.dumps(class_).encode()).hexdigest()[:_NAME_DIGITS]
    return {"id": f"{key.issuer}.{name}", **class_}


def _object(key: GoogleKey, content: PassContent, class_id: str) -> dict[str, Any]:
    return {
        "id": f"{key.issuer}.{content.serial}",
        "classId": class_id,
        "state": "ACTIVE",
        "barcode": {"type": "QR_CODE", "value": content.frame, "alternateText": content.code},
        "validTimeInterval": {"end": {"date": content.ends_at.isoformat(timespec="seconds")}},
    }
