"""Evaluation: what units and regions are scored by, the runs that scored them, objections, and records that travel.

Numbers that people give are kept as exact text: an integer, a decimal or ``n/d``.
"""

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, Date, Index, Integer, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from exchange_db.tables.base import METADATA, TIME

#: Runs; ``content`` is the whole run as JSON, so that it can be repeated without anything else. A period's runs of a
#: scheme are revisions, and the highest one counts.
score_runs = Table(
    "score_runs",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("scheme_id", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("run_id", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("scheme_version", Integer, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("scheme_digest", Text, nullable=False),
    Column("input_digest", Text, nullable=False),
    Column("result_digest", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_time", TIME, nullable=False),
    CheckConstraint("kind IN ('composite', 'tree')", name="kind"),
)

#: Which group (A or B list) a unit is ranked in, from a day up to and with another.
unit_groups = Table(
    "unit_groups",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("unit_code", Text, primary_key=True),
    Column("first_day", Date, primary_key=True),
    Column("last_day", Date),
    Column("group_code", Text, nullable=False),
    Column("unit_name", Text, nullable=False),
    Column("noted_by", Text, nullable=False),
    Column("noted_time", TIME, nullable=False),
)

#: What a person gave: the score of a part or indicator, or an entry of the list. Rows are never changed but for the
#: decision about them; of several scores of one entry the last given counts, entries of the list add up.
given_inputs = Table(
    "given_inputs",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("input_id", Uuid, primary_key=True),
    Column("scheme_id", Text, nullable=False),
    Column("entry_id", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("given_by", Text, nullable=False),
    Column("given_time", TIME, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_time", TIME),
    Index("ix_given_inputs_day", "region", "scheme_id", "day"),
    CheckConstraint("kind IN ('score', 'item')", name="kind"),
    CheckConstraint("state IN ('proposed', 'approved', 'refused')", name="state"),
)

#: Places that can be inspected.
inspection_places = Table(
    "inspection_places",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("place_id", Text, primary_key=True),
    Column("unit_code", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
)

#: A round of inspections, a week of units or the survey of a year. ``places`` and ``commitment`` are fixed when it is
#: opened, ``spots`` when it is drawn; the seed is shown afterwards only.
inspection_rounds = Table(
    "inspection_rounds",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("scheme_id", Text, primary_key=True),
    Column("round_id", Text, primary_key=True),
    Column("day", Date, nullable=False),
    Column("plan", JSON, nullable=False),
    Column("places", LargeBinary, nullable=False),
    Column("commitment", Text, nullable=False),
    Column("seed", LargeBinary, nullable=False),
    Column("spots", LargeBinary),
    Column("opened_by", Text, nullable=False),
    Column("opened_time", TIME, nullable=False),
    Column("drawn_time", TIME),
    Column("revealed_time", TIME),
    Index("ix_inspection_rounds_day", "region", "scheme_id", "day"),
)

#: What was found at a spot; a later revision takes the place of an earlier one, which stays.
inspection_results = Table(
    "inspection_results",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("scheme_id", Text, primary_key=True),
    Column("round_id", Text, primary_key=True),
    Column("place_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("score", Text, nullable=False),
    Column("photos", ARRAY(Text), nullable=False),
    Column("note", Text, nullable=False),
    Column("inspected_by", Text, nullable=False),
    Column("inspected_time", TIME, nullable=False),
)

#: Surveys; ``definition`` is JSON of ``hub.evaluation.surveys``. ``salt`` keys the digests of respondents.
surveys = Table(
    "surveys",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("survey_id", Text, primary_key=True),
    Column("scheme_id", Text, nullable=False),
    Column("entry_id", Text, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("definition", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_time", TIME, nullable=False),
    Column("closed_time", TIME),
    Index("ix_surveys_entry", "region", "scheme_id", "entry_id"),
)

#: Anonymous answers: the digest says that somebody answered once, and not who.
survey_answers = Table(
    "survey_answers",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("survey_id", Text, primary_key=True),
    Column("respondent_digest", LargeBinary, primary_key=True),
    Column("unit_code", Text, nullable=False),
    Column("answers", JSONB, nullable=False),
    Column("channel", Text, nullable=False),
    Column("day", Date, nullable=False),
)

#: A unit's objection to a part of its score, and the ruling. ``ruled_value`` takes the place of the disputed value.
objections = Table(
    "objections",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("objection_id", Uuid, primary_key=True),
    Column("scheme_id", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("entry_id", Text, nullable=False),
    Column("grounds", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_time", TIME, nullable=False),
    Column("state", Text, nullable=False),
    Column("ruled_value", Text, nullable=False),
    Column("ruling", Text, nullable=False),
    Column("ruled_by", Text, nullable=False),
    Column("ruled_time", TIME),
    Index("ix_objections_run", "region", "scheme_id", "period"),
    CheckConstraint("state IN ('open', 'upheld', 'rejected')", name="state"),
)

#: Evaluation data of other hubs, and what this hub sent: the last revision of each.
evaluation_records = Table(
    "evaluation_records",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("reporter_id", Text, primary_key=True),
    Column("kind", Integer, primary_key=True, autoincrement=False),
    Column("scheme_id", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("scheme_version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("inbox_id", BigInteger, nullable=False),
)

#: Runs that are to be sent on as records; a job does it.
evaluation_sendings = Table(
    "evaluation_sendings",
    METADATA,
    Column("region", Integer, primary_key=True, autoincrement=False),
    Column("kind", Integer, primary_key=True, autoincrement=False),
    Column("scheme_id", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_time", TIME, nullable=False),
    Column("sent_time", TIME),
)
