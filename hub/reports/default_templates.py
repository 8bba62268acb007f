"""Draws the Word templates that are shipped, into ``hub/reports/templates``.

Run by ``python -m hub.reports.default_templates`` when a layout changes.

A city takes one of them, changes it in Word and puts it into its own folder; the tags in them are explained in
``docs/reports.md``.
"""

import sys
from collections.abc import Callable

from hub.reports.content import BULLETINS, LETTERS, ReportKind
from hub.reports.shelf import FOLDER
from hub.reports.template_sheet import CENTRE, HEAD, Columns, Sheet

_COUNTED: Columns = (
    ("{{ name }}", "{{ line.name }}"),
    ("应处置", "{{ line.total }}"),
    ("完成", "{{ line.done }}"),
    ("及时", "{{ line.on_time }}"),
    ("超时", "{{ line.late }}"),
    ("未完成", "{{ line.open }}"),
    ("{{ rates[0].name }}（%）", "{{ line.rates[0] }}"),
    ("{{ rates[1].name }}（%）", "{{ line.rates[1] }}"),
    ("{{ rates[2].name }}（%）", "{{ line.rates[2] }}"),
)
_COMPARED: Columns = (
    ("项目", "{{ line.name }}"),
    ("本期", "{{ line.now }}"),
    ("上期", "{{ line.before }}"),
    ("环比", "{{ line.change }}"),
    ("上年同期", "{{ line.year_ago }}"),
    ("同比", "{{ line.year_change }}"),
)


def _bulletin(kind: ReportKind) -> bytes:
    sheet = Sheet()
    sheet.letterhead("{{ report.issuer }}")
    sheet.title("{{ report.title }}")
    _recipients(sheet)
    sheet.text(
        "现将{{ report.region }}{{ report.span }}城市管理案件处置情况通报如下："
        if kind is not ReportKind.YEARLY
        else "现将{{ report.region }}{{ report.span }}全年城市管理案件处置情况通报如下："
    )
    sheet.heading("总体情况")
    sheet.text(
        "{{ report.span }}，{{ report.region }}应处置城市管理案件{{ now.total }}件，完成{{ now.done }}件，"
        "其中及时完成{{ now.on_time }}件、超时完成{{ now.late }}件，未完成{{ now.open }}件"
        "{% for rate in rates %}；{{ rate.name }}{{ rate.now }}{% if rate.now != '—' %}%{% endif %}{% endfor %}。"
        "{% if comparison[0].change != '—' %}案件总数环比{{ comparison[0].change }}"
        "{% if comparison[0].year_change != '—' %}，同比{{ comparison[0].year_change }}{% endif %}。{% endif %}"
    )
    sheet.table("comparison", _COMPARED, (44, 22, 22, 22, 24, 22))
    if kind is ReportKind.YEARLY:
        _counted(sheet, "各月情况", "months", "月份", chart="months")
    _counted(sheet, "各区域情况", "regions", "区域", chart="regions")
    _counted(sheet, "责任单位情况", "units", "责任单位")
    if kind is not ReportKind.DAILY:
        _counted(sheet, "业务线情况", "business", "业务线")
    _counted(sheet, "问题类别情况", "classes", "类别", chart="classes")
    if kind is not ReportKind.DAILY:
        _counted(sheet, "问题来源情况", "sources", "来源")
    _problems(sheet)
    _ranking(sheet, is_optional=True)
    _definitions(sheet)
    sheet.signature()
    return sheet.content()


def _recipients(sheet: Sheet) -> None:
    sheet.tag("{%p if report.recipients %}")
    sheet.text("{{ report.recipients }}：", is_indented=False)
    sheet.tag("{%p endif %}")


