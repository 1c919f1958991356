//! Addresses and ports by which calls would be silent, and what is said of them.

use super::*;

/// What is said of `[sip]`, `[media]` and more lines, errors and warnings about silent calls only.
fn said(sip: &str, media: &str, more: &str) -> Vec<String> {
    let main = format!("[sip]\n{sip}\n[media]\n{media}\n{more}");
    let faults = match load_files(&main, &[], &options()) {
        Ok(loaded) => loaded.warnings,
        Err(faults) => faults,
    };
    let english = |fault: &Fault| fault.render(Tongue::English);
    let words = [
        "silent",
        "audio",
        "private",
        "SDP",
        "microphone",
        "system gives",
    ];
    faults
        .iter()
        .map(english)
        .filter(|text| words.iter().any(|word| text.contains(word)))
        .collect()
}

const PUBLIC_TRUNK: &str = "[[trunk]]\nname = \"viettel\"\nsources = [\"203.0.113.9\"]\n";
const OTHER_TRUNK: &str = "[[trunk]]\nname = \"viettel\"\nsources = [\"2001:db8::9\"]\n";

#[test]
fn a_call_that_would_be_silent_is_a_fault_of_the_configuration() {
    let lan = "udp = [\"10.1.1.1:5060\"]";
    for (sip, media, more, expected) in [
        (
            lan,
            "advertise = \"127.0.0.1\"",
            "",
            "SDP would name 127.0.0.1",
        ),
        (
            lan,
            "advertise = \"239.1.1.1\"",
            "",
            "nobody can send audio to 239.1.1.1",
        ),
        (
            lan,
            "advertise = \"2001:db8::1\"",
            "",
            "of the other address family",
        ),
        (
            lan,
            "",
            OTHER_TRUNK,
            "trunk `viettel` has no address of the family",
        ),
        (
            "udp = [\"10.1.1.1:5060\", \"[2001:db8::1]:5060\"]",
            "bind = \"10.1.1.1\"",
            OTHER_TRUNK,
            "trunk `viettel` has no address of the family",
        ),
        (lan, "", PUBLIC_TRUNK, "would be told the private 10.1.1.1"),
        (
            "udp = [\"10.1.1.1:20000\"]",
            "",
            "",
            "the audio ports hold the SIP port 20000",
        ),
        (
            lan,
            "ports = \"1000-9000\"",
            "",
            "the audio ports begin at 1000",
        ),
        (
            lan,
            "ports = \"30000-40000\"",
            "",
            "the system gives ports of 30000-40000",
        ),
        ("ws = [\"10.1.1.1:8080\"]", "", "", "no microphone over ws"),
    ] {
        let said = said(sip, media, more);
        assert!(
            said.iter().any(|text| text.contains(expected)),
            "{expected}: {said:?}"
        );
    }
}

#[test]
fn what_works_is_not_blamed() {
    for (sip, media, more) in [
        ("udp = [\"127.0.0.1:5060\"]", "", ""),
        ("udp = [\"10.1.1.1:5060\"]", "", ""),
        (
            "udp = [\"10.1.1.1:5060\"]\nadvertise = [\"203.0.113.1\"]",
            "",
            PUBLIC_TRUNK,
        ),
        (
            "udp = [\"0.0.0.0:5060\"]\nadvertise = [\"203.0.113.1\"]",
            "",
            PUBLIC_TRUNK,
        ),
        (
            "udp = [\"[::]:5060\"]\nadvertise = [\"2001:db8::1\"]",
            "",
            OTHER_TRUNK,
        ),
        (
            "udp = [\"10.1.1.1:5060\", \"[2001:db8::1]:5060\"]",
            "",
            OTHER_TRUNK,
        ),
        ("tcp = [\"10.1.1.1:20000\"]", "", ""),
    ] {
        let said = said(sip, media, more);
        assert!(said.is_empty(), "{sip}: {said:?}");
    }
}
