//! A small population in one market: random calls, and what they did.

use num_bigint::{BigInt, BigUint};
use plimsoll_core::{
    Account, AccountId, Action, Amount, Assessment, Call, Effects, Feeds, InstrumentId, Int, Lens,
    Market as _, Mechanism, Party, Reading, Refusal, Silent, Test, Time, U256, Verdict,
};
use plimsoll_venues::maker::{
    ART, Calc, Curve, Dutch, English, GEM, HOPE, INK, Market, Names, POKE_ORACLE, POKE_SPOT, Parameters,
    Revision, State, Stored, VAT_DAI,
};
use proptest::prelude::*;

/// Vaults; the last of them is a keeper as well.
pub(crate) const PEOPLE: u64 = 4;
pub(crate) const KEEPER: u64 = PEOPLE - 1;
/// On the hour.
pub(crate) const START: u64 = 1_700_002_800;

/// Ten times so many cases, times `PLIMSOLL_CASES`: `3`, or `1/8` for an eighth.
pub(crate) fn cases(modest: u32) -> ProptestConfig {
    let text = std::env::var("PLIMSOLL_CASES").unwrap_or_default();
    let (times, of) = text.split_once('/').unwrap_or((&text, "1"));
    let (times, of): (u32, u32) = (times.parse().unwrap_or(1), of.parse().unwrap_or(1));
    let cases = (modest * 10 * times / of.max(1)).max(4);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

pub(crate) fn u(value: u128) -> U256 {
    U256::new(value)
}

/// 10^power times a number.
pub(crate) fn e(value: u128, power: u8) -> U256 {
    U256::pow10(power).unwrap().mul(u(value)).unwrap()
}

pub(crate) fn wad(whole: u128) -> U256 {
    e(whole, 18)
}

pub(crate) fn ray(whole: u128) -> U256 {
    e(whole, 27)
}

pub(crate) fn rad(whole: u128) -> U256 {
    e(whole, 45)
}

pub(crate) fn z(value: U256) -> BigInt {
    BigUint::from_bytes_le(&value.to_le_bytes()).into()
}

pub(crate) fn signed(value: Int) -> BigInt {
    let size = z(value.magnitude());
    if value.is_negative() { -size } else { size }
}

/// Any number of up to so many bits, small ones as likely as large ones.
pub(crate) fn bits(most: usize) -> impl Strategy<Value = U256> {
    (0..=most, any::<[u8; 32]>()).prop_map(move |(bits, bytes)| {
        let all = U256::from_le_bytes(bytes);
        let kept = (0..bits).fold(U256::ZERO, |kept, bit| kept.with_bit(bit, all.bit(bit)));
        if bits == 0 { kept } else { kept.with_bit(bits - 1, true) }
    })
}

/// ETH-A, about as it was: 145 %, a fee of about 2 % a year, 15 000 Dai at least, no delayed oracle.
pub(crate) fn rules() -> Parameters {
    Parameters {
        mat: e(145, 25),
        par: ray(1),
        base: U256::ZERO,
        duty: u(1_000_000_000_627_937_192_491_029_810),
        line: rad(100_000_000),
        total_line: rad(1_000_000_000),
        dust: rad(15_000),
        live: true,
        hop: 0,
        osm_stopped: false,
        chop: e(113, 16),
        dutch: Dutch {
            hole: rad(30_000_000),
            total_hole: rad(100_000_000),
            buf: e(12, 26),
            tail: u(7_200),
            cusp: e(4, 26),
            chip: e(1, 15),
            tip: rad(250),
            stopped: 0,
            calc: Calc { curve: Curve::Stairstep, tau: u(21_600), step: u(90), cut: e(99, 25) },
        },
        english: English {
            lump: wad(500),
            dunk: rad(50_000),
            most: rad(15_000_000),
            beg: e(105, 16),
            ttl: 10_800,
            tau: 172_800,
        },
    }
}

/// A young market at 2,000 dollars.
pub(crate) fn state(rules: &Parameters) -> State {
    let spot = spot(rules, wad(2_000));
    let price = stored(wad(2_000));
    let (current, next) = (price, price);
    let chost = e(1_695, 46);
    State { rate: ray(1), spot, rho: START, chost, poked: START, current, next, ..State::default() }
}

/// `floor(floor(price * 10^36 / par) * 10^27 / mat)`, in whole numbers without an end.
pub(crate) fn spot(rules: &Parameters, price: U256) -> U256 {
    let ten = BigInt::from(10);
    let spot = z(price) * ten.pow(36) / z(rules.par) * ten.pow(27) / z(rules.mat);
    spot.to_string().parse().unwrap()
}

pub(crate) fn market(revision: Revision, rules: Parameters, state: State) -> Market {
    Market::new(revision, Names { gem: "ETH", dai: "DAI", currency: "USD" }, rules, state).unwrap()
}

#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) market: Market,
    pub(crate) accounts: Vec<Account>,
    pub(crate) price: Reading,
    pub(crate) at: Time,
    /// What the vat's collateral and Dai adapters and nobody else hold, by the flows alone (wad, rad).
    pub(crate) pool: [BigInt; 2],
    /// What lies in auctions, by the flows alone (wad).
    pub(crate) lots: BigInt,
    /// Collateral tokens that wallets gave, less what they got back (wad).
    pub(crate) brought: BigInt,
}

