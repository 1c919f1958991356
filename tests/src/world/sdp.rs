//! What a scripted peer offers for audio.

use std::net::IpAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// A-law, mu-law, telephone-event.
    Normal,
    /// mu-law only, no telephone-event.
    MuLaw,
    /// On hold: sendonly.
    Hold,
    /// A codec that we do not have.
    Foreign,
    /// No SDP at all.
    None,
    /// Bytes that are no SDP.
    Garbage,
}

impl Offer {
    #[must_use]
    pub fn body(self, address: IpAddr, port: u16) -> Option<Vec<u8>> {
        let (formats, attributes) = match self {
            Self::Normal => (
                "8 0 101",
                "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n",
            ),
            Self::Hold => (
                "8 0 101",
                "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendonly\r\n",
            ),
            Self::MuLaw => ("0", "a=sendrecv\r\n"),
            Self::Foreign => ("18", "a=rtpmap:18 G729/8000\r\na=sendrecv\r\n"),
            Self::None => return None,
            Self::Garbage => return Some(b"this is no session description".to_vec()),
        };
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP {formats}\r\n{attributes}"
        );
        Some(text.into_bytes())
    }
}
