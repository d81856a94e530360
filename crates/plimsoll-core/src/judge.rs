//! From a market and its prices to a verdict that is never falsely calm.
//!
//! The venue's own verdict uses the price that the venue will use, doubtful or not. Beside it stands what is true
//! for **every** price that a doubtful feed may still have. An account that neither is surely safe nor surely
//! unsafe is unknown.

use crate::account::Account;
use crate::form::{Compiled, Form, Linear, Node, NodeId, Nodes, RowError};
use crate::market::{Assessment, Lens, Market, Question, Quoted, Test, Verdict};
use crate::num::{Int, Wide};
use crate::reading::{Feeds, Reading, Why};
use crate::refusal::Refusal;
use crate::unit::Time;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What can be said of an account over all values that its doubtful prices may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// No doubtful price touches the account.
    Certain,
    /// Nothing is owed, at whatever price.
    NoDebt,
    /// Healthy whatever the doubtful prices are.
    Safe {
        /// What is doubtful.
        why: Why,
        /// Health is at least this (%); 100 is the line.
        at_least: u64,
    },
    /// Unhealthy whatever they are.
    Unsafe(Why),
    /// It depends on them.
    Undetermined(Why),
    /// The venue itself has no answer, for another reason than a price: [`Judgement::own`] tells which.
    Unanswered,
}

/// The verdict on an account, in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The venue's own answer at the price it would use.
    pub own: Result<Assessment, Refusal>,
    /// What holds for every price.
    pub certainty: Certainty,
}

impl Judgement {
    /// The verdict that one may rely on: `None` is unknown.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        match self.certainty {
            Certainty::Certain => self.own.ok().map(|assessment| assessment.verdict),
            Certainty::NoDebt => Some(Verdict::NoDebt),
            Certainty::Safe { .. } => Some(Verdict::Healthy),
            Certainty::Unsafe(_) => Some(Verdict::Unhealthy),
            Certainty::Undetermined(_) | Certainty::Unanswered => None,
        }
    }
}

/// A market standing still, with its doubtful prices at what the venue uses, at their lowest and at their highest.
pub struct Standing<'m> {
    market: &'m dyn Market,
    lens: Lens,
    at: Time,
    own: Box<dyn Quoted + 'm>,
    doubts: Vec<Option<Why>>,
    ends: Option<[Box<dyn Quoted + 'm>; 2]>,
}

