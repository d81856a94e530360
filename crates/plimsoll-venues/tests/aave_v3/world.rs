//! A random pool with a small population, and what happens in it through `act`, `apply` and `apply_to` alone.

use crate::tape::Tape;
use plimsoll_core::{
    Account, AccountId, Accounts, Action, Amount, Call, Effects, Feeds, Figure, Int, Lens, Lot, Market,
    Mechanism, Party, Quoted, RAY, Reading, Receive, Refusal, Rounding, Silent, Test, Time, U256, Verdict,
};
use plimsoll_venues::aave_v3::{
    Bits, Configuration, E_MODE, EMode, Pool, PoolSpec, RateCurve, Reserve, Revision, State, USER_CONFIG,
    debt, receipt,
};

/// When every world begins.
pub(crate) const START: Time = Time(1_700_000_000);
/// Accounts of the population, numbered from 1.
pub(crate) const POPULATION: u64 = 4;

/// What kind of pools a property is about.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Decimals that a reserve may have.
    pub(crate) decimals: &'static [u8],
    /// Caps, isolation, siloed debt, thresholds and loan-to-values of zero.
    pub(crate) rules: bool,
    /// Accounts from a few raw units to 31 billion; otherwise of some thousands.
    pub(crate) extremes: bool,
}

/// Ordinary tokens, every rule.
pub(crate) const ORDINARY: Shape = Shape { decimals: &[18, 6, 8], rules: true, extremes: false };
/// Ordinary tokens, nothing switched off or capped.
pub(crate) const OPEN: Shape = Shape { rules: false, ..ORDINARY };
/// Anything that a pool can hold.
pub(crate) const WILD: Shape = Shape {
    decimals: &[18, 6, 8, 0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 12, 15, 20, 24, 27, 30, 33, 36, 38],
    rules: true,
    extremes: true,
};

/// A pool, its prices, everybody in it, and the time.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) pool: Pool,
    pub(crate) readings: Vec<Reading>,
    pub(crate) accounts: Vec<Account>,
    /// Receipts that went to the treasury, by reserve [scaled].
    pub(crate) treasury: Vec<U256>,
    pub(crate) at: Time,
}

pub(crate) fn u(value: u128) -> U256 {
    U256::new(value)
}

pub(crate) fn ten_to(power: u8) -> U256 {
    U256::pow10(power).expect("a power below 10^78")
}

/// The account's numbers as `getUserAccountData` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Data {
    pub(crate) collateral: U256,
    pub(crate) debt: U256,
    pub(crate) available: U256,
    pub(crate) threshold: U256,
    pub(crate) ltv: U256,
    pub(crate) health: U256,
}

impl World {
    pub(crate) fn feeds(&self) -> Feeds<'_> {
        Feeds { readings: &self.readings }
    }

    pub(crate) fn revision(&self) -> Revision {
        self.pool.revision()
    }

    pub(crate) fn state(&self, reserve: usize) -> &State {
        &self.pool.reserves()[reserve].state
    }

    pub(crate) fn reserves(&self) -> usize {
        self.pool.reserves().len()
    }

    pub(crate) fn decimals(&self, reserve: usize) -> u8 {
        self.pool.reserves()[reserve].configuration.decimals()
    }

    pub(crate) fn price(&self, reserve: usize) -> U256 {
        self.readings[reserve].value.expect("a price")
    }

    pub(crate) fn quoted(&self) -> Box<dyn Quoted + '_> {
        self.pool.at(self.feeds(), Lens::Action, self.at).expect("a time not before the state's")
    }

    pub(crate) fn account(&self, id: AccountId) -> &Account {
        Accounts::get(&self.accounts, id).expect("a member of the population")
    }

    pub(crate) fn verdict(&self, id: AccountId) -> Verdict {
        self.quoted().verdict(self.account(id), Test::Liquidation).expect("a verdict").verdict
    }

    pub(crate) fn data(&self, id: AccountId) -> Data {
        data(&self.quoted().figures(self.account(id)).expect("figures"))
    }

    pub(crate) fn act(&self, call: &Call) -> Result<Effects, Refusal> {
        self.pool.act(call, &self.accounts, self.feeds(), &mut Silent)
    }

    /// The world with the effects of its own `act` in it.
    pub(crate) fn with(&self, effects: &Effects) -> World {
        let mut after = self.clone();
        after.pool.apply(effects).expect("effects of this pool");
        for account in &mut after.accounts {
            *account = effects.apply_to(account).expect("256 bits");
        }
        for (reserve, held) in after.treasury.iter_mut().enumerate() {
            let gained = effects.net(Party::Treasury, receipt(reserve)).expect("256 bits");
            *held = held.add(gained.to_u256().expect("the treasury only gains")).expect("256 bits");
        }
        after
    }

    /// Acts and applies.
    pub(crate) fn then(&self, actor: u64, account: u64, action: Action) -> Result<World, Refusal> {
        let call = Call { actor: AccountId(actor), account: AccountId(account), at: self.at, action };
        self.act(&call).map(|effects| self.with(&effects))
    }

    pub(crate) fn bits(&self, id: AccountId, reserve: usize) -> (bool, bool) {
        let word = self.account(id).term(USER_CONFIG).magnitude();
        (word.bit(2 * reserve), word.bit(2 * reserve + 1))
    }
}

