"""Errors of connectors, by what should happen next."""


class ConnectorError(Exception):
    """Something went wrong on the way to a neighbour."""

    reason = "UNREACHABLE"


class Unreachable(ConnectorError):
    """The neighbour did not answer: try again later."""


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
