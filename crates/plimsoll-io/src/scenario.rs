//! Scenarios as files: `docs/scenarios.md` describes them. Some ship with the program ([`library`]).

mod library;

pub use library::{Shipped, library};

use crate::book::File;
use crate::fault::{Code, Faults, Log, Source, Span, nearest, quoted};
use crate::fields::{DECIMALS_MAX, few, format, line, named, names, once, one, part};
use crate::scalar;
use crate::tree::{Fields, Node, Value, digits, flag, read_toml, text};
use plimsoll_core::{Decimal, Failure, FeedKind, How, Int, Scenario, Shock, Target};

const KINDS: &[(&str, FeedKind)] =
    &[("oracle", FeedKind::Oracle), ("market", FeedKind::Market), ("redemption", FeedKind::Redemption)];

/// What was made of a scenario's file.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The scenario; `None` where anything of it is faulty.
    pub scenario: Option<Scenario>,
    /// What whoever asks for it may or must say.
    pub parameters: Vec<Parameter>,
    /// Everything that is wrong.
    pub faults: Faults,
}

/// Something that a scenario leaves open: a text `"$name"` in its file stands for what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// What it is.
    pub about: String,
    /// What it is where nothing is said; `None` where something must be.
    pub default: Option<String>,
    span: Span,
}

/// Reads a scenario with its parameters set.
#[must_use]
pub fn read(name: &str, words: &str, arguments: &[(String, String)]) -> Opened {
    let source = Source::new(name, words.strip_prefix('\u{feff}').unwrap_or(words));
    let (mut log, mut parameters) = (Log::default(), Vec::new());
    let scenario = read_toml(&source, 0, &mut log).and_then(|mut node| {
        parameters = read_parameters(&node, &mut log);
        let said = set(&mut node, &parameters, arguments, name, &mut log);
        let mut fields = Fields::of(&node, &mut log)?;
        let scenario = whole(&mut fields, &mut log);
        fields.finish(&mut log);
        Some(Scenario { parameters: said, ..scenario? })
    });
    let faults = once(log.finish(&[source]));
    Opened { scenario: scenario.filter(|_| faults.is_empty()), parameters, faults }
}

/// Reads a scenario from the bytes of a file.
#[must_use]
pub fn read_file(file: File, arguments: &[(String, String)]) -> Opened {
    use crate::book::FileBytes;
    let mut log = Log::default();
    match file.bytes {
        FileBytes::Read(bytes) => match String::from_utf8(bytes) {
            Ok(words) => return read(&file.name, &words, arguments),
            Err(_) => log.file(Code::NotUtf8, &file.name, "other bytes", "UTF-8 text"),
        },
        FileBytes::TooLarge(size, most) => {
            log.file(Code::TooLarge, &file.name, format!("{size} bytes"), format!("at most {most}"))
        }
        FileBytes::Failed(why) => log.file(Code::Unreadable, &file.name, why, "a file that can be read"),
    };
    Opened { scenario: None, parameters: Vec::new(), faults: log.finish(&[]) }
}

fn read_parameters(node: &Node, log: &mut Log) -> Vec<Parameter> {
    let Some(mut fields) = Fields::of(node, &mut Log::default()) else { return Vec::new() };
    let Some(node) = fields.take("parameter") else { return Vec::new() };
    let nodes = few(node, log).unwrap_or_default();
    let mut parameters: Vec<Parameter> = Vec::new();
    for node in nodes {
        let Some(mut fields) = Fields::of(node, log) else { continue };
        let name = fields.need("name", log).and_then(|node| Some((named(node, log)?, node.span)));
        let about = fields.need("about", log).and_then(|node| line(node, log));
        let default = fields.take("default").and_then(|node| digits(node, log));
        fields.finish(log);
        let (Some((name, span)), Some(about)) = (name, about) else { continue };
        if parameters.iter().any(|known| known.name == name) {
            log.at(Code::DuplicateName, span, quoted(&name), "a name that no other parameter has");
            continue;
        }
        parameters.push(Parameter { name, about: about.into(), default: default.map(str::to_string), span });
    }
    parameters
}