pub(crate) fn data(figures: &[Figure]) -> Data {
    let get = |name: &str| {
        let figure = figures.iter().find(|figure| figure.name == name).expect("a figure of this name");
        figure.value.to_u256().expect("not negative")
    };
    Data {
        collateral: get("totalCollateralBase"),
        debt: get("totalDebtBase"),
        available: get("availableBorrowsBase"),
        threshold: get("currentLiquidationThreshold"),
        ltv: get("ltv"),
        health: get("healthFactor"),
    }
}

// ---- pools ---------------------------------------------------------------------------------------------------

/// A configuration word from its fields.
pub(crate) fn configuration(fields: &[(Bits, u64)]) -> Configuration {
    fields.iter().fold(Configuration::default(), |word, &(field, value)| {
        word.with(field, value).expect("a value that fits its field")
    })
}

/// A reserve as it is opened: indices 1, no rates, nothing in it.
pub(crate) fn reserve(symbol: &str, configuration: Configuration) -> Reserve {
    let one = RAY.value();
    Reserve {
        symbol: symbol.into(),
        configuration,
        curve: RateCurve { optimal: 8_000, base: 100, slope1: 400, slope2: 6_000 },
        grace_until: Time(0),
        state: State {
            liquidity_index: one,
            variable_borrow_index: one,
            liquidity_rate: U256::ZERO,
            variable_borrow_rate: U256::ZERO,
            last_update: START,
            accrued_to_treasury: U256::ZERO,
            scaled_supply: U256::ZERO,
            scaled_debt: U256::ZERO,
            cash: U256::ZERO,
            virtual_balance: U256::ZERO,
            deficit: U256::ZERO,
            isolation_debt: U256::ZERO,
        },
    }
}

const SYMBOLS: [&str; 4] = ["WETH", "USDC", "WBTC", "DAI"];

fn random_reserve(tape: &mut Tape<'_>, symbol: &str, shape: Shape, modes: u64) -> Reserve {
    let threshold = tape.between(1_000, 9_500);
    // Aave's own check: threshold x bonus is at most 100 %.
    let bonus = 10_000 + tape.between(1, (100_000_000 / threshold - 10_000).min(2_000));
    let (threshold, ltv) = match tape.below(12) {
        11 if shape.rules => (0, 0),
        10 if shape.rules => (threshold, 0),
        9 => (threshold, threshold),
        _ => (threshold, tape.between(500, threshold)),
    };
    let mut fields = vec![
        (Configuration::LTV, ltv),
        (Configuration::THRESHOLD, threshold),
        (Configuration::BONUS, bonus),
        (Configuration::DECIMALS, u64::from(tape.pick(shape.decimals))),
        (Configuration::ACTIVE, 1),
        (Configuration::BORROWING, 1),
        (Configuration::RESERVE_FACTOR, tape.pick(&[1_000, 0, 3_333, 10_000, 1])),
        (Configuration::PROTOCOL_FEE, tape.pick(&[1_000, 0, 2_000, 10_000, 1])),
        (Configuration::EMODE, tape.below(modes + 1)),
        (Configuration::VIRTUAL_ACCOUNTING, 1),
    ];
    if shape.rules {
        fields.push((Configuration::BORROWABLE_IN_ISOLATION, tape.below(2)));
        if tape.once_in(8) {
            fields.push((Configuration::DEBT_CEILING, tape.between(1, 100_000_000)));
        }
        fields.push((Configuration::SILOED, u64::from(tape.once_in(12))));
        if tape.once_in(4) {
            fields.push((Configuration::SUPPLY_CAP, tape.between(1, 2_000_000)));
            fields.push((Configuration::BORROW_CAP, tape.between(1, 1_000_000)));
        }
    }
    let mut reserve = reserve(symbol, configuration(&fields));
    reserve.curve = RateCurve {
        optimal: tape.between(1, 9_999) as u32,
        base: tape.below(500) as u32,
        slope1: tape.below(2_000) as u32,
        slope2: tape.below(30_000) as u32,
    };
    for index in [&mut reserve.state.liquidity_index, &mut reserve.state.variable_borrow_index] {
        let growth = tape.magnitude(27);
        *index = if tape.once_in(4) { *index } else { index.add(u(growth)).expect("256 bits") };
    }
    reserve
}

