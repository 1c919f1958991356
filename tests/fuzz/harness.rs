//! The mutation loop: inputs from a kept corpus, changed at random from a seed, each under a limit of processor time.

use hotline_tests::dice::Dice;
use rustix::time::{ClockId, clock_gettime};
use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Processor time that one input may cost; it counts when it is exceeded three times in a row.
const LIMIT_US: u64 = 2_000;
/// 64 KiB may cost so many times what 4 KiB cost ...
const GROWTH_MAX: u64 = 20;
/// ... and what is below this is not measured well enough to judge.
const GROWTH_FLOOR_US: u64 = 100;
/// Inputs of a run of `cargo xtask test`; `cargo xtask fuzz` asks for more.
const INPUTS: u64 = 100_000;
/// Inputs that behaved in a new way are kept to be changed further, so many at most.
const POOL_MAX: usize = 2_048;
const INPUT_BYTES_MAX: usize = 8_192;

/// One parser (or machine) under test. `judge` takes an input, panics when something is wrong, and gives a number that
/// is the same for inputs that were treated alike.
pub(crate) fn fuzz(target: &str, dictionary: &[&str], mut judge: impl FnMut(&[u8]) -> u64) {
    let inputs = environment("FUZZ_INPUTS").unwrap_or(INPUTS);
    let seed = environment("FUZZ_SEED").unwrap_or(1);
    let mut pool = seeds(target);
    assert!(!pool.is_empty(), "no corpus for {target}");
    let (kept, mut dice) = (pool.len(), Dice::new(seed));
    let mut seen = HashSet::new();
    let mut slowest = (0, Vec::new());
    let mut total_us = 0;
    for number in 0..inputs {
        let input = match pool.get(usize::try_from(number).unwrap_or(usize::MAX)) {
            Some(seed) if number < kept as u64 => seed.clone(),
            _ => mutant(&mut dice, &pool, dictionary),
        };
        let (behaviour, cost_us) = judged(target, &input, &mut judge);
        total_us += cost_us;
        if cost_us > slowest.0 {
            slowest = (cost_us, input.clone());
        }
        if cost_us > LIMIT_US {
            let again = (0..3).map(|_| judged(target, &input, &mut judge).1).min();
            if again.is_some_and(|cost_us| cost_us > LIMIT_US) {
                keep(target, &input);
                panic!(
                    "{target}: an input of {} bytes costs {cost_us} us each time",
                    input.len()
                );
            }
        }
        if seen.insert(behaviour) && pool.len() < POOL_MAX {
            pool.push(input);
        }
    }
    println!(
        "{target}: {inputs} inputs from {kept} of the corpus, {} behaviours, {} us on average, {} us at most",
        seen.len(),
        total_us / inputs.max(1),
        slowest.0
    );
}

/// What costs too much when it is long: each shape is a head, a part that is repeated, and an end.
pub(crate) fn grows_evenly(
    target: &str,
    shapes: &[[&str; 3]],
    mut judge: impl FnMut(&[u8]) -> u64,
) {
    for [head, part, end] in shapes {
        let mut cost_us = |bytes: usize| {
            let times = bytes.saturating_sub(head.len() + end.len()) / part.len();
            let input = [head, part.repeat(times).as_str(), end]
                .concat()
                .into_bytes();
            // The best of some: the machine is shared.
            let costs = (0..5).map(|_| judged(target, &input, &mut judge).1);
            costs.min().unwrap_or_default()
        };
        let (small, large) = (cost_us(4_096), cost_us(65_536));
        assert!(
            large <= GROWTH_FLOOR_US || large <= small.max(1) * GROWTH_MAX,
            "{target}: {:?} repeated costs {small} us in 4 KiB and {large} us in 64 KiB",
            part
        );
    }
}

/// Runs one input; when it panics, the input is kept for the developer and later for the regressions.
fn judged(target: &str, input: &[u8], judge: &mut impl FnMut(&[u8]) -> u64) -> (u64, u64) {
    struct Guard<'a>(&'a str, &'a [u8]);
    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                keep(self.0, self.1);
            }
        }
    }
    let guard = Guard(target, input);
    let before_us = processor_us();
    let behaviour = judge(input);
    let cost_us = processor_us().saturating_sub(before_us);
    drop(guard);
    (behaviour, cost_us)
}

