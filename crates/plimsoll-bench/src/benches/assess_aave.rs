//! Exact, checked liquidation verdicts of Aave v3 accounts: `Quoted::verdict`, one core, nanoseconds an account.
//!
//! **Cases.** *Four holdings*: seeded accounts of exactly four holdings (one to three of them collateral, one in ten
//! in an e-mode where there is one) in a recorded market of ten reserves, with its real indices, prices and weights.
//! *Recorded*: the accounts of the vectors as they are. Both for releases 3.0, 3.3, 3.5 and 3.7, whose rules differ.
//! A market is made to stand still once (`Market::at`) and that is not in the time, for us as for every baseline.
//!
//! **Baselines.** `plain`: the obvious first version ([`plain`]), in turn with ours in this process; every number of
//! every account is compared. `@aave/math-utils`: the venue's own client library, `formatUserSummary` over reserves
//! that were formatted once, in a process of its own, on all recorded accounts and a sample of the seeded; its
//! health factor is compared, for accounts that owe, with the contract's (recorded) or ours (seeded; ours is the
//! contract's on every recorded account, or this bench fails). `goal`: 150 ns; what agrees there is ours with the contract on the recorded
//! accounts of that release.

pub(crate) mod math_utils;
pub(crate) mod plain;
pub(crate) mod population;

use crate::line::{Better, Line, isa};
use crate::measure::{Timing, in_turn, sum_up};
use crate::registry::{Context, Scale, Trouble};
use plimsoll_core::{Account, Assessment, Feeds, Lens, Market, Quoted, Refusal, Test, U256, Verdict};
use plimsoll_venues::aave_v3::Revision;
use population::{Place, Population};
use std::hint::black_box;

pub(crate) const NAME: &str = "assess_aave";

/// What we want an account to take (ns).
const GOAL: f64 = 150.0;

const REVISIONS: [Revision; 4] = [Revision::V3_0, Revision::V3_3, Revision::V3_5, Revision::V3_7];

/// What README says of the client library: on how many of how many recorded accounts it agrees.
fn claimed() -> Option<(u64, u64)> {
    let readme: Vec<&str> = include_str!("../../../../README.md").split_whitespace().collect();
    let at = readme.windows(2).position(|words| words == ["recorded", "accounts."])?;
    let number = |back: usize| readme.get(at.checked_sub(back)?)?.parse().ok();
    Some((number(3)?, number(1)?))
}

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    let mut library = (0, 0);
    for revision in REVISIONS {
        let recorded = population::recorded(revision)?;
        let agreed = agreed_with_contract(&recorded)?;
        for seed in context.seeds() {
            let size = context.sized(200, 10_000, 100_000);
            let seeded = population::four_holdings(&recorded, size, seed)?;
            measure(context, &seeded, agreed, seed, emit)?;
        }
        let (agreed, checked) = measure(context, &recorded, agreed, context.seed, emit)?;
        library = (library.0 + agreed, library.1 + checked);
    }
    if context.child_peers && claimed() != Some(library) {
        let (agreed, checked) = library;
        return Err(Trouble::Wrong(format!(
            "math-utils agrees on {agreed} of {checked} recorded accounts, and README says otherwise"
        )));
    }
    Ok(())
}

/// Our health factors beside the recorded ones; a single difference is no measurement but a mistake.
fn agreed_with_contract(recorded: &Population) -> Result<u64, Trouble> {
    let mut agreed = 0;
    for place in &recorded.places {
        let quoted = stand(place)?;
        for (account, health) in place.accounts.iter().zip(&place.recorded) {
            let ours = health_of(&*quoted, account)?;
            let assessed = quoted.verdict(account, Test::Liquidation)?;
            let line = U256::new(1_000_000_000_000_000_000);
            let consistent = (assessed.verdict == Verdict::Unhealthy) == (ours < line);
            if ours != *health || !consistent {
                let revision = recorded.revision.name();
                return Err(Trouble::Wrong(format!(
                    "health factor {ours} where Aave {revision} gave {health}"
                )));
            }
            agreed += 1;
        }
    }
    Ok(agreed)
}

fn health_of(quoted: &dyn Quoted, account: &Account) -> Result<U256, Refusal> {
    let figures = quoted.figures(account)?;
    let health = figures.iter().find(|figure| figure.name == "healthFactor");
    health.and_then(|figure| figure.value.to_u256()).ok_or(Refusal::Overflow("health factor"))
}

fn stand(place: &Place) -> Result<Box<dyn Quoted + '_>, Refusal> {
    place.pool.at(Feeds { readings: &place.readings }, Lens::Action, place.at)
}