/// Puts what was said, or the default, in the place of every text `"$name"`; what that is, by name.
fn set(
    node: &mut Node,
    parameters: &[Parameter],
    arguments: &[(String, String)],
    file: &str,
    log: &mut Log,
) -> Vec<(String, String)> {
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    for (name, _) in arguments {
        if !names.contains(&name.as_str()) {
            let expected = match names.is_empty() {
                true => "none: this scenario has no parameters".to_string(),
                false => format!("a parameter: {}", names.join(", ")),
            };
            let fault = log.file(Code::NoParameter, file, quoted(name), expected);
            if let Some(near) = nearest(name, names.iter().copied()) {
                fault.help(format!("did you mean `{near}`?"));
            }
        }
    }
    let mut said: Vec<(String, String)> = Vec::new();
    for parameter in parameters {
        let argument = arguments.iter().rev().find(|(name, _)| *name == parameter.name);
        match argument.map(|(_, value)| value).or(parameter.default.as_ref()) {
            Some(value) => said.push((format!("${}", parameter.name), value.clone())),
            None => {
                let expected = format!("a value for it: {}", parameter.about);
                let help = format!("say it behind the scenario's name: `:{}=VALUE`", parameter.name);
                log.at(Code::NoParameter, parameter.span, "none said", expected).help(help);
                // What stands for it is told once.
                said.push((format!("${}", parameter.name), String::new()));
            }
        }
    }
    replace(node, &said);
    said.into_iter().map(|(name, value)| (name.trim_start_matches('$').to_string(), value)).collect()
}

fn replace(node: &mut Node, said: &[(String, String)]) {
    match &mut node.value {
        Value::Text(text) => {
            if let Some((_, value)) = said.iter().find(|(name, _)| name == text) {
                text.clone_from(value);
            }
        }
        Value::List(nodes) => nodes.iter_mut().for_each(|node| replace(node, said)),
        Value::Table(entries) => {
            let inside = entries.iter_mut().filter(|entry| entry.key != "parameter");
            inside.for_each(|entry| replace(&mut entry.value, said));
        }
        Value::Null | Value::Flag(_) | Value::Number(_) => {}
    }
}

fn whole(fields: &mut Fields<'_>, log: &mut Log) -> Option<Scenario> {
    let format = format(fields, log);
    let name = fields.need("name", log).and_then(|node| named(node, log));
    let title = fields.need("title", log).and_then(|node| line(node, log));
    let sources = fields.need("sources", log).and_then(|node| {
        let lines = few(node, log)?.iter().map(|node| line(node, log).map(str::to_string));
        lines.collect::<Option<Vec<_>>>()
    });
    let hold = fields.take("hold").map_or(Some(Vec::new()), |node| names(node, log));
    // It was read before.
    let _ = fields.take("parameter");
    let liquidity = fields.take("liquidity").map(|node| part(node, log));
    let failures = fields.take("failure").map_or(Some(Vec::new()), |node| {
        let all: Vec<Option<Failure>> = few(node, log)?.iter().map(|node| failure(node, log)).collect();
        all.into_iter().collect()
    });
    // Markets may fail while prices stand.
    let none = failures.as_ref().is_some_and(Vec::is_empty);
    let shocks = if none { fields.need("shock", log) } else { fields.take("shock") };
    let shocks = shocks.map_or((!none).then(Vec::new), |node| {
        let all: Vec<Option<Shock>> = few(node, log)?.iter().map(|node| shock(node, log)).collect();
        all.into_iter().collect()
    });
    format?;
    Some(Scenario {
        name: name?,
        // Whoever read them sets them.
        parameters: Vec::new(),
        title: title?.into(),
        sources: sources?,
        hold: hold?,
        shocks: shocks?,
        liquidity: said(liquidity)?,
        failures: failures?,
    })
}

/// What need not be there, and is sound where it is.
fn said<T>(found: Option<Option<T>>) -> Option<Option<T>> {
    found.map_or(Some(None), |found| found.map(Some))
}