fn processor_us() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec).unwrap_or_default() * 1_000_000
        + u64::try_from(time.tv_nsec).unwrap_or_default() / 1_000
}

fn keep(target: &str, input: &[u8]) {
    let folder = std::env::temp_dir().join("hotline111-fuzz").join(target);
    let mut name = String::new();
    for byte in input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
        .to_be_bytes()
    {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    let path = folder.join(name);
    let is_written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input));
    eprintln!(
        "{target}: the input is {} ({is_written:?}); once mended it belongs into tests/fuzz/regressions/{target}:\n{}",
        path.display(),
        String::from_utf8_lossy(input)
    );
}

fn environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The corpus, what was found before, and for messages those of RFC 4475 and RFC 5118 when they are at hand.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let mut folders = vec![
        own.join("corpus").join(target),
        own.join("regressions").join(target),
    ];
    if matches!(target, "message" | "framing" | "server")
        && let Some(torture) = std::env::var_os("HOTLINE_TORTURE_DIR").map(PathBuf::from)
    {
        folders.extend([torture.join("rfc4475"), torture.join("rfc5118")]);
    }
    let mut paths = BTreeSet::new();
    for folder in folders {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        paths.extend(
            entries
                .map(|entry| entry.path())
                .filter(|path| path.is_file()),
        );
    }
    paths.retain(|path| path.extension().is_none_or(|end| end != "json"));
    paths
        .iter()
        .filter_map(|path| std::fs::read(path).ok())
        .collect()
}

fn mutant(dice: &mut Dice, pool: &[Vec<u8>], dictionary: &[&str]) -> Vec<u8> {
    let pick = |dice: &mut Dice| pool[below(dice, pool.len())].clone();
    let mut bytes = pick(dice);
    for _ in 0..=dice.below(6) {
        let at = below(dice, bytes.len() + 1);
        let end = (at + below(dice, 24)).min(bytes.len());
        match dice.below(11) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(dice.below(256)).unwrap_or_default();
                }
            }
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => {
                let piece = bytes[at..end].to_vec();
                let times = 1 + below(dice, 60);
                insert(&mut bytes, at, &piece.repeat(times));
            }
            5 => {
                let other = pick(dice);
                let from = below(dice, other.len() + 1);
                let to = (from + below(dice, 200)).min(other.len());
                insert(&mut bytes, at, &other[from..to]);
            }
            6 => number(dice, &mut bytes, at),
            7 => insert(&mut bytes, at, ODD[below(dice, ODD.len())]),
            8 => line(dice, &mut bytes),
            _ => {
                let word = dictionary.get(below(dice, dictionary.len())).copied();
                insert(&mut bytes, at, word.unwrap_or_default().as_bytes());
            }
        }
        bytes.truncate(INPUT_BYTES_MAX);
    }
    bytes
}

fn below(dice: &mut Dice, limit: usize) -> usize {
    usize::try_from(dice.below(limit as u64)).unwrap_or_default()
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// The next number in the text becomes one at an edge of its range.
fn number(dice: &mut Dice, bytes: &mut Vec<u8>, from: usize) {
    let Some(start) = (from..bytes.len()).find(|at| bytes[*at].is_ascii_digit()) else {
        return;
    };
    let length = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let edge = EDGES[below(dice, EDGES.len())];
    bytes.splice(start..start + length, edge.bytes());
}

/// A line goes, comes twice, or changes its place.
fn line(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let text = std::mem::take(bytes);
    let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.is_empty() {
        return;
    }
    let (from, to) = (below(dice, lines.len()), below(dice, lines.len()));
    let chosen = lines[from];
    match dice.below(3) {
        0 => drop(lines.remove(from)),
        1 => lines.insert(to, chosen),
        _ => lines.swap(from, to),
    }
    *bytes = lines.concat();
}

const EDGES: [&str; 12] = [
    "0",
    "-1",
    "1",
    "255",
    "256",
    "65535",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "99999999999999999999999999999999",
];
/// Bytes that end, hide or join things.
const ODD: [&[u8]; 18] = [
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\r\n ",
    b"\"",
    b"\\",
    b"<",
    b">",
    b";",
    b",",
    b":",
    b"%00",
    b"%",
    b"\xff\xfe",
    b"\xe2\x80\xae",
    b" \t ",
];
