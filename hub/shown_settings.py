"""The effective settings as people may see them: every secret masked."""

from collections.abc import Iterator

import sqlalchemy.exc
from pydantic import BaseModel, SecretStr
from sqlalchemy import make_url


def shown(part: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields every setting as (dotted name, text); of a secret only what is none."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from shown(value, f"{prefix}{name}.")
        elif isinstance(value, SecretStr):
            yield f"{prefix}{name}", _masked(value)
        else:
            yield f"{prefix}{name}", "—" if value in (None, "") else str(value)


def _masked(secret: SecretStr) -> str:
    return masked_url(secret.get_secret_value())


def masked_url(text: str) -> str:
    """Returns a database's address without its password; ``***`` for what is none, or hides one elsewhere."""
    try:
        url = make_url(text)
    except sqlalchemy.exc.ArgumentError:
        return "***"
    if any("pass" in name or "key" in name for name in url.query):
        return "***"
    return url.render_as_string(hide_password=True)
