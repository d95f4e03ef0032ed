"""E-mail addresses as people type them."""


def looks_like_an_address(typed: str) -> bool:
    """Whether what is typed can be an address; the server has the last word."""
    name, at, place = typed.strip().partition("@")
    return bool(name and at and "." in place)
