-- 数据交换中间库（第 1 版）：postgresql
-- 说明见 docs/intermediate-database.md；各列含义见注释。可重复执行。
-- 执行：psql -v ON_ERROR_STOP=1 -d 库名 -f postgresql.sql
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
BEGIN;

CREATE TABLE IF NOT EXISTS "x_case" (
    "issuer_id" varchar(64) NOT NULL,
    "case_no" varchar(64) NOT NULL,
    "revision" integer,
    "state" varchar(20),
    "region_code" varchar(6),
    "standard_ref" varchar(40),
    "class_kind" varchar(20),
    "class_code" varchar(20),
    "source_code" varchar(40),
    "authority_id" varchar(64),
    "reported_time" timestamptz(6),
    "area_code" varchar(12),
    "filing_condition_no" integer,
    "component_id" varchar(32),
    "source_original" varchar(60),
    "channel_ticket_no" varchar(64),
    "description" text,
    "crs" varchar(20),
    "x" double precision,
    "y" double precision,
    "address" varchar(400),
    "grid_code" varchar(20),
    "duty_grid_code" varchar(40),
    "campaign" varchar(60),
    "is_self_handled" boolean,
    "found_time" timestamptz(6),
    "accepted_time" timestamptz(6),
    "verified_time" timestamptz(6),
    "filed_time" timestamptz(6),
    "collector_ref" varchar(64),
    "class_original" varchar(64),
    "continues_issuer_id" varchar(64),
    "continues_case_no" varchar(64),
    "written_time" timestamptz(6),
    PRIMARY KEY ("issuer_id", "case_no")
);

COMMENT ON TABLE "x_case" IS '案件上报部分（编号平台 issuer_id 写）';
COMMENT ON COLUMN "x_case"."issuer_id" IS '编号平台标识，如 431221.platform，必填';
COMMENT ON COLUMN "x_case"."case_no" IS '案件编号，由编号平台给出，必填';
COMMENT ON COLUMN "x_case"."revision" IS '版本，自 1 起，每次改动加 1；留空由枢纽代计';
COMMENT ON COLUMN "x_case"."state" IS '状态：reported 上报、verifying 核实、not_accepted 不立案、filed 立案，必填';
COMMENT ON COLUMN "x_case"."region_code" IS '区划代码 6 位（GB/T 2260），必填';
COMMENT ON COLUMN "x_case"."standard_ref" IS '代码所属标准，如 GB/T-30428.2-2013，必填';
COMMENT ON COLUMN "x_case"."class_kind" IS '部件或事件：component 部件、event 事件，必填';
COMMENT ON COLUMN "x_case"."class_code" IS '小类代码，必填';
COMMENT ON COLUMN "x_case"."source_code" IS '问题来源，如 collector、hotline_12345，必填';
COMMENT ON COLUMN "x_case"."authority_id" IS '派遣机构标识，通常为市级平台，必填';
COMMENT ON COLUMN "x_case"."reported_time" IS '上报时间，必填';
COMMENT ON COLUMN "x_case"."area_code" IS '街道 9 位或社区 12 位代码';
COMMENT ON COLUMN "x_case"."filing_condition_no" IS '立案条件序号，未知为 0';
COMMENT ON COLUMN "x_case"."component_id" IS '部件标识码';
COMMENT ON COLUMN "x_case"."source_original" IS '本系统的来源名称';
COMMENT ON COLUMN "x_case"."channel_ticket_no" IS '渠道工单号，如 12345 工单号';
COMMENT ON COLUMN "x_case"."description" IS '问题描述，至多 4000 字';
COMMENT ON COLUMN "x_case"."crs" IS '坐标系：none 无坐标、cgcs2000 国家2000、wgs84 WGS-84、gcj02 国测局加密、bd09 百度、local 地方独立';
COMMENT ON COLUMN "x_case"."x" IS '经度（度），local 时为东坐标（米）';
COMMENT ON COLUMN "x_case"."y" IS '纬度（度），local 时为北坐标（米）';
COMMENT ON COLUMN "x_case"."address" IS '地址；无坐标时必填';
COMMENT ON COLUMN "x_case"."grid_code" IS '单元网格编码';
COMMENT ON COLUMN "x_case"."duty_grid_code" IS '责任网格编码';
COMMENT ON COLUMN "x_case"."campaign" IS '专项普查名称';
COMMENT ON COLUMN "x_case"."is_self_handled" IS '是否自行处置';
COMMENT ON COLUMN "x_case"."found_time" IS '发现时间';
COMMENT ON COLUMN "x_case"."accepted_time" IS '受理时间';
COMMENT ON COLUMN "x_case"."verified_time" IS '核实时间';
COMMENT ON COLUMN "x_case"."filed_time" IS '立案时间';
COMMENT ON COLUMN "x_case"."collector_ref" IS '采集员代号，不写姓名、电话';
COMMENT ON COLUMN "x_case"."class_original" IS '本系统原有类别';
COMMENT ON COLUMN "x_case"."continues_issuer_id" IS '所接续案件的编号平台';
COMMENT ON COLUMN "x_case"."continues_case_no" IS '所接续案件的编号';
COMMENT ON COLUMN "x_case"."written_time" IS '写入时间：枢纽写的行为写入时刻，对方写的行请留空';

CREATE TABLE IF NOT EXISTS "x_assignment" (
    "issuer_id" varchar(64) NOT NULL,
    "case_no" varchar(64) NOT NULL,
    "revision" integer,
    "state" varchar(20),
    "standard_ref" varchar(40),
    "class_kind" varchar(20),
    "class_code" varchar(20),
    "handler_id" varchar(64),
    "unit_code" varchar(40),
    "unit_name" varchar(100),
    "limit_value" integer,
    "limit_unit" integer,
    "original_deadline_time" timestamptz(6),
    "deadline_time" timestamptz(6),
    "dispatched_time" timestamptz(6),
    "extension_count" integer,
    "dispatch_count" integer,
    "is_supervised" boolean,
    "supervision_deadline_time" timestamptz(6),
    "suspended_time" timestamptz(6),
    "suspended_until_time" timestamptz(6),
    "reason" varchar(400),
    "check_levels" integer,
    "return_count" integer,
    "is_ruled" boolean,
    "resumed_deadline_time" timestamptz(6),
    "acted_time" timestamptz(6),
    "class_original" varchar(64),
    "decision_kind" varchar(20),
    "decision_request_time" timestamptz(6),
    "decision_is_granted" boolean,
    "decision_approver_ref" varchar(100),
    "decision_second_approver_ref" varchar(100),
    "decision_reason" varchar(400),
    "duplicate_of_issuer_id" varchar(64),
    "duplicate_of_case_no" varchar(64),
    "milestones" text,
    "written_time" timestamptz(6),
    PRIMARY KEY ("issuer_id", "case_no")
);

