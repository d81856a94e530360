//! One change of a hypothetical book: what a person says, and doing it.

use crate::ask::{self, Misasked, Sum};
use crate::world::{Held, Moved, World};
use plimsoll_core::{
    Action, Decimal, Effects, Feeds, Int, Kind, Lens, Origin, PriceUnit, Refusal, Rounding, Scale, Time, Unit,
};

/// An amount of an asset, as people say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stake {
    /// How much.
    pub sum: Sum,
    /// Of which asset (or instrument).
    pub asset: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The account puts an asset in.
    Deposit(Stake),
    /// The account takes an asset out.
    Withdraw(Stake),
    /// The account takes a loan.
    Borrow(Stake),
    /// The account pays a loan back.
    Repay(Stake),
    /// The account trades a derivative.
    Fill {
        /// How much of its base is bought; sold where negative.
        base: Decimal,
        /// Which.
        of: String,
        /// At which price; at the one that the market reads where none is said.
        price: Option<Decimal>,
    },
    /// The account counts a receipt as collateral, or no longer.
    Use {
        /// The asset.
        asset: String,
        /// Whether it shall count.
        on: bool,
    },
    /// The account sets one of its terms, such as an e-mode.
    Mode {
        /// The term's name; the market's first where none is said.
        term: Option<String>,
        /// Its new value.
        value: Int,
    },
    /// The account's own risk is brought up to date, at venues that keep it.
    Refresh {
        /// The newest parameters come into force for it; otherwise its risk is only counted anew.
        rules: bool,
    },
    /// A price is another.
    Price {
        /// The price's name, or an asset that has one price.
        name: String,
        /// What it becomes.
        to: NewPrice,
    },
    /// A number of a market is another: `MARKET/OBJECT/NUMBER`.
    Set {
        /// Where it stands.
        number: String,
        /// Its new value, in its own integers.
        value: Int,
    },
    /// It is this time.
    At(Time),
    /// So many seconds pass.
    After(u64),
}

/// What a price becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewPrice {
    /// This, in the price's own unit.
    Exactly(Decimal),
    /// The old one and so many percent of it. Digits that a market does not read are cut.
    Percent(Decimal),
}

/// What a change did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    /// The account acted.
    Acted {
        /// What its wallet paid and received.
        moved: Vec<Moved>,
        /// How its holdings changed.
        held: Vec<Held>,
        /// Terms that changed, with their new values.
        terms: Vec<(String, Int)>,
    },
    /// A price changed.
    Priced {
        /// The price's name.
        name: String,
        /// What it is counted in.
        unit: PriceUnit,
        /// What it was.
        from: Option<Decimal>,
        /// What it is now.
        to: Decimal,
    },
    /// A number of a market changed.
    Set {
        /// Where it stands.
        number: String,
        /// What it counts.
        unit: Unit,
        /// What it was.
        from: Int,
        /// What it is now.
        to: Int,
    },
    /// Time passed.
    Waited {
        /// When it was.
        from: Time,
        /// When it is.
        to: Time,
    },
}

/// Why a change is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It cannot be meant.
    Misasked(Misasked),
    /// The market refuses it.
    Refused(Refusal),
}

impl From<Misasked> for Stop {
    fn from(why: Misasked) -> Stop {
        Stop::Misasked(why)
    }
}

impl From<Refusal> for Stop {
    fn from(why: Refusal) -> Stop {
        Stop::Refused(why)
    }
}

impl World {
    /// Does one change. Where it is refused nothing has changed.
    pub(crate) fn change(&mut self, account: Option<usize>, change: &Change) -> Result<Did, Stop> {
        match change {
            Change::Price { name, to } => self.change_price(account, name, *to),
            Change::Set { number, value } => self.change_number(number, *value),
            Change::At(to) => self.pass_to(*to),
            Change::After(seconds) => {
                let to = self.book.at.0.checked_add(*seconds).ok_or(Refusal::Overflow("time + seconds"))?;
                self.pass_to(Time(to))
            }
            action => {
                let account = account.ok_or(Misasked::NeedsAccount)?;
                let action = self.action(account, action)?;
                let effects = self.act(account, action)?;
                self.apply(self.book.accounts[account].market, &effects)?;
                Ok(self.acted(account, &effects))
            }
        }
    }

