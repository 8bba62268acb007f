"""Deep health: each part is judged by what its workers do."""

from datetime import UTC, datetime, timedelta

import pytest

from exchange_db.canaries import Canary, CanaryState
from exchange_db.overview import LogState
from exchange_db.vital_signs import WorkerBeats
from hub.console.deep_health import judged
from hub.console.measures import NO_PARTS, exposition
from hub.readiness import Readiness

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READY = Readiness(database=True, is_at_head=True, takes_leases=True, trouble="")
QUIET = LogState(0, None, NOW)
AT_WORK = WorkerBeats(0, [], 10.0)
BACK = Canary(CanaryState.RETURNED, NOW, NOW, NOW, 0.25, 0.0)
LATE = Canary(CanaryState.LATE, NOW, None, NOW, 0.25, 99.0)
UNABLE = Canary(CanaryState.IMPOSSIBLE, None, None, None, None, 0.0)


def _unwell(**changes: object) -> set[str]:
    values: dict[str, object] = {
        "ready": READY, "log": QUIET, "beats": AT_WORK, "links": {"430000.hub": BACK}, "free": 10**10,
        "least_free_megabytes": 1_000,
    }  # fmt: skip
    return {name for name, check in judged(**values | changes).items() if not check.is_well}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "unwell"),
    [
        ({}, set()),
        ({"ready": READY._replace(is_at_head=False)}, {"schema"}),
        ({"ready": READY._replace(takes_leases=False)}, {"leases"}),
        ({"log": LogState(3, NOW - timedelta(seconds=61), NOW)}, {"log"}),
        ({"beats": AT_WORK._replace(idle_partitions=1)}, {"apply"}),
        ({"beats": AT_WORK._replace(undelivered_ids=["430000.hub"])}, {"deliver"}),
        ({"beats": AT_WORK._replace(job_age_seconds=None)}, {"schedule"}),
        ({"beats": AT_WORK._replace(job_age_seconds=121.0)}, {"schedule"}),
        ({"links": {"430000.hub": LATE, "431221.platform": UNABLE}}, {"canaries"}),
        ({"links": {"431221.platform": UNABLE}}, set()),
        ({"free": 10**6}, {"disk"}),
        ({"free": None}, set()),
    ],
)
def test_the_part_that_is_not_well_is_named(changes: dict[str, object], unwell: set[str]) -> None:
    assert _unwell(**changes) == unwell


def test_canaries_and_parts_are_measured() -> None:
    parts = NO_PARTS._replace(
        canaries={"430000.hub": BACK, "431200.hub": LATE, "431221.platform": UNABLE},
        unsent_seconds={"430000.hub": 2.5}, beats=AT_WORK, free_bytes=5, own_certificate_days=-1, version="0.1.0",
    )  # fmt: skip
    lines = exposition(QUIET, [], [], {}, [], (), parts).splitlines()
    for line in (
        'sanji_canary_seconds{peer="430000.hub"} 0.250',
        'sanji_canary_late{peer="430000.hub"} 0',
        'sanji_canary_late{peer="431200.hub"} 1',
        'sanji_canary_waiting_seconds{peer="431200.hub"} 99',
        'sanji_canary_possible{peer="431221.platform"} 0',
        'sanji_link_unsent_seconds{peer="430000.hub"} 2.500',
        "sanji_idle_partitions 0",
        "sanji_idle_links 0",
        "sanji_store_free_bytes 5",
        "sanji_own_certificate_days_left -1",
        'sanji_build_info{version="0.1.0"} 1',
    ):
        assert line in lines
    assert not any("431221.platform" in line and "late" in line for line in lines)
