"""Which addresses we post to on a stranger's word: none of our own network, whatever its name says."""

import ipaddress
from urllib.parse import urlsplit

from core.errors import BadDataError


def public(address: str) -> bool:
    """Whether a numerical address is one of the public internet; what carries another inside is not."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return public(str(ip.ipv4_mapped))
        if ip.sixtofour is not None or ip.teredo is not None:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)


def check(url: str, *, private_too: bool) -> str:
    """Return the address of a program; BadDataError for one that can't be, or may not be posted to.

    Without `private_too` only https, and no number of a private network. A name is looked up when it is
    posted to, each time.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or port == 0 or any(c <= " " for c in url):
        raise BadDataError("That is no address to post to.", cure="Write the whole: https://host/path.")
    if parts.username is not None or parts.fragment:
        raise BadDataError(
            "The address has a user or a fragment in it.", cure="Leave it out: posts are signed instead."
        )
    if private_too:
        return url
    if parts.scheme != "https":
        raise BadDataError(
            "Posts go by https only.",
            cure="Write https://...; HEADWATER_WEBHOOK_PRIVATE allows http for development.",
        )
    try:
        inside = not public(host)
    except ValueError:
        inside = host == "localhost" or host.endswith(".localhost")
    if inside:
        raise BadDataError(
            f"{host} is no address of the public internet.",
            cure="HEADWATER_WEBHOOK_PRIVATE allows receivers in the own network.",
        )
    return url
