//! Finds the one part that matters in a multipart body (RFC 2046 §5.1, RFC 5621).

use super::lex;

/// Bytes of the first part of type `wanted`.
/// A part inside a part is not looked for: carriers put ISUP or a location beside the SDP, not around it.
pub(crate) fn part(content_type: &str, body: &[u8], wanted: &str) -> Option<Vec<u8>> {
    let boundary = lex::split(content_type, ';')?
        .into_iter()
        .skip(1)
        .find_map(|param| {
            let (name, value) = param.split_once('=')?;
            let value = value.trim();
            let value = lex::unquote(value).unwrap_or_else(|| value.to_owned());
            name.trim()
                .eq_ignore_ascii_case("boundary")
                .then_some(value)
        })?;
    if boundary.is_empty() || boundary.len() > BOUNDARY_BYTES_MAX {
        return None;
    }
    let delimiter = format!("--{boundary}").into_bytes();
    let mut rest = after(body, &delimiter)?;
    for _ in 0..PARTS_MAX {
        if rest.starts_with(b"--") {
            return None;
        }
        let end = position(rest, &delimiter)?;
        let part = rest.get(..end)?;
        if let Some(found) = content_of(part, wanted) {
            return Some(found);
        }
        rest = rest.get(end + delimiter.len()..)?;
    }
    None
}

/// The bytes of a part when it is of the wanted type; its last line end belongs to the delimiter.
fn content_of(part: &[u8], wanted: &str) -> Option<Vec<u8>> {
    let head_end = position(part, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(part.get(..head_end)?);
    let kind = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let kind = value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        name.trim()
            .eq_ignore_ascii_case("content-type")
            .then_some(kind)
    })?;
    let content = part.get(head_end + 4..)?;
    (kind == wanted).then(|| content.strip_suffix(b"\r\n").unwrap_or(content).to_vec())
}

fn after<'a>(bytes: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    bytes.get(position(bytes, wanted)? + wanted.len()..)
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

/// RFC 2046 §5.1.1.
const BOUNDARY_BYTES_MAX: usize = 70;
const PARTS_MAX: usize = 16;