fn random_mode(tape: &mut Tape<'_>, id: u8, shape: Shape) -> EMode {
    let threshold = tape.between(5_000, 9_700) as u16;
    EMode {
        id,
        label: format!("mode {id}"),
        ltv: tape.between(1, threshold.into()) as u16,
        threshold,
        bonus: (10_000 + tape.between(1, 100_000_000 / u64::from(threshold) - 10_000)) as u16,
        price_slot: tape.once_in(2).then_some(0),
        collateral: u(tape.below(16).into()),
        borrowable: u((1 + tape.below(15)).into()),
        ltv_zero: if shape.rules { u(tape.below(16).into()) } else { U256::ZERO },
        isolated: shape.rules && tape.once_in(2),
    }
}

fn random_price(tape: &mut Tape<'_>) -> U256 {
    if tape.once_in(6) { u(100_000_000) } else { u(10_000 * tape.magnitude(10)) }
}

impl World {
    /// A pool of a revision with everybody in it; its totals are the sums over the population, its rates its own.
    pub(crate) fn random(tape: &mut Tape<'_>, revision: Revision, shape: Shape) -> World {
        let modes = tape.below(3);
        let reserves = 2 + tape.below(3) as usize;
        let reserves: Vec<Reserve> =
            (0..reserves).map(|i| random_reserve(tape, SYMBOLS[i], shape, modes)).collect();
        let modes = (1..=modes as u8).map(|id| random_mode(tape, id, shape)).collect();
        let mut spec = PoolSpec { revision, currency: "USD".into(), reserves, modes };
        let slots = Pool::new(spec.clone()).expect("a pool").slots().len();
        let readings = (0..slots).map(|_| Reading::certain(random_price(tape))).collect();
        let mut world = World {
            pool: Pool::new(spec.clone()).expect("a pool"),
            readings,
            accounts: Vec::new(),
            treasury: vec![U256::ZERO; spec.reserves.len()],
            at: START,
        };
        let accounts: Vec<Account> =
            (1..=POPULATION).map(|id| world.random_account(tape, id, shape)).collect();
        for (i, reserve) in spec.reserves.iter_mut().enumerate() {
            fill(tape, revision, i, reserve, &accounts);
        }
        world.pool = Pool::new(spec).expect("a pool");
        world.accounts = accounts;
        world.set_rates();
        world
    }

    /// Rates as the pool itself would set them: somebody supplies a little to every reserve that takes it.
    fn set_rates(&mut self) {
        for reserve in 0..self.reserves() {
            let amount = Amount::Assets(ten_to(self.decimals(reserve)).add(u(1_000)).expect("256 bits"));
            let action = Action::Deposit { into: receipt(reserve), amount };
            let call = Call { actor: AccountId(99), account: AccountId(1), at: self.at, action };
            if let Ok(effects) = self.act(&call) {
                let flags = self.accounts[0].term(USER_CONFIG);
                *self = self.with(&effects);
                self.accounts[0].set_term(USER_CONFIG, flags);
            }
        }
    }

