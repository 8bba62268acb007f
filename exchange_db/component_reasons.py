"""Reasons about components and rounds of ownership; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

COMPONENT_REASONS: dict[str, ReasonText] = {
    "COMPONENT_NOT_FOUND": ReasonText(
        "This hub holds no component {value} inside your rights.", "本枢纽在您的权限内没有部件 {value}。"
    ),
    "ROUND_NOT_FOUND": ReasonText("This hub has no round {value}.", "本枢纽没有确权轮次 {value}。"),
    "ROUND_CLOSED": ReasonText(
        "The round {value} has ended; nothing can be answered in it any more.",
        "确权轮次 {value} 已结束，不再接受答复。",
    ),
    "ITEM_NOT_FOUND": ReasonText(
        "The round does not ask about component {value} inside your rights.", "该轮次在您的权限内未询问部件 {value}。"
    ),
    "ANSWER_FORBIDDEN": ReasonText(
        "This answer is not for this side to give now: {value}.", "此时不能由该方作此答复：{value}。"
    ),
}
