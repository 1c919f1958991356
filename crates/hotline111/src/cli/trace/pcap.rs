//! Writes messages as a capture file that Wireshark and sngrep open: each as one UDP datagram in an Ethernet frame,
//! whatever it really came by (connections are shown as what they carried, TLS and WebSocket without their wrapping).

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

/// Begins a file (the classic format, microseconds).
pub(crate) fn begin(file: &mut impl Write) -> io::Result<()> {
    file.write_all(&MAGIC.to_le_bytes())?;
    file.write_all(&2_u16.to_le_bytes())?;
    file.write_all(&4_u16.to_le_bytes())?;
    file.write_all(&[0; 8])?;
    file.write_all(&FRAME_BYTES_MAX.to_le_bytes())?;
    file.write_all(&ETHERNET.to_le_bytes())
}

/// Writes one message. Both addresses must be of one family, as those of one socket are; else nothing is written.
pub(crate) fn message(
    file: &mut impl Write,
    at_us: u64,
    (from, to): (SocketAddr, SocketAddr),
    message: &[u8],
) -> io::Result<()> {
    let Some(frame) = frame(from, to, message) else {
        return Ok(());
    };
    let seconds = u32::try_from(at_us / 1_000_000).unwrap_or(u32::MAX);
    let micros = u32::try_from(at_us % 1_000_000).unwrap_or_default();
    let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
    for number in [seconds, micros, length, length] {
        file.write_all(&number.to_le_bytes())?;
    }
    file.write_all(&frame)
}

fn frame(from: SocketAddr, to: SocketAddr, message: &[u8]) -> Option<Vec<u8>> {
    let message = message.get(..message.len().min(PAYLOAD_BYTES_MAX))?;
    let udp_bytes = u16::try_from(UDP_HEAD_BYTES + message.len()).ok()?;
    // RFC 768 and RFC 8200 §8.1: the checksum goes over a made-up head of addresses as well.
    let (ether_type, mut pseudo, head) = match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let addresses = [source.octets(), destination.octets()].concat();
            let pseudo = [addresses.as_slice(), &[0, UDP], &udp_bytes.to_be_bytes()].concat();
            (0x0800_u16, pseudo, ipv4_head(udp_bytes, &addresses)?)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let addresses = [source.octets(), destination.octets()].concat();
            let length = u32::from(udp_bytes).to_be_bytes();
            let pseudo = [addresses.as_slice(), &length, &[0, 0, 0, UDP]].concat();
            let mut head = vec![0x60, 0, 0, 0];
            head.extend_from_slice(&udp_bytes.to_be_bytes());
            head.extend_from_slice(&[UDP, 64]);
            head.extend_from_slice(&addresses);
            (0x86dd, pseudo, head)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return None,
    };
    let mut udp = Vec::with_capacity(UDP_HEAD_BYTES + message.len());
    for number in [from.port(), to.port(), udp_bytes, 0] {
        udp.extend_from_slice(&number.to_be_bytes());
    }
    udp.extend_from_slice(message);
    pseudo.extend_from_slice(&udp);
    let sum = match checksum(&pseudo) {
        // 0 would mean that there is none.
        0 => u16::MAX,
        sum => sum,
    };
    udp.get_mut(6..8)?.copy_from_slice(&sum.to_be_bytes());

    let mut frame = Vec::with_capacity(14 + head.len() + udp.len());
    frame.extend_from_slice(&hardware(to.ip()));
    frame.extend_from_slice(&hardware(from.ip()));
    frame.extend_from_slice(&ether_type.to_be_bytes());
    frame.extend_from_slice(&head);
    frame.extend_from_slice(&udp);
    Some(frame)
}

fn ipv4_head(udp_bytes: u16, addresses: &[u8]) -> Option<Vec<u8>> {
    let total = udp_bytes.checked_add(20)?;
    let mut head = vec![0x45, 0];
    head.extend_from_slice(&total.to_be_bytes());
    // No fragments, 64 hops.
    head.extend_from_slice(&[0, 0, 0x40, 0, 64, UDP, 0, 0]);
    head.extend_from_slice(addresses);
    let sum = checksum(&head).to_be_bytes();
    head.get_mut(10..12)?.copy_from_slice(&sum);
    Some(head)
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0_u64;
    for pair in bytes.chunks(2) {
        let high = pair.first().copied().unwrap_or_default();
        let low = pair.get(1).copied().unwrap_or_default();
        sum += u64::from(u16::from_be_bytes([high, low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

/// A locally administered hardware address that goes with the IP address.
fn hardware(ip: IpAddr) -> [u8; 6] {
    let end = match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets(),
        IpAddr::V6(ip) => {
            let octets = ip.octets();
            [octets[12], octets[13], octets[14], octets[15]]
        }
    };
    [2, 0, end[0], end[1], end[2], end[3]]
}

const MAGIC: u32 = 0xa1b2_c3d4;
const ETHERNET: u32 = 1;
const UDP: u8 = 17;
const UDP_HEAD_BYTES: usize = 8;
/// What one IPv4 datagram can hold.
const PAYLOAD_BYTES_MAX: usize = 65_507;
const FRAME_BYTES_MAX: u32 = 262_144;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_have_the_sums_that_the_network_would_have() {
        let (from, to) = (
            "192.0.2.1:5060".parse().unwrap(),
            "192.0.2.2:5061".parse().unwrap(),
        );
        let bytes = frame(from, to, b"abc").unwrap();
        assert_eq!(bytes.len(), 14 + 20 + 8 + 3);
        // A sum over a head with its own sum in it is 0 (RFC 1071 §1).
        assert_eq!(checksum(&bytes[14..34]), 0);
        let pseudo = [&bytes[26..34], &[0, 17, 0, 11], &bytes[34..]].concat();
        assert_eq!(checksum(&pseudo), 0);
        assert_eq!(bytes[34..38], [0x13, 0xc4, 0x13, 0xc5]);

        let (from, to) = (
            "[2001:db8::1]:5060".parse().unwrap(),
            "[2001:db8::2]:5060".parse().unwrap(),
        );
        let bytes = frame(from, to, &[7; 100]).unwrap();
        assert_eq!(bytes.len(), 14 + 40 + 108);
        let pseudo = [&bytes[22..54], &[0, 0, 0, 108, 0, 0, 0, 17], &bytes[54..]].concat();
        assert_eq!(checksum(&pseudo), 0);
        assert!(frame("192.0.2.1:1".parse().unwrap(), to, b"").is_none());
        assert!(frame(from, to, &vec![0; 70_000]).is_some());
    }

    #[test]
    fn a_file_begins_with_its_head_and_each_message_with_its_time() {
        let mut file = Vec::new();
        begin(&mut file).unwrap();
        let addresses = (
            "10.0.0.1:5060".parse().unwrap(),
            "10.0.0.2:5060".parse().unwrap(),
        );
        message(&mut file, 1_800_000_000_123_456, addresses, b"x").unwrap();
        assert_eq!(file.len(), 24 + 16 + 43);
        assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
        assert_eq!(file[24..28], 1_800_000_000_u32.to_le_bytes());
        assert_eq!(file[28..32], 123_456_u32.to_le_bytes());
        assert_eq!(file[32..40], [43, 0, 0, 0, 43, 0, 0, 0]);
    }
}
