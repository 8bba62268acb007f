"""What every table and column of the intermediate database means, in Chinese, as the scripts tell a partner.

Names of fields are those of the console (``hub.console.terms``) where it has them; here stands what a technician needs
besides: units, words a column may hold, and who writes it.
"""

from enum import IntEnum
from typing import Final

from exchange_db.attachment_records import AttachmentKind
from exchange_db.intermediate.schema import Column, ColumnKind, Table
from exchange_db.records import (
    AssignmentState,
    CheckState,
    CodeKind,
    ComponentState,
    Crs,
    HandlingState,
    ReportState,
    RequestKind,
)

#: Table to its meaning; who writes it stands in brackets.
TABLES: Final[dict[str, str]] = {
    "x_case": "案件上报部分（编号平台 issuer_id 写）",
    "x_assignment": "案件派遣部分（派遣机构 x_case.authority_id 写）",
    "x_handling": "案件处置部分（处置平台 x_assignment.handler_id 写）",
    "x_verdict": "案件核查结论（派遣机构 x_case.authority_id 写）",
    "x_case_action": "办理经过，只增不改（经办平台 platform_id 写）",
    "x_attachment_ref": "附件引用，文件内容另行传送（所属部分的填写方写）",
    "x_component": "部件（权属平台 owner_id 写）",
    "x_figure": "统计数（枢纽写）",
    "x_code_list": "现行代码表（枢纽写）",
    "x_receipt": "逐行回执：对方写入的每一行的处理结果（枢纽写）",
    "x_link": "链路状态，仅一行（枢纽写，partner_time 除外）",
    "x_reconcile": "每日对账（枢纽写）",
}

_REQUEST: Final = {"extension": "延期", "suspension": "挂账", "appeal": "申诉"}
#: The words of a column that holds one of several, each with its meaning.
WORDS: Final[dict[type[IntEnum], dict[str, str]]] = {
    ReportState: {"reported": "上报", "verifying": "核实", "not_accepted": "不立案", "filed": "立案"},
    AssignmentState: {
        "pending": "待派遣",
        "dispatched": "已派遣",
        "suspended": "挂账",
        "void": "作废",
        "sent_back": "退回受理",
        "merged": "合并",
    },
    HandlingState: {
        "received": "接收",
        "dispatched_on": "派发",
        "close_requested": "结案申请",
        "returned": "退单",
        "close_confirmed": "确认结案",
    },
    CheckState: {"checking": "核查中", "failed": "核查不通过", "closed": "结案"},
    RequestKind: _REQUEST,
    CodeKind: {"component": "部件", "event": "事件"},
    Crs: {
        "none": "无坐标",
        "cgcs2000": "国家2000",
        "wgs84": "WGS-84",
        "gcj02": "国测局加密",
        "bd09": "百度",
        "local": "地方独立",
    },
    ComponentState: {"sound": "完好", "broken": "破损", "lost": "丢失", "abandoned": "废弃", "removed": "移除"},
    AttachmentKind: {
        "before_near": "处置前近景",
        "before_far": "处置前远景",
        "reference": "参照物",
        "after": "处置后",
        "check": "核查",
        "voice": "录音",
        "video": "录像",
        "document": "文书附件",
    },
}

#: Column to its meaning, in every table that has it, unless ``_IN`` knows better.
_ANYWHERE: Final[dict[str, str]] = {
    "issuer_id": "编号平台标识，如 431221.platform",
    "case_no": "案件编号，由编号平台给出",
    "revision": "版本，自 1 起，每次改动加 1；留空由枢纽代计",
    "state": "状态",
    "written_time": "写入时间：枢纽写的行为写入时刻，对方写的行请留空",
    "region_code": "区划代码 6 位（GB/T 2260）",
    "area_code": "街道 9 位或社区 12 位代码",
    "standard_ref": "代码所属标准，如 GB/T-30428.2-2013",
    "class_kind": "部件或事件",
    "class_code": "小类代码",
    "class_original": "本系统原有类别",
    "source_code": "问题来源，如 collector、hotline_12345",
    "grid_code": "单元网格编码",
    "crs": "坐标系",
    "x": "经度（度），local 时为东坐标（米）",
    "y": "纬度（度），local 时为北坐标（米）",
    "component_id": "部件标识码",
    "unit_code": "责任单位代码：统一社会信用代码或本系统代码",
    "reason": "理由，退单、作废、挂账、核查不通过时必填",
    "round": "处置轮次，自 1 起，核查不通过后加 1",
    "acted_time": "本次办理时间",
    "name": "名称",
    "kind": "种类",
    "table_name": "表名",
    "hub_id": "枢纽标识",
}

