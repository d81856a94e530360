//! Columns as the texts that a CSV file would have, so that both mean the same.

use crate::table::Holds;
use ::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, StringViewArray};
use arrow_schema::{DataType, TimeUnit};
use std::fmt::{Display, Write};

/// A text of at most so many bytes stands in its view (Arrow's format has it so).
const MAX_INLINE_VIEW_LEN: u32 = 12;

/// Why a column's type cannot stand for what the column holds.
pub(super) struct Unfit {
    pub(super) found: String,
    pub(super) expected: &'static str,
    pub(super) help: Option<&'static str>,
}

/// Whether a type can stand for what a column holds without a digit being lost or made up.
pub(super) fn fits(data: &DataType, holds: Holds) -> Result<(), Unfit> {
    let whole = data.is_integer();
    let decimal = match data {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => *scale >= 0,
        _ => false,
    };
    let float = matches!(data, DataType::Float32 | DataType::Float64);
    // Texts that are all missing may come without a type.
    let text = matches!(data, DataType::Utf8 | DataType::Utf8View | DataType::Null);
    let dated = matches!(data, DataType::Timestamp(_, Some(_)));
    let (fits, expected) = match holds {
        Holds::Text => (text, "texts"),
        Holds::Amount => (text || whole || decimal, "texts, whole numbers or decimals"),
        Holds::Real => (text || whole || decimal || float, "texts or numbers"),
        Holds::Time => (text || whole || dated, "texts, whole seconds or timestamps in UTC"),
        Holds::Duration => (text || whole, "texts or whole seconds"),
        Holds::Flag => (text || *data == DataType::Boolean, "texts or truths"),
    };
    let found = match data {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "floats".into(),
        DataType::Timestamp(_, None) => "timestamps without a zone".into(),
        DataType::Binary => "bytes that are not marked as text".into(),
        other => format!("the type {other}"),
    };
    let help = data.is_floating().then_some(
        "floats are not exact: 0.1 is none, and 2^53 + 1 is not either; write texts, whole numbers or decimals",
    );
    if fits { Ok(()) } else { Err(Unfit { found, expected, help }) }
}

/// The cells of a column of some rows.
pub(super) enum Texts {
    /// As they stand in the file.
    Stored(StringViewArray),
    /// Numbers, written out one after another.
    Shown { text: String, ends: Vec<usize> },
    /// There are none.
    Absent,
}

impl Texts {
    /// The texts of a column whose type was found to fit.
    pub(super) fn of(array: &ArrayRef) -> Texts {
        match array.data_type() {
            DataType::Utf8View => Texts::Stored(array.as_string_view().clone()),
            DataType::Int8 => numbers::<Int8Type>(array, 0),
            DataType::Int16 => numbers::<Int16Type>(array, 0),
            DataType::Int32 => numbers::<Int32Type>(array, 0),
            DataType::Int64 => numbers::<Int64Type>(array, 0),
            DataType::UInt8 => numbers::<UInt8Type>(array, 0),
            DataType::UInt16 => numbers::<UInt16Type>(array, 0),
            DataType::UInt32 => numbers::<UInt32Type>(array, 0),
            DataType::UInt64 => numbers::<UInt64Type>(array, 0),
            DataType::Decimal128(_, scale) => numbers::<Decimal128Type>(array, *scale),
            DataType::Decimal256(_, scale) => numbers::<Decimal256Type>(array, *scale),
            DataType::Float32 => numbers::<Float32Type>(array, 0),
            DataType::Float64 => numbers::<Float64Type>(array, 0),
            DataType::Timestamp(TimeUnit::Second, _) => numbers::<TimestampSecondType>(array, 0),
            DataType::Timestamp(TimeUnit::Millisecond, _) => numbers::<TimestampMillisecondType>(array, 3),
            DataType::Timestamp(TimeUnit::Microsecond, _) => numbers::<TimestampMicrosecondType>(array, 6),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => numbers::<TimestampNanosecondType>(array, 9),
            DataType::Boolean => {
                let flags = array.as_boolean();
                shown(array, |at, out| out.push_str(if flags.value(at) { "yes" } else { "no" }))
            }
            _ => Texts::Absent,
        }
    }

    /// The longest cell's length, or more \[bytes\].
    pub(super) fn longest(&self) -> usize {
        match self {
            // A view begins with its text's length.
            Texts::Stored(array) => array.views().iter().map(|view| *view as u32).max().unwrap_or(0) as usize,
            // Numbers are short.
            Texts::Shown { .. } | Texts::Absent => 0,
        }
    }

