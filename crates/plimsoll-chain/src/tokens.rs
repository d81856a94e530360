//! What tokens call themselves, and what a book can call them.

use crate::abi::{Address, Call};
use crate::error::ChainError;
use crate::reader::{Reader, answer};
use std::collections::BTreeSet;

/// A token of a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) at: Address,
    pub(crate) symbol: String,
    pub(crate) decimals: u8,
}

/// Reads the tokens; a symbol that two of them have gets the first digits of the address.
pub(crate) fn read(reader: &Reader<'_>, at: &[Address]) -> Result<Vec<Token>, ChainError> {
    let calls: Vec<Call> =
        at.iter().flat_map(|at| [Call::new(*at, "symbol()"), Call::new(*at, "decimals()")]).collect();
    let given = reader.read(&calls)?;
    let mut taken = BTreeSet::new();
    let mut tokens = Vec::new();
    for (at, (calls, given)) in at.iter().zip(calls.chunks(2).zip(given.chunks(2))) {
        if *at == Address::ZERO {
            // What an idle market of Morpho has for a collateral.
            tokens.push(Token { at: *at, symbol: "none".into(), decimals: 0 });
            continue;
        }
        let decimals = answer(&calls[1], &given[1])?.small(0)?;
        let decimals = u8::try_from(decimals).ok().filter(|decimals| *decimals <= 36);
        let too_many = || ChainError::NotModelled(at.to_string(), "more than 36 decimals".into());
        // A token without a symbol is called by its address.
        let symbol = answer(&calls[0], &given[0]).and_then(|symbol| symbol.text(0)).unwrap_or_default();
        let mut symbol = name(&symbol);
        if symbol.is_empty() || !taken.insert(symbol.clone()) {
            symbol = format!("{symbol}{}{}", if symbol.is_empty() { "" } else { "-" }, &at.to_string()[..10]);
            taken.insert(symbol.clone());
        }
        tokens.push(Token { at: *at, symbol, decimals: decimals.ok_or_else(too_many)? });
    }
    Ok(tokens)
}

/// A symbol as a name of a book, of a unit and of a file: letters, digits, `-`, `_` and `.`, everything else as `_`.
pub(crate) fn name(symbol: &str) -> String {
    const MOST: usize = 40;
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
    let cut: String = symbol.trim().chars().take(MOST).map(plain).collect();
    // A name that begins so is a formula to a spreadsheet.
    if cut.starts_with(['-', '.']) { format!("_{}", &cut[1..]) } else { cut }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn symbols_become_names() {
        assert_eq!(name("USDC.e"), "USDC.e");
        assert_eq!(name(" USD₮0 "), "USD_0");
        assert_eq!(name("=HYPERLINK(1)"), "_HYPERLINK_1_");
        assert_eq!(name("-1+1"), "_1_1");
        assert_eq!(name("../x"), "_._x");
    }
}
