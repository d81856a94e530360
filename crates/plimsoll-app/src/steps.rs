//! The changes of `plimsoll whatif`, in the order in which they stand on the command line.

use clap::{Arg, ArgAction, ArgMatches, Command, Error, FromArgMatches};
use plimsoll::{Change, NewPrice, Stake, Sum};
use plimsoll_core::{Decimal, Int};

/// Changes, each with the words that it was given in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps(pub(crate) Vec<(String, Change)>);

struct Flag {
    name: &'static str,
    value: &'static str,
    help: &'static str,
    read: fn(&str) -> Result<Change, String>,
}

const AMOUNT: &str = "AMOUNT ASSET";

const FLAGS: [Flag; 12] = [
    Flag {
        name: "deposit",
        value: AMOUNT,
        help: "The account puts so much in: '1.5 WETH'",
        read: |text| Ok(Change::Deposit(stake(text)?)),
    },
    Flag {
        name: "withdraw",
        value: AMOUNT,
        help: "The account takes so much out; 'all WETH' is everything",
        read: |text| Ok(Change::Withdraw(stake(text)?)),
    },
    Flag {
        name: "borrow",
        value: AMOUNT,
        help: "The account borrows so much",
        read: |text| Ok(Change::Borrow(stake(text)?)),
    },
    Flag {
        name: "repay",
        value: AMOUNT,
        help: "The account pays so much back; 'all USDC' is everything",
        read: |text| Ok(Change::Repay(stake(text)?)),
    },
    Flag {
        name: "fill",
        value: "BASE PERP[@PRICE]",
        help: "The account buys so much of a perp, or sells it where negative: '-2.5 SOL-PERP@99'; at its index where no \
            price is said",
        read: fill,
    },
    Flag {
        name: "use",
        value: "ASSET=on|off",
        help: "The account counts an asset as collateral, or no longer",
        read: collateral,
    },
    Flag {
        name: "mode",
        value: "NUMBER",
        help: "The account enters a mode (e-mode); 0 leaves it",
        read: mode,
    },
    Flag {
        name: "refresh",
        value: "rules|premium",
        help: "What the venue keeps of the account's risk is brought up to date (Aave v4): `rules` puts the newest \
            parameters in force for it, `premium` counts its premium anew",
        read: refresh,
    },
    Flag {
        name: "price",
        value: "NAME=PRICE",
        help: "A price, by its name or an asset's, becomes this: 'ETH/USD=1800', or 'ETH/USD=-20%'",
        read: price,
    },
    Flag {
        name: "set",
        value: "MARKET/OBJECT/NUMBER=VALUE",
        help: "A number of a market becomes this, in its own integers: 'aave-core/WETH/liquidation_threshold=8000'",
        read: number,
    },
    Flag {
        name: "at",
        value: "TIME",
        help: "It is this time, as unix seconds or like 2026-03-01T12:00:00Z",
        read: |text| {
            let time = plimsoll_io::time::parse(text);
            let time = time.ok_or("found no time, expected unix seconds or like 2026-03-01T12:00:00Z")?;
            Ok(Change::At(time))
        },
    },
    Flag { name: "after", value: "DURATION", help: "So much time passes: 90s, 30m, 1h, 7d", read: after },
];

/// `1.5 WETH`, or `all WETH`.
pub(crate) fn stake(text: &str) -> Result<Stake, String> {
    let (sum, asset) = text.split_once(' ').ok_or("expected an amount and an asset, such as '1.5 WETH'")?;
    let asset = asset.trim().to_string();
    if asset.is_empty() {
        return Err("found no asset, expected one such as in '1.5 WETH'".into());
    }
    if sum == "all" {
        return Ok(Stake { sum: Sum::All, asset });
    }
    Ok(Stake { sum: Sum::Exactly(amount(sum)?), asset })
}

/// An amount from zero up.
pub(crate) fn amount(text: &str) -> Result<Decimal, String> {
    let number: Decimal =
        text.parse().map_err(|error| format!("found `{text}`, expected an amount such as 1.5: {error}"))?;
    if number.mantissa.is_negative() {
        return Err(format!("found {text}, expected an amount from zero up"));
    }
    Ok(number)
}