impl World {
    pub(crate) fn new(revision: Revision, rules: Parameters) -> World {
        let zero = || BigInt::ZERO;
        World {
            market: market(revision, rules, state(&rules)),
            accounts: (0..PEOPLE).map(|id| Account::new(AccountId(id))).collect(),
            price: Reading::certain(wad(2_000)),
            at: Time(START),
            pool: [zero(), zero()],
            lots: zero(),
            brought: zero(),
        }
    }

    pub(crate) fn account(&self, who: u64) -> &Account {
        &self.accounts[usize::try_from(who).unwrap()]
    }

    pub(crate) fn held(&self, who: u64, instrument: InstrumentId) -> U256 {
        self.account(who).quantity(instrument).magnitude()
    }

    pub(crate) fn assess(&self, who: u64, lens: Lens) -> Result<Assessment, Refusal> {
        let readings = [self.price];
        let quoted = self.market.at(Feeds { readings: &readings }, lens, self.at)?;
        quoted.verdict(self.account(who), Test::Liquidation)
    }

    pub(crate) fn verdict(&self, who: u64, lens: Lens) -> Verdict {
        self.assess(who, lens).unwrap().verdict
    }

    /// Performs a call and, when it is not refused, everything that it does.
    pub(crate) fn call(&mut self, call: &Call) -> Result<Effects, Refusal> {
        let readings = [self.price];
        let effects = self.market.act(call, &self.accounts, Feeds { readings: &readings }, &mut Silent)?;
        self.market.apply(&effects).unwrap();
        self.accounts = self.accounts.iter().map(|account| effects.apply_to(account).unwrap()).collect();
        for (pool, of) in self.pool.iter_mut().zip([GEM, VAT_DAI]) {
            *pool += signed(effects.net(Party::Pool, of).unwrap());
        }
        for flow in effects.flows.iter().filter(|flow| flow.instrument == GEM) {
            let amount = z(flow.amount);
            for (party, sign) in [(flow.from, -1), (flow.to, 1)] {
                match party {
                    Party::Auction(_) => self.lots += &amount * sign,
                    Party::Wallet(_) => self.brought -= &amount * sign,
                    _ => {}
                }
            }
        }
        Ok(effects)
    }

    pub(crate) fn action(&mut self, actor: u64, account: u64, action: Action) -> Result<Effects, Refusal> {
        self.call(&Call { actor: AccountId(actor), account: AccountId(account), at: self.at, action })
    }

    pub(crate) fn liquidate(
        &mut self,
        actor: u64,
        on: u64,
        mechanism: Mechanism,
    ) -> Result<Effects, Refusal> {
        self.action(actor, on, Action::Liquidate(mechanism))
    }

    pub(crate) fn lock(&mut self, who: u64, amount: U256) -> Result<Effects, Refusal> {
        self.action(who, who, Action::Deposit { into: INK, amount: Amount::Assets(amount) })
    }