COMMENT ON TABLE "x_assignment" IS '案件派遣部分（派遣机构 x_case.authority_id 写）';
COMMENT ON COLUMN "x_assignment"."issuer_id" IS '编号平台标识，如 431221.platform，必填';
COMMENT ON COLUMN "x_assignment"."case_no" IS '案件编号，由编号平台给出，必填';
COMMENT ON COLUMN "x_assignment"."revision" IS '版本，自 1 起，每次改动加 1；留空由枢纽代计';
COMMENT ON COLUMN "x_assignment"."state" IS '状态：pending 待派遣、dispatched 已派遣、suspended 挂账、void 作废、sent_back 退回受理、merged 合并，必填';
COMMENT ON COLUMN "x_assignment"."standard_ref" IS '代码所属标准，如 GB/T-30428.2-2013，必填';
COMMENT ON COLUMN "x_assignment"."class_kind" IS '部件或事件：component 部件、event 事件，必填';
COMMENT ON COLUMN "x_assignment"."class_code" IS '小类代码，必填';
COMMENT ON COLUMN "x_assignment"."handler_id" IS '处置平台标识，派遣后必填';
COMMENT ON COLUMN "x_assignment"."unit_code" IS '责任单位代码：统一社会信用代码或本系统代码';
COMMENT ON COLUMN "x_assignment"."unit_name" IS '责任单位名称';
COMMENT ON COLUMN "x_assignment"."limit_value" IS '时限数值';
COMMENT ON COLUMN "x_assignment"."limit_unit" IS '时限单位：1 紧急工作时 2 工作时 3 工作日 4 紧急工作日 5 日';
COMMENT ON COLUMN "x_assignment"."original_deadline_time" IS '原截止时间';
COMMENT ON COLUMN "x_assignment"."deadline_time" IS '现截止时间';
COMMENT ON COLUMN "x_assignment"."dispatched_time" IS '派遣时间';
COMMENT ON COLUMN "x_assignment"."extension_count" IS '已延期次数';
COMMENT ON COLUMN "x_assignment"."dispatch_count" IS '派遣次数';
COMMENT ON COLUMN "x_assignment"."is_supervised" IS '是否督办（见视图 x_supervise）';
COMMENT ON COLUMN "x_assignment"."supervision_deadline_time" IS '督办截止时间';
COMMENT ON COLUMN "x_assignment"."suspended_time" IS '挂账开始时间';
COMMENT ON COLUMN "x_assignment"."suspended_until_time" IS '挂账至';
COMMENT ON COLUMN "x_assignment"."reason" IS '理由，退单、作废、挂账、核查不通过时必填';
COMMENT ON COLUMN "x_assignment"."check_levels" IS '核查级数：2 为区、市两级，0 视为 1';
COMMENT ON COLUMN "x_assignment"."return_count" IS '退单次数';
COMMENT ON COLUMN "x_assignment"."is_ruled" IS '是否已裁定（不得再退单）';
COMMENT ON COLUMN "x_assignment"."resumed_deadline_time" IS '挂账期满自动恢复后的截止时间';
COMMENT ON COLUMN "x_assignment"."acted_time" IS '本次办理时间';
COMMENT ON COLUMN "x_assignment"."class_original" IS '本系统原有类别';
COMMENT ON COLUMN "x_assignment"."decision_kind" IS '所答复申请的种类：extension 延期、suspension 挂账、appeal 申诉';
COMMENT ON COLUMN "x_assignment"."decision_request_time" IS '所答复申请的时间';
COMMENT ON COLUMN "x_assignment"."decision_is_granted" IS '是否同意';
COMMENT ON COLUMN "x_assignment"."decision_approver_ref" IS '审批岗位，不写姓名';
COMMENT ON COLUMN "x_assignment"."decision_second_approver_ref" IS '复审岗位，不写姓名';
COMMENT ON COLUMN "x_assignment"."decision_reason" IS '审批理由';
COMMENT ON COLUMN "x_assignment"."duplicate_of_issuer_id" IS '合并到的案件的编号平台';
COMMENT ON COLUMN "x_assignment"."duplicate_of_case_no" IS '合并到的案件的编号';
COMMENT ON COLUMN "x_assignment"."milestones" IS 'JSON 数组，分步时限：[{"name":"围护","deadline_time":微秒,"reached_time":微秒}]';
COMMENT ON COLUMN "x_assignment"."written_time" IS '写入时间：枢纽写的行为写入时刻，对方写的行请留空';

CREATE TABLE IF NOT EXISTS "x_handling" (
    "issuer_id" varchar(64) NOT NULL,
    "case_no" varchar(64) NOT NULL,
    "revision" integer,
    "state" varchar(20),
    "round" integer,
    "local_case_no" varchar(64),
    "local_unit_code" varchar(40),
    "local_unit_name" varchar(100),
    "received_time" timestamptz(6),
    "dispatched_on_time" timestamptz(6),
    "disposed_time" timestamptz(6),
    "close_requested_time" timestamptz(6),
    "result" text,
    "reason" varchar(400),
    "local_checked_time" timestamptz(6),
    "acted_time" timestamptz(6),
    "request_kind" varchar(20),
    "request_time" timestamptz(6),
    "request_reason" varchar(400),
    "written_time" timestamptz(6),
    PRIMARY KEY ("issuer_id", "case_no")
);

