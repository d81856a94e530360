//! How likely accounts are to be liquidated by a date, and what a whole book may lose: by price history, under several models, as a range.
//!
//! An account is its venue's own row, at the market as it will stand at each look; prices go through the book's price graph. Floats estimate
//! here and decide nothing: a chance says of what it was made, and what it does not know. `docs/risk.md` tells of each part.

#![allow(clippy::float_arithmetic)] // estimates are floats; verdicts are not made here

mod buffer;
mod closed;
mod drivers;
mod ground;
mod models;
mod prices;
#[cfg(test)]
mod tests;
mod walk;

pub use buffer::{Buffer, BufferAsk, Need, Policy, PolicyChance, buffer};
pub use drivers::Still;
pub use models::Kind;

use crate::ask::Misasked;
use crate::identity::{Identity, identity};
use crate::shock::Said;
use crate::stress::readings;
use closed::{Straight, straight};
use drivers::Drivers;
use ground::{Ground, Known, Rows};
use models::{Models, useful};
use plimsoll_core::{Book, Decimal, Int};
use plimsoll_risk::history::{History, Series};
use plimsoll_risk::paths::Estimate;
use walk::{Plan, Walked, Walkers};

/// How chances are estimated.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The horizons in days, rising.
    pub days: Vec<u32>,
    /// Somebody looks every so many seconds; a whole part of a day.
    pub look: u64,
    /// Paths that are drawn.
    pub paths: u64,
    /// Which random numbers.
    pub seed: u64,
    /// The last so many days are drawn from and fitted.
    pub window: usize,
    /// Decay of the weights of past days.
    pub decay: f64,
    /// Threads to share the paths among; results do not depend on it.
    pub threads: usize,
    /// What whoever asks says of assets.
    pub said: Said,
    /// Health day by day is kept, for pictures.
    pub fan: bool,
}

impl Default for Setting {
    fn default() -> Setting {
        Setting {
            days: vec![1, 7, 30],
            look: 3600,
            paths: 20_000,
            seed: 1,
            window: 500,
            decay: 0.94,
            threads: 1,
            said: Said::default(),
            fan: false,
        }
    }
}

impl Setting {
    /// Looks until the last horizon.
    fn looks(&self) -> usize {
        let days = self.days.last().map_or(0, |day| u64::from(*day));
        (days * 86_400 / self.look.max(1)) as usize
    }

    fn sound(&self) -> Result<(), Misasked> {
        let wrong =
            |found: String, expected: &str| Err(Misasked::NoEstimate { found, expected: expected.into() });
        if self.days.is_empty() || self.days[0] == 0 || self.days.windows(2).any(|pair| pair[0] >= pair[1]) {
            return wrong(format!("{:?} days", self.days), "days from 1 on, each once, rising");
        }
        if self.days.last().is_some_and(|day| *day > 366) {
            return wrong(format!("{:?} days", self.days), "at most 366 days");
        }
        if self.look < 60 || !86_400_u64.is_multiple_of(self.look) {
            return wrong(
                format!("a look every {} s", self.look),
                "a whole part of a day, a minute or longer",
            );
        }
        if !(100..=10_000_000).contains(&self.paths) {
            return wrong(format!("{} paths", self.paths), "100 to 10000000");
        }
        if self.window < 30 || !(self.decay > 0.0 && self.decay < 1.0) {
            return wrong(format!("a window of {} days", self.window), "30 days or more");
        }
        Ok(())
    }
}

/// The answer about a book.
#[derive(Clone, Debug)]
pub struct Chances {
    /// What it was computed from.
    pub identity: Identity,
    /// SHA-256 over the history's files.
    pub history: String,
    /// The series that prices move with, by their names.
    pub series: Vec<String>,
    /// Series that something needs and that cannot serve, and why.
    pub useless: Vec<String>,
    /// When the first and the last of the days begin that are drawn from \[s\]; `None` where there are none.
    pub window: Option<[i64; 2]>,
    /// Days that were left out because a series lacks a part of them.
    pub broken: usize,
    /// The horizons in days.
    pub days: Vec<u32>,
    /// Paths of the drawn models.
    pub paths: u64,
    /// Prices that stand still, and why.
    pub still: Vec<(String, Still)>,
    /// The chosen accounts, in the order asked for.
    pub accounts: Vec<AccountChance>,
    /// The whole book under each drawn model; nothing where it was not asked for.
    pub books: Vec<(Kind, Result<BookChance, String>)>,
    /// How many accounts of the book are what.
    pub counts: Counts,
}

