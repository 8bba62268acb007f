-- 一个案件从上报到申请结案，只用普通 SQL。说明见 docs/intermediate-database.md。
-- 执行：psql -v ON_ERROR_STOP=1 -d exchange -f docs/examples/intermediate-postgresql.sql
SET client_encoding = 'UTF8';
BEGIN;
-- 1. 上报：本平台是编号平台（issuer_id），写 x_case。
INSERT INTO x_case (issuer_id, case_no, state, region_code, standard_ref, class_kind, class_code, source_code,
                    authority_id, reported_time, description, address)
VALUES ('431221.platform', '2020-0001', 'reported', '431221', 'GB/T-30428.2-2013', 'event', '0203', 'collector',
        '431200.platform', '2020-11-20 09:00:00+08', '人行道上有暴露垃圾', '中方县芙蓉路12号');
-- 2. 办理经过：只增不改；动作标识为 UUID。
INSERT INTO x_case_action (issuer_id, case_no, action_id, kind, platform_id, action_time, actor_ref, opinion)
VALUES ('431221.platform', '2020-0001', '6f1d3c52-2b7e-4f0a-9a53-0d2f5f1b7c01', 'report', '431221.platform',
        '2020-11-20 09:00:00+08', '采集一组', '已拍照');
COMMIT;

-- 3. 改动：直接改行。revision 留空时由枢纽代计版本。
UPDATE x_case SET state = 'filed', accepted_time = '2020-11-20 09:05:00+08', filed_time = '2020-11-20 09:10:00+08'
WHERE issuer_id = '431221.platform' AND case_no = '2020-0001';

-- 4. 派给本平台的案件：枢纽写 x_assignment，本平台读。
SELECT a.issuer_id, a.case_no, c.description, a.unit_name, a.deadline_time
FROM x_assignment a JOIN x_case c ON c.issuer_id = a.issuer_id AND c.case_no = a.case_no
WHERE a.handler_id = '431221.platform' AND a.state = 'dispatched' ORDER BY a.deadline_time;

-- 5. 处置：本平台是处置平台（handler_id），写 x_handling，一案一行，逐步改动。
INSERT INTO x_handling (issuer_id, case_no, state, round, local_case_no, received_time)
VALUES ('431221.platform', '2020-0001', 'received', 1, 'ZF-77', '2020-11-20 10:00:00+08');
UPDATE x_handling SET state = 'close_requested', disposed_time = '2020-11-20 15:00:00+08',
                      close_requested_time = '2020-11-20 15:10:00+08', result = '垃圾已清运'
WHERE issuer_id = '431221.platform' AND case_no = '2020-0001';

-- 6. 回执：哪一行没有被接收，为什么，怎么办。
SELECT receipt_id, table_name, row_key, reason, field_path, message
FROM x_receipt WHERE state = 'refused' ORDER BY receipt_id DESC;