COMMENT ON TABLE "x_handling" IS '案件处置部分（处置平台 x_assignment.handler_id 写）';
COMMENT ON COLUMN "x_handling"."issuer_id" IS '编号平台标识，如 431221.platform，必填';
COMMENT ON COLUMN "x_handling"."case_no" IS '案件编号，由编号平台给出，必填';
COMMENT ON COLUMN "x_handling"."revision" IS '版本，自 1 起，每次改动加 1；留空由枢纽代计';
COMMENT ON COLUMN "x_handling"."state" IS '状态：received 接收、dispatched_on 派发、close_requested 结案申请、returned 退单、close_confirmed 确认结案，必填';
COMMENT ON COLUMN "x_handling"."round" IS '处置轮次，自 1 起，核查不通过后加 1';
COMMENT ON COLUMN "x_handling"."local_case_no" IS '处置平台自己的案件编号';
COMMENT ON COLUMN "x_handling"."local_unit_code" IS '承办部门代码';
COMMENT ON COLUMN "x_handling"."local_unit_name" IS '承办部门名称';
COMMENT ON COLUMN "x_handling"."received_time" IS '接收时间';
COMMENT ON COLUMN "x_handling"."dispatched_on_time" IS '派发到部门的时间';
COMMENT ON COLUMN "x_handling"."disposed_time" IS '处置完成时间';
COMMENT ON COLUMN "x_handling"."close_requested_time" IS '结案申请时间，默认以此判定是否及时';
COMMENT ON COLUMN "x_handling"."result" IS '处置结果，至多 4000 字';
COMMENT ON COLUMN "x_handling"."reason" IS '理由，退单、作废、挂账、核查不通过时必填';
COMMENT ON COLUMN "x_handling"."local_checked_time" IS '本级（区）核查时间，两级核查时结案申请前必填';
COMMENT ON COLUMN "x_handling"."acted_time" IS '本次办理时间';
COMMENT ON COLUMN "x_handling"."request_kind" IS '向派遣机构的申请：extension 延期、suspension 挂账、appeal 申诉';
COMMENT ON COLUMN "x_handling"."request_time" IS '申请时间';
COMMENT ON COLUMN "x_handling"."request_reason" IS '申请理由';
COMMENT ON COLUMN "x_handling"."written_time" IS '写入时间：枢纽写的行为写入时刻，对方写的行请留空';

CREATE TABLE IF NOT EXISTS "x_verdict" (
    "issuer_id" varchar(64) NOT NULL,
    "case_no" varchar(64) NOT NULL,
    "revision" integer,
    "state" varchar(20),
    "round" integer,
    "check_sent_time" timestamptz(6),
    "check_answered_time" timestamptz(6),
    "closed_time" timestamptz(6),
    "closing_kind" integer,
    "reason" varchar(400),
    "satisfaction_score" integer,
    "has_satisfaction" boolean,
    "acted_time" timestamptz(6),
    "appeal_decision_kind" varchar(20),
    "appeal_decision_request_time" timestamptz(6),
    "appeal_decision_is_granted" boolean,
    "appeal_decision_approver_ref" varchar(100),
    "appeal_decision_second_approver_ref" varchar(100),
    "appeal_decision_reason" varchar(400),
    "written_time" timestamptz(6),
    PRIMARY KEY ("issuer_id", "case_no")
);

COMMENT ON TABLE "x_verdict" IS '案件核查结论（派遣机构 x_case.authority_id 写）';
COMMENT ON COLUMN "x_verdict"."issuer_id" IS '编号平台标识，如 431221.platform，必填';
COMMENT ON COLUMN "x_verdict"."case_no" IS '案件编号，由编号平台给出，必填';
COMMENT ON COLUMN "x_verdict"."revision" IS '版本，自 1 起，每次改动加 1；留空由枢纽代计';
COMMENT ON COLUMN "x_verdict"."state" IS '状态：checking 核查中、failed 核查不通过、closed 结案，必填';
COMMENT ON COLUMN "x_verdict"."round" IS '处置轮次，自 1 起，核查不通过后加 1';
COMMENT ON COLUMN "x_verdict"."check_sent_time" IS '核查派发时间';
COMMENT ON COLUMN "x_verdict"."check_answered_time" IS '核查回复时间';
COMMENT ON COLUMN "x_verdict"."closed_time" IS '结案时间';
COMMENT ON COLUMN "x_verdict"."closing_kind" IS '结案类型：1 正常 2 超时 3 差错 4 特殊';
COMMENT ON COLUMN "x_verdict"."reason" IS '理由，退单、作废、挂账、核查不通过时必填';
COMMENT ON COLUMN "x_verdict"."satisfaction_score" IS '满意度 -100 至 100';
COMMENT ON COLUMN "x_verdict"."has_satisfaction" IS '是否已回访';
COMMENT ON COLUMN "x_verdict"."acted_time" IS '本次办理时间';
COMMENT ON COLUMN "x_verdict"."appeal_decision_kind" IS '申诉结论：所答复申请的种类：extension 延期、suspension 挂账、appeal 申诉';
COMMENT ON COLUMN "x_verdict"."appeal_decision_request_time" IS '申诉结论：所答复申请的时间';
COMMENT ON COLUMN "x_verdict"."appeal_decision_is_granted" IS '申诉结论：是否同意';
COMMENT ON COLUMN "x_verdict"."appeal_decision_approver_ref" IS '申诉结论：审批岗位，不写姓名';
COMMENT ON COLUMN "x_verdict"."appeal_decision_second_approver_ref" IS '申诉结论：复审岗位，不写姓名';
COMMENT ON COLUMN "x_verdict"."appeal_decision_reason" IS '申诉结论：审批理由';
COMMENT ON COLUMN "x_verdict"."written_time" IS '写入时间：枢纽写的行为写入时刻，对方写的行请留空';

CREATE TABLE IF NOT EXISTS "x_case_action" (
    "issuer_id" varchar(64) NOT NULL,
    "case_no" varchar(64) NOT NULL,
    "action_id" varchar(36) NOT NULL,
    "kind" varchar(40),
    "platform_id" varchar(64),
    "action_time" timestamptz(6),
    "actor_ref" varchar(100),
    "opinion" text,
    "written_time" timestamptz(6),
    PRIMARY KEY ("issuer_id", "case_no", "action_id")
);

COMMENT ON TABLE "x_case_action" IS '办理经过，只增不改（经办平台 platform_id 写）';
COMMENT ON COLUMN "x_case_action"."issuer_id" IS '编号平台标识，如 431221.platform，必填';
COMMENT ON COLUMN "x_case_action"."case_no" IS '案件编号，由编号平台给出，必填';
COMMENT ON COLUMN "x_case_action"."action_id" IS '动作标识，36 位 UUID，必填';
COMMENT ON COLUMN "x_case_action"."kind" IS '动作，如 dispatch、extend、urge，必填';
COMMENT ON COLUMN "x_case_action"."platform_id" IS '经办平台标识，必填';
COMMENT ON COLUMN "x_case_action"."action_time" IS '动作时间，必填';
COMMENT ON COLUMN "x_case_action"."actor_ref" IS '经办单位或岗位，不写姓名';
COMMENT ON COLUMN "x_case_action"."opinion" IS '意见，至多 1000 字';
COMMENT ON COLUMN "x_case_action"."written_time" IS '写入时间：枢纽写的行为写入时刻，对方写的行请留空';

