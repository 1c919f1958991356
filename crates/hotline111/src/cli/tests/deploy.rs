//! The unit that is shipped is locked down as far as the server allows.

use super::*;
use std::process::Command;

/// Exposure that `systemd-analyze security` may give, in tenths.
const EXPOSURE_TENTHS_MAX: u32 = 20;

#[test]
fn the_unit_is_rated_at_most_2_0() {
    let unit = repository().join("deploy/hotline111.service");
    let run = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(&unit)
        .output()
        .expect("systemd-analyze is needed: apt-get install --no-install-recommends systemd");
    let text = String::from_utf8_lossy(&run.stdout);
    let last = text
        .lines()
        .rev()
        .find(|line| line.contains("Overall exposure level"))
        .unwrap_or_else(|| panic!("no rating: {text}{}", String::from_utf8_lossy(&run.stderr)));
    let level = last
        .rsplit(": ")
        .next()
        .and_then(|rest| rest.split(' ').next())
        .unwrap();
    let tenths: u32 = level.replace('.', "").parse().unwrap();
    assert!(tenths <= EXPOSURE_TENTHS_MAX, "{last}");
}

#[test]
fn the_unit_gives_the_server_what_it_needs() {
    let unit = std::fs::read_to_string(repository().join("deploy/hotline111.service")).unwrap();
    for needed in [
        "Type=notify",
        "WatchdogSec=10",
        "KillMode=mixed",
        "TimeoutStopSec=15min",
        "Restart=on-failure",
        "StartLimitIntervalSec=0",
        "StateDirectory=hotline111",
        "RuntimeDirectory=hotline111",
        "ConfigurationDirectory=hotline111",
        "UMask=0077",
        "LimitCORE=0",
        "LimitNOFILE=65536",
    ] {
        assert!(
            unit.lines().any(|line| line.starts_with(needed)),
            "{needed}"
        );
    }
}
