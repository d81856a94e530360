//! Numbers of small rows in their places.

use plimsoll_core::Int;

pub(crate) fn put_small(place: &mut u8, value: &Int) -> Option<()> {
    *place = u8::try_from(value.to_u64()?).ok()?;
    Some(())
}

pub(crate) fn put_place(place: &mut usize, value: &Int) -> Option<()> {
    *place = usize::try_from(value.to_u64()?).ok()?;
    Some(())
}

pub(crate) fn put_rate(place: &mut u32, value: &Int) -> Option<()> {
    *place = u32::try_from(value.to_u64()?).ok()?;
    Some(())
}

/// A move, up or down.
pub(crate) fn put_move(place: &mut i32, value: &Int) -> Option<()> {
    let magnitude = i32::try_from(value.magnitude().to_u64()?).ok()?;
    *place = if value.is_negative() { -magnitude } else { magnitude };
    Some(())
}

pub(crate) fn put_flag(place: &mut bool, value: &Int) -> Option<()> {
    *place = value.to_u64().filter(|value| *value <= 1)? == 1;
    Some(())
}

/// A rate of millionths in its place.
macro_rules! rate {
    ($name:literal, $row:ident => $place:expr) => {
        Field::new(
            $name,
            |_| MILLIONTHS,
            |$row| Int::from(u64::from($place)),
            |$row, value| put_rate(&mut $place, value),
        )
    };
}

pub(crate) use rate;
