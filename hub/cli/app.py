"""The ``sanji`` command. Each module of this package defines its commands on the app it is given."""

import os

import typer

app = typer.Typer(
    name="sanji",
    help="三级：国家、省、市、县城市管理平台的数据交换枢纽。 / The hub between urban-management platforms.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main() -> None:
    """Runs the command line."""
    # Child processes are started by exec; gRPC's own fork handling only warns about it.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    # Each of these defines its commands on ``app`` when it is imported.
    from hub.cli import check, database, demo, figures, keys, mapping, peers, push, quarantine, serve  # noqa: F401

    app()
