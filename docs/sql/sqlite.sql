-- 数据交换中间库（第 1 版）：sqlite
-- 说明见 docs/intermediate-database.md；各列含义见注释。可重复执行。
-- 执行：sqlite3 库文件 < sqlite.sql
BEGIN;

CREATE TABLE IF NOT EXISTS `x_case` (
    `issuer_id` VARCHAR(64) NOT NULL, -- 编号平台标识，如 431221.platform，必填
    `case_no` VARCHAR(64) NOT NULL, -- 案件编号，由编号平台给出，必填
    `revision` INTEGER, -- 版本，自 1 起，每次改动加 1；留空由枢纽代计
    `state` VARCHAR(20), -- 状态：reported 上报、verifying 核实、not_accepted 不立案、filed 立案，必填
    `region_code` VARCHAR(6), -- 区划代码 6 位（GB/T 2260），必填
    `standard_ref` VARCHAR(40), -- 代码所属标准，如 GB/T-30428.2-2013，必填
    `class_kind` VARCHAR(20), -- 部件或事件：component 部件、event 事件，必填
    `class_code` VARCHAR(20), -- 小类代码，必填
    `source_code` VARCHAR(40), -- 问题来源，如 collector、hotline_12345，必填
    `authority_id` VARCHAR(64), -- 派遣机构标识，通常为市级平台，必填
    `reported_time` TEXT, -- 上报时间，必填
    `area_code` VARCHAR(12), -- 街道 9 位或社区 12 位代码
    `filing_condition_no` INTEGER, -- 立案条件序号，未知为 0
    `component_id` VARCHAR(32), -- 部件标识码
    `source_original` VARCHAR(60), -- 本系统的来源名称
    `channel_ticket_no` VARCHAR(64), -- 渠道工单号，如 12345 工单号
    `description` TEXT, -- 问题描述，至多 4000 字
    `crs` VARCHAR(20), -- 坐标系：none 无坐标、cgcs2000 国家2000、wgs84 WGS-84、gcj02 国测局加密、bd09 百度、local 地方独立
    `x` REAL, -- 经度（度），local 时为东坐标（米）
    `y` REAL, -- 纬度（度），local 时为北坐标（米）
    `address` VARCHAR(400), -- 地址；无坐标时必填
    `grid_code` VARCHAR(20), -- 单元网格编码
    `duty_grid_code` VARCHAR(40), -- 责任网格编码
    `campaign` VARCHAR(60), -- 专项普查名称
    `is_self_handled` BOOLEAN, -- 是否自行处置
    `found_time` TEXT, -- 发现时间
    `accepted_time` TEXT, -- 受理时间
    `verified_time` TEXT, -- 核实时间
    `filed_time` TEXT, -- 立案时间
    `collector_ref` VARCHAR(64), -- 采集员代号，不写姓名、电话
    `class_original` VARCHAR(64), -- 本系统原有类别
    `continues_issuer_id` VARCHAR(64), -- 所接续案件的编号平台
    `continues_case_no` VARCHAR(64), -- 所接续案件的编号
    `written_time` TEXT, -- 写入时间：枢纽写的行为写入时刻，对方写的行请留空
    PRIMARY KEY (`issuer_id`, `case_no`)
);

