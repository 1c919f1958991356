//! What the HTTP interface shows: the control thread's picture, as the console wants it.

use crate::shell::control::View;
use crate::shell::host::Host;
use crate::shell::tables;
use hotline_console::{Answer, Health, Kind, Sample, Snapshot, Source};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The console's source.
pub(crate) struct Shown(pub(crate) Arc<Host>);

impl Source for Shown {
    fn snapshot(&self) -> Answer<'_, Option<Snapshot>> {
        Box::pin(async move {
            let view = self.0.inbox.view().await?;
            Some(Snapshot {
                view: tables::shown(&view, &self.0.plan()),
                samples: samples(&view, self.0.log_dropped.dropped_lines()),
                counters: view.counters,
                // Nothing probes the carriers yet; what is not known is not shown.
                trunks: std::collections::BTreeMap::new(),
            })
        })
    }

    fn health(&self) -> Health {
        let gauges = &self.0.inbox.gauges;
        let others = if gauges.is_disk_full.load(Ordering::Relaxed) {
            vec![(
                "disk_full".to_owned(),
                "The disk is nearly full, recordings have stopped.".to_owned(),
            )]
        } else {
            Vec::new()
        };
        Health {
            is_starting: !gauges.is_ready.load(Ordering::Relaxed),
            is_draining: gauges.is_draining.load(Ordering::Relaxed),
            journal: self.0.journal.status(),
            projector: self.0.projector.borrow().clone(),
            media_ports_free: gauges.free_ports.load(Ordering::Relaxed),
            others,
        }
    }
}

fn samples(view: &View, log_dropped: usize) -> Vec<Sample> {
    let gauge = |name, help, value: usize| Sample {
        name,
        help,
        kind: Kind::Gauge,
        labels: Vec::new(),
        value: value as f64,
    };
    let mut samples = vec![
        gauge("hotline_legs", "Legs of calls.", view.counts.legs),
        gauge(
            "hotline_sip_transactions",
            "SIP transactions alive.",
            view.sip.transactions,
        ),
        gauge(
            "hotline_sip_dialogs",
            "SIP dialogs alive.",
            view.sip.dialogs,
        ),
        gauge(
            "hotline_sip_bindings",
            "Contacts registered.",
            view.sip.bindings,
        ),
        gauge("hotline_sip_bans", "Addresses banned.", view.sip.bans),
        gauge(
            "hotline_sip_streams",
            "TCP connections of signalling.",
            view.streams,
        ),
    ];
    samples.extend(view.sip.rejections.iter().map(|(rejection, count)| Sample {
        name: "hotline_sip_rejected_total",
        help: "SIP requests refused or dropped.",
        kind: Kind::Counter,
        labels: vec![("reason", format!("{rejection:?}").to_lowercase())],
        value: *count as f64,
    }));
    let dropped = view.counts.dropped;
    for (reason, count) in [
        ("foreign", dropped.foreign),
        ("malformed", dropped.malformed),
        ("unauthentic", dropped.unauthentic),
    ] {
        samples.push(Sample {
            name: "hotline_media_dropped_total",
            help: "Datagrams at media ports that were not the peer's, of the legs that have ended.",
            kind: Kind::Counter,
            labels: vec![("reason", reason.to_owned())],
            value: count as f64,
        });
    }
    for trunk in &view.trunks {
        let labels = || vec![("trunk", trunk.name.clone())];
        let mut sample = |name, help, kind, value| {
            samples.push(Sample {
                name,
                help,
                kind,
                labels: labels(),
                value,
            });
        };
        if let Some(is_up) = trunk.is_up {
            let help = "The trunk answers our probes.";
            sample(
                "hotline_trunk_up",
                help,
                Kind::Gauge,
                f64::from(u8::from(is_up)),
            );
        }
        if let Some(registration) = trunk.registration {
            let value = f64::from(u8::from(registration.is_ok()));
            let help = "The trunk has taken our registration.";
            sample("hotline_trunk_registered", help, Kind::Gauge, value);
        }
        let help = "Calls that came in over the trunk and go on.";
        sample(
            "hotline_trunk_calls_in",
            help,
            Kind::Gauge,
            trunk.calls_in as f64,
        );
        let help = "Calls that went out over the trunk and go on.";
        sample(
            "hotline_trunk_calls_out",
            help,
            Kind::Gauge,
            trunk.calls_out as f64,
        );
        let help = "Calls that met a limit of the trunk.";
        sample(
            "hotline_trunk_limited_total",
            help,
            Kind::Counter,
            trunk.limited as f64,
        );
    }
    samples.extend(view.alarms.iter().map(|(name, count)| Sample {
        name: "hotline_alarms_total",
        help: "Alarms raised, by the name of their RUNBOOK section.",
        kind: Kind::Counter,
        labels: vec![("alarm", (*name).to_owned())],
        value: *count as f64,
    }));
    samples.push(Sample {
        name: "hotline_log_lines_dropped_total",
        help: "Log lines that nobody read in time.",
        kind: Kind::Counter,
        labels: Vec::new(),
        value: log_dropped as f64,
    });
    samples.push(Sample {
        name: "hotline_inbox_dropped_total",
        help: "Messages to the control thread that found its inbox full.",
        kind: Kind::Counter,
        labels: Vec::new(),
        value: view.inbox_dropped as f64,
    });
    samples
}
