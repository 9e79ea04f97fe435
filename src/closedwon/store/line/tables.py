"""Tables of the line. The schema is the referee: uniqueness and states are checked here (G1)."""

from sqlite_utils import Database

from closedwon.store.migrations import create, migrations

TABLES = """
create table org_pin (
  only_one integer primary key check (only_one = 1),
  org_id text not null,
  pinned_at text not null
) strict;
create table watermark (
  object_name text primary key,
  started_at text not null,
  until text not null,
  check (started_at <= until)
) strict;
create table crm_record (
  object_name text not null,
  id text not null,
  modstamp text not null,
  deleted integer not null check (deleted in (0, 1)),
  hash text not null,
  seen_at text not null,
  primary key (object_name, id)
) strict;
create table deal (
  opportunity_id text primary key check (length(opportunity_id) = 18),
  name text not null default '',
  outcome text not null default 'waiting'
    check (outcome in ('waiting', 'provisioned', 'parked', 'excluded')),
  waits_for text check (waits_for in ('assemble', 'map', 'plan', 'apply')),
  reason text not null default '',
  marks integer not null default 0,
  reads integer not null default 0,
  forced integer not null default 0 check (forced in (0, 1)),
  fingerprint text,
  content text,
  read_at text,
  mapping_version text,
  terms text,
  kind text check (kind in ('new', 'amendment', 'renewal')),
  account_id text,
  customer_id text,
  contract_id text,
  follows text,
  provisioned_at text,
  seen_at text not null,
  marked_at text not null,
  changed_at text not null,
  check (outcome != 'waiting' or waits_for is not null),
  check (outcome != 'provisioned' or (contract_id is not null and provisioned_at is not null))
) strict;
create index deal_waiting on deal (waits_for, marked_at) where waits_for is not null;
create unique index deal_contract on deal (contract_id)
  where kind in ('new', 'renewal') and provisioned_at is not null;
create index deal_follows on deal (follows) where follows is not null;
create table parked (
  id integer primary key,
  step text not null,
  subject text not null,
  opportunity_id text,
  code text not null,
  record_id text not null,
  field text not null,
  place text not null,
  message text not null,
  fix text not null,
  attempts integer not null check (attempts > 0),
  first_seen_at text not null,
  last_seen_at text not null,
  retry_at text,
  released_at text,
  released_by text,
  resolved_at text
) strict;
create unique index parked_open on parked (subject, step, code, record_id, field, place)
  where resolved_at is null;
create index parked_of_deal on parked (opportunity_id);
create table plan (
  digest text primary key,
  opportunity_id text not null,
  content text not null,
  state text not null check (state in ('open', 'held', 'released', 'applied', 'superseded')),
  created_at text not null,
  released_at text,
  released_by text,
  applied_at text
) strict;
create unique index plan_live on plan (opportunity_id)
  where state in ('open', 'held', 'released');
create table push_row (
  key text primary key,
  object_name text not null,
  position integer not null,
  opportunity_id text,
  content text not null,
  extra text not null,
  wanted_hash text not null,
  wanted_at text not null,
  pushed_hash text,
  pushed_at text,
  record_id text,
  attempts integer not null default 0,
  parked integer not null default 0 check (parked in (0, 1))
) strict;
create index push_waiting on push_row (position, key)
  where pushed_hash is null or pushed_hash != wanted_hash;
create table intent (
  key text primary key,
  request_hash text not null,
  state text not null check (state in ('sent', 'unknown', 'done', 'refused')),
  sent_at text not null,
  settled_at text
) strict;
create table backfill (
  id integer primary key,
  since text not null,
  until text not null,
  started_at text not null,
  listed integer,
  finished_at text
) strict;
create table run_log (
  id integer primary key,
  step text not null,
  at text not null,
  done integer not null,
  unchanged integer not null,
  parked integer not null,
  waiting integer not null,
  notes text not null,
  error text not null
) strict;
create index run_log_step on run_log (step, id);
"""


@migrations()
def m020_line_tables(db: Database) -> None:
    """First schema of the line."""
    create(db, *(statement for statement in TABLES.split(";") if statement.strip()))
