//! How large a buffer must be: the least health that keeps the chance of liquidation under a limit, what brings it about, what it costs, and
//! whether a policy of topping up later comes in time.

use super::closed;
use super::ground::Rows;
use super::study::Study;
use super::walk::{Policed, Walkers};
use super::{AccountChance, Kind as Model, Least, Setting, Stands, Whom, float, int, share, ten_to};
use crate::ask::{Misasked, asset_of};
use crate::bounds::points;
use crate::identity::Identity;
use crate::liquidate::liquidate;
use crate::outlook::{Carry, Lookout};
use crate::restore::{Enough, Hindrance, least};
use plimsoll_core::{Book, Decimal, InstrumentId, Int, Kind, Observation, Origin, PriceId};
use plimsoll_risk::history::History;
use plimsoll_risk::paths::Estimate;
use plimsoll_risk::{exp, log, normal_quantile};

/// What is asked of a buffer.
#[derive(Clone, Debug)]
pub struct BufferAsk {
    /// Chances that it shall keep, as shares, such as 0.01.
    pub limits: Vec<f64>,
    /// A policy of topping up later.
    pub policy: Option<Policy>,
    /// What capital costs a year, as a share; `None`: what the account's own debt costs.
    pub carry: Option<f64>,
}

/// Whoever has this policy tops up when health falls to a trigger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// The health at which it is begun.
    pub trigger: f64,
    /// The health to which debt is repaid.
    pub target: f64,
    /// How long it takes to arrive \[s\].
    pub delay: u64,
    /// What a top-up costs, in the market's currency.
    pub gas: f64,
}

/// The answer about one account.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// What it was computed from.
    pub identity: Identity,
    /// The account's chances as it stands.
    pub chances: AccountChance,
    /// The horizons in days.
    pub days: Vec<u32>,
    /// Each limit by each horizon under each model.
    pub needs: Vec<Need>,
    /// What became of the policy by each horizon on the paths of history; `None` where none was asked about or there are none.
    pub policy: Option<Vec<PolicyChance>>,
    /// The market's currency.
    pub currency: String,
    /// What capital costs a year, as a share, and whether that is the account's own borrow rate; `None` where that is not known.
    pub carry: Option<(f64, bool)>,
    /// What a keeper gains by one call where the account has just crossed (currency units): the penalty. `None` where it cannot be told.
    pub penalty: Option<f64>,
}

/// What one model asks.
#[derive(Clone, Debug)]
pub struct Need {
    /// Which model.
    pub kind: Model,
    /// By when.
    pub days: u32,
    /// The chance that shall not be exceeded, as a share.
    pub limit: f64,
    /// The least health that does, or why it cannot be told.
    pub health: Result<f64, String>,
    /// What reaches it; `None` where it is there already or cannot be told.
    pub ways: Option<Ways>,
    /// What the cheapest of the repayments, else of the deposits, is worth (currency units).
    pub capital: Option<f64>,
    /// What that costs until the horizon at the price of capital.
    pub cost: Option<f64>,
    /// By how much less is expected to be lost to keepers until the horizon.
    pub benefit: Option<f64>,
}

/// The smallest amounts of what the account owes and of what it holds that reach a health.
#[derive(Clone, Debug)]
pub struct Ways {
    /// One repayment that will do, for each debt.
    pub repayments: Vec<Way>,
    /// One deposit that will do, for each holding.
    pub deposits: Vec<Way>,
}

/// What one asset can do.
#[derive(Clone, Debug)]
pub struct Way {
    /// The debt, or the holding.
    pub instrument: InstrumentId,
    /// The asset.
    pub asset: String,
    /// Its decimals.
    pub decimals: u8,
    /// The smallest amount, or why none will do.
    pub enough: Result<Enough, Hindrance>,
}

/// What became of a policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PolicyChance {
    /// By when.
    pub days: u32,
    /// The chance that a top-up comes too late.
    pub late: Estimate,
    /// The chance of liquidation without the policy, on the same paths.
    pub without: Estimate,
    /// Top-ups that are expected.
    pub top_ups: f64,
    /// What their calls are expected to cost (currency units).
    pub gas: f64,
    /// What is expected to be repaid by them (currency units).
    pub repaid: f64,
}

/// Fewer paths than this beyond a limit say nothing of it.
const FEWEST: f64 = 10.0;
/// A health above this is none that anybody keeps.
const HIGHEST: f64 = 1e4;