_DECISION: Final = {
    "kind": "所答复申请的种类",
    "request_time": "所答复申请的时间",
    "is_granted": "是否同意",
    "approver_ref": "审批岗位，不写姓名",
    "second_approver_ref": "复审岗位，不写姓名",
    "reason": "审批理由",
}

_IN: Final[dict[str, dict[str, str]]] = {
    "x_case": {
        "authority_id": "派遣机构标识，通常为市级平台",
        "reported_time": "上报时间",
        "filing_condition_no": "立案条件序号，未知为 0",
        "source_original": "本系统的来源名称",
        "channel_ticket_no": "渠道工单号，如 12345 工单号",
        "description": "问题描述",
        "address": "地址；无坐标时必填",
        "duty_grid_code": "责任网格编码",
        "campaign": "专项普查名称",
        "is_self_handled": "是否自行处置",
        "found_time": "发现时间",
        "accepted_time": "受理时间",
        "verified_time": "核实时间",
        "filed_time": "立案时间",
        "collector_ref": "采集员代号，不写姓名、电话",
        "continues_issuer_id": "所接续案件的编号平台",
        "continues_case_no": "所接续案件的编号",
    },
    "x_assignment": {
        "handler_id": "处置平台标识，派遣后必填",
        "unit_name": "责任单位名称",
        "limit_value": "时限数值",
        "limit_unit": "时限单位：1 紧急工作时 2 工作时 3 工作日 4 紧急工作日 5 日",
        "original_deadline_time": "原截止时间",
        "deadline_time": "现截止时间",
        "dispatched_time": "派遣时间",
        "extension_count": "已延期次数",
        "dispatch_count": "派遣次数",
        "is_supervised": "是否督办（见视图 x_supervise）",
        "supervision_deadline_time": "督办截止时间",
        "suspended_time": "挂账开始时间",
        "suspended_until_time": "挂账至",
        "check_levels": "核查级数：2 为区、市两级，0 视为 1",
        "return_count": "退单次数",
        "is_ruled": "是否已裁定（不得再退单）",
        "resumed_deadline_time": "挂账期满自动恢复后的截止时间",
        "duplicate_of_issuer_id": "合并到的案件的编号平台",
        "duplicate_of_case_no": "合并到的案件的编号",
        "milestones": 'JSON 数组，分步时限：[{"name":"围护","deadline_time":微秒,"reached_time":微秒}]',
        **{f"decision_{name}": meaning for name, meaning in _DECISION.items()},
    },
    "x_handling": {
        "local_case_no": "处置平台自己的案件编号",
        "local_unit_code": "承办部门代码",
        "local_unit_name": "承办部门名称",
        "received_time": "接收时间",
        "dispatched_on_time": "派发到部门的时间",
        "disposed_time": "处置完成时间",
        "close_requested_time": "结案申请时间，默认以此判定是否及时",
        "result": "处置结果",
        "local_checked_time": "本级（区）核查时间，两级核查时结案申请前必填",
        "request_kind": "向派遣机构的申请",
        "request_time": "申请时间",
        "request_reason": "申请理由",
    },
    "x_verdict": {
        "check_sent_time": "核查派发时间",
        "check_answered_time": "核查回复时间",
        "closed_time": "结案时间",
        "closing_kind": "结案类型：1 正常 2 超时 3 差错 4 特殊",
        "satisfaction_score": "满意度 -100 至 100",
        "has_satisfaction": "是否已回访",
        **{f"appeal_decision_{name}": f"申诉结论：{meaning}" for name, meaning in _DECISION.items()},
    },
    "x_case_action": {
        "action_id": "动作标识，36 位 UUID",
        "kind": "动作，如 dispatch、extend、urge",
        "platform_id": "经办平台标识",
        "action_time": "动作时间",
        "actor_ref": "经办单位或岗位，不写姓名",
        "opinion": "意见",
    },
    "x_attachment_ref": {
        "section": "所属部分：report 上报、handling 处置、verdict 核查结论",
        "digest": "文件内容的 SHA-256，64 位小写十六进制",
        "size_bytes": "字节数",
        "media_type": "媒体类型，如 image/jpeg",
        "captured_time": "拍摄时间",
    },
    "x_component": {
        "owner_id": "权属平台标识",
        "accuracy_class": "定位精度 A（0.5 米）B（1 米）C（10 米）",
        "supervisor_code": "主管部门代码",
        "supervisor_name": "主管部门名称",
        "proprietor_code": "权属单位代码",
        "proprietor_name": "权属单位名称",
        "maintainer_code": "养护单位代码",
        "maintainer_name": "养护单位名称",
        "initial_time": "初始日期",
        "changed_time": "变更日期",
        "data_source": "数据来源",
        "note": "备注",
        "id_scheme": "标识码编码方式，与所属标准不同时填写",
    },
    "x_figure": {
        "reporter_id": "出数枢纽标识",
        "month": "月份，年×100+月，如 202011",
        "unit_code": "责任单位代码，- 为未定",
        "class_key": "类别：标准|C 部件或 E 事件|代码，- 为不分",
        "source_code": "问题来源，- 为不分",
        "revision": "版本，大者为新",
        "definition_ref": "统计口径",
        "cutoff_time": "统计截至时间",
        "total_count": "案件总数",
        "dispatched_on_count": "派发数",
        "done_count": "完成数",
        "on_time_count": "及时完成数",
        "suspended_count": "挂账数",
        "self_handled_count": "自行处置数",
        "void_count": "作废数",
        "reworked_count": "返工数",
        "reported_count": "上报数",
    },
    "x_code_list": {
        "class_kind": "component 部件或 event 事件",
        "code": "代码",
        "parent_code": "上一级代码",
        "is_in_force": "是否现行",
    },
    "x_receipt": {
        "receipt_id": "回执号，逐行递增",
        "row_key": "该行主键各列，JSON 数组",
        "revision": "该行版本",
        "state": "taken 已收取、applied 已生效、duplicate 重复、refused 未接收",
        "reason": "未接收原因代码",
        "field_path": "出错的列，如 x_case.region_code",
        "message": "未接收原因与处理办法",
        "taken_time": "收取时间",
        "settled_time": "生效或拒绝时间",
    },
    "x_link": {
        "link_id": "对方标识",
        "delivered_sequence": "枢纽已写入本库的最后序号，与数据同一事务写入，请勿改动",
        "receipt_sequence": "已写回的最后回执号，请勿改动",
        "beat_time": "枢纽心跳时间",
        "partner_time": "对方心跳时间，由对方写，可留空",
        "schema_version": "本套表结构的版本",
    },
    "x_reconcile": {
        "day": "日期 YYYY-MM-DD",
        "direction": "方向：in 对方到枢纽，out 枢纽到对方",
        "hub_count": "枢纽一方的行数",
        "hub_hash": "枢纽一方的校验值",
        "partner_count": "对方的行数",
        "partner_hash": "对方的校验值",
        "state": "对账结果",
        "compared_time": "对账时间",
    },
}


def name_of(table: Table, column: Column) -> str:
    """Returns what a column holds, without the words it may be."""
    return _IN.get(table.name, {}).get(column.name) or _ANYWHERE[column.name]


def meaning_of(table: Table, column: Column) -> str:
    """Returns the whole comment of a column: what it holds, the words it may be, and whether it must be filled."""
    meaning = name_of(table, column)
    if column.choices is not None:
        meaning += "：" + "、".join(f"{word} {chinese}" for word, chinese in WORDS[column.choices].items())
    if column.kind is ColumnKind.LONG_TEXT and column.length and column.name != "milestones":
        meaning += f"，至多 {column.length} 字"
    return f"{meaning}，必填" if column.is_required and table.record is not None else meaning
