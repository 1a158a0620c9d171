"""Which addresses a teacher may have: an operator types them, and this server asks them."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200")))
"""Cloud metadata services outside the link-local networks."""


class AddressError(ValueError):
    """The base URL may not be used; the message says why and what to do."""


def check_base_url(url: str, *, allow_private: bool = True) -> None:
    """Refuse what cannot or must not be a teacher's base URL.

    Args:
        url: for example `https://api.openai.com/v1`.
        allow_private: whether private and loopback addresses may be asked, as self-hosted teachers have them.

    Raises:
        AddressError: another scheme than http and https, credentials, a host that is not known, or one with an
            address that is link-local (cloud metadata), multicast or unspecified.
    """
    parts = _split(url)
    for address in _resolve(parts):
        _check_address(parts.hostname or "", address, allow_private=allow_private)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressError(f"This is not a URL: {error}.") from error
    if parts.scheme not in ("http", "https"):
        raise AddressError("The base URL must begin with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise AddressError("The base URL must not hold a user name or a password; give the key by itself.")
    if not parts.hostname or port == 0:
        raise AddressError("The base URL names no host that can be reached.")
    if parts.query or parts.fragment:
        raise AddressError("The base URL must end with its path, for example /v1.")
    return parts


def _resolve(parts: SplitResult) -> set[IPAddress]:
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, parts.port or parts.scheme, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise AddressError(f"The host {host!r} is not known; check its spelling.") from error
    return {ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found}


def _check_address(host: str, address: IPAddress, *, allow_private: bool) -> None:
    address = _embedded_ipv4(address)
    if address.is_link_local or address in _METADATA:
        raise AddressError(f"The host {host!r} has a link-local or metadata address, which is never asked.")
    if address.is_multicast or address.is_unspecified:
        raise AddressError(f"The host {host!r} has an address ({address}) that no server can have.")
    if not address.is_global and not allow_private:
        raise AddressError(f"The host {host!r} has a private address ({address}), which this installation forbids.")


def _embedded_ipv4(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv6 address leads to, if it does: `::ffff:169.254.169.254` is no way around."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address
