"""Every example in the library's README runs, and what it asserts holds."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import dalbrowser.storage

README = Path(dalbrowser.storage.__file__).parent / "README.md"
TEXT = README.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == TEXT.count("```python") >= 7


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
async def test_an_example(number: int) -> None:
    source = EXAMPLES[number]
    assert "assert" in source
    code = compile(
        source, f"README.md example {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    )
    result = eval(code, {"__name__": "readme"})  # noqa: S307 - our own README
    if inspect.iscoroutine(result):
        await result


def test_every_public_operation_is_in_the_table() -> None:
    names = [
        name
        for name, member in inspect.getmembers(dalbrowser.storage.Operator)
        if not name.startswith("_") and callable(member)
    ]
    undocumented = {name for name in names if name not in TEXT}
    # Plumbing that the page does not teach.
    assert undocumented <= {"aclose", "from_accessor", "observe", "list_buckets"}
