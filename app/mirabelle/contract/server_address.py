"""The address of a programme's server, as people type it, scan it or open it, and the link that carries it."""

import ipaddress
import re
from typing import Final, Literal
from urllib.parse import SplitResult, parse_qsl, quote, urlsplit

SCHEME: Final = "mirabelle"
LONGEST: Final = 512  # characters; a link has three for some of them
_HOST_CHARACTERS: Final = 253
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_PATH: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+)*")
_PORTS: Final = {"http": 80, "https": 443}
# Where nobody else listens, or only one's own network: RFC 1918, 3927, 4193, and this machine.
_PRIVATE: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7",
    )
)  # fmt: skip
_OWN_NAMES: Final = ("localhost", "local")  # this machine; and what a network calls its machines by itself (RFC 6762)

# "empty"; "unreadable": no address of a server; "other_kind": neither http nor https; "open_network": without
# encryption through the world; "user_info": a name or a password in it; "extra": a query or a fragment behind it;
# "too_long"; "not_ours": a link that says something else than where a server is.
Fault = Literal["empty", "unreadable", "other_kind", "open_network", "user_info", "extra", "too_long", "not_ours"]


class BadAddress(ValueError):
    """No server can be asked at what was given; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


def read_address(text: str) -> str:
    """The one way to write the address: scheme, host in ASCII, port where it is unusual, path; raises BadAddress.

    Without a scheme it is https, but for this machine and addresses of private networks.
    """
    text = text.strip()
    if not text:
        raise BadAddress("empty")
    if len(text) > LONGEST:
        raise BadAddress("too_long")
    if not text.isprintable() or re.search(r"[\s\\]", text):
        raise BadAddress("unreadable")
    if "://" not in text:
        text = f"{_usual_scheme(text)}://{text}"
    return _written(_split(text))


def read_link(text: str) -> str:
    """The address in a link that opens the app, or in a code that holds one or the other; raises BadAddress."""
    if not is_link(text):
        return read_address(text)
    if len(text) > 3 * LONGEST:
        raise BadAddress("too_long")
    try:
        link = urlsplit(text.strip())
        said = parse_qsl(link.query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        raise BadAddress("not_ours") from None
    if (link.netloc.lower(), link.path.strip("/"), link.fragment) != ("add", "", "") or len(said) != 1:
        raise BadAddress("not_ours")
    name, address = said[0]
    if name != "server":
        raise BadAddress("not_ours")
    return read_address(address)


def is_link(text: str) -> bool:
    """Whether it is a link that opens the app, whatever it says."""
    return text.strip().lower().startswith(f"{SCHEME}:")


def link_in_route(route: str) -> str | None:
    """The link in a route, as phones hand it to an app that it opens: some leave its scheme out, or also its host."""
    if is_link(route):
        return route
    path, _, query = route.partition("?")
    return f"{SCHEME}://add?{query}" if path in ("", "/", "/add", "/add/") and query.startswith("server=") else None


def link_to(address: str) -> str:
    """The link that asks whoever opens it whether to join the server at `address`."""
    return f"{SCHEME}://add?server={quote(address, safe='')}"


def is_open(address: str) -> bool:
    """Whether what is sent to a written address can be read by others in its network."""
    return address.startswith("http:") and not _is_this_machine(_host(address))


def is_here(address: str) -> bool:
    """Whether a written address leads to this very machine, and so from another one nowhere."""
    return _is_this_machine(_host(address))


def place_of(address: str) -> str:
    """What of a written address people go by: the host as its readers write it, the port, the path."""
    split = urlsplit(address)
    shown = split.netloc
    if "xn--" in shown:
        import idna

        port = f":{split.port}" if split.port else ""
        # What looks like another's name is told apart by how it is written in ASCII.
        shown = f"{idna.decode(split.hostname or '')}{port} ({split.netloc})"
    return shown + split.path


def _host(address: str) -> str:
    return urlsplit(address).hostname or ""


def _usual_scheme(text: str) -> str:
    try:
        return "http" if _is_private(_host_of(_split(f"https://{text}"))) else "https"
    except BadAddress:
        return "https"


def _split(text: str) -> SplitResult:
    try:
        split = urlsplit(text)
        _ = split.port, split.hostname
    except ValueError:
        raise BadAddress("unreadable") from None
    if split.scheme not in _PORTS:
        raise BadAddress("other_kind")
    if "@" in split.netloc:
        raise BadAddress("user_info")
    if "?" in text or "#" in text:
        raise BadAddress("extra")
    return split


def _written(split: SplitResult) -> str:
    host, port, path = _host_of(split), split.port, split.path.rstrip("/")
    if port == 0 or split.netloc.endswith(":") or not _PATH.fullmatch(path):
        raise BadAddress("unreadable")
    if split.scheme == "http" and not _is_private(host):
        raise BadAddress("open_network")
    shown = f"[{host}]" if ":" in host else host
    address = f"{split.scheme}://{shown}" + (f":{port}" if port not in (None, _PORTS[split.scheme]) else "") + path
    if len(address) > LONGEST:
        raise BadAddress("too_long")
    return address


def _host_of(split: SplitResult) -> str:
    host = split.hostname or ""
    if split.netloc.startswith("[") or _is_number(host):
        return _number(host)
    name = host.removesuffix(".")
    if not name.isascii():
        name = _in_ascii(name)
    labels = name.split(".")
    # A last part of digits is a number to some and a name to others: "127.1" leads elsewhere than it seems to.
    if len(name) > _HOST_CHARACTERS or not all(map(_LABEL.fullmatch, labels)) or re.match(r"\d+$|0x", labels[-1]):
        raise BadAddress("unreadable")
    if "xn--" in name and _in_ascii(name) != name:
        raise BadAddress("unreadable")
    return name


def _is_number(host: str) -> bool:
    return re.fullmatch(r"\d{1,3}(?:\.\d{1,3}){3}", host, re.ASCII) is not None


def _number(host: str) -> str:
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        raise BadAddress("unreadable") from None
    mapped = getattr(number, "ipv4_mapped", None)
    if number.is_unspecified or number.is_multicast or mapped is not None or getattr(number, "scope_id", None):
        raise BadAddress("unreadable")
    return str(number)


def _in_ascii(name: str) -> str:
    import idna

    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        raise BadAddress("unreadable") from None


def _is_private(host: str) -> bool:
    return _is_in(host, _PRIVATE) or host.rpartition(".")[2] in _OWN_NAMES


def _is_this_machine(host: str) -> bool:
    return _is_in(host, (_PRIVATE[0], _PRIVATE[5])) or host.rpartition(".")[2] == _OWN_NAMES[0]


def _is_in(host: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(number in network for network in networks)
