"""The ``[database]`` section of the settings."""

import re
from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from hub.sections.base import Section


class DatabasePart(Section):
    """Where the ledger lies: a server of one's own by url, or a folder for the embedded one."""

    url: SecretStr | None = Field(
        default=None, description="postgresql://user:password@host/database of your own server (15 or later)"
    )
    replica: SecretStr | None = Field(
        default=None, description="URL of a streaming replica the console's pages may read; empty to read the server"
    )
    folder: Path = Field(
        default=Path("data/postgres"), description="Data folder of the embedded server, used when url is empty"
    )
    name: str = Field(default="sanji", description="Database on the embedded server")

    @field_validator("url", "replica")
    @classmethod
    def _is_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"postgres(ql)?(\+\w+)?://", value.get_secret_value()):
            raise ValueError("must be postgresql://user:password@host/database")
        return value