fn fill(text: &str) -> Result<Change, String> {
    let example = "expected an amount and a perp, such as '-2.5 SOL-PERP' or '1 SOL-PERP@99'";
    let (base, rest) = text.split_once(' ').ok_or(example)?;
    let (of, price) = match rest.rsplit_once('@') {
        Some((of, price)) => (of, Some(amount(price)?)),
        None => (rest, None),
    };
    let base = base.strip_prefix('+').unwrap_or(base);
    let base: Decimal = base.parse().map_err(|error| format!("found `{base}`, {example}: {error}"))?;
    if of.trim().is_empty() {
        return Err(example.into());
    }
    Ok(Change::Fill { base, of: of.trim().into(), price })
}

fn collateral(text: &str) -> Result<Change, String> {
    match text.rsplit_once('=') {
        Some((asset, on @ ("on" | "off"))) => Ok(Change::Use { asset: asset.into(), on: on == "on" }),
        _ => Err("expected an asset and a switch, such as WETH=off".into()),
    }
}

fn refresh(text: &str) -> Result<Change, String> {
    match text {
        "rules" => Ok(Change::Refresh { rules: true }),
        "premium" => Ok(Change::Refresh { rules: false }),
        _ => Err("expected rules or premium".into()),
    }
}

fn mode(text: &str) -> Result<Change, String> {
    let (term, value) = match text.rsplit_once('=') {
        Some((term, value)) => (Some(term.to_string()), value),
        None => (None, text),
    };
    let value: Int = value.parse().map_err(|()| format!("found `{value}`, expected a mode's number"))?;
    Ok(Change::Mode { term, value })
}

fn price(text: &str) -> Result<Change, String> {
    let (name, to) = text.rsplit_once('=').ok_or("expected a name and a price, such as ETH/USD=1800")?;
    let percent = to.strip_suffix('%');
    let digits = percent.unwrap_or(to);
    let digits = if percent.is_some() { digits.strip_prefix('+').unwrap_or(digits) } else { digits };
    let number: Decimal = digits.parse().map_err(|error| {
        format!("found `{to}`, expected a price such as 1800 or a part such as -20%: {error}")
    })?;
    let to = if percent.is_some() { NewPrice::Percent(number) } else { NewPrice::Exactly(number) };
    Ok(Change::Price { name: name.into(), to })
}

/// The change that a flag of this name stands for.
pub(crate) fn change(name: &str, words: &str) -> Result<Change, String> {
    let flag = FLAGS.iter().find(|flag| flag.name == name).ok_or("expected a change that there is")?;
    (flag.read)(words)
}

/// A change of a number of a market, with the words that it was given in.
pub(crate) fn set(text: &str) -> Result<(String, Change), String> {
    Ok((format!("set {text}"), number(text)?))
}

fn number(text: &str) -> Result<Change, String> {
    let example = "expected a number and its value, such as aave-core/WETH/liquidation_threshold=8000";
    let (number, value) = text.rsplit_once('=').ok_or(example)?;
    // As a book says it: a switch is 0 or 1 in the market's own integers, a time its seconds.
    let value = match value {
        "false" => Int::ZERO,
        "true" => Int::ONE,
        _ => match (value.parse(), plimsoll_io::time::parse(value)) {
            (Ok(value), _) => value,
            (_, Some(time)) => Int::from(time.0),
            _ => return Err(format!("found `{value}`, expected a whole number, true, false or a time")),
        },
    };
    Ok(Change::Set { number: number.into(), value })
}

fn after(text: &str) -> Result<Change, String> {
    let seconds = plimsoll_io::time::parse_duration(text);
    let seconds = seconds.ok_or("expected seconds, or a duration such as 90m, 24h or 7d")?;
    Ok(Change::After(seconds))
}

impl clap::Args for Steps {
    fn augment_args(command: Command) -> Command {
        FLAGS.iter().fold(command, |command, flag| {
            let arg = Arg::new(flag.name).long(flag.name).value_name(flag.value).help(flag.help);
            command.arg(arg.action(ArgAction::Append).allow_hyphen_values(true).value_parser(flag.read))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Steps {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Steps, Error> {
        let mut placed: Vec<(usize, (String, Change))> = Vec::new();
        for Flag { name, .. } in &FLAGS {
            let places = matches.indices_of(name).into_iter().flatten();
            let changes = matches.get_many::<Change>(name).into_iter().flatten();
            let words = matches.get_raw(name).into_iter().flatten();
            for ((place, change), words) in places.zip(changes).zip(words) {
                placed.push((place, (format!("{name} {}", words.to_string_lossy()), change.clone())));
            }
        }
        placed.sort_by_key(|(place, _)| *place);
        Ok(Steps(placed.into_iter().map(|(_, step)| step).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Steps::from_arg_matches(matches)?;
        Ok(())
    }
}
