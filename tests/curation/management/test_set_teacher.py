from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from curation.models import Application, Teacher


def test_the_teacher_is_set_and_replaced(application: Application) -> None:
    out = StringIO()
    for url in ("http://127.0.0.1:9/v1", "http://localhost:9/v1/"):
        call_command("set_teacher", "--application=music", f"--base-url={url}", "--model=large", "--json", stdout=out)
    expected = {"application": "music", "base_url": "http://localhost:9/v1", "model": "large"}
    assert json.loads(out.getvalue().splitlines()[-1]) == expected
    assert Teacher.objects.get().base_url == "http://localhost:9/v1"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["--application=film"], "There is no application 'film'"),
        (["--base-url=ftp://example.com"], "http"),
        (["--base-url=http://169.254.169.254/v1"], "169.254.169.254"),
        (["--api-key-env=ODIA_SECRET_KEY"], "This variable is ODIA's own"),
        (["--api-key-env=sk-123"], "not the key itself"),
    ],
)
def test_what_cannot_be_a_teacher_is_told(application: Application, changes: list[str], sentence: str) -> None:
    usual = ["--application=music", "--base-url=http://127.0.0.1:9/v1", "--model=large"]
    with pytest.raises(CommandError, match=sentence):
        call_command("set_teacher", *usual, *changes)
    assert not Teacher.objects.exists()
