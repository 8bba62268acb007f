"""The ``sanji`` command. Each module of this package defines its commands on the app it is given."""

import importlib
import os
import sys

import typer

app = typer.Typer(
    name="sanji",
    help="三级：国家、省、市、县城市管理平台的数据交换枢纽。 / The hub between urban-management platforms.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


#: Each command, or group of commands, is defined by the module of its name.
COMMANDS = (
    "admin",
    "alerts",
    "attachments",
    "audit",
    "backup",
    "canary",
    "check",
    "components",
    "conformance",
    "connector",
    "database",
    "deadline",
    "demo",
    "doctor",
    "documents",
    "evaluation",
    "evidence",
    "figures",
    "files",
    "followup",
    "intermediate",
    "keys",
    "link",
    "mapping",
    "peers",
    "people",
    "personal",
    "proposals",
    "push",
    "quarantine",
    "reconcile",
    "releases",
    "reports",
    "restore",
    "retention",
    "serve",
    "sign-on",
    "standards",
    "stats",
    "trace",
    "tunnel",
)


#: Modules that add to the group of another one.
BESIDE = {
    "alerts": ("alert_contacts",),
    "figures": ("figure_periods", "figure_locks", "figure_gathering", "figure_comparison", "figure_indicators"),
    "evaluation": ("evaluation_runs", "evaluation_inputs", "evaluation_sending"),
    "conformance": ("conformance_platform",),
    "intermediate": ("intermediate_load", "intermediate_resend", "intermediate_accept", "intermediate_codes"),
    "peers": ("peer_keys", "peer_certificates", "peer_confirmation", "peer_joinings"),
    "sign-on": ("sign_on_clients",),
    "standards": ("releases",),
}


@app.callback()
def _together() -> None:
    """Keeps the names of the commands even when only one of them is known."""


def main() -> None:
    """Runs the command line."""
    # Child processes are started by exec; gRPC's own fork handling only warns about it.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    # Only the command that is asked for is imported: all of them together take a second and a half.
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    for name in (asked, *BESIDE.get(asked, ())) if asked in COMMANDS else COMMANDS:
        importlib.import_module(f"hub.cli.{name.replace('-', '_')}")
    app()