def _counted(sheet: Sheet, title: str, name: str, heading: str, chart: str = "") -> None:
    sheet.tag(f"{{%p if {name}.lines %}}")
    sheet.heading(title)
    total = [(heading, tag.replace("line.", f"{name}.total.")) for heading, tag in _COUNTED]
    sheet.table(f"{name}.lines", _COUNTED, (34, 15, 14, 14, 14, 15, 17, 17, 17), heading, total)
    if chart:
        sheet.tag(f"{{%p if charts.{chart} %}}")
        sheet.tag(f"{{{{p charts.{chart} }}}}")
        sheet.tag("{%p endif %}")
    sheet.tag("{%p endif %}")


def _problems(sheet: Sheet) -> None:
    sheet.tag("{%p if problems %}")
    sheet.heading("高频问题")
    columns = (
        ("问题类别", "{{ line.name }}"),
        ("位置", "{{ line.place }}"),
        ("责任单位", "{{ line.unit }}"),
        ("次数", "{{ line.count }}"),
        ("措施", "{{ line.letter }}"),
    )
    sheet.table("problems", columns, (50, 34, 34, 14, 24))
    sheet.tag("{%p endif %}")


def _ranking(sheet: Sheet, *, is_optional: bool) -> None:
    columns = (
        ("名次", "{{ line.rank }}"),
        ("单位", "{{ line.unit }}"),
        ("各项得分", "{{ line.parts }}"),
        ("清单加减分", "{{ line.list_points }}"),
        ("综合得分", "{{ line.score }}"),
        ("备注", "{{ line.note }}"),
    )
    if is_optional:
        sheet.tag("{%p if ranking %}")
        sheet.heading("考评排名")
    sheet.tag("{%p for group in ranking.groups %}")
    sheet.text("{{ group.name }}", font=HEAD)
    sheet.table("group.scores", columns, (14, 36, 52, 18, 18, 18))
    sheet.tag("{%p endfor %}")
    sheet.text("评分方案：{{ ranking.scheme }}；考评批次：{{ ranking.run_id }}。", size=12)
    if is_optional:
        sheet.tag("{%p endif %}")


def _tree(sheet: Sheet) -> None:
    columns = (
        ("指标", "{{ line.name }}"),
        ("分值", "{{ line.weight }}"),
        ("实际值", "{{ line.value }}"),
        ("得分", "{{ line.points }}"),
    )
    sheet.tag("{%p if tree %}")
    sheet.text("总得分{{ tree.score }}{% if tree.grade %}，等次：{{ tree.grade }}{% endif %}。")
    sheet.table("tree.indicators", columns, (86, 22, 26, 22))
    sheet.tag("{%p if tree.missing %}")
    sheet.text("尚缺数据的指标：{{ tree.missing }}。缺少的数据不按零分计算。", size=12)
    sheet.tag("{%p endif %}")
    sheet.text("评分方案：{{ tree.scheme }}；考评批次：{{ tree.run_id }}。", size=12)
    sheet.tag("{%p endif %}")


def _definitions(sheet: Sheet) -> None:
    sheet.heading("统计口径")
    sheet.tag("{%p for metric in metrics %}")
    sheet.text("{{ metric.name }}（{{ metric.id }}，第{{ metric.version }}版）＝{{ metric.formula }}。", size=12)
    sheet.tag("{%p endfor %}")
    sheet.text(
        "数据截止时间：{{ report.cutoff }}；数据修订号：{{ report.revision }}；计数口径：{{ report.definition }}；"
        "数据来源：{{ report.basis }}。比率由件数计算，只在显示时四舍五入一次。",
        size=12,
    )
    sheet.tag("{%p for note in notes %}")
    sheet.text("{{ note }}。", size=12)
    sheet.tag("{%p endfor %}")


