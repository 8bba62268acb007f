"""Reasons about the audit log and about proposals; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

AUDIT_REASONS: dict[str, ReasonText] = {
    "CHECKPOINT_INVALID": ReasonText(
        "This is not a checkpoint of an audit log in the one form it has.", "这不是规定格式的审计日志检查点。"
    ),
    "CHECKPOINT_FOREIGN": ReasonText(
        "You may show checkpoints of your own log only, not of {value}.",
        "只能提交本枢纽自己的检查点，不能提交 {value} 的。",
    ),
    "CHECKPOINT_INCONSISTENT": ReasonText(
        "The log does not continue the one that was shown before: checkpoint {value}. It was cut or written anew.",
        "日志与先前出示的不相接：检查点 {value}，日志曾被截断或重写。",
    ),
    "PROPOSAL_UNKNOWN": ReasonText("There is no proposal {value}.", "没有提案 {value}。"),
    "PROPOSAL_CHANGED": ReasonText(
        "Proposal {value} is not what was proposed or approved: its bytes differ.",
        "提案 {value} 的内容与提出或批准时不同。",
    ),
    "PROPOSAL_EXPIRED": ReasonText(
        "The proposal expired at {value}. Propose anew.", "提案已于 {value} 过期，请重新提出。"
    ),
    "PROPOSAL_CLOSED": ReasonText(
        "The proposal is {value}; nothing more can be done with it.", "提案已处于 {value} 状态，不能再操作。"
    ),
    "PROPOSAL_UNAPPROVED": ReasonText(
        "The proposal is {value}; it must be approved by a second person first.",
        "提案处于 {value} 状态，须先由另一人批准。",
    ),
    "SELF_APPROVAL": ReasonText(
        "Who proposed cannot decide, under no name: {value}.", "提出人不得自行批准，换用其他账号也不行：{value}。"
    ),
    "APPROVAL_RIGHT_LOST": ReasonText(
        "{value} may no longer approve this. A person with the right must approve anew.",
        "{value} 已不具备批准权，须由有权人员重新批准。",
    ),
    "APPROVAL_REQUIRED": ReasonText(
        "This needs a proposal and a second person: sanji proposals make {value}.",
        "此操作须经提案和另一人批准：sanji proposals make {value}。",
    ),
    "OPERATION_UNKNOWN": ReasonText("There is no such operation: {value}.", "没有该项操作：{value}。"),
    "DRY_RUN_CHANGED": ReasonText(
        "Run now, it would do something else than was approved: {value}. Propose anew.",
        "现在执行的结果与批准时不同：{value}，请重新提出。",
    ),
}
