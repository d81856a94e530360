//! Crashes as files: `docs/simulate.md` describes them.

use crate::book::{File, FileBytes};
use crate::fault::{Code, Faults, Log, Source, quoted};
use crate::fields::{DECIMALS_MAX, few, format, line, named, names, once, part};
use crate::scalar;
use crate::tree::{Fields, Node, digits, read_toml, text};
use plimsoll_core::{
    Crash, CrashAsset, CrashBorrowers, CrashKeeper, CrashOracle, CrashPool, CrashStreet, Decimal, Int,
};

/// More steps than this are refused.
pub const STEPS_MAX: u64 = 1_000_000;
/// No amount, price or multiple is above 10^this.
const LARGEST: u8 = 24;

/// What was made of a crash's file.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The crash; `None` where anything of it is faulty.
    pub crash: Option<Crash>,
    /// Everything that is wrong.
    pub faults: Faults,
}

/// A crash that ships with the program.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    /// Its file, as it stands in the folder `crashes`.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal)*) => {
        &[$(Shipped { name: $name, text: include_str!(concat!("../../../crashes/", $name, ".toml")) }),*]
    };
}

/// Every crash that ships.
#[must_use]
pub fn library() -> &'static [Shipped] {
    shipped! {
        "ether-falls"
        "all-fall"
    }
}

/// Reads a crash.
#[must_use]
pub fn read(name: &str, words: &str) -> Opened {
    let source = Source::new(name, words.strip_prefix('\u{feff}').unwrap_or(words));
    let mut log = Log::default();
    let crash = read_toml(&source, 0, &mut log).and_then(|node| {
        let mut fields = Fields::of(&node, &mut log)?;
        let crash = whole(&mut fields, &mut log);
        fields.finish(&mut log);
        crash
    });
    let faults = once(log.finish(&[source]));
    Opened { crash: crash.filter(|_| faults.is_empty()), faults }
}

/// Reads a crash from the bytes of a file.
#[must_use]
pub fn read_file(file: File) -> Opened {
    let mut log = Log::default();
    match file.bytes {
        FileBytes::Read(bytes) => match String::from_utf8(bytes) {
            Ok(words) => return read(&file.name, &words),
            Err(_) => log.file(Code::NotUtf8, &file.name, "other bytes", "UTF-8 text"),
        },
        FileBytes::TooLarge(size, most) => {
            log.file(Code::TooLarge, &file.name, format!("{size} bytes"), format!("at most {most}"))
        }
        FileBytes::Failed(why) => log.file(Code::Unreadable, &file.name, why, "a file that can be read"),
    };
    Opened { crash: None, faults: log.finish(&[]) }
}

const ZERO: Decimal = Decimal::whole(Int::ZERO);
const ONE: Decimal = Decimal::whole(Int::ONE);

fn whole(fields: &mut Fields<'_>, log: &mut Log) -> Option<Crash> {
    let format = format(fields, log);
    let name = fields.need("name", log).and_then(|node| named(node, log));
    let title = fields.need("title", log).and_then(|node| line(node, log));
    let sources = fields.need("sources", log).and_then(|node| {
        let lines = few(node, log)?.iter().map(|node| line(node, log).map(str::to_string));
        lines.collect::<Option<Vec<_>>>()
    });
    let hold = fields.take("hold").map_or(Some(Vec::new()), |node| names(node, log));
    let steps = fields.need("steps", log).and_then(|node| scalar::between(node, 1, STEPS_MAX, log));
    let step = fields.need("step", log).and_then(|node| positive_seconds(node, log));
    let jumps = or(fields.take("jumps"), ZERO, |node| amount(node, log));
    let together = or(fields.take("together"), ZERO, |node| part(node, log));
    let surge = or(fields.take("surge"), ZERO, |node| amount(node, log));
    let assets = all(fields.need("asset", log), log, asset);
    let oracles = all(fields.take("oracle"), log, oracle);
    let street = match fields.take("street") {
        Some(node) => street(node, log),
        None => Some(CrashStreet { half_life: 0, withdraws: ZERO, spills: ZERO, measured: None }),
    };
    let keepers = all(fields.take("keeper"), log, keeper);
    let borrowers = all(fields.take("borrowers"), log, borrowers);
    let pools = all(fields.take("pool"), log, pool);
    format?;
    Some(Crash {
        name: name?,
        title: title?.into(),
        sources: sources?,
        hold: hold?,
        steps: u32::try_from(steps?).ok()?,
        step: step?,
        jumps: jumps?,
        together: together?,
        assets: assets?,
        oracles: oracles?,
        street: street?,
        surge: surge?,
        keepers: keepers?,
        borrowers: borrowers?,
        pools: pools?,
    })
}

/// What a table says, or what it is where nothing is said.
fn or<T>(node: Option<&Node>, otherwise: T, read: impl FnOnce(&Node) -> Option<T>) -> Option<T> {
    node.map_or(Some(otherwise), read)
}