CREATE TABLE IF NOT EXISTS `x_assignment` (
    `issuer_id` VARCHAR(64) NOT NULL, -- 编号平台标识，如 431221.platform，必填
    `case_no` VARCHAR(64) NOT NULL, -- 案件编号，由编号平台给出，必填
    `revision` INTEGER, -- 版本，自 1 起，每次改动加 1；留空由枢纽代计
    `state` VARCHAR(20), -- 状态：pending 待派遣、dispatched 已派遣、suspended 挂账、void 作废、sent_back 退回受理、merged 合并，必填
    `standard_ref` VARCHAR(40), -- 代码所属标准，如 GB/T-30428.2-2013，必填
    `class_kind` VARCHAR(20), -- 部件或事件：component 部件、event 事件，必填
    `class_code` VARCHAR(20), -- 小类代码，必填
    `handler_id` VARCHAR(64), -- 处置平台标识，派遣后必填
    `unit_code` VARCHAR(40), -- 责任单位代码：统一社会信用代码或本系统代码
    `unit_name` VARCHAR(100), -- 责任单位名称
    `limit_value` INTEGER, -- 时限数值
    `limit_unit` INTEGER, -- 时限单位：1 紧急工作时 2 工作时 3 工作日 4 紧急工作日 5 日
    `original_deadline_time` TEXT, -- 原截止时间
    `deadline_time` TEXT, -- 现截止时间
    `dispatched_time` TEXT, -- 派遣时间
    `extension_count` INTEGER, -- 已延期次数
    `dispatch_count` INTEGER, -- 派遣次数
    `is_supervised` BOOLEAN, -- 是否督办（见视图 x_supervise）
    `supervision_deadline_time` TEXT, -- 督办截止时间
    `suspended_time` TEXT, -- 挂账开始时间
    `suspended_until_time` TEXT, -- 挂账至
    `reason` VARCHAR(400), -- 理由，退单、作废、挂账、核查不通过时必填
    `check_levels` INTEGER, -- 核查级数：2 为区、市两级，0 视为 1
    `return_count` INTEGER, -- 退单次数
    `is_ruled` BOOLEAN, -- 是否已裁定（不得再退单）
    `resumed_deadline_time` TEXT, -- 挂账期满自动恢复后的截止时间
    `acted_time` TEXT, -- 本次办理时间
    `class_original` VARCHAR(64), -- 本系统原有类别
    `decision_kind` VARCHAR(20), -- 所答复申请的种类：extension 延期、suspension 挂账、appeal 申诉
    `decision_request_time` TEXT, -- 所答复申请的时间
    `decision_is_granted` BOOLEAN, -- 是否同意
    `decision_approver_ref` VARCHAR(100), -- 审批岗位，不写姓名
    `decision_second_approver_ref` VARCHAR(100), -- 复审岗位，不写姓名
    `decision_reason` VARCHAR(400), -- 审批理由
    `duplicate_of_issuer_id` VARCHAR(64), -- 合并到的案件的编号平台
    `duplicate_of_case_no` VARCHAR(64), -- 合并到的案件的编号
    `milestones` TEXT, -- JSON 数组，分步时限：[{"name":"围护","deadline_time":微秒,"reached_time":微秒}]
    `written_time` TEXT, -- 写入时间：枢纽写的行为写入时刻，对方写的行请留空
    PRIMARY KEY (`issuer_id`, `case_no`)
);

CREATE TABLE IF NOT EXISTS `x_handling` (
    `issuer_id` VARCHAR(64) NOT NULL, -- 编号平台标识，如 431221.platform，必填
    `case_no` VARCHAR(64) NOT NULL, -- 案件编号，由编号平台给出，必填
    `revision` INTEGER, -- 版本，自 1 起，每次改动加 1；留空由枢纽代计
    `state` VARCHAR(20), -- 状态：received 接收、dispatched_on 派发、close_requested 结案申请、returned 退单、close_confirmed 确认结案，必填
    `round` INTEGER, -- 处置轮次，自 1 起，核查不通过后加 1
    `local_case_no` VARCHAR(64), -- 处置平台自己的案件编号
    `local_unit_code` VARCHAR(40), -- 承办部门代码
    `local_unit_name` VARCHAR(100), -- 承办部门名称
    `received_time` TEXT, -- 接收时间
    `dispatched_on_time` TEXT, -- 派发到部门的时间
    `disposed_time` TEXT, -- 处置完成时间
    `close_requested_time` TEXT, -- 结案申请时间，默认以此判定是否及时
    `result` TEXT, -- 处置结果，至多 4000 字
    `reason` VARCHAR(400), -- 理由，退单、作废、挂账、核查不通过时必填
    `local_checked_time` TEXT, -- 本级（区）核查时间，两级核查时结案申请前必填
    `acted_time` TEXT, -- 本次办理时间
    `request_kind` VARCHAR(20), -- 向派遣机构的申请：extension 延期、suspension 挂账、appeal 申诉
    `request_time` TEXT, -- 申请时间
    `request_reason` VARCHAR(400), -- 申请理由
    `written_time` TEXT, -- 写入时间：枢纽写的行为写入时刻，对方写的行请留空
    PRIMARY KEY (`issuer_id`, `case_no`)
);