    /// Something that only equal cells have in common; `None` where there is no such thing at hand.
    #[inline]
    pub(super) fn key(&self, row: usize) -> Option<u128> {
        match self {
            // A view of a short text holds all of it.
            Texts::Stored(array) if array.is_valid(row) => {
                Some(array.views()[row]).filter(|view| *view as u32 <= MAX_INLINE_VIEW_LEN)
            }
            Texts::Stored(_) | Texts::Absent => Some(0),
            Texts::Shown { .. } => None,
        }
    }

    /// The cell of a row; empty when there is none.
    #[inline]
    pub(super) fn get(&self, row: usize) -> &str {
        match self {
            Texts::Stored(array) if array.is_valid(row) => array.value(row),
            Texts::Stored(_) | Texts::Absent => "",
            Texts::Shown { text, ends } => {
                &text[row.checked_sub(1).map_or(0, |before| ends[before])..ends[row]]
            }
        }
    }
}

fn numbers<T: ArrowPrimitiveType<Native: Display>>(array: &ArrayRef, scale: i8) -> Texts {
    let values = array.as_primitive::<T>();
    let scale = usize::from(scale.unsigned_abs());
    let mut digits = String::new();
    shown(array, |at, out| {
        digits.clear();
        let _ = write!(digits, "{}", values.value(at)); // writing to a text cannot fail
        point(&digits, scale, out);
    })
}

/// Every cell that is there, written out.
fn shown(array: &ArrayRef, mut write: impl FnMut(usize, &mut String)) -> Texts {
    let mut text = String::new();
    let ends = (0..array.len()).map(|at| {
        if array.is_valid(at) {
            write(at, &mut text);
        }
        text.len()
    });
    let ends = ends.collect();
    Texts::Shown { text, ends }
}

/// A whole number of 10^-`scale` as a decimal. Zeros at its end are the column's and not the number's.
fn point(digits: &str, scale: usize, out: &mut String) {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    out.push_str(sign);
    let split = digits.len().saturating_sub(scale);
    out.push_str(if split == 0 { "0" } else { &digits[..split] });
    let fraction = digits[split..].trim_end_matches('0');
    if !fraction.is_empty() {
        out.push('.');
        out.extend(std::iter::repeat_n('0', scale - (digits.len() - split)));
        out.push_str(fraction);
    }
}

/// The same schema with texts as views into their pages: nothing is copied, however often a page's dictionary is
/// pointed at.
pub(super) fn as_views(metadata: &ArrowReaderMetadata) -> arrow_schema::Schema {
    let fields = metadata.schema().fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => field.as_ref().clone().with_data_type(DataType::Utf8View),
        _ => field.as_ref().clone(),
    });
    arrow_schema::Schema::new(fields.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Decimal128Array, Int64Array, TimestampMillisecondArray};
    use std::sync::Arc;

    #[track_caller]
    fn check(array: ArrayRef, expected: &[&str]) {
        let texts = Texts::of(&array);
        let found: Vec<&str> = (0..array.len()).map(|row| texts.get(row)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn numbers_are_shown_with_their_own_digits() {
        let scaled = |values: Vec<Option<i128>>, scale| -> ArrayRef {
            Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, scale).expect("a scale"))
        };
        check(scaled(vec![Some(1_500), None, Some(-5), Some(0)], 3), &["1.5", "", "-0.005", "0"]);
        check(scaled(vec![Some(1), Some(100)], 2), &["0.01", "1"]);
        check(scaled(vec![Some(120), Some(i128::MIN)], 0), &["120", &i128::MIN.to_string()]);
        check(Arc::new(Int64Array::from(vec![Some(-7), None])), &["-7", ""]);
        check(Arc::new(TimestampMillisecondArray::from(vec![1_000, 1_250])), &["1", "1.25"]);
    }

    #[test]
    fn floats_never_fit() {
        for holds in [Holds::Text, Holds::Amount, Holds::Time, Holds::Duration, Holds::Flag] {
            for float in [DataType::Float16, DataType::Float32, DataType::Float64] {
                assert!(fits(&float, holds).is_err_and(|unfit| unfit.help.is_some()));
            }
            assert!(fits(&DataType::Utf8, holds).is_ok());
        }
        assert!(fits(&DataType::Decimal256(76, 18), Holds::Amount).is_ok());
        assert!(fits(&DataType::Int64, Holds::Text).is_err());
    }
}
