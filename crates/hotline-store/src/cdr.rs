//! Call records for people: read by arrival, written as CSV or as JSON lines.

use crate::calendar::{Day, local_text, utc_text};
use crate::store::{Store, StoreError};
use serde_json::{Map, Value};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::VecDeque;
use std::io::{self, Write};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Flag,
    Integer,
    Json,
    Text,
    /// UTC milliseconds since 1970; exported as ISO 8601 under the name without `_ms`.
    Time,
}

/// Columns of `calls`, in the order of an export.
const COLUMNS: &[(&str, Kind)] = &[
    ("call", Kind::Text),
    ("direction", Kind::Text),
    ("arrived_ms", Kind::Time),
    ("answered_ms", Kind::Time),
    ("first_key_ms", Kind::Time),
    ("queued_ms", Kind::Time),
    ("offered_ms", Kind::Time),
    ("joined_ms", Kind::Time),
    ("ended_ms", Kind::Time),
    ("caller", Kind::Text),
    ("dialled", Kind::Text),
    ("origin", Kind::Text),
    ("is_from_trunk", Kind::Flag),
    ("route", Kind::Text),
    ("service", Kind::Text),
    ("language", Kind::Text),
    ("path", Kind::Json),
    ("last_node", Kind::Text),
    ("queue", Kind::Text),
    ("head_start_ms", Kind::Integer),
    ("is_silent", Kind::Flag),
    ("has_spoken_at_menu", Kind::Flag),
    ("has_heard_information", Kind::Flag),
    ("agent", Kind::Text),
    ("offers", Kind::Integer),
    ("rona", Kind::Integer),
    ("agents_lost", Kind::Integer),
    ("wait_ms", Kind::Integer),
    ("talk_ms", Kind::Integer),
    ("total_ms", Kind::Integer),
    ("ended_by", Kind::Text),
    ("cause", Kind::Text),
    ("fate", Kind::Text),
    ("recording", Kind::Text),
    ("recording_file", Kind::Text),
    ("recording_ms", Kind::Integer),
    ("notice", Kind::Text),
    ("notice_ms", Kind::Integer),
    ("caller_received", Kind::Integer),
    ("caller_lost", Kind::Integer),
    ("caller_jitter_us", Kind::Integer),
    ("caller_sent", Kind::Integer),
    ("caller_round_trip_us", Kind::Integer),
    ("agent_received", Kind::Integer),
    ("agent_lost", Kind::Integer),
    ("agent_jitter_us", Kind::Integer),
    ("agent_sent", Kind::Integer),
    ("agent_round_trip_us", Kind::Integer),
    ("diverted", Kind::Json),
    ("caller_raw", Kind::Text),
    ("is_private", Kind::Flag),
    ("region", Kind::Text),
    ("has_journal_gap", Kind::Flag),
    ("holds", Kind::Integer),
    ("held_ms", Kind::Integer),
    ("transfers", Kind::Integer),
    ("transfers_failed", Kind::Integer),
    ("transferred_to", Kind::Text),
    ("outside_ms", Kind::Integer),
    ("caller_mean_opinion", Kind::Integer),
    ("caller_mean_opinion_lowest", Kind::Integer),
    ("caller_peer_lost", Kind::Integer),
    ("agent_mean_opinion", Kind::Integer),
    ("agent_mean_opinion_lowest", Kind::Integer),
    ("agent_peer_lost", Kind::Integer),
];

const ARRIVED: &str = "arrived_ms";
const ARRIVED_LOCAL: &str = "arrived_local";
/// Rows read at once.
const PAGE_ROWS: i64 = 500;

const PAGE: &str = "
SELECT calls.*, origin.caller_raw, origin.is_private, origin.region
FROM calls LEFT JOIN call_origins AS origin ON origin.call = calls.call
WHERE arrived_ms >= ?1 AND arrived_ms < ?2 AND (arrived_ms, calls.call) > (?3, ?4)
ORDER BY arrived_ms, calls.call LIMIT ?5";

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A number, flag (0, 1) or time (UTC milliseconds).
    Integer(i64),
    /// Nothing.
    Null,
    /// Text, or JSON.
    Text(String),
}