    pub(crate) fn draw(&mut self, who: u64, amount: U256) -> Result<Effects, Refusal> {
        self.action(who, who, Action::Borrow { debt: ART, amount: Amount::Assets(amount) })
    }

    pub(crate) fn frob(&mut self, who: u64, dink: Int, dart: Int) -> Result<Effects, Refusal> {
        let party = AccountId(who);
        let action = Action::Adjust {
            collateral: (INK, dink),
            debt: (ART, dart),
            collateral_party: party,
            debt_party: party,
        };
        self.action(who, who, action)
    }

    pub(crate) fn set(&mut self, name: &str, value: U256) {
        let mut found = None;
        self.market.visit(&mut |cell, known, _, _| found = found.or((known == name).then_some(cell)));
        self.market.set(found.unwrap(), Some(value.into())).unwrap();
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.at = Time(self.at.0 + seconds);
    }

    /// The price becomes this, and is poked.
    pub(crate) fn poke(&mut self, price: U256) {
        self.price = Reading::certain(price);
        self.action(KEEPER, KEEPER, Action::Poke { slot: POKE_SPOT }).unwrap();
    }

    /// Dai in the vat of somebody, out of his own wallet.
    pub(crate) fn fund(&mut self, who: u64, dai: U256) {
        let deposit = Action::Deposit { into: VAT_DAI, amount: Amount::Assets(dai) };
        self.action(who, who, deposit).unwrap();
    }
}

// ---- random lives -----------------------------------------------------------------------------------------------

/// A call, or time, or a new price; parts are thousandths of what there is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    Lock {
        who: u64,
        part: u16,
    },
    Free {
        who: u64,
        part: u16,
    },
    Draw {
        who: u64,
        part: u16,
    },
    Wipe {
        who: u64,
        by: u64,
        part: u16,
    },
    WipeAll {
        who: u64,
        by: u64,
    },
    Frob {
        who: u64,
        ink: i16,
        art: i16,
    },
    Fork {
        from: u64,
        to: u64,
        ink: i16,
        art: i16,
    },
    Exit {
        who: u64,
        dai: bool,
    },
    Drip,
    Poke,
    PokeOracle,
    Bark {
        who: u64,
    },
    Take {
        which: u8,
        part: u16,
        tight: bool,
    },
    Redo {
        which: u8,
    },
    Yank {
        which: u8,
    },
    Upchost,
    Tend {
        which: u8,
        by: u64,
        part: u16,
    },
    Dent {
        which: u8,
        by: u64,
        part: u16,
    },
    Deal {
        which: u8,
    },
    Wait(u32),
    Price(u16),
    /// The price becomes that at which somebody's collateral carries so many thousandths of his debt.
    Sink {
        who: u64,
        part: u16,
    },
}

fn parts(of: U256, part: u128) -> U256 {
    of.mul_div_wide(u(part), u(1_000), plimsoll_core::Rounding::Down).unwrap()
}

fn some(of: U256, part: i16) -> Int {
    Int::from_parts(part < 0, parts(of, part.unsigned_abs().into()))
}

impl World {
    /// The same call, where it can do something: on an auction that runs, or else on a vault below the line, or else the
    /// price sinks.
    pub(crate) fn aimed(&self, op: Op) -> Op {
        let about_auction = matches!(
            op,
            Op::Take { .. }
                | Op::Redo { .. }
                | Op::Yank { .. }
                | Op::Tend { .. }
                | Op::Dent { .. }
                | Op::Deal { .. }
        );
        let idle = self.market.auctions().count() == 0;
        let who = match op {
            Op::Bark { who } => who,
            _ if about_auction && idle => KEEPER,
            other => return other,
        };
        let below =
            |who: u64| self.assess(who, Lens::View).is_ok_and(|seen| seen.verdict == Verdict::Unhealthy);
        let order = (who..PEOPLE).chain(0..who);
        match order.clone().find(|who| below(*who)) {
            Some(who) => Op::Bark { who },
            None => match order.clone().find(|who| self.held(*who, ART) != U256::ZERO) {
                Some(who) => Op::Sink { who, part: 900 },
                None => Op::Bark { who },
            },
        }
    }

