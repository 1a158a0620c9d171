"""What the import rules of pyproject.toml cannot say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    "modules",
    [
        "django; django.setup(); import odia_site.urls, odia_site.asgi",
        "training.gateway.asgi",
        "training.students.serving",
    ],
)
def test_what_answers_requests_does_not_load_torch(modules: str) -> None:
    code = f"import sys; import {modules}; sys.exit('torch' in sys.modules)"
    environment = {"DJANGO_SETTINGS_MODULE": "odia_site.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr or "torch was imported"


def test_every_setting_is_in_the_readme() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "odia_site").rglob("*.py"))
    names = set(re.findall(r"env\.read(?:_list|_flag)?\(\s*\"(\w+)\"", source))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert names
    assert [name for name in sorted(names) if f"`{name}`" not in readme] == []
