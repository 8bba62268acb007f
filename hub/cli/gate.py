"""What one person may not do alone: the commands of listed operations send them to a proposal."""

from auth.approvals import Operation
from exchange_db.records import Violated
from hub.cli.terminal import fail
from hub.settings import Settings


def require_single(settings: Settings, operation: Operation, name: str) -> None:
    """Ends the command when the settings want a second person for what it does."""
    if operation in settings.approvals.required:
        refused = Violated("APPROVAL_REQUIRED", "operation", f'{operation} "{name}"').violation
        fail(f"{refused.message_zh} / {refused.message}", 1)
