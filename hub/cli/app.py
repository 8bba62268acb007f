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
    "attachments",
    "check",
    "components",
    "connector",
    "database",
    "deadline",
    "demo",
    "figures",
    "intermediate",
    "keys",
    "mapping",
    "peers",
    "push",
    "quarantine",
    "reconcile",
    "releases",
    "serve",
    "standards",
    "trace",
)


#: Modules that add to the group of another one.
BESIDE = {
    "intermediate": ("intermediate_load", "intermediate_resend", "intermediate_accept", "intermediate_codes"),
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
        importlib.import_module(f"hub.cli.{name}")
    app()