CREATE TABLE IF NOT EXISTS "x_attachment_ref" (
    "issuer_id" varchar(64) NOT NULL,
    "case_no" varchar(64) NOT NULL,
    "section" varchar(20) NOT NULL,
    "digest" varchar(64) NOT NULL,
    "kind" varchar(20),
    "size_bytes" bigint,
    "media_type" varchar(100),
    "captured_time" timestamptz(6),
    "written_time" timestamptz(6),
    PRIMARY KEY ("issuer_id", "case_no", "section", "digest")
);

COMMENT ON TABLE "x_attachment_ref" IS '附件引用，文件内容另行传送（所属部分的填写方写）';
COMMENT ON COLUMN "x_attachment_ref"."issuer_id" IS '编号平台标识，如 431221.platform，必填';
COMMENT ON COLUMN "x_attachment_ref"."case_no" IS '案件编号，由编号平台给出，必填';
COMMENT ON COLUMN "x_attachment_ref"."section" IS '所属部分：report 上报、handling 处置、verdict 核查结论，必填';
COMMENT ON COLUMN "x_attachment_ref"."digest" IS '文件内容的 SHA-256，64 位小写十六进制，必填';
COMMENT ON COLUMN "x_attachment_ref"."kind" IS '种类：before_near 处置前近景、before_far 处置前远景、reference 参照物、after 处置后、check 核查、voice 录音、video 录像、document 文书附件，必填';
COMMENT ON COLUMN "x_attachment_ref"."size_bytes" IS '字节数，必填';
COMMENT ON COLUMN "x_attachment_ref"."media_type" IS '媒体类型，如 image/jpeg，必填';
COMMENT ON COLUMN "x_attachment_ref"."captured_time" IS '拍摄时间';
COMMENT ON COLUMN "x_attachment_ref"."written_time" IS '写入时间：枢纽写的行为写入时刻，对方写的行请留空';

CREATE TABLE IF NOT EXISTS "x_component" (
    "owner_id" varchar(64) NOT NULL,
    "component_id" varchar(32) NOT NULL,
    "revision" integer,
    "standard_ref" varchar(40),
    "class_kind" varchar(20),
    "class_code" varchar(20),
    "name" varchar(60),
    "region_code" varchar(6),
    "state" varchar(20),
    "area_code" varchar(12),
    "grid_code" varchar(20),
    "crs" varchar(20),
    "x" double precision,
    "y" double precision,
    "accuracy_class" varchar(1),
    "supervisor_code" varchar(40),
    "supervisor_name" varchar(100),
    "proprietor_code" varchar(40),
    "proprietor_name" varchar(100),
    "maintainer_code" varchar(40),
    "maintainer_name" varchar(100),
    "initial_time" timestamptz(6),
    "changed_time" timestamptz(6),
    "data_source" varchar(60),
    "note" text,
    "id_scheme" varchar(40),
    "written_time" timestamptz(6),
    PRIMARY KEY ("owner_id", "component_id")
);

COMMENT ON TABLE "x_component" IS '部件（权属平台 owner_id 写）';
COMMENT ON COLUMN "x_component"."owner_id" IS '权属平台标识，必填';
COMMENT ON COLUMN "x_component"."component_id" IS '部件标识码，必填';
COMMENT ON COLUMN "x_component"."revision" IS '版本，自 1 起，每次改动加 1；留空由枢纽代计';
COMMENT ON COLUMN "x_component"."standard_ref" IS '代码所属标准，如 GB/T-30428.2-2013，必填';
COMMENT ON COLUMN "x_component"."class_kind" IS '部件或事件：component 部件、event 事件，必填';
COMMENT ON COLUMN "x_component"."class_code" IS '小类代码，必填';
COMMENT ON COLUMN "x_component"."name" IS '名称，必填';
COMMENT ON COLUMN "x_component"."region_code" IS '区划代码 6 位（GB/T 2260），必填';
COMMENT ON COLUMN "x_component"."state" IS '状态：sound 完好、broken 破损、lost 丢失、abandoned 废弃、removed 移除，必填';
COMMENT ON COLUMN "x_component"."area_code" IS '街道 9 位或社区 12 位代码';
COMMENT ON COLUMN "x_component"."grid_code" IS '单元网格编码';
COMMENT ON COLUMN "x_component"."crs" IS '坐标系：none 无坐标、cgcs2000 国家2000、wgs84 WGS-84、gcj02 国测局加密、bd09 百度、local 地方独立';
COMMENT ON COLUMN "x_component"."x" IS '经度（度），local 时为东坐标（米）';
COMMENT ON COLUMN "x_component"."y" IS '纬度（度），local 时为北坐标（米）';
COMMENT ON COLUMN "x_component"."accuracy_class" IS '定位精度 A（0.5 米）B（1 米）C（10 米）';
COMMENT ON COLUMN "x_component"."supervisor_code" IS '主管部门代码';
COMMENT ON COLUMN "x_component"."supervisor_name" IS '主管部门名称';
COMMENT ON COLUMN "x_component"."proprietor_code" IS '权属单位代码';
COMMENT ON COLUMN "x_component"."proprietor_name" IS '权属单位名称';
COMMENT ON COLUMN "x_component"."maintainer_code" IS '养护单位代码';
COMMENT ON COLUMN "x_component"."maintainer_name" IS '养护单位名称';
COMMENT ON COLUMN "x_component"."initial_time" IS '初始日期';
COMMENT ON COLUMN "x_component"."changed_time" IS '变更日期';
COMMENT ON COLUMN "x_component"."data_source" IS '数据来源';
COMMENT ON COLUMN "x_component"."note" IS '备注，至多 1000 字';
COMMENT ON COLUMN "x_component"."id_scheme" IS '标识码编码方式，与所属标准不同时填写';
COMMENT ON COLUMN "x_component"."written_time" IS '写入时间：枢纽写的行为写入时刻，对方写的行请留空';