CREATE TABLE IF NOT EXISTS `x_verdict` (
    `issuer_id` VARCHAR(64) NOT NULL, -- 编号平台标识，如 431221.platform，必填
    `case_no` VARCHAR(64) NOT NULL, -- 案件编号，由编号平台给出，必填
    `revision` INTEGER, -- 版本，自 1 起，每次改动加 1；留空由枢纽代计
    `state` VARCHAR(20), -- 状态：checking 核查中、failed 核查不通过、closed 结案，必填
    `round` INTEGER, -- 处置轮次，自 1 起，核查不通过后加 1
    `check_sent_time` TEXT, -- 核查派发时间
    `check_answered_time` TEXT, -- 核查回复时间
    `closed_time` TEXT, -- 结案时间
    `closing_kind` INTEGER, -- 结案类型：1 正常 2 超时 3 差错 4 特殊
    `reason` VARCHAR(400), -- 理由，退单、作废、挂账、核查不通过时必填
    `satisfaction_score` INTEGER, -- 满意度 -100 至 100
    `has_satisfaction` BOOLEAN, -- 是否已回访
    `acted_time` TEXT, -- 本次办理时间
    `appeal_decision_kind` VARCHAR(20), -- 申诉结论：所答复申请的种类：extension 延期、suspension 挂账、appeal 申诉
    `appeal_decision_request_time` TEXT, -- 申诉结论：所答复申请的时间
    `appeal_decision_is_granted` BOOLEAN, -- 申诉结论：是否同意
    `appeal_decision_approver_ref` VARCHAR(100), -- 申诉结论：审批岗位，不写姓名
    `appeal_decision_second_approver_ref` VARCHAR(100), -- 申诉结论：复审岗位，不写姓名
    `appeal_decision_reason` VARCHAR(400), -- 申诉结论：审批理由
    `written_time` TEXT, -- 写入时间：枢纽写的行为写入时刻，对方写的行请留空
    PRIMARY KEY (`issuer_id`, `case_no`)
);

CREATE TABLE IF NOT EXISTS `x_case_action` (
    `issuer_id` VARCHAR(64) NOT NULL, -- 编号平台标识，如 431221.platform，必填
    `case_no` VARCHAR(64) NOT NULL, -- 案件编号，由编号平台给出，必填
    `action_id` VARCHAR(36) NOT NULL, -- 动作标识，36 位 UUID，必填
    `kind` VARCHAR(40), -- 动作，如 dispatch、extend、urge，必填
    `platform_id` VARCHAR(64), -- 经办平台标识，必填
    `action_time` TEXT, -- 动作时间，必填
    `actor_ref` VARCHAR(100), -- 经办单位或岗位，不写姓名
    `opinion` TEXT, -- 意见，至多 1000 字
    `written_time` TEXT, -- 写入时间：枢纽写的行为写入时刻，对方写的行请留空
    PRIMARY KEY (`issuer_id`, `case_no`, `action_id`)
);