def _booklet() -> bytes:
    sheet = Sheet()
    sheet.title("{{ report.title }}")
    sheet.text("{{ report.issuer }}　{{ report.date }}", align=CENTRE, is_indented=False)
    sheet.text("", is_indented=False)
    sheet.heading("总体情况")
    sheet.text(
        "{{ report.span }}案件总数{{ now.total }}件，"
        "{% if comparison[0].change != '—' %}与{{ report.before }}相比{{ comparison[0].change }}；{% endif %}"
        "完成{{ now.done }}件，及时完成{{ now.on_time }}件。"
    )
    sheet.table("comparison", _COMPARED, (44, 22, 22, 22, 24, 22))
    sheet.tag("{%p if charts.lines %}")
    sheet.tag("{{p charts.lines }}")
    sheet.tag("{%p endif %}")
    sheet.tag("{%p for business in lines %}")
    sheet.heading("{{ business.name }}")
    sheet.table("business.comparison", _COMPARED, (44, 22, 22, 22, 24, 22))
    sheet.tag("{%p endfor %}")
    _counted(sheet, "问题类别情况", "classes", "类别", chart="classes")
    _definitions(sheet)
    return sheet.content()


def _scores() -> bytes:
    sheet = Sheet()
    sheet.letterhead("{{ report.issuer }}")
    sheet.title("{{ report.title }}")
    _recipients(sheet)
    sheet.text("现将{{ report.region }}{{ report.span }}城市管理考评结果通报如下：")
    sheet.tag("{%p if ranking %}")
    _ranking(sheet, is_optional=False)
    sheet.tag("{%p endif %}")
    _tree(sheet)
    sheet.text("各单位对考评结果有异议的，请按规定期限提出申诉。")
    sheet.signature()
    return sheet.content()


#: What a letter asks for, by sort.
_REQUESTS = {
    ReportKind.ASSIGNMENT: (
        "请你单位高度重视，立即组织整改，举一反三，防止问题反复，并于{{ letter.due }}前书面反馈整改情况。"
    ),
    ReportKind.SUPERVISION: (
        "上述问题经交办后仍反复发生。现予督办，请你单位明确责任领导和责任人，限期整改到位，"
        "并于{{ letter.due }}前书面报告整改情况和原因分析。"
    ),
    ReportKind.SPECIAL: (
        "上述问题经交办、督办后仍未得到有效解决。现予重点督办，请你单位主要负责同志亲自部署，立即整改，"
        "并于{{ letter.due }}前书面报告整改情况、责任追究情况和长效管理措施。逾期未整改到位的，将按规定处理。"
    ),
}


def _letter(kind: ReportKind) -> bytes:
    sheet = Sheet()
    sheet.letterhead("{{ report.issuer }}")
    sheet.title("{{ report.title }}")
    sheet.text("{{ letter.unit }}：", is_indented=False)
    sheet.text(
        "经统计，{{ letter.place }}“{{ letter.problem }}”问题在{{ report.span }}内发生{{ letter.count }}起，"
        "属高频问题，涉及案件见下表。{% if letter.earlier %}此前已发出{{ letter.earlier }}。{% endif %}"
    )
    columns = (
        ("案件编号", "{{ line.case_no }}"),
        ("问题类别", "{{ line.name }}"),
        ("位置", "{{ line.address }}"),
        ("上报时间", "{{ line.reported }}"),
        ("截止时间", "{{ line.deadline }}"),
    )
    sheet.table("letter.cases", columns, (26, 30, 38, 31, 31))
    sheet.text(_REQUESTS[kind])
    sheet.tag("{%p if letter.request %}")
    sheet.text("{{ letter.request }}")
    sheet.tag("{%p endif %}")
    sheet.tag("{%p if report.contact %}")
    sheet.text("联系方式：{{ report.contact }}")
    sheet.tag("{%p endif %}")
    sheet.signature()
    return sheet.content()


def shipped() -> dict[str, bytes]:
    """Returns every shipped template by the name of its file."""
    drawn: dict[ReportKind, Callable[[], bytes]] = {ReportKind.BOOKLET: _booklet, ReportKind.SCORES: _scores}
    files = {f"{kind}.docx": draw() for kind, draw in drawn.items()}
    files |= {f"{kind}.docx": _bulletin(kind) for kind in BULLETINS}
    return files | {f"{kind}.docx": _letter(kind) for kind in LETTERS}


def main() -> None:
    """Writes the templates."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in sorted(shipped().items()):
        (FOLDER / name).write_bytes(content)
        sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
