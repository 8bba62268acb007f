"""What each way to see a partner's changes guarantees, in the words that commands and the console show."""

from hub.intermediate.link_files import Capture, DatabaseLink, Manner

#: Capture to its guarantee in Chinese and English.
_GUARANTEES: dict[Capture, tuple[str, str]] = {
    Capture.LOG: (
        "数据库日志：不丢不重，删除和清空可见，不装触发器；枢纽停用时日志留在对方磁盘上",
        "nothing lost or doubled; deletes and TRUNCATE seen; no triggers; the log waits on the partner's disk",
    ),
    Capture.KEY_LOG: ("触发器键日志：不丢不重，删除可见", "nothing lost or doubled; deletes seen"),
    Capture.STATUS: (
        "状态字段：对方每标一次送达一次；删除及取走后的改动不可见",
        "each row marked as new arrives once; deletes, and changes after it was taken, are not seen",
    ),
    Capture.TIMESTAMP: (
        "时间戳：最终一致；删除与迟到的行由每日对账发现",
        "right in the end; deletes and late rows are found by the daily reconciliation",
    ),
}


def guarantee_of(capture: Capture, engine: str) -> tuple[str, str]:
    """Returns what a capture guarantees on an engine, in Chinese and English."""
    chinese, english = _GUARANTEES[capture]
    if capture is not Capture.KEY_LOG:
        return chinese, english
    if engine == "postgresql":
        return f"{chinese}，清空（TRUNCATE）可见", f"{english}, and so is TRUNCATE"
    if engine == "mariadb":
        return (
            f"{chinese}；清空（TRUNCATE）与外键级联由每日对账发现",
            f"{english}; TRUNCATE and cascades of foreign keys are found by the daily reconciliation",
        )
    return chinese, english


def captures_of(link: DatabaseLink) -> list[Capture]:
    """Returns the ways a link sees changes: our tables are always followed by the key log."""
    if link.manner is Manner.OURS:
        return [Capture.KEY_LOG]
    return list(dict.fromkeys(source.capture or link.capture for source in link.source))