CREATE TABLE IF NOT EXISTS `x_attachment_ref` (
    `issuer_id` VARCHAR(64) NOT NULL, -- 编号平台标识，如 431221.platform，必填
    `case_no` VARCHAR(64) NOT NULL, -- 案件编号，由编号平台给出，必填
    `section` VARCHAR(20) NOT NULL, -- 所属部分：report 上报、handling 处置、verdict 核查结论，必填
    `digest` VARCHAR(64) NOT NULL, -- 文件内容的 SHA-256，64 位小写十六进制，必填
    `kind` VARCHAR(20), -- 种类：before_near 处置前近景、before_far 处置前远景、reference 参照物、after 处置后、check 核查、voice 录音、video 录像、document 文书附件，必填
    `size_bytes` INTEGER, -- 字节数，必填
    `media_type` VARCHAR(100), -- 媒体类型，如 image/jpeg，必填
    `captured_time` TEXT, -- 拍摄时间
    `written_time` TEXT, -- 写入时间：枢纽写的行为写入时刻，对方写的行请留空
    PRIMARY KEY (`issuer_id`, `case_no`, `section`, `digest`)
);

CREATE TABLE IF NOT EXISTS `x_component` (
    `owner_id` VARCHAR(64) NOT NULL, -- 权属平台标识，必填
    `component_id` VARCHAR(32) NOT NULL, -- 部件标识码，必填
    `revision` INTEGER, -- 版本，自 1 起，每次改动加 1；留空由枢纽代计
    `standard_ref` VARCHAR(40), -- 代码所属标准，如 GB/T-30428.2-2013，必填
    `class_kind` VARCHAR(20), -- 部件或事件：component 部件、event 事件，必填
    `class_code` VARCHAR(20), -- 小类代码，必填
    `name` VARCHAR(60), -- 名称，必填
    `region_code` VARCHAR(6), -- 区划代码 6 位（GB/T 2260），必填
    `state` VARCHAR(20), -- 状态：sound 完好、broken 破损、lost 丢失、abandoned 废弃、removed 移除，必填
    `area_code` VARCHAR(12), -- 街道 9 位或社区 12 位代码
    `grid_code` VARCHAR(20), -- 单元网格编码
    `crs` VARCHAR(20), -- 坐标系：none 无坐标、cgcs2000 国家2000、wgs84 WGS-84、gcj02 国测局加密、bd09 百度、local 地方独立
    `x` REAL, -- 经度（度），local 时为东坐标（米）
    `y` REAL, -- 纬度（度），local 时为北坐标（米）
    `accuracy_class` VARCHAR(1), -- 定位精度 A（0.5 米）B（1 米）C（10 米）
    `supervisor_code` VARCHAR(40), -- 主管部门代码
    `supervisor_name` VARCHAR(100), -- 主管部门名称
    `proprietor_code` VARCHAR(40), -- 权属单位代码
    `proprietor_name` VARCHAR(100), -- 权属单位名称
    `maintainer_code` VARCHAR(40), -- 养护单位代码
    `maintainer_name` VARCHAR(100), -- 养护单位名称
    `initial_time` TEXT, -- 初始日期
    `changed_time` TEXT, -- 变更日期
    `data_source` VARCHAR(60), -- 数据来源
    `note` TEXT, -- 备注，至多 1000 字
    `id_scheme` VARCHAR(40), -- 标识码编码方式，与所属标准不同时填写
    `written_time` TEXT, -- 写入时间：枢纽写的行为写入时刻，对方写的行请留空
    PRIMARY KEY (`owner_id`, `component_id`)
);

CREATE TABLE IF NOT EXISTS `x_figure` (
    `reporter_id` VARCHAR(64) NOT NULL, -- 出数枢纽标识
    `region_code` VARCHAR(6) NOT NULL, -- 区划代码 6 位（GB/T 2260）
    `month` INTEGER NOT NULL, -- 月份，年×100+月，如 202011
    `unit_code` VARCHAR(40) NOT NULL, -- 责任单位代码，- 为未定
    `class_key` VARCHAR(64) NOT NULL, -- 类别：标准|C 部件或 E 事件|代码，- 为不分
    `source_code` VARCHAR(40) NOT NULL, -- 问题来源，- 为不分
    `revision` INTEGER, -- 版本，大者为新
    `definition_ref` VARCHAR(60), -- 统计口径
    `cutoff_time` TEXT, -- 统计截至时间
    `total_count` INTEGER, -- 案件总数
    `dispatched_on_count` INTEGER, -- 派发数
    `done_count` INTEGER, -- 完成数
    `on_time_count` INTEGER, -- 及时完成数
    `suspended_count` INTEGER, -- 挂账数
    `self_handled_count` INTEGER, -- 自行处置数
    `void_count` INTEGER, -- 作废数
    `reworked_count` INTEGER, -- 返工数
    `reported_count` INTEGER, -- 上报数
    `written_time` TEXT, -- 写入时间：枢纽写的行为写入时刻，对方写的行请留空
    PRIMARY KEY (`reporter_id`, `region_code`, `month`, `unit_code`, `class_key`, `source_code`)
);