    fn random_account(&self, tape: &mut Tape<'_>, id: u64, shape: Shape) -> Account {
        let reserves = self.pool.reserves();
        let old_modes = self.revision() <= Revision::V3_1;
        let mode = match self.pool.modes() {
            [] => None,
            modes => Some(&modes[tape.below(modes.len() as u64) as usize]).filter(|_| tape.once_in(2)),
        };
        let borrowable: Vec<usize> = (0..reserves.len())
            .filter(|&i| match mode {
                None => true,
                Some(mode) if old_modes => {
                    reserves[i].configuration.get(Configuration::EMODE) == mode.id.into()
                }
                Some(mode) => mode.borrowable.bit(i),
            })
            .collect();
        let size = match tape.below(8) {
            7 if shape.extremes => u(1 + tape.magnitude(2)),
            6 | 5 if shape.extremes => u(31_000_000_000 * 100_000_000),
            4 => u(2_000 * 100_000_000),
            _ => u(10_000_000 * tape.magnitude(7)),
        };
        let mut account = Account::new(AccountId(id));
        let (mut word, mut carried) = (U256::ZERO, U256::ZERO);
        for (i, reserve) in reserves.iter().enumerate() {
            if tape.once_in(3) {
                continue;
            }
            let value =
                size.mul_div(u(tape.between(1, 1_000).into()), u(500), Rounding::Up).expect("256 bits");
            let scaled = self.scaled(i, value, reserve.state.liquidity_index);
            let isolated = self.revision() <= Revision::V3_6
                && reserve.configuration.get(Configuration::DEBT_CEILING) != 0;
            let counts = tape.below(8) != 7 && (!isolated || word == U256::ZERO);
            account.set(receipt(i), scaled.into());
            if counts && scaled != U256::ZERO {
                let threshold = u(reserve.configuration.get(Configuration::THRESHOLD).into());
                let weighed = value.mul_div(threshold, u(10_000), Rounding::Down).expect("256 bits");
                carried = carried.add(weighed).expect("256 bits");
                word = word.with_bit(2 * i + 1, true);
                if isolated {
                    break;
                }
            }
        }
        let near = u(10u128.pow(tape.below(9) as u32));
        let parts = [u(tape.between(300, 1_300).into()), u(1_000)];
        let target = match tape.below(4) {
            0 => carried.mul_div(parts[0], parts[1], Rounding::Down),
            1 => carried.mul_div(near.add(u(1)).expect("small"), near, Rounding::Down),
            2 => carried.mul_div(near.sub(u(1)).expect("small"), near, Rounding::Down),
            _ => Some(U256::ZERO),
        };
        let mut left = target.expect("256 bits");
        for _ in 0..2 {
            if borrowable.is_empty() || left == U256::ZERO {
                break;
            }
            let i = tape.pick(&borrowable);
            let siloed = reserves[i].configuration.is(Configuration::SILOED);
            let part =
                if siloed || tape.once_in(2) { left } else { left.div(u(2), Rounding::Down).expect("2") };
            let scaled = self.scaled(i, part, reserves[i].state.variable_borrow_index);
            if scaled != U256::ZERO {
                let sum = account.quantity(debt(i)).add(scaled.into()).expect("256 bits");
                account.set(debt(i), sum);
                word = word.with_bit(2 * i, true);
            }
            left = left.sub_or_zero(part);
        }
        account.set_term(USER_CONFIG, word.into());
        account.set_term(E_MODE, Int::from(mode.map_or(0u64, |mode| mode.id.into())));
        account
    }

    /// So many scaled units as are worth a value; a little more or less than a round number of them.
    fn scaled(&self, reserve: usize, value: U256, index: U256) -> U256 {
        let unit = ten_to(self.decimals(reserve));
        let raw = value.mul_div_wide(unit, self.price(reserve), Rounding::Down);
        let scaled = raw.and_then(|raw| raw.mul_div_wide(RAY.value(), index, Rounding::Up));
        // Beyond what a contract could compute with.
        scaled.filter(|scaled| scaled.bit_len() <= 150).unwrap_or(u(1))
    }
}

fn raw(scaled: U256, index: U256, rounding: Rounding) -> U256 {
    scaled.mul_div_wide(index, RAY.value(), rounding).expect("256 bits")
}

