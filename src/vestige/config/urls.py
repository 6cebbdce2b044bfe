"""URLs that may hold a password: taken apart, and shown without it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

MASK: Final = "***"
SECRET_PARAMETERS: Final = ("password", "secret", "token", "api_key")
HOST_AND_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(:\d*)?")


def split_url(url: str) -> SplitResult | None:
    """Take a URL apart; several hosts with ports, separated by commas, are allowed.

    Returns:
        The parts, or None when they cannot be told apart for certain: an unescaped `/`, `?`, `#`
        or `@` in a password moves a piece of it into the host, the path or the query.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # its message may quote a piece of the password, so it goes no further
        return None
    after_host = url.partition("://")[2].removeprefix(parts.netloc)
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if (
        not parts.scheme
        or "://" not in url
        or "@" in after_host
        or any(character.isspace() or not character.isprintable() for character in url)
        or not all(HOST_AND_PORT.fullmatch(host) for host in hosts)
    ):
        return None
    return parts


def mask_url(text: str) -> str:
    """Replace what is secret in a URL by `***`; text that is not a URL comes back as it is.

    Returns:
        The URL without the password of its user part and of its query, or without everything
        after the scheme where `split_url` cannot tell its parts apart.
    """
    scheme, separator, _ = text.partition("://")
    if not separator:
        return text
    parts = split_url(text)
    if parts is None:
        return f"{scheme}://{MASK}"
    user_part, _, hosts = parts.netloc.rpartition("@")
    user, colon, _ = user_part.partition(":")
    netloc = f"{user}:{MASK}@{hosts}" if colon else parts.netloc
    query = "&".join(_masked_parameter(parameter) for parameter in parts.query.split("&"))
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    # Put together by hand: urlunsplit drops the // of a URL without a host.
    return f"{scheme}://{netloc}{parts.path}{'?' if query else ''}{query}{fragment}"


def _masked_parameter(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    is_secret = any(word in unquote(name).lower() for word in SECRET_PARAMETERS)
    return f"{name}={MASK}" if equals and is_secret else parameter
