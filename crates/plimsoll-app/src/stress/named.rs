//! Scenarios by name or file, and what is said of assets.

use crate::exit;
use crate::show::{self, errln, outln};
use crate::whatif::table;
use plimsoll::Mapping;
use plimsoll_core::{Decimal, Int, Scenario};
use plimsoll_io::book::File;
use plimsoll_io::scenario::{Opened, library, read, read_file};
use serde_json::json;
use std::io::IsTerminal;
use std::path::Path;

/// `LINK=ETH`, `LINK=ETH*1.3`.
pub(crate) fn mapping(text: &str) -> Result<Mapping, String> {
    let example = "expected an asset and one that it moves as, such as LINK=ETH*1.3";
    let (asset, like) = text.split_once('=').ok_or(example)?;
    let (like, times) = match like.rsplit_once('*') {
        None => (like, Decimal::whole(Int::ONE)),
        Some((like, times)) => (like, times.parse().map_err(|error| format!("found `{times}`: {error}"))?),
    };
    if asset.is_empty() || like.is_empty() {
        return Err(example.into());
    }
    Ok(Mapping { asset: asset.into(), like: like.into(), times })
}

/// The scenarios that were asked for; the exit code where one cannot be had.
pub(super) fn scenarios(asked: &[String]) -> Result<Vec<Scenario>, u8> {
    asked.iter().map(|words| scenario(words)).collect()
}

pub(super) fn scenario(words: &str) -> Result<Scenario, u8> {
    // A file's name may have a colon in it.
    let (name, arguments) = match words.split_once(':') {
        Some((name, arguments)) if !Path::new(words).exists() => (name, arguments),
        _ => (words, ""),
    };
    let pairs = arguments.split(',').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('='));
    let pairs: Option<Vec<(String, String)>> =
        pairs.map(|pair| pair.map(|(name, value)| (name.to_string(), value.to_string()))).collect();
    let Some(arguments) = pairs else {
        errln!(
            "plimsoll: --scenario {words}: expected what it asks as NAME=VALUE, such as one-asset:asset=WETH,percent=-30"
        );
        return Err(exit::USAGE);
    };
    let shipped = library().iter().find(|shipped| shipped.name == name);
    let opened = match shipped {
        Some(shipped) => read(shipped.name, shipped.text, &arguments),
        None if Path::new(name).exists() || name.ends_with(".toml") => {
            read_file(File::open(Path::new(name)), &arguments)
        }
        None => {
            errln!(
                "plimsoll: found no scenario `{name}`; `plimsoll stress --list` shows those that ship, others are files"
            );
            if let Some(near) =
                plimsoll_io::fault::nearest(name, library().iter().map(|shipped| shipped.name))
            {
                errln!("  did you mean `{near}`?");
            }
            return Err(exit::USAGE);
        }
    };
    let Opened { scenario, faults, .. } = opened;
    if !faults.is_empty() {
        show::tell(format_args!("{}", faults.render(std::io::stderr().is_terminal())));
    }
    scenario.ok_or(if shipped.is_some() { exit::USAGE } else { exit::FAULTY })
}

/// Every scenario that ships.
pub(super) fn list(as_json: bool) -> u8 {
    let all = library().iter().map(|shipped| {
        let parameters = read(shipped.name, shipped.text, &[]).parameters;
        // Titles and sources hang on no parameter: something for each reads the rest.
        let said: Vec<(String, String)> = parameters.iter().map(|it| (it.name.clone(), "1".into())).collect();
        (read(shipped.name, shipped.text, &said).scenario, parameters)
    });
    let all = all.filter_map(|(scenario, parameters)| Some((scenario?, parameters)));
    if as_json {
        let scenarios = all.map(|(scenario, parameters)| {
            json!({
                "name": scenario.name,
                "title": scenario.title,
                "sources": scenario.sources,
                "hold": scenario.hold,
                "parameters": parameters.iter().map(|it| json!({
                    "name": it.name,
                    "about": it.about,
                    "default": it.default,
                })).collect::<Vec<_>>(),
            })
        });
        outln!("{:#}", json!({"format": 1, "scenarios": scenarios.collect::<Vec<_>>()}));
        return exit::CALM;
    }
    let mut rows = table(&["scenario", "asks", ""], 0..0);
    for (scenario, parameters) in all {
        let asks = parameters.iter().map(|it| match &it.default {
            Some(default) => format!("{}={default}", it.name),
            None => it.name.clone(),
        });
        rows.add_row([scenario.name, asks.collect::<Vec<_>>().join(","), scenario.title]);
    }
    outln!("{}", rows.trim_fmt());
    exit::CALM
}