/// How many accounts are what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub accounts: u64,
    /// With a chance.
    pub estimated: u64,
    /// Below the line now.
    pub below: u64,
    /// Nothing is owed.
    pub no_debt: u64,
    /// Not estimable: in no sum.
    pub unknown: u64,
}

/// One account.
#[derive(Clone, Debug)]
pub struct AccountChance {
    /// Its place in the book.
    pub account: usize,
    /// How it stands.
    pub stands: Stands,
    /// Health today, by its rows; `None` where there is none to tell.
    pub health: Option<f64>,
    /// The series that it hangs on, by name.
    pub drivers: Vec<String>,
    /// Each model's answer, the headline first.
    pub models: Vec<ModelChance>,
}

/// How an account stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// It has chances.
    Estimated,
    /// Below its line now: every chance is one.
    Below,
    /// Nothing is owed: no chance.
    NoDebt,
    /// Not estimable, for this reason.
    Unknown(String),
}

/// One model's answer about one account.
#[derive(Clone, Debug)]
pub struct ModelChance {
    /// Which.
    pub kind: Kind,
    /// The chance by each horizon, or why there is none.
    pub chances: Result<Vec<Chance>, String>,
    /// Quantiles of health at the end of each day, where they were asked for: 5, 25, 50, 75 and 95 %.
    pub fan: Vec<[f64; 5]>,
    /// What of the least health is known, for buffers.
    least: Least,
}

/// A chance by a horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// The estimate; a closed form has no standard error.
    pub estimate: Estimate,
    /// It was computed and not drawn.
    pub closed: bool,
}

impl Chance {
    /// Not one path crossed: rarer than the paths and the data can show. Below three over the paths with 95 % confidence, as far as the
    /// model holds.
    #[must_use]
    pub fn beyond(&self) -> bool {
        !self.closed && self.estimate.chance <= 0.0
    }

    /// The bound that stands in the place of a chance of nothing.
    #[must_use]
    pub fn bound(&self) -> f64 {
        3.0 / self.estimate.samples.max(1) as f64
    }
}

/// From what the chance at another health follows.
#[derive(Clone, Debug)]
enum Least {
    /// Nothing.
    Nothing,
    /// Of each horizon, of each path, the logarithm of the least health over today's, rising.
    Drawn(Vec<Vec<f64>>),
    /// A closed form; of each horizon, what interest does.
    Normal { straight: Straight, kind: Kind, carries: Vec<f64> },
    /// The same with jumps.
    Jumps { kou: plimsoll_risk::passage::kou::Kou, carries: Vec<f64> },
}

/// The whole book under one model.
#[derive(Clone, Debug)]
pub struct BookChance {
    /// Of each account of the book, how many paths crossed by each horizon.
    pub crossed: Vec<Vec<u64>>,
    /// Of each currency, of each horizon.
    pub losses: Vec<(String, Vec<Losses>)>,
}

/// What a book may lose by a horizon, in one currency (whole units).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Losses {
    /// Collateral of those who cross: mean, then the quantiles of 95 and 99 %.
    pub liquidated: [f64; 3],
    /// Debt beyond collateral at the look at which each crosses: mean, value at risk at 95 and 99 %.
    pub bad_debt: [f64; 3],
    /// The mean of the worst 1 % of it.
    pub shortfall: f64,
}

/// Whom to ask about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// These accounts, by place.
    Accounts(Vec<usize>),
    /// So many of those that are likeliest to cross, and the whole book.
    Book(usize),
}

/// Estimates chances.
///
/// # Errors
/// When the setting cannot be, or a market cannot be asked at one of the looks.
pub fn chances(book: &Book, history: &History, setting: &Setting, whom: &Whom) -> Result<Chances, Misasked> {
    let asked = match whom {
        Whom::Accounts(places) => Some(&places[..]),
        Whom::Book(_) => None,
    };
    Study::new(book, history, setting, asked)?.chances(whom)
}

/// A book, its history and the models made of it.
struct Study<'a> {
    book: &'a Book,
    history: &'a History,
    setting: &'a Setting,
    ground: Ground,
    models: Option<Models>,
    names: Vec<String>,
    useless: Vec<String>,
}

