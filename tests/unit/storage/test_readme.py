"""Every example in the library's README runs, and what it asserts holds."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from pathlib import Path

import pytest

from dalbrowser import storage
from dalbrowser.storage import oio, options
from dalbrowser.storage.registry import config_fields, schemes

README = Path(storage.__file__).parent / "README.md"
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


def public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}


def fields(*kinds: type) -> set[str]:
    return {field.name for kind in kinds for field in dataclasses.fields(kind)}


# An upload's id and tags' origin are plumbing between layers.
PLUMBING = {"tags_from", "tags_version", "tags_bucket", "operation"}


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("exports", set(storage.__all__)),
        ("operations", public(storage.Operator)),
        ("streams", public(storage.Reader) | public(storage.Writer) | public(storage.Lister)),
        ("uploads", public(storage.Multipart) | public(storage.PartWriter)),
        ("options of reads", fields(options.OpRead, options.OpStat, options.OpList)),
        ("options of writes", fields(options.OpWrite, options.OpDelete, options.OpCopy)),
        ("options of uploads", fields(options.OpCreateMultipart, options.OpCompleteMultipart)),
        ("metadata", fields(storage.Metadata)),
        ("metakeys", {key.name or "" for key in storage.Metakey}),
        ("errors", {kind.name for kind in storage.ErrorKind}),
        ("building blocks", set(oio.__all__)),
        ("settings", {f.name for scheme in schemes() for f in config_fields(scheme)}),
        ("retries", public(storage.RetryBudget) - {"capacity", "left", "refund"}),
    ],
)
def test_everything_public_is_documented(what: str, names: set[str]) -> None:
    undocumented = {name for name in names if not re.search(rf"\b{re.escape(name)}\b", TEXT)}
    assert undocumented <= PLUMBING, what


def test_the_documented_settings_exist() -> None:
    table = TEXT.partition("| setting | meaning |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    assert named == [field.name for field in config_fields("s3")]
