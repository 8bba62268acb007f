"""Who has to do something about a case now. Pure.

Source: the life cycle in docs/lifecycle.md: who owns the next section.
"""

from exchange_db.cases import CaseRow, CaseState
from hub.apply.lifecycle import handler_of

#: States in which the platform that handles the case is at work; a suspended one stays with it.
_HANDLED = frozenset({CaseState.DISPOSING, CaseState.SUSPENDED})
_ENDED = frozenset({CaseState.NOT_ACCEPTED, CaseState.CLOSED, CaseState.VOID, CaseState.MERGED})


def holder_of(row: CaseRow) -> str:
    """Returns the platform that holds a case; empty when nothing is left to do."""
    if row.state in _ENDED:
        return ""
    return (handler_of(row) if row.state in _HANDLED else "") or row.authority_id or row.issuer_id
