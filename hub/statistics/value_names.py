"""Names of what cases are broken down by: states and problem sources, in Chinese and English."""

from exchange_db.cases import CaseState

#: State of a case.
STATES: dict[int, tuple[str, str]] = {
    CaseState.REPORTED: ("待受理", "reported"),
    CaseState.VERIFYING: ("核实中", "being verified"),
    CaseState.NOT_ACCEPTED: ("不予受理", "not accepted"),
    CaseState.FILED: ("已立案", "filed"),
    CaseState.DISPATCHING: ("待派遣", "waits for dispatch"),
    CaseState.DISPOSING: ("处置中", "being handled"),
    CaseState.DISPOSED: ("处置完成", "handled"),
    CaseState.CHECKING: ("核查中", "being checked"),
    CaseState.CLOSED: ("已结案", "closed"),
    CaseState.VOID: ("已作废", "void"),
    CaseState.SUSPENDED: ("挂账", "suspended"),
    CaseState.MERGED: ("已合并", "merged"),
    CaseState.DISPUTED: ("推诿待裁定", "disputed"),
}

#: Neutral problem source to (Chinese, English). Source: section 2.7 of the domain notes.
SOURCES: dict[str, tuple[str, str]] = {
    "collector": ("信息采集员上报", "collector"),
    "collector_self": ("采集员自行处置", "collector, fixed on the spot"),
    "hotline_12319": ("12319城管热线", "hotline 12319"),
    "hotline_12345": ("12345政务热线", "hotline 12345"),
    "wechat": ("微信举报", "WeChat"),
    "app": ("手机应用", "app"),
    "video": ("视频采集", "video"),
    "ai": ("智能分析", "analysis"),
    "inspection": ("考评督查", "inspection"),
    "campaign": ("专项普查", "campaign"),
    "discipline": ("纪委监督", "discipline"),
    "reward": ("有奖举报", "reward"),
    "leader": ("领导交办", "leader"),
    "media": ("媒体曝光", "media"),
    "sensor": ("物联监测", "sensor"),
    "peer": ("其他平台", "other platform"),
    "other": ("其他", "other"),
}