/// Every table of a list; none where there is no list.
fn all<T>(node: Option<&Node>, log: &mut Log, read: fn(&Node, &mut Log) -> Option<T>) -> Option<Vec<T>> {
    let Some(node) = node else { return Some(Vec::new()) };
    let read: Vec<Option<T>> = few(node, log)?.iter().map(|node| read(node, log)).collect();
    read.into_iter().collect()
}

fn seconds(node: &Node, log: &mut Log) -> Option<u64> {
    scalar::duration(text(node, log)?, node.span, log)
}

fn positive_seconds(node: &Node, log: &mut Log) -> Option<u64> {
    let found = seconds(node, log)?;
    if found == 0 {
        log.at(Code::OutOfRange, node.span, "no time", "a second or more");
    }
    (found > 0).then_some(found)
}

/// A number that is not negative.
fn amount(node: &Node, log: &mut Log) -> Option<Decimal> {
    let words = digits(node, log)?;
    let found = scalar::amount(words, node.span, log)?.trimmed();
    let most = plimsoll_core::U256::pow10(LARGEST + DECIMALS_MAX);
    if found.scaled_amount(DECIMALS_MAX).is_ok_and(|raw| most.is_some_and(|most| raw <= most)) {
        return Some(found);
    }
    let expected = format!("at most 10^{LARGEST}, with at most {DECIMALS_MAX} digits after the point");
    log.at(Code::OutOfRange, node.span, quoted(words), expected);
    None
}

fn positive(node: &Node, log: &mut Log) -> Option<Decimal> {
    let found = amount(node, log)?;
    if found.mantissa.is_zero() {
        log.at(Code::OutOfRange, node.span, "0", "a number above 0");
    }
    (!found.mantissa.is_zero()).then_some(found)
}

fn measured(fields: &mut Fields<'_>, log: &mut Log) -> Option<Option<String>> {
    or(fields.take("measured"), None, |node| line(node, log).map(|words| Some(words.to_string())))
}

fn asset(node: &Node, log: &mut Log) -> Option<CrashAsset> {
    let mut fields = Fields::of(node, log)?;
    let names = fields.need("names", log).and_then(|node| names(node, log));
    let words = &[("market", true)];
    let blind = or(fields.take("only"), false, |node| scalar::word(text(node, log)?, node.span, words, log));
    let way = or(fields.take("way"), Vec::new(), |node| way(node, log));
    let volatility = or(fields.take("volatility"), ZERO, |node| amount(node, log));
    let jump = or(fields.take("jump"), ONE, |node| positive(node, log));
    let spread = or(fields.take("spread"), ZERO, |node| amount(node, log));
    let measured = measured(&mut fields, log);
    fields.finish(log);
    Some(CrashAsset {
        names: names?,
        way: way?,
        blind: blind?,
        volatility: volatility?,
        jump: jump?,
        spread: spread?,
        measured: measured?,
    })
}

/// Pairs of a time and the part of the price that is left, in order of time.
fn way(node: &Node, log: &mut Log) -> Option<Vec<(u64, Decimal)>> {
    let mut points: Vec<(u64, Decimal)> = Vec::new();
    for pair in few(node, log)? {
        let [at, left] = few(pair, log)? else {
            log.at(
                Code::WrongKind,
                pair.span,
                "another list",
                "a pair: after how long, and the part of the price",
            );
            return None;
        };
        let (after, left) = (seconds(at, log)?, positive(left, log)?);
        if points.last().is_some_and(|(before, _)| *before >= after) {
            log.at(Code::OutOfRange, at.span, format!("{after} s"), "later than the point before");
            return None;
        }
        points.push((after, left));
    }
    Some(points)
}

fn oracle(node: &Node, log: &mut Log) -> Option<CrashOracle> {
    let mut fields = Fields::of(node, log)?;
    let assets = or(fields.take("assets"), Vec::new(), |node| names(node, log));
    let heartbeat = or(fields.take("heartbeat"), 0, |node| seconds(node, log));
    let deviation = or(fields.take("deviation"), ZERO, |node| part(node, log));
    let delay = or(fields.take("delay"), 0, |node| seconds(node, log));
    let mean = or(fields.take("mean"), 0, |node| seconds(node, log));
    let cap = or(fields.take("cap"), None, |node| part(node, log).map(Some));
    let frozen = or(fields.take("frozen"), None, |node| seconds(node, log).map(Some));
    let wrong = or(fields.take("wrong"), None, |node| wrong(node, log).map(Some));
    let measured = measured(&mut fields, log);
    fields.finish(log);
    Some(CrashOracle {
        assets: assets?,
        heartbeat: heartbeat?,
        deviation: deviation?,
        delay: delay?,
        mean: mean?,
        cap: cap?,
        frozen: frozen?,
        wrong: wrong?,
        measured: measured?,
    })
}

