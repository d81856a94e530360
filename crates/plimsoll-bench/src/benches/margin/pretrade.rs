//! `pretrade`: may an order go in, and what would headroom be: the account as read, nothing made before. **Baseline** `plain`: headroom of the whole account twice, before
//! and after. Both answers are compared.

use super::Outcome;
use crate::line::Line;
use crate::measure::in_turn;
use crate::random::Random;
use crate::registry::{Context, Trouble};
use plimsoll_margin::cross::{Account, Asset, Perp, Tier};
use plimsoll_margin::pretrade::{Impact, Order, Side, order};
use std::hint::black_box;

pub(crate) const NAME: &str = "pretrade";

const UNIT: i128 = 1_000_000;
const TIERS: [Tier; 2] =
    [Tier { rate: 50_000, deduction: 0 }, Tier { rate: 100_000, deduction: 5_000_000_000 }];

struct Asked {
    assets: Vec<Asset>,
    perps: Vec<Perp<'static>>,
    prices: Vec<i128>,
    order: Order,
}

impl Asked {
    fn account(&self) -> Account<'_> {
        Account { assets: &self.assets, perps: &self.perps, unit: UNIT }
    }

    fn ours(&self) -> Option<Impact> {
        order(&self.account(), &self.prices, self.order)
    }

    fn plain(&self) -> Option<Impact> {
        let account = self.account();
        let mut perps = self.perps.clone();
        let perp = perps.get_mut(self.order.perp)?;
        match self.order.side {
            Side::Bid => perp.bids += self.order.size,
            Side::Ask => perp.asks += self.order.size,
        }
        let after = Account { perps: &perps, ..account };
        Some(Impact { before: account.headroom(&self.prices)?, after: after.headroom(&self.prices)? })
    }
}

pub(crate) fn run(context: &Context, emit: &mut dyn FnMut(Line)) -> Result<(), Trouble> {
    for seed in context.seeds() {
        let mut random = Random::new(seed);
        let size = context.sized(50, 1_000, 10_000);
        let asked: Vec<Asked> = (0..size).map(|_| random_order(&mut random)).collect();
        let agreed = asked.iter().filter(|asked| asked.ours().is_some() && asked.ours() == asked.plain());
        let agreed = agreed.count() as u64;
        let mut ours = || {
            for asked in &asked {
                black_box(black_box(asked).ours());
            }
        };
        let mut plain = || {
            for asked in &asked {
                black_box(black_box(asked).plain());
            }
        };
        let times = in_turn(context.runs(), size as u64, [&mut ours, &mut plain]);
        let case = "an order, four assets, two perps of two tiers";
        Outcome { name: NAME, case, times, agreed, n: size as u64, seed }.tell(emit)?;
    }
    Ok(())
}

fn random_order(random: &mut Random) -> Asked {
    let mut between = |low: i128, high: i128| low + (random.below(1 << 40) as i128) % (high - low);
    let assets = (0..4).map(|price| Asset {
        held: between(-1_000_000_000, 2_000_000_000),
        price,
        asset_weight: 900_000,
        liability_weight: 1_100_000,
    });
    let assets = assets.collect();
    let perps = (4..6).map(|price| Perp {
        base: between(-5_000_000, 5_000_000),
        bids: between(0, 300_000),
        asks: between(0, 300_000),
        quote: between(-300_000_000, 300_000_000),
        price,
        settles_in: 0,
        long: &TIERS,
        short: &TIERS,
        profit_weight: 900_000,
    });
    let perps = perps.collect();
    let prices = (0..6).map(|_| between(10_000, 100_000_000)).collect();
    let side = if between(0, 2) == 0 { Side::Bid } else { Side::Ask };
    let order = Order { perp: between(0, 2) as usize, side, size: between(0, 100_000) };
    Asked { assets, perps, prices, order }
}
