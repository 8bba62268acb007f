"""Canaries as records: a question that goes over one link, and its answer."""

from msgspec import Struct


class CanaryRecord(Struct, frozen=True, gc=False):
    """One of the two; ``sender_id`` asks, ``receiver_id`` answers, ``answered_time`` is 0 in the question.

    Times are microseconds since 1970, each by the clock of who wrote it.
    """

    sender_id: str
    receiver_id: str
    sent_time: int
    answered_time: int = 0

    @property
    def writer_id(self) -> str:
        """Who must have written it."""
        return self.receiver_id if self.answered_time else self.sender_id

    @property
    def addressee_id(self) -> str:
        """Whom it is for."""
        return self.sender_id if self.answered_time else self.receiver_id
