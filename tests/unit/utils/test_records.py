"""A record is what ``dataclass`` makes of the same class, to all who look at it."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any

import pytest

from dalbrowser.utils.records import record


@record()
class Point:
    """Two numbers, and what is nobody's business."""

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list, compare=False)
    secret: str = field(default="s3cret", repr=False)

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x")


@dataclass(frozen=True, slots=True)
class Like:
    """The same by ``dataclass``."""

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list, compare=False)
    secret: str = field(default="s3cret", repr=False)


@record(kw_only=True)
class Options:
    """Only by name, one without a default behind one with it."""

    size: int = 3
    name: str


@record(frozen=False)
class Tally:
    """Counts."""

    count: int = 0


@record(frozen=False, eq=False)
class Living:
    """One that is nobody else, with what it finds out by itself."""

    row: int
    id: int = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.row * 10


@record()
class Nothing:
    """No field at all."""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((1,), {}), ((1, 5), {}), ((1,), {"tags": ["a"]}), ((), {"x": 4, "secret": "other"})],
)
def test_it_is_made_and_told_as_a_dataclass_is(
    arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    made, like = Point(*arguments, **named), Like(*arguments, **named)
    assert repr(made) == repr(like).replace("Like", "Point")
    assert dataclasses.asdict(made) == dataclasses.asdict(like)
    assert hash(made) == hash(like)
    assert not hasattr(made, "__dict__")
    assert Point.__match_args__ == Like.__match_args__


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Point(1), Point(1), True),
        (Point(1), Point(1, tags=["a"]), True),
        (Point(1), Point(1, 3), False),
        (Point(1), Point(1, secret="other"), False),
        (Point(1), Like(1), False),
        (Nothing(), Nothing(), True),
        (Tally(1), Tally(1), True),
        (Tally(1), Tally(2), False),
        (Living(1), Living(1), False),
    ],
)
def test_equal_means_equal_in_what_is_compared(one: object, other: object, same: bool) -> None:
    assert (one == other) is same
    assert (one != other) is not same


def test_arguments_are_asked_for_as_always() -> None:
    with pytest.raises(TypeError, match=r"Point\.__init__\(\) missing 1 required .* 'x'"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        Options(1, "a")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="other"):
        Options(name="a", other=1)  # type: ignore[call-arg]
    assert Options(name="a").size == 3
    with pytest.raises(ValueError, match="x"):
        Point(-1)


def test_a_default_that_is_made_is_made_for_each() -> None:
    one = Point(1)
    one.tags.append("a")
    assert Point(1).tags == []


def test_a_frozen_one_stays_as_it_is() -> None:
    made = Point(1)
    with pytest.raises(FrozenInstanceError):
        made.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del made.x
    with pytest.raises(FrozenInstanceError):
        made.new = 2  # type: ignore[attr-defined]
    assert made.x == 1


def test_one_that_is_not_frozen_changes_and_has_no_hash() -> None:
    tally = Tally()
    tally.count += 1
    assert tally == Tally(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(tally)


def test_one_without_equality_is_itself_alone() -> None:
    one, other = Living(4), Living(4)
    assert one.id == 40
    assert {one, other, one} == {other, one}
    with pytest.raises(TypeError):
        Living(4, id=3)  # type: ignore[call-arg]


def test_it_can_be_replaced_copied_and_sent() -> None:
    made = Point(1, tags=["a"])
    assert dataclasses.replace(made, y=7) == Point(1, 7)
    for again in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):  # noqa: S301
        assert again == made
        assert again.tags == ["a"]
        with pytest.raises(FrozenInstanceError):
            again.x = 2  # type: ignore[misc]
    assert copy.copy(Nothing()) == Nothing()


def test_it_is_taken_apart_by_patterns() -> None:
    match Point(1, 5):
        case Point(x, y):
            assert (x, y) == (1, 5)
        case _:
            pytest.fail("no match")
