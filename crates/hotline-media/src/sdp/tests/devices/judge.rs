//! Judges an answer by its offer (RFC 3264, RFC 4568, RFC 5761, RFC 8843), sharing no code with what it judges.

use crate::protection::Protection;
use crate::{Direction, LegPlan};

/// One m-line with what stands under it, and the session's part.
struct Section {
    kind: String,
    port: String,
    proto: String,
    formats: Vec<String>,
    lines: Vec<String>,
}

struct Description {
    head: Vec<String>,
    sections: Vec<Section>,
}

fn read(bytes: &[u8]) -> Description {
    let mut description = Description {
        head: Vec::new(),
        sections: Vec::new(),
    };
    let text = String::from_utf8_lossy(bytes).replace('\0', "");
    for line in text.split(['\r', '\n']) {
        let line = line.trim_start_matches('\u{FEFF}').trim();
        let Some((letter, value)) = line.split_once('=') else {
            continue;
        };
        let line = format!("{}={}", letter.trim(), value.trim());
        match line.strip_prefix("m=") {
            Some(value) => {
                let mut words = value.split_whitespace().map(str::to_owned);
                let mut word = || words.next().unwrap_or_default();
                description.sections.push(Section {
                    kind: word(),
                    port: word(),
                    proto: word(),
                    formats: words.collect(),
                    lines: Vec::new(),
                });
            }
            None => match description.sections.last_mut() {
                Some(section) => section.lines.push(line),
                None => description.head.push(line),
            },
        }
    }
    description
}

impl Section {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| {
            let (known, value) = line.strip_prefix("a=")?.split_once(':')?;
            known
                .trim()
                .eq_ignore_ascii_case(name)
                .then_some(value.trim())
        })
    }

    fn has(&self, name: &str) -> bool {
        self.lines.iter().any(|line| {
            line.strip_prefix("a=")
                .is_some_and(|line| line.trim().eq_ignore_ascii_case(name))
        })
    }
}

const DIRECTIONS: [&str; 4] = ["sendrecv", "sendonly", "recvonly", "inactive"];

fn direction(description: &Description, section: &Section) -> String {
    let of = |lines: &[String]| {
        lines.iter().find_map(|line| {
            let name = line.strip_prefix("a=")?.trim().to_ascii_lowercase();
            DIRECTIONS.contains(&name.as_str()).then_some(name)
        })
    };
    of(&section.lines)
        .or_else(|| of(&description.head))
        .unwrap_or_else(|| "sendrecv".to_owned())
}

/// RFC 3264 §6.1.
fn is_legal(offered: &str, answered: &str) -> bool {
    match offered {
        "sendonly" => ["recvonly", "inactive"].contains(&answered),
        "recvonly" => ["sendonly", "inactive"].contains(&answered),
        "inactive" => answered == "inactive",
        _ => DIRECTIONS.contains(&answered),
    }
}

macro_rules! must {
    ($fact:expr, $($words:tt)+) => { if !$fact { return Err(format!($($words)+)); } };
}

pub(super) fn judge(offer: &[u8], answer: &[u8], plan: &LegPlan) -> Result<(), String> {
    let text = String::from_utf8_lossy(answer).into_owned();
    must!(
        text.ends_with("\r\n") && !text.contains("\r\n\r\n"),
        "lines end badly"
    );
    must!(
        !text.replace("\r\n", "").contains(['\r', '\n', '\0']),
        "bare line ends"
    );
    let (offer, answer) = (read(offer), read(answer));
    let letters: String = answer
        .head
        .iter()
        .filter_map(|line| line.chars().next())
        .collect();
    let order = letters.trim_end_matches('a');
    must!(
        order == "vosct" || order == "vost",
        "session lines stand as {letters}"
    );
    must!(
        offer.sections.len() == answer.sections.len(),
        "{} m-lines answered by {}",
        offer.sections.len(),
        answer.sections.len()
    );
    let mut taken = 0;
    for (offered, answered) in offer.sections.iter().zip(&answer.sections) {
        if answered.port == "0" {
            judge_refused(offered, answered)?;
        } else {
            taken += 1;
            judge_taken((&offer, offered), (&answer, answered), plan)?;
        }
    }
    let expected = usize::from(plan.remote.is_some() || plan.direction != Direction::Inactive);
    must!(
        taken <= 1 && taken >= expected.min(1) * usize::from(plan.remote.is_some()),
        "{taken} streams taken"
    );
    judge_bundle(&offer, &answer)
}

