-- 数字政通一类系统的库表示意（MariaDB / MySQL），仅供演示和测试；实际库表由厂商提供。
-- Tables as a system of the eGova kind may have them, for trials and tests only; the real ones are the vendor's.
CREATE TABLE tb_case (
    task_num    varchar(40) NOT NULL PRIMARY KEY COMMENT '任务号',
    state_id    int         NOT NULL COMMENT '案卷状态',
    src_id      int         NOT NULL COMMENT '问题来源编号',
    src_name    varchar(40)          COMMENT '问题来源',
    type_name   varchar(20)          COMMENT '问题类型：部件、事件',
    main_type   varchar(40)          COMMENT '大类',
    sub_type    varchar(40)          COMMENT '小类',
    event_desc  varchar(1000)        COMMENT '问题描述',
    coord_x     decimal(12, 7)       COMMENT '经度',
    coord_y     decimal(12, 7)       COMMENT '纬度',
    address     varchar(200)         COMMENT '地址描述',
    cell_code   varchar(20)          COMMENT '单元网格',
    report_time datetime    NOT NULL COMMENT '上报时间',
    inst_time   datetime             COMMENT '立案时间',
    update_time datetime    NOT NULL COMMENT '更新时间'
) DEFAULT CHARACTER SET gbk;

CREATE TABLE tb_task_in (
    issuer         varchar(64) NOT NULL COMMENT '编号方',
    task_num       varchar(64) NOT NULL COMMENT '市级任务号',
    version        int         NOT NULL COMMENT '版本',
    task_state     varchar(10) NOT NULL COMMENT '任务状态',
    class_standard varchar(40)          COMMENT '类别标准',
    class_code     varchar(20)          COMMENT '类别代码',
    unit_name      varchar(100)         COMMENT '处置部门',
    deadline       datetime             COMMENT '处置截止时间',
    dispatch_time  datetime             COMMENT '派遣时间',
    is_supervised  tinyint              COMMENT '是否督办',
    remark         varchar(400)         COMMENT '说明',
    PRIMARY KEY (issuer, task_num)
) DEFAULT CHARACTER SET gbk;

CREATE TABLE tb_task_reply (
    task_num      varchar(64) NOT NULL PRIMARY KEY COMMENT '市级任务号',
    reply_no      int         NOT NULL COMMENT '回复次数',
    reply_state   varchar(10) NOT NULL COMMENT '接收、派发、办结、退回、确认',
    round_no      int                  COMMENT '处置轮次',
    local_num     varchar(40)          COMMENT '本地任务号',
    unit_name     varchar(100)         COMMENT '处置部门',
    receive_time  datetime             COMMENT '接收时间',
    dispatch_time datetime             COMMENT '派发时间',
    finish_time   datetime             COMMENT '完成时间',
    result        varchar(1000)        COMMENT '处置结果',
    reason        varchar(400)         COMMENT '退回原因'
) DEFAULT CHARACTER SET gbk;
