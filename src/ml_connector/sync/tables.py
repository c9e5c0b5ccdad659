"""Installations, backlog, effects, record links and marks: the tables of the engine."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from ml_connector.storage.metadata import metadata
from ml_connector.sync.states import EffectState, RowState

MOMENT = TIMESTAMP(timezone=True)


def _one_of(column: str, states: type[RowState | EffectState]) -> CheckConstraint:
    """Refuse a state that the code does not know."""
    names = ", ".join(f"'{state.value}'" for state in states)
    return CheckConstraint(f"{column} IN ({names})", name=f"{column}_known")


workspace = Table(
    "workspace",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    # prevents two workspaces that a person could not tell apart
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", MOMENT, nullable=False),
)

installation = Table(
    "installation",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("workspace_id", BigInteger, ForeignKey("workspace.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("pair", Text, nullable=False),
    # role to connection id: {"crm": 3, "erp": 4}
    Column("connections", JSONB, nullable=False),
    Column("settings", JSONB, nullable=False),
    # keys of the CRM fields that were provided for it, by our name of each
    Column("own_fields", JSONB, nullable=False, server_default="{}"),
    # what the names in its settings stood for when they were last checked: key by path
    Column("pins", JSONB, nullable=False, server_default="{}"),
    Column("configuration_version", BigInteger, nullable=False),
    Column("is_paused", Boolean, nullable=False, server_default="false"),
    Column("created_at", MOMENT, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
    # prevents two installations of one name in a workspace: files and commands name them
    UniqueConstraint("workspace_id", "name"),
)

configuration_version = Table(
    "configuration_version",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("installation_id", BigInteger, ForeignKey("installation.id"), nullable=False),
    Column("digest", Text, nullable=False),
    Column("document", JSONB, nullable=False),
    Column("who", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
)

installation_flow = Table(
    "installation_flow",
    metadata,
    Column("installation_id", BigInteger, ForeignKey("installation.id"), primary_key=True),
    Column("flow", Text, primary_key=True),
    Column("is_on", Boolean, nullable=False),
    # records whose own moment lies before it are never taken up; null while never switched on
    Column("go_live_at", MOMENT),
    Column("schedule", JSONB, nullable=False),
    Column("next_due_at", MOMENT),
    Column("last_due_at", MOMENT),
    # until a person has confirmed its first match, a flow that has one writes nothing
    Column("matched_at", MOMENT),
    # serves: what is due now
    Index("ix_installation_flow_next_due_at", "next_due_at", postgresql_where="is_on"),
)

backlog = Table(
    "backlog",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    # whose turn it is in the round robin: "installation:3", or "connection:5" for a stream
    Column("owner", Text, nullable=False),
    Column("installation_id", BigInteger),
    Column("connection_id", BigInteger),
    # qualified by its pair: "acumatica_pipedrive.won_deal_to_sales_order"; also the entrypoint
    Column("flow", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("wanted", BigInteger, nullable=False, server_default="1"),
    Column("done", BigInteger, nullable=False, server_default="0"),
    Column("run_no", BigInteger, nullable=False, server_default="0"),
    # fence: raised by every start of the current run
    Column("attempt", Integer, nullable=False, server_default="0"),
    # starts since the last settlement; five mean that the record kills its worker
    Column("starts", SmallInteger, nullable=False, server_default="0"),
    # failures since the last success; spaces the retries
    Column("failures", SmallInteger, nullable=False, server_default="0"),
    Column("state", Text, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("due_at", MOMENT, nullable=False),
    Column("outcome", Text),
    Column("reason", Text),
    Column("waits_for", Text),
    Column("trigger", JSONB, nullable=False),
    # the source's time of change that a finished capture has seen; null while it may still move
    Column("seen_version", Text),
    Column("loop_began_at", MOMENT),
    Column("loop_writes", SmallInteger, nullable=False, server_default="0"),
    Column("is_cancel_wished", Boolean, nullable=False, server_default="false"),
    Column("wanted_at", MOMENT, nullable=False),
    Column("queued_at", MOMENT),
    Column("started_at", MOMENT),
    Column("settled_at", MOMENT),
    # when a row that is done wants another run though nothing may have changed by then
    Column("look_again_at", MOMENT),
    # prevents two rows, and so two runs at once, of one record in one flow
    UniqueConstraint("owner", "flow", "record"),
    _one_of("state", RowState),
    # prevents a settlement from claiming more than was wanted
    CheckConstraint("done <= wanted", name="done_within_wanted"),
    # serves: the feeder, owner by owner, most urgent and oldest first
    Index(
        "ix_backlog_ready",
        "owner",
        "lane",
        "due_at",
        "id",
        postgresql_where="state = 'ready'",
    ),
    # serves: how much of an owner is under way, and the sweep of jobs that are gone
    Index("ix_backlog_under_way", "owner", postgresql_where="state IN ('queued', 'running')"),
    # serves: waking what waited for a cause, and looking again when a hold is due
    Index("ix_backlog_held", "installation_id", "waits_for", postgresql_where="state = 'held'"),
    Index("ix_backlog_held_due", "due_at", postgresql_where="state = 'held'"),
    # serves: rows that are done until a moment comes
    Index(
        "ix_backlog_look_again",
        "look_again_at",
        postgresql_where="state = 'done' AND look_again_at IS NOT NULL",
    ),
    # serves: lists by state
    Index("ix_backlog_workspace_state", "workspace_id", "state", "wanted_at"),
)

effect = Table(
    "effect",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("installation_id", BigInteger, ForeignKey("installation.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("occurrence", Integer, nullable=False),
    Column("state", Text, nullable=False),
    # the run that may act on it
    Column("backlog_id", BigInteger, nullable=False),
    Column("run_no", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    # what the other side carries so that a search finds it again
    Column("reference", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    # database clock: no call of the last intent can be sent after it
    Column("sent_before", MOMENT),
    # how many intents were committed: from the second on, a twin is possible
    Column("sendings", SmallInteger, nullable=False, server_default="0"),
    Column("result", JSONB),
    Column("second_look_at", MOMENT),
    Column("created_at", MOMENT, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
    # prevents a second customer, order or entry for the same cause: the heart of writing once
    UniqueConstraint("installation_id", "kind", "source_key", "occurrence"),
    _one_of("state", EffectState),
    # serves: second looks that are due
    Index(
        "ix_effect_second_look_at",
        "second_look_at",
        postgresql_where="second_look_at IS NOT NULL",
    ),
)

record_link = Table(
    "record_link",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("installation_id", BigInteger, ForeignKey("installation.id"), nullable=False),
    # what is linked: "organization:customer", "deal:sales_order"
    Column("kind", Text, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("occurrence", Integer, nullable=False, server_default="1"),
    Column("target_key", Text, nullable=False),
    Column("target_name", Text),
    Column("target_url", Text),
    # field to value as we last wrote it: a difference to it is somebody else's change
    Column("written", JSONB, nullable=False),
    Column("origin", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
    # prevents one record from having two counterparts
    UniqueConstraint("installation_id", "kind", "source_key", "occurrence"),
    # serves: from the other side back to the source; the key first, so that the planner never
    # takes it for the other way and reads all links of a kind
    Index("ix_record_link_target", "target_key", "installation_id", "kind"),
)

first_match_list = Table(
    "first_match_list",
    metadata,
    Column("installation_id", BigInteger, ForeignKey("installation.id"), primary_key=True),
    Column("flow", Text, primary_key=True),
    # how many surveys were begun, and which was the last that came to its end
    Column("begun", BigInteger, nullable=False),
    Column("finished", BigInteger, nullable=False, server_default="0"),
    Column("surveyed_at", MOMENT),
    Column("confirmed_by", Text),
)

first_match = Table(
    "first_match",
    metadata,
    # in the order in which records were first seen: of two that match one target, the first has it
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("installation_id", BigInteger, ForeignKey("installation.id"), nullable=False),
    Column("flow", Text, nullable=False),
    Column("source_key", Text, nullable=False),
    Column("source_name", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    # of the other side: [{"key": "C000123", "name": "Nordwerk GmbH", "url": null}]
    Column("candidates", JSONB, nullable=False),
    Column("because", Text, nullable=False),
    # the kind of record link that it becomes
    Column("link", Text, nullable=False),
    # the survey that saw it last: what an earlier one saw alone is not on the list any more
    Column("survey", BigInteger, nullable=False),
    # a person's word: "new", "skip", or the key of the target
    Column("decision", Text),
    Column("decided_name", Text),
    # whether the target may belong to several source records
    Column("may_share", Boolean, nullable=False, server_default="false"),
    Column("decided_by", Text),
    Column("decided_at", MOMENT),
    # prevents two decisions about one record
    UniqueConstraint("installation_id", "flow", "source_key"),
)

brake = Table(
    "brake",
    metadata,
    Column("installation_id", BigInteger, ForeignKey("installation.id"), primary_key=True),
    Column("flow", Text, primary_key=True),
    # the kind of record link whose records are changed
    Column("kind", Text, primary_key=True),
    Column("opened_at", MOMENT, nullable=False),
    # how many records were linked when the window was opened: the base of the share
    Column("base", BigInteger, nullable=False),
    # how many records may be changed within the window
    Column("most", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False, server_default="0"),
    # while it is set and not released, no window ends and nothing more passes
    Column("stopped_at", MOMENT),
    Column("released_at", MOMENT),
    Column("released_by", Text),
)

brake_record = Table(
    "brake_record",
    metadata,
    Column("installation_id", BigInteger, primary_key=True),
    Column("flow", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    # the changed record's key: changed twice, it counts once
    Column("record", Text, primary_key=True),
    Column("name", Text),
    Column("state", Text, nullable=False),
    Column("at", MOMENT, nullable=False),
    CheckConstraint("state IN ('passed', 'stopped', 'released')", name="state_known"),
)

high_water_mark = Table(
    "high_water_mark",
    metadata,
    Column("connection_id", BigInteger, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("position", JSONB, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
)

gap_count = Table(
    "gap_count",
    metadata,
    Column("connection_id", BigInteger, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("workspace_id", BigInteger, nullable=False),
    Column("by_poll_first", Integer, nullable=False, server_default="0"),
    Column("by_webhook_first", Integer, nullable=False, server_default="0"),
)

epoch = Table(
    "epoch",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    # database clock; what was sent before it may be unknown to this database
    Column("raised_at", MOMENT, nullable=False),
    Column("backup_age", Interval, nullable=False),
)