    /// The venue's action that a change of an account's own stands for.
    pub(crate) fn action(&self, account: usize, change: &Change) -> Result<Action, Misasked> {
        let own = &self.book.accounts[account];
        let listed = &self.book.markets[own.market];
        let market = &*listed.market;
        let stake = |kind: Kind, stake: &Stake| {
            let id = ask::instrument_of(listed, &own.account, kind, &stake.asset)?;
            Ok((id, ask::amount(market, id, stake.sum)?))
        };
        Ok(match change {
            Change::Deposit(what) => {
                let (into, amount) = stake(Kind::Receipt, what)?;
                Action::Deposit { into, amount }
            }
            Change::Withdraw(what) => {
                let (from, amount) = stake(Kind::Receipt, what)?;
                Action::Withdraw { from, amount }
            }
            Change::Borrow(what) => {
                let (debt, amount) = stake(Kind::Debt, what)?;
                Action::Borrow { debt, amount }
            }
            Change::Repay(what) => {
                let (debt, amount) = stake(Kind::Debt, what)?;
                Action::Repay { debt, amount }
            }
            Change::Use { asset, on } => {
                let instrument = ask::instrument(listed, Kind::Receipt, asset)?;
                Action::UseAsCollateral { instrument, on: *on }
            }
            Change::Mode { term, value } => {
                let terms = market.terms();
                let named = match term {
                    None => terms.first(),
                    Some(name) => terms.iter().find(|spec| spec.name == name.as_str()),
                };
                match (named, term) {
                    (Some(spec), _) => Action::SetTerm { term: spec.id, value: *value },
                    (None, Some(name)) if !terms.is_empty() => {
                        return Err(Misasked::NoSuch {
                            what: format!("existing setting of {}", listed.name),
                            found: name.clone(),
                            known: terms.iter().map(|spec| spec.name.to_string()).collect(),
                        });
                    }
                    _ => return Err(Misasked::NoTerms { market: listed.name.clone() }),
                }
            }
            Change::Fill { base, of, price } => self.fill(account, *base, of, *price)?,
            Change::Refresh { rules } => Action::Refresh { rules: *rules },
            // The caller has dealt with the others.
            Change::Price { .. } | Change::Set { .. } | Change::At(_) | Change::After(_) => Action::Accrue,
        })
    }

    /// A trade, its price in the digits that the market reads.
    fn fill(
        &self,
        account: usize,
        base: Decimal,
        of: &str,
        price: Option<Decimal>,
    ) -> Result<Action, Misasked> {
        let listed = &self.book.markets[self.book.accounts[account].market];
        let instrument = ask::instrument(listed, Kind::Derivative, of)?;
        let spec = &listed.market.instruments()[instrument.index()];
        let no_amount = |error| Misasked::NoAmount { asset: of.into(), found: base, error };
        let quantity = base.scaled(spec.decimals).map_err(no_amount)?;
        let slots = listed.market.slots();
        let slot = slots.iter().position(|slot| slot.asset == spec.asset).unwrap_or(slots.len());
        let traded = listed.market.traded(instrument).map(|traded| traded.digits);
        let refuse = |found: String, expected: &str| Misasked::NoPrice {
            price: of.into(),
            found,
            expected: expected.into(),
        };
        let price = match price {
            Some(said) => {
                let named = slots.get(slot).map(|slot| slot.decimals);
                let decimals = traded.or(named).unwrap_or(0);
                let fits = said.scaled(decimals).ok();
                fits.ok_or_else(|| refuse(said.to_string(), "a price in the digits that the market reads"))?
            }
            None => {
                let quotes = self.book.graph.quotes(self.book.at);
                let readings = self.book.readings(listed, &quotes);
                let (feeds, rounding) = (
                    Feeds { readings: &readings },
                    if base.mantissa.is_negative() { Rounding::Down } else { Rounding::Up },
                );
                let quoted = listed.market.at(feeds, Lens::Action, self.book.at).ok();
                // What it is worth, bought no cheaper and sold no dearer.
                let mark = quoted.and_then(|quoted| quoted.mark(instrument, rounding).ok()?);
                let reading = readings.get(slot).and_then(|reading| reading.value).map(Int::from);
                mark.map(|(price, _)| price)
                    .or(reading)
                    .ok_or_else(|| refuse("none".into(), "a price to trade at, as in '1 SOL-PERP@100'"))?
            }
        };
        Ok(Action::Fill { instrument, quantity, price })
    }