/// A row of `calls`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(Vec<Cell>);

impl Row {
    /// By the column's name in the database; `Null` for a name that does not exist.
    #[must_use]
    pub fn cell(&self, column: &str) -> &Cell {
        let at = COLUMNS.iter().position(|(name, _)| *name == column);
        at.and_then(|at| self.0.get(at)).unwrap_or(&Cell::Null)
    }

    /// Text of a column, if it has some.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<&str> {
        match self.cell(column) {
            Cell::Text(text) => Some(text),
            Cell::Integer(_) | Cell::Null => None,
        }
    }

    /// Number in a column, if it has one.
    #[must_use]
    pub fn integer(&self, column: &str) -> Option<i64> {
        match self.cell(column) {
            Cell::Integer(value) => Some(*value),
            Cell::Text(_) | Cell::Null => None,
        }
    }

    fn read(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let cell = |(name, kind): &(&str, Kind)| match kind {
            Kind::Flag | Kind::Integer | Kind::Time => row
                .try_get::<Option<i64>, _>(*name)
                .map(|value| value.map_or(Cell::Null, Cell::Integer)),
            Kind::Json | Kind::Text => row
                .try_get::<Option<String>, _>(*name)
                .map(|value| value.map_or(Cell::Null, Cell::Text)),
        };
        COLUMNS.iter().map(cell).collect::<Result<_, _>>().map(Self)
    }
}

/// Rows of a period, read page by page from one state of the database.
#[derive(Debug)]
pub struct Calls {
    connection: SqliteConnection,
    from_ms: i64,
    to_ms: i64,
    /// Behind this row the next page begins.
    last: (i64, String),
    page: VecDeque<Row>,
    is_at_end: bool,
}

impl Store {
    /// Calls that arrived in `[from_ms, to_ms)`, in order of arrival.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn calls_between(&self, from_ms: i64, to_ms: i64) -> Result<Calls, StoreError> {
        let failed = |source| StoreError::Calls { source };
        let mut connection = self.reader().await.map_err(failed)?;
        // Rows that come meanwhile belong to the next export. Ends with the connection.
        sqlx::raw_sql("BEGIN")
            .execute(&mut connection)
            .await
            .map_err(failed)?;
        let last = (i64::MIN, String::new());
        Ok(Calls {
            connection,
            from_ms,
            to_ms,
            last,
            page: VecDeque::new(),
            is_at_end: false,
        })
    }
}

