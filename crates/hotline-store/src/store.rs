//! The database: one connection that writes, a few that read.

use crate::schema;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Row};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::sleep;

/// What went wrong with the database, and in doing what.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The user name is taken.
    #[error("account {user} exists already")]
    AccountExists {
        /// Which.
        user: String,
    },
    /// There is no such account.
    #[error("there is no account {user}")]
    AccountUnknown {
        /// Which.
        user: String,
    },
    /// Accounts could not be read or written.
    #[error("accounts: {what}")]
    Accounts {
        /// Doing what.
        what: &'static str,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// `integrity_check` found faults.
    #[error("the database is damaged: {found}")]
    Damaged {
        /// The first of them.
        found: String,
    },
    /// Another program's database.
    #[error("the database belongs to another program")]
    Foreign,
    /// Calls could not be read.
    #[error("reading calls")]
    Calls {
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A step of the schema failed.
    #[error("bringing the database to version {}", schema::VERSION)]
    Migrate {
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A newer program wrote it.
    #[error("the database has version {found}, this program knows {known}")]
    Newer {
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The file cannot be opened.
    #[error("opening the database")]
    Open {
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The realm is fixed when the first account is made: every HA1 depends on it.
    #[error("the realm is {realm} already; changing it would make every password invalid")]
    RealmFixed {
        /// The realm that holds.
        realm: String,
    },
    /// Settings could not be read or written.
    #[error("settings")]
    Settings {
        /// Why.
        #[source]
        source: sqlx::Error,
    },
}

/// Reading connections.
const READERS_MAX: u32 = 2;
/// A lock of another program is waited for so long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two tries to open.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// An open database. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Store {
    writer: Arc<Mutex<SqliteConnection>>,
    readers: SqlitePool,
    options: SqliteConnectOptions,
}

impl Store {
    /// Opens a database file, made with mode 0600 if need be, and brings it to this version.
    ///
    /// # Errors
    /// It cannot be opened, is another program's, or a newer version's.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        keep_private(path).map_err(|source| StoreError::Open {
            source: sqlx::Error::Io(source),
        })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .disable_statement_logging();
        let writer = connect_writer(&options).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .connect_lazy_with(
                options
                    .clone()
                    .create_if_missing(false)
                    .pragma("query_only", "ON"),
            );
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            readers,
            options,
        })
    }

    /// The writing connection. Held for one transaction.
    pub(crate) async fn writer(&self) -> MutexGuard<'_, SqliteConnection> {
        self.writer.lock().await
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// A connection of its own, for a long reading.
    pub(crate) async fn reader(&self) -> Result<SqliteConnection, sqlx::Error> {
        self.options
            .clone()
            .create_if_missing(false)
            .pragma("query_only", "ON")
            .connect()
            .await
    }

    /// Opens the writing connection anew: the file may have been away.
    pub(crate) async fn reconnect(&self) -> Result<(), sqlx::Error> {
        let fresh = self
            .options
            .clone()
            .create_if_missing(false)
            .connect()
            .await?;
        *self.writer.lock().await = fresh;
        Ok(())
    }

    /// The realm of all accounts, once it is fixed.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn realm(&self) -> Result<Option<String>, StoreError> {
        self.setting("realm").await
    }

    /// Fixes the realm (`init`). The same realm again is no error.
    ///
    /// # Errors
    /// Another realm is fixed already, or the database does not answer.
    pub async fn fix_realm(&self, realm: &str) -> Result<(), StoreError> {
        let failed = |source| StoreError::Settings { source };
        sqlx::query("INSERT OR IGNORE INTO settings (key, value) VALUES ('realm', ?)")
            .bind(realm)
            .execute(&mut *self.writer().await)
            .await
            .map_err(failed)?;
        match self.realm().await? {
            Some(found) if found != realm => Err(StoreError::RealmFixed { realm: found }),
            Some(_) | None => Ok(()),
        }
    }

    async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let failed = |source| StoreError::Settings { source };
        let found = sqlx::query("SELECT value FROM settings WHERE key = ?")
            .bind(key)
            .fetch_optional(self.readers())
            .await
            .map_err(failed)?;
        found.map(|row| row.try_get(0)).transpose().map_err(failed)
    }

    /// Number of rows in `calls`.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn count(&self) -> Result<u64, StoreError> {
        let failed = |source| StoreError::Calls { source };
        let row = sqlx::query("SELECT count(*) FROM calls")
            .fetch_one(self.readers())
            .await
            .map_err(failed)?;
        let count: i64 = row.try_get(0).map_err(failed)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// SQLite's own check of the whole file (`check`; not for a busy server).
    ///
    /// # Errors
    /// Damaged, or the database does not answer.
    pub async fn check_integrity(&self) -> Result<(), StoreError> {
        let failed = |source| StoreError::Open { source };
        let row = sqlx::query("PRAGMA integrity_check(1)")
            .fetch_one(self.readers())
            .await
            .map_err(failed)?;
        let found: String = row.try_get(0).map_err(failed)?;
        if found == "ok" {
            Ok(())
        } else {
            Err(StoreError::Damaged { found })
        }
    }

    /// Closes all connections.
    pub async fn close(self) {
        self.readers.close().await;
        // The writer closes itself when its last clone goes; SQLite checkpoints then.
    }
}

/// Connects and migrates. When several open a new file at once, SQLite refuses the change to WAL without waiting for
/// the busy timeout, so the waiting is done here.
async fn connect_writer(options: &SqliteConnectOptions) -> Result<SqliteConnection, StoreError> {
    let began = Instant::now();
    loop {
        let error = match options.connect().await {
            Ok(mut writer) => match schema::migrate(&mut writer).await {
                Ok(()) => return Ok(writer),
                Err(error) => error,
            },
            Err(source) => StoreError::Open { source },
        };
        let is_busy = match &error {
            StoreError::Open { source } | StoreError::Migrate { source } => is_locked(source),
            _ => false,
        };
        if !is_busy || began.elapsed() > BUSY_TIMEOUT {
            return Err(error);
        }
        sleep(BUSY_PAUSE).await;
    }
}

/// SQLITE_BUSY (5), SQLITE_LOCKED (6) and SQLITE_PROTOCOL (15, a race for WAL), extended or not: somebody else is in
/// the way, the connection itself is well.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(|error| error.code()?.parse::<u32>().ok());
    matches!(code.map(|code| code & 0xff), Some(5 | 6 | 15))
}

/// The file names callers: nobody else may read it, nor what SQLite puts beside it (it copies the mode).
fn keep_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

#[cfg(test)]
mod tests;