CREATE TABLE IF NOT EXISTS "x_figure" (
    "reporter_id" varchar(64) NOT NULL,
    "region_code" varchar(6) NOT NULL,
    "month" integer NOT NULL,
    "unit_code" varchar(40) NOT NULL,
    "class_key" varchar(64) NOT NULL,
    "source_code" varchar(40) NOT NULL,
    "revision" bigint,
    "definition_ref" varchar(60),
    "cutoff_time" timestamptz(6),
    "total_count" bigint,
    "dispatched_on_count" bigint,
    "done_count" bigint,
    "on_time_count" bigint,
    "suspended_count" bigint,
    "self_handled_count" bigint,
    "void_count" bigint,
    "reworked_count" bigint,
    "reported_count" bigint,
    "written_time" timestamptz(6),
    PRIMARY KEY ("reporter_id", "region_code", "month", "unit_code", "class_key", "source_code")
);

COMMENT ON TABLE "x_figure" IS '统计数（枢纽写）';
COMMENT ON COLUMN "x_figure"."reporter_id" IS '出数枢纽标识';
COMMENT ON COLUMN "x_figure"."region_code" IS '区划代码 6 位（GB/T 2260）';
COMMENT ON COLUMN "x_figure"."month" IS '月份，年×100+月，如 202011';
COMMENT ON COLUMN "x_figure"."unit_code" IS '责任单位代码，- 为未定';
COMMENT ON COLUMN "x_figure"."class_key" IS '类别：标准|C 部件或 E 事件|代码，- 为不分';
COMMENT ON COLUMN "x_figure"."source_code" IS '问题来源，- 为不分';
COMMENT ON COLUMN "x_figure"."revision" IS '版本，大者为新';
COMMENT ON COLUMN "x_figure"."definition_ref" IS '统计口径';
COMMENT ON COLUMN "x_figure"."cutoff_time" IS '统计截至时间';
COMMENT ON COLUMN "x_figure"."total_count" IS '案件总数';
COMMENT ON COLUMN "x_figure"."dispatched_on_count" IS '派发数';
COMMENT ON COLUMN "x_figure"."done_count" IS '完成数';
COMMENT ON COLUMN "x_figure"."on_time_count" IS '及时完成数';
COMMENT ON COLUMN "x_figure"."suspended_count" IS '挂账数';
COMMENT ON COLUMN "x_figure"."self_handled_count" IS '自行处置数';
COMMENT ON COLUMN "x_figure"."void_count" IS '作废数';
COMMENT ON COLUMN "x_figure"."reworked_count" IS '返工数';
COMMENT ON COLUMN "x_figure"."reported_count" IS '上报数';
COMMENT ON COLUMN "x_figure"."written_time" IS '写入时间：枢纽写的行为写入时刻，对方写的行请留空';

CREATE TABLE IF NOT EXISTS "x_code_list" (
    "standard_ref" varchar(40) NOT NULL,
    "class_kind" varchar(20) NOT NULL,
    "code" varchar(20) NOT NULL,
    "name" varchar(100),
    "parent_code" varchar(20),
    "is_in_force" boolean,
    "written_time" timestamptz(6),
    PRIMARY KEY ("standard_ref", "class_kind", "code")
);

COMMENT ON TABLE "x_code_list" IS '现行代码表（枢纽写）';
COMMENT ON COLUMN "x_code_list"."standard_ref" IS '代码所属标准，如 GB/T-30428.2-2013';
COMMENT ON COLUMN "x_code_list"."class_kind" IS 'component 部件或 event 事件';
COMMENT ON COLUMN "x_code_list"."code" IS '代码';
COMMENT ON COLUMN "x_code_list"."name" IS '名称';
COMMENT ON COLUMN "x_code_list"."parent_code" IS '上一级代码';
COMMENT ON COLUMN "x_code_list"."is_in_force" IS '是否现行';
COMMENT ON COLUMN "x_code_list"."written_time" IS '写入时间：枢纽写的行为写入时刻，对方写的行请留空';

CREATE TABLE IF NOT EXISTS "x_receipt" (
    "receipt_id" bigint NOT NULL,
    "table_name" varchar(64) NOT NULL,
    "row_key" varchar(400) NOT NULL,
    "revision" integer,
    "state" varchar(20),
    "reason" varchar(60),
    "field_path" varchar(200),
    "message" text,
    "taken_time" timestamptz(6),
    "settled_time" timestamptz(6),
    PRIMARY KEY ("receipt_id", "table_name", "row_key")
);

COMMENT ON TABLE "x_receipt" IS '逐行回执：对方写入的每一行的处理结果（枢纽写）';
COMMENT ON COLUMN "x_receipt"."receipt_id" IS '回执号，逐行递增';
COMMENT ON COLUMN "x_receipt"."table_name" IS '表名';
COMMENT ON COLUMN "x_receipt"."row_key" IS '该行主键各列，JSON 数组';
COMMENT ON COLUMN "x_receipt"."revision" IS '该行版本';
COMMENT ON COLUMN "x_receipt"."state" IS 'taken 已收取、applied 已生效、duplicate 重复、refused 未接收';
COMMENT ON COLUMN "x_receipt"."reason" IS '未接收原因代码';
COMMENT ON COLUMN "x_receipt"."field_path" IS '出错的列，如 x_case.region_code';
COMMENT ON COLUMN "x_receipt"."message" IS '未接收原因与处理办法，至多 1000 字';
COMMENT ON COLUMN "x_receipt"."taken_time" IS '收取时间';
COMMENT ON COLUMN "x_receipt"."settled_time" IS '生效或拒绝时间';

CREATE TABLE IF NOT EXISTS "x_link" (
    "link_id" varchar(64) NOT NULL,
    "hub_id" varchar(64),
    "delivered_sequence" bigint,
    "receipt_sequence" bigint,
    "beat_time" timestamptz(6),
    "partner_time" timestamptz(6),
    "schema_version" integer,
    PRIMARY KEY ("link_id")
);

