"""`mirabelle voucher check` crashes for no input: it judges it, or says in one line why it cannot."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabelle.voucher_check.command import Unreadable, check_frame, check_vectors
from tests.voucher_check.shell import CASES, GIVEN, GOOD, KEYSET, signed

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["00" * 16, "now", GOOD]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(sorted(CASES)), inner),
    max_leaves=12,
)
CONTEXT = st.dictionaries(
    st.sampled_from(["keys", "keyset_expires", "now", "store", "groups", "revoked", "epochs", "used", "nonce"]),
    ANY_JSON,
)


@given(text=st.text() | st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:").map("MV1:{}".format))
def test_no_text_of_a_frame_is_a_crash(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    keyset = tmp_path_factory.getbasetemp() / "any-text.json"
    keyset.write_text(json.dumps(KEYSET), "utf-8")
    lines, is_accepted = check_frame(text, "1790000000", "7", (), keyset, None, offline=True)
    assert lines and not is_accepted and all(line.count("\n") == 0 for line in lines)


@given(expires=ANY_JSON, keys=ANY_JSON, whole=ANY_JSON, words=st.tuples(st.text(), st.text(), st.text(), st.text()))
def test_no_keyset_nor_word_is_a_crash(
    tmp_path_factory: pytest.TempPathFactory, expires: Any, keys: Any, whole: Any, words: tuple[str, str, str, str]
) -> None:
    keyset = tmp_path_factory.getbasetemp() / "any-keyset.json"
    at, store, group, nonce = words
    plain = (whole, {"expires_at": expires, "keys": keys}, {"expires_at": 0, "keys": [keys]}, KEYSET)
    bundles = (signed(expires_at=expires, keys=keys), signed(epochs=whole), signed() | {"bundle": whole}, signed())
    for content in (*plain, *bundles):
        keyset.write_text(json.dumps(content), "utf-8")
        with pytest.raises(Unreadable) as fault:
            check_frame(GOOD, at, store, (group,), keyset, nonce, offline=False)
        assert "\n" not in str(fault.value)


@given(whole=ANY_JSON, case=ANY_JSON, base=CONTEXT, own=CONTEXT, text=st.text())
def test_no_file_of_vectors_is_a_crash(
    tmp_path_factory: pytest.TempPathFactory, whole: Any, case: Any, base: Any, own: Any, text: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any-vectors.json"
    some = {"name": text, "frame": text, "expect": "accepted", "context": own}
    for content in (whole, {"cases": [case]}, {"base_context": GIVEN["base_context"] | base, "cases": [some]}):
        file.write_text(json.dumps(content), "utf-8")
        try:
            lines, is_right = check_vectors(file)
        except Unreadable:
            continue
        assert not is_right or not lines