/// Totals of a reserve as sums over the population, and cash that covers what is owed to suppliers.
fn fill(tape: &mut Tape<'_>, revision: Revision, i: usize, reserve: &mut Reserve, accounts: &[Account]) {
    let sum = |instrument| {
        let held = accounts.iter().map(|account| account.quantity(instrument).magnitude());
        held.fold(U256::ZERO, |sum, held| sum.add(held).expect("256 bits"))
    };
    let state = &mut reserve.state;
    state.scaled_supply = sum(receipt(i));
    state.scaled_debt = sum(debt(i));
    state.accrued_to_treasury = u(tape.magnitude(9) - 1);
    if revision >= Revision::V3_3 && tape.once_in(3) {
        state.deficit = u(tape.magnitude(12));
    }
    let claims = state.scaled_supply.add(state.accrued_to_treasury).expect("256 bits");
    let claims = raw(claims, state.liquidity_index, Rounding::Up);
    let covered = raw(state.scaled_debt, state.variable_borrow_index, Rounding::Down);
    let covered = covered.add(state.deficit).expect("256 bits");
    let spare = u(tape.magnitude(20)).add(u(100)).expect("256 bits");
    state.cash = claims.sub_or_zero(covered).add(spare).expect("256 bits");
    if state.cash.bit_len() > 120 {
        state.cash = u(1 << 120);
    }
    state.virtual_balance = state.cash;
}

// ---- what happens --------------------------------------------------------------------------------------------

/// One call and the worlds before and after it, at the same time and prices.
pub(crate) struct Step<'a> {
    pub(crate) before: &'a World,
    pub(crate) call: &'a Call,
    pub(crate) outcome: &'a Result<Effects, Refusal>,
    pub(crate) after: &'a World,
}

impl Step<'_> {
    pub(crate) fn succeeded(&self) -> bool {
        self.outcome.is_ok()
    }

    /// The reserves of a liquidation: collateral and debt.
    pub(crate) fn liquidation(&self) -> Option<(usize, usize)> {
        match self.call.action {
            Action::Liquidate(Mechanism::Discount { repay, seize, .. }) => {
                Some((seize.index() / 3, repay.index() / 3))
            }
            _ => None,
        }
    }
}

