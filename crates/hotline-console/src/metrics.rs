//! `/metrics`: the Prometheus text format (0.0.4), without any caller in it.

use crate::counters::Histogram;
use crate::{Health, Snapshot};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One value of another part (SIP, media, shell).
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Name, beginning with `hotline_`; samples of one name follow one another.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// What it is, in a word.
    pub kind: Kind,
    /// Names and values. Never a caller's.
    pub labels: Vec<(&'static str, String)>,
    /// Value.
    pub value: f64,
}

/// The whole page. Without a snapshot (the switch does not answer): what is known all the same.
#[must_use]
pub fn render(snapshot: Option<&Snapshot>, health: &Health, version: &str) -> String {
    let mut page = Page(String::with_capacity(8 << 10));
    page.head("hotline_build_info", "The running version.", Kind::Gauge);
    page.line("hotline_build_info", &[("version", version)], "1");
    page.flag(
        "hotline_ready",
        "1 = calls may come (see /readyz).",
        health.readiness(snapshot.is_some()).is_ready,
    );
    page.flag(
        "hotline_draining",
        "1 = going down, no new calls.",
        health.is_draining,
    );
    page.gauge(
        "hotline_media_ports_free",
        "Free media ports.",
        u64::from(health.media_ports_free),
    );
    page.journal(health);
    page.projector(health);
    if let Some(snapshot) = snapshot {
        page.calls(snapshot);
        page.queues(snapshot);
        page.agents(snapshot);
        page.trunks(snapshot);
        page.samples(&snapshot.samples);
    }
    page.0
}

struct Page(String);

impl Page {
    fn journal(&mut self, health: &Health) {
        let journal = &health.journal;
        self.flag(
            "hotline_journal_trouble",
            "1 = the disk refuses the journal.",
            journal.trouble.is_some(),
        );
        self.counter(
            "hotline_journal_troubles_total",
            "Times that this began.",
            journal.troubles,
        );
        self.counter(
            "hotline_journal_frames_total",
            "Frames appended.",
            journal.appended,
        );
        self.counter(
            "hotline_journal_frames_lost_total",
            "Frames lost for want of memory.",
            journal.frames_lost,
        );
        self.gauge(
            "hotline_journal_waiting_bytes",
            "Frames waiting in memory.",
            journal.waiting_bytes,
        );
        let unsynced = journal.next.saturating_sub(journal.durable);
        self.gauge(
            "hotline_journal_unsynced_frames",
            "Frames that a power loss would take.",
            unsynced,
        );
        self.flag(
            "hotline_journal_reserve",
            "1 = the reserve on disk is there.",
            journal.has_reserve,
        );
        let slowest = seconds(journal.slowest_append_us, 1_000_000);
        self.head(
            "hotline_journal_slowest_append_seconds",
            "Slowest append since the start.",
            Kind::Gauge,
        );
        self.line("hotline_journal_slowest_append_seconds", &[], &slowest);
    }

    fn projector(&mut self, health: &Health) {
        let projector = &health.projector;
        self.gauge(
            "hotline_projector_lag_frames",
            "Frames without rows.",
            projector.lag_frames,
        );
        self.counter(
            "hotline_projector_rows_total",
            "Rows of calls written.",
            projector.rows,
        );
        self.counter(
            "hotline_projector_gaps_total",
            "Places where frames are missing.",
            projector.gaps,
        );
        self.flag(
            "hotline_projector_failing",
            "1 = the database refuses.",
            projector.failure.is_some(),
        );
    }

    fn calls(&mut self, snapshot: &Snapshot) {
        let counters = &snapshot.counters;
        self.counter(
            "hotline_calls_arrived_total",
            "Counted calls that came in.",
            counters.arrived,
        );
        self.head(
            "hotline_calls_total",
            "Calls that ended, by service and fate.",
            Kind::Counter,
        );
        for ((service, fate), count) in &counters.ended {
            self.line(
                "hotline_calls_total",
                &[("service", service), ("outcome", fate)],
                &count.to_string(),
            );
        }
        let mut states: BTreeMap<&str, u64> = ["arriving", "menu", "ringing", "talking", "waiting"]
            .into_iter()
            .map(|state| (state, 0))
            .collect();
        for call in &snapshot.view.calls {
            *states.entry(&call.state).or_default() += 1;
        }
        self.head("hotline_calls", "Calls that go on, by state.", Kind::Gauge);
        for (state, count) in states {
            self.line("hotline_calls", &[("state", state)], &count.to_string());
        }
        self.histogram(
            "hotline_answer_seconds",
            "Queue waits of calls that reached a counsellor.",
            &counters.answer,
        );
        if let Some(permille) = counters.service_level_permille() {
            self.head(
                "hotline_service_level_ratio",
                "Answered within 20 s in the queue, since the start.",
                Kind::Gauge,
            );
            self.line(
                "hotline_service_level_ratio",
                &[],
                &seconds(permille, 1_000),
            );
        }
        self.head(
            "hotline_offers_total",
            "Counsellors rung, by how it ended.",
            Kind::Counter,
        );
        for (outcome, count) in &counters.offers {
            self.line(
                "hotline_offers_total",
                &[("outcome", outcome)],
                &count.to_string(),
            );
        }
        self.counter(
            "hotline_rtp_lost_packets_total",
            "Packets missing on ended legs.",
            counters.rtp_lost,
        );
        self.counter(
            "hotline_rtp_received_packets_total",
            "Packets received on ended legs.",
            counters.rtp_received,
        );
        self.counter(
            "hotline_recording_failures_total",
            "Recordings that failed.",
            counters.recording_failures,
        );
    }

