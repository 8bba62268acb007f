"""Errors of connectors, by what should happen next."""

#: A stream that was drained sooner after its opening is a failure, so that nobody can have us dial without a pause.
SHORTEST_STREAM_SECONDS = 1.0


class ConnectorError(Exception):
    """Something went wrong on the way to a neighbour."""

    reason = "UNREACHABLE"


class Unreachable(ConnectorError):
    """The neighbour did not answer: try again later."""


class Drained(Unreachable):
    """The neighbour's process is being stopped and has answered all it took: another one is there, or will be soon.

    Whoever keeps a stream dials again at once, and it is no failure of the link, if the stream lasted for
    ``SHORTEST_STREAM_SECONDS``.
    """


class CredentialsRefused(ConnectorError):
    """The neighbour does not know or want us, or is not who it should be: a person must act.

    ``reason`` is the neighbour's own reason, for example ``PEER_BLOCKED``.
    """

    def __init__(self, message: str, reason: str = "CREDENTIALS_REFUSED") -> None:
        super().__init__(message)
        self.reason = reason


class CallRefused(ConnectorError):
    """The neighbour understood the call and refused it: sending the same again will not help.

    ``violations`` lists (field path, text) as the neighbour gave them.
    """

    def __init__(self, message: str, reason: str, violations: list[tuple[str, str]]) -> None:
        super().__init__(message)
        self.reason = reason
        self.violations = violations