/// The buffers of an account.
///
/// # Errors
/// As [`super::chances`]; when a limit is no chance, or a policy has no target above its trigger.
pub fn buffer(
    book: &Book,
    history: &History,
    setting: &Setting,
    account: usize,
    ask: &BufferAsk,
) -> Result<Buffer, Misasked> {
    let wrong =
        |found: String, expected: &str| Err(Misasked::NoEstimate { found, expected: expected.into() });
    if let Some(limit) = ask.limits.iter().find(|limit| !(**limit > 0.0 && **limit < 1.0)) {
        return wrong(format!("a chance of {} %", limit * 100.0), "one between 0 and 100 %");
    }
    if let Some(policy) =
        ask.policy.filter(|policy| !(policy.trigger >= 1.0 && policy.target > policy.trigger))
    {
        let found = format!("a trigger of {} and a target of {}", policy.trigger, policy.target);
        return wrong(found, "a trigger of 1 or more, and a target above it");
    }
    let chosen = [account];
    let study = Study::new(book, history, setting, Some(&chosen))?;
    let mut answer = study.chances(&Whom::Accounts(chosen.to_vec()))?;
    let chances = answer.accounts.remove(0);
    let currency = crate::survey::currency(&*book.markets[book.accounts[account].market].market);
    let mut found = Buffer {
        identity: answer.identity,
        days: setting.days.clone(),
        needs: Vec::new(),
        policy: None,
        currency,
        carry: ask
            .carry
            .map(|carry| (carry, false))
            .or_else(|| own_rate(book, account).map(|rate| (rate, true))),
        penalty: None,
        chances,
    };
    let Some(rows) = study.ground.known[account].rows() else { return Ok(found) };
    found.penalty = penalty(&study, rows, account);
    let mut restored: Vec<(String, Ways)> = Vec::new();
    for model in &found.chances.models {
        for (horizon, days) in setting.days.iter().enumerate() {
            let healths = study.needed(&model.least, horizon, &ask.limits);
            for (limit, health) in ask.limits.iter().zip(healths) {
                let mut need = Need {
                    kind: model.kind,
                    days: *days,
                    limit: *limit,
                    health: model.chances.as_ref().map_err(Clone::clone).and(health),
                    ways: None,
                    capital: None,
                    cost: None,
                    benefit: None,
                };
                if let Ok(health) = need.health
                    && found.chances.health.is_some_and(|now| health > now)
                {
                    need.ways = Some(ways(book, account, health, &mut restored));
                    need.capital = need.ways.as_ref().and_then(|ways| capital(book, account, ways));
                    let years = f64::from(*days) / 365.0;
                    need.cost =
                        need.capital.zip(found.carry).map(|(capital, (carry, _))| capital * carry * years);
                    let now = model.chances.as_ref().ok().and_then(|chances| chances.get(horizon));
                    let less = now.map(|now| (now.estimate.chance - limit).max(0.0));
                    need.benefit = less.zip(found.penalty).map(|(less, penalty)| less * penalty);
                }
                found.needs.push(need);
            }
        }
    }
    if let Some(policy) = ask.policy {
        found.policy = study.policy(account, rows, &policy);
    }
    Ok(found)
}

/// The smallest amounts that bring a health about; asked once for each.
fn ways(book: &Book, account: usize, health: f64, known: &mut Vec<(String, Ways)>) -> Ways {
    // Not less than the health: six digits, raised.
    let digits = format!("{:.6}", (health * 1e6).ceil() / 1e6);
    if let Some((_, ways)) = known.iter().find(|(known, _)| *known == digits) {
        return ways.clone();
    }
    let target: Decimal = digits.parse().unwrap_or(Decimal::whole(Int::ONE));
    let listed = &book.accounts[account];
    let named = &book.markets[listed.market];
    let readings = points(&book.readings(named, &book.graph.quotes(book.at)));
    let of = |wanted: Kind| -> Vec<Way> {
        let held = listed.account.holdings().iter().filter(|holding| !holding.quantity.is_zero());
        let kind = |id: InstrumentId| named.market.instruments().get(id.index()).map(|spec| spec.kind);
        let ids = held.map(|holding| holding.instrument).filter(|id| kind(*id) == Some(wanted));
        ids.map(|instrument| {
            let (asset, decimals) = asset_of(&*named.market, instrument);
            let enough = least(book, account, &readings, target, instrument, wanted);
            Way { instrument, asset, decimals, enough }
        })
        .collect()
    };
    let found = Ways { repayments: of(Kind::Debt), deposits: of(Kind::Receipt) };
    known.push((digits, found.clone()));
    found
}

