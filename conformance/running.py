"""Making the checks of a hub, one after the other, and voiding the test cases afterwards."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import grpc

from conformance import hub_contract, hub_idempotency, hub_ordering, hub_receipts, hub_steps, hub_trust
from conformance.calling import HubLine
from conformance.checks import Broken, Check, Finding, NotApplicable, NotTried, Trial, Verdict
from conformance.neighbourhood import Extras, Neighbourhood
from conformance.scene import Scene, Terms
from connectors.errors import ConnectorError
from connectors.transports.grpc_peer import Target, translated
from exchange_db.records import AssignmentState, Case, ReportState
from protos.exchange.v1 import exchange_service_pb2 as exchange

logger = logging.getLogger(__name__)

#: The modules whose checks are made; importing them enters the checks.
MODULES = (hub_contract, hub_idempotency, hub_ordering, hub_receipts, hub_steps, hub_trust)
#: Longest time of one check, as a multiple of the patience for one answer.
_PATIENCE_TIMES = 4
#: States that nothing follows; such a case needs no voiding.
_FINAL = frozenset({"closed", "void", "merged", "not_accepted"})


class Cleared(NamedTuple):
    """What became of the test cases: voided, ended by the checks themselves, and left open, by number."""

    voided: int
    ended: int
    left: tuple[str, ...]


async def judge(item: Check, subject: Any, patience_seconds: float) -> Finding:
    """Makes one check; whatever goes wrong in it is a finding.

    Args:
        item: the check.
        subject: what the checks of its face work with.
        patience_seconds: longest time for the whole check.
    """
    trial, begin, verdict = Trial(), time.monotonic(), Verdict.PASSED
    try:
        async with asyncio.timeout(patience_seconds):
            await item.make(subject, trial)
    except Broken:
        verdict = Verdict.FAILED
    except NotApplicable as why:
        verdict = Verdict.NOT_APPLICABLE
        trial.came(why)
    except NotTried as why:
        verdict = Verdict.NOT_TRIED
        trial.came(why)
    except TimeoutError:
        verdict = Verdict.FAILED
        trial.came(f"{patience_seconds:.0f} 秒内没有答复 / no answer in time")
    except grpc.aio.AioRpcError as error:
        verdict = Verdict.FAILED
        trial.came(translated(error))
    except (ConnectorError, EOFError, OSError, asyncio.InvalidStateError, ValueError) as error:
        verdict = Verdict.FAILED
        trial.came(f"{type(error).__name__}: {error}")
    return item.found(verdict, trial, round((time.monotonic() - begin) * 1_000))


async def check_hub(
    target: Target,
    terms: Terms,
    checks: Sequence[Check],
    extras: Extras | None = None,
    tell: Callable[[Finding], None] = lambda _: None,
) -> tuple[list[Finding], Cleared]:
    """Makes checks of a hub and voids what they reported.

    Args:
        target: the hub, and who we are.
        terms: what was agreed on for the test records.
        checks: those to be made, in this order.
        extras: what single checks need.
        tell: is told each finding as it is made.

    Raises:
        ConnectorError: the hub cannot be reached, or does not believe our certificate; nothing was checked.
    """
    scene, findings = Scene(terms), []
    async with HubLine(target, terms.patience_seconds) as line:
        hub = Neighbourhood(line, scene, extras or Extras())
        for item in checks:
            finding = await judge(item, hub, terms.patience_seconds * _PATIENCE_TIMES)
            tell(finding)
            findings.append(finding)
        cleared = await clear(hub)
    return findings, cleared


def _ending(scene: Scene, case_no: str, found: exchange.GetCaseResponse) -> Case:
    """Returns what ends a test case: we void it as its authority, or no longer report it where that is another."""
    report, assignment = found.case.report, found.case.assignment
    if report.authority_id != scene.terms.platform_id:
        again = {"state": ReportState.NOT_ACCEPTED, "authority_id": report.authority_id}
        return scene.report(case_no, report.revision + 1, **again)
    voided = scene.assignment(
        assignment.revision + 1,
        AssignmentState.VOID,
        handler_id=assignment.handler_id,
        reason="一致性检验测试数据，作废",
    )
    return scene.case(case_no, assignment=voided)


async def clear(hub: Neighbourhood) -> Cleared:
    """Voids every test case that is still open."""
    voided, ended, left = 0, 0, []
    for case_no in dict.fromkeys(hub.scene.case_numbers):
        try:
            async with asyncio.timeout(hub.terms.patience_seconds):
                found = await hub.as_it_stands(case_no)
                if found.state in _FINAL:
                    ended += 1
                    continue
                fate = await hub.hand_in(_ending(hub.scene, case_no, found))
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                left.append(case_no)
            continue
        except (TimeoutError, ConnectorError, OSError):
            left.append(case_no)
            continue
        if fate.state == "APPLIED":
            voided += 1
        else:
            left.append(case_no)
    return Cleared(voided, ended, tuple(left))
