//! What commands that ask about an account share: names that do not fit, and amounts as people read them.

use crate::exit;
use plimsoll::Misasked;
use plimsoll_core::{Refusal, U256};
use serde_json::{Value, json};

/// Tells why a question cannot be put, and which name was most likely meant; the exit code.
pub(crate) fn refuse(why: &Misasked) -> u8 {
    eprintln!("plimsoll: {why}");
    if let Misasked::NoSuch { found, known, .. } = why
        && let Some(near) = plimsoll_io::fault::nearest(found, known.iter().map(String::as_str))
    {
        eprintln!("  did you mean `{near}`?");
    }
    match why {
        Misasked::Stands { .. } => exit::FAULTY,
        _ => exit::USAGE,
    }
}

/// A refusal in words, with its code.
pub(crate) fn words(refusal: &Refusal) -> String {
    format!("{refusal} [{}]", refusal.code())
}

pub(crate) fn refusal_json(refusal: &Refusal) -> Value {
    json!({"code": refusal.code(), "message": refusal.to_string()})
}

/// A raw amount as so many whole tokens, exact.
pub(crate) fn tokens(raw: U256, decimals: u8) -> String {
    crate::show::exact(raw.into(), decimals)
}
