"""How a call of the REST transport is signed: what is signed, and with which headers it travels.

Both sides compute the same text and its HMAC with the secret they share. ``docs/rest.md`` tells it to vendors.
"""

import hashlib
import hmac

#: The only algorithm so far. It is named in every call, so that others (SM3, SM2) can stand beside it.
ALGORITHM = "HMAC-SHA256"
#: Seconds the caller's clock may be off, either way.
WINDOW_SECONDS = 300

APP, ALG, TIME, NONCE, SIGN = "Sanji-App", "Sanji-Alg", "Sanji-Time", "Sanji-Nonce", "Sanji-Sign"


def request_text(app_id: str, method: str, target: str, moment: str, nonce: str, body: bytes) -> bytes:
    """Returns what a caller signs.

    Args:
        app_id: name of the caller.
        method: HTTP method, in capitals.
        target: path and query as they stand on the request line.
        moment: seconds since 1970, as in the header.
        nonce: as in the header.
        body: the bytes that are sent, after compression; empty for none.
    """
    return _text("request", app_id, method, target, moment, nonce, hashlib.sha256(body).hexdigest())


def answer_text(app_id: str, status: int, moment: str, nonce: str, body: bytes) -> bytes:
    """Returns what a hub signs: the answer is bound to the nonce of the request, so it cannot be an older one."""
    return _text("answer", app_id, str(status), moment, nonce, hashlib.sha256(body).hexdigest())


def _text(*lines: str) -> bytes:
    # The first line keeps a signature of one kind from being shown as one of the other.
    return "\n".join((ALGORITHM, *lines)).encode("utf-8", "surrogateescape")


def signature_of(secret: str, text: bytes) -> str:
    """Returns the signature in hex; the key of the HMAC is the secret's own letters."""
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def is_signed(secret: str, text: bytes, signature: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(signature_of(secret, text).encode(), signature.encode())
