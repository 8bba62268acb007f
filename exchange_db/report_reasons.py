"""Reasons about reports and letters; ``exchange_db.reasons`` takes them in."""

from exchange_db.reason_text import ReasonText

REPORT_REASONS: dict[str, ReasonText] = {
    "REPORT_SPAN_INVALID": ReasonText(
        "A report of this kind cannot be about {value}. Name a day as 2020-06-15, a week as 2020-W25, a month as"
        " 2020-06 or a year as 2020, as its kind asks.",
        "此类报告的时段 {value} 不对。日报写 2020-06-15，周报写 2020-W25，月报写 2020-06，年报写 2020。",
    ),
    "REPORT_KIND_INVALID": ReasonText(
        "There is no such kind of report, or it is made another way: {value}. sanji reports make --help lists them.",
        "没有此类报告，或不能这样生成：{value}。可用种类见 sanji reports make --help。",
    ),
    "REPORT_NOT_FOUND": ReasonText(
        "There is no such report that you may see: {value}. sanji reports list shows what was made.",
        "没有可查看的报告：{value}。已生成的见 sanji reports list。",
    ),
    "REPORT_NAMES_INVALID": ReasonText(
        "The file of names cannot be read at {value}: it has the columns kind,code,name in UTF-8, kind being region,"
        " unit, class, source, line or grid.",
        "名称文件在 {value} 处无法读取：应为 UTF-8 编码的 CSV，列为 kind、code、name，kind 取 region、unit、class、"
        "source、line 或 grid。",
    ),
    "REPORT_LINES_INVALID": ReasonText(
        "The table of business lines cannot be read at {value}: it has the columns standard_ref,kind,code,line in"
        " UTF-8, kind being component or event.",
        "业务线对照表在 {value} 处无法读取：应为 UTF-8 编码的 CSV，列为 standard_ref、kind、code、line，"
        "kind 取 component 或 event。",
    ),
    "REPORT_EMPTY": ReasonText(
        "There is nothing to write about: no case of this unit and class in {value}.",
        "没有可写的内容：该时段没有此单位、此类别的案件（{value}）。",
    ),
    "TEMPLATE_BROKEN": ReasonText(
        "Nothing was sent: the template of the letter cannot be filled ({value}). Mend it, or take it out of the"
        " folder of the setting reports.templates, and confirm again.",
        "函件模板无法填写，未发出（{value}）。请改正模板，或从设置项 reports.templates 的文件夹中移走，再确认一次。",
    ),
}
