"""The address of a server: one way to write it, and whatever is not surely one is refused with a reason."""

import ipaddress
from contextlib import suppress

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mirabelle.contract.server_address import (
    BadAddress,
    is_here,
    is_open,
    link_in_route,
    link_to,
    place_of,
    read_address,
    read_link,
)

PIECES = st.sampled_from(
    "http https mirabelle :// : // / @ ? # [ ] . .. % \\ add server = & 127 0 1 192.168.0.7 ::1 fe80 localhost local "
    "points example points.example 443 80 8550 65536 xn--p1ai موقع é İ ß \u200d \u3002 \t \n".split(" ")
)
ANYTHING = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=9).map("".join))
LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True).filter(lambda label: label[2:4] != "--")
HOSTS = st.one_of(
    st.lists(LABEL, min_size=1, max_size=4).map(".".join),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda number: f"[{number}]"),
)
PATHS = st.lists(st.from_regex(r"[a-zA-Z0-9_~-]{1,8}", fullmatch=True), max_size=3).map(
    lambda parts: "".join(f"/{part}" for part in parts)
)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("points.example", "https://points.example"),
        (" HTTPS://Points.Example:443/ ", "https://points.example"),
        ("https://points.example:8443/loyalty//", "https://points.example:8443/loyalty"),
        ("points.example.", "https://points.example"),
        ("localhost:8550", "http://localhost:8550"),
        ("192.168.1.20", "http://192.168.1.20"),
        ("http://[FD00::1]:8550/", "http://[fd00::1]:8550"),
        ("till.local", "http://till.local"),
        ("https://موقع.example/", "https://xn--4gbrim.example"),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("mirabelle://add?server=https%3A%2F%2Fpoints.example%2Fa", "https://points.example/a"),
        ("MIRABELLE://add/?server=points.example", "https://points.example"),
    ],
)
def test_an_address_is_read_however_it_is_written(typed: str, address: str) -> None:
    assert read_link(typed) == address


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("  ", "empty"),
        ("http://points.example", "open_network"),
        ("http://8.8.8.8", "open_network"),
        ("http://localhost.evil.example", "open_network"),
        ("http://[::ffff:127.0.0.1]", "unreadable"),
        ("ftp://points.example", "other_kind"),
        ("javascript://points.example", "other_kind"),
        ("https://points.example@evil.example", "user_info"),
        ("https://:secret@points.example", "user_info"),
        ("https://points.example?x=1", "extra"),
        ("https://points.example/#/wallet", "extra"),
        ("https://points.example:0", "unreadable"),
        ("https://points.example:65536", "unreadable"),
        ("https://points.example:", "unreadable"),
        ("https://points.example/../admin", "unreadable"),
        ("https://points.example/a%2fb", "unreadable"),
        ("https:\\\\points.example", "unreadable"),
        ("https://127.1", "unreadable"),
        ("https://0x7f.1", "unreadable"),
        ("https://2130706433", "unreadable"),
        ("https://0.0.0.0", "unreadable"),
        ("https://-a.example", "unreadable"),
        ("two words", "unreadable"),
        ("https://" + "a" * 600, "too_long"),
        ("mirabelle://voucher?server=points.example", "not_ours"),
        ("mirabelle://add?server=a.example&server=b.example", "not_ours"),
        ("mirabelle://add?server=a.example&sign_in=yes", "not_ours"),
        ("mirabelle://add", "not_ours"),
        ("mirabelle:add?server=a.example", "not_ours"),
    ],
)
def test_what_is_no_address_is_refused_with_its_reason(typed: str, fault: str) -> None:
    with pytest.raises(BadAddress) as refused:
        read_link(typed)
    assert refused.value.fault == fault


@given(ANYTHING)
def test_whatever_is_taken_is_safe_written_in_one_way_and_read_alike_by_what_connects(text: str) -> None:
    try:
        address = read_link(text)
    except BadAddress:
        return
    url = httpx.URL(address)
    assert read_address(address) == address and read_link(link_to(address)) == address
    assert address.isascii() and not set(address) & set("@?#%\\ ") and str(url).rstrip("/") == address
    assert url.scheme == "https" or _is_private(url.host)
    assert place_of(address)


@given(st.sampled_from(["http", "https"]), HOSTS, st.none() | st.integers(1, 65535), PATHS)
def test_every_plain_address_is_taken_as_it_is(scheme: str, host: str, port: int | None, path: str) -> None:
    typed = f"{scheme}://{host}" + (f":{port}" if port else "") + path
    with suppress(ValueError):
        number = ipaddress.ip_address(host.strip("[]"))
        assume(not number.is_unspecified and not number.is_multicast and not getattr(number, "ipv4_mapped", None))
        assume(scheme == "https" or number.is_global)  # which networks are private, the examples say
    url = httpx.URL(typed)
    if scheme == "http" and not _is_private(url.host):
        with pytest.raises(BadAddress, match="open_network"):
            read_address(typed)
    else:
        read = httpx.URL(read_address(typed))
        assert (read.scheme, read.host, read.port, read.path.rstrip("/")) == (scheme, url.host, url.port, path)


def _is_private(host: str) -> bool:
    """By the library's own words, where the app has a list."""
    with suppress(ValueError):
        number = ipaddress.ip_address(host)
        return number.is_private
    return host.rpartition(".")[2] in ("localhost", "local")


@pytest.mark.parametrize(
    "route", ["mirabelle://add?server=points.example", "/add?server=points.example", "/?server=points.example"]
)
def test_a_link_is_found_in_a_route_however_much_of_it_the_phone_leaves_out(route: str) -> None:
    link = link_in_route(route)
    assert link is not None and read_link(link) == "https://points.example"
    assert link_in_route("/rewards?server=points.example") is None and link_in_route("/") is None


def test_what_others_in_the_network_can_read_is_told_from_what_stays_on_this_machine() -> None:
    assert is_open("http://192.168.1.20") and not is_open("https://points.example")
    assert is_here("http://127.0.0.1:8550") and not is_open("http://127.0.0.1:8550")
    assert not is_here("https://points.example")


def test_a_name_in_other_letters_is_shown_in_both_ways_to_write_it() -> None:
    assert place_of("https://points.example/a") == "points.example/a"
    assert place_of(read_address("https://موقع.example:8443")) == "موقع.example:8443 (xn--4gbrim.example:8443)"
