"""Rights in the words of those who read a refusal. Read by ``auth.permissions`` and by nothing that decides."""

from auth.roles import Action, Kind

_ACTIONS: dict[Action, str] = {
    Action.READ: "查看",
    Action.LIST: "浏览",
    Action.EXPORT: "导出",
    Action.CHANGE: "修改",
    Action.REPLAY: "重放",
    Action.REPAIR: "修复",
    Action.DISCARD: "作废",
    Action.PUBLISH: "发布",
    Action.WITHDRAW: "撤回",
    Action.GRANT: "授权",
    Action.BLOCK: "停用",
    Action.PROPOSE: "提议",
    Action.APPROVE: "批准",
    Action.RESTORE: "恢复",
    Action.UNMASK: "查看完整信息",
}
_KINDS: dict[Kind, str] = {
    Kind.CASE: "案件",
    Kind.COMPONENT: "部件",
    Kind.FIGURE: "指标",
    Kind.EVALUATION: "评价",
    Kind.DOCUMENT: "文书",
    Kind.STANDARD: "标准",
    Kind.MAPPING: "映射",
    Kind.LINK: "链路",
    Kind.JOB: "定时任务",
    Kind.QUARANTINE: "隔离区",
    Kind.ATTACHMENT: "附件",
    Kind.PERSONAL_DATA: "个人信息",
    Kind.PERSON: "用户",
    Kind.SESSION: "会话",
    Kind.PEER: "邻居",
    Kind.KEY: "密钥",
    Kind.AUDIT: "审计日志",
    Kind.PROPOSAL: "提案",
    Kind.SETTING: "设置",
    Kind.DATABASE: "数据库",
    Kind.ALERT: "告警",
}


def right_in_words(action: Action, kind: Kind, place: str) -> str:
    """Returns a right in Chinese and English, for example ``浏览用户 431200 (list person)``; ``place`` may be empty."""
    return " ".join(filter(None, (f"{_ACTIONS[action]}{_KINDS[kind]}", place, f"({action} {kind})")))
