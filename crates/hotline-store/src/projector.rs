//! One task makes rows of the journal: facts, calls and the position, all in one transaction.
//!
//! ```text
//! position in the database ─► segment's snapshot + frames = ledger ─► next frames ─► BEGIN IMMEDIATE
//!                                                                      facts, rows of ended calls, position
//!        segments before the position are removed ◄─ checkpoint ◄───── COMMIT
//! ```
//! Wherever it is killed, the next one begins at the position that stands beside the rows.

use crate::call_row;
use crate::fact_row;
use crate::journal::{Found, JournalError, JournalWatch, Tail};
use crate::origin_row::{self, Origin, origins};
use crate::store::{Store, is_locked};
use hotline_core::{CallId, CallRecord, Ledger};
use serde_json::Value;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::sleep;

/// Facts of a batch, as one JSON list of `[sequence, ordinal, wall_ms, call, kind, json]`.
const INSERT_FACTS: &str = "
INSERT OR IGNORE INTO facts (journal, sequence, ordinal, wall_ms, call, kind, json)
SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?2)";

const STORE_POSITION: &str = "
INSERT INTO projection (only, journal, next) VALUES (1, ?, ?)
ON CONFLICT (only) DO UPDATE SET journal = excluded.journal, next = excluded.next";

/// How the projector works.
#[derive(Clone, Copy, Debug)]
pub struct ProjectorOptions {
    /// Below it an abandoned call counts as short (`Timing::short_ms`).
    pub short_ms: u32,
    /// Frames of one transaction at most.
    pub batch_frames_max: usize,
    /// Frames between checkpoints while busy; when idle a checkpoint comes after a tenth of them.
    pub checkpoint_frames: u64,
}

impl Default for ProjectorOptions {
    fn default() -> Self {
        Self {
            short_ms: 10_000,
            batch_frames_max: 500,
            checkpoint_frames: 20_000,
        }
    }
}

/// Why a step failed. Nothing is lost: the step is repeated.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// The database is locked, full or away.
    #[error("writing rows up to frame {next}")]
    Database {
        /// Up to where.
        next: u64,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The journal cannot be read.
    #[error("reading the journal")]
    Journal {
        /// Why.
        #[source]
        source: JournalError,
    },
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Made what was written durable, and removed this many segments.
    Checkpointed(u32),
    /// Committed this many frames.
    Committed(usize),
    /// There was nothing to do.
    Idle,
    /// Somebody else moved the position: begins anew from there.
    Restarted,
}

/// How the projector is, for alarms, `/readyz` and metrics.
#[derive(Clone, Debug, Default)]
pub struct ProjectorStatus {
    /// Frames below this number have their rows.
    pub next: u64,
    /// Frames on disk without rows.
    pub lag_frames: u64,
    /// Since when a transaction is being tried; None = none is.
    pub trying_since: Option<Instant>,
    /// The last failure, while it lasts.
    pub failure: Option<String>,
    /// Rows of calls written (a call that is written again counts again).
    pub rows: u64,
    /// Facts written.
    pub facts: u64,
    /// Places where the journal lacks frames.
    pub gaps: u64,
    /// Transactions committed.
    pub commits: u64,
}

impl ProjectorStatus {
    /// The database has not taken anything for so long, although there is something.
    #[must_use]
    pub fn waiting(&self) -> Duration {
        self.trying_since
            .map(|since| since.elapsed())
            .unwrap_or_default()
    }
}

#[derive(Debug)]
struct Place {
    tail: Tail,
    ledger: Ledger,
    /// What the database says now.
    stored: Option<(u64, u64)>,
}

/// What one transaction writes. Kept until it is committed.
#[derive(Debug, Default)]
struct Batch {
    next: u64,
    frames: usize,
    facts: Vec<Value>,
    records: BTreeMap<CallId, CallRecord>,
    origins: Vec<Origin>,
}

/// See the module.
#[derive(Debug)]
pub struct Projector {
    store: Store,
    journal: JournalWatch,
    options: ProjectorOptions,
    place: Option<Place>,
    batch: Option<Batch>,
    frames_since_checkpoint: u64,
    status: watch::Sender<ProjectorStatus>,
}

impl Projector {
    /// A projector of this journal into this database.
    #[must_use]
    pub fn new(store: Store, journal: JournalWatch, options: ProjectorOptions) -> Self {
        Self {
            store,
            journal,
            options,
            place: None,
            batch: None,
            frames_since_checkpoint: 0,
            status: watch::Sender::new(ProjectorStatus::default()),
        }
    }

