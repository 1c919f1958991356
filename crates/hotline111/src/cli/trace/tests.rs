//! The ladder and the way of bytes over the control socket.

use super::*;
use expect_test::expect;

fn line(at_us: u64, is_incoming: bool, remote: &str, message: &str) -> TraceLine {
    TraceLine {
        at_us,
        is_incoming,
        local: "10.0.0.1:5060".parse().unwrap(),
        remote: remote.parse().unwrap(),
        transport: "udp".to_owned(),
        message: to_hex(message.as_bytes()),
    }
}

#[test]
fn a_ladder_tells_who_said_what_when() {
    let invite = "INVITE sip:111@h SIP/2.0\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n";
    let lines = [
        line(1_800_000_000_123_456, true, "10.0.0.2:5060", invite),
        line(
            1_800_000_000_130_000,
            false,
            "10.0.0.2:5060",
            "SIP/2.0 200 \u{1b}[2JOK\r\nCSeq: 1 INVITE\r\n\r\n",
        ),
        line(
            1_800_000_001_000_000,
            false,
            "[2001:db8::3]:5070",
            "ACK sip:x SIP/2.0\r\n\r\n",
        ),
    ];
    expect![[r#"
        15:00:00.123 udp 10.0.0.2:5060      --> INVITE sip:111@h  (1 INVITE)  [application/sdp]
        15:00:00.130 udp 10.0.0.2:5060      <-- 200 [2JOK  (1 INVITE)
        15:00:01.000 udp [2001:db8::3]:5070 <-- ACK sip:x
    "#]]
    .assert_eq(&ladder(&lines, false));
    assert!(ladder(&lines, true).contains("\n    Content-Type: application/sdp\n"));
}

#[test]
fn any_byte_comes_through_as_it_was() {
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(from_hex(&to_hex(&all)), all);
}

#[test]
fn a_capture_is_for_its_owner_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::temp_dir().join(format!("hotline111-trace-{}.pcap", std::process::id()));
    write(&path, &[line(0, true, "10.0.0.2:5060", "x")]).unwrap();
    let data = std::fs::metadata(&path).unwrap();
    assert_eq!(
        (data.permissions().mode() & 0o777, data.len()),
        (0o600, 24 + 16 + 43)
    );
    assert!(write(&path, &[]).is_err());
    std::fs::remove_file(&path).unwrap();
}
