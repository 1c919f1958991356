//! The database is locked for a minute under load: calls go on, rows come afterwards, each once.

use crate::load::{COUNSELLORS, Load};
use crate::server::{Plan, rows};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

const LOCKED: Duration = Duration::from_secs(60);

/// Somebody else's transaction that nobody ends.
struct Lock {
    connection: SqliteConnection,
    runtime: tokio::runtime::Runtime,
}

impl Lock {
    fn take(path: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(Duration::from_secs(10));
        let connection = runtime.block_on(async {
            let mut connection = SqliteConnection::connect_with(&options)
                .await
                .expect("opening the database");
            sqlx::raw_sql("BEGIN EXCLUSIVE")
                .execute(&mut connection)
                .await
                .expect("locking the database");
            connection
        });
        Self {
            connection,
            runtime,
        }
    }

    /// Rows that the database has, seen from inside the lock.
    fn rows(&mut self) -> usize {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM calls");
        let count = self
            .runtime
            .block_on(count.fetch_one(&mut self.connection))
            .expect("counting rows");
        usize::try_from(count).expect("a count")
    }

    fn release(mut self) {
        self.runtime.block_on(async {
            sqlx::raw_sql("ROLLBACK")
                .execute(&mut self.connection)
                .await
                .expect("unlocking");
            self.connection.close().await.expect("closing");
        });
    }
}

#[test]
fn a_locked_database_holds_up_no_call_and_loses_no_row() {
    let server = Plan::new("locked", COUNSELLORS).start();
    let mut load = Load::start(&server);
    let mut lock = Lock::take(&server.folder.join("state/hotline111.db"));
    let mut troubled_after = None;
    load.run(LOCKED, |calls| {
        let status = server.ctl("status");
        if rows(&status["troubles"]).any(|trouble| trouble == "projector_behind") {
            troubled_after.get_or_insert(calls);
        }
    });
    println!(
        "projector_behind is told after {troubled_after:?} of {} calls",
        load.calls()
    );
    assert!(
        troubled_after.is_some_and(|calls| calls <= 30),
        "the alarm comes late or never"
    );
    assert_eq!(lock.rows(), 0, "the lock was none");
    let (readiness, reasons) = server.http("/readyz");
    println!("readyz: {readiness} {reasons}");
    assert_eq!(readiness, 503);
    assert!(reasons.contains("\"projector\""), "{reasons}");
    lock.release();
    let calls = load.calls();
    load.finish();
    server.wait_no_calls();
    let records = server.records(calls);
    let different: BTreeSet<String> = records
        .iter()
        .map(|record| record["call"].to_string())
        .collect();
    assert_eq!(different.len(), calls);
    for record in &records {
        assert_eq!(record["fate"], "H_UNCODED", "{record}");
        assert_eq!(record["recording"], "made", "{record}");
        assert_eq!(record["has_journal_gap"], false, "{record}");
    }
    println!("{calls} calls, {calls} rows");
    server.wait_ctl("status", "the trouble is over", |status| {
        status["is_ready"] == true
    });
}
