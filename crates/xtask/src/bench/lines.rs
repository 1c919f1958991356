//! What a load run says beside the figures: one line that lets a reader judge them.

use hotline_phone::load::{Distribution, LoadReport};

use super::server::Taken;

pub(crate) fn audio(report: &LoadReport, taken: Taken) {
    let heard = &report.heard;
    println!(
        "    latency {}, change of it {}, loss {:.3} %, own lateness p99 {} us, CPU {:.0} %, {:.0} MiB",
        both(&heard.relay_latency),
        both(&heard.relay_jitter),
        report.relay_loss() * 100.0,
        report.own_lateness.percentile_us(99.0),
        taken.cpu_percent,
        taken.resident_mib
    );
}

pub(crate) fn calls(report: &LoadReport) {
    println!(
        "    {} calls, {} failed, {} sent again, set-up {}",
        report.dialled,
        report.failures(),
        report.retransmissions,
        both(&report.set_up)
    );
    for (cause, count) in &report.failed {
        println!("    {count} times {cause}");
    }
}

/// Median and 99th percentile.
pub(crate) fn both(distribution: &Distribution) -> String {
    format!(
        "{:.3} / {:.3} ms",
        distribution.percentile_us(50.0) as f64 / 1_000.0,
        distribution.percentile_us(99.0) as f64 / 1_000.0
    )
}
