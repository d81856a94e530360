//! Sound files made hostile.

use crate::random::Random;

const TOKENS: &[&str] = &[
    "\"",
    "\"\"",
    ",",
    "\n",
    "\r\n",
    "\r",
    "=",
    "[",
    "]",
    "[[",
    "{",
    "}",
    ":",
    "0",
    "1",
    "-1",
    "1e5",
    "NaN",
    "inf",
    "0x10",
    "\0",
    "\u{1b}[31m",
    "\u{feff}",
    "\u{202e}",
    "é",
    "🦀",
    "\\",
    "\\u0000",
    "\\ud800",
    "true",
    "null",
    " ",
    "9999999999999999999999999999999999999999999999999999999999999999999999999999999",
    "emode=255",
    "raw",
    "scaled",
    "'",
    "'''",
    "#",
    "2025-10-10T12:00:00Z",
    "340282366920938463463374607431768211455",
    "0.0000000000000000001",
];

/// A few cuts, copies and insertions of a text.
pub(super) fn text(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let (low, high) = range(bytes.len(), random);
        match random.below(6) {
            0 => drop(bytes.drain(low..high)),
            1 => copy(bytes, (low, high), random),
            2 if low < bytes.len() => bytes[low] = random.word() as u8,
            3 => bytes.truncate(low),
            _ => {
                let token = TOKENS[random.below(TOKENS.len() as u64) as usize];
                bytes.splice(low..low, token.bytes());
            }
        }
    }
}

/// A few of the same of a file of lengths and offsets: half of them in its last part, where Parquet says what it is.
pub(super) fn packed(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len() as u64;
        let tail = random.below(2) == 0;
        let at =
            if tail { length - 1 - random.below(length.min(1200)) } else { random.below(length) } as usize;
        match random.below(12) {
            0 => bytes.truncate(at),
            1 => {
                let (low, high) = range(bytes.len(), random);
                copy(bytes, (low, high), random);
            }
            2 => {
                let (low, high) = range(bytes.len(), random);
                bytes.drain(low..high);
            }
            3 => bytes.insert(at, random.word() as u8),
            4 => drop(bytes.remove(at)),
            // A little more or less of a length, a count or an offset.
            5 | 6 => bytes[at] = bytes[at].wrapping_add([1, 2, 254, 255][random.below(4) as usize]),
            7 | 8 => bytes[at] ^= 1 << random.below(8),
            9 => {
                let extreme = [u32::MAX, i32::MAX as u32, 1 << 31, 0, 1 << 30][random.below(5) as usize];
                for (byte, new) in bytes[at..].iter_mut().zip(extreme.to_le_bytes()) {
                    *byte = new;
                }
            }
            // A varint of any length up to ten bytes, in place of what stood there.
            10 => {
                let varint = [0xff, 0xff, 0xff, 0xff, 0x0f];
                let end = bytes.len().min(at + 1 + random.below(3) as usize);
                bytes.splice(at..end, varint);
            }
            _ => bytes[at] = random.word() as u8,
        }
    }
}

fn range(length: usize, random: &mut Random) -> (usize, usize) {
    let place = |random: &mut Random| random.below(length as u64 + 1) as usize;
    let (one, other) = (place(random), place(random));
    let low = one.min(other);
    (low, one.max(other).min(low + 200))
}

fn copy(bytes: &mut Vec<u8>, (low, high): (usize, usize), random: &mut Random) {
    let part = bytes[low..high].to_vec();
    let to = random.below(bytes.len() as u64 + 1) as usize;
    bytes.splice(to..to, part);
}