    /// Follows its status.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<ProjectorStatus> {
        self.status.subscribe()
    }

    /// Works until `stop` is true (or its sender gone) and every durable frame has its rows.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut pause = PAUSE_MIN;
        loop {
            match self.step().await {
                Ok(Step::Idle) if is_stopping(&stop) => {
                    // Whatever this leaves to do, the next start does.
                    self.checkpoint(CLOSING_CHECKPOINT).await.ok();
                    return;
                }
                Ok(Step::Idle) => self.wait(&mut stop).await,
                Ok(Step::Checkpointed(_) | Step::Committed(_) | Step::Restarted) => {
                    pause = PAUSE_MIN
                }
                Err(error) => {
                    self.failed(&error).await;
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// One step: reads what is there and commits it, or checkpoints, or nothing. After an error the same step can be
    /// tried again; dropping the projector instead loses nothing either.
    ///
    /// # Errors
    /// The database does not take it, or the journal cannot be read.
    pub async fn step(&mut self) -> Result<Step, ProjectorError> {
        if self.place.is_none() {
            self.begin().await?;
        }
        if self.batch.is_none() {
            // A line that is never idle must not keep its segments for ever.
            if self.frames_since_checkpoint >= self.options.checkpoint_frames {
                let removed = self.checkpoint(RUNNING_CHECKPOINT).await?;
                return Ok(Step::Checkpointed(removed));
            }
            self.collect()?;
        }
        if let Some(batch) = &self.batch {
            self.status.send_modify(|status| {
                status.trying_since.get_or_insert_with(Instant::now);
            });
            let failed = |source| ProjectorError::Database {
                next: batch.next,
                source,
            };
            let stored = self.place.as_ref().and_then(|place| place.stored);
            let journal = self.journal.journal_id();
            let is_committed = self.commit(batch, journal, stored).await.map_err(failed)?;
            return Ok(self.committed(journal, is_committed));
        }
        let due = self.frames_since_checkpoint;
        if due > self.options.checkpoint_frames / 10 {
            return self
                .checkpoint(RUNNING_CHECKPOINT)
                .await
                .map(Step::Checkpointed);
        }
        Ok(Step::Idle)
    }

    /// Finds the position and rebuilds the ledger there.
    async fn begin(&mut self) -> Result<(), ProjectorError> {
        let stored = {
            let mut connection = self.store.writer().await;
            position(&mut connection)
                .await
                .map_err(|source| ProjectorError::Database { next: 0, source })?
        };
        let (tail, ledger, orphans) = Tail::open(self.journal.clone(), stored)
            .map_err(|source| ProjectorError::Journal { source })?;
        let is_gap = stored.is_some_and(|(journal, next)| {
            journal == self.journal.journal_id() && next != tail.next()
        });
        self.status.send_modify(|status| {
            status.next = tail.next();
            status.gaps += u64::from(is_gap);
        });
        if !orphans.is_empty() {
            let mut batch = Batch {
                next: tail.next(),
                ..Batch::default()
            };
            batch.keep_all(orphans);
            self.batch = Some(batch);
        }
        self.place = Some(Place {
            tail,
            ledger,
            stored,
        });
        Ok(())
    }

    /// Reads the next frames into a batch.
    fn collect(&mut self) -> Result<(), ProjectorError> {
        let Some(place) = &mut self.place else {
            return Ok(());
        };
        let mut batch = Batch::default();
        while batch.frames < self.options.batch_frames_max {
            match place.tail.read() {
                Ok(Some(Found::Frame { sequence, frame })) => {
                    fact_row::push_rows(&mut batch.facts, sequence, &frame);
                    let touched = place.ledger.apply_frame(&frame);
                    batch.origins.extend(origins(&frame, &place.ledger));
                    for call in touched {
                        if let Some(record) = place.ledger.calls.get(&call) {
                            batch.records.insert(call, record.clone());
                        }
                    }
                }
                Ok(Some(Found::Gap { ledger, orphans })) => {
                    place.ledger = *ledger;
                    batch.keep_all(orphans);
                    self.status.send_modify(|status| status.gaps += 1);
                }
                Ok(None) => break,
                // What was read before it is committed first; then the error comes again.
                Err(_comes_again) if batch.frames > 0 => break,
                Err(source) => return Err(ProjectorError::Journal { source }),
            }
            batch.frames += 1;
        }
        if batch.frames > 0 {
            batch.next = place.tail.next();
            self.batch = Some(batch);
        }
        self.status
            .send_modify(|status| status.lag_frames = place.tail.lag());
        Ok(())
    }

    /// Writes a batch. False when the database is not where this projector thought.
    async fn commit(
        &self,
        batch: &Batch,
        journal: u64,
        stored: Option<(u64, u64)>,
    ) -> Result<bool, sqlx::Error> {
        let mut connection = self.store.writer().await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        if position(&mut transaction).await? != stored {
            transaction.rollback().await?;
            return Ok(false);
        }
        let journal = signed(journal)?;
        if !batch.facts.is_empty() {
            let rows = serde_json::to_string(&batch.facts)
                .map_err(|error| sqlx::Error::Encode(error.into()))?;
            sqlx::query(INSERT_FACTS)
                .bind(journal)
                .bind(rows)
                .execute(&mut *transaction)
                .await?;
        }
        for record in batch.records.values() {
            if let Some(upsert) = call_row::upsert(record, self.options.short_ms) {
                upsert.execute(&mut *transaction).await?;
            }
        }
        for origin in &batch.origins {
            if let Some(upsert) = origin_row::upsert(origin) {
                upsert.execute(&mut *transaction).await?;
            }
        }
        sqlx::query(STORE_POSITION)
            .bind(journal)
            .bind(signed(batch.next)?)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    fn committed(&mut self, journal: u64, is_committed: bool) -> Step {
        let batch = self.batch.take().unwrap_or_default();
        if !is_committed {
            self.place = None;
            return Step::Restarted;
        }
        self.frames_since_checkpoint += batch.frames as u64;
        if let Some(place) = &mut self.place {
            place.stored = Some((journal, batch.next));
        }
        self.status.send_modify(|status| {
            status.next = batch.next;
            status.trying_since = None;
            status.failure = None;
            status.rows += batch.records.len() as u64;
            status.facts += batch.facts.len() as u64;
            status.commits += 1;
        });
        Step::Committed(batch.frames)
    }

    /// Makes everything committed durable; then segments that it was made from can go. Returns how many went.
    async fn checkpoint(&mut self, statement: &'static str) -> Result<u32, ProjectorError> {
        let Some(place) = &self.place else {
            return Ok(0);
        };
        let Some((_, next)) = place.stored else {
            return Ok(0);
        };
        let failed = |source| ProjectorError::Database { next, source };
        // Failed or not, it is not tried again at once: a long reading elsewhere may hinder it for minutes.
        self.frames_since_checkpoint = 0;
        let row = sqlx::query(statement)
            .fetch_one(&mut *self.store.writer().await)
            .await
            .map_err(failed)?;
        let [busy, in_log, moved] = [row.try_get::<i64, _>(0), row.try_get(1), row.try_get(2)];
        let is_durable =
            busy.map_err(failed)? == 0 && in_log.map_err(failed)? == moved.map_err(failed)?;
        if !is_durable {
            return Ok(0);
        }
        // A segment that could not be removed is removed after the next checkpoint.
        Ok(place.tail.remove_before(next).unwrap_or(0))
    }

    async fn wait(&mut self, stop: &mut watch::Receiver<bool>) {
        let Some(place) = &mut self.place else { return };
        // Frames are there that cannot be read: a damaged end, or a sync in doubt. The next segment helps.
        let lag_frames = place.tail.lag();
        self.status.send_modify(|status| {
            status.lag_frames = lag_frames;
            status.failure = (lag_frames > 0)
                .then(|| format!("frame {} of the journal cannot be read", place.tail.next()));
        });
        let more = async {
            if lag_frames > 0 {
                sleep(PAUSE_MAX).await;
            }
            place.tail.wait().await;
        };
        tokio::select! {
            () = more => {}
            _ = stop.wait_for(|is_stopping| *is_stopping) => {}
        }
    }

    async fn failed(&mut self, error: &ProjectorError) {
        let lag = self.place.as_ref().map_or(0, |place| place.tail.lag());
        let text = describe(error);
        self.status.send_modify(|status| {
            status.trying_since.get_or_insert_with(Instant::now);
            status.failure = Some(text);
            status.lag_frames = lag + self.batch.as_ref().map_or(0, |batch| batch.frames as u64);
        });
        let is_locked =
            matches!(error, ProjectorError::Database { source, .. } if is_locked(source));
        if !is_locked {
            // The file may have been away or replaced. If it still is, the next step says so again.
            self.store.reconnect().await.ok();
        }
    }
}

impl Batch {
    /// Rows of calls that ended in a gap. Their last record counts.
    fn keep_all(&mut self, orphans: Vec<CallRecord>) {
        self.records
            .extend(orphans.into_iter().map(|record| (record.call, record)));
    }
}

async fn position(connection: &mut SqliteConnection) -> Result<Option<(u64, u64)>, sqlx::Error> {
    let found = sqlx::query("SELECT journal, next FROM projection")
        .fetch_optional(connection)
        .await?;
    let Some(row) = found else { return Ok(None) };
    let unsigned = |at: usize| {
        row.try_get::<i64, _>(at)
            .map(|value| u64::try_from(value).unwrap_or(0))
    };
    Ok(Some((unsigned(0)?, unsigned(1)?)))
}

fn signed(value: u64) -> Result<i64, sqlx::Error> {
    i64::try_from(value).map_err(|error| sqlx::Error::Encode(error.into()))
}

fn is_stopping(stop: &watch::Receiver<bool>) -> bool {
    *stop.borrow() || stop.has_changed().is_err()
}

fn describe(error: &ProjectorError) -> String {
    match error {
        ProjectorError::Database { source, .. } => format!("{error}: {source}"),
        ProjectorError::Journal { source } => format!("{error}: {source}"),
    }
}

#[cfg(test)]
pub(crate) mod tests;

const RUNNING_CHECKPOINT: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const CLOSING_CHECKPOINT: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
/// Pause after a failure, doubled each time ...
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// ... up to this.
const PAUSE_MAX: Duration = Duration::from_secs(1);
