//! A surface of implied volatilities: its head as a table, its points as rows.

use super::{WriteError, name, table, text, unsayable};
use crate::tree::Value;
use plimsoll_core::{Decimal, Time, VolSurface};

/// The fields of a surface's head.
pub(super) fn fields(surface: &VolSurface) -> Result<Value, WriteError> {
    let head = surface.head();
    let mut fields = vec![
        ("name", text(name(&head.name)?)),
        ("underlying", text(name(&head.underlying)?)),
        ("currency", text(name(&head.currency)?)),
        ("source", text(name(&head.source)?)),
        ("observed_at", Value::Text(time(head.observed_at)?)),
    ];
    if let Some(seconds) = head.max_age {
        fields.push(("max_age", Value::Text(duration(seconds)?)));
    }
    Ok(table(fields))
}

/// Its points in the order of the columns of `vols.csv`.
pub(super) fn rows(surface: &VolSurface) -> impl Iterator<Item = Result<Vec<String>, WriteError>> {
    surface.points().map(|point| {
        let name = surface.head().name.clone();
        Ok(vec![name, time(point.expiry)?, number(point.strike)?, number(point.volatility)?])
    })
}

/// A time, if it reads back.
fn time(time: Time) -> Result<String, WriteError> {
    let text = crate::time::show(time);
    let same = crate::time::parse(&text) == Some(time);
    if same { Ok(text) } else { Err(unsayable(format!("the time {text}"))) }
}

/// Seconds, if they read back.
fn duration(seconds: u64) -> Result<String, WriteError> {
    let text = seconds.to_string();
    let same = crate::time::parse_duration(&text) == Some(seconds);
    if same { Ok(text) } else { Err(unsayable(format!("a duration of {text} s"))) }
}

/// A number, if it reads back: zeros at a fraction's end may be more than a file can have.
fn number(number: Decimal) -> Result<String, WriteError> {
    let text = number.to_string();
    let same = text.parse() == Ok(number);
    if same { Ok(text) } else { Err(unsayable(format!("the number {text}"))) }
}