impl Calls {
    /// The next row.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn next(&mut self) -> Result<Option<Row>, StoreError> {
        if self.page.is_empty() && !self.is_at_end {
            self.read_page()
                .await
                .map_err(|source| StoreError::Calls { source })?;
        }
        Ok(self.page.pop_front())
    }

    async fn read_page(&mut self) -> Result<(), sqlx::Error> {
        let rows = sqlx::query(PAGE)
            .bind(self.from_ms)
            .bind(self.to_ms)
            .bind(self.last.0)
            .bind(self.last.1.clone())
            .bind(PAGE_ROWS)
            .fetch_all(&mut self.connection)
            .await?;
        self.page = rows.iter().map(Row::read).collect::<Result<_, _>>()?;
        match self.page.back() {
            Some(row) => {
                let arrived = row.integer(ARRIVED).unwrap_or(i64::MAX);
                self.last = (arrived, row.text("call").unwrap_or_default().to_owned());
            }
            None => self.is_at_end = true,
        }
        Ok(())
    }
}

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 with a header.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "csv" => Ok(Self::Csv),
            "ndjson" => Ok(Self::Ndjson),
            _ => Err(format!("'{text}' is no format; write csv or ndjson")),
        }
    }
}

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The calls could not be read.
    #[error("reading the calls to export")]
    Read {
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The output took no more.
    #[error("writing the export")]
    Write {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Writes all calls that arrived in the days `[from, to)` of Vietnam. Returns how many.
///
/// # Errors
/// Reading or writing failed; what is written stays.
pub async fn export(
    store: &Store,
    from: Day,
    to: Day,
    format: Format,
    out: &mut (dyn Write + Send),
) -> Result<u64, ExportError> {
    let read = |source| ExportError::Read { source };
    let write = |source| ExportError::Write { source };
    let mut calls = store
        .calls_between(from.start_ms(), to.start_ms())
        .await
        .map_err(read)?;
    let mut line = String::new();
    if format == Format::Csv {
        push_header(&mut line);
        out.write_all(line.as_bytes()).map_err(write)?;
    }
    let mut count = 0;
    while let Some(row) = calls.next().await.map_err(read)? {
        line.clear();
        match format {
            Format::Csv => push_csv(&mut line, &row),
            Format::Ndjson => push_json(&mut line, &row),
        }
        out.write_all(line.as_bytes()).map_err(write)?;
        count += 1;
    }
    out.flush().map_err(write)?;
    Ok(count)
}

fn export_name(name: &str, kind: Kind) -> &str {
    match kind {
        Kind::Time => name.strip_suffix("_ms").unwrap_or(name),
        Kind::Flag | Kind::Integer | Kind::Json | Kind::Text => name,
    }
}

fn push_header(line: &mut String) {
    for (name, kind) in COLUMNS {
        line.push_str(export_name(name, *kind));
        line.push(',');
        if *name == ARRIVED {
            line.push_str(ARRIVED_LOCAL);
            line.push(',');
        }
    }
    end_csv_line(line);
}

fn push_csv(line: &mut String, row: &Row) {
    for ((name, kind), cell) in COLUMNS.iter().zip(&row.0) {
        match (kind, cell) {
            (_, Cell::Null) => {}
            (Kind::Time, Cell::Integer(at_ms)) => line.push_str(&utc_text(*at_ms)),
            (_, Cell::Integer(value)) => line.push_str(&value.to_string()),
            (_, Cell::Text(text)) => push_quoted(line, text),
        }
        line.push(',');
        if let (true, Cell::Integer(at_ms)) = (*name == ARRIVED, cell) {
            line.push_str(&local_text(*at_ms));
            line.push(',');
        }
    }
    end_csv_line(line);
}

fn end_csv_line(line: &mut String) {
    // The comma behind the last value.
    line.pop();
    line.push_str("\r\n");
}

/// RFC 4180 §2.5-2.7. What a spreadsheet would take for a formula gets an apostrophe: a caller chooses its number and
/// name.
fn push_quoted(line: &mut String, text: &str) {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let needs_quotes =
        text.contains(['"', ',', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ');
    if needs_quotes {
        line.push('"');
    }
    if is_formula {
        line.push('\'');
    }
    for letter in text.chars() {
        if letter == '"' {
            line.push('"');
        }
        line.push(letter);
    }
    if needs_quotes {
        line.push('"');
    }
}

fn push_json(line: &mut String, row: &Row) {
    let mut object = Map::new();
    for ((name, kind), cell) in COLUMNS.iter().zip(&row.0) {
        let value = match (kind, cell) {
            (_, Cell::Null) => Value::Null,
            (Kind::Flag, Cell::Integer(flag)) => (*flag != 0).into(),
            (Kind::Time, Cell::Integer(at_ms)) => utc_text(*at_ms).into(),
            (_, Cell::Integer(value)) => (*value).into(),
            // What is no JSON any more is shown as it stands.
            (Kind::Json, Cell::Text(text)) => {
                serde_json::from_str(text).unwrap_or_else(|_damaged| text.as_str().into())
            }
            (_, Cell::Text(text)) => text.as_str().into(),
        };
        object.insert(export_name(name, *kind).to_owned(), value);
        if let (true, Cell::Integer(at_ms)) = (*name == ARRIVED, cell) {
            object.insert(ARRIVED_LOCAL.to_owned(), local_text(*at_ms).into());
        }
    }
    line.push_str(&Value::Object(object).to_string());
    line.push('\n');
}

#[cfg(test)]
mod tests;
