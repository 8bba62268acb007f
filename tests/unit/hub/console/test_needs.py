"""What needs a person: the order, the page of each cause, and that many of a sort are one line."""

from datetime import UTC, datetime
from uuid import UUID

from exchange_db.jobs import JobRun
from exchange_db.link_states import LinkHealth
from exchange_db.today import HeldReason, OpenProposal
from hub.console.needs import LINKS, MOST_OF_A_SORT, MOST_REASONS, Facts, Grade, needs_of, reachable
from hub.console.words import WORDS
from tests.unit.hub.console.test_tier_map import a_standing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _full() -> Facts:
    return Facts(
        standings=(
            a_standing("431221.platform", LinkHealth.SLOW, lag_records=7),
            a_standing("431222.platform", certificate_days=12),
            a_standing("431223.platform", LinkHealth.DOWN, trouble="refused"),
            a_standing("431224.platform", LinkHealth.DOWN, certificate_days=-3),
            a_standing("431225.platform", LinkHealth.WAITING),
            a_standing("431226.platform", LinkHealth.PAUSED, certificate_days=-9),
            a_standing("431227.platform", certificate_days=None),
        ),
        held=tuple(HeldReason(f"R{number}", 10) for number in range(5)),
        proposals=(OpenProposal(UUID(int=1), "discard", "quarantine", "li"),),
        runs=(JobRun(1, "a", NOW, NOW, "", "broken"), JobRun(2, "b", NOW, NOW, "fine", "")),
        followup_count=2,
    )


def test_what_does_not_arrive_comes_first_and_mere_work_last() -> None:
    needs = needs_of(_full())
    assert [need.word for need in needs] == [
        "need_expired", "need_down", "need_certificate", "need_held", "need_held", "need_held", "need_held_more",
        "need_slow", "need_proposal", "need_joining", "need_job", "need_followup",
    ]  # fmt: skip
    order = [list(Grade).index(need.grade) for need in needs]
    assert order == sorted(order)
    assert needs[0].query == {"id": "431224.platform"}
    assert needs[6].values == (5 - MOST_REASONS, 20)


def test_every_need_is_said_in_both_languages() -> None:
    crowd = Facts(
        tuple(
            a_standing(f"43{number:04d}.platform", mood, certificate_days=days)
            for mood, days in (
                (LinkHealth.DOWN, 300),
                (LinkHealth.DOWN, -1),
                (LinkHealth.SLOW, 9),
                (LinkHealth.WAITING, 300),
            )
            for number in range(9)
        )
    )
    for need in [*needs_of(_full()), *needs_of(crowd)]:
        for text in WORDS[need.word]:
            assert str(need.values[-1]) in text.format(*need.values)


def test_many_of_a_sort_are_a_few_lines_and_one() -> None:
    down = tuple(a_standing(f"43{number:04d}.platform", LinkHealth.DOWN) for number in range(2_000))
    needs = needs_of(Facts(down))
    assert len(needs) == MOST_OF_A_SORT + 1
    assert (needs[-1].word, needs[-1].values, needs[-1].path) == ("need_down_more", (1_995,), LINKS)


def test_what_nobody_may_open_is_not_told() -> None:
    assert {need.path for need in reachable(needs_of(_full()), ["/jobs"])} == {"/jobs"}
    assert needs_of(Facts(())) == []