    fn acted(&self, account: usize, effects: &Effects) -> Did {
        let listed = &self.book.accounts[account];
        let specs = self.book.markets[listed.market].market.terms();
        let own = effects.terms.iter().filter(|(id, _, _)| *id == listed.account.id);
        let named = |(_, term, value): &(_, plimsoll_core::TermId, Int)| {
            specs.iter().find(|spec| spec.id == *term).map(|spec| (spec.name.to_string(), *value))
        };
        let terms = own.filter_map(named).collect();
        let (moved, held) = self.moved(account, effects);
        Did::Acted { moved, held, terms }
    }

    fn change_price(&mut self, account: Option<usize>, name: &str, to: NewPrice) -> Result<Did, Stop> {
        let market = account.map(|account| self.book.accounts[account].market);
        let id = ask::price(&self.book, market, name)?;
        let Some(price) = self.book.graph.price(id).cloned() else {
            return Err(Misasked::NoSuch { what: "price".into(), found: name.into(), known: vec![] }.into());
        };
        let from = self.book.graph.quotes(self.book.at)[id.0 as usize].value;
        let (wanted, said) = match to {
            NewPrice::Exactly(wanted) => (Some(wanted), wanted.to_string()),
            NewPrice::Percent(percent) => {
                let whole = percent.plus(Decimal::whole(Int::new(100)));
                let factor = whole.and_then(|w| w.times(Decimal { mantissa: Int::ONE, decimals: 2 }));
                (from.zip(factor).and_then(|(from, factor)| from.times(factor)), format!("{percent} %"))
            }
        };
        let refuse = |expected: &str| {
            let (price, found) = (price.name.clone(), said.clone());
            Stop::from(Misasked::NoPrice { price, found, expected: expected.into() })
        };
        let wanted = wanted.ok_or_else(|| match from {
            None => refuse("a price to take a part of, and it has none"),
            Some(_) => refuse("a price that 256 bits hold"),
        });
        let wanted = wanted?.trimmed();
        let positive = |price: Decimal| !price.mantissa.is_negative() && !price.mantissa.is_zero();
        if !positive(wanted) {
            return Err(refuse("a price above zero"));
        }
        let raw = matches!(&price.origin, Origin::Feed(feed) if feed.scale == Scale::Raw);
        if raw && wanted.decimals > 0 && matches!(to, NewPrice::Exactly(_)) {
            return Err(refuse("a whole number: this feed gives the venue's own integers"));
        }
        let before = self.book.graph.clone();
        let mut wanted = if raw { wanted.cut(0) } else { wanted };
        self.observe(id, wanted);
        while let Some(fine) = self.too_fine() {
            let shorter = wanted.decimals.checked_sub(fine.excess);
            let (true, Some(shorter)) = (matches!(to, NewPrice::Percent(_)), shorter) else {
                self.book.graph = before;
                return Err(refuse(&match fine.excess {
                    u8::MAX => "a price that 256 bits hold where a market reads it".to_string(),
                    _ => format!("at most {} digits after the point, which a market reads", fine.allowed),
                }));
            };
            wanted = wanted.cut(shorter).trimmed();
            self.observe(id, wanted);
        }
        if !positive(wanted) {
            self.book.graph = before;
            return Err(refuse("a price above zero"));
        }
        Ok(Did::Priced { name: price.name, unit: price.unit, from, to: wanted })
    }

    fn change_number(&mut self, path: &str, value: Int) -> Result<Did, Stop> {
        let (market, number) = ask::number(&self.book, path)?;
        let rule = self.book.markets[market].market.rule(number.cell);
        let no_value = || Misasked::NoValue { number: path.into(), found: value, rule };
        let stored = number.with(value).ok_or_else(no_value)?;
        self.book.markets[market].market.set(number.cell, Some(stored)).map_err(|why| match why {
            Refusal::NoSuchCell => Stop::from(no_value()),
            why => why.into(),
        })?;
        Ok(Did::Set { number: path.into(), unit: number.unit, from: number.value(), to: value })
    }

    fn pass_to(&mut self, to: Time) -> Result<Did, Stop> {
        let from = self.book.at;
        self.wait_until(to);
        Ok(Did::Waited { from, to })
    }
}
