"""What the checks of a hub work with: the line to it, the test records, and what was given for single checks."""

from pathlib import Path
from typing import NamedTuple

from conformance.calling import Fate, HubLine
from conformance.checks import NotTried, Trial
from conformance.scene import Scene, Terms
from connectors.transports.grpc_peer import Target
from exchange_db.records import Case
from protos.exchange.v1 import exchange_service_pb2 as exchange


class Extras(NamedTuple):
    """What only some checks need; a check whose part is missing is not tried.

    ``second`` is another neighbour of the same hub, whose due parcels are read and never confirmed. The three pairs are
    certificate and key files of the federation: one that has expired, one in our name that is not registered, and one
    in another name that is not registered.
    """

    second: Target | None = None
    expired: tuple[Path, Path] | None = None
    unregistered: tuple[Path, Path] | None = None
    other_name: tuple[Path, Path] | None = None


class Neighbourhood:
    """One hub under test, and we beside it.

    Args:
        line: the open line to the hub.
        scene: makes the test records.
        extras: what single checks need.
    """

    def __init__(self, line: HubLine, scene: Scene, extras: Extras) -> None:
        self.line = line
        self.scene = scene
        self.extras = extras

    @property
    def terms(self) -> Terms:
        """What was agreed on."""
        return self.scene.terms

    def require_second(self) -> Target:
        """Returns the second neighbour.

        Raises:
            NotTried: none was given.
        """
        if self.extras.second is None:
            raise NotTried("未提供第二个邻居（--second） / no second neighbour was given")
        return self.extras.second

    async def hand_in(self, case: Case) -> Fate:
        """Hands a record in as a message of its own and waits for its receipt."""
        return await self.line.one(self.scene.payload(case))

    async def take(self, trial: Trial, case: Case, what: str) -> None:
        """Hands in what must take effect.

        Raises:
            Broken: it does not.
        """
        trial.do(what)
        fate = await self.hand_in(case)
        trial.expect((fate.outcome, fate.state) == ("DURABLE", "APPLIED"), "DURABLE APPLIED", fate)

    async def held(self, trial: Trial, case: Case, what: str, reason: str, field_path: str) -> None:
        """Hands in what must not take effect, for one reason.

        Raises:
            Broken: it does, or for another reason.
        """
        trial.do(what)
        fate = await self.hand_in(case)
        trial.expect(
            fate.is_without_effect and fate.told == (reason, field_path),
            f"不生效 / no effect: QUARANTINED {reason} {field_path}",
            fate,
        )

    async def as_it_stands(self, case_no: str) -> exchange.GetCaseResponse:
        """Asks how a case of ours stands."""
        return await self.line.case(self.terms.platform_id, case_no)

    async def expect_state(self, trial: Trial, case_no: str, state: str) -> None:
        """Asks for a case and compares its state.

        Raises:
            Broken: it is another.
        """
        found = await self.as_it_stands(case_no)
        trial.expect_equal("state", state, found.state)
