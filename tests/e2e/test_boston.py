"""The City of Boston's 311 cases of 2015: what is computed here equals what the city itself said, case by case."""

import asyncio
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from connectors.mapping import map_row
from connectors.mapping_file import read_mapping
from connectors.sheets import read_rows
from exchange_db.cases import CaseRow
from exchange_db.counting import CountingRules, day_of, month_of
from exchange_db.embedded import EmbeddedServer
from exchange_db.facts import facts_of
from exchange_db.records import COUNTERS
from exchange_db.shares import CaseCounting
from hub.apply.lifecycle import fold
from hub.cli import figures  # noqa: F401 — defines the commands
from hub.cli.app import app
from hub.demo.staging import Stage, StagedHub
from tests.support.sheets import PushCommand, Pushed
from tests.support.stages import figures_that_differ, quick, rows, staged, until, until_settled

_ROOT = Path(__file__).resolve().parents[2]
_SHEET = _ROOT.parent / "shared" / "data" / "boston311" / "cases-2015-tenth.csv.gz"
_MAPPING = _ROOT / "docs" / "examples" / "boston311.toml"
_ISSUER, _ZONE = "990100.boston", "America/New_York"
_RULES = CountingRules(zone=_ZONE)
_COUNTING = CaseCounting(_RULES)
_ROW_COUNT = 12_154
#: Why rows may be refused, and how many are: the mapping leaves none over.
_REFUSALS: dict[tuple[str, str], int] = {}
#: Closed cases with a target: those the city judged, and those it left without a verdict.
_ON_TIME, _OVERDUE, _UNJUDGED = 5_977, 1_962, 9

pytestmark = [
    pytest.mark.skipif(not _SHEET.exists(), reason="needs ../shared/data/boston311"),
]


class Told(NamedTuple):
    """One accepted case: as it stands after its row, and what the city said of it."""

    row: CaseRow
    verdict: str
    is_closed: bool
    has_target: bool


class Export(NamedTuple):
    """All rows of the export: the accepted ones by case number, and the reasons of the others."""

    cases: dict[str, Told]
    refused: Counter[tuple[str, str]]

    @property
    def finished(self) -> dict[str, Told]:
        """The closed cases with a target."""
        return {number: told for number, told in self.cases.items() if told.is_closed and told.has_target}


@pytest.fixture(scope="module")
def export() -> Export:
    mapping = read_mapping(_MAPPING)
    cases: dict[str, Told] = {}
    refused: Counter[tuple[str, str]] = Counter()
    for row in read_rows(_SHEET, mapping.encoding):
        mapped = map_row(mapping, row)
        if mapped.case is None:
            assert mapped.violation is not None
            refused[mapped.violation.reason, mapped.violation.field_path] += 1
            continue
        case = mapped.case
        assert case.case_no not in cases
        folded = fold(None, case.case_no.encode(), facts_of(case, _ISSUER), 1).row
        said = row.values
        is_closed, has_target = said["CASE_STATUS"].strip() == "Closed", bool(said["TARGET_DT"].strip())
        cases[case.case_no] = Told(folded, said["OnTime_Status"].strip(), is_closed, has_target)
    return Export(cases, refused)


def _counts(row: CaseRow) -> set[str]:
    """The counters a case with a deadline adds one to on that day."""
    day = day_of(row.deadline_time, _RULES)
    return {COUNTERS[mark] for cell, marks in _COUNTING.shares(row) if cell[1] == day for mark in marks}


def test_every_row_is_accounted_for(export: Export) -> None:
    assert len(export.cases) + export.refused.total() == _ROW_COUNT
    assert export.refused == _REFUSALS


def test_a_case_without_a_target_or_not_closed_counts_as_neither_done_nor_on_time(export: Export) -> None:
    others = [told for number, told in export.cases.items() if number not in export.finished]
    assert len(others) == _ROW_COUNT - _ON_TIME - _OVERDUE - _UNJUDGED
    for told in others:
        if told.has_target:
            assert not _counts(told.row) & {"done", "on_time"}
        else:
            named = {COUNTERS[mark] for _, marks in _COUNTING.shares(told.row) for mark in marks}
            assert not named & {"total", "done", "on_time", "fell_overdue"}


def test_on_time_equals_the_verdict_of_the_city_case_by_case(export: Export) -> None:
    finished = export.finished
    judged = {number: told for number, told in finished.items() if told.verdict}
    assert Counter(told.verdict for told in judged.values()) == {"ONTIME": _ON_TIME, "OVERDUE": _OVERDUE}
    # The city left these without a verdict, so there is nothing to compare them with; they are counted, not hidden.
    assert len(finished) - len(judged) == _UNJUDGED
    assert all("done" in _counts(told.row) for told in finished.values())
    differing = {n: t.verdict for n, t in judged.items() if ("on_time" in _counts(t.row)) != (t.verdict == "ONTIME")}
    assert differing == {}


def _figures(config: Path, span: tuple[int, int], *words: str) -> Any:
    command, options = (["cases"], words[1:]) if words[:1] == ("cases",) else ([], words)
    months = ["--from", str(span[0]), "--to", str(span[1])]
    result = CliRunner().invoke(app, ["figures", *command, "--config", str(config), *months, *options, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def _push(stage: Stage) -> tuple[StagedHub, Pushed]:
    """Pushes the file to a fresh hub and returns when the hub's figures hold all of it."""
    settings = quick().replace("[figures]\n", f'[figures]\nzone = "{_ZONE}"\n')
    settings += '\n[standards]\nunlisted = ["BOSTON-311-2015"]\n'
    hub = await stage.add_hub("990100.hub", "Boston", settings)
    hub.start()
    await hub.wait_until_open()
    # What a push keeps beside its file must not come to lie beside the shared one.
    sheet = Path(shutil.copy(_SHEET, stage.folder))
    pushed = await PushCommand(sheet, _MAPPING, await stage.add_platform(hub, _ISSUER)).run()
    await until_settled(hub)

    async def is_folded() -> bool:
        return not await figures_that_differ(hub)

    await until(is_folded, "figures of all cases")
    return hub, pushed


def test_a_hub_that_was_pushed_the_file_comes_to_the_verdicts_of_the_city(
    export: Export, server: EmbeddedServer
) -> None:
    finished = export.finished
    on_time = {number for number, told in finished.items() if told.verdict == "ONTIME"}
    months = [month_of(told.row.deadline_time, _RULES) for told in export.cases.values() if told.has_target]
    span = min(months), max(months)
    with staged(server) as stage:
        hub, pushed = asyncio.run(_push(stage))
        assert pushed.code == 0, pushed.told
        assert {key: pushed.summary[key] for key in ("rows", "accepted", "refused")} == {
            "rows": _ROW_COUNT,
            "accepted": _ROW_COUNT,
            "refused": 0,
        }
        held = [number for (number,) in rows(hub, "SELECT case_no FROM cases WHERE issuer_id = %s", _ISSUER)]
        assert sorted(held) == sorted(export.cases)
        config = hub.folder / "sanji.toml"
        lines = _figures(config, span, "--by", "month")["lines"]
        assert sum(line["counts"]["done"] for line in lines) == len(finished)
        assert sum(line["counts"]["on_time"] for line in lines) == len(on_time) == _ON_TIME
        for counter, wanted in (("on_time", on_time), ("done", set(finished))):
            listed = _figures(config, span, "cases", "--counter", counter, "--limit", "100000")
            assert sorted(case["case_no"] for case in listed) == sorted(wanted)
