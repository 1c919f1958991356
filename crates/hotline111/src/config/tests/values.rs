//! Single values: durations, sizes, names, the nearest word, lengths of clips.

use super::Folder;
use crate::config::section::nearest;
use crate::config::source::Place;
use crate::config::tree::{Item, Value};
use crate::config::value::{Bytes, Host, Millis, Ports, Scalar, SignedMillis, is_name};
use crate::config::wav;

fn text(text: &str) -> Item {
    Item {
        place: Place {
            source: 0,
            start: 0,
            end: 0,
        },
        value: Value::Text(text.to_owned()),
        loose: None,
    }
}

#[test]
fn durations_are_read_and_shown() {
    for (written, millis, shown) in [
        ("20s", 20_000, "\"20s\""),
        ("250ms", 250, "\"250ms\""),
        ("10min", 600_000, "\"10min\""),
        ("1h 30min", 5_400_000, "\"1h 30min\""),
        ("90s", 90_000, "\"1min 30s\""),
        (" 1 h ", 3_600_000, "\"1h\""),
        ("0s", 0, "\"0s\""),
    ] {
        assert_eq!(
            Millis::read(&text(written)),
            Some(Millis(millis)),
            "{written}"
        );
        assert_eq!(Millis(millis).show(), shown);
    }
    for broken in [
        "20",
        "s",
        "",
        "20 sec",
        "-3s",
        "1.5s",
        "99999999999h",
        "20s!",
    ] {
        assert_eq!(Millis::read(&text(broken)), None, "{broken}");
    }
    assert_eq!(
        SignedMillis::read(&text("-2min")),
        Some(SignedMillis(-120_000))
    );
    assert_eq!(SignedMillis(-120_000).show(), "\"-2min\"");
}

#[test]
fn sizes_are_read_and_shown() {
    for (written, bytes, shown) in [
        ("64 MiB", 64 << 20, "\"64 MiB\""),
        ("50GiB", 50 << 30, "\"50 GiB\""),
        ("1500 B", 1_500, "\"1500 B\""),
    ] {
        assert_eq!(Bytes::read(&text(written)), Some(Bytes(bytes)), "{written}");
        assert_eq!(Bytes(bytes).show(), shown);
    }
    for broken in ["64", "64 MB", "MiB", "-1 B"] {
        assert_eq!(Bytes::read(&text(broken)), None, "{broken}");
    }
}

#[test]
fn addresses_ports_and_names_are_read() {
    assert_eq!(
        Host::read(&text("10.1.2.3")),
        Some(Host {
            ip: [10, 1, 2, 3].into(),
            port: None
        })
    );
    assert_eq!(
        Host::read(&text("10.1.2.3:5061")),
        Some(Host {
            ip: [10, 1, 2, 3].into(),
            port: Some(5061)
        })
    );
    assert_eq!(
        Host::read(&text("[::1]:5061")).and_then(|host| host.port),
        Some(5061)
    );
    assert_eq!(
        Host::read(&text("::1")).map(|host| host.ip.is_ipv6()),
        Some(true)
    );
    assert_eq!(Host::read(&text("sip.example")), None);
    assert_eq!(
        Ports::read(&text("20000-29999")),
        Some(Ports {
            first: 20_000,
            last: 29_999
        })
    );
    assert_eq!(Ports::read(&text("29999-20000")), None);
    assert!(is_name("tv01") && is_name("a.b-c_d"));
    assert!(!is_name("") && !is_name("TV01") && !is_name("tư") && !is_name(&"a".repeat(33)));
}

#[test]
fn the_nearest_word_is_near() {
    let known = ["udp", "tcp", "advertise", "expires_min", "expires_max"];
    let nearest = |word: &str| nearest(word, known.into_iter());
    assert_eq!(nearest("upd").as_deref(), Some("udp"));
    assert_eq!(nearest("advertize").as_deref(), Some("advertise"));
    assert_eq!(nearest("expires_maks").as_deref(), Some("expires_max"));
    assert_eq!(nearest("port"), None);
    assert_eq!(nearest(""), None);
}

/// A WAV file of silence.
pub(super) fn silence(rate_hz: u32, channels: u16, bits: u16, millis: u32) -> Vec<u8> {
    let bytes_per_second = rate_hz * u32::from(channels) * u32::from(bits) / 8;
    let length = bytes_per_second / 1_000 * millis;
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate_hz.to_le_bytes());
    file.extend(bytes_per_second.to_le_bytes());
    file.extend((channels * bits / 8).to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.resize(file.len() + length as usize, 0);
    file
}

#[test]
fn clips_are_measured_and_wrong_ones_told() {
    let folder = Folder::new();
    let measure = |bytes: &[u8]| {
        let path = folder.0.join("clip.wav");
        std::fs::write(&path, bytes).unwrap();
        wav::length_ms(&path)
    };
    assert_eq!(measure(&silence(8_000, 1, 16, 1_500)), Ok(1_500));
    assert_eq!(measure(&silence(16_000, 1, 16, 250)), Ok(250));
    assert_eq!(measure(&silence(48_000, 1, 16, 20)), Ok(20));
    let whole = silence(8_000, 1, 16, 1_000);
    for broken in [
        &silence(8_000, 2, 16, 100)[..],
        &silence(44_100, 1, 16, 100),
        &silence(8_000, 1, 8, 100),
        &silence(8_000, 1, 16, 0),
        &whole[..whole.len() - 10],
        &whole[..20],
        b"not a sound at all, only text of some length",
        b"",
    ] {
        assert!(
            matches!(measure(broken), Err(wav::Fault::Broken(_))),
            "{} bytes",
            broken.len()
        );
    }
    // A chunk of odd length before the audio is followed by a byte of padding (RIFF).
    let mut with_chunk = whole[..12].to_vec();
    with_chunk.extend(b"LIST\x03\x00\x00\x00abc\x00");
    with_chunk.extend(&whole[12..]);
    assert_eq!(measure(&with_chunk), Ok(1_000));
    assert_eq!(
        wav::length_ms(&folder.0.join("nothing.wav")),
        Err(wav::Fault::Absent)
    );
}

#[test]
fn a_carriers_keys_are_one_of_three_words() {
    use hotline_switchboard::Keys;
    for (word, keys) in [
        ("agreed", Keys::Agreed),
        ("events", Keys::Events),
        ("both", Keys::EventsAndTones),
    ] {
        assert_eq!(Keys::read(&text(word)), Some(keys));
        assert_eq!(keys.show(), format!("\"{word}\""));
    }
    assert_eq!(Keys::read(&text("tones")), None);
}
