//! One book, its history and the models made of it, asked about all its accounts or some.

use super::closed::{self, Straight, straight};
use super::drivers::Drivers;
use super::ground::{self, Ground, Known, Rows};
use super::models::{Kind, Models, useful};
use super::walk::{Plan, Walked, Walkers};
use super::{
    AccountChance, BookChance, Chance, Chances, Counts, Least, ModelChance, Setting, Stands, Whom, losses,
    quantiles, share,
};
use crate::ask::Misasked;
use crate::identity::identity;
use crate::stress::readings;
use plimsoll_core::Book;
use plimsoll_risk::history::{History, Series};
use plimsoll_risk::paths::Estimate;

/// A book, its history and the models made of it.
pub(super) struct Study<'a> {
    pub(super) book: &'a Book,
    pub(super) history: &'a History,
    pub(super) setting: &'a Setting,
    pub(super) ground: Ground,
    /// The models, or why there are none.
    pub(super) models: Result<Models, String>,
    pub(super) names: Vec<String>,
    pub(super) useless: Vec<String>,
    /// Series that are known by their closes alone.
    closes: Vec<String>,
}

impl<'a> Study<'a> {
    pub(super) fn new(
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
        let useless = told.iter().filter_map(|told| told.as_ref().err().cloned()).collect();
        let sound: Vec<&Series> = told.iter().filter_map(|told| told.as_ref().ok()).collect();
        // Models are of the sound series alone, which then have other places.
        let models = match (sound.is_empty(), met.series.is_empty()) {
            (false, _) => Models::new(&sound, history, at, setting).map_err(|error| error.to_string()),
            (true, false) => Err("no series can serve".into()),
            (true, true) => Err("no series moves what is asked about".into()),
        };
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
        let names = sound.iter().map(|one| one.name()).collect();
        let closes = sound.iter().filter(|one| !one.ranged).map(|one| one.name()).collect();
        Ok(Study { book, history, setting, ground, models, names, useless, closes })
    }

    pub(super) fn chances(&self, whom: &Whom) -> Result<Chances, Misasked> {
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
            false => self.undrawn(kind),
        };
        let walked: Vec<(Kind, Result<Walked, String>)> =
            Kind::ALL.into_iter().map(|kind| (kind, walk(kind))).collect();
        let accounts = chosen.iter().zip(&straights).enumerate();
        let accounts =
            accounts.map(|(at, (account, straight))| self.account(*account, at, &walked, straight.as_ref()));
        let accounts: Vec<AccountChance> = accounts.collect();
        let window = self.models.as_ref().ok().and_then(|models| {
            let times = &models.whole.times;
            Some([*times.get(times.len().checked_sub(self.setting.window)?)?, *times.last()?])
        });
        Ok(Chances {
            identity: identity(self.book, self.book.at, &readings(self.book)),
            history: self.history.digest().to_string(),
            series: self.names.clone(),
            useless: self.useless.clone(),
            closes: self.closes.clone(),
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

    /// Why a model that need not be drawn has no answer of another kind: it cannot be made.
    fn undrawn(&self, kind: Kind) -> Result<Walked, String> {
        self.models.as_ref().map_err(Clone::clone)?.tracks(kind)?;
        Err("it has no closed form here".into())
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let answered = |models: &Models| Kind::ALL.into_iter().any(|kind| models.tracks(kind).is_ok());
        let answered = self.models.as_ref().is_ok_and(answered);
        for known in &self.ground.known {
            counts.accounts += 1;
            *match known {
                Known::Rows(_) if answered => &mut counts.estimated,
                Known::Rows(_) => &mut counts.unknown,
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

    pub(super) fn plan(&self) -> Plan<'_> {
        let Setting { paths, seed, threads, fan, .. } = *self.setting;
        Plan { paths, seed, days: &self.setting.days, threads, fan }
    }

    pub(super) fn walk(&self, kind: Kind, chosen: &[usize], book: bool) -> Result<Walked, String> {
        let models = self.models.as_ref().map_err(Clone::clone)?;
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
        let models: Vec<ModelChance> = walked.iter().map(model).collect();
        // An account of which no model says anything is not estimable: the headline's reason is told.
        let stands = match models.first().map(|headline| &headline.chances) {
            Some(Err(why)) if models.iter().all(|model| model.chances.is_err()) => {
                Stands::Unknown(why.clone())
            }
            _ => Stands::Estimated,
        };
        AccountChance {
            account: place,
            stands,
            health: Some(health),
            drivers: rows.series.iter().map(|series| self.names[*series].clone()).collect(),
            models,
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
        if let (Some(straight), Ok(models)) = (straight, &self.models) {
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