/// What the cheapest way is worth: the account's market knows what a unit of each holding is.
fn capital(book: &Book, account: usize, ways: &Ways) -> Option<f64> {
    let listed = &book.accounts[account];
    let named = &book.markets[listed.market];
    let quotes = book.graph.quotes(book.at);
    let readings = book.readings(named, &quotes);
    let worth = |way: &Way| {
        let amount = way.enough.as_ref().ok()?.amount;
        let slots = named.market.slots().iter().zip(&readings);
        let (slot, reading) = slots.into_iter().find(|(slot, _)| slot.asset == way.asset)?;
        let price = int(reading.value?.into()) / ten_to(slot.decimals);
        Some(int(amount.into()) / ten_to(way.decimals) * price)
    };
    let least = |ways: &[Way]| ways.iter().filter_map(worth).reduce(f64::min);
    least(&ways.repayments).or_else(|| least(&ways.deposits))
}

/// What the account's debt costs it a year, as a share.
fn own_rate(book: &Book, account: usize) -> Option<f64> {
    let Carry { paid, debt, .. } = Lookout::new(book, book.at).ok()?.of(account).carry?;
    (!debt.is_zero()).then(|| int(paid) / int(debt))
}

/// What a keeper gains by the best call where the account has just crossed: its prices are moved the way that hurts, together.
fn penalty(study: &Study<'_>, rows: &Rows, account: usize) -> Option<f64> {
    let series = study.names.len();
    let (mut values, mut nodes) = (Vec::new(), vec![0.0; study.ground.width()]);
    let mut health = |moved: &[f64]| {
        study.ground.world(0, moved, &mut values, &mut nodes);
        rows.rows.health(&nodes)
    };
    let today = health(&vec![0.0; series]);
    let mut against = vec![0.0; series];
    for one in 0..series {
        let mut moved = vec![0.0; series];
        moved[one] = -0.01;
        against[one] = -log(today / health(&moved)).signum();
    }
    let along = |far: f64| against.iter().map(|way| way * far).collect::<Vec<f64>>();
    let (mut near, mut far) = (0.0, 4.0);
    if health(&along(far)) >= 1.0 {
        return None;
    }
    for _ in 0..60 {
        let middle = 0.5 * (near + far);
        if health(&along(middle)) < 0.999 { far = middle } else { near = middle }
    }
    let then = study.at(&along(far))?;
    let zero = Decimal::whole(Int::ZERO);
    let answer = liquidate(&then, account, zero).ok()?;
    let best = answer.pairs.iter().find_map(|pair| pair.outcome.as_ref().ok())?;
    Some(int(best.profit) / ten_to(answer.unit.decimals))
}

impl Study<'_> {
    /// The book where series stand at these logarithms over today's, in exact prices cut to their digits.
    fn at(&self, moved: &[f64]) -> Option<Book> {
        let mut then = self.book.clone();
        let quotes = self.book.graph.quotes(self.book.at);
        for (at, powers) in self.ground.leaves() {
            let id = PriceId(at as u32);
            let Some(Origin::Feed(feed)) = self.book.graph.origin(id) else { continue };
            let log: f64 = powers.iter().map(|(series, power)| power * moved[*series]).sum();
            let places = usize::from(crate::shock::digits(self.book, id));
            let price = format!("{:.places$}", float(quotes[at].value?) * exp(log));
            let price = Some(price.parse::<Decimal>().ok()?);
            then.graph.observe(id, Observation { price, ..feed.clone() })?;
        }
        crate::shock::undelay(&mut then);
        Some(then)
    }

    /// The least health at which the chance by a horizon is within each limit. Drawn paths are those of today's account: a health that is
    /// higher by a factor is higher by it at every look.
    fn needed(&self, least: &Least, horizon: usize, limits: &[f64]) -> Vec<Result<f64, String>> {
        let days = self.setting.days[horizon];
        let chance = |from: f64| -> Result<f64, String> {
            let models = self.models.as_ref().map_err(Clone::clone)?;
            match least {
                Least::Normal { straight, kind, carries } => {
                    let covariance = models.normal(*kind).ok_or("no covariance")?;
                    let looks = models.whole.looks;
                    straight
                        .normal(covariance, carries[horizon], days, looks, from)
                        .map_err(|error| error.to_string())
                }
                Least::Jumps { kou, carries } => {
                    closed::jumps(kou, carries[horizon], days, from).map_err(|error| error.to_string())
                }
                _ => Err("not drawn".into()),
            }
        };
        let mut curve = Curve { chance, asked: Vec::new() };
        let of = |limit: &f64| match least {
            Least::Nothing => Err("not estimable".into()),
            Least::Drawn(all) => quantile(&all[horizon], *limit),
            _ => curve.within(*limit),
        };
        limits.iter().map(of).collect()
    }

    /// A policy on the paths of history.
    fn policy(&self, account: usize, rows: &Rows, policy: &Policy) -> Option<Vec<PolicyChance>> {
        let models = self.models.as_ref().ok()?;
        let tracks = models.tracks(Model::Filtered).ok()?;
        let chosen = [account];
        let walkers = Walkers { ground: &self.ground, tracks: &*tracks, chosen: &chosen, book: false };
        // Whoever looks sees a call only once it has arrived: a part of a look counts as one.
        let delay = usize::try_from(policy.delay.div_ceil(self.setting.look)).unwrap_or(usize::MAX);
        let policed: Vec<Vec<Policed>> = walkers.police(self.plan(), rows, policy, delay);
        let all = self.setting.days.iter().enumerate().map(|(horizon, days)| {
            let paths = policed.len() as u64;
            let count =
                |of: fn(&Policed) -> bool| policed.iter().filter(|path| of(&path[horizon])).count() as u64;
            let mean = |of: fn(&Policed) -> f64| {
                policed.iter().map(|path| of(&path[horizon])).sum::<f64>() / paths as f64
            };
            PolicyChance {
                days: *days,
                late: share(count(|path| path.late), paths),
                without: share(count(|path| path.crossed), paths),
                top_ups: mean(|path| f64::from(path.top_ups)),
                gas: mean(|path| f64::from(path.top_ups)) * policy.gas,
                repaid: mean(|path| path.repaid),
            }
        });
        Some(all.collect())
    }
}