CREATE TABLE IF NOT EXISTS `x_code_list` (
    `standard_ref` VARCHAR(40) NOT NULL, -- 代码所属标准，如 GB/T-30428.2-2013
    `class_kind` VARCHAR(20) NOT NULL, -- component 部件或 event 事件
    `code` VARCHAR(20) NOT NULL, -- 代码
    `name` VARCHAR(100), -- 名称
    `parent_code` VARCHAR(20), -- 上一级代码
    `is_in_force` BOOLEAN, -- 是否现行
    `written_time` TEXT, -- 写入时间：枢纽写的行为写入时刻，对方写的行请留空
    PRIMARY KEY (`standard_ref`, `class_kind`, `code`)
);

CREATE TABLE IF NOT EXISTS `x_receipt` (
    `receipt_id` INTEGER NOT NULL, -- 回执号，逐行递增
    `table_name` VARCHAR(64) NOT NULL, -- 表名
    `row_key` VARCHAR(400) NOT NULL, -- 该行主键各列，JSON 数组
    `revision` INTEGER, -- 该行版本
    `state` VARCHAR(20), -- taken 已收取、applied 已生效、duplicate 重复、refused 未接收
    `reason` VARCHAR(60), -- 未接收原因代码
    `field_path` VARCHAR(200), -- 出错的列，如 x_case.region_code
    `message` TEXT, -- 未接收原因与处理办法，至多 1000 字
    `taken_time` TEXT, -- 收取时间
    `settled_time` TEXT, -- 生效或拒绝时间
    PRIMARY KEY (`receipt_id`, `table_name`, `row_key`)
);

CREATE TABLE IF NOT EXISTS `x_link` (
    `link_id` VARCHAR(64) NOT NULL, -- 对方标识
    `hub_id` VARCHAR(64), -- 枢纽标识
    `delivered_sequence` INTEGER, -- 枢纽已写入本库的最后序号，与数据同一事务写入，请勿改动
    `receipt_sequence` INTEGER, -- 已写回的最后回执号，请勿改动
    `beat_time` TEXT, -- 枢纽心跳时间
    `partner_time` TEXT, -- 对方心跳时间，由对方写，可留空
    `schema_version` INTEGER, -- 本套表结构的版本
    PRIMARY KEY (`link_id`)
);

CREATE TABLE IF NOT EXISTS `x_reconcile` (
    `day` VARCHAR(10) NOT NULL, -- 日期 YYYY-MM-DD
    `table_name` VARCHAR(40) NOT NULL, -- 表名
    `direction` VARCHAR(4) NOT NULL, -- 方向：in 对方到枢纽，out 枢纽到对方
    `hub_count` INTEGER, -- 枢纽一方的行数
    `hub_hash` VARCHAR(32), -- 枢纽一方的校验值
    `partner_count` INTEGER, -- 对方的行数
    `partner_hash` VARCHAR(32), -- 对方的校验值
    `state` VARCHAR(20), -- 对账结果
    `compared_time` TEXT, -- 对账时间
    PRIMARY KEY (`day`, `table_name`, `direction`)
);

CREATE VIEW IF NOT EXISTS `x_supervise` AS
SELECT `issuer_id`, `case_no`, `handler_id`, `unit_code`, `unit_name`, `deadline_time`, `supervision_deadline_time`, `revision` FROM `x_assignment` WHERE `is_supervised` = true;

