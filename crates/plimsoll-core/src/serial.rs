//! Numbers, accounts and price graphs as other programs write them (serde), where what is read has to be proven first.
//!
//! A number is its decimal text wherever people read along (JSON), so that nothing rounds it on its way; elsewhere its bytes, lowest
//! first, as few as there must be. Reading refuses what writing does not write: one number has one form, so that equal states have
//! equal bytes and equal hashes.

use crate::account::{Account, AccountId, Holding, TermId};
use crate::graph::{Graph, Price, VolHead, VolPoint, VolSurface};
use crate::num::{Decimal, Int, U256};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// The bytes of a number without the zeros above it.
fn few(bytes: &[u8; 32]) -> &[u8] {
    let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    &bytes[..32 - zeros]
}

fn magnitude(few: &[u8]) -> Option<U256> {
    let mut bytes = [0; 32];
    bytes.get_mut(..few.len())?.copy_from_slice(few);
    (few.last() != Some(&0)).then(|| U256::from_le_bytes(bytes))
}

/// A text that is read as `T`, or bytes that `of` makes a `T` of.
struct Either<T> {
    what: &'static str,
    of: fn(&[u8]) -> Option<T>,
}

impl<T: FromStr + ToString> Visitor<'_> for Either<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let read = text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self));
        read.and_then(|value: T| {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'.');
            if plain { Ok(value) } else { Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)) }
        })
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<T, E> {
        (self.of)(bytes).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Bytes(bytes), &self))
    }
}

impl Serialize for U256 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            return to.collect_str(self);
        }
        to.serialize_bytes(few(&self.to_le_bytes()))
    }
}

impl<'de> Deserialize<'de> for U256 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<U256, D::Error> {
        let either = Either { what: "a whole number below 2^256", of: magnitude };
        if from.is_human_readable() { from.deserialize_str(either) } else { from.deserialize_bytes(either) }
    }
}

/// Sign and magnitude; zero has no bytes.
impl Serialize for Int {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            return to.collect_str(self);
        }
        let bytes = self.magnitude().to_le_bytes();
        let few = few(&bytes);
        let mut signed = [0; 33];
        signed[0] = u8::from(self.is_negative());
        signed[1..=few.len()].copy_from_slice(few);
        to.serialize_bytes(if few.is_empty() { &[] } else { &signed[..=few.len()] })
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Int, D::Error> {
        let of = |bytes: &[u8]| match bytes.split_first() {
            None => Some(Int::ZERO),
            Some((sign @ (0 | 1), few)) if !few.is_empty() => {
                Some(Int::from_parts(*sign == 1, magnitude(few)?))
            }
            Some(_) => None,
        };
        let either = Either { what: "a whole number of magnitude below 2^256", of };
        if from.is_human_readable() { from.deserialize_str(either) } else { from.deserialize_bytes(either) }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            return to.collect_str(self);
        }
        (self.mantissa, self.decimals).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
        if from.is_human_readable() {
            let either = Either { what: "a decimal number", of: |_| None };
            return from.deserialize_str(either);
        }
        let (mantissa, decimals) = Deserialize::deserialize(from)?;
        Ok(Decimal { mantissa, decimals })
    }
}

#[derive(serde::Serialize)]
struct AccountRef<'a> {
    id: AccountId,
    holdings: &'a [Holding],
    terms: &'a [(TermId, Int)],
}

#[derive(serde::Deserialize)]
struct AccountParts {
    id: AccountId,
    holdings: Vec<Holding>,
    terms: Vec<(TermId, Int)>,
}

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        AccountRef { id: self.id, holdings: self.holdings(), terms: self.terms() }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Account, D::Error> {
        let AccountParts { id, holdings, terms } = Deserialize::deserialize(from)?;
        let mut account = Account::new(id);
        holdings.iter().for_each(|holding| account.set(holding.instrument, holding.quantity));
        terms.iter().for_each(|(term, value)| account.set_term(*term, *value));
        let same = account.holdings() == holdings && account.terms() == terms;
        if same {
            Ok(account)
        } else {
            Err(Error::custom("holdings and terms in order, without zeros or repetition"))
        }
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Surface {
    head: VolHead,
    points: Vec<VolPoint>,
}

impl Serialize for VolSurface {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Surface { head: self.head().clone(), points: self.points().copied().collect() }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for VolSurface {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<VolSurface, D::Error> {
        let Surface { head, points } = Deserialize::deserialize(from)?;
        let mut surface = VolSurface::new(head);
        for point in points {
            surface.add(point).map_err(Error::custom)?;
        }
        Ok(surface)
    }
}

#[derive(serde::Serialize)]
struct GraphRef<'a> {
    prices: &'a [Price],
    surfaces: &'a [VolSurface],
}

#[derive(serde::Deserialize)]
struct GraphParts {
    prices: Vec<Price>,
    surfaces: Vec<VolSurface>,
}

impl Serialize for Graph {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        GraphRef { prices: self.prices(), surfaces: self.surfaces() }.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Graph {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Graph, D::Error> {
        let GraphParts { prices, surfaces } = Deserialize::deserialize(from)?;
        let mut graph = Graph::default();
        for price in prices {
            let name: String = price.name.clone();
            graph.add(price).map_err(|error| Error::custom(format_args!("price {name}: {error}")))?;
        }
        for surface in surfaces {
            graph.add_surface(surface).ok_or_else(|| Error::custom("a second surface of this name"))?;
        }
        Ok(graph)
    }
}