/// Measures one case; on how many of how many accounts the client library agreed.
fn measure(
    context: &Context,
    population: &Population,
    recorded: u64,
    seed: u64,
    emit: &mut dyn FnMut(Line),
) -> Result<(u64, u64), Trouble> {
    let quoted: Vec<_> = population.places.iter().map(stand).collect::<Result<_, _>>()?;
    let plainly: Vec<_> = population.places.iter().map(plain::Book::of).collect::<Result<_, _>>()?;
    let agreed_plain = compare_plain(population, &quoted, &plainly);

    let accounts = population.size();
    // A pass is long enough for the clock.
    let rounds = (10_000 / accounts.max(1)).max(1);
    let mut ours = || {
        for _ in 0..rounds {
            for (quoted, place) in quoted.iter().zip(&population.places) {
                for account in &place.accounts {
                    let _ = black_box(quoted.verdict(black_box(account), Test::Liquidation));
                }
            }
        }
    };
    let mut plain = || {
        for _ in 0..rounds {
            for book in &plainly {
                for user in &book.users {
                    black_box(book.assess(black_box(user)));
                }
            }
        }
    };
    let items = (accounts * rounds) as u64;
    let [our_time, plain_time] = in_turn(context.runs(), items, [&mut ours, &mut plain]);

    let line = |baseline: &str, theirs: f64, agreed: u64, checked: u64, sample: u64| Line {
        bench: NAME,
        case: population.name.clone(),
        value: our_time.median,
        unit: "ns/account",
        better: Better::Lower,
        baseline: baseline.into(),
        baseline_value: theirs,
        agreed,
        checked,
        runs: our_time.runs,
        spread: our_time.spread,
        threads: 1,
        isa: isa(),
        n: accounts as u64,
        sample,
        seed,
    };
    let n = accounts as u64;
    emit(line("plain", plain_time.median, agreed_plain, n, n));
    emit(line("goal", GOAL, recorded, recorded, n));
    if agreed_plain != n {
        return Err(Trouble::Wrong(format!("{} of {n} accounts differ from plain", n - agreed_plain)));
    }
    if context.child_peers {
        let sample = population.sample(context.sized(20, 200, 200));
        let peer = math_utils::run(&sample, matches!(context.scale, Scale::Quick))?;
        let (agreed, checked) = compare_math_utils(&sample, &peer.health_factors)?;
        let Timing { median, .. } = sum_up(&peer.passes);
        emit(line("@aave/math-utils 1.38.0", median, agreed, checked, sample.size() as u64));
        return Ok((agreed, checked));
    }
    Ok((0, 0))
}

fn compare_plain(population: &Population, quoted: &[Box<dyn Quoted + '_>], plainly: &[plain::Book]) -> u64 {
    let mut agreed = 0;
    for ((place, quoted), book) in population.places.iter().zip(quoted).zip(plainly) {
        for (account, user) in place.accounts.iter().zip(&book.users) {
            let ours = quoted.verdict(account, Test::Liquidation).ok();
            agreed += u64::from(same(ours.as_ref(), book.assess(user).as_ref(), book));
        }
    }
    agreed
}

pub(crate) fn same(ours: Option<&Assessment>, plain: Option<&plain::Answer>, book: &plain::Book) -> bool {
    let (Some(ours), Some(plain)) = (ours, plain) else { return ours.is_none() && plain.is_none() };
    let verdict = match (plain.owes, plain.liquidatable) {
        (false, _) => Verdict::NoDebt,
        (true, true) => Verdict::Unhealthy,
        (true, false) => Verdict::Healthy,
    };
    let numbers =
        [ours.backing, ours.requirement, ours.collateral, ours.debt].map(|number| number.to_string());
    ours.verdict == verdict && numbers == book.line_of(plain).map(|number| number.to_string())
}

/// The library's health factors that are the contract's when cut or rounded to the contract's 18 digits, and how many
/// were compared: those of accounts that owe, the others having no health factor (the library says -1).
pub(crate) fn compare_math_utils(sample: &Population, theirs: &[String]) -> Result<(u64, u64), Trouble> {
    let mut theirs = theirs.iter();
    let (mut agreed, mut checked) = (0, 0);
    for place in &sample.places {
        let quoted = stand(place)?;
        for (at, account) in place.accounts.iter().enumerate() {
            let contract = match place.recorded.get(at) {
                Some(recorded) => *recorded,
                None => health_of(&*quoted, account)?,
            };
            let Some(found) = theirs.next() else {
                return Err(Trouble::Wrong("math-utils answered for too few accounts".into()));
            };
            let owes = contract != U256::MAX;
            if owes == (found == "-1") {
                return Err(Trouble::Wrong(format!(
                    "math-utils says {found} where the contract says {contract}"
                )));
            }
            agreed += u64::from(owes && math_utils::is_wad(found, contract));
            checked += u64::from(owes);
        }
    }
    Ok((agreed, checked))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole bench but for the peer that has to be installed.
    #[test]
    fn every_case_is_measured_and_agrees() {
        let context = Context { scale: Scale::Quick, seed: 7, child_peers: false, data: None };
        let mut lines = Vec::new();
        run(&context, &mut |line| lines.push(line)).expect("measured");
        assert_eq!(lines.len(), REVISIONS.len() * 2 * 2);
        for line in lines {
            assert!(line.agrees() && line.value > 0.0 && line.baseline_value > 0.0, "{}", line.json());
        }
    }

    /// Of README's "N of M recorded accounts" M is counted here; a whole run of the bench fails where N is another.
    #[test]
    fn readme_counts_the_recorded_accounts() {
        let owing = REVISIONS.iter().map(|&revision| {
            let recorded = population::recorded(revision).expect("vectors");
            let health = recorded.places.iter().flat_map(|place| &place.recorded);
            health.filter(|health| **health != U256::MAX).count() as u64
        });
        assert_eq!(claimed().map(|(_, checked)| checked), Some(owing.sum()));
    }

    #[test]
    fn seeded_accounts_have_four_holdings_and_some_are_unhealthy() {
        let recorded = population::recorded(Revision::V3_5).expect("vectors");
        let seeded = population::four_holdings(&recorded, 500, 3).expect("accounts");
        let place = &seeded.places[0];
        assert_eq!((seeded.size(), seeded.places.len()), (500, 1));
        assert!(place.accounts.iter().all(|account| account.holdings().len() == 4));
        let quoted = stand(place).expect("stands");
        let verdict = |account| quoted.verdict(account, Test::Liquidation).expect("a verdict").verdict;
        let unhealthy =
            place.accounts.iter().filter(|account| verdict(account) == Verdict::Unhealthy).count();
        assert!((5..250).contains(&unhealthy), "{unhealthy}");
        let again = population::four_holdings(&recorded, 500, 3).expect("accounts");
        assert_eq!(again.places[0].accounts, place.accounts);
    }
}