COMMENT ON TABLE "x_link" IS '链路状态，仅一行（枢纽写，partner_time 除外）';
COMMENT ON COLUMN "x_link"."link_id" IS '对方标识';
COMMENT ON COLUMN "x_link"."hub_id" IS '枢纽标识';
COMMENT ON COLUMN "x_link"."delivered_sequence" IS '枢纽已写入本库的最后序号，与数据同一事务写入，请勿改动';
COMMENT ON COLUMN "x_link"."receipt_sequence" IS '已写回的最后回执号，请勿改动';
COMMENT ON COLUMN "x_link"."beat_time" IS '枢纽心跳时间';
COMMENT ON COLUMN "x_link"."partner_time" IS '对方心跳时间，由对方写，可留空';
COMMENT ON COLUMN "x_link"."schema_version" IS '本套表结构的版本';

CREATE TABLE IF NOT EXISTS "x_reconcile" (
    "day" varchar(10) NOT NULL,
    "table_name" varchar(40) NOT NULL,
    "direction" varchar(4) NOT NULL,
    "hub_count" bigint,
    "hub_hash" varchar(32),
    "partner_count" bigint,
    "partner_hash" varchar(32),
    "state" varchar(20),
    "compared_time" timestamptz(6),
    PRIMARY KEY ("day", "table_name", "direction")
);

COMMENT ON TABLE "x_reconcile" IS '每日对账（枢纽写）';
COMMENT ON COLUMN "x_reconcile"."day" IS '日期 YYYY-MM-DD';
COMMENT ON COLUMN "x_reconcile"."table_name" IS '表名';
COMMENT ON COLUMN "x_reconcile"."direction" IS '方向：in 对方到枢纽，out 枢纽到对方';
COMMENT ON COLUMN "x_reconcile"."hub_count" IS '枢纽一方的行数';
COMMENT ON COLUMN "x_reconcile"."hub_hash" IS '枢纽一方的校验值';
COMMENT ON COLUMN "x_reconcile"."partner_count" IS '对方的行数';
COMMENT ON COLUMN "x_reconcile"."partner_hash" IS '对方的校验值';
COMMENT ON COLUMN "x_reconcile"."state" IS '对账结果';
COMMENT ON COLUMN "x_reconcile"."compared_time" IS '对账时间';

CREATE OR REPLACE VIEW "x_supervise" AS
SELECT "issuer_id", "case_no", "handler_id", "unit_code", "unit_name", "deadline_time", "supervision_deadline_time", "revision" FROM "x_assignment" WHERE "is_supervised" = true;

CREATE INDEX IF NOT EXISTS "x_receipt_row" ON "x_receipt" ("table_name", "row_key");
SET LOCAL lock_timeout = '10s';

DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 130000 THEN
        CREATE TABLE IF NOT EXISTS x_change_log (
            log_id bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 1000),
            tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
            table_name text NOT NULL,
            row_key text[] NOT NULL,
            op char(1) NOT NULL,
            PRIMARY KEY (tx, log_id)
        );
    ELSE
        CREATE TABLE IF NOT EXISTS x_change_log (
            log_id bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 1000),
            tx bigint NOT NULL DEFAULT txid_current(),
            table_name text NOT NULL,
            row_key text[] NOT NULL,
            op char(1) NOT NULL,
            PRIMARY KEY (tx, log_id)
        );
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS x_reader (
    reader_id text PRIMARY KEY,
    position text
);

DO $do$ BEGIN EXECUTE replace(replace($f$
CREATE OR REPLACE FUNCTION "x_log_x_case"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $x$
BEGIN
    IF pg_catalog.current_setting('sanji.exchange', true) OPERATOR(pg_catalog.=) 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_case', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'I' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        INSERT INTO {log} (table_name, row_key, op)
            SELECT 'x_case', gone.row_key, 'D'
            FROM (SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text] FROM x_old r EXCEPT SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text] FROM x_new r) AS gone (row_key);
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_case', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'U' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_case', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'D' FROM x_old r;
    ELSE
        INSERT INTO {log} (table_name, row_key, op) VALUES ('x_case', '{}', 'T');
    END IF;
    IF FOUND AND NOT (CASE WHEN pg_catalog.pg_try_advisory_lock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4)
            THEN pg_catalog.pg_advisory_unlock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4) ELSE false END) THEN
        PERFORM pg_catalog.pg_notify('x_change', '');
    END IF;
    RETURN NULL;
END
$x$
$f$, '''{log}''', quote_literal(quote_ident(current_schema()) || '.x_change_log')), '{log}', quote_ident(current_schema()) || '.x_change_log'); END $do$;

DROP TRIGGER IF EXISTS x_log_insert ON "x_case";

CREATE TRIGGER x_log_insert AFTER INSERT ON "x_case" REFERENCING NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_case"();

DROP TRIGGER IF EXISTS x_log_update ON "x_case";

CREATE TRIGGER x_log_update AFTER UPDATE ON "x_case" REFERENCING OLD TABLE AS x_old NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_case"();

DROP TRIGGER IF EXISTS x_log_delete ON "x_case";

CREATE TRIGGER x_log_delete AFTER DELETE ON "x_case" REFERENCING OLD TABLE AS x_old
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_case"();

DROP TRIGGER IF EXISTS x_log_truncate ON "x_case";

CREATE TRIGGER x_log_truncate AFTER TRUNCATE ON "x_case"
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_case"();

DO $do$ BEGIN EXECUTE replace(replace($f$
CREATE OR REPLACE FUNCTION "x_log_x_assignment"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $x$
BEGIN
    IF pg_catalog.current_setting('sanji.exchange', true) OPERATOR(pg_catalog.=) 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_assignment', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'I' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        INSERT INTO {log} (table_name, row_key, op)
            SELECT 'x_assignment', gone.row_key, 'D'
            FROM (SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text] FROM x_old r EXCEPT SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text] FROM x_new r) AS gone (row_key);
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_assignment', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'U' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_assignment', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'D' FROM x_old r;
    ELSE
        INSERT INTO {log} (table_name, row_key, op) VALUES ('x_assignment', '{}', 'T');
    END IF;
    IF FOUND AND NOT (CASE WHEN pg_catalog.pg_try_advisory_lock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4)
            THEN pg_catalog.pg_advisory_unlock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4) ELSE false END) THEN
        PERFORM pg_catalog.pg_notify('x_change', '');
    END IF;
    RETURN NULL;
END
$x$
$f$, '''{log}''', quote_literal(quote_ident(current_schema()) || '.x_change_log')), '{log}', quote_ident(current_schema()) || '.x_change_log'); END $do$;

DROP TRIGGER IF EXISTS x_log_insert ON "x_assignment";

