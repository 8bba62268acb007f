"""Acts and the audit log: the sensitive calls are read off the code, and each is accounted for.

A command that opens a transaction of its own in the command line's modules would change something past the log; an
action that is not on the page of the log is one nobody can look for; a command that is neither known to be recorded
nor known to change nothing has not been thought about.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from hub.cli.app import BESIDE, COMMANDS, app
from tests.support.sources import ROOT, SHIPPED, modules, place

_RECORDERS = {"recorded", "told", "entry_of", "AuditEntry", "_changing_partner", "_note", "_entry", "_acting"}
_ACTION = re.compile(r"[a-z_]+(\.[a-z_]+)+")
#: Modules whose ``AuditEntry(action=…)`` is only a shape, or which tell of entries without making any.
_PAGE = ROOT / "docs" / "security" / "audit.md"

#: Commands that change nothing in a hub: they read, or they work on files or as a platform, on another machine.
_UNRECORDED = {
    "audit list": "reads", "audit search": "reads", "audit verify": "reads", "audit witnessed": "reads",
    "audit witnesses": "reads",
    "alerts contacts list": "reads", "alerts duty list": "reads", "alerts list": "reads", "alerts notices": "reads",
    "alerts rules": "reads", "alerts silences": "reads",
    "admin list": "reads", "attachments missing": "reads", "attachments send": "as a platform",
    "backup keys": "files; what is put into service shows in hub.start", "backup list": "reads",
    "canary list": "reads", "check": "reads", "components export": "reads", "components grids check": "reads",
    "components import": "as a platform", "components round carry-out": "as a platform",
    "components round list": "reads", "components round show": "reads", "components sheet": "reads",
    "conformance": "as a platform", "conformance checks": "reads", "conformance kit": "files of a programmer",
    "conformance platform": "stands in for a hub", "conformance verify": "reads",
    "connector list": "reads",
    "connector new": "files of a programmer", "database current": "reads", "deadline": "reads",
    "demo": "a federation of its own", "evaluation annual": "a file of its own", "evaluation check": "reads",
    "evaluation input list": "reads", "evaluation inspection check": "reads", "evaluation objections": "reads",
    "evaluation records": "reads", "evaluation reproduce": "reads", "evaluation review": "reads",
    "evaluation runs": "reads", "evaluation schemes": "reads", "evaluation show": "reads",
    "evaluation survey show": "reads", "evaluation table": "a file of its own",
    "doctor": "reads", "documents list": "reads", "documents show": "reads",
    "evidence verify": "reads", "figures": "reads", "figures cases": "reads",
    "files add": "as a platform", "files show": "reads",
    "followup list": "reads", "followup proposals": "reads", "followup show": "reads",
    "figures as-of": "reads", "figures compare": "reads", "figures completeness": "reads",
    "figures corrections": "reads", "figures findings": "reads", "figures periods": "reads", "figures runs": "reads",
    "intermediate check": "reads", "intermediate codes": "reads", "intermediate list": "reads",
    "intermediate script": "reads", "intermediate show": "reads",
    "keys authority": "files; what is put into service shows in hub.start",
    "keys issue": "files; what is put into service shows in hub.start", "keys show": "reads",
    "keys signing": "files; a neighbour registers the card", "mapping check": "reads",
    "peers certificate list": "reads", "peers joining list": "reads", "peers keys list": "reads",
    "link list": "reads", "link show": "reads", "peers list": "reads",
    "people list": "reads", "proposals list": "reads",
    "proposals show": "reads", "push": "as a platform", "quarantine list": "reads", "reconcile show": "reads",
    "restore follow": "a server that takes no changes", "restore status": "reads", "retention plan": "reads",
    "reports list": "reads", "reports save": "reads", "reports show": "reads", "reports templates": "reads",
    "serve": "its start is recorded by hub.audit", "standards check": "reads", "standards diff": "reads",
    "standards export": "reads", "standards impact": "reads", "standards list": "reads",
    "standards releases": "reads", "standards show": "reads", "stats fields": "reads", "stats list": "reads",
    "stats query": "reads", "stats run": "reads", "sign-on leaves": "reads", "sign-on list": "reads",
    "trace": "reads",
    "tunnel dial": "a pipe; changes nothing in a hub", "tunnel serve": "a pipe; changes nothing in a hub",
}  # fmt: skip


def _commands(group: typer.Typer, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields every command with the module it stands in."""
    for command in group.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__.rstrip("_").replace("_", "-")
        yield f"{prefix}{name}", command.callback.__module__
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        callback = inner.typer_instance.registered_callback
        if callback is not None and callback.invoke_without_command and callback.callback is not None:
            yield f"{prefix}{inner.name}", callback.callback.__module__
        yield from _commands(inner.typer_instance, f"{prefix}{inner.name} ")


def _every_command() -> dict[str, str]:
    for name in COMMANDS:
        for module in (name.replace("-", "_"), *BESIDE.get(name, ())):
            importlib.import_module(f"hub.cli.{module}")
    return dict(_commands(app))


def _actions_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name not in _RECORDERS:
            continue
        given = [*node.args, *(word.value for word in node.keywords if word.arg in (None, "action"))]
        for part in (inner for one in given for inner in ast.walk(one)):
            if isinstance(part, ast.Constant) and isinstance(part.value, str) and _ACTION.fullmatch(part.value):
                yield part.value


def _actions() -> set[str]:
    return {action for path in modules(*SHIPPED) for action in _actions_in(path)}


def test_every_command_is_recorded_or_known_to_change_nothing() -> None:
    found = _every_command()
    assert _UNRECORDED.keys() - found.keys() == set()
    for name, module in found.items():
        if name in _UNRECORDED:
            continue
        source = ROOT / (module.replace(".", "/") + ".py")
        assert _reaches_a_record(source), f"sanji {name} changes something and records nothing"


def _reaches_a_record(source: Path, depth: int = 0) -> bool:
    """Follows what a module imports from this project until something is recorded; four modules deep are enough."""
    if set(_actions_in(source)):
        return True
    if depth == 3:
        return False
    tree = ast.parse(source.read_text(encoding="utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    paths = (ROOT / (name.replace(".", "/") + ".py") for name in sorted(names) if name.startswith(("hub.", "auth.")))
    return any(_reaches_a_record(path, depth + 1) for path in paths if path.exists() and "bootstrap" not in path.name)


@pytest.mark.parametrize("path", modules("hub/cli"), ids=place)
def test_no_command_writes_past_the_log(path: Path) -> None:
    """Where a command opens a transaction that writes, the entry is appended in the same block."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.AsyncWith):
            continue
        opened = [item.context_expr for item in node.items]
        if any(isinstance(one, ast.Call) and ast.unparse(one).endswith("ledger.write()") for one in opened):
            body = "\n".join(map(ast.unparse, node.body))
            assert re.search(r"\bappend\(|\b_note\(|\bact\(|\bdesk\.", body), f"{place(path)}:{node.lineno}"


def test_the_page_lists_every_action_and_no_other() -> None:
    _, _, page = _PAGE.read_text(encoding="utf-8").partition("## What is recorded")
    listed = set(re.findall(r"^\| `([a-z_.]+)` \|", page.partition("\n## ")[0], re.MULTILINE))
    assert listed == _actions()


def test_actions_are_found_where_there_are_some() -> None:
    assert {"peer.block", "standard.publish", "database.migrate", "hub.start", "partner.install"} <= _actions()
