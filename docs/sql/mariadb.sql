-- 数据交换中间库（第 1 版）：mariadb
-- 说明见 docs/intermediate-database.md；各列含义见注释。可重复执行。
-- 执行：mariadb 库名 < mariadb.sql
SET NAMES utf8mb4;

CREATE TABLE IF NOT EXISTS `x_case` (
    `issuer_id` varchar(64) NOT NULL COMMENT '编号平台标识，如 431221.platform，必填',
    `case_no` varchar(64) NOT NULL COMMENT '案件编号，由编号平台给出，必填',
    `revision` int COMMENT '版本，自 1 起，每次改动加 1；留空由枢纽代计',
    `state` varchar(20) COMMENT '状态：reported 上报、verifying 核实、not_accepted 不立案、filed 立案，必填',
    `region_code` varchar(6) COMMENT '区划代码 6 位（GB/T 2260），必填',
    `standard_ref` varchar(40) COMMENT '代码所属标准，如 GB/T-30428.2-2013，必填',
    `class_kind` varchar(20) COMMENT '部件或事件：component 部件、event 事件，必填',
    `class_code` varchar(20) COMMENT '小类代码，必填',
    `source_code` varchar(40) COMMENT '问题来源，如 collector、hotline_12345，必填',
    `authority_id` varchar(64) COMMENT '派遣机构标识，通常为市级平台，必填',
    `reported_time` datetime(6) COMMENT '上报时间，必填',
    `area_code` varchar(12) COMMENT '街道 9 位或社区 12 位代码',
    `filing_condition_no` int COMMENT '立案条件序号，未知为 0',
    `component_id` varchar(32) COMMENT '部件标识码',
    `source_original` varchar(60) COMMENT '本系统的来源名称',
    `channel_ticket_no` varchar(64) COMMENT '渠道工单号，如 12345 工单号',
    `description` longtext COMMENT '问题描述，至多 4000 字',
    `crs` varchar(20) COMMENT '坐标系：none 无坐标、cgcs2000 国家2000、wgs84 WGS-84、gcj02 国测局加密、bd09 百度、local 地方独立',
    `x` double COMMENT '经度（度），local 时为东坐标（米）',
    `y` double COMMENT '纬度（度），local 时为北坐标（米）',
    `address` varchar(400) COMMENT '地址；无坐标时必填',
    `grid_code` varchar(20) COMMENT '单元网格编码',
    `duty_grid_code` varchar(40) COMMENT '责任网格编码',
    `campaign` varchar(60) COMMENT '专项普查名称',
    `is_self_handled` boolean COMMENT '是否自行处置',
    `found_time` datetime(6) COMMENT '发现时间',
    `accepted_time` datetime(6) COMMENT '受理时间',
    `verified_time` datetime(6) COMMENT '核实时间',
    `filed_time` datetime(6) COMMENT '立案时间',
    `collector_ref` varchar(64) COMMENT '采集员代号，不写姓名、电话',
    `class_original` varchar(64) COMMENT '本系统原有类别',
    `continues_issuer_id` varchar(64) COMMENT '所接续案件的编号平台',
    `continues_case_no` varchar(64) COMMENT '所接续案件的编号',
    `written_time` datetime(6) COMMENT '写入时间：枢纽写的行为写入时刻，对方写的行请留空',
    PRIMARY KEY (`issuer_id`, `case_no`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='案件上报部分（编号平台 issuer_id 写）';

CREATE TABLE IF NOT EXISTS `x_assignment` (
    `issuer_id` varchar(64) NOT NULL COMMENT '编号平台标识，如 431221.platform，必填',
    `case_no` varchar(64) NOT NULL COMMENT '案件编号，由编号平台给出，必填',
    `revision` int COMMENT '版本，自 1 起，每次改动加 1；留空由枢纽代计',
    `state` varchar(20) COMMENT '状态：pending 待派遣、dispatched 已派遣、suspended 挂账、void 作废、sent_back 退回受理、merged 合并，必填',
    `standard_ref` varchar(40) COMMENT '代码所属标准，如 GB/T-30428.2-2013，必填',
    `class_kind` varchar(20) COMMENT '部件或事件：component 部件、event 事件，必填',
    `class_code` varchar(20) COMMENT '小类代码，必填',
    `handler_id` varchar(64) COMMENT '处置平台标识，派遣后必填',
    `unit_code` varchar(40) COMMENT '责任单位代码：统一社会信用代码或本系统代码',
    `unit_name` varchar(100) COMMENT '责任单位名称',
    `limit_value` int COMMENT '时限数值',
    `limit_unit` int COMMENT '时限单位：1 紧急工作时 2 工作时 3 工作日 4 紧急工作日 5 日',
    `original_deadline_time` datetime(6) COMMENT '原截止时间',
    `deadline_time` datetime(6) COMMENT '现截止时间',
    `dispatched_time` datetime(6) COMMENT '派遣时间',
    `extension_count` int COMMENT '已延期次数',
    `dispatch_count` int COMMENT '派遣次数',
    `is_supervised` boolean COMMENT '是否督办（见视图 x_supervise）',
    `supervision_deadline_time` datetime(6) COMMENT '督办截止时间',
    `suspended_time` datetime(6) COMMENT '挂账开始时间',
    `suspended_until_time` datetime(6) COMMENT '挂账至',
    `reason` varchar(400) COMMENT '理由，退单、作废、挂账、核查不通过时必填',
    `check_levels` int COMMENT '核查级数：2 为区、市两级，0 视为 1',
    `return_count` int COMMENT '退单次数',
    `is_ruled` boolean COMMENT '是否已裁定（不得再退单）',
    `resumed_deadline_time` datetime(6) COMMENT '挂账期满自动恢复后的截止时间',
    `acted_time` datetime(6) COMMENT '本次办理时间',
    `class_original` varchar(64) COMMENT '本系统原有类别',
    `decision_kind` varchar(20) COMMENT '所答复申请的种类：extension 延期、suspension 挂账、appeal 申诉',
    `decision_request_time` datetime(6) COMMENT '所答复申请的时间',
    `decision_is_granted` boolean COMMENT '是否同意',
    `decision_approver_ref` varchar(100) COMMENT '审批岗位，不写姓名',
    `decision_second_approver_ref` varchar(100) COMMENT '复审岗位，不写姓名',
    `decision_reason` varchar(400) COMMENT '审批理由',
    `duplicate_of_issuer_id` varchar(64) COMMENT '合并到的案件的编号平台',
    `duplicate_of_case_no` varchar(64) COMMENT '合并到的案件的编号',
    `milestones` longtext COMMENT 'JSON 数组，分步时限：[{"name":"围护","deadline_time":微秒,"reached_time":微秒}]',
    `written_time` datetime(6) COMMENT '写入时间：枢纽写的行为写入时刻，对方写的行请留空',
    PRIMARY KEY (`issuer_id`, `case_no`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='案件派遣部分（派遣机构 x_case.authority_id 写）';

CREATE TABLE IF NOT EXISTS `x_handling` (
    `issuer_id` varchar(64) NOT NULL COMMENT '编号平台标识，如 431221.platform，必填',
    `case_no` varchar(64) NOT NULL COMMENT '案件编号，由编号平台给出，必填',
    `revision` int COMMENT '版本，自 1 起，每次改动加 1；留空由枢纽代计',
    `state` varchar(20) COMMENT '状态：received 接收、dispatched_on 派发、close_requested 结案申请、returned 退单、close_confirmed 确认结案，必填',
    `round` int COMMENT '处置轮次，自 1 起，核查不通过后加 1',
    `local_case_no` varchar(64) COMMENT '处置平台自己的案件编号',
    `local_unit_code` varchar(40) COMMENT '承办部门代码',
    `local_unit_name` varchar(100) COMMENT '承办部门名称',
    `received_time` datetime(6) COMMENT '接收时间',
    `dispatched_on_time` datetime(6) COMMENT '派发到部门的时间',
    `disposed_time` datetime(6) COMMENT '处置完成时间',
    `close_requested_time` datetime(6) COMMENT '结案申请时间，默认以此判定是否及时',
    `result` longtext COMMENT '处置结果，至多 4000 字',
    `reason` varchar(400) COMMENT '理由，退单、作废、挂账、核查不通过时必填',
    `local_checked_time` datetime(6) COMMENT '本级（区）核查时间，两级核查时结案申请前必填',
    `acted_time` datetime(6) COMMENT '本次办理时间',
    `request_kind` varchar(20) COMMENT '向派遣机构的申请：extension 延期、suspension 挂账、appeal 申诉',
    `request_time` datetime(6) COMMENT '申请时间',
    `request_reason` varchar(400) COMMENT '申请理由',
    `written_time` datetime(6) COMMENT '写入时间：枢纽写的行为写入时刻，对方写的行请留空',
    PRIMARY KEY (`issuer_id`, `case_no`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='案件处置部分（处置平台 x_assignment.handler_id 写）';

CREATE TABLE IF NOT EXISTS `x_verdict` (
    `issuer_id` varchar(64) NOT NULL COMMENT '编号平台标识，如 431221.platform，必填',
    `case_no` varchar(64) NOT NULL COMMENT '案件编号，由编号平台给出，必填',
    `revision` int COMMENT '版本，自 1 起，每次改动加 1；留空由枢纽代计',
    `state` varchar(20) COMMENT '状态：checking 核查中、failed 核查不通过、closed 结案，必填',
    `round` int COMMENT '处置轮次，自 1 起，核查不通过后加 1',
    `check_sent_time` datetime(6) COMMENT '核查派发时间',
    `check_answered_time` datetime(6) COMMENT '核查回复时间',
    `closed_time` datetime(6) COMMENT '结案时间',
    `closing_kind` int COMMENT '结案类型：1 正常 2 超时 3 差错 4 特殊',
    `reason` varchar(400) COMMENT '理由，退单、作废、挂账、核查不通过时必填',
    `satisfaction_score` int COMMENT '满意度 -100 至 100',
    `has_satisfaction` boolean COMMENT '是否已回访',
    `acted_time` datetime(6) COMMENT '本次办理时间',
    `appeal_decision_kind` varchar(20) COMMENT '申诉结论：所答复申请的种类：extension 延期、suspension 挂账、appeal 申诉',
    `appeal_decision_request_time` datetime(6) COMMENT '申诉结论：所答复申请的时间',
    `appeal_decision_is_granted` boolean COMMENT '申诉结论：是否同意',
    `appeal_decision_approver_ref` varchar(100) COMMENT '申诉结论：审批岗位，不写姓名',
    `appeal_decision_second_approver_ref` varchar(100) COMMENT '申诉结论：复审岗位，不写姓名',
    `appeal_decision_reason` varchar(400) COMMENT '申诉结论：审批理由',
    `written_time` datetime(6) COMMENT '写入时间：枢纽写的行为写入时刻，对方写的行请留空',
    PRIMARY KEY (`issuer_id`, `case_no`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='案件核查结论（派遣机构 x_case.authority_id 写）';

CREATE TABLE IF NOT EXISTS `x_case_action` (
    `issuer_id` varchar(64) NOT NULL COMMENT '编号平台标识，如 431221.platform，必填',
    `case_no` varchar(64) NOT NULL COMMENT '案件编号，由编号平台给出，必填',
    `action_id` varchar(36) NOT NULL COMMENT '动作标识，36 位 UUID，必填',
    `kind` varchar(40) COMMENT '动作，如 dispatch、extend、urge，必填',
    `platform_id` varchar(64) COMMENT '经办平台标识，必填',
    `action_time` datetime(6) COMMENT '动作时间，必填',
    `actor_ref` varchar(100) COMMENT '经办单位或岗位，不写姓名',
    `opinion` longtext COMMENT '意见，至多 1000 字',
    `written_time` datetime(6) COMMENT '写入时间：枢纽写的行为写入时刻，对方写的行请留空',
    PRIMARY KEY (`issuer_id`, `case_no`, `action_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='办理经过，只增不改（经办平台 platform_id 写）';

CREATE TABLE IF NOT EXISTS `x_attachment_ref` (
    `issuer_id` varchar(64) NOT NULL COMMENT '编号平台标识，如 431221.platform，必填',
    `case_no` varchar(64) NOT NULL COMMENT '案件编号，由编号平台给出，必填',
    `section` varchar(20) NOT NULL COMMENT '所属部分：report 上报、handling 处置、verdict 核查结论，必填',
    `digest` varchar(64) NOT NULL COMMENT '文件内容的 SHA-256，64 位小写十六进制，必填',
    `kind` varchar(20) COMMENT '种类：before_near 处置前近景、before_far 处置前远景、reference 参照物、after 处置后、check 核查、voice 录音、video 录像、document 文书附件，必填',
    `size_bytes` bigint COMMENT '字节数，必填',
    `media_type` varchar(100) COMMENT '媒体类型，如 image/jpeg，必填',
    `captured_time` datetime(6) COMMENT '拍摄时间',
    `written_time` datetime(6) COMMENT '写入时间：枢纽写的行为写入时刻，对方写的行请留空',
    PRIMARY KEY (`issuer_id`, `case_no`, `section`, `digest`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='附件引用，文件内容另行传送（所属部分的填写方写）';

CREATE TABLE IF NOT EXISTS `x_component` (
    `owner_id` varchar(64) NOT NULL COMMENT '权属平台标识，必填',
    `component_id` varchar(32) NOT NULL COMMENT '部件标识码，必填',
    `revision` int COMMENT '版本，自 1 起，每次改动加 1；留空由枢纽代计',
    `standard_ref` varchar(40) COMMENT '代码所属标准，如 GB/T-30428.2-2013，必填',
    `class_kind` varchar(20) COMMENT '部件或事件：component 部件、event 事件，必填',
    `class_code` varchar(20) COMMENT '小类代码，必填',
    `name` varchar(60) COMMENT '名称，必填',
    `region_code` varchar(6) COMMENT '区划代码 6 位（GB/T 2260），必填',
    `state` varchar(20) COMMENT '状态：sound 完好、broken 破损、lost 丢失、abandoned 废弃、removed 移除，必填',
    `area_code` varchar(12) COMMENT '街道 9 位或社区 12 位代码',
    `grid_code` varchar(20) COMMENT '单元网格编码',
    `crs` varchar(20) COMMENT '坐标系：none 无坐标、cgcs2000 国家2000、wgs84 WGS-84、gcj02 国测局加密、bd09 百度、local 地方独立',
    `x` double COMMENT '经度（度），local 时为东坐标（米）',
    `y` double COMMENT '纬度（度），local 时为北坐标（米）',
    `accuracy_class` varchar(1) COMMENT '定位精度 A（0.5 米）B（1 米）C（10 米）',
    `supervisor_code` varchar(40) COMMENT '主管部门代码',
    `supervisor_name` varchar(100) COMMENT '主管部门名称',
    `proprietor_code` varchar(40) COMMENT '权属单位代码',
    `proprietor_name` varchar(100) COMMENT '权属单位名称',
    `maintainer_code` varchar(40) COMMENT '养护单位代码',
    `maintainer_name` varchar(100) COMMENT '养护单位名称',
    `initial_time` datetime(6) COMMENT '初始日期',
    `changed_time` datetime(6) COMMENT '变更日期',
    `data_source` varchar(60) COMMENT '数据来源',
    `note` longtext COMMENT '备注，至多 1000 字',
    `id_scheme` varchar(40) COMMENT '标识码编码方式，与所属标准不同时填写',
    `written_time` datetime(6) COMMENT '写入时间：枢纽写的行为写入时刻，对方写的行请留空',
    PRIMARY KEY (`owner_id`, `component_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='部件（权属平台 owner_id 写）';

CREATE TABLE IF NOT EXISTS `x_figure` (
    `reporter_id` varchar(64) NOT NULL COMMENT '出数枢纽标识',
    `region_code` varchar(6) NOT NULL COMMENT '区划代码 6 位（GB/T 2260）',
    `month` int NOT NULL COMMENT '月份，年×100+月，如 202011',
    `unit_code` varchar(40) NOT NULL COMMENT '责任单位代码，- 为未定',
    `class_key` varchar(64) NOT NULL COMMENT '类别：标准|C 部件或 E 事件|代码，- 为不分',
    `source_code` varchar(40) NOT NULL COMMENT '问题来源，- 为不分',
    `revision` bigint COMMENT '版本，大者为新',
    `definition_ref` varchar(60) COMMENT '统计口径',
    `cutoff_time` datetime(6) COMMENT '统计截至时间',
    `total_count` bigint COMMENT '案件总数',
    `dispatched_on_count` bigint COMMENT '派发数',
    `done_count` bigint COMMENT '完成数',
    `on_time_count` bigint COMMENT '及时完成数',
    `suspended_count` bigint COMMENT '挂账数',
    `self_handled_count` bigint COMMENT '自行处置数',
    `void_count` bigint COMMENT '作废数',
    `reworked_count` bigint COMMENT '返工数',
    `reported_count` bigint COMMENT '上报数',
    `written_time` datetime(6) COMMENT '写入时间：枢纽写的行为写入时刻，对方写的行请留空',
    PRIMARY KEY (`reporter_id`, `region_code`, `month`, `unit_code`, `class_key`, `source_code`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='统计数（枢纽写）';

CREATE TABLE IF NOT EXISTS `x_code_list` (
    `standard_ref` varchar(40) NOT NULL COMMENT '代码所属标准，如 GB/T-30428.2-2013',
    `class_kind` varchar(20) NOT NULL COMMENT 'component 部件或 event 事件',
    `code` varchar(20) NOT NULL COMMENT '代码',
    `name` varchar(100) COMMENT '名称',
    `parent_code` varchar(20) COMMENT '上一级代码',
    `is_in_force` boolean COMMENT '是否现行',
    `written_time` datetime(6) COMMENT '写入时间：枢纽写的行为写入时刻，对方写的行请留空',
    PRIMARY KEY (`standard_ref`, `class_kind`, `code`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='现行代码表（枢纽写）';

CREATE TABLE IF NOT EXISTS `x_receipt` (
    `receipt_id` bigint NOT NULL COMMENT '回执号，逐行递增',
    `table_name` varchar(64) NOT NULL COMMENT '表名',
    `row_key` varchar(400) NOT NULL COMMENT '该行主键各列，JSON 数组',
    `revision` int COMMENT '该行版本',
    `state` varchar(20) COMMENT 'taken 已收取、applied 已生效、duplicate 重复、refused 未接收',
    `reason` varchar(60) COMMENT '未接收原因代码',
    `field_path` varchar(200) COMMENT '出错的列，如 x_case.region_code',
    `message` longtext COMMENT '未接收原因与处理办法，至多 1000 字',
    `taken_time` datetime(6) COMMENT '收取时间',
    `settled_time` datetime(6) COMMENT '生效或拒绝时间',
    PRIMARY KEY (`receipt_id`, `table_name`, `row_key`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='逐行回执：对方写入的每一行的处理结果（枢纽写）';

CREATE TABLE IF NOT EXISTS `x_link` (
    `link_id` varchar(64) NOT NULL COMMENT '对方标识',
    `hub_id` varchar(64) COMMENT '枢纽标识',
    `delivered_sequence` bigint COMMENT '枢纽已写入本库的最后序号，与数据同一事务写入，请勿改动',
    `receipt_sequence` bigint COMMENT '已写回的最后回执号，请勿改动',
    `beat_time` datetime(6) COMMENT '枢纽心跳时间',
    `partner_time` datetime(6) COMMENT '对方心跳时间，由对方写，可留空',
    `schema_version` int COMMENT '本套表结构的版本',
    PRIMARY KEY (`link_id`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='链路状态，仅一行（枢纽写，partner_time 除外）';

CREATE TABLE IF NOT EXISTS `x_reconcile` (
    `day` varchar(10) NOT NULL COMMENT '日期 YYYY-MM-DD',
    `table_name` varchar(40) NOT NULL COMMENT '表名',
    `direction` varchar(4) NOT NULL COMMENT '方向：in 对方到枢纽，out 枢纽到对方',
    `hub_count` bigint COMMENT '枢纽一方的行数',
    `hub_hash` varchar(32) COMMENT '枢纽一方的校验值',
    `partner_count` bigint COMMENT '对方的行数',
    `partner_hash` varchar(32) COMMENT '对方的校验值',
    `state` varchar(20) COMMENT '对账结果',
    `compared_time` datetime(6) COMMENT '对账时间',
    PRIMARY KEY (`day`, `table_name`, `direction`)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='每日对账（枢纽写）';

CREATE OR REPLACE VIEW `x_supervise` AS
SELECT `issuer_id`, `case_no`, `handler_id`, `unit_code`, `unit_name`, `deadline_time`, `supervision_deadline_time`, `revision` FROM `x_assignment` WHERE `is_supervised` = true;

CREATE INDEX IF NOT EXISTS `x_receipt_row` ON `x_receipt` (`table_name`, `row_key`);

CREATE TABLE IF NOT EXISTS x_change_log (
    log_id bigint AUTO_INCREMENT PRIMARY KEY,
    table_name varchar(64) NOT NULL,
    row_key varchar(700) NOT NULL,
    op char(1) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

LOCK TABLES `x_case` WRITE;
DROP TRIGGER IF EXISTS `x_log_x_case_insert`;

CREATE TRIGGER `x_log_x_case_insert` AFTER INSERT ON `x_case` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_case', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'I' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_case_update`;

CREATE TRIGGER `x_log_x_case_update` AFTER UPDATE ON `x_case` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_case', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL AND NOT (BINARY OLD.`issuer_id` <=> BINARY NEW.`issuer_id` AND BINARY OLD.`case_no` <=> BINARY NEW.`case_no`)
UNION ALL SELECT 'x_case', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'U' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_case_delete`;

CREATE TRIGGER `x_log_x_case_delete` AFTER DELETE ON `x_case` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_case', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL;

UNLOCK TABLES;
LOCK TABLES `x_assignment` WRITE;
DROP TRIGGER IF EXISTS `x_log_x_assignment_insert`;

CREATE TRIGGER `x_log_x_assignment_insert` AFTER INSERT ON `x_assignment` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_assignment', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'I' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_assignment_update`;

CREATE TRIGGER `x_log_x_assignment_update` AFTER UPDATE ON `x_assignment` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_assignment', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL AND NOT (BINARY OLD.`issuer_id` <=> BINARY NEW.`issuer_id` AND BINARY OLD.`case_no` <=> BINARY NEW.`case_no`)
UNION ALL SELECT 'x_assignment', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'U' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_assignment_delete`;

CREATE TRIGGER `x_log_x_assignment_delete` AFTER DELETE ON `x_assignment` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_assignment', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL;

UNLOCK TABLES;
LOCK TABLES `x_handling` WRITE;
DROP TRIGGER IF EXISTS `x_log_x_handling_insert`;

CREATE TRIGGER `x_log_x_handling_insert` AFTER INSERT ON `x_handling` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_handling', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'I' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_handling_update`;

CREATE TRIGGER `x_log_x_handling_update` AFTER UPDATE ON `x_handling` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_handling', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL AND NOT (BINARY OLD.`issuer_id` <=> BINARY NEW.`issuer_id` AND BINARY OLD.`case_no` <=> BINARY NEW.`case_no`)
UNION ALL SELECT 'x_handling', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'U' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_handling_delete`;

CREATE TRIGGER `x_log_x_handling_delete` AFTER DELETE ON `x_handling` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_handling', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL;

UNLOCK TABLES;
LOCK TABLES `x_verdict` WRITE;
DROP TRIGGER IF EXISTS `x_log_x_verdict_insert`;

CREATE TRIGGER `x_log_x_verdict_insert` AFTER INSERT ON `x_verdict` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_verdict', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'I' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_verdict_update`;

CREATE TRIGGER `x_log_x_verdict_update` AFTER UPDATE ON `x_verdict` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_verdict', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL AND NOT (BINARY OLD.`issuer_id` <=> BINARY NEW.`issuer_id` AND BINARY OLD.`case_no` <=> BINARY NEW.`case_no`)
UNION ALL SELECT 'x_verdict', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'U' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_verdict_delete`;

CREATE TRIGGER `x_log_x_verdict_delete` AFTER DELETE ON `x_verdict` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_verdict', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL;

UNLOCK TABLES;
LOCK TABLES `x_case_action` WRITE;
DROP TRIGGER IF EXISTS `x_log_x_case_action_insert`;

CREATE TRIGGER `x_log_x_case_action_insert` AFTER INSERT ON `x_case_action` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_case_action', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`action_id` AS CHAR CHARACTER SET utf8mb4)), 'I' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_case_action_update`;

CREATE TRIGGER `x_log_x_case_action_update` AFTER UPDATE ON `x_case_action` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_case_action', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`action_id` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL AND NOT (BINARY OLD.`issuer_id` <=> BINARY NEW.`issuer_id` AND BINARY OLD.`case_no` <=> BINARY NEW.`case_no` AND BINARY OLD.`action_id` <=> BINARY NEW.`action_id`)
UNION ALL SELECT 'x_case_action', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`action_id` AS CHAR CHARACTER SET utf8mb4)), 'U' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_case_action_delete`;

CREATE TRIGGER `x_log_x_case_action_delete` AFTER DELETE ON `x_case_action` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_case_action', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`action_id` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL;

UNLOCK TABLES;
LOCK TABLES `x_attachment_ref` WRITE;
DROP TRIGGER IF EXISTS `x_log_x_attachment_ref_insert`;

CREATE TRIGGER `x_log_x_attachment_ref_insert` AFTER INSERT ON `x_attachment_ref` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_attachment_ref', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`section` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`digest` AS CHAR CHARACTER SET utf8mb4)), 'I' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_attachment_ref_update`;

CREATE TRIGGER `x_log_x_attachment_ref_update` AFTER UPDATE ON `x_attachment_ref` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_attachment_ref', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`section` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`digest` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL AND NOT (BINARY OLD.`issuer_id` <=> BINARY NEW.`issuer_id` AND BINARY OLD.`case_no` <=> BINARY NEW.`case_no` AND BINARY OLD.`section` <=> BINARY NEW.`section` AND BINARY OLD.`digest` <=> BINARY NEW.`digest`)
UNION ALL SELECT 'x_attachment_ref', JSON_ARRAY(CAST(NEW.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`case_no` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`section` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`digest` AS CHAR CHARACTER SET utf8mb4)), 'U' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_attachment_ref_delete`;

CREATE TRIGGER `x_log_x_attachment_ref_delete` AFTER DELETE ON `x_attachment_ref` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_attachment_ref', JSON_ARRAY(CAST(OLD.`issuer_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`case_no` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`section` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`digest` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL;

UNLOCK TABLES;
LOCK TABLES `x_component` WRITE;
DROP TRIGGER IF EXISTS `x_log_x_component_insert`;

CREATE TRIGGER `x_log_x_component_insert` AFTER INSERT ON `x_component` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_component', JSON_ARRAY(CAST(NEW.`owner_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`component_id` AS CHAR CHARACTER SET utf8mb4)), 'I' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_component_update`;

CREATE TRIGGER `x_log_x_component_update` AFTER UPDATE ON `x_component` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_component', JSON_ARRAY(CAST(OLD.`owner_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`component_id` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL AND NOT (BINARY OLD.`owner_id` <=> BINARY NEW.`owner_id` AND BINARY OLD.`component_id` <=> BINARY NEW.`component_id`)
UNION ALL SELECT 'x_component', JSON_ARRAY(CAST(NEW.`owner_id` AS CHAR CHARACTER SET utf8mb4), CAST(NEW.`component_id` AS CHAR CHARACTER SET utf8mb4)), 'U' FROM DUAL WHERE @sanji_exchange IS NULL;

DROP TRIGGER IF EXISTS `x_log_x_component_delete`;

CREATE TRIGGER `x_log_x_component_delete` AFTER DELETE ON `x_component` FOR EACH ROW
INSERT INTO x_change_log (table_name, row_key, op)
SELECT 'x_component', JSON_ARRAY(CAST(OLD.`owner_id` AS CHAR CHARACTER SET utf8mb4), CAST(OLD.`component_id` AS CHAR CHARACTER SET utf8mb4)), 'D' FROM DUAL WHERE @sanji_exchange IS NULL;

UNLOCK TABLES;
