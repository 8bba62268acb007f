"""Reading the words of applied cases, so that people can search them; behind the apply, with cursors of its own.

Words are kept as anybody is shown them, masked: nobody finds out a number by searching for it. Called by a job.
"""

from auth.masking import masked_text
from connectors.case_words import words_in
from exchange_db import case_texts
from exchange_db.case_texts import Words
from exchange_db.session import Ledger

#: Rows of one partition read in one transaction.
_ROWS = 50


class CaseWording:
    """Keeps the words of cases.

    Args:
        ledger: the hub's database.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def run(self) -> int:
        """Goes on to the end of what is applied; returns how many cases got new words."""
        count = 0
        while True:
            async with self._ledger.write() as session:
                rows = await case_texts.applied_rows(session, _ROWS)
                found = {}
                for row in rows:
                    said = words_in(row.payload)
                    if said is not None:
                        texts = tuple(map(masked_text, said.texts))
                        # Of two reports of a case in one turn the later one is in force.
                        found[said.issuer_id, said.case_no] = Words(said.issuer_id, said.case_no, row.inbox_id, texts)
                count += await case_texts.put(session, list(found.values()))
                await case_texts.move_cursors(session, {row.partition: row.inbox_id for row in rows})
            if not rows:
                return count
