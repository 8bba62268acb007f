"""Certificates and targets for conformance runs inside one process."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from auth.batch_keys import Algorithm, SigningKey
from auth.certificates import Certified, issue, make_authority, thumbprint, write
from auth.envelope import Sealer
from conformance.checks import Check, Face, Finding, Verdict, checks_of
from conformance.neighbourhood import Extras
from conformance.running import Cleared, check_hub
from conformance.scene import Terms, new_run
from connectors.transports.grpc_peer import Target
from hub.clock import system_clock
from tests.support.builders import COUNTY
from tests.support.sound_hub import HUB, SoundHub

CITY_PLATFORM = "431200.platform"
#: Checks that every broken peer is asked as well: what it does rightly must be found right.
_CONTROL = frozenset(
    {
        "contract.hello", "contract.whole", "contract.unknown-field", "idempotency.same-message", "ordering.gap",
        "ordering.story", "receipts.one-bad", "receipts.business", "steps.seven", "steps.undispatched", "dirty.no-crs",
        "certificates.stranger",
    }
)  # fmt: skip


class Trust(NamedTuple):
    """A folder with the certificates of a hub, its neighbours, and those it must not believe."""

    folder: Path
    registered: set[str]
    key: SigningKey

    def pair(self, name: str) -> tuple[Path, Path]:
        """Returns certificate and key of somebody."""
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def target(self, address: str, name: str = "county", *, is_signing: bool = False) -> Target:
        """Returns the hub as somebody dials it."""
        sealing = Sealer(COUNTY, [self.key], system_clock) if is_signing else None
        return Target(HUB, address, "", self.folder / "authority.pem", *self.pair(name), sealing)

    @property
    def authority(self) -> Certified:
        """The authority, with its key."""
        return Certified(*(path.read_bytes() for path in self.pair("authority")))


def make_trust(folder: Path) -> Trust:
    """Makes all of it."""
    now = datetime.now(UTC)
    authority = make_authority("一致性检验测试", now)
    made = {
        "authority": authority,
        "hub": issue(authority, HUB, now),
        "county": issue(authority, COUNTY, now),
        "city": issue(authority, CITY_PLATFORM, now),
        "expired": issue(authority, COUNTY, now - timedelta(days=3), days=1),
        "unregistered": issue(authority, COUNTY, now),
        "other_name": issue(authority, "431299.platform", now),
    }
    for name, certified in made.items():
        write(certified, folder / f"{name}.pem", folder / f"{name}.key")
    registered = {thumbprint(made[name].certificate) for name in ("county", "city")}
    return Trust(folder, registered, SigningKey.generate(Algorithm.ES256))


def checks_for(wanted: Collection[str]) -> list[Check]:
    """Returns the checks named, and those every broken peer is asked."""
    return checks_of(Face.HUB, tuple(_CONTROL.union(wanted)))


async def put_to_the_test(
    trust: Trust, kind: type[SoundHub], checks: Sequence[Check], *, is_signing: bool = False
) -> tuple[list[Finding], Cleared]:
    """Puts a hub in memory to the test; with ``is_signing`` it demands signatures, and gets them."""
    keys = {trust.key.public.key_id: trust.key.public} if is_signing else None
    peer = kind(trust.folder, trust.registered, keys)
    terms = Terms(COUNTY, "431221", patience_seconds=3.0, run=new_run())
    async with peer.serving() as address:
        extras = Extras(
            trust.target(address, "city"), *(trust.pair(name) for name in ("expired", "unregistered", "other_name"))
        )
        return await check_hub(trust.target(address, is_signing=is_signing), terms, checks, extras)


def failed(findings: Sequence[Finding]) -> set[str]:
    """Returns the names of the checks that failed."""
    return {item.check_id for item in findings if item.verdict == Verdict.FAILED}


def untried(findings: Sequence[Finding]) -> set[str]:
    """Returns the names of the checks that neither passed nor failed."""
    return {item.check_id for item in findings if item.verdict not in {Verdict.PASSED, Verdict.FAILED}}
