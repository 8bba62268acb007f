"""Reasons about documents between platforms and what follows from figures; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

DOCUMENT_REASONS: dict[str, ReasonText] = {
    "ADDRESSEE_FORBIDDEN": ReasonText(
        "A letter goes to a platform in the issuer's region or below, which {value} is not.",
        "函件只能发往签发方所辖区域内的平台，{value} 不在其中。",
    ),
    "ADDRESSEE_UNREACHABLE": ReasonText(
        "No link of this hub leads to {value}. Register the platform, then replay.",
        "本枢纽没有通往 {value} 的链路，请先登记该平台再重放。",
    ),
    "DOCUMENT_UNKNOWN": ReasonText(
        "The document this answers has not arrived. Send it first, then replay.",
        "尚未收到被答复的文书，请先报送再重放。",
    ),
    "DOCUMENT_NOT_FOUND": ReasonText(
        "There is no such document here that you may see: {value}.", "没有可查看的文书：{value}。"
    ),
    "DOCUMENT_FIXED": ReasonText(
        "Kind, addressee and region of a document do not change: {value}. Issue a new one with supersedes_id.",
        "文书的种类、收文单位和区域不可变更：{value}。请另行签发，并填写 supersedes_id。",
    ),
    "DOCUMENT_UNANSWERABLE": ReasonText(
        "The document asks nobody for an answer, or was taken back: {value}.", "该文书无需答复或已撤回：{value}。"
    ),
    "DOCUMENT_UNDELIVERABLE": ReasonText(
        "This partner's database has no tables for documents. Hand it over through gRPC, REST or on paper.",
        "对方中间库没有文书表，请通过 gRPC、REST 接口或书面方式送达。",
    ),
    "FOLLOWUP_UNKNOWN": ReasonText(
        "There is no such proposal here that you may see. See sanji followup proposals.",
        "没有这项可查看的函件建议，请用 sanji followup proposals 查看。",
    ),
    "FOLLOWUP_DECIDED": ReasonText("The proposal has been decided before: {value}.", "该函件建议此前已处理：{value}。"),
}
