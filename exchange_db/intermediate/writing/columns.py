"""What is known of the columns of a partner's table, and whether a value fits: found out before the engine is asked."""

from typing import Any, NamedTuple

from exchange_db.intermediate.partner import Partner, PartnerRefused
from exchange_db.intermediate.writing.targets import Target

#: Character sets of engines by the codec that knows the same characters.
_CODECS = {
    "EUC_CN": "gb2312",
    "GB18030": "gb18030",
    "LATIN1": "latin-1",
    "gbk": "gbk",
    "gb2312": "gb2312",
    "gb18030": "gb18030",
    "latin1": "cp1252",
    "ascii": "ascii",
    # Three bytes a character: nothing beyond the basic plane.
    "utf8": "ucs2",
    "utf8mb3": "ucs2",
}
_LAST_OF_BASIC_PLANE = 0xFFFF

_POSTGRESQL = (
    "SELECT a.attname, format_type(a.atttypid, -1),"
    " CASE WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4 THEN a.atttypmod - 4 END,"
    " (SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()),"
    " a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''"
    " FROM pg_attribute a WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped"
)
_MARIADB = (
    "SELECT column_name, data_type, CASE WHEN data_type IN ('char', 'varchar') THEN character_maximum_length END,"
    " character_set_name, is_nullable = 'NO' AND column_default IS NULL AND extra NOT LIKE '%%auto_increment%%'"
    " FROM information_schema.columns WHERE table_schema = coalesce(%s, database()) AND table_name = %s"
)
_SQLITE = 'SELECT name, type, NULL, NULL, "notnull" AND dflt_value IS NULL AND pk = 0 FROM pragma_table_info(%s)'


class Known(NamedTuple):
    """A column as it is: ``length`` in characters, ``codec`` of its characters; ``None`` where nothing is fixed."""

    type: str
    length: int | None
    codec: str | None
    is_required: bool


async def read_columns(partner: Partner, target: Target) -> dict[str, Known]:
    """Returns the columns of the table a target names.

    Raises:
        PartnerRefused: the table or a column of the target is missing, or there is a column that nobody fills.
    """
    schema, _, name = target.table.rpartition(".")
    if partner.dialect.name == "postgresql":
        found = await partner.fetch(_POSTGRESQL, (partner.dialect.quoted(target.table),))
    elif partner.dialect.name == "mariadb":
        found = await partner.fetch(_MARIADB, (schema or None, name))
    else:
        found = await partner.fetch(_SQLITE, (name,))
    known = {row[0]: Known(row[1], row[2], _CODECS.get(row[3]), bool(row[4])) for row in found}
    if not known:
        raise PartnerRefused(f"没有表 {target.table} / there is no table {target.table}")
    for column in target.columns:
        if column.name not in known:
            raise PartnerRefused(
                f"表 {target.table} 没有列 {column.name} / the table {target.table} has no column {column.name}"
            )
    written = {column.name for column in target.columns}
    for column_name, one in known.items():
        if one.is_required and column_name not in written:
            raise PartnerRefused(
                f"{target.table}.{column_name} 必填，但枢纽不写此列，请设默认值 / must be filled, but the hub does not"
                f" write it: give it a default"
            )
    return known


def misfit(known: Known, value: Any) -> str:
    """Returns in both languages why a value does not fit a column; empty when it does, as far as is known here."""
    if value is None:
        return "不能为空 / must not be NULL" if known.is_required else ""
    if not isinstance(value, str):
        return ""
    if known.length is not None and len(value) > known.length:
        return f"{len(value)} > {known.length} 个字符 / characters"
    if known.codec is not None and (letter := _unknown_letter(value, known.codec)):
        return f"“{letter}”(U+{ord(letter):04X}) 不在列的字符集中 / is not in the column's character set"
    return ""


def _unknown_letter(text: str, codec: str) -> str:
    if codec == "ucs2":
        return next((letter for letter in text if ord(letter) > _LAST_OF_BASIC_PLANE), "")
    try:
        text.encode(codec)
    except UnicodeEncodeError as error:
        return text[error.start]
    return ""
