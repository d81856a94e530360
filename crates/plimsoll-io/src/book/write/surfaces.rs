//! A surface of implied volatilities: its head as a table, its points as rows.

use super::{WriteError, name, table, text, unsayable};
use crate::tree::Value;
use plimsoll_core::{Decimal, VolSurface};

/// The fields of a surface's head.
pub(super) fn fields(surface: &VolSurface) -> Result<Value, WriteError> {
    let head = surface.head();
    let mut fields = vec![
        ("name", text(name(&head.name)?)),
        ("underlying", text(name(&head.underlying)?)),
        ("currency", text(name(&head.currency)?)),
        ("source", text(name(&head.source)?)),
        ("observed_at", Value::Text(crate::time::show(head.observed_at))),
    ];
    fields.extend(head.max_age.map(|seconds| ("max_age", Value::Text(seconds.to_string()))));
    Ok(table(fields))
}

/// Its points in the order of the columns of `vols.csv`.
pub(super) fn rows(surface: &VolSurface) -> impl Iterator<Item = Result<Vec<String>, WriteError>> {
    surface.points().map(|point| {
        let name = surface.head().name.clone();
        Ok(vec![name, crate::time::show(point.expiry), number(point.strike)?, number(point.volatility)?])
    })
}

/// A number, if it reads back: zeros at a fraction's end may be more than a file can have.
fn number(number: Decimal) -> Result<String, WriteError> {
    let text = number.to_string();
    let same = text.parse() == Ok(number);
    if same { Ok(text) } else { Err(unsayable(format!("the number {text}"))) }
}