impl<'m> Standing<'m> {
    /// Makes the market stand at a time with its prices.
    ///
    /// # Errors
    /// As [`Market::at`].
    pub fn new(
        market: &'m dyn Market,
        readings: &[Reading],
        lens: Lens,
        at: Time,
    ) -> Result<Standing<'m>, Refusal> {
        let own = market.at(Feeds { readings }, lens, at)?;
        let feeds = Feeds { readings };
        let doubt = |slot| {
            let Reading { value, doubt, .. } = feeds.get(slot);
            doubt.or(value.is_none().then_some(Why::Missing))
        };
        let doubts: Vec<Option<Why>> = (0..market.slots().len()).map(doubt).collect();
        let ends = if doubts.iter().any(Option::is_some) {
            let end = |pick: fn(&Reading, crate::num::U256) -> crate::num::U256| {
                let slots = market.slots().iter().enumerate();
                let at_end: Vec<Reading> = slots
                    .map(|(slot, spec)| Reading::certain(pick(&feeds.get(slot), spec.highest)))
                    .collect();
                market.at(Feeds { readings: &at_end }, lens, at)
            };
            let low = end(|reading, _| reading.low)?;
            let high = end(|reading, highest| reading.high.unwrap_or(highest))?;
            Some([low, high])
        } else {
            None
        };
        Ok(Standing { market, lens, at, own, doubts, ends })
    }

    /// The market at the prices that the venue itself uses.
    #[must_use]
    pub fn quoted(&self) -> &(dyn Quoted + 'm) {
        &*self.own
    }

    /// The market.
    #[must_use]
    pub fn market(&self) -> &'m dyn Market {
        self.market
    }

    /// The time it stands at.
    #[must_use]
    pub fn time(&self) -> Time {
        self.at
    }

    /// Judges one account by one of the venue's lines.
    #[must_use]
    pub fn judge(&self, account: &Account, test: Test) -> Judgement {
        let own = self.own.verdict(account, test);
        let certainty = self.certainty(account, test);
        if matches!(certainty, Certainty::Certain | Certainty::Undetermined(_)) {
            return Judgement { own, certainty };
        }
        // A row has more room than the venue's integers: it says nothing where they do not hold the account.
        match own.err().and_then(|refusal| self.unanswered(refusal, account, test)) {
            Some(refusal) => Judgement { own: Err(refusal), certainty: Certainty::Unanswered },
            None => Judgement { own, certainty },
        }
    }

    /// Why the venue has no answer, if not for a price. One that is missing may hide another reason, so everything is
    /// asked at its lowest.
    fn unanswered(&self, refusal: Refusal, account: &Account, test: Test) -> Option<Refusal> {
        if !matches!(refusal, Refusal::PriceUnknown { .. }) {
            return Some(refusal);
        }
        let [low, _] = self.ends.as_ref()?;
        match low.verdict(account, test).err()? {
            // That the lowest of a missing price is none either is no other reason.
            Refusal::PriceUnknown { .. } => Some(refusal),
            other => Some(other),
        }
    }

    fn certainty(&self, account: &Account, test: Test) -> Certainty {
        let Some(ends) = &self.ends else { return Certainty::Certain };
        let question = Question { test, lens: self.lens, at: self.at };
        let rows = match self.market.compile(account, question) {
            Ok(Compiled::NoDebt) => return Certainty::NoDebt,
            Ok(Compiled::Rows(rows)) => rows,
            // Without a row nothing is proven: any doubt in what the account reads is its doubt.
            Ok(Compiled::Opaque) | Err(_) => {
                let reads = self.market.reads(account);
                let read = |slot: &usize| reads.as_ref().is_none_or(|reads| reads.contains(slot));
                let doubts = self.doubts.iter().enumerate().filter(|(slot, _)| read(slot));
                return match doubts.filter_map(|(_, why)| *why).next() {
                    Some(why) => Certainty::Undetermined(why),
                    None => Certainty::Certain,
                };
            }
        };
        let Some(why) = rows.iter().filter_map(|row| self.doubt_of(row)).min() else {
            return Certainty::Certain;
        };
        let spans: Result<Vec<Span>, RowError> = rows.iter().map(|row| self.span(row, ends)).collect();
        match spans {
            Ok(spans) if spans.iter().all(|span| !span.low.is_negative()) => {
                let floors = rows.iter().map(|row| self.at_least(row, ends));
                Certainty::Safe { why, at_least: floors.min().unwrap_or(100) }
            }
            Ok(spans) if spans.iter().any(|span| span.high.is_negative()) => Certainty::Unsafe(why),
            _ => Certainty::Undetermined(why),
        }
    }

    /// The worst of the doubts about a row.
    fn doubt_of(&self, form: &Form) -> Option<Why> {
        let parts = [&form.backing, &form.requirement, &form.slack];
        let terms = parts.into_iter().chain(&form.hinges).flat_map(|part| &part.terms);
        terms
            .filter(|(_, coefficient)| !coefficient.is_zero())
            .filter_map(|&(node, _)| self.doubt(node))
            .min()
    }

    fn doubt(&self, node: NodeId) -> Option<Why> {
        let slot = self.market.nodes().get(node.0 as usize)?.slot?;
        self.doubts.get(slot).copied().flatten()
    }

    /// The lowest and the highest that the exact headroom can be over all doubtful prices, in row units.
    ///
    /// The row is linear in each price, so its extremes stand where each price is at an end; the ends of
    /// different prices are chosen one by one. Hinges are concave and take their own worst.
    fn span(&self, form: &Form, ends: &[Box<dyn Quoted + 'm>; 2]) -> Result<Span, RowError> {
        let [low, high] = ends;
        let ends = [Nodes { values: low.nodes() }, Nodes { values: high.nodes() }];
        for nodes in &ends {
            if !form.holds(nodes, self.market.epoch())? {
                return Err(RowError::Unknown(Why::Missing));
            }
        }
        // row - slack at its least, row + slack at its greatest
        let surely = self.extreme(form, &ends, Side::Least)?;
        let possibly = self.extreme(form, &ends, Side::Greatest)?;
        Ok(Span { low: surely, high: possibly })
    }

    /// The greatest whole percentage of the requirement, up to a hundredfold, that backing surely covers.
    fn at_least(&self, form: &Form, ends: &[Box<dyn Quoted + 'm>; 2]) -> u64 {
        let [low, high] = ends;
        let ends = [Nodes { values: low.nodes() }, Nodes { values: high.nodes() }];
        let (mut covered, mut open) = (100_u64, 10_000_u64);
        while open - covered > 1 {
            let middle = covered.midpoint(open);
            let holds = self
                .scaled(form, middle)
                .and_then(|form| self.extreme(&form, &ends, Side::Least).ok())
                .is_some_and(|least| !least.is_negative());
            if holds { covered = middle } else { open = middle }
        }
        covered
    }

    fn extreme(&self, form: &Form, ends: &[Nodes<'_>; 2], side: Side) -> Result<Wide, RowError> {
        let mut sums: Vec<(Option<usize>, [Wide; 2])> = Vec::new();
        let slack_sign = if side == Side::Least { Int::new(-1) } else { Int::ONE };
        let mut add = |part: &Linear, sign: Int| -> Result<Wide, RowError> {
            for &(id, coefficient) in &part.terms {
                let slot = self.market.nodes().get(id.0 as usize).and_then(|spec| spec.slot);
                let at = match sums.iter().position(|(seen, _)| *seen == slot) {
                    Some(at) => at,
                    None => {
                        sums.push((slot, [Wide::ZERO; 2]));
                        sums.len() - 1
                    }
                };
                for (sum, nodes) in sums[at].1.iter_mut().zip(ends) {
                    let Node { mantissa, error } = nodes.get(id).map_err(RowError::Unknown)?;
                    let signed = coefficient.mul(sign).ok_or(RowError::Overflow)?;
                    let moved = signed.mul_wide(Int::from(error)).abs();
                    let moved = if side == Side::Least { moved.neg() } else { moved };
                    *sum = sum
                        .add(signed.mul_wide(mantissa))
                        .and_then(|sum| sum.add(moved))
                        .ok_or(RowError::Overflow)?;
                }
            }
            Ok(Wide::from(part.constant.mul(sign).ok_or(RowError::Overflow)?))
        };
        let constants = [
            add(&form.backing, Int::ONE)?,
            add(&form.requirement, Int::new(-1))?,
            add(&form.slack, slack_sign)?,
        ];
        let mut total = Wide::ZERO;
        for (_, [at_low, at_high]) in sums {
            let picked = if side == Side::Least { at_low.min(at_high) } else { at_low.max(at_high) };
            total = total.add(picked).ok_or(RowError::Overflow)?;
        }
        for constant in constants {
            total = total.add(constant).ok_or(RowError::Overflow)?;
        }
        // A hinge's positive part is at most the greater of its ends and at least zero.
        for hinge in &form.hinges {
            if side == Side::Least {
                let worst = self.linear_most(hinge, ends)?;
                total = total.sub(worst.max(Wide::ZERO)).ok_or(RowError::Overflow)?;
            }
        }
        Ok(total)
    }

    /// The form of "backing covers so many percent of the requirement".
    ///
    /// Of 100 x backing - percent x requirement, what the venue rounds off backing counts a hundredfold and what it rounds
    /// onto the requirement `percent` times. Slack at a price that nothing of the requirement is counted at is of backing
    /// alone; all other is of both together, and counts as the greater of the two.
    fn scaled(&self, form: &Form, percent: u64) -> Option<Form> {
        let slot = |node: NodeId| self.market.nodes().get(node.0 as usize).and_then(|spec| spec.slot);
        let backs = |node: NodeId| {
            let mut asked = form.requirement.terms.iter().map(|&(asked, _)| slot(asked));
            slot(node).is_some_and(|price| asked.all(|asked| asked.is_some_and(|asked| asked != price)))
        };
        let mut slack = times(&form.slack, percent.max(100))?;
        for (place, &(node, coefficient)) in slack.terms.iter_mut().zip(&form.slack.terms) {
            if backs(node) {
                *place = (node, coefficient.mul(Int::from(100_u64))?);
            }
        }
        Some(Form {
            backing: times(&form.backing, 100)?,
            requirement: times(&form.requirement, percent)?,
            hinges: form.hinges.iter().map(|hinge| times(hinge, 100)).collect::<Option<Vec<_>>>()?,
            slack,
            scale: form.scale,
            collateral: form.collateral.clone(),
            debt: form.debt.clone(),
            valid: form.valid.clone(),
        })
    }

    fn linear_most(&self, part: &Linear, ends: &[Nodes<'_>; 2]) -> Result<Wide, RowError> {
        part.terms.iter().try_fold(Wide::from(part.constant), |sum, &(id, coefficient)| {
            let mut most: Option<Wide> = None;
            for nodes in ends {
                let Node { mantissa, error } = nodes.get(id).map_err(RowError::Unknown)?;
                let value = coefficient
                    .mul_wide(mantissa)
                    .add(coefficient.mul_wide(Int::from(error)).abs())
                    .ok_or(RowError::Overflow)?;
                most = Some(most.map_or(value, |most| most.max(value)));
            }
            sum.add(most.unwrap_or(Wide::ZERO)).ok_or(RowError::Overflow)
        })
    }
}

fn times(part: &Linear, factor: u64) -> Option<Linear> {
    let factor = Int::from(factor);
    let terms = part.terms.iter().map(|&(node, coefficient)| Some((node, coefficient.mul(factor)?)));
    Some(Linear { terms: terms.collect::<Option<Vec<_>>>()?, constant: part.constant.mul(factor)? })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Least,
    Greatest,
}

struct Span {
    low: Wide,
    high: Wide,
}
