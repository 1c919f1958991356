//! Bytes of the journal: a segment's header, its snapshot, and the frames.
//!
//! ```text
//! segment  = header snapshot *frame          (what follows the last frame is zero or torn)
//! header   = "H111JRNL" format:u32 journal:u64 first:u64 crc:u32
//! record   = length:u32 crc:u32 sequence:u64 payload        crc over sequence and payload
//! snapshot = record, sequence = first, payload = postcard (Ledger, [CallRecord])
//! frame    = record, payload = facts_length:u32 postcard (Now, [Fact], [EdgeFact]) postcard [Input]
//! ```
//! All numbers little endian. Facts stand apart from inputs, so that they can be read when the inputs cannot.

use hotline_core::{CallRecord, EdgeFact, Fact, Frame, Input, Ledger, Now};
use serde::Serialize;

/// Grows when `Fact`, `EdgeFact`, `Ledger` or this layout change in a way that old bytes do not survive.
pub(crate) const FORMAT: u32 = 3;
/// Bytes of a header.
pub(crate) const HEADER_BYTES: usize = 32;
/// Bytes before a payload.
pub(crate) const PREFIX_BYTES: usize = 16;
/// More is never written and never believed.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 64 << 20;

const MAGIC: [u8; 8] = *b"H111JRNL";

/// First bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) format: u32,
    /// Which journal: a position counts only in its own.
    pub(crate) journal: u64,
    /// Sequence number of the first frame.
    pub(crate) first: u64,
}

impl Header {
    pub(crate) fn write(self, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.format.to_le_bytes());
        bytes.extend_from_slice(&self.journal.to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        let crc = crc32fast::hash(bytes.get(start..).unwrap_or_default());
        bytes.extend_from_slice(&crc.to_le_bytes());
    }

    /// None when it is not one, or damaged.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..HEADER_BYTES)?;
        let (body, crc) = head.split_at_checked(HEADER_BYTES - 4)?;
        if !body.starts_with(&MAGIC) || crc32fast::hash(body) != u32_at(crc, 0)? {
            return None;
        }
        Some(Self {
            format: u32_at(body, 8)?,
            journal: u64_at(body, 12)?,
            first: u64_at(body, 20)?,
        })
    }
}

/// A checked record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) sequence: u64,
    pub(crate) payload: &'a [u8],
}

impl<'a> Record<'a> {
    /// None when the bytes end, are zero, torn or damaged.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let length = record_bytes(bytes)?;
        let checked = bytes.get(8..length)?;
        if crc32fast::hash(checked) != u32_at(bytes, 4)? {
            return None;
        }
        Some(Self {
            sequence: u64_at(bytes, 8)?,
            payload: bytes.get(PREFIX_BYTES..length)?,
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        PREFIX_BYTES + self.payload.len()
    }
}

/// Whole length of the record that begins here, if its length field can be believed at all.
pub(crate) fn record_bytes(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(u32_at(bytes, 0)?).ok()?;
    (length > 0 && length <= PAYLOAD_BYTES_MAX).then_some(PREFIX_BYTES + length)
}

/// Appends a frame's record. An enormous input is left out rather than the facts.
pub(crate) fn write_frame(
    bytes: &mut Vec<u8>,
    sequence: u64,
    frame: &Frame,
) -> Result<(), postcard::Error> {
    write_record(bytes, sequence, |bytes| {
        let start = bytes.len();
        bytes.extend_from_slice(&[0; 4]);
        extend(bytes, &(frame.now, &frame.facts, &frame.edge))?;
        let length = u32::try_from(bytes.len() - start - 4)
            .map_err(|_too_long| postcard::Error::SerializeBufferFull)?;
        put_u32(bytes, start, length);
        let facts_end = bytes.len();
        extend(bytes, &frame.inputs)?;
        if bytes.len() - start > PAYLOAD_BYTES_MAX {
            bytes.truncate(facts_end);
        }
        Ok(())
    })
}

/// Facts of a frame; `inputs` stays empty.
pub(crate) fn read_facts(payload: &[u8]) -> Option<Frame> {
    let length = usize::try_from(u32_at(payload, 0)?).ok()?;
    let (now, facts, edge) =
        postcard::from_bytes::<(Now, Vec<Fact>, Vec<EdgeFact>)>(payload.get(4..)?.get(..length)?)
            .ok()?;
    Some(Frame {
        now,
        inputs: Vec::new(),
        facts,
        edge,
    })
}

/// Inputs of a frame; None when another version wrote them.
pub(crate) fn read_inputs(payload: &[u8]) -> Option<Vec<Input>> {
    let length = usize::try_from(u32_at(payload, 0)?).ok()?;
    postcard::from_bytes(payload.get(4..)?.get(length..)?).ok()
}

/// Appends a snapshot's record.
pub(crate) fn write_snapshot(
    bytes: &mut Vec<u8>,
    first: u64,
    ledger: &Ledger,
    orphans: &[CallRecord],
) -> Result<(), postcard::Error> {
    write_record(bytes, first, |bytes| extend(bytes, &(ledger, orphans)))
}

/// Ledger and orphans (rows of calls whose frames were lost in a gap).
pub(crate) fn read_snapshot(payload: &[u8]) -> Option<(Ledger, Vec<CallRecord>)> {
    postcard::from_bytes(payload).ok()
}

fn write_record(
    bytes: &mut Vec<u8>,
    sequence: u64,
    payload: impl FnOnce(&mut Vec<u8>) -> Result<(), postcard::Error>,
) -> Result<(), postcard::Error> {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&sequence.to_le_bytes());
    payload(bytes)?;
    let length = bytes.len() - start - PREFIX_BYTES;
    if length > PAYLOAD_BYTES_MAX {
        return Err(postcard::Error::SerializeBufferFull);
    }
    let length = u32::try_from(length).map_err(|_too_long| postcard::Error::SerializeBufferFull)?;
    let crc = crc32fast::hash(bytes.get(start + 8..).unwrap_or_default());
    put_u32(bytes, start, length);
    put_u32(bytes, start + 4, crc);
    Ok(())
}

fn extend(bytes: &mut Vec<u8>, value: &impl Serialize) -> Result<(), postcard::Error> {
    // `to_extend` wants the writer by value; the room of the buffer goes there and back.
    *bytes = postcard::to_extend(value, std::mem::take(bytes))?;
    Ok(())
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|found| u32::from_le_bytes(*found))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|found| u64::from_le_bytes(*found))
}