CREATE TRIGGER x_log_insert AFTER INSERT ON "x_assignment" REFERENCING NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_assignment"();

DROP TRIGGER IF EXISTS x_log_update ON "x_assignment";

CREATE TRIGGER x_log_update AFTER UPDATE ON "x_assignment" REFERENCING OLD TABLE AS x_old NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_assignment"();

DROP TRIGGER IF EXISTS x_log_delete ON "x_assignment";

CREATE TRIGGER x_log_delete AFTER DELETE ON "x_assignment" REFERENCING OLD TABLE AS x_old
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_assignment"();

DROP TRIGGER IF EXISTS x_log_truncate ON "x_assignment";

CREATE TRIGGER x_log_truncate AFTER TRUNCATE ON "x_assignment"
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_assignment"();

DO $do$ BEGIN EXECUTE replace(replace($f$
CREATE OR REPLACE FUNCTION "x_log_x_handling"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $x$
BEGIN
    IF pg_catalog.current_setting('sanji.exchange', true) OPERATOR(pg_catalog.=) 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_handling', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'I' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        INSERT INTO {log} (table_name, row_key, op)
            SELECT 'x_handling', gone.row_key, 'D'
            FROM (SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text] FROM x_old r EXCEPT SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text] FROM x_new r) AS gone (row_key);
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_handling', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'U' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_handling', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'D' FROM x_old r;
    ELSE
        INSERT INTO {log} (table_name, row_key, op) VALUES ('x_handling', '{}', 'T');
    END IF;
    IF FOUND AND NOT (CASE WHEN pg_catalog.pg_try_advisory_lock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4)
            THEN pg_catalog.pg_advisory_unlock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4) ELSE false END) THEN
        PERFORM pg_catalog.pg_notify('x_change', '');
    END IF;
    RETURN NULL;
END
$x$
$f$, '''{log}''', quote_literal(quote_ident(current_schema()) || '.x_change_log')), '{log}', quote_ident(current_schema()) || '.x_change_log'); END $do$;

DROP TRIGGER IF EXISTS x_log_insert ON "x_handling";

CREATE TRIGGER x_log_insert AFTER INSERT ON "x_handling" REFERENCING NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_handling"();

DROP TRIGGER IF EXISTS x_log_update ON "x_handling";

CREATE TRIGGER x_log_update AFTER UPDATE ON "x_handling" REFERENCING OLD TABLE AS x_old NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_handling"();

DROP TRIGGER IF EXISTS x_log_delete ON "x_handling";

CREATE TRIGGER x_log_delete AFTER DELETE ON "x_handling" REFERENCING OLD TABLE AS x_old
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_handling"();

DROP TRIGGER IF EXISTS x_log_truncate ON "x_handling";

CREATE TRIGGER x_log_truncate AFTER TRUNCATE ON "x_handling"
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_handling"();

DO $do$ BEGIN EXECUTE replace(replace($f$
CREATE OR REPLACE FUNCTION "x_log_x_verdict"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $x$
BEGIN
    IF pg_catalog.current_setting('sanji.exchange', true) OPERATOR(pg_catalog.=) 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_verdict', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'I' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        INSERT INTO {log} (table_name, row_key, op)
            SELECT 'x_verdict', gone.row_key, 'D'
            FROM (SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text] FROM x_old r EXCEPT SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text] FROM x_new r) AS gone (row_key);
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_verdict', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'U' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_verdict', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text], 'D' FROM x_old r;
    ELSE
        INSERT INTO {log} (table_name, row_key, op) VALUES ('x_verdict', '{}', 'T');
    END IF;
    IF FOUND AND NOT (CASE WHEN pg_catalog.pg_try_advisory_lock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4)
            THEN pg_catalog.pg_advisory_unlock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4) ELSE false END) THEN
        PERFORM pg_catalog.pg_notify('x_change', '');
    END IF;
    RETURN NULL;
END
$x$
$f$, '''{log}''', quote_literal(quote_ident(current_schema()) || '.x_change_log')), '{log}', quote_ident(current_schema()) || '.x_change_log'); END $do$;

DROP TRIGGER IF EXISTS x_log_insert ON "x_verdict";

CREATE TRIGGER x_log_insert AFTER INSERT ON "x_verdict" REFERENCING NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_verdict"();

DROP TRIGGER IF EXISTS x_log_update ON "x_verdict";

CREATE TRIGGER x_log_update AFTER UPDATE ON "x_verdict" REFERENCING OLD TABLE AS x_old NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_verdict"();

DROP TRIGGER IF EXISTS x_log_delete ON "x_verdict";

CREATE TRIGGER x_log_delete AFTER DELETE ON "x_verdict" REFERENCING OLD TABLE AS x_old
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_verdict"();

DROP TRIGGER IF EXISTS x_log_truncate ON "x_verdict";

CREATE TRIGGER x_log_truncate AFTER TRUNCATE ON "x_verdict"
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_verdict"();

DO $do$ BEGIN EXECUTE replace(replace($f$
CREATE OR REPLACE FUNCTION "x_log_x_case_action"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $x$
BEGIN
    IF pg_catalog.current_setting('sanji.exchange', true) OPERATOR(pg_catalog.=) 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_case_action', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text, r."action_id"::pg_catalog.text], 'I' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        INSERT INTO {log} (table_name, row_key, op)
            SELECT 'x_case_action', gone.row_key, 'D'
            FROM (SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text, r."action_id"::pg_catalog.text] FROM x_old r EXCEPT SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text, r."action_id"::pg_catalog.text] FROM x_new r) AS gone (row_key);
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_case_action', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text, r."action_id"::pg_catalog.text], 'U' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_case_action', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text, r."action_id"::pg_catalog.text], 'D' FROM x_old r;
    ELSE
        INSERT INTO {log} (table_name, row_key, op) VALUES ('x_case_action', '{}', 'T');
    END IF;
    IF FOUND AND NOT (CASE WHEN pg_catalog.pg_try_advisory_lock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4)
            THEN pg_catalog.pg_advisory_unlock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4) ELSE false END) THEN
        PERFORM pg_catalog.pg_notify('x_change', '');
    END IF;
    RETURN NULL;
END
$x$
$f$, '''{log}''', quote_literal(quote_ident(current_schema()) || '.x_change_log')), '{log}', quote_ident(current_schema()) || '.x_change_log'); END $do$;

