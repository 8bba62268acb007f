"""Reasons about signatures on batches and about evidence; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

SEAL_REASONS: dict[str, ReasonText] = {
    "BATCH_UNSIGNED": ReasonText(
        "This link takes only batches signed with {value}. Set signing.keys and register the key's card here.",
        "本链路只接收经 {value} 签名的批次，请配置 signing.keys 并在本枢纽登记密钥卡。",
    ),
    "BATCH_SIGNATURE_INVALID": ReasonText(
        "The signature of the batch does not hold: {value}. Nothing of the batch was taken.",
        "批次签名无效：{value}。本批次未接收。",
    ),
    "BATCH_SIGNATURE_EXPIRED": ReasonText(
        "The signature of the batch is not of this time: {value}. Set the clock right and sign anew.",
        "批次签名不在有效时间内：{value}。请校准时钟后重新签名发送。",
    ),
    "BATCH_KEY_UNKNOWN": ReasonText(
        "No valid signing key of this neighbour: {value}. Register its card with sanji peers keys add.",
        "该邻居没有此有效签名密钥：{value}。请用 sanji peers keys add 登记其密钥卡。",
    ),
    "MESSAGE_SIGNATURE_INVALID": ReasonText(
        "The HTTP message signature does not hold: {value}. See docs/rest.md for what is signed.",
        "HTTP 消息签名无效：{value}。签名内容见 docs/rest.md。",
    ),
    "MESSAGE_SIGNATURE_REQUIRED": ReasonText(
        "This link demands calls signed by RFC 9421 with {value}, not with a shared secret.",
        "本链路要求按 RFC 9421 以 {value} 签名，不接受共享密钥签名。",
    ),
    "KEY_CARD_INVALID": ReasonText(
        "The key card cannot be used: {value}. Ask for a new one.", "密钥卡不可用：{value}。请向对方重新索取。"
    ),
    "EVIDENCE_UNREADABLE": ReasonText(
        "The file is no evidence of a case: {value}. Export it again.", "文件不是案件证据：{value}。请重新导出。"
    ),
    "EVIDENCE_ALTERED": ReasonText(
        "The evidence was changed after it was exported: {value}.", "证据在导出后被改动：{value}。"
    ),
    "EVIDENCE_EXPORTER_UNKNOWN": ReasonText(
        "The exporting hub does not belong to the authority given: {value}.", "导出枢纽不属于所给的签发机构：{value}。"
    ),
    "EVIDENCE_RECORD_UNPROVED": ReasonText(
        "A record is not the one that was signed: {value}.", "记录与被签名的不符：{value}。"
    ),
    "EVIDENCE_SIGNATURE_INVALID": ReasonText(
        "A signature in the evidence does not hold: {value}.", "证据中的签名无效：{value}。"
    ),
    "EVIDENCE_KEY_INVALID": ReasonText(
        "A signing key in the evidence is not its sender's, or was not valid then: {value}.",
        "证据中的签名密钥不属于发送方或当时无效：{value}。",
    ),
    "EVIDENCE_INCOMPLETE": ReasonText(
        "The evidence is not whole: {value}. Export it again.", "证据不完整：{value}。请重新导出。"
    ),
}
