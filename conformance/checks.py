"""What a check is, how it is judged, and the list of all of them.

A check is one requirement of the contract put to the other side. Functions that make checks enter them here with
``check``; ``conformance.running`` and ``conformance.platform_running`` run them. Nothing of the wire is known here.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Final, NamedTuple

from msgspec import Struct

from exchange_db.records import printable

#: Most letters of what came that a report repeats.
_SHOWN_LETTERS = 800


class Texts(NamedTuple):
    """The same in Chinese and English."""

    chinese: str
    english: str

    def __str__(self) -> str:
        return f"{self.chinese} / {self.english}"


class Face(StrEnum):
    """What the other side is: a hub, which is called, or a platform, which calls."""

    HUB = "hub"
    PLATFORM = "platform"


class Group(StrEnum):
    """What a check is about."""

    CONTRACT = "contract"
    IDEMPOTENCY = "idempotency"
    ORDERING = "ordering"
    RECEIPTS = "receipts"
    STEPS = "steps"
    DIRTY = "dirty"
    SIGNATURES = "signatures"
    CERTIFICATES = "certificates"
    HOSTILE = "hostile"


GROUP_TITLES: Final[dict[Group, Texts]] = {
    Group.CONTRACT: Texts("契约与限额", "contract and limits"),
    Group.IDEMPOTENCY: Texts("重复报送", "repeats"),
    Group.ORDERING: Texts("顺序与续传", "order and resuming"),
    Group.RECEIPTS: Texts("回执", "receipts"),
    Group.STEPS: Texts("案件流转", "steps of a case"),
    Group.DIRTY: Texts("异常数据", "dirty input"),
    Group.SIGNATURES: Texts("批次签名", "signatures"),
    Group.CERTIFICATES: Texts("证书", "certificates"),
    Group.HOSTILE: Texts("压缩包与慢连接", "compression and slow callers"),
}


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"
    NOT_TRIED = "not_tried"


VERDICT_TITLES: Final[dict[Verdict, Texts]] = {
    Verdict.PASSED: Texts("通过", "passed"),
    Verdict.FAILED: Texts("未通过", "failed"),
    Verdict.NOT_APPLICABLE: Texts("不适用", "not applicable"),
    Verdict.NOT_TRIED: Texts("未检验", "not tried"),
}


class Finding(Struct, frozen=True):
    """A check as it was made: everything a report says of it.

    ``source`` is where the requirement is documented. ``took_milliseconds`` is how long the check lasted.
    """

    check_id: str
    group: str
    title_zh: str
    title: str
    requirement_zh: str
    requirement: str
    source: str
    done: str
    expected: str
    came: str
    verdict: str
    took_milliseconds: int


class Broken(Exception):
    """The other side does not do what the contract says; ends a check."""


class NotApplicable(Exception):
    """The requirement does not bind this side; ends a check."""


class NotTried(Exception):
    """Something that the check needs was not given; ends a check."""


class Trial:
    """Notes of one check under way: what was done, expected, and came."""

    def __init__(self) -> None:
        self._done: list[str] = []
        self._expected: list[str] = []
        self._came: list[str] = []

    def do(self, text: str) -> None:
        """Notes what is done next, Chinese first."""
        self._done.append(text)

    def expect(self, is_so: bool, expected: str, came: object) -> None:  # noqa: FBT001 — reads like an assertion
        """Notes what was expected and what came.

        Raises:
            Broken: it is not so; the check has failed.
        """
        self._expected.append(expected)
        self._came.append(str(came))
        if not is_so:
            raise Broken

    def expect_equal(self, what: str, expected: object, came: object) -> None:
        """Notes and compares two values of something that is named.

        Raises:
            Broken: they differ; the check has failed.
        """
        self.expect(expected == came, f"{what} = {expected}", f"{what} = {came}")

    def came(self, text: object) -> None:
        """Notes something that came without being asked about."""
        self._came.append(str(text))

    def notes(self, *, has_failed: bool) -> tuple[str, str, str]:
        """Returns done, expected and came; of a failed check only the expectation that broke it."""
        expected, came = (self._expected[-1:], self._came[-1:]) if has_failed else (self._expected, self._came)
        return _joined(self._done), _joined(expected), _joined(came)


def _joined(texts: list[str]) -> str:
    text = printable("；".join(dict.fromkeys(texts)))
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS]}…"


class Check(NamedTuple):
    """One requirement and what puts it to the test; ``make`` gets what the face works with, and a trial."""

    check_id: str
    face: Face
    group: Group
    title: Texts
    requirement: Texts
    source: str
    make: Callable[[Any, Trial], Awaitable[None]]

    def found(self, verdict: Verdict, trial: Trial, took_milliseconds: int = 0) -> Finding:
        """Returns the finding of this check."""
        done, expected, came = trial.notes(has_failed=verdict is Verdict.FAILED)
        return Finding(
            self.check_id, self.group, *self.title, *self.requirement, self.source, done, expected, came, verdict,
            took_milliseconds,
        )  # fmt: skip


#: Every check, as they were entered.
CHECKS: Final[dict[str, Check]] = {}
_Making = Callable[[Any, Trial], Awaitable[None]]


def enter(check: Check) -> None:
    """Adds a check to the list.

    Raises:
        ValueError: there is one of that name; a mistake of the programmer.
    """
    if check.check_id in CHECKS:
        raise ValueError(f"check {check.check_id} is entered twice")
    CHECKS[check.check_id] = check


def check(
    face: Face, group: Group, name: str, title: Texts, requirement: Texts, source: str
) -> Callable[[_Making], _Making]:
    """Enters a function as a check, named ``group.name`` for a hub and ``platform.group.name`` for a platform."""
    check_id = f"{group}.{name}" if face is Face.HUB else f"{face}.{group}.{name}"

    def entered(make: _Making) -> _Making:
        enter(Check(check_id, face, group, title, requirement, source, make))
        return make

    return entered


def checks_of(face: Face, wanted: tuple[str, ...] = ()) -> list[Check]:
    """Returns the checks of a face whose group or name is wanted, group by group; all for none.

    Raises:
        ValueError: something wanted is neither a group nor a check; names it.
    """
    order = list(Group)
    found = sorted((item for item in CHECKS.values() if item.face is face), key=lambda item: order.index(item.group))
    known = {str(item.group) for item in found} | {item.check_id for item in found}
    unknown = sorted(set(wanted) - known)
    if unknown:
        raise ValueError(", ".join(unknown))
    return [item for item in found if not wanted or {str(item.group), item.check_id} & set(wanted)]
