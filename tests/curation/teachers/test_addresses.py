"""Which base URLs a teacher may have. Host names are looked up in a table: no test asks a name server."""

import socket
from typing import Any

import pytest

from curation.teachers.addresses import AddressError, check_base_url

NAMES = {"teacher.example": "93.184.216.34", "inside.example": "10.0.0.7", "rebound.example": "169.254.169.254"}


@pytest.fixture(autouse=True)
def name_table(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **kwargs: Any) -> Any:
        if host.endswith(".invalid"):
            raise socket.gaierror("unknown")
        return real(NAMES.get(host, host), *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize(
    "url",
    [
        "https://teacher.example/v1",
        "http://teacher.example:8002/v1/",
        "http://127.0.0.1:8002/v1",
        "http://[::1]:8002/v1",
        "http://inside.example/v1",
    ],
)
def test_usual_and_self_hosted_addresses_are_allowed(url: str) -> None:
    check_base_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8002/v1",
        "http://[::1]/v1",
        "http://inside.example/v1",
        "http://192.168.1.5/v1",
        "http://100.64.0.1/v1",
        "http://[::ffff:10.0.0.1]/v1",
        "http://[fc00::1]/v1",
    ],
)
def test_private_addresses_can_be_forbidden(url: str) -> None:
    check_base_url(url, allow_private=True)
    with pytest.raises(AddressError, match="private"):
        check_base_url(url, allow_private=False)


def test_a_public_address_is_allowed_where_private_ones_are_not() -> None:
    check_base_url("https://teacher.example/v1", allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://rebound.example/v1",
        "http://[fe80::1]/v1",
        "http://[::ffff:169.254.169.254]/v1",
        "http://[64:ff9b::a9fe:a9fe]/v1",
        "http://2852039166/v1",
        "http://[fd00:ec2::254]/v1",
        "http://224.0.0.1/v1",
        "http://[ff02::1]/v1",
        "http://0.0.0.0/v1",
        "http://[::]/v1",
    ],
)
def test_metadata_multicast_and_unspecified_addresses_are_never_allowed(url: str) -> None:
    with pytest.raises(AddressError, match="address"):
        check_base_url(url, allow_private=True)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://teacher.example/v1", "http"),
        ("file:///etc/passwd", "http"),
        ("teacher.example/v1", "http"),
        ("", "http"),
        ("https://user:secret@teacher.example/v1", "user name"),
        ("https:///v1", "no host"),
        ("https://teacher.example:99999/v1", "not a URL"),
        ("https://[::1/v1", "not a URL"),
        ("https://teacher.example/v1?key=1", "path"),
        ("https://nowhere.invalid/v1", "not known"),
        (f"https://{'a' * 300}.example/v1", "not known"),
    ],
)
def test_other_urls_are_refused_with_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(AddressError, match=sentence) as refused:
        check_base_url(url)
    assert "secret" not in str(refused.value)
