"""Reasons about evaluation; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

EVALUATION_REASONS: dict[str, ReasonText] = {
    "SCHEME_UNKNOWN": ReasonText(
        "No scoring scheme {value} is in force here. See sanji evaluation schemes.",
        "没有生效的评分方案 {value}，请用 sanji evaluation schemes 查看。",
    ),
    "RUN_NOT_FOUND": ReasonText(
        "This hub holds no score run {value} inside your rights.", "本枢纽在您的权限内没有评分结果 {value}。"
    ),
    "ENTRY_UNKNOWN": ReasonText(
        "The scheme has no such entry that a person could give: {value}.", "评分方案中没有可由人工填报的 {value} 项。"
    ),
    "NUMBER_INVALID": ReasonText(
        "{value} is no number that fits here. Write an integer, a decimal or n/d.",
        "{value} 不是此处可用的数值，请填写整数、小数或 n/d。",
    ),
    "INPUT_NOT_FOUND": ReasonText("Nothing was given under {value}.", "没有编号为 {value} 的填报。"),
    "INPUT_SETTLED": ReasonText("It was decided already: {value}.", "该项已有结论：{value}。"),
    "SECOND_PERSON_NEEDED": ReasonText(
        "Who did the first step cannot decide about it: {value}. Ask somebody else.",
        "前一步的经办人 {value} 不能自行决定，请由他人办理。",
    ),
    "GROUPS_OVERLAP": ReasonText(
        "A unit is in two groups on one day: {value}. Mend the days.",
        "单位在同一天属于两个组：{value}，请改正起止日期。",
    ),
    "INSPECTION_ROUND_UNKNOWN": ReasonText(
        "There is no round of inspections {value}. Open it first.", "没有抽检轮次 {value}，请先建立。"
    ),
    "INSPECTION_ROUND_SETTLED": ReasonText(
        "This was done for the round already: {value}.", "该抽检轮次已办理过此步：{value}。"
    ),
    "PLACES_TOO_FEW": ReasonText(
        "Too few places for an equal draw: {value}. Add places.", "点位不足，无法同等抽取：{value}，请补充点位名录。"
    ),
    "SPOT_UNKNOWN": ReasonText("The place was not drawn in this round: {value}.", "该点位不在本轮抽检之列：{value}。"),
    "SURVEY_UNKNOWN": ReasonText("There is no survey {value}.", "没有调查 {value}。"),
    "SURVEY_CLOSED": ReasonText("The survey takes no answers on this day: {value}.", "该调查此日不接受答卷：{value}。"),
    "ANSWER_INVALID": ReasonText(
        "No question of the survey has this answer: {value}. Use the ids of the survey.",
        "答卷与题目或选项不符：{value}，请使用调查中的标识。",
    ),
    "ANSWER_DUPLICATE": ReasonText(
        "An answer of this respondent is there already.", "该受访者已提交过答卷，不重复计入。"
    ),
    "EVALUATION_UNDELIVERABLE": ReasonText(
        "A partner's tables hold no evaluation data; it goes by gRPC or REST.",
        "中间库不承载评价数据，请通过 gRPC 或 REST 报送。",
    ),
    "OBJECTION_LATE": ReasonText("The time for objections ended on {value}.", "异议期已于 {value} 截止。"),
    "OBJECTION_NOT_FOUND": ReasonText("There is no objection {value}.", "没有异议 {value}。"),
    "OBJECTION_SETTLED": ReasonText("It was ruled on already: {value}.", "该异议已裁定：{value}。"),
}
