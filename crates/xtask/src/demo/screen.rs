//! The table of the demo: callers, queues, counsellors.

use std::fmt::Write;
use std::time::Duration;

use super::people::Standing;
use super::server::Picture;

/// Rows of one table that fit a usual terminal.
const ROWS_MAX: usize = 14;

/// Columns, in the order of `ctl`.
const CALLS: [&str; 10] = [
    "call", "caller", "dialled", "from", "state", "at", "language", "service", "age", "waited",
];
const QUEUES: [&str; 5] = ["queue", "waiting", "ringing", "talking", "longest wait"];
const AGENTS: [&str; 7] = ["user", "name", "centre", "state", "reason", "call", "for"];

pub(super) fn draw(picture: &Picture, people: &Standing, age: Duration, how_to_call: Option<&str>) {
    let mut text = String::new();
    let state = if people.is_paused {
        "paused"
    } else {
        "calling"
    };
    let line = format!(
        "hotline111 demo   {:>4} s   callers {} ({state}), {} calls made, {} answered",
        age.as_secs(),
        people.callers,
        people.calls_made,
        people.calls_answered,
    );
    let _ignored = writeln!(text, "{line}");
    table(&mut text, "CALLERS", &CALLS, &picture.calls);
    table(&mut text, "QUEUES", &QUEUES, &picture.queues);
    table(&mut text, "COUNSELLORS", &AGENTS, &picture.agents);
    if let Some(how_to_call) = how_to_call {
        // Home, the picture with each line's rest cleared, then everything below cleared.
        print!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\r\n"));
        print!("\r\n{how_to_call}\r\nb burst of 20 callers   p pause   q quit\r\n");
    } else {
        println!("{text}");
    }
}

fn table(text: &mut String, title: &str, columns: &[&str], rows: &[Vec<String>]) {
    let _ignored = writeln!(text, "\n{title}");
    let head: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
    let shown = || std::iter::once(&head).chain(rows.iter().take(ROWS_MAX));
    let width = |column: usize| {
        let cells = shown().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    for row in shown() {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
            .collect();
        let _ignored = writeln!(text, "  {}", cells.join("  ").trim_end());
    }
    if rows.len() > ROWS_MAX {
        let _ignored = writeln!(text, "  ... and {} more", rows.len() - ROWS_MAX);
    }
}