    pub(crate) fn step(&mut self, op: Op) -> Result<Option<Effects>, Refusal> {
        let everyday = wad(100);
        let assets = |amount| Amount::Assets(amount);
        let ids: Vec<u64> = self.market.auctions().map(|(number, _)| number).collect();
        let pick =
            |which: u8| ids.get(usize::from(which) % ids.len().max(1)).copied().unwrap_or(u64::from(which));
        let auction = |which: u8| self.market.auction(pick(which)).copied().unwrap_or_default();
        let (actor, account, action) = match op {
            Op::Wait(seconds) => {
                self.wait(seconds.into());
                return Ok(None);
            }
            Op::Price(part) => {
                self.price = Reading::certain(parts(self.price.value.unwrap(), part.into()).max(U256::ONE));
                return Ok(None);
            }
            Op::Sink { who, part } => {
                let (ink, art) = (self.held(who, INK), self.held(who, ART));
                let owed = art.mul(self.market.state().rate).unwrap();
                let rules = self.market.parameters();
                if ink != U256::ZERO && owed != U256::ZERO {
                    // price = owed / ink * mat * par, less 54 digits
                    let carried: BigInt = z(owed) * BigInt::from(part) / BigInt::from(1_000) / z(ink);
                    let price: BigInt = carried * z(rules.mat) * z(rules.par) / BigInt::from(10).pow(27 + 36);
                    let price: U256 = price.to_string().parse().unwrap();
                    self.price = Reading::certain(price.max(U256::ONE).min(wad(1_000_000)));
                    // As if the delayed oracle had taken it hours ago.
                    self.set("current_price", self.price.value.unwrap());
                    let poke = Action::Poke { slot: POKE_SPOT };
                    return self.action(KEEPER, KEEPER, poke).map(Some);
                }
                return Ok(None);
            }
            Op::Lock { who, part } => {
                (who, who, Action::Deposit { into: INK, amount: assets(parts(everyday, part.into())) })
            }
            Op::Free { who, part } => {
                let amount = assets(parts(self.held(who, INK), part.into()));
                (who, who, Action::Withdraw { from: INK, amount })
            }
            Op::Draw { who, part } => {
                let seen = self.assess(who, Lens::View)?;
                let free = seen.backing.magnitude().sub_or_zero(seen.requirement.magnitude());
                let free = free.div(ray(1), plimsoll_core::Rounding::Down).unwrap();
                (who, who, Action::Borrow { debt: ART, amount: assets(parts(free, part.into())) })
            }
            Op::Wipe { who, by, part } => {
                let owed = self.assess(who, Lens::View)?.debt.magnitude();
                let owed = owed.div(ray(1), plimsoll_core::Rounding::Up).unwrap();
                (by, who, Action::Repay { debt: ART, amount: assets(parts(owed, part.into())) })
            }
            Op::WipeAll { who, by } => (by, who, Action::Repay { debt: ART, amount: Amount::All }),
            Op::Frob { who, ink, art } => {
                let dink = some(everyday, ink);
                let dart = some(self.held(who, ART).max(wad(20_000)), art);
                let action = Action::Adjust {
                    collateral: (INK, dink),
                    debt: (ART, dart),
                    collateral_party: AccountId(who),
                    debt_party: AccountId(who),
                };
                (who, who, action)
            }
            Op::Fork { from, to, ink, art } => {
                let collateral = (INK, some(self.held(from, INK), ink));
                let debt = (ART, some(self.held(from, ART), art));
                (from, from, Action::Fork { collateral, debt, to: AccountId(to) })
            }
            Op::Exit { who, dai } => {
                let from = if dai { VAT_DAI } else { GEM };
                (who, who, Action::Withdraw { from, amount: Amount::All })
            }
            Op::Drip => (KEEPER, KEEPER, Action::Accrue),
            Op::Poke => (KEEPER, KEEPER, Action::Poke { slot: POKE_SPOT }),
            Op::PokeOracle => (KEEPER, KEEPER, Action::Poke { slot: POKE_ORACLE }),
            Op::Bark { who } => (KEEPER, who, Action::Liquidate(Mechanism::Bark)),
            Op::Take { which, part, tight } => {
                let number = pick(which);
                let price = self.market.status(number, self.at).map_or(U256::ZERO, |status| status.price);
                let max_price = if tight { price.sub_or_zero(U256::ONE) } else { U256::MAX };
                let amount = parts(auction(which).lot, part.into());
                (KEEPER, KEEPER, Action::Liquidate(Mechanism::Take { auction: number, amount, max_price }))
            }
            Op::Redo { which } => {
                (KEEPER, KEEPER, Action::Liquidate(Mechanism::Redo { auction: pick(which) }))
            }
            Op::Yank { which } => {
                (KEEPER, KEEPER, Action::Liquidate(Mechanism::Yank { auction: pick(which) }))
            }
            Op::Upchost => (KEEPER, KEEPER, Action::Liquidate(Mechanism::Upchost)),
            Op::Tend { which, by, part } => {
                let (number, auction) = (pick(which), auction(which));
                let bid = parts(auction.tab, part.into()).min(auction.tab);
                (by, by, Action::Liquidate(Mechanism::Tend { auction: number, lot: auction.lot, bid }))
            }
            Op::Dent { which, by, part } => {
                let (number, auction) = (pick(which), auction(which));
                let lot = parts(auction.lot, part.into());
                (by, by, Action::Liquidate(Mechanism::Dent { auction: number, lot, bid: auction.bid }))
            }
            Op::Deal { which } => {
                (KEEPER, KEEPER, Action::Liquidate(Mechanism::Deal { auction: pick(which) }))
            }
        };
        self.action(actor, account, action).map(Some)
    }
}