DROP TRIGGER IF EXISTS x_log_insert ON "x_case_action";

CREATE TRIGGER x_log_insert AFTER INSERT ON "x_case_action" REFERENCING NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_case_action"();

DROP TRIGGER IF EXISTS x_log_update ON "x_case_action";

CREATE TRIGGER x_log_update AFTER UPDATE ON "x_case_action" REFERENCING OLD TABLE AS x_old NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_case_action"();

DROP TRIGGER IF EXISTS x_log_delete ON "x_case_action";

CREATE TRIGGER x_log_delete AFTER DELETE ON "x_case_action" REFERENCING OLD TABLE AS x_old
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_case_action"();

DROP TRIGGER IF EXISTS x_log_truncate ON "x_case_action";

CREATE TRIGGER x_log_truncate AFTER TRUNCATE ON "x_case_action"
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_case_action"();

DO $do$ BEGIN EXECUTE replace(replace($f$
CREATE OR REPLACE FUNCTION "x_log_x_attachment_ref"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $x$
BEGIN
    IF pg_catalog.current_setting('sanji.exchange', true) OPERATOR(pg_catalog.=) 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_attachment_ref', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text, r."section"::pg_catalog.text, r."digest"::pg_catalog.text], 'I' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        INSERT INTO {log} (table_name, row_key, op)
            SELECT 'x_attachment_ref', gone.row_key, 'D'
            FROM (SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text, r."section"::pg_catalog.text, r."digest"::pg_catalog.text] FROM x_old r EXCEPT SELECT ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text, r."section"::pg_catalog.text, r."digest"::pg_catalog.text] FROM x_new r) AS gone (row_key);
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_attachment_ref', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text, r."section"::pg_catalog.text, r."digest"::pg_catalog.text], 'U' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_attachment_ref', ARRAY[r."issuer_id"::pg_catalog.text, r."case_no"::pg_catalog.text, r."section"::pg_catalog.text, r."digest"::pg_catalog.text], 'D' FROM x_old r;
    ELSE
        INSERT INTO {log} (table_name, row_key, op) VALUES ('x_attachment_ref', '{}', 'T');
    END IF;
    IF FOUND AND NOT (CASE WHEN pg_catalog.pg_try_advisory_lock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4)
            THEN pg_catalog.pg_advisory_unlock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4) ELSE false END) THEN
        PERFORM pg_catalog.pg_notify('x_change', '');
    END IF;
    RETURN NULL;
END
$x$
$f$, '''{log}''', quote_literal(quote_ident(current_schema()) || '.x_change_log')), '{log}', quote_ident(current_schema()) || '.x_change_log'); END $do$;

DROP TRIGGER IF EXISTS x_log_insert ON "x_attachment_ref";

CREATE TRIGGER x_log_insert AFTER INSERT ON "x_attachment_ref" REFERENCING NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_attachment_ref"();

DROP TRIGGER IF EXISTS x_log_update ON "x_attachment_ref";

CREATE TRIGGER x_log_update AFTER UPDATE ON "x_attachment_ref" REFERENCING OLD TABLE AS x_old NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_attachment_ref"();

DROP TRIGGER IF EXISTS x_log_delete ON "x_attachment_ref";

CREATE TRIGGER x_log_delete AFTER DELETE ON "x_attachment_ref" REFERENCING OLD TABLE AS x_old
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_attachment_ref"();

DROP TRIGGER IF EXISTS x_log_truncate ON "x_attachment_ref";

CREATE TRIGGER x_log_truncate AFTER TRUNCATE ON "x_attachment_ref"
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_attachment_ref"();

DO $do$ BEGIN EXECUTE replace(replace($f$
CREATE OR REPLACE FUNCTION "x_log_x_component"() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $x$
BEGIN
    IF pg_catalog.current_setting('sanji.exchange', true) OPERATOR(pg_catalog.=) 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_component', ARRAY[r."owner_id"::pg_catalog.text, r."component_id"::pg_catalog.text], 'I' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
        INSERT INTO {log} (table_name, row_key, op)
            SELECT 'x_component', gone.row_key, 'D'
            FROM (SELECT ARRAY[r."owner_id"::pg_catalog.text, r."component_id"::pg_catalog.text] FROM x_old r EXCEPT SELECT ARRAY[r."owner_id"::pg_catalog.text, r."component_id"::pg_catalog.text] FROM x_new r) AS gone (row_key);
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_component', ARRAY[r."owner_id"::pg_catalog.text, r."component_id"::pg_catalog.text], 'U' FROM x_new r;
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        INSERT INTO {log} (table_name, row_key, op) SELECT 'x_component', ARRAY[r."owner_id"::pg_catalog.text, r."component_id"::pg_catalog.text], 'D' FROM x_old r;
    ELSE
        INSERT INTO {log} (table_name, row_key, op) VALUES ('x_component', '{}', 'T');
    END IF;
    IF FOUND AND NOT (CASE WHEN pg_catalog.pg_try_advisory_lock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4)
            THEN pg_catalog.pg_advisory_unlock_shared(1936748105, '{log}'::pg_catalog.regclass::pg_catalog.int4) ELSE false END) THEN
        PERFORM pg_catalog.pg_notify('x_change', '');
    END IF;
    RETURN NULL;
END
$x$
$f$, '''{log}''', quote_literal(quote_ident(current_schema()) || '.x_change_log')), '{log}', quote_ident(current_schema()) || '.x_change_log'); END $do$;

DROP TRIGGER IF EXISTS x_log_insert ON "x_component";

CREATE TRIGGER x_log_insert AFTER INSERT ON "x_component" REFERENCING NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_component"();

DROP TRIGGER IF EXISTS x_log_update ON "x_component";

CREATE TRIGGER x_log_update AFTER UPDATE ON "x_component" REFERENCING OLD TABLE AS x_old NEW TABLE AS x_new
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_component"();

DROP TRIGGER IF EXISTS x_log_delete ON "x_component";

CREATE TRIGGER x_log_delete AFTER DELETE ON "x_component" REFERENCING OLD TABLE AS x_old
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_component"();

DROP TRIGGER IF EXISTS x_log_truncate ON "x_component";

CREATE TRIGGER x_log_truncate AFTER TRUNCATE ON "x_component"
FOR EACH STATEMENT EXECUTE FUNCTION "x_log_x_component"();
COMMIT;