CREATE INDEX IF NOT EXISTS `x_receipt_row` ON `x_receipt` (`table_name`, `row_key`);

CREATE TABLE IF NOT EXISTS x_change_log (
    log_id INTEGER PRIMARY KEY AUTOINCREMENT,
    table_name TEXT NOT NULL,
    row_key TEXT NOT NULL,
    op TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS x_session (is_exchange BOOLEAN NOT NULL);
INSERT INTO x_session SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM x_session);
DROP TRIGGER IF EXISTS `x_log_x_case_insert`;

CREATE TRIGGER `x_log_x_case_insert` AFTER INSERT ON `x_case` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_case', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT)), 'I';
END;

DROP TRIGGER IF EXISTS `x_log_x_case_update`;

CREATE TRIGGER `x_log_x_case_update` AFTER UPDATE ON `x_case` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_case', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT)), 'D' WHERE NOT (OLD.`issuer_id` IS NEW.`issuer_id` AND OLD.`case_no` IS NEW.`case_no`);
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_case', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT)), 'U';
END;

DROP TRIGGER IF EXISTS `x_log_x_case_delete`;

CREATE TRIGGER `x_log_x_case_delete` AFTER DELETE ON `x_case` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_case', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT)), 'D';
END;

DROP TRIGGER IF EXISTS `x_log_x_assignment_insert`;

CREATE TRIGGER `x_log_x_assignment_insert` AFTER INSERT ON `x_assignment` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_assignment', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT)), 'I';
END;

DROP TRIGGER IF EXISTS `x_log_x_assignment_update`;

CREATE TRIGGER `x_log_x_assignment_update` AFTER UPDATE ON `x_assignment` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_assignment', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT)), 'D' WHERE NOT (OLD.`issuer_id` IS NEW.`issuer_id` AND OLD.`case_no` IS NEW.`case_no`);
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_assignment', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT)), 'U';
END;

DROP TRIGGER IF EXISTS `x_log_x_assignment_delete`;

CREATE TRIGGER `x_log_x_assignment_delete` AFTER DELETE ON `x_assignment` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_assignment', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT)), 'D';
END;

DROP TRIGGER IF EXISTS `x_log_x_handling_insert`;

CREATE TRIGGER `x_log_x_handling_insert` AFTER INSERT ON `x_handling` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_handling', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT)), 'I';
END;

DROP TRIGGER IF EXISTS `x_log_x_handling_update`;

CREATE TRIGGER `x_log_x_handling_update` AFTER UPDATE ON `x_handling` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_handling', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT)), 'D' WHERE NOT (OLD.`issuer_id` IS NEW.`issuer_id` AND OLD.`case_no` IS NEW.`case_no`);
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_handling', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT)), 'U';
END;

DROP TRIGGER IF EXISTS `x_log_x_handling_delete`;

CREATE TRIGGER `x_log_x_handling_delete` AFTER DELETE ON `x_handling` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_handling', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT)), 'D';
END;

DROP TRIGGER IF EXISTS `x_log_x_verdict_insert`;

CREATE TRIGGER `x_log_x_verdict_insert` AFTER INSERT ON `x_verdict` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_verdict', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT)), 'I';
END;

DROP TRIGGER IF EXISTS `x_log_x_verdict_update`;

CREATE TRIGGER `x_log_x_verdict_update` AFTER UPDATE ON `x_verdict` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_verdict', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT)), 'D' WHERE NOT (OLD.`issuer_id` IS NEW.`issuer_id` AND OLD.`case_no` IS NEW.`case_no`);
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_verdict', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT)), 'U';
END;

DROP TRIGGER IF EXISTS `x_log_x_verdict_delete`;

CREATE TRIGGER `x_log_x_verdict_delete` AFTER DELETE ON `x_verdict` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_verdict', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT)), 'D';
END;

DROP TRIGGER IF EXISTS `x_log_x_case_action_insert`;

CREATE TRIGGER `x_log_x_case_action_insert` AFTER INSERT ON `x_case_action` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_case_action', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT), CAST(NEW.`action_id` AS TEXT)), 'I';
END;

