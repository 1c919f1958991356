use proptest::prelude::*;
use webrtc_util::Marshal;

use super::*;

fn by_rtp_crate(datagram: &[u8]) -> Option<Packet> {
    Packet::unmarshal(&mut bytes::Bytes::copy_from_slice(datagram)).ok()
}

proptest! {
    #[test]
    fn written_headers_are_read_by_both(
        marker: bool, payload_type in 0u8..128, sequence: u16, timestamp: u32, ssrc: u32,
        payload in proptest::collection::vec(any::<u8>(), 0..320),
    ) {
        let mut bytes = Vec::new();
        write_header(&mut bytes, marker, payload_type, sequence, timestamp, ssrc);
        bytes.extend_from_slice(&payload);
        let view = read(&bytes).unwrap();
        let packet = by_rtp_crate(&bytes).unwrap();
        prop_assert_eq!(view.marker, packet.header.marker);
        prop_assert_eq!(view.payload_type, packet.header.payload_type);
        prop_assert_eq!(view.sequence, packet.header.sequence_number);
        prop_assert_eq!(view.timestamp, packet.header.timestamp);
        prop_assert_eq!(view.ssrc, packet.header.ssrc);
        prop_assert_eq!(&bytes[view.payload], &packet.payload[..]);
        prop_assert_eq!(&packet.payload[..], &payload[..]);
    }

    #[test]
    fn any_bytes_are_read_or_refused_as_the_crate_does(datagram in proptest::collection::vec(any::<u8>(), 0..64)) {
        let view = read(&datagram);
        if let (Some(view), Some(packet)) = (view, by_rtp_crate(&datagram)) {
            prop_assert_eq!(&datagram[view.payload], &packet.payload[..]);
            prop_assert_eq!(view.ssrc, packet.header.ssrc);
        }
    }
}

#[test]
fn extension_sources_and_padding_are_stepped_over() {
    let mut packet = Packet {
        payload: bytes::Bytes::from_static(b"audio"),
        ..Packet::default()
    };
    packet.header.version = 2;
    packet.header.ssrc = 7;
    packet.header.csrc = vec![1, 2];
    packet
        .header
        .set_extension(1, bytes::Bytes::from_static(&[0x55]))
        .unwrap();
    let bytes = packet.marshal().unwrap();
    let view = read(&bytes).unwrap();
    assert_eq!(&bytes[view.payload], b"audio");
    assert_eq!(view.ssrc, 7);

    let mut padded = vec![0xA0, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    padded.extend_from_slice(&[1, 2, 3, 0, 0, 0, 4]);
    let view = read(&padded).unwrap();
    assert_eq!(&padded[view.payload], &[1, 2, 3]);
}

#[test]
fn short_long_and_foreign_datagrams_are_refused() {
    assert!(read(&[]).is_none());
    assert!(read(&[0x80; 11]).is_none());
    assert!(read(&[0x80; 1501]).is_none());
    assert!(read(&[0x00; 172]).is_none(), "STUN");
    assert!(read(&[0x16; 172]).is_none(), "DTLS");
}
