//! The tables, as numbered steps forward. A database from a newer version is refused.

use crate::store::StoreError;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Row};

/// Step n brings version n to n + 1. Never edited after a release; a change is a new step.
const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5];

/// "h111", in `PRAGMA application_id`: so that another program's database is not taken for ours.
const APPLICATION: i64 = 0x6831_3131;

/// Holds and transfers.
const VERSION_2: &str = "
ALTER TABLE calls ADD COLUMN holds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN held_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN transfers INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN transfers_failed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE calls ADD COLUMN transferred_to TEXT;
ALTER TABLE calls ADD COLUMN outside_ms INTEGER NOT NULL DEFAULT 0;
";

const VERSION_1: &str = "
CREATE TABLE settings (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the journal has been made into rows; written in the rows' own transaction.
CREATE TABLE projection (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    journal INTEGER NOT NULL,
    next INTEGER NOT NULL
) STRICT;

-- What happened, as it was stated. No caller's number stands here.
CREATE TABLE facts (
    journal INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    call TEXT,
    kind TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (journal, sequence, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX facts_of_call ON facts (call) WHERE call IS NOT NULL;
CREATE TRIGGER facts_stay BEFORE UPDATE ON facts BEGIN SELECT RAISE(ABORT, 'facts are append-only'); END;

-- One row per counted call. Times are UTC milliseconds since 1970.
CREATE TABLE calls (
    call TEXT PRIMARY KEY,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')),
    caller TEXT NOT NULL,
    dialled TEXT NOT NULL,
    origin TEXT NOT NULL,
    is_from_trunk INTEGER NOT NULL,
    route TEXT NOT NULL,
    arrived_ms INTEGER NOT NULL,
    answered_ms INTEGER,
    first_key_ms INTEGER,
    queued_ms INTEGER,
    offered_ms INTEGER,
    joined_ms INTEGER,
    ended_ms INTEGER NOT NULL,
    fate TEXT NOT NULL,
    ended_by TEXT,
    cause TEXT,
    language TEXT,
    service TEXT,
    path TEXT NOT NULL,
    last_node TEXT,
    queue TEXT,
    head_start_ms INTEGER NOT NULL,
    is_silent INTEGER NOT NULL,
    has_spoken_at_menu INTEGER NOT NULL,
    has_heard_information INTEGER NOT NULL,
    agent TEXT,
    offers INTEGER NOT NULL,
    rona INTEGER NOT NULL,
    agents_lost INTEGER NOT NULL,
    wait_ms INTEGER NOT NULL,
    talk_ms INTEGER NOT NULL,
    total_ms INTEGER NOT NULL,
    recording TEXT NOT NULL,
    recording_file TEXT,
    recording_ms INTEGER,
    notice TEXT,
    notice_ms INTEGER,
    caller_received INTEGER,
    caller_lost INTEGER,
    caller_jitter_us INTEGER,
    caller_sent INTEGER,
    caller_round_trip_us INTEGER,
    agent_received INTEGER,
    agent_lost INTEGER,
    agent_jitter_us INTEGER,
    agent_sent INTEGER,
    agent_round_trip_us INTEGER,
    diverted TEXT NOT NULL,
    has_journal_gap INTEGER NOT NULL
) STRICT;
CREATE INDEX calls_by_arrival ON calls (arrived_ms, call);
CREATE INDEX calls_by_caller ON calls (caller, arrived_ms) WHERE caller <> '';

CREATE TABLE accounts (
    user TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    ha1_sha256 TEXT NOT NULL,
    ha1_md5 TEXT NOT NULL,
    languages TEXT NOT NULL,
    services TEXT NOT NULL,
    centre TEXT NOT NULL,
    wrap_up_s INTEGER NOT NULL,
    is_signed_in_by_registration INTEGER NOT NULL,
    role TEXT NOT NULL
) STRICT;
";

const VERSION_3: &str = "
-- What the carrier said of the caller, hidden ones too. As private as the number itself.
CREATE TABLE call_origins (
    call TEXT PRIMARY KEY,
    caller_raw TEXT NOT NULL,
    is_private INTEGER NOT NULL,
    region TEXT,
    geolocation TEXT NOT NULL,
    location TEXT
) STRICT, WITHOUT ROWID;
";

/// What a counsellor's shift allows, and who learns the work.
const VERSION_5: &str = "
ALTER TABLE accounts ADD COLUMN hard_calls_max INTEGER;
ALTER TABLE accounts ADD COLUMN is_in_training INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN is_reserve INTEGER NOT NULL DEFAULT 0;
";

/// How good each leg was: mean opinion scores in hundredths.
const VERSION_4: &str = "
ALTER TABLE calls ADD COLUMN caller_mean_opinion INTEGER;
ALTER TABLE calls ADD COLUMN caller_mean_opinion_lowest INTEGER;
ALTER TABLE calls ADD COLUMN caller_peer_lost INTEGER;
ALTER TABLE calls ADD COLUMN agent_mean_opinion INTEGER;
ALTER TABLE calls ADD COLUMN agent_mean_opinion_lowest INTEGER;
ALTER TABLE calls ADD COLUMN agent_peer_lost INTEGER;
";

/// The version that this program writes.
pub(crate) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings a database to this program's version, each step in a transaction of its own.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let failed = |source| StoreError::Migrate { source };
    // The usual case takes no lock: what somebody else is writing to can still be read.
    if pragma(connection, "PRAGMA user_version")
        .await
        .map_err(failed)?
        == VERSION
        && pragma(connection, "PRAGMA application_id")
            .await
            .map_err(failed)?
            == APPLICATION
    {
        return Ok(());
    }
    loop {
        // Two programs may open a new database at once: the version is read inside the transaction.
        let mut transaction = connection
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(failed)?;
        let version = pragma(&mut transaction, "PRAGMA user_version")
            .await
            .map_err(failed)?;
        let application = pragma(&mut transaction, "PRAGMA application_id")
            .await
            .map_err(failed)?;
        if version > VERSION {
            return Err(StoreError::Newer {
                found: version,
                known: VERSION,
            });
        }
        if version != 0 && application != APPLICATION {
            return Err(StoreError::Foreign);
        }
        let Some(step) = usize::try_from(version)
            .ok()
            .and_then(|at| MIGRATIONS.get(at))
        else {
            return transaction.commit().await.map_err(failed);
        };
        sqlx::raw_sql(*step)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        // Numbers of our own; a PRAGMA takes no bound values.
        let marks = format!(
            "PRAGMA user_version = {}; PRAGMA application_id = {APPLICATION}",
            version + 1
        );
        sqlx::raw_sql(AssertSqlSafe(marks))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
    }
}

async fn pragma(connection: &mut SqliteConnection, text: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query(text).fetch_one(connection).await?.try_get(0)
}