fn judge_refused(offered: &Section, answered: &Section) -> Result<(), String> {
    must!(
        offered.kind.is_empty() || offered.kind == answered.kind,
        "{} refused as {}",
        offered.kind,
        answered.kind
    );
    must!(
        offered.proto.is_empty() || offered.proto == answered.proto,
        "proto {} refused as {}",
        offered.proto,
        answered.proto
    );
    must!(!answered.formats.is_empty(), "no format on a refused line");
    must!(
        offered.formats.is_empty()
            || answered.formats.iter().all(|format| offered
                .formats
                .iter()
                .any(|other| is_same_format(other, format))),
        "formats of a refused line"
    );
    must!(
        !answered.has("rtcp-mux") && answered.values("crypto").next().is_none(),
        "refused with wishes"
    );
    Ok(())
}

fn judge_taken(
    (offer, offered): (&Description, &Section),
    (answer, answered): (&Description, &Section),
    plan: &LegPlan,
) -> Result<(), String> {
    must!(
        offered.kind.eq_ignore_ascii_case("audio") || offered.kind.is_empty(),
        "took {}",
        offered.kind
    );
    must!(offered.port != "0", "took a stream that is switched off");
    // RFC 3264 §6.1, RFC 5939: the profile is the offer's.
    must!(
        offered.proto.is_empty() || offered.proto == answered.proto,
        "proto {} answered by {}",
        offered.proto,
        answered.proto
    );
    must!(
        offered.formats.is_empty()
            || answered.formats.iter().all(|format| offered
                .formats
                .iter()
                .any(|other| is_same_format(other, format))),
        "formats {:?} not out of {:?}",
        answered.formats,
        offered.formats
    );
    must!(
        answered.formats.first() == Some(&plan.payload_type.to_string()),
        "format is not the plan's"
    );
    for format in &answered.formats {
        let map = answered
            .values("rtpmap")
            .find(|value| value.starts_with(&format!("{format} ")));
        must!(map.is_some(), "no rtpmap for {format}");
        let theirs = offered
            .values("rtpmap")
            .find(|value| value.split_whitespace().next() == Some(format));
        let name = |map: &str| {
            map.split_whitespace()
                .nth(1)
                .map(|map| map.split('/').next().unwrap_or(map).to_ascii_lowercase())
        };
        if let (Some(map), Some(theirs)) = (map, theirs) {
            must!(
                name(map) == name(theirs),
                "{format} is {theirs}, answered as {map}"
            );
        }
    }
    let (wished, said) = (direction(offer, offered), direction(answer, answered));
    must!(is_legal(&wished, &said), "{wished} answered by {said}");
    let is_same = match plan.direction {
        Direction::SendReceive => said == "sendrecv",
        Direction::SendOnly => said == "sendonly",
        Direction::ReceiveOnly => said == "recvonly",
        Direction::Inactive => said == "inactive",
    };
    must!(is_same, "says {said}, does {:?}", plan.direction);
    must!(
        answered.values("mid").next() == offered.values("mid").next().filter(|mid| !mid.is_empty()),
        "mid"
    );
    must!(
        !answered.has("rtcp-mux") || offered.has("rtcp-mux"),
        "rtcp-mux unasked"
    );
    judge_keys(offered, answered, plan)
}

/// A damaged 08 is 8.
fn is_same_format(one: &str, other: &str) -> bool {
    one == other
        || matches!((one.parse::<u8>(), other.parse::<u8>()), (Ok(one), Ok(other)) if one == other)
}

/// RFC 4568 §5.1.2: exactly one line, with a tag and a suite of the offer and a key that is not the offer's.
fn judge_keys(offered: &Section, answered: &Section, plan: &LegPlan) -> Result<(), String> {
    let ours: Vec<&str> = answered.values("crypto").collect();
    if matches!(plan.protection, Protection::Plain) {
        must!(ours.is_empty(), "keys on a plain stream");
        must!(
            !offered.proto.to_ascii_uppercase().contains("SAVP"),
            "plain under {}",
            offered.proto
        );
        return Ok(());
    }
    must!(ours.len() == 1, "{} key lines", ours.len());
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mine = words(ours[0]);
    must!(
        mine.len() == 3 && mine[2].starts_with("inline:"),
        "key line {}",
        mine.len()
    );
    let is_offered = offered.values("crypto").any(|theirs| {
        let theirs = words(theirs);
        theirs.len() >= 3
            && theirs[0].parse::<u32>() == mine[0].parse::<u32>()
            && theirs[1] == mine[1]
            && theirs[2] != mine[2]
    });
    must!(is_offered, "key line is none of the offer's");
    Ok(())
}

