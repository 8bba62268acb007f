"""Evaluation: inputs, inspections, surveys, score runs, objections, and records that travel."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "score_runs",
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("scheme_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scheme_version", sa.Integer(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("scheme_digest", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.Text(), nullable=False),
        sa.Column("result_digest", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_time", _TIME, nullable=False),
        sa.CheckConstraint("kind IN ('composite', 'tree')", name=op.f("ck_score_runs_kind")),
        sa.PrimaryKeyConstraint("region", "scheme_id", "period", "revision", name=op.f("pk_score_runs")),
    )
    op.create_index("ix_score_runs_run_id", "score_runs", ["run_id"])
    op.create_table(
        "unit_groups",
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("group_code", sa.Text(), nullable=False),
        sa.Column("unit_name", sa.Text(), nullable=False),
        sa.Column("noted_by", sa.Text(), nullable=False),
        sa.Column("noted_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("region", "unit_code", "first_day", name=op.f("pk_unit_groups")),
    )
    op.create_table(
        "given_inputs",
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("input_id", sa.Uuid(), nullable=False),
        sa.Column("scheme_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_time", _TIME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_time", _TIME, nullable=True),
        sa.CheckConstraint("kind IN ('score', 'item')", name=op.f("ck_given_inputs_kind")),
        sa.CheckConstraint("state IN ('proposed', 'approved', 'refused')", name=op.f("ck_given_inputs_state")),
        sa.PrimaryKeyConstraint("region", "input_id", name=op.f("pk_given_inputs")),
    )
    op.create_index("ix_given_inputs_day", "given_inputs", ["region", "scheme_id", "day"])
    op.create_table(
        "inspection_places",
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("region", "place_id", name=op.f("pk_inspection_places")),
    )
    op.create_table(
        "inspection_rounds",
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("scheme_id", sa.Text(), nullable=False),
        sa.Column("round_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("places", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("spots", sa.LargeBinary(), nullable=True),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("opened_time", _TIME, nullable=False),
        sa.Column("drawn_time", _TIME, nullable=True),
        sa.Column("revealed_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("region", "scheme_id", "round_id", name=op.f("pk_inspection_rounds")),
    )
    op.create_index("ix_inspection_rounds_day", "inspection_rounds", ["region", "scheme_id", "day"])
    op.create_table(
        "inspection_results",
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("scheme_id", sa.Text(), nullable=False),
        sa.Column("round_id", sa.Text(), nullable=False),
        sa.Column("place_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("score", sa.Text(), nullable=False),
        sa.Column("photos", ARRAY(sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("inspected_by", sa.Text(), nullable=False),
        sa.Column("inspected_time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("region", "scheme_id", "round_id", "place_id", "revision", name=op.f("pk_inspection_results")),
    )
    op.create_table(
        "surveys",
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("survey_id", sa.Text(), nullable=False),
        sa.Column("scheme_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("definition", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_time", _TIME, nullable=False),
        sa.Column("closed_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("region", "survey_id", name=op.f("pk_surveys")),
    )
    op.create_index("ix_surveys_entry", "surveys", ["region", "scheme_id", "entry_id"])
    op.create_table(
        "survey_answers",
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("survey_id", sa.Text(), nullable=False),
        sa.Column("respondent_digest", sa.LargeBinary(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("answers", JSONB(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("region", "survey_id", "respondent_digest", name=op.f("pk_survey_answers")),
    )
    op.create_table(
        "objections",
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("objection_id", sa.Uuid(), nullable=False),
        sa.Column("scheme_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_time", _TIME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ruled_value", sa.Text(), nullable=False),
        sa.Column("ruling", sa.Text(), nullable=False),
        sa.Column("ruled_by", sa.Text(), nullable=False),
        sa.Column("ruled_time", _TIME, nullable=True),
        sa.CheckConstraint("state IN ('open', 'upheld', 'rejected')", name=op.f("ck_objections_state")),
        sa.PrimaryKeyConstraint("region", "objection_id", name=op.f("pk_objections")),
    )
    op.create_index("ix_objections_run", "objections", ["region", "scheme_id", "period"])
    op.create_table(
        "evaluation_records",
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("reporter_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("scheme_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("scheme_version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("region", "reporter_id", "kind", "scheme_id", "period", name=op.f("pk_evaluation_records")),
    )
    op.create_table(
        "evaluation_sendings",
        sa.Column("region", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("scheme_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_time", _TIME, nullable=False),
        sa.Column("sent_time", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("region", "kind", "scheme_id", "period", "revision", name=op.f("pk_evaluation_sendings")),
    )


def downgrade() -> None:
    op.drop_table("evaluation_sendings")
    op.drop_table("evaluation_records")
    op.drop_table("objections")
    op.drop_table("survey_answers")
    op.drop_table("surveys")
    op.drop_table("inspection_results")
    op.drop_table("inspection_rounds")
    op.drop_table("inspection_places")
    op.drop_table("given_inputs")
    op.drop_table("unit_groups")
    op.drop_table("score_runs")