    fn queues(&mut self, snapshot: &Snapshot) {
        let queues = &snapshot.view.queues;
        self.head("hotline_queue_waiting", "Callers waiting.", Kind::Gauge);
        for queue in queues {
            self.line(
                "hotline_queue_waiting",
                &[("queue", &queue.queue)],
                &queue.waiting.to_string(),
            );
        }
        self.head(
            "hotline_queue_longest_wait_seconds",
            "The longest wait among them.",
            Kind::Gauge,
        );
        for queue in queues {
            let wait = seconds(queue.longest_wait_ms, 1_000);
            self.line(
                "hotline_queue_longest_wait_seconds",
                &[("queue", &queue.queue)],
                &wait,
            );
        }
    }

    fn agents(&mut self, snapshot: &Snapshot) {
        let all = [
            "consulting",
            "held",
            "not_ready",
            "offered",
            "ready",
            "recovery",
            "signed_out",
            "talking",
            "wrap_up",
        ];
        let mut states: BTreeMap<&str, u64> = all.into_iter().map(|state| (state, 0)).collect();
        for agent in &snapshot.view.agents {
            *states.entry(&agent.state).or_default() += 1;
        }
        self.head("hotline_agents", "Counsellors by state.", Kind::Gauge);
        for (state, count) in states {
            self.line("hotline_agents", &[("state", state)], &count.to_string());
        }
    }

    fn trunks(&mut self, snapshot: &Snapshot) {
        self.head("hotline_trunk_up", "1 = the carrier answers.", Kind::Gauge);
        for (trunk, is_up) in &snapshot.trunks {
            self.line(
                "hotline_trunk_up",
                &[("trunk", trunk)],
                if *is_up { "1" } else { "0" },
            );
        }
    }

    fn samples(&mut self, samples: &[Sample]) {
        let mut last = "";
        for sample in samples {
            if sample.name != last {
                self.head(sample.name, sample.help, sample.kind);
                last = sample.name;
            }
            let labels: Vec<_> = sample
                .labels
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            self.line(sample.name, &labels, &sample.value.to_string());
        }
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.typed_head(name, help, "histogram");
        let bucket = format!("{name}_bucket");
        for (bound_ms, count) in histogram.cumulative() {
            self.line(
                &bucket,
                &[("le", &seconds(bound_ms, 1_000))],
                &count.to_string(),
            );
        }
        self.line(&bucket, &[("le", "+Inf")], &histogram.count().to_string());
        self.line(
            &format!("{name}_sum"),
            &[],
            &seconds(histogram.sum_ms(), 1_000),
        );
        self.line(
            &format!("{name}_count"),
            &[],
            &histogram.count().to_string(),
        );
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, Kind::Counter);
        self.line(name, &[], &value.to_string());
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, Kind::Gauge);
        self.line(name, &[], &value.to_string());
    }

    fn flag(&mut self, name: &str, help: &str, is_set: bool) {
        self.gauge(name, help, u64::from(is_set));
    }

    fn head(&mut self, name: &str, help: &str, kind: Kind) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.typed_head(name, help, kind);
    }

    fn typed_head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a String cannot fail.
        write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n").ok();
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            self.0.push(if at == 0 { '{' } else { ',' });
            write!(self.0, "{label}=\"{}\"", escaped(text)).ok();
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        self.0.push(' ');
        self.0.push_str(value);
        self.0.push('\n');
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// A whole number of units as a decimal: 1,500 of 1,000 = `1.5`.
fn seconds(value: u64, per_unit: u64) -> String {
    let digits = per_unit.ilog10() as usize;
    let fraction = format!("{:0digits$}", value % per_unit);
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{}{dot}{fraction}", value / per_unit)
}
