"""Reasons about platforms on their way in; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

JOINING_REASONS: dict[str, ReasonText] = {
    "JOINING_UNKNOWN": ReasonText(
        "No platform of that name is on its way in: {value}. Begin with an invitation.",
        "没有 {value} 的接入记录，请先邀请。",
    ),
    "JOINING_UNREADY": ReasonText("Not yet: {value}. Do that step first.", "尚不能进行：{value}，请先完成该步骤。"),
    "JOINING_OVER": ReasonText(
        "This platform came in already: {value}. See sanji peers list.",
        "该平台已接入：{value}，请用 sanji peers list 查看。",
    ),
    "SAMPLE_INVALID": ReasonText(
        "The sample cannot be used: {value}. Give some rows as CSV, XLSX or JSON.",
        "样例不可用：{value}。请提供 CSV、XLSX 或 JSON 的若干行。",
    ),
    "MAPPING_UNUSABLE": ReasonText(
        "The mapping cannot be used, mend it and try again: {value}.", "映射不可用，请修改后重试：{value}。"
    ),
    "LINK_FILE_UNUSABLE": ReasonText(
        "The link file cannot be used, mend it and try again: {value}.", "链路文件不可用，请修改后重试：{value}。"
    ),
    "PARTNER_UNREACHED": ReasonText(
        "The partner's database refuses or does not answer: {value}. Check address, account and network.",
        "对方数据库拒绝或无响应：{value}。请检查地址、账号和网络。",
    ),
    "KIT_CLOSED": ReasonText(
        "This hub has no address for conformance runs. Set joining.kit_listen and restart.",
        "本枢纽未设一致性检验地址，请设置 joining.kit_listen 并重启。",
    ),
    "KIT_BUSY": ReasonText(
        "A conformance run is under way: {value}. Wait for it, or stop it.",
        "{value} 的一致性检验正在进行，请等待或停止。",
    ),
    "KIT_GROUP_UNKNOWN": ReasonText("There is no such group of checks: {value}.", "没有检验组 {value}。"),
    "JOB_UNKNOWN": ReasonText("No process of this hub runs such a job: {value}.", "本枢纽没有进程执行任务 {value}。"),
    "SESSION_UNKNOWN": ReasonText("There is no such session any more.", "该会话已不存在。"),
    "RANGE_TOO_LONG": ReasonText(
        "At most {value} entries are verified at once here; sanji audit verify proves the whole log.",
        "此处一次最多校验 {value} 条；全部校验请用 sanji audit verify。",
    ),
}