impl<'a> Study<'a> {
    fn new(
        book: &'a Book,
        history: &'a History,
        setting: &'a Setting,
        asked: Option<&[usize]>,
    ) -> Result<Study<'a>, Misasked> {
        setting.sound()?;
        let at = i64::try_from(book.at.0).unwrap_or(i64::MAX);
        // First which series what is asked about needs, then which of them can serve.
        let mut met = Drivers::new(book, history, &setting.said);
        let moves = ground::leaves(book, &mut met, asked);
        let told = useful(&met.series, at, setting);
        let ground = Ground::new(book, &moves, &told, setting)?;
        let names: Vec<String> = met.series.iter().map(|one| one.name()).collect();
        let useless = told.iter().filter_map(|told| told.as_ref().err().cloned()).collect();
        let sound: Vec<&Series> = told.iter().filter_map(|told| told.as_ref().ok()).collect();
        // Models are of the sound series; their places among all are filled by those that stand still.
        let models = if sound.is_empty() { None } else { Models::new(&sound, history, at, setting).ok() };
        let places: Vec<Option<usize>> = {
            let mut next = 0;
            let mut place = |told: &Result<Series, String>| {
                told.is_ok().then(|| {
                    next += 1;
                    next - 1
                })
            };
            told.iter().map(&mut place).collect()
        };
        let ground = ground.among(&places);
        let kept = |told: &Result<Series, String>| told.as_ref().ok().map(Series::name);
        let names = if models.is_some() { told.iter().filter_map(kept).collect() } else { names };
        Ok(Study { book, history, setting, ground, models, names, useless })
    }

    fn chances(&self, whom: &Whom) -> Result<Chances, Misasked> {
        let mut books = Vec::new();
        let chosen = match whom {
            Whom::Accounts(places) => places.clone(),
            Whom::Book(top) => {
                let drawn = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Kou);
                books.extend(drawn.map(|kind| (kind, self.book_under(kind))));
                self.likeliest(&books, *top)
            }
        };
        let straights: Vec<Option<Straight>> = chosen.iter().map(|place| self.straight(*place)).collect();
        let rows = |place: &usize| self.ground.known[*place].rows().is_some();
        let bent = chosen.iter().zip(&straights).any(|(place, straight)| rows(place) && straight.is_none());
        // Where every chosen account has the closed form of a normal model, nothing is drawn for it.
        let drawn = |kind: Kind| matches!(kind, Kind::Filtered | Kind::Copula) || bent;
        let walk = |kind| match drawn(kind) {
            true => self.walk(kind, &chosen, false),
            false => Err("it was not drawn".into()),
        };
        let walked: Vec<(Kind, Result<Walked, String>)> =
            Kind::ALL.into_iter().map(|kind| (kind, walk(kind))).collect();
        let accounts = chosen.iter().zip(&straights).enumerate();
        let accounts =
            accounts.map(|(at, (account, straight))| self.account(*account, at, &walked, straight.as_ref()));
        let accounts: Vec<AccountChance> = accounts.collect();
        let window = self.models.as_ref().and_then(|models| {
            let times = &models.whole.times;
            Some([*times.get(times.len().checked_sub(self.setting.window)?)?, *times.last()?])
        });
        Ok(Chances {
            identity: identity(self.book, self.book.at, &readings(self.book)),
            history: self.history.digest().to_string(),
            series: self.names.clone(),
            useless: self.useless.clone(),
            window,
            broken: self.models.as_ref().map_or(0, |models| models.whole.broken),
            days: self.setting.days.clone(),
            paths: self.setting.paths,
            still: self.ground.still.clone(),
            accounts,
            books,
            counts: self.counts(),
        })
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for known in &self.ground.known {
            counts.accounts += 1;
            *match known {
                Known::Rows(_) => &mut counts.estimated,
                Known::Below => &mut counts.below,
                Known::NoDebt => &mut counts.no_debt,
                Known::Nothing(_) => &mut counts.unknown,
            } += 1;
        }
        counts
    }

    /// Those who cross most often by the last horizon under the headline model, or the first that there is.
    fn likeliest(&self, books: &[(Kind, Result<BookChance, String>)], top: usize) -> Vec<usize> {
        let Some(first) = books.iter().find_map(|(_, book)| book.as_ref().ok()) else {
            return (0..self.ground.known.len()).take(top).collect();
        };
        let rank = |place: usize| match &self.ground.known[place] {
            Known::Below => (u64::MAX, 0.0),
            Known::Nothing(_) => (u64::MAX - 1, 0.0),
            Known::Rows(rows) => {
                let crossed = first.crossed[place].last().copied().unwrap_or(0);
                (crossed, -self.health(rows))
            }
            Known::NoDebt => (0, f64::NEG_INFINITY),
        };
        let mut places: Vec<usize> = (0..self.ground.known.len()).collect();
        places.retain(|place| !matches!(self.ground.known[*place], Known::NoDebt));
        places.sort_by(|x, y| {
            let (a, b) = (rank(*x), rank(*y));
            b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(x.cmp(y))
        });
        places.truncate(top);
        places
    }

    fn plan(&self) -> Plan<'_> {
        let Setting { paths, seed, threads, fan, .. } = *self.setting;
        Plan { paths, seed, days: &self.setting.days, threads, fan }
    }

    fn walk(&self, kind: Kind, chosen: &[usize], book: bool) -> Result<Walked, String> {
        let models = self.models.as_ref().ok_or_else(|| "no series can serve".to_string())?;
        if !self.ground.known.iter().any(|known| known.rows().is_some()) {
            return Err("no account is estimable".into());
        }
        let tracks = models.tracks(kind)?;
        let walkers = Walkers { ground: &self.ground, tracks: &*tracks, chosen, book };
        Ok(walkers.walk(Plan { fan: self.setting.fan && kind == Kind::Filtered, ..self.plan() }))
    }

    fn book_under(&self, kind: Kind) -> Result<BookChance, String> {
        let walked = self.walk(kind, &[], true)?;
        let (horizons, currencies) = (self.setting.days.len(), self.ground.currencies.len());
        let of = |currency: usize, horizon: usize| {
            let cells = walked.losses.chunks_exact(horizons * currencies);
            let cells: Vec<[f64; 2]> = cells.map(|cells| cells[horizon * currencies + currency]).collect();
            losses(&cells)
        };
        let losses = self.ground.currencies.iter().enumerate().map(|(currency, name)| {
            (name.clone(), (0..horizons).map(|horizon| of(currency, horizon)).collect())
        });
        let losses = losses.collect();
        Ok(BookChance { crossed: walked.crossed, losses })
    }

    fn health(&self, rows: &Rows) -> f64 {
        let (mut values, mut nodes) = (Vec::new(), vec![0.0; self.ground.width()]);
        self.ground.world(0, &vec![0.0; self.names.len()], &mut values, &mut nodes);
        rows.rows.health(&nodes)
    }

    /// The account as a product of powers of prices, if it is one.
    fn straight(&self, place: usize) -> Option<Straight> {
        straight(&self.ground, self.ground.known[place].rows()?, self.names.len())
    }

    fn account(
        &self,
        place: usize,
        at: usize,
        walked: &[(Kind, Result<Walked, String>)],
        straight: Option<&Straight>,
    ) -> AccountChance {
        let nothing = |stands| AccountChance {
            account: place,
            stands,
            health: None,
            drivers: Vec::new(),
            models: Vec::new(),
        };
        let rows = match &self.ground.known[place] {
            Known::Rows(rows) => rows,
            Known::Below => return nothing(Stands::Below),
            Known::NoDebt => return nothing(Stands::NoDebt),
            Known::Nothing(why) => return nothing(Stands::Unknown(why.clone())),
        };
        let health = self.health(rows);
        let model = |(kind, walked): &(Kind, Result<Walked, String>)| {
            self.model(*kind, rows, at, walked, straight, health)
        };
        AccountChance {
            account: place,
            stands: Stands::Estimated,
            health: Some(health),
            drivers: rows.series.iter().map(|series| self.names[*series].clone()).collect(),
            models: walked.iter().map(model).collect(),
        }
    }

    fn model(
        &self,
        kind: Kind,
        rows: &Rows,
        at: usize,
        walked: &Result<Walked, String>,
        straight: Option<&Straight>,
        health: f64,
    ) -> ModelChance {
        let failed =
            |why: String| ModelChance { kind, chances: Err(why), fan: Vec::new(), least: Least::Nothing };
        if let (Some(straight), Some(models)) = (straight, &self.models) {
            let carry = |days: &u32| {
                let look = *days as usize * models.whole.looks;
                straight.carry(&self.ground, rows, look, self.names.len())
            };
            let carries: Vec<f64> = self.setting.days.iter().map(carry).collect();
            let exact = |chances: Result<Vec<f64>, plimsoll_risk::Unfit>, least| match chances {
                Err(error) => failed(error.to_string()),
                Ok(chances) => {
                    let one = |chance: &f64| {
                        let estimate = Estimate { chance: *chance, error: 0.0, samples: 0 };
                        Chance { estimate, closed: true }
                    };
                    ModelChance {
                        kind,
                        chances: Ok(chances.iter().map(one).collect()),
                        fan: Vec::new(),
                        least,
                    }
                }
            };
            let each = || self.setting.days.iter().zip(&carries);
            if let Some(covariance) = models.normal(kind) {
                let of = |(days, carry): (&u32, &f64)| {
                    straight.normal(covariance, *carry, *days, models.whole.looks, straight.health)
                };
                let chances = each().map(of).collect();
                let straight = straight.clone();
                return exact(chances, Least::Normal { straight, kind, carries: carries.clone() });
            }
            if kind == Kind::Kou {
                return match straight.jumps(&models.returns, self.setting.window) {
                    Err(error) => failed(error.to_string()),
                    Ok(kou) => {
                        let of =
                            |(days, carry): (&u32, &f64)| closed::jumps(&kou, *carry, *days, straight.health);
                        let chances = each().map(of).collect();
                        exact(chances, Least::Jumps { kou, carries: carries.clone() })
                    }
                };
            }
        }
        let walked = match walked {
            Ok(walked) => walked,
            Err(why) => return failed(why.clone()),
        };
        let mut least = Vec::new();
        let mut chances = Vec::new();
        for lows in &walked.least[at] {
            let crossed = lows.iter().filter(|low| **low < 0.0).count() as u64;
            chances.push(Chance { estimate: share(crossed, lows.len() as u64), closed: false });
            let mut over: Vec<f64> = lows.iter().map(|low| low - plimsoll_risk::log(health)).collect();
            over.sort_by(f64::total_cmp);
            least.push(over);
        }
        let fan = walked.fan[at].iter().map(|day| quantiles(day)).collect();
        ModelChance { kind, chances: Ok(chances), fan, least: Least::Drawn(least) }
    }
}