/// RFC 8843 §7.3: a bundle of the answer holds only what was taken and was bundled in the offer.
fn judge_bundle(offer: &Description, answer: &Description) -> Result<(), String> {
    let groups = |description: &Description| -> Vec<String> {
        description
            .head
            .iter()
            .filter_map(|line| line.strip_prefix("a=group:BUNDLE"))
            .map(|line| line.trim().to_owned())
            .collect()
    };
    for group in groups(answer) {
        for mid in group.split_whitespace() {
            must!(
                groups(offer)
                    .iter()
                    .any(|group| group.split_whitespace().any(|known| known == mid)),
                "{mid} was not bundled"
            );
            let is_taken = answer
                .sections
                .iter()
                .any(|section| section.port != "0" && section.values("mid").next() == Some(mid));
            must!(is_taken, "{mid} is bundled and refused");
        }
    }
    Ok(())
}

/// New offers on a call that stands.
pub(super) mod judge_hold {
    use super::*;

    /// The first audio line's offer changed.
    pub(in super::super) fn offer(offer: &[u8], way: &str) -> Vec<u8> {
        let text = String::from_utf8_lossy(offer).replace('\r', "\n");
        let mut lines: Vec<String> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let line = line.trim().trim_start_matches('\u{FEFF}').trim().to_owned();
            let is_direction = line
                .strip_prefix("a=")
                .is_some_and(|name| DIRECTIONS.contains(&name.to_ascii_lowercase().as_str()));
            if line.starts_with("m=") {
                let is_audio = line.to_ascii_lowercase().starts_with("m=audio");
                let words: Vec<&str> = line.split_whitespace().collect();
                let is_on = words.get(1).is_some_and(|port| *port != "0");
                let (port, rest) = (
                    words.get(1).copied().unwrap_or("0"),
                    words.get(2..).unwrap_or_default(),
                );
                let port = match way {
                    "port 0" if is_audio => "0".to_owned(),
                    "moved" if is_audio && is_on => "45678".to_owned(),
                    _ => port.to_owned(),
                };
                lines.push(format!("{} {port} {}", words[0], rest.join(" ")));
                if way.starts_with("a=") && is_audio {
                    lines.push(way.to_owned());
                }
            } else if way.starts_with("a=") && is_direction {
                // Replaced by the way.
            } else if way == "0.0.0.0" && line.starts_with("c=") {
                lines.push("c=IN IP4 0.0.0.0".to_owned());
            } else {
                lines.push(line);
            }
        }
        if way == "0.0.0.0" && !lines.iter().any(|line| line.starts_with("c=")) {
            let first = lines
                .iter()
                .position(|line| line.starts_with("m="))
                .unwrap_or(lines.len());
            lines.insert(first, "c=IN IP4 0.0.0.0".to_owned());
        }
        lines.join("\r\n").into_bytes()
    }

    pub(in super::super) fn check(
        way: &str,
        before: &LegPlan,
        held: &LegPlan,
    ) -> Result<(), String> {
        // Who holds in the old way wants nothing, whatever else he says.
        let is_old = before.remote.is_none();
        let expected = match way {
            _ if is_old && !held.direction.sends() => held.direction,
            "a=sendonly" => Direction::ReceiveOnly,
            "a=recvonly" => Direction::SendOnly,
            "a=inactive" | "port 0" => Direction::Inactive,
            "0.0.0.0" => match before.direction {
                Direction::SendReceive | Direction::ReceiveOnly => Direction::ReceiveOnly,
                Direction::SendOnly | Direction::Inactive => Direction::Inactive,
            },
            _ => before.direction,
        };
        must!(
            held.direction == expected,
            "{:?} instead of {expected:?}",
            held.direction
        );
        let goes_nowhere = ["0.0.0.0", "port 0"].contains(&way) || before.remote.is_none();
        must!(
            held.remote.is_none() == goes_nowhere,
            "target {:?}",
            held.remote
        );
        if way == "moved" && !goes_nowhere {
            must!(
                held.remote.map(|remote| remote.port()) == Some(45_678),
                "target {:?}",
                held.remote
            );
        }
        Ok(())
    }
}