fn shock(node: &Node, log: &mut Log) -> Option<Shock> {
    let mut fields = Fields::of(node, log)?;
    let target = target(&mut fields, log);
    let how = how(&mut fields, log);
    let liquidity = fields.take("liquidity").map(|node| (node, part(node, log)));
    fields.finish(log);
    if let (Some(Target::Prices(_)), Some((node, _))) = (&target, liquidity) {
        log.at(Code::Exclusive, node.span, "`liquidity`", "none beside `prices`: depth is of assets");
        return None;
    }
    Some(Shock { target: target?, how: how?, liquidity: said(liquidity.map(|(_, part)| part))? })
}

fn failure(node: &Node, log: &mut Log) -> Option<Failure> {
    let mut fields = Fields::of(node, log)?;
    let markets = fields.need("markets", log).and_then(|node| names(node, log));
    let pays = fields.need("pays", log).and_then(|node| part(node, log));
    fields.finish(log);
    Some(Failure { markets: markets?, pays: pays? })
}

fn target(fields: &mut Fields<'_>, log: &mut Log) -> Option<Target> {
    let given = one(fields, ["assets", "collateral", "prices"], log);
    let (currency, kinds) = (fields.take("in"), fields.take("moves"));
    let (what, node) = given?;
    if what == "prices" {
        for (name, extra) in [("in", currency), ("moves", kinds)] {
            if let Some(extra) = extra {
                log.at(Code::Exclusive, extra.span, format!("`{name}`"), "none beside `prices`");
                return None;
            }
        }
        return Some(Target::Prices(names(node, log)?));
    }
    let Some(kinds) = kinds else {
        let expected = "a field `moves`: which of oracle, market, redemption";
        log.at(Code::MissingField, node.span, "nothing beside it", expected);
        return None;
    };
    let words = few(kinds, log)?;
    let kinds: Option<Vec<FeedKind>> =
        words.iter().map(|node| scalar::word(text(node, log)?, node.span, KINDS, log)).collect();
    if words.is_empty() {
        log.at(
            Code::OutOfRange,
            node.span,
            "no kind in `moves`",
            "one or more of oracle, market, redemption",
        );
        return None;
    }
    if what == "collateral" {
        if let Some(currency) = currency {
            log.at(Code::Exclusive, currency.span, "`in`", "none beside `collateral`");
            return None;
        }
        if !flag(node, log)? {
            log.at(Code::UnknownWord, node.span, "false", "true, or another field");
            return None;
        }
        return Some(Target::Collateral { kinds: kinds? });
    }
    let currency = currency.map_or(Some(vec!["USD".to_string()]), |node| names(node, log));
    Some(Target::Assets { assets: names(node, log)?, currency: currency?, kinds: kinds? })
}

fn how(fields: &mut Fields<'_>, log: &mut Log) -> Option<How> {
    let (what, node) = one(fields, ["percent", "factor", "value", "frozen", "wrong_by"], log)?;
    if what == "frozen" {
        if !flag(node, log)? {
            log.at(Code::UnknownWord, node.span, "false", "true, or another field");
            return None;
        }
        return Some(How::Frozen);
    }
    let words = digits(node, log)?;
    let number = scalar::decimal(words, node.span, log)?;
    let number = match what {
        "percent" => number
            .plus(Decimal::whole(Int::new(100)))
            .and_then(|whole| whole.times(Decimal { mantissa: Int::ONE, decimals: 2 })),
        _ => Some(number),
    };
    let Some(number) = number.map(Decimal::trimmed).filter(|number| number.mantissa > Int::ZERO) else {
        let expected = match what {
            "percent" => "more than -100: a price stays above zero",
            _ => "a number above zero",
        };
        log.at(Code::NoPriceLeft, node.span, quoted(words), expected);
        return None;
    };
    if number.decimals > DECIMALS_MAX {
        let found = format!("{} digits after the point", number.decimals);
        log.at(Code::OutOfRange, node.span, found, format!("at most {DECIMALS_MAX}"));
        return None;
    }
    Some(match what {
        "value" => How::Value(number),
        "wrong_by" => How::Wrong(number),
        _ => How::Factor(number),
    })
}
