"""Single faults of a record and the answer the contract asks for: one table for the checks and the sample messages.

A flaw takes a good parcel that reports a case and spoils it in one place. Each is refused alone, with its reason and
the field at fault. Source: ``docs/bad-input.md``, ``docs/limits.md`` and ``docs/errors.md``.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from conformance.checks import Group, Texts
from protos.exchange.v1 import parcel_pb2

Damage = Callable[[parcel_pb2.Parcel], None]
Spoil = Callable[[bytes], bytes]

#: The year 2199.
_FAR_TIME: Final = 7_258_000_000_000_000
_REPORT = "case.report"
_CODE = "case.report.class_code"
_PLACE = "case.report.position"


class Flaw(NamedTuple):
    """One fault.

    Args:
        name: of the check, within its group.
        group: what the check is about.
        title: what is wrong.
        reason, field_path: what the refusal must say.
        damage: does the fault to the message.
        spoil: does the fault to the bytes, below what a message can hold.
        source: page that documents it.
    """

    name: str
    group: Group
    title: Texts
    reason: str
    field_path: str
    damage: Damage | None = None
    spoil: Spoil | None = None
    source: str = "docs/bad-input.md"

    def of(self, payload: bytes) -> bytes:
        """Returns the bytes with the fault in them."""
        if self.damage is not None:
            parcel = parcel_pb2.Parcel.FromString(payload)
            self.damage(parcel)
            payload = parcel.SerializeToString(deterministic=True)
        return payload if self.spoil is None else self.spoil(payload)


def _set(path: str, value: object) -> Damage:
    def damage(parcel: parcel_pb2.Parcel) -> None:
        *parents, leaf = path.split(".")
        message: Any = parcel
        for name in parents:
            message = getattr(message, name)
        setattr(message, leaf, value)

    return damage


def _clear(path: str) -> Damage:
    def damage(parcel: parcel_pb2.Parcel) -> None:
        *parents, leaf = path.split(".")
        message: Any = parcel
        for name in parents:
            message = getattr(message, name)
        message.ClearField(leaf)

    return damage


def _move(**changes: int) -> Damage:
    """Returns damage that adds to times, microseconds."""

    def damage(parcel: parcel_pb2.Parcel) -> None:
        for name, added in changes.items():
            message: Any = parcel if name == "created_time" else parcel.case.report
            setattr(message, name, getattr(message, name) + added)

    return damage


def _place(x: float, y: float, crs: int = 1) -> Damage:
    def damage(parcel: parcel_pb2.Parcel) -> None:
        parcel.case.report.position.x, parcel.case.report.position.y = x, y
        parcel.case.report.position.crs = crs  # type: ignore[assignment]

    return damage


def _nowhere(parcel: parcel_pb2.Parcel) -> None:
    parcel.case.report.ClearField("position")
    parcel.case.report.ClearField("address")


def _milliseconds(parcel: parcel_pb2.Parcel) -> None:
    parcel.case.report.reported_time //= 1_000


def _many_actions(parcel: parcel_pb2.Parcel) -> None:
    for number in range(51):
        parcel.case.actions.add(
            action_id=f"00000000-0000-4000-8000-{number:012d}",
            kind="urge",
            platform_id=parcel.origin_id,
            action_time=parcel.created_time,
        )


def with_new_field(message: Any) -> None:
    """Gives a message a field, number 90, that this contract does not know; its text is ``new``."""
    message.MergeFromString(bytes([0xD2, 0x05, 3]) + b"new")


def _new_record(parcel: parcel_pb2.Parcel) -> None:
    parcel.ClearField("case")
    with_new_field(parcel)


def _foreign_name(parcel: parcel_pb2.Parcel) -> None:
    parcel.origin_id = "999999.sanji-test"


def _bad_utf8(payload: bytes) -> bytes:
    """Puts GBK where UTF-8 must be, of the same length."""
    wanted = "测试".encode()
    return payload.replace(wanted, "圾圾圾".encode("gbk"), 1)


def _widened(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def _widen(path: str) -> Damage:
    def damage(parcel: parcel_pb2.Parcel) -> None:
        *parents, leaf = path.split(".")
        message: Any = parcel
        for name in parents:
            message = getattr(message, name)
        setattr(message, leaf, _widened(getattr(message, leaf)))

    return damage


def _required(name: str, field_path: str, chinese: str, damage: Damage, reason: str = "FIELD_MISSING") -> Flaw:
    title = Texts(f"缺必填项：{chinese}", f"required field missing: {field_path}")
    return Flaw(
        f"required-{name}", Group.CONTRACT, title, reason, field_path, damage, source="protos/case/v1/case.proto"
    )


def _enum(name: str, field_path: str, chinese: str) -> Flaw:
    title = Texts(f"枚举值超出契约：{chinese}", f"value outside the contract: {field_path}")
    damage = _set(field_path, 9)
    return Flaw(f"enum-{name}", Group.CONTRACT, title, "FIELD_INVALID", field_path, damage)


def _long(name: str, field_path: str, chinese: str, letters: int) -> Flaw:
    title = Texts(f"{chinese}超过 {letters} 字", f"{field_path} of {letters + 1} characters")
    damage = _set(field_path, "长" * (letters + 1))
    return Flaw(f"long-{name}", Group.CONTRACT, title, "FIELD_INVALID", field_path, damage, source="docs/limits.md")


def _dirty(
    name: str, chinese: str, english: str, told: tuple[str, str], damage: Damage | None, spoil: Spoil | None = None
) -> Flaw:
    return Flaw(name, Group.DIRTY, Texts(chinese, english), *told, damage, spoil)


FLAWS: Final[tuple[Flaw, ...]] = (
    _required("message-id", "message_id", "消息标识", _clear("message_id")),
    _required("origin-id", "origin_id", "来源平台", _clear("origin_id")),
    _required("created-time", "created_time", "生成时间", _clear("created_time")),
    _required("record", "", "记录", _clear("case"), "RECORD_MISSING"),
    _required("case-no", "case.key.case_no", "案件编号", _clear("case.key.case_no")),
    _required("revision", "case.report.revision", "修订号", _clear("case.report.revision")),
    _required("state", "case.report.state", "上报状态", _clear("case.report.state")),
    _required("region", "case.report.region_code", "区划代码", _clear("case.report.region_code")),
    _required("class", f"{_CODE}.code", "类别代码", _clear(f"{_CODE}.code")),
    _required("standard", f"{_CODE}.standard_ref", "所属标准", _clear(f"{_CODE}.standard_ref"), "STANDARD_REF_MISSING"),
    _required("source", "case.report.source_code", "问题来源", _clear("case.report.source_code")),
    _required("authority", "case.report.authority_id", "派遣平台", _clear("case.report.authority_id")),
    _required("reported-time", "case.report.reported_time", "上报时间", _clear("case.report.reported_time")),
    _required("place", _PLACE, "坐标或地址", _nowhere, "PLACE_MISSING"),
    _enum("report-state", "case.report.state", "上报状态"),
    _enum("class-kind", f"{_CODE}.kind", "部件或事件"),
    _enum("crs", f"{_PLACE}.crs", "坐标系"),
    _long("description", "case.report.description", "问题描述", 4_000),
    _long("address", "case.report.address", "地址", 400),
    _long("case-no", "case.key.case_no", "案件编号", 64),
    Flaw(
        "many-actions",
        Group.CONTRACT,
        Texts("一包超过 50 条过程记录", "51 actions in a parcel"),
        "FIELD_INVALID",
        "case.actions",
        _many_actions,
        source="docs/limits.md",
    ),
    Flaw(
        "new-record",
        Group.CONTRACT,
        Texts("新版契约的记录种类", "a kind of record of a newer contract"),
        "RECORD_KIND_UNSUPPORTED",
        "record",
        _new_record,
    ),
    _dirty(
        "noise", "不是消息的字节", "bytes that are no message", ("UNREADABLE", ""), None, lambda _: b"\xff\xfe\0" * 9
    ),
    _dirty("empty", "空字节", "no bytes", ("FIELD_MISSING", "message_id"), None, lambda _: b""),
    _dirty("cut", "被截断的消息", "a message cut short", ("UNREADABLE", ""), None, lambda payload: payload[:-7]),
    _dirty("bad-utf8", "GBK 字节冒充 UTF-8", "GBK bytes for UTF-8", ("UNREADABLE", ""), None, _bad_utf8),
    _dirty(
        "nul",
        "文本含空字符",
        "a NUL in a text",
        ("TEXT_INVALID", "case.report.description"),
        _set("case.report.description", "垃\0圾"),
    ),
    _dirty(
        "control",
        "文本含控制字符",
        "a control character in a text",
        ("TEXT_INVALID", "case.report.address"),
        _set("case.report.address", "芙蓉路\x9b31m"),
    ),
    _dirty(
        "hidden",
        "代码含不可见字符",
        "an invisible sign in a code",
        ("TEXT_INVALID", "case.report.source_code"),
        _set("case.report.source_code", "app\u200b"),
    ),
    _dirty(
        "turned",
        "编号含改变书写方向的字符",
        "a mark that turns writing, in a number",
        ("TEXT_INVALID", "case.key.case_no"),
        _set("case.key.case_no", "SANJI-TEST-\u202e1"),
    ),
    _dirty(
        "message-id",
        "消息标识不是 UUID",
        "a message id that is no UUID",
        ("FIELD_INVALID", "message_id"),
        _set("message_id", "7"),
    ),
    _dirty(
        "origin",
        "平台标识格式错误",
        "a name that is none of a platform",
        ("PLATFORM_ID_INVALID", "origin_id"),
        _set("origin_id", "county"),
    ),
    _dirty(
        "wide-class",
        "类别代码为全角数字",
        "full-width digits in a class",
        ("FIELD_INVALID", f"{_CODE}.code"),
        _widen(f"{_CODE}.code"),
    ),
    _dirty(
        "wide-source",
        "来源代码为全角字符",
        "a full-width source",
        ("FIELD_INVALID", "case.report.source_code"),
        _widen("case.report.source_code"),
    ),
    _dirty(
        "wide-region",
        "区划代码为全角数字",
        "full-width digits in a region",
        ("REGION_INVALID", "case.report.region_code"),
        _widen("case.report.region_code"),
    ),
    _dirty(
        "blank-class",
        "类别代码后有空格",
        "a blank behind a class",
        ("FIELD_INVALID", f"{_CODE}.code"),
        _set(f"{_CODE}.code", "0203 "),
    ),
    _dirty(
        "cut-region",
        "区划代码少一位",
        "a region that lost a digit",
        ("REGION_INVALID", "case.report.region_code"),
        _set("case.report.region_code", "43122"),
    ),
    _dirty(
        "year-1900",
        "上报时间在 1900 年",
        "a report of 1900",
        ("FIELD_INVALID", "case.report.reported_time"),
        _set("case.report.reported_time", -2_209_017_600_000_000),
    ),
    _dirty(
        "milliseconds",
        "毫秒当作微秒",
        "milliseconds for microseconds",
        ("FIELD_INVALID", "case.report.reported_time"),
        _milliseconds,
    ),
    _dirty(
        "future",
        "上报时间在 2199 年",
        "a report of 2199",
        ("CLOCK_SKEW", "case.report.reported_time"),
        _set("case.report.reported_time", _FAR_TIME),
    ),
    _dirty(
        "future-filing",
        "立案时间在将来",
        "a filing in the future",
        ("CLOCK_SKEW", "case.report.filed_time"),
        _set("case.report.filed_time", _FAR_TIME),
    ),
    _dirty(
        "written-ahead",
        "生成时间快 1 小时",
        "a parcel written in an hour",
        ("CLOCK_SKEW", "created_time"),
        _move(created_time=3_600_000_000),
    ),
    _dirty(
        "no-crs",
        "坐标未注明坐标系",
        "coordinates without a reference system",
        ("CRS_MISSING", f"{_PLACE}.crs"),
        _set(f"{_PLACE}.crs", 0),
    ),
    _dirty("swapped", "经纬度颠倒", "swapped coordinates", ("POSITION_OUT_OF_RANGE", _PLACE), _place(27.44, 109.944)),
    _dirty("zero-place", "坐标为 0, 0", "coordinates 0, 0", ("POSITION_OUT_OF_RANGE", _PLACE), _place(0.0, 0.0)),
    _dirty(
        "nan-place",
        "坐标不是数字",
        "coordinates that are no numbers",
        ("POSITION_OUT_OF_RANGE", _PLACE),
        _place(float("nan"), 27.44),
    ),
    _dirty(
        "metres",
        "米制坐标当作度",
        "metres for degrees",
        ("POSITION_OUT_OF_RANGE", _PLACE),
        _place(3_036_511.2, 395_880.7),
    ),
    _dirty(
        "code-unknown",
        "标准中没有的代码",
        "a code its standard does not have",
        ("CODE_UNKNOWN", _CODE),
        _set(f"{_CODE}.code", "9999"),
    ),
    _dirty(
        "standard-unknown",
        "未知标准",
        "a standard nobody knows",
        ("STANDARD_UNKNOWN", _CODE),
        _set(f"{_CODE}.standard_ref", "GB/T-00000-1900"),
    ),
    _dirty(
        "foreign-region",
        "链路权限以外的区划",
        "a region outside the link's rights",
        ("REGION_FORBIDDEN", "case.report.region_code"),
        _set("case.report.region_code", "999999"),
    ),
    _dirty(
        "foreign-name", "冒用其他平台名义", "another platform's name", ("ORIGIN_FORBIDDEN", "origin_id"), _foreign_name
    ),
)