/// The share of paths that crossed, with its standard error; that of one path where none or all did.
fn share(crossed: u64, paths: u64) -> Estimate {
    let n = paths.max(1) as f64;
    let chance = crossed as f64 / n;
    let error = match crossed == 0 || crossed == paths {
        true => 1.0 / n,
        false => (chance * (1.0 - chance) / n).sqrt(),
    };
    Estimate { chance, error, samples: paths }
}

fn quantiles(values: &[f32]) -> [f64; 5] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    [0.05, 0.25, 0.5, 0.75, 0.95].map(|p| {
        let at = (p * sorted.len() as f64) as usize;
        sorted.get(at.min(sorted.len().saturating_sub(1))).map_or(f64::NAN, |value| f64::from(*value))
    })
}

/// Mean and quantiles of what all paths lost. The value at risk at 99 % is the least loss that is not exceeded in 99 % of paths; the shortfall
/// is the mean of the worst 1 %.
fn losses(paths: &[[f64; 2]]) -> Losses {
    let side = |side: usize| {
        let mut values: Vec<f64> = paths.iter().map(|path| path[side]).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let n = paths.len();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let at = |values: &[f64], p: f64| {
        let rank = (p * n as f64).ceil() as usize;
        values.get(rank.clamp(1, n.max(1)) - 1).copied().unwrap_or(0.0)
    };
    let (liquidated, bad) = (side(0), side(1));
    let worst = (n as f64 * 0.01).ceil() as usize;
    let three = |values: &[f64]| [mean(values), at(values, 0.95), at(values, 0.99)];
    Losses {
        liquidated: three(&liquidated),
        bad_debt: three(&bad),
        shortfall: mean(&bad[n.saturating_sub(worst)..]),
    }
}

/// A decimal as the float beside it.
pub(super) fn float(number: Decimal) -> f64 {
    number.to_string().parse().unwrap_or(f64::NAN)
}

/// An integer as the float beside it.
fn int(number: Int) -> f64 {
    number.to_string().parse().unwrap_or(f64::NAN)
}