/// Rules of every kind: fees that shrink, limits that bind, all curves, with and without a delayed oracle.
pub(crate) fn setup() -> impl Strategy<Value = Parameters> {
    let fees = prop_oneof![
        3 => Just(627_937_192_491_029_810i128),
        1 => Just(0),
        1 => Just(100_000_000_000_000_000_000),
        1 => Just(-10_000_000_000_000_000),
    ];
    let curve = prop_oneof![Just(Curve::Linear), Just(Curve::Stairstep), Just(Curve::Exponential)];
    let house = (curve, prop_oneof![Just(5_000u128), Just(100_000), Just(30_000_000)], 0..3u128, 0..3u128);
    let vault = (105..300u128, prop_oneof![2 => Just(1_000u128), 1 => Just(1_003)], 0..3u128);
    (vault, fees, house, prop_oneof![2 => Just(0u64), 1 => Just(3_600)]).prop_map(
        |((mat, par, dust), fee, (curve, hole, tip, chip), hop)| {
            let usual = rules();
            let duty = Int::from(ray(1)).add(Int::new(fee)).unwrap().to_u256().unwrap();
            let cut = if curve == Curve::Exponential { e(9_999, 23) } else { e(99, 25) };
            let dutch = Dutch {
                hole: rad(hole),
                total_hole: rad(hole * 2),
                tip: rad(tip * 150),
                chip: e(chip, 15),
                calc: Calc { curve, cut, ..usual.dutch.calc },
                ..usual.dutch
            };
            let english = English { dunk: rad(hole / 3), most: rad(hole), ..usual.english };
            Parameters {
                mat: e(mat, 25),
                par: e(par, 24),
                dust: rad(dust * 1_000),
                duty,
                hop,
                dutch,
                english,
                ..usual
            }
        },
    )
}

/// Rules in which the penalty is counted as the revision counts it.
pub(crate) fn of_revision(revision: Revision, rules: Parameters) -> Parameters {
    if revision == Revision::V1_0 { Parameters { chop: e(113, 25), ..rules } } else { rules }
}