DROP TRIGGER IF EXISTS `x_log_x_case_action_update`;

CREATE TRIGGER `x_log_x_case_action_update` AFTER UPDATE ON `x_case_action` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_case_action', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT), CAST(OLD.`action_id` AS TEXT)), 'D' WHERE NOT (OLD.`issuer_id` IS NEW.`issuer_id` AND OLD.`case_no` IS NEW.`case_no` AND OLD.`action_id` IS NEW.`action_id`);
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_case_action', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT), CAST(NEW.`action_id` AS TEXT)), 'U';
END;

DROP TRIGGER IF EXISTS `x_log_x_case_action_delete`;

CREATE TRIGGER `x_log_x_case_action_delete` AFTER DELETE ON `x_case_action` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_case_action', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT), CAST(OLD.`action_id` AS TEXT)), 'D';
END;

DROP TRIGGER IF EXISTS `x_log_x_attachment_ref_insert`;

CREATE TRIGGER `x_log_x_attachment_ref_insert` AFTER INSERT ON `x_attachment_ref` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_attachment_ref', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT), CAST(NEW.`section` AS TEXT), CAST(NEW.`digest` AS TEXT)), 'I';
END;

DROP TRIGGER IF EXISTS `x_log_x_attachment_ref_update`;

CREATE TRIGGER `x_log_x_attachment_ref_update` AFTER UPDATE ON `x_attachment_ref` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_attachment_ref', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT), CAST(OLD.`section` AS TEXT), CAST(OLD.`digest` AS TEXT)), 'D' WHERE NOT (OLD.`issuer_id` IS NEW.`issuer_id` AND OLD.`case_no` IS NEW.`case_no` AND OLD.`section` IS NEW.`section` AND OLD.`digest` IS NEW.`digest`);
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_attachment_ref', json_array(CAST(NEW.`issuer_id` AS TEXT), CAST(NEW.`case_no` AS TEXT), CAST(NEW.`section` AS TEXT), CAST(NEW.`digest` AS TEXT)), 'U';
END;

DROP TRIGGER IF EXISTS `x_log_x_attachment_ref_delete`;

CREATE TRIGGER `x_log_x_attachment_ref_delete` AFTER DELETE ON `x_attachment_ref` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_attachment_ref', json_array(CAST(OLD.`issuer_id` AS TEXT), CAST(OLD.`case_no` AS TEXT), CAST(OLD.`section` AS TEXT), CAST(OLD.`digest` AS TEXT)), 'D';
END;

DROP TRIGGER IF EXISTS `x_log_x_component_insert`;

CREATE TRIGGER `x_log_x_component_insert` AFTER INSERT ON `x_component` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_component', json_array(CAST(NEW.`owner_id` AS TEXT), CAST(NEW.`component_id` AS TEXT)), 'I';
END;

DROP TRIGGER IF EXISTS `x_log_x_component_update`;

CREATE TRIGGER `x_log_x_component_update` AFTER UPDATE ON `x_component` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_component', json_array(CAST(OLD.`owner_id` AS TEXT), CAST(OLD.`component_id` AS TEXT)), 'D' WHERE NOT (OLD.`owner_id` IS NEW.`owner_id` AND OLD.`component_id` IS NEW.`component_id`);
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_component', json_array(CAST(NEW.`owner_id` AS TEXT), CAST(NEW.`component_id` AS TEXT)), 'U';
END;

DROP TRIGGER IF EXISTS `x_log_x_component_delete`;

CREATE TRIGGER `x_log_x_component_delete` AFTER DELETE ON `x_component` FOR EACH ROW
WHEN NOT EXISTS (SELECT 1 FROM x_session WHERE is_exchange)
BEGIN
    INSERT INTO x_change_log (table_name, row_key, op) SELECT 'x_component', json_array(CAST(OLD.`owner_id` AS TEXT), CAST(OLD.`component_id` AS TEXT)), 'D';
END;
COMMIT;
