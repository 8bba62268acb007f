-- 数据交换中间库（第 1 版）：sqlserver
-- 说明见 docs/intermediate-database.md；各列含义见注释。
-- 未经测试：仅有表、视图与注释，没有变更捕获；枢纽尚不能连接此数据库。 / Untested, tables only.

CREATE TABLE [x_case] (
    [issuer_id] nvarchar(64) NOT NULL,
    [case_no] nvarchar(64) NOT NULL,
    [revision] int,
    [state] nvarchar(20),
    [region_code] nvarchar(6),
    [standard_ref] nvarchar(40),
    [class_kind] nvarchar(20),
    [class_code] nvarchar(20),
    [source_code] nvarchar(40),
    [authority_id] nvarchar(64),
    [reported_time] datetime2(6),
    [area_code] nvarchar(12),
    [filing_condition_no] int,
    [component_id] nvarchar(32),
    [source_original] nvarchar(60),
    [channel_ticket_no] nvarchar(64),
    [description] nvarchar(max),
    [crs] nvarchar(20),
    [x] float(53),
    [y] float(53),
    [address] nvarchar(400),
    [grid_code] nvarchar(20),
    [duty_grid_code] nvarchar(40),
    [campaign] nvarchar(60),
    [is_self_handled] bit,
    [found_time] datetime2(6),
    [accepted_time] datetime2(6),
    [verified_time] datetime2(6),
    [filed_time] datetime2(6),
    [collector_ref] nvarchar(64),
    [class_original] nvarchar(64),
    [continues_issuer_id] nvarchar(64),
    [continues_case_no] nvarchar(64),
    [written_time] datetime2(6),
    PRIMARY KEY ([issuer_id], [case_no])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'案件上报部分（编号平台 issuer_id 写）', N'SCHEMA', N'dbo', N'TABLE', [x_case]
GO
EXEC sp_addextendedproperty N'MS_Description', N'编号平台标识，如 431221.platform，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [issuer_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'案件编号，由编号平台给出，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [case_no]
GO
EXEC sp_addextendedproperty N'MS_Description', N'版本，自 1 起，每次改动加 1；留空由枢纽代计', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [revision]
GO
EXEC sp_addextendedproperty N'MS_Description', N'状态：reported 上报、verifying 核实、not_accepted 不立案、filed 立案，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [state]
GO
EXEC sp_addextendedproperty N'MS_Description', N'区划代码 6 位（GB/T 2260），必填', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [region_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'代码所属标准，如 GB/T-30428.2-2013，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [standard_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'部件或事件：component 部件、event 事件，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [class_kind]
GO
EXEC sp_addextendedproperty N'MS_Description', N'小类代码，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [class_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'问题来源，如 collector、hotline_12345，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [source_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'派遣机构标识，通常为市级平台，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [authority_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'上报时间，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [reported_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'街道 9 位或社区 12 位代码', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [area_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'立案条件序号，未知为 0', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [filing_condition_no]
GO
EXEC sp_addextendedproperty N'MS_Description', N'部件标识码', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [component_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'本系统的来源名称', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [source_original]
GO
EXEC sp_addextendedproperty N'MS_Description', N'渠道工单号，如 12345 工单号', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [channel_ticket_no]
GO
EXEC sp_addextendedproperty N'MS_Description', N'问题描述，至多 4000 字', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [description]
GO
EXEC sp_addextendedproperty N'MS_Description', N'坐标系：none 无坐标、cgcs2000 国家2000、wgs84 WGS-84、gcj02 国测局加密、bd09 百度、local 地方独立', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [crs]
GO
EXEC sp_addextendedproperty N'MS_Description', N'经度（度），local 时为东坐标（米）', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [x]
GO
EXEC sp_addextendedproperty N'MS_Description', N'纬度（度），local 时为北坐标（米）', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [y]
GO
EXEC sp_addextendedproperty N'MS_Description', N'地址；无坐标时必填', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [address]
GO
EXEC sp_addextendedproperty N'MS_Description', N'单元网格编码', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [grid_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'责任网格编码', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [duty_grid_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'专项普查名称', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [campaign]
GO
EXEC sp_addextendedproperty N'MS_Description', N'是否自行处置', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [is_self_handled]
GO
EXEC sp_addextendedproperty N'MS_Description', N'发现时间', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [found_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'受理时间', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [accepted_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'核实时间', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [verified_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'立案时间', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [filed_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'采集员代号，不写姓名、电话', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [collector_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'本系统原有类别', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [class_original]
GO
EXEC sp_addextendedproperty N'MS_Description', N'所接续案件的编号平台', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [continues_issuer_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'所接续案件的编号', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [continues_case_no]
GO
EXEC sp_addextendedproperty N'MS_Description', N'写入时间：枢纽写的行为写入时刻，对方写的行请留空', N'SCHEMA', N'dbo', N'TABLE', [x_case], N'COLUMN', [written_time]
GO

CREATE TABLE [x_assignment] (
    [issuer_id] nvarchar(64) NOT NULL,
    [case_no] nvarchar(64) NOT NULL,
    [revision] int,
    [state] nvarchar(20),
    [standard_ref] nvarchar(40),
    [class_kind] nvarchar(20),
    [class_code] nvarchar(20),
    [handler_id] nvarchar(64),
    [unit_code] nvarchar(40),
    [unit_name] nvarchar(100),
    [limit_value] int,
    [limit_unit] int,
    [original_deadline_time] datetime2(6),
    [deadline_time] datetime2(6),
    [dispatched_time] datetime2(6),
    [extension_count] int,
    [dispatch_count] int,
    [is_supervised] bit,
    [supervision_deadline_time] datetime2(6),
    [suspended_time] datetime2(6),
    [suspended_until_time] datetime2(6),
    [reason] nvarchar(400),
    [check_levels] int,
    [return_count] int,
    [is_ruled] bit,
    [resumed_deadline_time] datetime2(6),
    [acted_time] datetime2(6),
    [class_original] nvarchar(64),
    [decision_kind] nvarchar(20),
    [decision_request_time] datetime2(6),
    [decision_is_granted] bit,
    [decision_approver_ref] nvarchar(100),
    [decision_second_approver_ref] nvarchar(100),
    [decision_reason] nvarchar(400),
    [duplicate_of_issuer_id] nvarchar(64),
    [duplicate_of_case_no] nvarchar(64),
    [milestones] nvarchar(max),
    [written_time] datetime2(6),
    PRIMARY KEY ([issuer_id], [case_no])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'案件派遣部分（派遣机构 x_case.authority_id 写）', N'SCHEMA', N'dbo', N'TABLE', [x_assignment]
GO
EXEC sp_addextendedproperty N'MS_Description', N'编号平台标识，如 431221.platform，必填', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [issuer_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'案件编号，由编号平台给出，必填', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [case_no]
GO
EXEC sp_addextendedproperty N'MS_Description', N'版本，自 1 起，每次改动加 1；留空由枢纽代计', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [revision]
GO
EXEC sp_addextendedproperty N'MS_Description', N'状态：pending 待派遣、dispatched 已派遣、suspended 挂账、void 作废、sent_back 退回受理、merged 合并，必填', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [state]
GO
EXEC sp_addextendedproperty N'MS_Description', N'代码所属标准，如 GB/T-30428.2-2013，必填', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [standard_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'部件或事件：component 部件、event 事件，必填', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [class_kind]
GO
EXEC sp_addextendedproperty N'MS_Description', N'小类代码，必填', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [class_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'处置平台标识，派遣后必填', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [handler_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'责任单位代码：统一社会信用代码或本系统代码', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [unit_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'责任单位名称', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [unit_name]
GO
EXEC sp_addextendedproperty N'MS_Description', N'时限数值', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [limit_value]
GO
EXEC sp_addextendedproperty N'MS_Description', N'时限单位：1 紧急工作时 2 工作时 3 工作日 4 紧急工作日 5 日', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [limit_unit]
GO
EXEC sp_addextendedproperty N'MS_Description', N'原截止时间', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [original_deadline_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'现截止时间', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [deadline_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'派遣时间', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [dispatched_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'已延期次数', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [extension_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'派遣次数', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [dispatch_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'是否督办（见视图 x_supervise）', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [is_supervised]
GO
EXEC sp_addextendedproperty N'MS_Description', N'督办截止时间', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [supervision_deadline_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'挂账开始时间', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [suspended_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'挂账至', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [suspended_until_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'理由，退单、作废、挂账、核查不通过时必填', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [reason]
GO
EXEC sp_addextendedproperty N'MS_Description', N'核查级数：2 为区、市两级，0 视为 1', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [check_levels]
GO
EXEC sp_addextendedproperty N'MS_Description', N'退单次数', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [return_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'是否已裁定（不得再退单）', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [is_ruled]
GO
EXEC sp_addextendedproperty N'MS_Description', N'挂账期满自动恢复后的截止时间', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [resumed_deadline_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'本次办理时间', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [acted_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'本系统原有类别', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [class_original]
GO
EXEC sp_addextendedproperty N'MS_Description', N'所答复申请的种类：extension 延期、suspension 挂账、appeal 申诉', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [decision_kind]
GO
EXEC sp_addextendedproperty N'MS_Description', N'所答复申请的时间', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [decision_request_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'是否同意', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [decision_is_granted]
GO
EXEC sp_addextendedproperty N'MS_Description', N'审批岗位，不写姓名', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [decision_approver_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'复审岗位，不写姓名', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [decision_second_approver_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'审批理由', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [decision_reason]
GO
EXEC sp_addextendedproperty N'MS_Description', N'合并到的案件的编号平台', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [duplicate_of_issuer_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'合并到的案件的编号', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [duplicate_of_case_no]
GO
EXEC sp_addextendedproperty N'MS_Description', N'JSON 数组，分步时限：[{"name":"围护","deadline_time":微秒,"reached_time":微秒}]', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [milestones]
GO
EXEC sp_addextendedproperty N'MS_Description', N'写入时间：枢纽写的行为写入时刻，对方写的行请留空', N'SCHEMA', N'dbo', N'TABLE', [x_assignment], N'COLUMN', [written_time]
GO

CREATE TABLE [x_handling] (
    [issuer_id] nvarchar(64) NOT NULL,
    [case_no] nvarchar(64) NOT NULL,
    [revision] int,
    [state] nvarchar(20),
    [round] int,
    [local_case_no] nvarchar(64),
    [local_unit_code] nvarchar(40),
    [local_unit_name] nvarchar(100),
    [received_time] datetime2(6),
    [dispatched_on_time] datetime2(6),
    [disposed_time] datetime2(6),
    [close_requested_time] datetime2(6),
    [result] nvarchar(max),
    [reason] nvarchar(400),
    [local_checked_time] datetime2(6),
    [acted_time] datetime2(6),
    [request_kind] nvarchar(20),
    [request_time] datetime2(6),
    [request_reason] nvarchar(400),
    [written_time] datetime2(6),
    PRIMARY KEY ([issuer_id], [case_no])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'案件处置部分（处置平台 x_assignment.handler_id 写）', N'SCHEMA', N'dbo', N'TABLE', [x_handling]
GO
EXEC sp_addextendedproperty N'MS_Description', N'编号平台标识，如 431221.platform，必填', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [issuer_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'案件编号，由编号平台给出，必填', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [case_no]
GO
EXEC sp_addextendedproperty N'MS_Description', N'版本，自 1 起，每次改动加 1；留空由枢纽代计', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [revision]
GO
EXEC sp_addextendedproperty N'MS_Description', N'状态：received 接收、dispatched_on 派发、close_requested 结案申请、returned 退单、close_confirmed 确认结案，必填', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [state]
GO
EXEC sp_addextendedproperty N'MS_Description', N'处置轮次，自 1 起，核查不通过后加 1', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [round]
GO
EXEC sp_addextendedproperty N'MS_Description', N'处置平台自己的案件编号', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [local_case_no]
GO
EXEC sp_addextendedproperty N'MS_Description', N'承办部门代码', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [local_unit_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'承办部门名称', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [local_unit_name]
GO
EXEC sp_addextendedproperty N'MS_Description', N'接收时间', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [received_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'派发到部门的时间', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [dispatched_on_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'处置完成时间', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [disposed_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'结案申请时间，默认以此判定是否及时', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [close_requested_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'处置结果，至多 4000 字', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [result]
GO
EXEC sp_addextendedproperty N'MS_Description', N'理由，退单、作废、挂账、核查不通过时必填', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [reason]
GO
EXEC sp_addextendedproperty N'MS_Description', N'本级（区）核查时间，两级核查时结案申请前必填', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [local_checked_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'本次办理时间', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [acted_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'向派遣机构的申请：extension 延期、suspension 挂账、appeal 申诉', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [request_kind]
GO
EXEC sp_addextendedproperty N'MS_Description', N'申请时间', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [request_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'申请理由', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [request_reason]
GO
EXEC sp_addextendedproperty N'MS_Description', N'写入时间：枢纽写的行为写入时刻，对方写的行请留空', N'SCHEMA', N'dbo', N'TABLE', [x_handling], N'COLUMN', [written_time]
GO

CREATE TABLE [x_verdict] (
    [issuer_id] nvarchar(64) NOT NULL,
    [case_no] nvarchar(64) NOT NULL,
    [revision] int,
    [state] nvarchar(20),
    [round] int,
    [check_sent_time] datetime2(6),
    [check_answered_time] datetime2(6),
    [closed_time] datetime2(6),
    [closing_kind] int,
    [reason] nvarchar(400),
    [satisfaction_score] int,
    [has_satisfaction] bit,
    [acted_time] datetime2(6),
    [appeal_decision_kind] nvarchar(20),
    [appeal_decision_request_time] datetime2(6),
    [appeal_decision_is_granted] bit,
    [appeal_decision_approver_ref] nvarchar(100),
    [appeal_decision_second_approver_ref] nvarchar(100),
    [appeal_decision_reason] nvarchar(400),
    [written_time] datetime2(6),
    PRIMARY KEY ([issuer_id], [case_no])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'案件核查结论（派遣机构 x_case.authority_id 写）', N'SCHEMA', N'dbo', N'TABLE', [x_verdict]
GO
EXEC sp_addextendedproperty N'MS_Description', N'编号平台标识，如 431221.platform，必填', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [issuer_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'案件编号，由编号平台给出，必填', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [case_no]
GO
EXEC sp_addextendedproperty N'MS_Description', N'版本，自 1 起，每次改动加 1；留空由枢纽代计', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [revision]
GO
EXEC sp_addextendedproperty N'MS_Description', N'状态：checking 核查中、failed 核查不通过、closed 结案，必填', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [state]
GO
EXEC sp_addextendedproperty N'MS_Description', N'处置轮次，自 1 起，核查不通过后加 1', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [round]
GO
EXEC sp_addextendedproperty N'MS_Description', N'核查派发时间', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [check_sent_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'核查回复时间', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [check_answered_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'结案时间', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [closed_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'结案类型：1 正常 2 超时 3 差错 4 特殊', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [closing_kind]
GO
EXEC sp_addextendedproperty N'MS_Description', N'理由，退单、作废、挂账、核查不通过时必填', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [reason]
GO
EXEC sp_addextendedproperty N'MS_Description', N'满意度 -100 至 100', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [satisfaction_score]
GO
EXEC sp_addextendedproperty N'MS_Description', N'是否已回访', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [has_satisfaction]
GO
EXEC sp_addextendedproperty N'MS_Description', N'本次办理时间', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [acted_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'申诉结论：所答复申请的种类：extension 延期、suspension 挂账、appeal 申诉', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [appeal_decision_kind]
GO
EXEC sp_addextendedproperty N'MS_Description', N'申诉结论：所答复申请的时间', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [appeal_decision_request_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'申诉结论：是否同意', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [appeal_decision_is_granted]
GO
EXEC sp_addextendedproperty N'MS_Description', N'申诉结论：审批岗位，不写姓名', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [appeal_decision_approver_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'申诉结论：复审岗位，不写姓名', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [appeal_decision_second_approver_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'申诉结论：审批理由', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [appeal_decision_reason]
GO
EXEC sp_addextendedproperty N'MS_Description', N'写入时间：枢纽写的行为写入时刻，对方写的行请留空', N'SCHEMA', N'dbo', N'TABLE', [x_verdict], N'COLUMN', [written_time]
GO

CREATE TABLE [x_case_action] (
    [issuer_id] nvarchar(64) NOT NULL,
    [case_no] nvarchar(64) NOT NULL,
    [action_id] nvarchar(36) NOT NULL,
    [kind] nvarchar(40),
    [platform_id] nvarchar(64),
    [action_time] datetime2(6),
    [actor_ref] nvarchar(100),
    [opinion] nvarchar(max),
    [written_time] datetime2(6),
    PRIMARY KEY ([issuer_id], [case_no], [action_id])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'办理经过，只增不改（经办平台 platform_id 写）', N'SCHEMA', N'dbo', N'TABLE', [x_case_action]
GO
EXEC sp_addextendedproperty N'MS_Description', N'编号平台标识，如 431221.platform，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case_action], N'COLUMN', [issuer_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'案件编号，由编号平台给出，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case_action], N'COLUMN', [case_no]
GO
EXEC sp_addextendedproperty N'MS_Description', N'动作标识，36 位 UUID，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case_action], N'COLUMN', [action_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'动作，如 dispatch、extend、urge，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case_action], N'COLUMN', [kind]
GO
EXEC sp_addextendedproperty N'MS_Description', N'经办平台标识，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case_action], N'COLUMN', [platform_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'动作时间，必填', N'SCHEMA', N'dbo', N'TABLE', [x_case_action], N'COLUMN', [action_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'经办单位或岗位，不写姓名', N'SCHEMA', N'dbo', N'TABLE', [x_case_action], N'COLUMN', [actor_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'意见，至多 1000 字', N'SCHEMA', N'dbo', N'TABLE', [x_case_action], N'COLUMN', [opinion]
GO
EXEC sp_addextendedproperty N'MS_Description', N'写入时间：枢纽写的行为写入时刻，对方写的行请留空', N'SCHEMA', N'dbo', N'TABLE', [x_case_action], N'COLUMN', [written_time]
GO

CREATE TABLE [x_attachment_ref] (
    [issuer_id] nvarchar(64) NOT NULL,
    [case_no] nvarchar(64) NOT NULL,
    [section] nvarchar(20) NOT NULL,
    [digest] nvarchar(64) NOT NULL,
    [kind] nvarchar(20),
    [size_bytes] bigint,
    [media_type] nvarchar(100),
    [captured_time] datetime2(6),
    [written_time] datetime2(6),
    PRIMARY KEY ([issuer_id], [case_no], [section], [digest])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'附件引用，文件内容另行传送（所属部分的填写方写）', N'SCHEMA', N'dbo', N'TABLE', [x_attachment_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'编号平台标识，如 431221.platform，必填', N'SCHEMA', N'dbo', N'TABLE', [x_attachment_ref], N'COLUMN', [issuer_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'案件编号，由编号平台给出，必填', N'SCHEMA', N'dbo', N'TABLE', [x_attachment_ref], N'COLUMN', [case_no]
GO
EXEC sp_addextendedproperty N'MS_Description', N'所属部分：report 上报、handling 处置、verdict 核查结论，必填', N'SCHEMA', N'dbo', N'TABLE', [x_attachment_ref], N'COLUMN', [section]
GO
EXEC sp_addextendedproperty N'MS_Description', N'文件内容的 SHA-256，64 位小写十六进制，必填', N'SCHEMA', N'dbo', N'TABLE', [x_attachment_ref], N'COLUMN', [digest]
GO
EXEC sp_addextendedproperty N'MS_Description', N'种类：before_near 处置前近景、before_far 处置前远景、reference 参照物、after 处置后、check 核查、voice 录音、video 录像、document 文书附件，必填', N'SCHEMA', N'dbo', N'TABLE', [x_attachment_ref], N'COLUMN', [kind]
GO
EXEC sp_addextendedproperty N'MS_Description', N'字节数，必填', N'SCHEMA', N'dbo', N'TABLE', [x_attachment_ref], N'COLUMN', [size_bytes]
GO
EXEC sp_addextendedproperty N'MS_Description', N'媒体类型，如 image/jpeg，必填', N'SCHEMA', N'dbo', N'TABLE', [x_attachment_ref], N'COLUMN', [media_type]
GO
EXEC sp_addextendedproperty N'MS_Description', N'拍摄时间', N'SCHEMA', N'dbo', N'TABLE', [x_attachment_ref], N'COLUMN', [captured_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'写入时间：枢纽写的行为写入时刻，对方写的行请留空', N'SCHEMA', N'dbo', N'TABLE', [x_attachment_ref], N'COLUMN', [written_time]
GO

CREATE TABLE [x_component] (
    [owner_id] nvarchar(64) NOT NULL,
    [component_id] nvarchar(32) NOT NULL,
    [revision] int,
    [standard_ref] nvarchar(40),
    [class_kind] nvarchar(20),
    [class_code] nvarchar(20),
    [name] nvarchar(60),
    [region_code] nvarchar(6),
    [state] nvarchar(20),
    [area_code] nvarchar(12),
    [grid_code] nvarchar(20),
    [crs] nvarchar(20),
    [x] float(53),
    [y] float(53),
    [accuracy_class] nvarchar(1),
    [supervisor_code] nvarchar(40),
    [supervisor_name] nvarchar(100),
    [proprietor_code] nvarchar(40),
    [proprietor_name] nvarchar(100),
    [maintainer_code] nvarchar(40),
    [maintainer_name] nvarchar(100),
    [initial_time] datetime2(6),
    [changed_time] datetime2(6),
    [data_source] nvarchar(60),
    [note] nvarchar(max),
    [id_scheme] nvarchar(40),
    [written_time] datetime2(6),
    PRIMARY KEY ([owner_id], [component_id])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'部件（权属平台 owner_id 写）', N'SCHEMA', N'dbo', N'TABLE', [x_component]
GO
EXEC sp_addextendedproperty N'MS_Description', N'权属平台标识，必填', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [owner_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'部件标识码，必填', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [component_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'版本，自 1 起，每次改动加 1；留空由枢纽代计', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [revision]
GO
EXEC sp_addextendedproperty N'MS_Description', N'代码所属标准，如 GB/T-30428.2-2013，必填', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [standard_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'部件或事件：component 部件、event 事件，必填', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [class_kind]
GO
EXEC sp_addextendedproperty N'MS_Description', N'小类代码，必填', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [class_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'名称，必填', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [name]
GO
EXEC sp_addextendedproperty N'MS_Description', N'区划代码 6 位（GB/T 2260），必填', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [region_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'状态：sound 完好、broken 破损、lost 丢失、abandoned 废弃、removed 移除，必填', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [state]
GO
EXEC sp_addextendedproperty N'MS_Description', N'街道 9 位或社区 12 位代码', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [area_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'单元网格编码', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [grid_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'坐标系：none 无坐标、cgcs2000 国家2000、wgs84 WGS-84、gcj02 国测局加密、bd09 百度、local 地方独立', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [crs]
GO
EXEC sp_addextendedproperty N'MS_Description', N'经度（度），local 时为东坐标（米）', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [x]
GO
EXEC sp_addextendedproperty N'MS_Description', N'纬度（度），local 时为北坐标（米）', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [y]
GO
EXEC sp_addextendedproperty N'MS_Description', N'定位精度 A（0.5 米）B（1 米）C（10 米）', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [accuracy_class]
GO
EXEC sp_addextendedproperty N'MS_Description', N'主管部门代码', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [supervisor_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'主管部门名称', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [supervisor_name]
GO
EXEC sp_addextendedproperty N'MS_Description', N'权属单位代码', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [proprietor_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'权属单位名称', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [proprietor_name]
GO
EXEC sp_addextendedproperty N'MS_Description', N'养护单位代码', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [maintainer_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'养护单位名称', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [maintainer_name]
GO
EXEC sp_addextendedproperty N'MS_Description', N'初始日期', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [initial_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'变更日期', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [changed_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'数据来源', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [data_source]
GO
EXEC sp_addextendedproperty N'MS_Description', N'备注，至多 1000 字', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [note]
GO
EXEC sp_addextendedproperty N'MS_Description', N'标识码编码方式，与所属标准不同时填写', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [id_scheme]
GO
EXEC sp_addextendedproperty N'MS_Description', N'写入时间：枢纽写的行为写入时刻，对方写的行请留空', N'SCHEMA', N'dbo', N'TABLE', [x_component], N'COLUMN', [written_time]
GO

CREATE TABLE [x_figure] (
    [reporter_id] nvarchar(64) NOT NULL,
    [region_code] nvarchar(6) NOT NULL,
    [month] int NOT NULL,
    [unit_code] nvarchar(40) NOT NULL,
    [class_key] nvarchar(64) NOT NULL,
    [source_code] nvarchar(40) NOT NULL,
    [revision] bigint,
    [definition_ref] nvarchar(60),
    [cutoff_time] datetime2(6),
    [total_count] bigint,
    [dispatched_on_count] bigint,
    [done_count] bigint,
    [on_time_count] bigint,
    [suspended_count] bigint,
    [self_handled_count] bigint,
    [void_count] bigint,
    [reworked_count] bigint,
    [reported_count] bigint,
    [written_time] datetime2(6),
    PRIMARY KEY ([reporter_id], [region_code], [month], [unit_code], [class_key], [source_code])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'统计数（枢纽写）', N'SCHEMA', N'dbo', N'TABLE', [x_figure]
GO
EXEC sp_addextendedproperty N'MS_Description', N'出数枢纽标识', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [reporter_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'区划代码 6 位（GB/T 2260）', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [region_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'月份，年×100+月，如 202011', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [month]
GO
EXEC sp_addextendedproperty N'MS_Description', N'责任单位代码，- 为未定', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [unit_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'类别：标准|C 部件或 E 事件|代码，- 为不分', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [class_key]
GO
EXEC sp_addextendedproperty N'MS_Description', N'问题来源，- 为不分', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [source_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'版本，大者为新', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [revision]
GO
EXEC sp_addextendedproperty N'MS_Description', N'统计口径', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [definition_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'统计截至时间', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [cutoff_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'案件总数', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [total_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'派发数', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [dispatched_on_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'完成数', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [done_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'及时完成数', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [on_time_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'挂账数', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [suspended_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'自行处置数', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [self_handled_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'作废数', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [void_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'返工数', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [reworked_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'上报数', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [reported_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'写入时间：枢纽写的行为写入时刻，对方写的行请留空', N'SCHEMA', N'dbo', N'TABLE', [x_figure], N'COLUMN', [written_time]
GO

CREATE TABLE [x_code_list] (
    [standard_ref] nvarchar(40) NOT NULL,
    [class_kind] nvarchar(20) NOT NULL,
    [code] nvarchar(20) NOT NULL,
    [name] nvarchar(100),
    [parent_code] nvarchar(20),
    [is_in_force] bit,
    [written_time] datetime2(6),
    PRIMARY KEY ([standard_ref], [class_kind], [code])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'现行代码表（枢纽写）', N'SCHEMA', N'dbo', N'TABLE', [x_code_list]
GO
EXEC sp_addextendedproperty N'MS_Description', N'代码所属标准，如 GB/T-30428.2-2013', N'SCHEMA', N'dbo', N'TABLE', [x_code_list], N'COLUMN', [standard_ref]
GO
EXEC sp_addextendedproperty N'MS_Description', N'component 部件或 event 事件', N'SCHEMA', N'dbo', N'TABLE', [x_code_list], N'COLUMN', [class_kind]
GO
EXEC sp_addextendedproperty N'MS_Description', N'代码', N'SCHEMA', N'dbo', N'TABLE', [x_code_list], N'COLUMN', [code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'名称', N'SCHEMA', N'dbo', N'TABLE', [x_code_list], N'COLUMN', [name]
GO
EXEC sp_addextendedproperty N'MS_Description', N'上一级代码', N'SCHEMA', N'dbo', N'TABLE', [x_code_list], N'COLUMN', [parent_code]
GO
EXEC sp_addextendedproperty N'MS_Description', N'是否现行', N'SCHEMA', N'dbo', N'TABLE', [x_code_list], N'COLUMN', [is_in_force]
GO
EXEC sp_addextendedproperty N'MS_Description', N'写入时间：枢纽写的行为写入时刻，对方写的行请留空', N'SCHEMA', N'dbo', N'TABLE', [x_code_list], N'COLUMN', [written_time]
GO

CREATE TABLE [x_receipt] (
    [receipt_id] bigint NOT NULL,
    [table_name] nvarchar(64) NOT NULL,
    [row_key] nvarchar(400) NOT NULL,
    [revision] int,
    [state] nvarchar(20),
    [reason] nvarchar(60),
    [field_path] nvarchar(200),
    [message] nvarchar(max),
    [taken_time] datetime2(6),
    [settled_time] datetime2(6),
    PRIMARY KEY ([receipt_id], [table_name], [row_key])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'逐行回执：对方写入的每一行的处理结果（枢纽写）', N'SCHEMA', N'dbo', N'TABLE', [x_receipt]
GO
EXEC sp_addextendedproperty N'MS_Description', N'回执号，逐行递增', N'SCHEMA', N'dbo', N'TABLE', [x_receipt], N'COLUMN', [receipt_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'表名', N'SCHEMA', N'dbo', N'TABLE', [x_receipt], N'COLUMN', [table_name]
GO
EXEC sp_addextendedproperty N'MS_Description', N'该行主键各列，JSON 数组', N'SCHEMA', N'dbo', N'TABLE', [x_receipt], N'COLUMN', [row_key]
GO
EXEC sp_addextendedproperty N'MS_Description', N'该行版本', N'SCHEMA', N'dbo', N'TABLE', [x_receipt], N'COLUMN', [revision]
GO
EXEC sp_addextendedproperty N'MS_Description', N'taken 已收取、applied 已生效、duplicate 重复、refused 未接收', N'SCHEMA', N'dbo', N'TABLE', [x_receipt], N'COLUMN', [state]
GO
EXEC sp_addextendedproperty N'MS_Description', N'未接收原因代码', N'SCHEMA', N'dbo', N'TABLE', [x_receipt], N'COLUMN', [reason]
GO
EXEC sp_addextendedproperty N'MS_Description', N'出错的列，如 x_case.region_code', N'SCHEMA', N'dbo', N'TABLE', [x_receipt], N'COLUMN', [field_path]
GO
EXEC sp_addextendedproperty N'MS_Description', N'未接收原因与处理办法，至多 1000 字', N'SCHEMA', N'dbo', N'TABLE', [x_receipt], N'COLUMN', [message]
GO
EXEC sp_addextendedproperty N'MS_Description', N'收取时间', N'SCHEMA', N'dbo', N'TABLE', [x_receipt], N'COLUMN', [taken_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'生效或拒绝时间', N'SCHEMA', N'dbo', N'TABLE', [x_receipt], N'COLUMN', [settled_time]
GO

CREATE TABLE [x_link] (
    [link_id] nvarchar(64) NOT NULL,
    [hub_id] nvarchar(64),
    [delivered_sequence] bigint,
    [receipt_sequence] bigint,
    [beat_time] datetime2(6),
    [partner_time] datetime2(6),
    [schema_version] int,
    PRIMARY KEY ([link_id])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'链路状态，仅一行（枢纽写，partner_time 除外）', N'SCHEMA', N'dbo', N'TABLE', [x_link]
GO
EXEC sp_addextendedproperty N'MS_Description', N'对方标识', N'SCHEMA', N'dbo', N'TABLE', [x_link], N'COLUMN', [link_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'枢纽标识', N'SCHEMA', N'dbo', N'TABLE', [x_link], N'COLUMN', [hub_id]
GO
EXEC sp_addextendedproperty N'MS_Description', N'枢纽已写入本库的最后序号，与数据同一事务写入，请勿改动', N'SCHEMA', N'dbo', N'TABLE', [x_link], N'COLUMN', [delivered_sequence]
GO
EXEC sp_addextendedproperty N'MS_Description', N'已写回的最后回执号，请勿改动', N'SCHEMA', N'dbo', N'TABLE', [x_link], N'COLUMN', [receipt_sequence]
GO
EXEC sp_addextendedproperty N'MS_Description', N'枢纽心跳时间', N'SCHEMA', N'dbo', N'TABLE', [x_link], N'COLUMN', [beat_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'对方心跳时间，由对方写，可留空', N'SCHEMA', N'dbo', N'TABLE', [x_link], N'COLUMN', [partner_time]
GO
EXEC sp_addextendedproperty N'MS_Description', N'本套表结构的版本', N'SCHEMA', N'dbo', N'TABLE', [x_link], N'COLUMN', [schema_version]
GO

CREATE TABLE [x_reconcile] (
    [day] nvarchar(10) NOT NULL,
    [table_name] nvarchar(40) NOT NULL,
    [direction] nvarchar(4) NOT NULL,
    [hub_count] bigint,
    [hub_hash] nvarchar(32),
    [partner_count] bigint,
    [partner_hash] nvarchar(32),
    [state] nvarchar(20),
    [compared_time] datetime2(6),
    PRIMARY KEY ([day], [table_name], [direction])
)
GO

EXEC sp_addextendedproperty N'MS_Description', N'每日对账（枢纽写）', N'SCHEMA', N'dbo', N'TABLE', [x_reconcile]
GO
EXEC sp_addextendedproperty N'MS_Description', N'日期 YYYY-MM-DD', N'SCHEMA', N'dbo', N'TABLE', [x_reconcile], N'COLUMN', [day]
GO
EXEC sp_addextendedproperty N'MS_Description', N'表名', N'SCHEMA', N'dbo', N'TABLE', [x_reconcile], N'COLUMN', [table_name]
GO
EXEC sp_addextendedproperty N'MS_Description', N'方向：in 对方到枢纽，out 枢纽到对方', N'SCHEMA', N'dbo', N'TABLE', [x_reconcile], N'COLUMN', [direction]
GO
EXEC sp_addextendedproperty N'MS_Description', N'枢纽一方的行数', N'SCHEMA', N'dbo', N'TABLE', [x_reconcile], N'COLUMN', [hub_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'枢纽一方的校验值', N'SCHEMA', N'dbo', N'TABLE', [x_reconcile], N'COLUMN', [hub_hash]
GO
EXEC sp_addextendedproperty N'MS_Description', N'对方的行数', N'SCHEMA', N'dbo', N'TABLE', [x_reconcile], N'COLUMN', [partner_count]
GO
EXEC sp_addextendedproperty N'MS_Description', N'对方的校验值', N'SCHEMA', N'dbo', N'TABLE', [x_reconcile], N'COLUMN', [partner_hash]
GO
EXEC sp_addextendedproperty N'MS_Description', N'对账结果', N'SCHEMA', N'dbo', N'TABLE', [x_reconcile], N'COLUMN', [state]
GO
EXEC sp_addextendedproperty N'MS_Description', N'对账时间', N'SCHEMA', N'dbo', N'TABLE', [x_reconcile], N'COLUMN', [compared_time]
GO

CREATE OR ALTER VIEW [x_supervise] AS
SELECT [issuer_id], [case_no], [handler_id], [unit_code], [unit_name], [deadline_time], [supervision_deadline_time], [revision] FROM [x_assignment] WHERE [is_supervised] = 1
GO

CREATE INDEX [x_receipt_row] ON [x_receipt] ([table_name], [row_key])
GO
