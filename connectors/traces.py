"""Asking hubs for the whole story of one case."""

from typing import NamedTuple

from connectors.transports.grpc_peer import GrpcPeer, asked
from protos.case.v1 import case_pb2
from protos.exchange.v1 import exchange_service_pb2 as exchange


class ToldStep(NamedTuple):
    """One revision, event or line of the story that a tier knows; ``state`` is empty for a line."""

    moment: int
    what: str
    revision: int
    origin_id: str
    state: str
    text: str


class ToldInterval(NamedTuple):
    """How long a case stood in a state; ``to_time`` is 0 while it does."""

    state: str
    from_time: int
    to_time: int
    is_running: bool


class ToldSection(NamedTuple):
    """A section in force: when it was on disk there, and when it took effect."""

    section: str
    revision: int
    accepted_time: int
    applied_time: int


class TierStory(NamedTuple):
    """What one hub knows of a case; ``trouble`` says why it could not be asked."""

    hub_id: str
    tier: str
    state: str
    trouble: str
    sections: tuple[ToldSection, ...]
    steps: tuple[ToldStep, ...]
    intervals: tuple[ToldInterval, ...]
    quarantined: tuple[tuple[str, str], ...]


async def fetch_story(hub: GrpcPeer, issuer_id: str, case_no: str) -> tuple[TierStory, ...]:
    """Returns the story as each tier tells it, lowest first.

    Raises:
        ConnectorError: the hub does not answer, or has no such case inside the caller's rights.
    """
    request = exchange.TraceCaseRequest(
        key=case_pb2.CaseKey(issuer_id=issuer_id, case_no=case_no), include_upper_tiers=True
    )
    answer = await asked(hub.exchange.TraceCase(request, timeout=30.0))
    return tuple(map(_story, answer.tiers))


def _story(tier: exchange.TierTrace) -> TierStory:
    steps = [
        ToldStep(step.step_time, step.section, step.revision, step.origin_id, step.state, "") for step in tier.steps
    ]
    steps += [
        ToldStep(action.action_time, action.kind, 0, action.platform_id, "", f"{action.actor_ref} {action.opinion}")
        for action in tier.actions
    ]
    return TierStory(
        tier.hub_id,
        tier.tier,
        tier.state,
        tier.unreachable_reason,
        tuple(
            ToldSection(section.section, section.revision, section.accepted_time, section.applied_time)
            for section in tier.sections
        ),
        tuple(sorted(steps, key=lambda step: step.moment)),
        tuple(ToldInterval(part.state, part.from_time, part.to_time, part.is_running) for part in tier.intervals),
        tuple((held.reason, held.message_zh) for held in tier.quarantined),
    )