/// A world is built, time and prices move, somebody does something, `see` looks at it; over and over.
pub(crate) fn walk(
    tape: &mut Tape<'_>,
    shape: Shape,
    steps: u64,
    see: impl Fn(&Step<'_>) -> Result<u64, String>,
) -> Result<u64, String> {
    walk_by(tape, shape, steps, World::random_call, see)
}

/// As [`walk`], and nothing is done but liquidations.
pub(crate) fn hunt(
    tape: &mut Tape<'_>,
    shape: Shape,
    steps: u64,
    see: impl Fn(&Step<'_>) -> Result<u64, String>,
) -> Result<u64, String> {
    walk_by(tape, shape, steps, World::random_liquidation, see)
}

fn walk_by(
    tape: &mut Tape<'_>,
    shape: Shape,
    steps: u64,
    next: impl Fn(&World, &mut Tape<'_>) -> Call,
    see: impl Fn(&Step<'_>) -> Result<u64, String>,
) -> Result<u64, String> {
    let revision = tape.pick(&Revision::ALL);
    let mut world = World::random(tape, revision, shape);
    let mut seen = 0;
    for _ in 0..steps {
        world.drift(tape);
        let call = next(&world, tape);
        let outcome = world.act(&call);
        let after = match &outcome {
            Ok(effects) => world.with(effects),
            Err(_) => world.clone(),
        };
        let step = Step { before: &world, call: &call, outcome: &outcome, after: &after };
        seen += see(&step).map_err(|what| format!("{what}\n{revision:?} {call:?}\n{outcome:?}"))?;
        world = after;
    }
    Ok(seen)
}

impl World {
    /// Time passes and prices move, now and then.
    pub(crate) fn drift(&mut self, tape: &mut Tape<'_>) {
        if tape.once_in(2) {
            self.at = Time(self.at.0 + tape.pick(&[1, 2, 12, 3_600, 86_400, 2_592_000, 31_536_000]));
        }
        if tape.once_in(3) {
            let slot = tape.below(self.readings.len() as u64) as usize;
            let price = self.readings[slot].value.expect("a price");
            let moved = price.mul_div(u(tape.between(700, 1_300).into()), u(1_000), Rounding::Up);
            self.readings[slot] = Reading::certain(moved.expect("256 bits"));
        }
    }

    pub(crate) fn random_call(&self, tape: &mut Tape<'_>) -> Call {
        let account = AccountId(tape.between(1, POPULATION));
        let actor = if tape.once_in(4) { AccountId(tape.between(1, POPULATION)) } else { account };
        let reserve = tape.below(self.reserves() as u64) as usize;
        let action = match tape.below(10) {
            0 => Action::Accrue,
            1 => Action::Deposit { into: receipt(reserve), amount: self.random_amount(tape, reserve, None) },
            2 => {
                let held = self.quoted().balance(self.account(account), receipt(reserve)).map(|b| b.raw).ok();
                let all = tape.once_in(4);
                let amount = if all { Amount::All } else { self.random_amount(tape, reserve, held) };
                Action::Withdraw { from: receipt(reserve), amount }
            }
            3 | 4 => {
                let available = self.quoted().figures(self.account(account)).map(|f| data(&f).available);
                let available = available.ok().and_then(|value| {
                    value.mul_div_wide(ten_to(self.decimals(reserve)), self.price(reserve), Rounding::Down)
                });
                Action::Borrow { debt: debt(reserve), amount: self.random_amount(tape, reserve, available) }
            }
            5 => {
                let owed = self.quoted().balance(self.account(account), debt(reserve)).map(|b| b.raw).ok();
                let all = actor == account && tape.once_in(3);
                let amount = if all { Amount::All } else { self.random_amount(tape, reserve, owed) };
                Action::Repay { debt: debt(reserve), amount }
            }
            6 => Action::UseAsCollateral { instrument: receipt(reserve), on: tape.once_in(2) },
            7 => Action::SetTerm { term: E_MODE, value: Int::from(tape.below(3)) },
            _ => return self.random_liquidation(tape),
        };
        Call { actor, account, at: self.at, action }
    }

    /// A few units, a part of `most`, or a little more than it.
    fn random_amount(&self, tape: &mut Tape<'_>, reserve: usize, most: Option<U256>) -> Amount {
        let most = most.unwrap_or(ten_to(self.decimals(reserve)));
        let part = |n: u64, of| most.mul_div_wide(u(n.into()), u(of), Rounding::Down).unwrap_or(most);
        Amount::Assets(match tape.below(6) {
            0 => most,
            1 => u(tape.between(0, 32).into()),
            2 => most.add(U256::ONE).unwrap_or(most),
            _ => part(tape.between(1, 1_100), 1_000),
        })
    }

    /// Somebody tries to liquidate somebody, the unhealthy first.
    pub(crate) fn random_liquidation(&self, tape: &mut Tape<'_>) -> Call {
        let quoted = self.quoted();
        let unhealthy = self.accounts.iter().map(|account| account.id).find(|&id| {
            let answer = quoted.verdict(self.account(id), Test::Liquidation);
            matches!(answer, Ok(answer) if answer.verdict == Verdict::Unhealthy)
        });
        let account =
            unhealthy.filter(|_| !tape.once_in(6)).unwrap_or(AccountId(tape.between(1, POPULATION)));
        let held = |which: usize| {
            let held = self.account(account).holdings().iter().map(|holding| holding.instrument);
            held.filter(|id| id.index() % 3 == which).map(|id| id.index() / 3).collect::<Vec<_>>()
        };
        let any = tape.below(self.reserves() as u64) as usize;
        let mut side = |which| match held(which) {
            found if found.is_empty() || tape.once_in(16) => any,
            found => tape.pick(&found),
        };
        let (seize, repay) = (side(1), side(2));
        let owed = quoted.balance(self.account(account), debt(repay)).map(|b| b.raw).ok();
        let amount = if tape.once_in(2) { Amount::All } else { self.random_amount(tape, repay, owed) };
        let mechanism = Mechanism::Discount {
            repay: debt(repay),
            seize: receipt(seize),
            lot: Lot::Repay(amount),
            receive: if tape.once_in(3) { Receive::Receipt } else { Receive::Asset },
        };
        let actor = AccountId(1 + (account.0 + tape.below(POPULATION - 1)) % POPULATION);
        Call { actor, account, at: self.at, action: Action::Liquidate(mechanism) }
    }
}