fn wrong(node: &Node, log: &mut Log) -> Option<(u64, u64, Decimal)> {
    let [from, to, times] = few(node, log)? else {
        log.at(
            Code::WrongKind,
            node.span,
            "another list",
            "three: from when, until when, so many times the price",
        );
        return None;
    };
    let (start, end) = (seconds(from, log)?, seconds(to, log)?);
    if end <= start {
        log.at(Code::OutOfRange, to.span, format!("{end} s"), "later than it begins");
        return None;
    }
    Some((start, end, positive(times, log)?))
}

fn street(node: &Node, log: &mut Log) -> Option<CrashStreet> {
    let mut fields = Fields::of(node, log)?;
    let half_life = or(fields.take("half_life"), 0, |node| seconds(node, log));
    let withdraws = or(fields.take("withdraws"), ZERO, |node| amount(node, log));
    let spills = or(fields.take("spills"), ZERO, |node| part(node, log));
    let measured = measured(&mut fields, log);
    fields.finish(log);
    Some(CrashStreet { half_life: half_life?, withdraws: withdraws?, spills: spills?, measured: measured? })
}

fn keeper(node: &Node, log: &mut Log) -> Option<CrashKeeper> {
    let mut fields = Fields::of(node, log)?;
    let name = fields.need("name", log).and_then(|node| named(node, log));
    let capital = or(fields.take("capital"), None, |node| positive(node, log).map(Some));
    let least = or(fields.take("least"), ZERO, |node| amount(node, log));
    let gas_most = or(fields.take("gas_most"), None, |node| positive(node, log).map(Some));
    let calls = or(fields.take("calls"), 10, |node| scalar::between(node, 1, 1_000_000, log));
    let awake = or(fields.take("awake"), ONE, |node| part(node, log));
    let measured = measured(&mut fields, log);
    fields.finish(log);
    Some(CrashKeeper {
        name: name?,
        capital: capital?,
        least: least?,
        gas_most: gas_most?,
        calls: u32::try_from(calls?).ok()?,
        awake: awake?,
        measured: measured?,
    })
}

fn borrowers(node: &Node, log: &mut Log) -> Option<CrashBorrowers> {
    let mut fields = Fields::of(node, log)?;
    let words = &[("pay-in", true), ("pay-back", false)];
    let pays_in =
        fields.need("policy", log).and_then(|node| scalar::word(text(node, log)?, node.span, words, log));
    let share = fields.need("share", log).and_then(|node| part(node, log));
    let trigger = fields.need("trigger", log).and_then(|node| above_one(node, log));
    let target = fields.need("target", log).and_then(|node| above_one(node, log));
    let delay = or(fields.take("delay"), 0, |node| seconds(node, log));
    let times = or(fields.take("times"), 1, |node| scalar::between(node, 1, 1_000_000, log));
    let measured = measured(&mut fields, log);
    fields.finish(log);
    Some(CrashBorrowers {
        pays_in: pays_in?,
        share: share?,
        trigger: trigger?,
        target: target?,
        delay: delay?,
        times: u32::try_from(times?).ok()?,
        measured: measured?,
    })
}

/// A health above the line, of at most four digits after the point.
fn above_one(node: &Node, log: &mut Log) -> Option<Decimal> {
    let found = amount(node, log)?;
    let whole = found.scaled_amount(4).ok().and_then(|raw| raw.to_u64());
    if whole.is_some_and(|bps| bps > 10_000 && bps <= 1_000_000) {
        return Some(found);
    }
    let expected = "a health above 1 and at most 100, with at most 4 digits after the point";
    log.at(Code::OutOfRange, node.span, found.to_string(), expected);
    None
}

fn pool(node: &Node, log: &mut Log) -> Option<CrashPool> {
    let mut fields = Fields::of(node, log)?;
    let name = fields.need("name", log).and_then(|node| named(node, log));
    let assets = fields.need("assets", log).and_then(|node| two(node, log, named));
    let reserves = fields.need("reserves", log).and_then(|node| two(node, log, positive));
    let fee = or(fields.take("fee"), ZERO, |node| part(node, log));
    let amplification =
        or(fields.take("amplification"), None, |node| scalar::between(node, 1, 1_000_000, log).map(Some));
    let latency = or(fields.take("latency"), 0, |node| seconds(node, log));
    let measured = measured(&mut fields, log);
    fields.finish(log);
    Some(CrashPool {
        name: name?,
        assets: assets?,
        reserves: reserves?,
        fee: fee?,
        amplification: amplification?,
        latency: latency?,
        measured: measured?,
    })
}

fn two<T>(node: &Node, log: &mut Log, read: fn(&Node, &mut Log) -> Option<T>) -> Option<[T; 2]> {
    let [one, other] = few(node, log)? else {
        log.at(Code::WrongKind, node.span, "another list", "two");
        return None;
    };
    Some([read(one, log)?, read(other, log)?])
}
