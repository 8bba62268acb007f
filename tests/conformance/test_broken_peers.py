"""A hub that keeps the contract passes; each of many that break it in one place fails, with the right check named."""

import pytest

from conformance.checks import Face, Verdict, checks_of
from tests.support.broken_peers import BROKEN, DemandsWithoutLooking
from tests.support.sound_hub import SoundHub
from tests.support.tested import Trust, checks_for, failed, make_trust, put_to_the_test, untried


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return make_trust(tmp_path_factory.mktemp("trust"))


async def test_a_sound_hub_passes_every_check_and_none_of_its_test_cases_stays_open(trust: Trust) -> None:
    findings, cleared = await put_to_the_test(trust, SoundHub, checks_of(Face.HUB), is_signing=True)
    assert failed(findings) == set()
    # It publishes no standards, and that is all that is left out.
    assert untried(findings) == {"contract.standards"}
    assert len(findings) > 100
    assert cleared.left == ()
    assert cleared.voided > 50


async def test_what_was_not_given_is_not_tried_and_what_does_not_bind_does_not_count(trust: Trust) -> None:
    findings, _ = await put_to_the_test(trust, SoundHub, checks_of(Face.HUB, ("signatures",)))
    assert {item.verdict for item in findings} == {Verdict.NOT_APPLICABLE}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_a_broken_hub_fails_the_checks_that_are_about_its_fault_and_no_others(
    trust: Trust, kind: type[SoundHub]
) -> None:
    wanted = BROKEN[kind]
    findings, _ = await put_to_the_test(trust, kind, checks_for(wanted), is_signing=kind is DemandsWithoutLooking)
    assert failed(findings) == wanted
    told = [item for item in findings if item.check_id in wanted]
    assert all(item.came and item.requirement_zh and item.source for item in told)


def test_there_are_enough_broken_ones_and_every_group_of_checks_finds_one() -> None:
    assert len(BROKEN) >= 10
    groups = {item.group for item in checks_of(Face.HUB)}
    found = {name.partition(".")[0] for names in BROKEN.values() for name in names}
    assert {str(group) for group in groups} - found == {"hostile"}
