"""Reasons about the rights of people; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

RIGHT_REASONS: dict[str, ReasonText] = {
    "SIGN_ON_REQUIRED": ReasonText("Nobody is signed on. Sign on and ask again.", "尚未登录，请登录后重试。"),
    "RIGHT_MISSING": ReasonText(
        "Your roles do not allow this: {value}. Ask the security officer of the hub for the right.",
        "您的角色无此权限：{value}。如有需要，请向本枢纽的安全管理员申请。",
    ),
    "PERSONAL_DATA_REFUSED": ReasonText(
        "This hub keeps no personal data of yours. Keep it at the platform that took the report.",
        "本枢纽不保存您报送的个人信息，请留存在受理平台。",
    ),
    "UNMASK_REASON_MISSING": ReasonText(
        "Say in a few words why you must see personal data; it is recorded.",
        "请简要说明查看个人信息的理由，系统将留存记录。",
    ),
    "UNMASK_NEEDS_APPROVAL": ReasonText(
        "A second person must approve this: sanji proposals make case.unmask {value}. Then open the case again.",
        "需经第二人审批：sanji proposals make case.unmask {value}，批准执行后请重新打开案件。",
    ),
    "ROLES_CONFLICT": ReasonText(
        "One person cannot hold these roles together: {value}. Give one of them to somebody else.",
        "同一人不得兼任这些角色：{value}。请将其中之一授予他人。",
    ),
}