/// The health that keeps all drawn paths but a share of them from the line, by their least health over today's, rising.
fn quantile(over: &[f64], limit: f64) -> Result<f64, String> {
    let allowed = limit * over.len() as f64;
    if allowed < FEWEST {
        let needed = (FEWEST / limit).ceil();
        return Err(format!("{} paths show no {} %: {needed} would", over.len(), limit * 100.0));
    }
    // At most so many paths may fall below the line.
    let place = (allowed as usize).min(over.len() - 1);
    Ok(exp(-over[place]).max(1.0))
}

/// A chance by the logarithm of health, with which it falls. What was asked of it is kept: a chance watched now and then takes long, and all
/// limits of a model and horizon are of one curve.
struct Curve<F> {
    chance: F,
    /// The logarithm of a health, and its chance.
    asked: Vec<(f64, f64)>,
}

impl<F: Fn(f64) -> Result<f64, String>> Curve<F> {
    fn at(&mut self, health: f64) -> Result<f64, String> {
        let chance = (self.chance)(health)?;
        self.asked.push((health, chance));
        Ok(chance)
    }

    /// The least health at which the chance is within a limit; to 1e-4 of its logarithm. Watched by a Brownian motion the normal quantile of
    /// half the chance falls in a straight line, and other chances about so: the line is drawn through that (regula falsi, Illinois).
    fn within(&mut self, limit: f64) -> Result<f64, String> {
        let off = |chance: f64| normal_quantile(0.5 * chance.max(1e-300)) - normal_quantile(0.5 * limit);
        let known = |(at, chance): &(f64, f64)| (*at, off(*chance));
        let before = self.asked.iter().map(known).filter(|(_, off)| *off > 0.0);
        let (mut low, mut above) = before.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, off(1.0)));
        let beyond = self.asked.iter().map(known).filter(|(_, off)| *off <= 0.0);
        let nearest = beyond.min_by(|a, b| a.0.total_cmp(&b.0));
        let (mut high, mut below) = match nearest {
            Some(nearest) => nearest,
            None => {
                let first = (2.0 * low).max(0.25);
                (first, off(self.at(first)?))
            }
        };
        while below > 0.0 {
            if high > log(HIGHEST) {
                return Err(format!("a health of {HIGHEST} does not keep it"));
            }
            (low, above, high) = (high, below, high * 2.0);
            below = off(self.at(high)?);
        }
        let mut side = 0;
        for _ in 0..60 {
            if high - low < 1e-4 {
                break;
            }
            let line = (low * below - high * above) / (below - above);
            let middle = line.clamp(low + 0.02 * (high - low), high - 0.02 * (high - low));
            let value = off(self.at(middle)?);
            if value > 0.0 {
                (low, above) = (middle, value);
                below *= if side == 1 { 0.5 } else { 1.0 };
                side = 1;
            } else {
                (high, below) = (middle, value);
                above *= if side == 2 { 0.5 } else { 1.0 };
                side = 2;
            }
        }
        Ok(exp(high))
    }
}

impl Buffer {
    /// Whether the account has chances at all.
    #[must_use]
    pub fn estimated(&self) -> bool {
        self.chances.stands == Stands::Estimated
    }
}