fn op(revision: Revision) -> impl Strategy<Value = Op> {
    let (who, part) =
        (|| 0..PEOPLE, || prop_oneof![3 => 0..=1_000u16, 1 => Just(1_000), 1 => 1_000..1_100u16]);
    let signed = || prop_oneof![2 => -1_000..=1_000i16, 1 => Just(0)];
    let vault = prop_oneof![
        3 => (who(), part()).prop_map(|(who, part)| Op::Lock { who, part }),
        2 => (who(), part()).prop_map(|(who, part)| Op::Free { who, part }),
        4 => (who(), part()).prop_map(|(who, part)| Op::Draw { who, part }),
        2 => (who(), who(), part()).prop_map(|(who, by, part)| Op::Wipe { who, by, part }),
        1 => (who(), who()).prop_map(|(who, by)| Op::WipeAll { who, by }),
        2 => (who(), signed(), signed()).prop_map(|(who, ink, art)| Op::Frob { who, ink, art }),
        1 => (who(), who(), signed(), signed()).prop_map(|(from, to, ink, art)| Op::Fork { from, to, ink, art }),
        1 => (who(), any::<bool>()).prop_map(|(who, dai)| Op::Exit { who, dai }),
    ];
    let world = prop_oneof![
        2 => Just(Op::Drip),
        3 => Just(Op::Poke),
        1 => Just(Op::PokeOracle),
        2 => prop_oneof![1..200u32, 1..8_000u32, 1..400_000u32].prop_map(Op::Wait),
        1 => prop_oneof![900..1_100u16, 300..900u16].prop_map(Op::Price),
        3 => (who(), 500..1_050u16).prop_map(|(who, part)| Op::Sink { who, part }),
    ];
    let which = any::<u8>;
    let dutch = prop_oneof![
        4 => who().prop_map(|who| Op::Bark { who }),
        6 => (which(), part(), prop::bool::weighted(0.1)).prop_map(|(which, part, tight)| Op::Take { which, part, tight }),
        2 => which().prop_map(|which| Op::Redo { which }),
        1 => which().prop_map(|which| Op::Yank { which }),
        1 => Just(Op::Upchost),
    ];
    let english = prop_oneof![
        4 => who().prop_map(|who| Op::Bark { who }),
        8 => (which(), who(), part()).prop_map(|(which, by, part)| Op::Tend { which, by, part }),
        4 => (which(), who(), part()).prop_map(|(which, by, part)| Op::Dent { which, by, part }),
        5 => which().prop_map(|which| Op::Deal { which }),
        2 => (10_800..200_000u32).prop_map(Op::Wait),
        1 => which().prop_map(|which| Op::Redo { which }),
        1 => which().prop_map(|which| Op::Yank { which }),
    ];
    let auctions = if revision == Revision::V2_0 { dutch.boxed() } else { english.boxed() };
    prop_oneof![3 => vault, 3 => world, 6 => auctions]
}

/// A revision, its rules, and a life.
pub(crate) fn life() -> impl Strategy<Value = (Revision, Parameters, Vec<Op>)> {
    let revision = prop_oneof![
        1 => Just(Revision::V1_0),
        1 => Just(Revision::V1_2),
        2 => Just(Revision::V2_0),
    ];
    revision.prop_flat_map(|revision| {
        let rules = setup().prop_map(move |rules| of_revision(revision, rules));
        (Just(revision), rules, prop::collection::vec(op(revision), 8..40))
    })
}

/// Everybody has collateral and some have drawn; the keepers have Dai.
pub(crate) fn begin(revision: Revision, rules: Parameters) -> World {
    let mut world = World::new(revision, rules);
    for who in 0..PEOPLE {
        world.lock(who, wad(20 * u128::from(who + 1))).unwrap();
    }
    for who in 0..KEEPER {
        let seen = world.assess(who, Lens::View).unwrap().backing.magnitude();
        let most = seen.div(ray(1), plimsoll_core::Rounding::Down).unwrap();
        world.draw(who, parts(most, 990)).unwrap();
        world.fund(who, wad(30_000));
    }
    world.fund(KEEPER, wad(1_000_000));
    world
}

pub(crate) fn with_oracle(rules: Parameters) -> Parameters {
    Parameters { hop: 3_600, ..rules }
}

pub(crate) fn stored(price: U256) -> Stored {
    Stored { value: price, valid: true }
}

pub(crate) fn hope(who: u64) -> Action {
    Action::SetTerm { term: HOPE, value: Int::from(who + 1) }
}
