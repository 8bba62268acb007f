"""The ledger."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('case_actions',
    sa.Column('home_region', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('action_id', sa.Uuid(), nullable=False),
    sa.Column('action_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('platform_id', sa.Text(), nullable=False),
    sa.Column('actor_ref', sa.Text(), nullable=False),
    sa.Column('opinion', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('home_region', 'case_id', 'action_id', name=op.f('pk_case_actions'))
    )
    op.create_table('case_sections',
    sa.Column('home_region', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('section', sa.SmallInteger(), nullable=False),
    sa.Column('inbox_id', sa.BigInteger(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('origin_id', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('home_region', 'case_id', 'section', 'inbox_id', name=op.f('pk_case_sections'))
    )
    op.create_table('cases',
    sa.Column('home_region', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('issuer_id', sa.Text(), nullable=False),
    sa.Column('case_no', sa.Text(), nullable=False),
    sa.Column('region', sa.Integer(), nullable=False),
    sa.Column('state', sa.SmallInteger(), nullable=False),
    sa.Column('class_key', sa.Text(), nullable=False),
    sa.Column('source_code', sa.Text(), nullable=False),
    sa.Column('authority_id', sa.Text(), nullable=False),
    sa.Column('handler_id', sa.Text(), nullable=False),
    sa.Column('unit_code', sa.Text(), nullable=False),
    sa.Column('is_self_handled', sa.Boolean(), nullable=False),
    sa.Column('is_supervised', sa.Boolean(), nullable=False),
    sa.Column('extension_count', sa.SmallInteger(), nullable=False),
    sa.Column('rework_count', sa.SmallInteger(), nullable=False),
    sa.Column('reported_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('deadline_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('dispatched_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('dispatched_on_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('close_requested_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('report_state', sa.SmallInteger(), nullable=False),
    sa.Column('assignment_state', sa.SmallInteger(), nullable=False),
    sa.Column('handling_state', sa.SmallInteger(), nullable=False),
    sa.Column('verdict_state', sa.SmallInteger(), nullable=False),
    sa.Column('handling_round', sa.SmallInteger(), nullable=False),
    sa.Column('verdict_round', sa.SmallInteger(), nullable=False),
    sa.Column('report_revision', sa.Integer(), nullable=False),
    sa.Column('assignment_revision', sa.Integer(), nullable=False),
    sa.Column('handling_revision', sa.Integer(), nullable=False),
    sa.Column('verdict_revision', sa.Integer(), nullable=False),
    sa.Column('report_inbox_id', sa.BigInteger(), nullable=False),
    sa.Column('assignment_inbox_id', sa.BigInteger(), nullable=False),
    sa.Column('handling_inbox_id', sa.BigInteger(), nullable=False),
    sa.Column('verdict_inbox_id', sa.BigInteger(), nullable=False),
    sa.Column('crs', sa.SmallInteger(), nullable=False),
    sa.Column('x', sa.Float(), nullable=False),
    sa.Column('y', sa.Float(), nullable=False),
    sa.PrimaryKeyConstraint('home_region', 'case_id', name=op.f('pk_cases')),
    postgresql_with={'fillfactor': '80'}
    )
    op.create_index('ix_cases_region_reported_time', 'cases', ['region', 'reported_time', 'case_id'], unique=False)
    op.create_table('deliveries',
    sa.Column('destination_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('last_sequence', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('first_sequence', sa.BigInteger(), nullable=False),
    sa.Column('accepted_time', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('destination_id', 'last_sequence', name=op.f('pk_deliveries')),
    sa.UniqueConstraint('destination_id', 'first_sequence', name=op.f('uq_deliveries_destination_id_first_sequence'))
    )
    op.create_table('figure_changes',
    sa.Column('region', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('month', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('changed_time', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('region', 'month', name=op.f('pk_figure_changes'))
    )
    op.create_table('figure_deltas',
    sa.Column('region', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('month', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('unit_code', sa.Text(), nullable=False),
    sa.Column('class_key', sa.Text(), nullable=False),
    sa.Column('source_code', sa.Text(), nullable=False),
    sa.Column('total', sa.BigInteger(), nullable=False),
    sa.Column('dispatched_on', sa.BigInteger(), nullable=False),
    sa.Column('done', sa.BigInteger(), nullable=False),
    sa.Column('on_time', sa.BigInteger(), nullable=False),
    sa.Column('suspended', sa.BigInteger(), nullable=False),
    sa.Column('self_handled', sa.BigInteger(), nullable=False),
    sa.Column('void', sa.BigInteger(), nullable=False),
    sa.Column('reworked', sa.BigInteger(), nullable=False),
    sa.Column('reported', sa.BigInteger(), nullable=False)
    )
    op.create_table('figure_sheets',
    sa.Column('region', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('month', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('reporter_id', sa.Text(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('definition_ref', sa.Text(), nullable=False),
    sa.Column('cutoff_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_locked', sa.Boolean(), nullable=False),
    sa.Column('inbox_id', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('region', 'month', 'reporter_id', name=op.f('pk_figure_sheets'))
    )
    op.create_table('figures',
    sa.Column('region', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('month', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('unit_code', sa.Text(), nullable=False),
    sa.Column('class_key', sa.Text(), nullable=False),
    sa.Column('source_code', sa.Text(), nullable=False),
    sa.Column('total', sa.BigInteger(), nullable=False),
    sa.Column('dispatched_on', sa.BigInteger(), nullable=False),
    sa.Column('done', sa.BigInteger(), nullable=False),
    sa.Column('on_time', sa.BigInteger(), nullable=False),
    sa.Column('suspended', sa.BigInteger(), nullable=False),
    sa.Column('self_handled', sa.BigInteger(), nullable=False),
    sa.Column('void', sa.BigInteger(), nullable=False),
    sa.Column('reworked', sa.BigInteger(), nullable=False),
    sa.Column('reported', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('region', 'month', 'unit_code', 'class_key', 'source_code', name=op.f('pk_figures')),
    postgresql_with={'fillfactor': '80'}
    )
    op.create_table('inbox',
    sa.Column('partition', sa.SmallInteger(), nullable=False),
    sa.Column('inbox_id', sa.BigInteger(), nullable=False),
    sa.Column('received_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('stream_id', sa.Integer(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('message_key', sa.Uuid(), nullable=False),
    sa.Column('record_kind', sa.SmallInteger(), nullable=False),
    sa.Column('record_key', sa.Uuid(), nullable=False),
    sa.Column('region', sa.Integer(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('partition', 'inbox_id', name=op.f('pk_inbox')),
    postgresql_partition_by='RANGE (inbox_id)'
    )
    op.create_table('inbox_head',
    sa.Column('is_head', sa.Boolean(), nullable=False),
    sa.Column('last_inbox_id', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('is_head', name=op.f('pk_inbox_head'))
    )
    op.create_table('inbox_keys',
    sa.Column('message_key', sa.Uuid(), nullable=False),
    sa.Column('stream_id', sa.Integer(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('partition', sa.SmallInteger(), nullable=False),
    sa.Column('inbox_id', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('message_key', name=op.f('pk_inbox_keys')),
    sa.UniqueConstraint('stream_id', 'sequence', name=op.f('uq_inbox_keys_stream_id_sequence'))
    )
    op.create_table('invitations',
    sa.Column('code_digest', sa.Text(), nullable=False),
    sa.Column('peer_id', sa.Text(), nullable=False),
    sa.Column('region', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('relation', sa.Text(), nullable=False),
    sa.Column('expires_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_time', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('code_digest', name=op.f('pk_invitations'))
    )
    op.create_table('job_runs',
    sa.Column('run_id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('job', sa.Text(), nullable=False),
    sa.Column('started_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('result', sa.Text(), server_default='', nullable=False),
    sa.Column('trouble', sa.Text(), server_default='', nullable=False),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_job_runs'))
    )
    op.create_index('ix_job_runs_job_started', 'job_runs', ['job', 'started_time'], unique=False)
    op.create_table('leases',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('expires_time', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_leases')),
    postgresql_with={'fillfactor': '50'},
    prefixes=['UNLOGGED']
    )
    op.create_table('links',
    sa.Column('destination_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('cursors', postgresql.ARRAY(sa.BigInteger()), nullable=False),
    sa.Column('last_sequence', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('acked_sequence', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('receipted_sequence', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('failure_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('retry_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('trouble', sa.Text(), server_default='', nullable=False),
    sa.Column('trouble_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('contact_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('clock_skew_ms', sa.BigInteger(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('destination_id', name=op.f('pk_links')),
    postgresql_with={'fillfactor': '50'}
    )
    op.create_table('outbox',
    sa.Column('destination_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('partition', sa.SmallInteger(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('inbox_id', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('destination_id', 'partition', 'position', name=op.f('pk_outbox'))
    )
    op.create_table('parcels',
    sa.Column('destination_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('sequence', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('partition', sa.SmallInteger(), nullable=False),
    sa.Column('inbox_id', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('destination_id', 'sequence', name=op.f('pk_parcels'))
    )
    op.create_index('ix_parcels_inbox', 'parcels', ['partition', 'inbox_id'], unique=False)
    op.create_table('partitions',
    sa.Column('partition', sa.SmallInteger(), autoincrement=False, nullable=False),
    sa.Column('cursor_id', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('partition', name=op.f('pk_partitions')),
    postgresql_with={'fillfactor': '50'}
    )
    op.create_table('peers',
    sa.Column('peer_id', sa.Text(), nullable=False),
    sa.Column('destination_id', sa.Integer(), sa.Identity(always=True), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('region', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('relation', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('thumbprint', sa.Text(), nullable=False),
    sa.Column('certificate_end_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('joined_time', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("kind IN ('hub', 'platform')", name=op.f('ck_peers_kind')),
    sa.CheckConstraint("relation IN ('parent', 'child')", name=op.f('ck_peers_relation')),
    sa.CheckConstraint("state IN ('active', 'blocked')", name=op.f('ck_peers_state')),
    sa.PrimaryKeyConstraint('peer_id', name=op.f('pk_peers')),
    sa.UniqueConstraint('destination_id', name=op.f('uq_peers_destination_id')),
    sa.UniqueConstraint('thumbprint', name=op.f('uq_peers_thumbprint'))
    )
    op.create_table('quarantine',
    sa.Column('quarantine_id', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.Column('stream_id', sa.Integer(), nullable=True),
    sa.Column('destination_id', sa.Integer(), nullable=True),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('inbox_id', sa.BigInteger(), nullable=True),
    sa.Column('peer_id', sa.Text(), nullable=False),
    sa.Column('origin_id', sa.Text(), nullable=False),
    sa.Column('record_key', sa.Uuid(), nullable=True),
    sa.Column('region', sa.Integer(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('field_path', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('message_zh', sa.Text(), nullable=False),
    sa.Column('payload', sa.LargeBinary(), nullable=False),
    sa.Column('created_time', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('resolution', sa.Text(), server_default='open', nullable=False),
    sa.Column('resolved_time', sa.DateTime(timezone=True), nullable=True),
    sa.Column('resolved_by', sa.Text(), nullable=True),
    sa.CheckConstraint("resolution IN ('open', 'replayed', 'discarded')", name=op.f('ck_quarantine_resolution')),
    sa.CheckConstraint("stage IN ('intake', 'apply', 'delivery')", name=op.f('ck_quarantine_stage')),
    sa.PrimaryKeyConstraint('quarantine_id', name=op.f('pk_quarantine'))
    )
    op.create_index('ix_quarantine_record', 'quarantine', ['record_key'], unique=False)
    op.create_index('ix_quarantine_stream', 'quarantine', ['stream_id', 'sequence'], unique=False)
    op.create_table('receipt_exceptions',
    sa.Column('stream_id', sa.Integer(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.SmallInteger(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('field_path', sa.Text(), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('message_zh', sa.Text(), nullable=False),
    sa.Column('settled_time', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('stream_id', 'sequence', name=op.f('pk_receipt_exceptions'))
    )
    op.create_table('receipts',
    sa.Column('partition', sa.SmallInteger(), nullable=False),
    sa.Column('last_inbox_id', sa.BigInteger(), nullable=False),
    sa.Column('first_inbox_id', sa.BigInteger(), nullable=False),
    sa.Column('settled_time', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('partition', 'last_inbox_id', name=op.f('pk_receipts'))
    )
    op.create_table('sheet_cells',
    sa.Column('reporter_id', sa.Text(), nullable=False),
    sa.Column('region', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('month', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('unit_code', sa.Text(), nullable=False),
    sa.Column('class_key', sa.Text(), nullable=False),
    sa.Column('source_code', sa.Text(), nullable=False),
    sa.Column('total', sa.BigInteger(), nullable=False),
    sa.Column('dispatched_on', sa.BigInteger(), nullable=False),
    sa.Column('done', sa.BigInteger(), nullable=False),
    sa.Column('on_time', sa.BigInteger(), nullable=False),
    sa.Column('suspended', sa.BigInteger(), nullable=False),
    sa.Column('self_handled', sa.BigInteger(), nullable=False),
    sa.Column('void', sa.BigInteger(), nullable=False),
    sa.Column('reworked', sa.BigInteger(), nullable=False),
    sa.Column('reported', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('reporter_id', 'region', 'month', 'unit_code', 'class_key', 'source_code', name=op.f('pk_sheet_cells'))
    )
    op.create_table('streams',
    sa.Column('stream_id', sa.Integer(), sa.Identity(always=True), nullable=False),
    sa.Column('sender_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('last_sequence', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('accepted_count', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('refused_count', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('duplicate_count', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('last_time', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('stream_id', name=op.f('pk_streams')),
    sa.UniqueConstraint('sender_id', 'name', name=op.f('uq_streams_sender_id_name')),
    postgresql_with={'fillfactor': '50'}
    )
    op.create_table('wakeups',
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('is_sleeping', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('channel', name=op.f('pk_wakeups')),
    postgresql_with={'fillfactor': '50'},
    prefixes=['UNLOGGED']
    )
    op.execute("CREATE TABLE inbox_default PARTITION OF inbox DEFAULT")
    op.execute("INSERT INTO inbox_head (is_head, last_inbox_id) VALUES (true, 0)")
    op.execute("INSERT INTO partitions (partition, cursor_id) SELECT p, 0 FROM generate_series(0, 63) p")
    op.execute("INSERT INTO wakeups (channel, is_sleeping) VALUES ('inbox', false), ('outbox', false),"
               " ('settled', false), ('peers', false)")


def downgrade() -> None:
    op.drop_table('wakeups')
    op.drop_table('streams')
    op.drop_table('sheet_cells')
    op.drop_table('receipts')
    op.drop_table('receipt_exceptions')
    op.drop_index('ix_quarantine_stream', table_name='quarantine')
    op.drop_index('ix_quarantine_record', table_name='quarantine')
    op.drop_table('quarantine')
    op.drop_table('peers')
    op.drop_table('partitions')
    op.drop_index('ix_parcels_inbox', table_name='parcels')
    op.drop_table('parcels')
    op.drop_table('outbox')
    op.drop_table('links')
    op.drop_table('leases')
    op.drop_index('ix_job_runs_job_started', table_name='job_runs')
    op.drop_table('job_runs')
    op.drop_table('invitations')
    op.drop_table('inbox_keys')
    op.drop_table('inbox_head')
    op.drop_table('inbox')
    op.drop_table('figures')
    op.drop_table('figure_sheets')
    op.drop_table('figure_deltas')
    op.drop_table('figure_changes')
    op.drop_table('deliveries')
    op.drop_index('ix_cases_region_reported_time', table_name='cases')
    op.drop_table('cases')
    op.drop_table('case_sections')
    op.drop_table('case_actions')
