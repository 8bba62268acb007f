"""Platforms that sign people on through this hub: who they are, what they were given, and the keys it signs with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('signing_keys',
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('algorithm', sa.Text(), nullable=False),
    sa.Column('public_jwk', sa.Text(), nullable=False),
    sa.Column('wrapped', sa.LargeBinary(), nullable=False),
    sa.Column('use_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('end_time', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('key_id', name=op.f('pk_signing_keys'))
    )
    op.create_table('sign_on_clients',
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('platform_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('auth_method', sa.Text(), nullable=False),
    sa.Column('secret_digest', sa.LargeBinary(), nullable=True),
    sa.Column('jwks', sa.Text(), server_default='[]', nullable=False),
    sa.Column('thumbprint', sa.Text(), server_default='', nullable=False),
    sa.Column('redirect_uris', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('post_logout_uris', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('logout_uri', sa.Text(), server_default='', nullable=False),
    sa.Column('cas_services', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('roles', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('region', sa.Integer(), nullable=False),
    sa.Column('algorithm', sa.Text(), server_default='ES256', nullable=False),
    sa.Column('needs_pushed', sa.Boolean(), server_default='false', nullable=False),
    sa.Column('audiences', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('made_time', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("auth_method IN ('private_key_jwt', 'client_secret_basic', 'client_secret_post', 'tls_client_auth', 'none')", name=op.f('ck_sign_on_clients_auth_method')),
    sa.PrimaryKeyConstraint('client_id', name=op.f('pk_sign_on_clients'))
    )
    op.create_table('sign_on_requests',
    sa.Column('request_digest', sa.LargeBinary(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('parameters', sa.Text(), nullable=False),
    sa.Column('made_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('end_time', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['sign_on_clients.client_id'], name=op.f('fk_sign_on_requests_client_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('request_digest', name=op.f('pk_sign_on_requests'))
    )
    op.create_table('sign_on_grants',
    sa.Column('grant_id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('identity', sa.Text(), nullable=False),
    sa.Column('made_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('end_time', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['client_id'], ['sign_on_clients.client_id'], name=op.f('fk_sign_on_grants_client_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('grant_id', name=op.f('pk_sign_on_grants'))
    )
    op.create_index(op.f('ix_sign_on_grants_session_id'), 'sign_on_grants', ['session_id'], unique=False)
    op.create_table('sign_on_codes',
    sa.Column('code_digest', sa.LargeBinary(), nullable=False),
    sa.Column('grant_id', sa.Uuid(), nullable=False),
    sa.Column('redirect_uri', sa.Text(), nullable=False),
    sa.Column('challenge', sa.Text(), nullable=False),
    sa.Column('nonce', sa.Text(), nullable=False),
    sa.Column('end_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_time', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['grant_id'], ['sign_on_grants.grant_id'], name=op.f('fk_sign_on_codes_grant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('code_digest', name=op.f('pk_sign_on_codes'))
    )
    op.create_index(op.f('ix_sign_on_codes_grant_id'), 'sign_on_codes', ['grant_id'], unique=False)
    op.create_table('sign_on_tokens',
    sa.Column('token_digest', sa.LargeBinary(), nullable=False),
    sa.Column('grant_id', sa.Uuid(), nullable=True),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('audience', sa.Text(), nullable=False),
    sa.Column('thumbprint', sa.Text(), server_default='', nullable=False),
    sa.Column('made_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('end_time', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['grant_id'], ['sign_on_grants.grant_id'], name=op.f('fk_sign_on_tokens_grant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_digest', name=op.f('pk_sign_on_tokens'))
    )
    op.create_index(op.f('ix_sign_on_tokens_grant_id'), 'sign_on_tokens', ['grant_id'], unique=False)
    op.create_table('used_tokens',
    sa.Column('replay_key', sa.LargeBinary(), nullable=False),
    sa.Column('end_time', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('replay_key', name=op.f('pk_used_tokens'))
    )
    op.create_table('cas_tickets',
    sa.Column('ticket_digest', sa.LargeBinary(), nullable=False),
    sa.Column('ticket', sa.Text(), server_default='', nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('service', sa.Text(), nullable=False),
    sa.Column('identity', sa.Text(), nullable=False),
    sa.Column('is_renewed', sa.Boolean(), nullable=False),
    sa.Column('end_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_time', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['client_id'], ['sign_on_clients.client_id'], name=op.f('fk_cas_tickets_client_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('ticket_digest', name=op.f('pk_cas_tickets'))
    )
    op.create_index(op.f('ix_cas_tickets_session_id'), 'cas_tickets', ['session_id'], unique=False)
    op.create_table('sign_on_logouts',
    sa.Column('logout_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('ticket', sa.Text(), nullable=False),
    sa.Column('next_time', sa.DateTime(timezone=True), nullable=False),
    sa.Column('try_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('end_time', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['client_id'], ['sign_on_clients.client_id'], name=op.f('fk_sign_on_logouts_client_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('logout_id', name=op.f('pk_sign_on_logouts'))
    )
    op.create_index('ix_sign_on_logouts_next_time', 'sign_on_logouts', ['next_time'], unique=False)
    op.create_table('token_issuers',
    sa.Column('issuer', sa.Text(), nullable=False),
    sa.Column('platform_id', sa.Text(), nullable=False),
    sa.Column('algorithm', sa.Text(), nullable=False),
    sa.Column('jwks', sa.Text(), nullable=False),
    sa.Column('made_time', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('issuer', name=op.f('pk_token_issuers')),
    sa.UniqueConstraint('platform_id', name=op.f('uq_token_issuers_platform_id'))
    )


def downgrade() -> None:
    op.drop_table("token_issuers")
    op.drop_table("sign_on_logouts")
    op.drop_table("cas_tickets")
    op.drop_table("used_tokens")
    op.drop_table("sign_on_tokens")
    op.drop_table("sign_on_codes")
    op.drop_table("sign_on_grants")
    op.drop_table("sign_on_requests")
    op.drop_table("sign_on_clients")
    op.drop_table("signing_keys")
