"""Settings of photos, sound and film; ``hub.settings`` takes them in."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from exchange_db.attachment_records import parse_rule
from hub.sections.base import Section


class EvidencePart(Section):
    """Where photos, sound and film of cases and files of documents are kept, how large they may be, and who gets them.

    A rule is `<neighbour>:<kind>`: `parent`, `child` or a name, and `before_near`, `before_far`, `reference`, `after`,
    `check`, `voice`, `video`, `document` or `*`. Photos may show faces and plates, so none goes up unless a rule says
    so; files of documents are meant for whom the document is for.
    """

    folder: Path = Field(default=Path("data/attachments"), description="Folder of the store, used without a bucket")
    spool_folder: Path = Field(
        default=Path("data/attachments-arriving"), description="Folder for what is still arriving, on a local disk"
    )
    s3_bucket: str = Field(default="", description="Bucket with the S3 interface, in place of the folder")
    s3_endpoint: str = Field(default="", description="URL of the S3 interface; empty for the one of AWS")
    s3_region: str = Field(default="us-east-1", description="Region of the bucket, as its service names it")
    s3_access_key: SecretStr | None = Field(default=None, description="Access key of the bucket")
    s3_secret_key: SecretStr | None = Field(default=None, description="Secret key of the bucket")
    photo_megabytes: Annotated[int, Field(ge=1, le=1_000)] = Field(default=20, description="Largest photo")
    voice_megabytes: Annotated[int, Field(ge=1, le=1_000)] = Field(default=50, description="Largest sound")
    video_megabytes: Annotated[int, Field(ge=1, le=100_000)] = Field(default=500, description="Largest film")
    document_megabytes: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=50, description="Largest file of a document"
    )
    forward: tuple[str, ...] = Field(
        default=("child:*", "parent:document"), description="Rules: what a neighbour gets when it asks"
    )
    fetch: tuple[str, ...] = Field(
        default=("child:document", "parent:document"),
        description="Rules: what this hub asks its neighbours for by itself",
    )
    find_seconds: Annotated[float, Field(gt=0)] = Field(
        default=10.0, description="Time between looks for evidence that cases name"
    )
    fetch_seconds: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="Time between rounds of fetching what is missing"
    )
    fetch_pause_cap_seconds: Annotated[float, Field(gt=0)] = Field(
        default=21_600.0, description="Longest pause before the same attachment is asked for again"
    )
    scrub_seconds: Annotated[float, Field(gt=0)] = Field(default=3_600.0, description="Time between scrubs")
    scrub_megabytes: Annotated[int, Field(ge=1)] = Field(default=2_000, description="Bytes read again in one scrub")

    @field_validator("forward", "fetch")
    @classmethod
    def _are_rules(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            parse_rule(text)
        return value
