"""Every reason a record or a call can be refused for, in English and Chinese.

A reason is stable and UPPER_SNAKE; the texts say what is wrong and what to do. ``docs/errors.md`` is drawn from here.
"""

from exchange_db.alert_reasons import ALERT_REASONS
from exchange_db.audit_reasons import AUDIT_REASONS
from exchange_db.component_reasons import COMPONENT_REASONS
from exchange_db.document_reasons import DOCUMENT_REASONS
from exchange_db.enrolment_reasons import ENROLMENT_REASONS
from exchange_db.evaluation_reasons import EVALUATION_REASONS
from exchange_db.file_reasons import FILE_REASONS
from exchange_db.joining_reasons import JOINING_REASONS
from exchange_db.link_reasons import LINK_REASONS
from exchange_db.partner_reasons import PARTNER_REASONS
from exchange_db.period_reasons import PERIOD_REASONS
from exchange_db.reason_text import ReasonText
from exchange_db.report_reasons import REPORT_REASONS
from exchange_db.right_reasons import RIGHT_REASONS
from exchange_db.seal_reasons import SEAL_REASONS
from exchange_db.sign_on_reasons import SIGN_ON_REASONS

REASONS: dict[str, ReasonText] = {
    **RIGHT_REASONS,
    **SIGN_ON_REASONS,
    **AUDIT_REASONS,
    **SEAL_REASONS,
    **ENROLMENT_REASONS,
    **JOINING_REASONS,
    **EVALUATION_REASONS,
    **DOCUMENT_REASONS,
    **REPORT_REASONS,
    **COMPONENT_REASONS,
    **PERIOD_REASONS,
    **PARTNER_REASONS,
    **LINK_REASONS,
    **FILE_REASONS,
    **ALERT_REASONS,
    # Technical: the record cannot be taken in.
    "UNREADABLE": ReasonText(
        "These bytes are not a Parcel message. Serialize sanji.exchange.v1.Parcel.",
        "这些字节不是 Parcel 消息，请按 sanji.exchange.v1.Parcel 序列化后重发。",
    ),
    "RECORD_MISSING": ReasonText(
        "The parcel carries no record. Set exactly one of case, component, figure_sheet, document or evaluation.",
        "包内没有记录，请填写 case、component、figure_sheet、document、evaluation 之一。",
    ),
    "RECORD_KIND_UNSUPPORTED": ReasonText(
        "This hub does not take {value} records yet; see the capabilities in Hello.",
        "本枢纽暂不接收 {value} 记录，请查看 Hello 返回的能力清单。",
    ),
    "JSON_INVALID": ReasonText(
        "The JSON cannot be read: {value}. Send what docs/rest.md shows, in UTF-8.",
        "无法解析 JSON：{value}。请按 docs/rest.md 的示例以 UTF-8 发送。",
    ),
    "FIELD_UNKNOWN": ReasonText(
        "The contract has no field {value} here. Remove it or correct its name.",
        "契约在此处没有字段 {value}，请删除或更正名称。",
    ),
    "FIELD_MISSING": ReasonText("The field is required. Fill it in.", "必填字段为空，请补填。"),
    "FIELD_INVALID": ReasonText("The value does not fit: {value}.", "取值不符合要求：{value}。"),
    "TEXT_INVALID": ReasonText(
        "The text holds a NUL, another control character, or in a code an invisible one. Remove it.",
        "文本含空字符、其他控制字符，或代码中含不可见字符，请清除后重发。",
    ),
    "REGION_INVALID": ReasonText(
        "{value} is not a six-digit region code (GB/T 2260).", "{value} 不是六位行政区划代码（GB/T 2260）。"
    ),
    "PLATFORM_ID_INVALID": ReasonText(
        "{value} is not a platform name of the form 431221.platform.", "{value} 不是形如 431221.platform 的平台标识。"
    ),
    "STANDARD_REF_MISSING": ReasonText(
        "A code needs the standard it comes from, for example GB/T-30428.2-2013: the same digits differ between them.",
        "代码必须注明所属标准（如 GB/T-30428.2-2013），同一代码在不同标准中含义不同。",
    ),
    "STANDARD_UNKNOWN": ReasonText(
        "This hub knows no standard {value}. Correct its name, or have its code list published.",
        "本枢纽未收录标准 {value}，请更正标准编号，或发布其代码表。",
    ),
    "STANDARD_NOT_ACCEPTED": ReasonText(
        "This hub takes classes of other standards only: {value}. Translate the class, or replay it translated with"
        " sanji quarantine translate.",
        "本枢纽只接收其他标准的代码：{value}。请换用对应代码，或执行 sanji quarantine translate 转换后重放。",
    ),
    "CODE_UNKNOWN": ReasonText(
        "The standard has no such class: {value}. Correct it, or have it published as a local extension.",
        "所属标准中没有该代码：{value}。请更正，或将其作为本地扩展发布。",
    ),
    "CONDITION_UNKNOWN": ReasonText(
        "No such filing condition is in force: {value}.", "没有这样的立案条件在用：{value}。"
    ),
    "CRS_MISSING": ReasonText(
        "A position needs its coordinate reference system; the systems differ by up to 700 m.",
        "坐标必须注明坐标系，不同坐标系相差可达 700 米。",
    ),
    "CRS_UNCONVERTIBLE": ReasonText(
        "Positions in {value} cannot be converted here; configure the city's frame as components.local_frame.",
        "本枢纽无法转换 {value} 坐标，请在设置 components.local_frame 中配置城市平面坐标系。",
    ),
    "POSITION_OUT_OF_RANGE": ReasonText(
        "{value} is no longitude and latitude in degrees in this reference system. Are they swapped?",
        "{value} 不是该坐标系中以度为单位的经纬度，是否颠倒？",
    ),
    "COMPONENT_ID_INVALID": ReasonText(
        "The identification code does not fit its scheme: {value}. Correct it, or name its scheme in id_scheme.",
        "部件标识码不符合其编码方式：{value}。请更正，或在 id_scheme 中写明所用编码方式。",
    ),
    "ID_SCHEME_UNKNOWN": ReasonText(
        "{value} is no scheme of identification codes; leave id_scheme empty for that of the class's standard.",
        "{value} 不是已知的部件编码方式；按分类标准编码的请将 id_scheme 留空。",
    ),
    "PLACE_MISSING": ReasonText("Give a position or an address.", "请填写坐标或地址。"),
    "CLOCK_SKEW": ReasonText(
        "The time lies {value} seconds ahead of this hub's clock; at most 300 are allowed. Set the clock.",
        "时间比本枢纽时钟快 {value} 秒（最多允许 300 秒），请校准时钟。",
    ),
    "PARTNER_ROW_REFUSED": ReasonText(
        "The partner's database refused the row: {value}. Mend the cause there, then run sanji quarantine replay.",
        "对方数据库拒收该行：{value}。请对方排除原因，再执行 sanji quarantine replay。",
    ),
    "PARTNER_WORD_MISSING": ReasonText(
        "The link file has no word of the partner's for {value}. Add it under words, then run sanji quarantine replay.",
        "链接文件 words 中没有与 {value} 对应的对方用词，请补充后执行 sanji quarantine replay。",
    ),
    "SEQUENCE_REUSED": ReasonText(
        "This sequence number was used before for another content. Was the sender restored from a backup?",
        "该序号此前已用于不同内容，发送方是否从备份恢复？",
    ),
    "MESSAGE_ID_REUSED": ReasonText(
        "This message_id was used before for another content. Give every message its own.",
        "该 message_id 此前已用于不同内容，请为每条消息使用独立标识。",
    ),
    "ORIGIN_FORBIDDEN": ReasonText("{value} may not speak through this link.", "{value} 的记录不允许经本链路报送。"),
    "REGION_FORBIDDEN": ReasonText(
        "Region {value} lies outside the rights of this link.", "区域 {value} 超出本链路的权限范围。"
    ),
    # Business: the record was taken in but breaks a rule.
    "CASE_UNKNOWN": ReasonText(
        "No report of this case has arrived. Send the report section first, then replay.",
        "尚未收到该案件的上报信息，请先报送 report 部分再重放。",
    ),
    "SECTION_FORBIDDEN": ReasonText(
        "The section belongs to {value}, which alone may write it.", "该部分归 {value} 所有，只能由其填报。"
    ),
    "TRANSITION_FORBIDDEN": ReasonText(
        "A case cannot go {value}; in brackets, what may follow.", "案件状态不能这样变更：{value}；括号内为允许的变更。"
    ),
    "CASE_FINAL": ReasonText(
        "The case has ended and stays so: {value}. Report the problem as a new case with continues.",
        "案件已终结，状态不再变更：{value}。问题复发请新建案件并填写 continues 关联原案件。",
    ),
    "EXTENSION_UNASKED": ReasonText(
        "extension_count rises without a granted decision on an extension. Fill in decision.",
        "延期次数增加，但没有同意延期的审批结果，请填写 decision。",
    ),
    "EXTENSION_TOO_LATE": ReasonText(
        "An extension must be asked for before the deadline, which had passed.",
        "延期须在截止时间之前申请，申请时已到期。",
    ),
    "EXTENSION_TOO_MANY": ReasonText(
        "More extensions than allowed: {value}. Ask for a suspension instead.",
        "延期次数超过规定：{value}，确需时间请申请挂账。",
    ),
    "SUSPENSION_UNAPPROVED": ReasonText(
        "A suspension needs a granted decision with {value} different posts that approved it.",
        "挂账须经审批：请在 decision 中填写同意结果和 {value} 个不同的审批岗位。",
    ),
    "SUSPENSION_TOO_LONG": ReasonText(
        "The suspension lasts {value} days. Shorten suspended_until_time, or suspend again afterwards.",
        "挂账天数 {value}，超出范围，请调整 suspended_until_time，到期后可再次申请。",
    ),
    "RULING_MISSING": ReasonText(
        "The case was returned twice and is disputed. Dispatch it with is_ruled after a ruling.",
        "案件多次退单，已成推诿，须先裁定：请以 is_ruled 派遣。",
    ),
    "RULED_ALREADY": ReasonText(
        "The case was ruled to be this handler's and cannot be returned. Ask for an extension or a suspension.",
        "案件已裁定由本单位处置，不能再退单，可申请延期或挂账。",
    ),
    "CHECK_LEVEL_MISSING": ReasonText(
        "Two checks are ordered: check the work first and fill in local_checked_time.",
        "该案件须两级核查：请先完成本级核查并填写 local_checked_time。",
    ),
    "CONFIRMATION_EARLY": ReasonText(
        "The case is not closed yet; a closing is confirmed afterwards.", "案件尚未结案，不能确认结案。"
    ),
    "REQUEST_FORBIDDEN": ReasonText(
        "This cannot be asked for in the present state: {value}. Extension and suspension while the case is handled,"
        " an appeal once it is closed.",
        "当前状态不能提出该申请：{value}。延期、挂账须在处置中提出，申诉须在结案后提出。",
    ),
    "APPEAL_TWICE": ReasonText("The appeal was decided; there is only one.", "申诉已有结论，每案只能申诉一次。"),
    "APPEAL_UNASKED": ReasonText("Nobody appealed, or the case is not closed.", "没有待裁决的申诉，或案件未结案。"),
    "APPEAL_UNREVIEWED": ReasonText(
        "A decision on an appeal needs {value} different posts that reviewed it.",
        "申诉结论须经 {value} 个不同岗位复核，请填写 approver_ref、second_approver_ref。",
    ),
    # Mapping: a row of a sheet cannot become a record.
    "VALUE_UNMAPPED": ReasonText(
        "The mapping has no entry {value}. Add it, or give the field a default.",
        "映射文件中没有对应项 {value}，请补上，或为该字段设 default。",
    ),
    "COLUMN_MISSING": ReasonText(
        "The row has no column {value}. Export it, or correct its name in the mapping.",
        "该行没有列 {value}，请补充导出，或更正映射文件中的列名。",
    ),
    "DATE_INVALID": ReasonText(
        "{value} is in none of the formats of the mapping. Add its format there, or correct the cell.",
        "{value} 不符合映射文件中的任何时间格式，请在其中补充该格式，或更正单元格。",
    ),
    "TIME_UNCERTAIN": ReasonText(
        "{value} was skipped or came twice when the clocks changed. Set times.missing or times.ambiguous.",
        "{value} 因夏令时切换而不存在或出现两次，请设置映射文件的 times.missing 或 times.ambiguous。",
    ),
    "NUMBER_INVALID": ReasonText(
        "{value} is no number of the kind wanted here, or a spreadsheet cut its digits. Export the column as text.",
        "{value} 不是所需的数字，或被表格软件截断位数，请将该列按文本导出。",
    ),
    "ROW_INVALID": ReasonText(
        "The row has more cells than the header: {value}. Put texts that hold commas in quotes.",
        "该行单元格多于表头：{value}。含逗号的文本请加引号。",
    ),
    # Releases of standards.
    "RELEASE_UNREADABLE": ReasonText(
        "This is no manifest of a release that can be read here: {value}. Update the software or ask the publisher.",
        "不是本枢纽可读取的发布清单：{value}。请升级软件或联系发布方。",
    ),
    "RELEASE_DAMAGED": ReasonText(
        "What arrived does not have the digest {value}. It was changed on the way or in store; ask the hub above.",
        "收到的内容与摘要 {value} 不符，传输或存储中已被改动，请联系上级枢纽。",
    ),
    "SIGNATURE_INVALID": ReasonText(
        "The signature does not hold: {value}. Nothing of it is used; ask the publisher.",
        "签名无效：{value}。内容未被采用，请联系发布方。",
    ),
    "RELEASE_FORBIDDEN": ReasonText(
        "{value} may not publish this here. Publishers are the nation, province and city above a hub, in own names.",
        "{value} 无权在此发布，发布方须为本枢纽所属的国家、省、市，并以自身名义签名。",
    ),
    "RELEASE_OUT_OF_ORDER": ReasonText(
        "The release does not follow version {value}, the newest held. Versions rise and name the one before.",
        "该发布未接续现有最新版本 {value}，版本须递增并注明前一版本。",
    ),
    "RELEASE_INVALID": ReasonText(
        "A document cannot be used: {value}. Correct it and publish a new version.",
        "文件不可用：{value}。请更正后以新版本发布。",
    ),
    "RELEASE_NOT_FOUND": ReasonText(
        "There is no {value} inside your rights. List the releases first.",
        "在您的权限内没有 {value}，请先列出发布。",
    ),
    # Evidence.
    "ATTACHMENT_TYPE_FORBIDDEN": ReasonText(
        "Evidence of this kind cannot have this type ({value}). Send a photo, sound or film, and name its real type.",
        "该类附件不能是这种格式（{value}），请发送照片、录音或视频并注明真实格式。",
    ),
    "ATTACHMENT_TYPE_MISMATCH": ReasonText(
        "The bytes are not what was named: {value}. Name the type the file really has.",
        "文件内容与所报格式不符：{value}。请按文件的真实格式填报。",
    ),
    "ATTACHMENT_TOO_LARGE": ReasonText(
        "The attachment has too many bytes: {value}. Make it smaller, or ask the hub's operator to raise the limit.",
        "附件过大（字节）：{value}。请压缩后重发，或联系枢纽管理员调高上限。",
    ),
    "ATTACHMENT_DIGEST_MISMATCH": ReasonText(
        "The bytes have the digest {value}, not the one named; they were thrown away. Read the file again and resend.",
        "收到内容的摘要为 {value}，与所报不符，已丢弃。请重新读取文件后再发。",
    ),
    "ATTACHMENT_INCOMPLETE": ReasonText(
        "The upload ended early: {value}. Open it again with the same header; it goes on where it stopped.",
        "上传未完成：{value}。请用相同的 header 重新打开，从中断处继续。",
    ),
    "ATTACHMENT_BUSY": ReasonText(
        "The same attachment is being uploaded on another connection. Wait for it, or open it again in a minute.",
        "同一附件正在另一连接上传，请等待其完成，或一分钟后重新打开。",
    ),
    "UPLOADS_UNFINISHED": ReasonText(
        "More than {value} uploads of yours are begun and not finished. Finish those first; they are kept for 7 days.",
        "未完成的上传超过 {value} 个，请先完成（保留 7 天）。",
    ),
    "UPLOAD_STALLED": ReasonText(
        "No bytes came for {value} seconds. Open the upload again; it goes on where it stopped.",
        "{value} 秒内没有收到数据，请重新打开上传，从中断处继续。",
    ),
    "ATTACHMENT_NOT_FOUND": ReasonText(
        "This hub holds no such attachment inside your rights.", "本枢纽在您的权限内没有该附件。"
    ),
    "ATTACHMENT_MISSING": ReasonText(
        "A case names this attachment, but its bytes have not arrived. Ask again later.",
        "案件引用了该附件，但其内容尚未到达，请稍后再取。",
    ),
    "ATTACHMENT_CORRUPT": ReasonText(
        "The stored bytes came to harm and are not given out. Send them again if you have them, or ask again later.",
        "存储的附件已损坏，不予提供；如有原件请重新上传，或稍后再取。",
    ),
    "ATTACHMENT_NOT_FORWARDED": ReasonText(
        "This hub does not give evidence of this kind to you. Its operator sets evidence.forward.",
        "本枢纽未开放向您提供此类附件，请联系其管理员设置 evidence.forward。",
    ),
    "STORE_UNAVAILABLE": ReasonText(
        "The hub's store of attachments does not answer or is full ({value}). What was acknowledged is kept.",
        "枢纽的附件存储无响应或已满（{value}），已确认部分不会丢失，请稍后重试。",
    ),
    # Calls.
    "CERTIFICATE_UNKNOWN": ReasonText(
        "This certificate is not registered here. Join with an invitation first.", "该证书未登记，请先凭邀请加入。"
    ),
    "CERTIFICATE_EXPIRED": ReasonText("The certificate has expired. Renew it.", "证书已过期，请更新。"),
    "CALL_SIGNATURE_INVALID": ReasonText(
        "Name, secret and signature do not belong together. Check Sanji-App, the secret and the signed text.",
        "标识、密钥与签名不符，请核对 Sanji-App、密钥和待签文本。",
    ),
    "ALGORITHM_UNSUPPORTED": ReasonText(
        "Sign with HMAC-SHA256, not {value}.", "请使用 HMAC-SHA256 签名，不支持 {value}。"
    ),
    "REQUEST_TIME_INVALID": ReasonText(
        "The clock of the call is more than 300 seconds off; the hub's says {value}. Set the clock.",
        "请求时间偏差超过 300 秒，枢纽时间为 {value}，请校准时钟。",
    ),
    "NONCE_REUSED": ReasonText(
        "This nonce was used before. Draw a new one for every call, also for repeats.",
        "该 nonce 已使用过，每次请求（含重发）都须重新生成。",
    ),
    "SECRET_EXPIRED": ReasonText(
        "The secret has expired. Ask the hub's operator for a new one.", "密钥已过期，请向枢纽管理员索取新密钥。"
    ),
    "BODY_TOO_LARGE": ReasonText(
        "The body has more than {value} bytes. Send fewer parcels a call.",
        "请求体超过 {value} 字节，请减少每次报送的条数。",
    ),
    "BODY_UNREADABLE": ReasonText(
        "The body cannot be read as {value}. Send it plain, or as one gzip stream.",
        "请求体无法按 {value} 读取，请发送原文或单个 gzip 流。",
    ),
    "TOO_MANY_CALLS": ReasonText(
        "You have {value} calls open. Wait for their answers.", "您已有 {value} 个未完成的请求，请等待答复。"
    ),
    "ENDPOINT_UNKNOWN": ReasonText(
        "There is no {value} here; docs/rest.md lists the calls.", "没有 {value} 接口，请查看 docs/rest.md。"
    ),
    "TLS_TOO_OLD": ReasonText("Only TLS 1.3 is accepted.", "仅接受 TLS 1.3。"),
    "PEER_ID_MISMATCH": ReasonText(
        "The name does not belong to this certificate, which is {value}.", "名称与证书不符，证书属于 {value}。"
    ),
    "INVITATION_INVALID": ReasonText(
        "The invitation is unknown, used, expired or made out to another name.",
        "邀请不存在、已使用、已过期或非本平台。",
    ),
    "STREAM_NOT_OPENED": ReasonText(
        "The first message of a Push must be its opening.", "Push 的第一条消息必须是 opening。"
    ),
    "STREAM_NAME_INVALID": ReasonText(
        "A stream is named with 1 to 60 of a-z, 0-9, '-', '_', '.', ':', not {value}.",
        "流名称须为 1 至 60 个字符（a-z、0-9、-、_、.、:），不能是 {value}。",
    ),
    "STREAM_BUSY": ReasonText("The hub is draining. Connect again.", "枢纽正在停机排空，请重新连接。"),
    "BATCH_TOO_LARGE": ReasonText(
        "A batch holds 1 to 2,000 parcels, this one {value}.", "每批 1 至 2,000 条，本批 {value} 条。"
    ),
    "REQUEST_ID_INVALID": ReasonText(
        "request_id must be a UUID and equal to the parcel's message_id.",
        "request_id 必须为 UUID 且与包的 message_id 相同。",
    ),
    "CASE_NOT_FOUND": ReasonText("This hub holds no such case inside your rights.", "本枢纽在您的权限内没有该案件。"),
    "MESSAGE_NOT_FOUND": ReasonText(
        "No message {value} of yours was taken in here. Send it, or correct the id.",
        "本枢纽未接收过您的消息 {value}，请报送或更正标识。",
    ),
    "RATE_LIMITED": ReasonText(
        "You ask more often than this hub allows. Wait {value} seconds.", "查询过于频繁，请 {value} 秒后再试。"
    ),
    "ARGUMENT_INVALID": ReasonText("The argument does not fit: {value}.", "参数不符合要求：{value}。"),
    "CURSOR_AHEAD": ReasonText(
        "Nothing after {value} was ever given out. Start again from 0 or restore your own store.",
        "从未发出过 {value} 之后的数据，请从 0 开始或恢复本地存储。",
    ),
    "DATABASE_UNAVAILABLE": ReasonText(
        "The hub's database does not answer. Nothing was taken; send again.",
        "枢纽数据库无响应，本次未接收，请稍后重发。",
    ),
    "INTERNAL": ReasonText("Something broke here; the log has it as {value}.", "枢纽内部故障，日志编号 {value}。"),
}


def as_markdown() -> str:
    """Returns ``docs/errors.md``."""
    head = (
        "# Reasons\n\nWhy a record or a call was refused. A reason is stable; it stands in"
        " `google.rpc.ErrorInfo.reason`, in\nverdicts, receipts and the quarantine. `{value}` is filled in. Drawn from"
        " `exchange_db/reasons.py` by\n`make docs`.\n\n| reason | English | 中文 |\n|---|---|---|\n"
    )
    return head + "".join(f"| `{reason}` | {' | '.join(text)} |\n" for reason, text in REASONS.items())


if __name__ == "__main__":
    print(as_markdown(), end="")
