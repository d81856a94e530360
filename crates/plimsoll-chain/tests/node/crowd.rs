//! People at both venues, by real transactions over moving time and prices. The same at every run.

use super::aave::{self, Aave};
use super::morpho::{self, Morpho};
use super::{Node, drawn};
use plimsoll_chain::abi::{Address, Call, Value, keccak};
use plimsoll_core::U256;

type Sent = (Address, Option<Address>, Vec<u8>);

pub struct Scene {
    pub aave: Aave,
    pub morpho: Morpho,
    pub people: Vec<Address>,
}

fn sent(from: Address, call: Call) -> Sent {
    (from, Some(call.to), call.data)
}

pub fn person(number: u64) -> Address {
    Address(keccak(format!("person {number}").as_bytes())[12..].try_into().expect("an address"))
}

pub fn decimals() -> Vec<u8> {
    aave::LISTINGS.iter().map(|listing| listing.decimals).collect()
}

/// So many raw units are worth so many cents at the first prices.
fn worth(asset: usize, cents: u64) -> U256 {
    let listing = &aave::LISTINGS[asset];
    let raw =
        u128::from(cents) * 10u128.pow(u32::from(listing.decimals)) / u128::from(listing.price) * 1_000_000;
    U256::new(raw.max(1))
}

impl Scene {
    /// Deploys both venues and lets so many people come to each.
    pub fn made(node: &Node, people: u64) -> Scene {
        let aave = aave::deploy(node);
        let tokens: Vec<Address> = aave.reserves.iter().map(|(token, _)| *token).collect();
        let morpho = morpho::deploy(node, &tokens, &decimals());
        let mut scene = Scene { aave, morpho, people: Vec::new() };
        scene.lenders(node);
        let groups = people.div_ceil(40);
        for group in 0..groups {
            let mut transactions = scene.moved(group);
            for number in group * 40..people.min(group * 40 + 40) {
                let person = person(number);
                scene.people.push(person);
                scene.at_aave(person, number, &mut transactions);
                scene.at_morpho(person, number, &mut transactions);
            }
            node.block(12 + drawn("gap", group) % 90_000, &transactions);
        }
        scene.later(node, people);
        scene
    }

    pub fn token(&self, asset: usize) -> Address {
        self.aave.reserves[asset].0
    }

    fn pool(&self, function: &'static str) -> Call {
        Call::new(self.aave.pool, function)
    }

    fn market(&self, market: usize, function: &'static str, rest: &[Value]) -> Call {
        let parameters = self.morpho.markets[market].parameters.iter().map(|word| Value::Word(*word));
        let mut values = vec![Value::Tuple(parameters.collect())];
        values.extend(rest.iter().cloned());
        Call::new(self.morpho.at, function).values(&values)
    }

    /// Gives a person tokens and lets a contract take them.
    pub fn funded(&self, person: Address, asset: usize, amount: U256, by: Address, out: &mut Vec<Sent>) {
        let token = self.token(asset);
        out.push(sent(person, Call::new(token, "mint(address,uint256)").address(person).number(amount)));
        let most = U256::new(u128::MAX);
        out.push(sent(person, Call::new(token, "approve(address,uint256)").address(by).number(most)));
    }

    pub fn supply(&self, person: Address, asset: usize, amount: U256, out: &mut Vec<Sent>) {
        self.funded(person, asset, amount, self.aave.pool, out);
        let call =
            self.pool("supply(address,uint256,address,uint16)").address(self.token(asset)).number(amount);
        out.push(sent(person, call.address(person).number(0u64)));
    }

    fn borrow(&self, person: Address, asset: usize, amount: U256, out: &mut Vec<Sent>) {
        let call = self.pool("borrow(address,uint256,uint256,uint16,address)").address(self.token(asset));
        out.push(sent(person, call.number(amount).number(2u64).number(0u64).address(person)));
    }

    /// Those who lend to all others.
    fn lenders(&mut self, node: &Node) {
        let mut out = Vec::new();
        for number in 1_000_000..1_000_002 {
            let lender = person(number);
            self.people.push(lender);
            for asset in 0..aave::LISTINGS.len() {
                self.supply(
                    lender,
                    asset,
                    worth(asset, 900_000_000_00 + drawn("lend", number + asset as u64) % 1_000_000),
                    &mut out,
                );
            }
            for market in 0..self.morpho.markets.len() {
                let loan = self.morpho.markets[market].loan;
                let amount = worth(loan, 300_000_000_00);
                self.funded(lender, loan, amount, self.morpho.at, &mut out);
                let rest = [amount.into(), 0.into(), lender.into(), "".into()];
                const SUPPLY: &str =
                    "supply((address,address,address,address,uint256),uint256,uint256,address,bytes)";
                out.push(sent(lender, self.market(market, SUPPLY, &rest)));
            }
        }
        node.block(12, &out);
    }

    fn at_aave(&self, person: Address, number: u64, out: &mut Vec<Sent>) {
        let draw = |what: &str| drawn(what, number);
        let value =
            100_00 + draw("value") % [2_000_00, 50_000_00, 3_000_000_00][(draw("class") % 3) as usize];
        let part = |share: u64| value / 100 * share;
        match draw("kind") % 10 {
            // ETH against ETH.
            0 | 1 => {
                self.supply(person, 1, worth(1, value), out);
                out.push(sent(person, self.pool("setUserEMode(uint8)").number(1u64)));
                self.borrow(person, 0, worth(0, part(60 + draw("share") % 29)), out);
            }
            // One stablecoin against another.
            2 => {
                self.supply(person, 5, worth(5, value), out);
                out.push(sent(person, self.pool("setUserEMode(uint8)").number(2u64)));
                self.borrow(person, 4, worth(4, part(70 + draw("share") % 25)), out);
            }
            // Isolated.
            3 => {
                self.supply(person, 6, worth(6, value), out);
                let on = self.pool("setUserUseReserveAsCollateral(address,bool)").address(self.token(6));
                out.push(sent(person, on.number(1u64)));
                self.borrow(person, 5, worth(5, part(20 + draw("share") % 30)), out);
            }
            // Only lends.
            4 => {
                self.supply(person, 8, worth(8, value), out);
                self.supply(person, 3, worth(3, value), out);
            }
            // One to three collaterals, one or two debts.
            kind => {
                let collaterals = [0, 1, 2, 3, 7];
                let count = 1 + draw("collaterals") % 3;
                for place in 0..count {
                    let asset = collaterals[((draw("collateral") + place) % 5) as usize];
                    self.supply(person, asset, worth(asset, value / count), out);
                }
                let share = 15 + draw("share") % 50;
                let debts = [3, 4, 5, 8, 0];
                let asset = debts[(draw("debt") % 5) as usize];
                self.borrow(person, asset, worth(asset, part(share)), out);
                if kind > 7 {
                    self.borrow(person, 5, worth(5, part(8)), out);
                }
            }
        }
    }

    fn at_morpho(&self, person: Address, number: u64, out: &mut Vec<Sent>) {
        let draw = |what: &str| drawn(what, number + 7);
        let place = (draw("market") % 5) as usize;
        let market = &self.morpho.markets[place];
        let value = 50_00 + draw("value") % [5_000_00, 400_000_00][(draw("class") % 2) as usize];
        let posted = worth(market.collateral, value);
        self.funded(person, market.collateral, posted, self.morpho.at, out);
        const POST: &str =
            "supplyCollateral((address,address,address,address,uint256),uint256,address,bytes)";
        out.push(sent(person, self.market(place, POST, &[posted.into(), person.into(), "".into()])));
        // Of the value at the first price, which the oracle may have left since.
        let share = market.lltv * (40 + draw("share") % 58) / 100;
        let amount = worth(market.loan, value / 10_000 * share);
        const BORROW: &str =
            "borrow((address,address,address,address,uint256),uint256,uint256,address,address)";
        let rest = [amount.into(), 0.into(), person.into(), person.into()];
        out.push(sent(person, self.market(place, BORROW, &rest)));
    }

    /// New prices at both venues, within a few per cent of the first ones.
    fn moved(&self, step: u64) -> Vec<Sent> {
        let near = |price: u64, what: &str, place: usize| {
            let bps = 9_850 + drawn(what, step * 100 + place as u64) % 300;
            (u128::from(price) * u128::from(bps) / 10_000) as u64
        };
        let mut out = Vec::new();
        for (place, (listing, (_, feed))) in aave::LISTINGS.iter().zip(&self.aave.reserves).enumerate() {
            let set = Call::new(*feed, "set(int256)").number(near(listing.price, "price", place));
            out.push(sent(super::ADMIN, set));
        }
        for (place, market) in self.morpho.markets.iter().enumerate() {
            out.push(sent(
                super::ADMIN,
                morpho::set_price(market, near(market.price, "oracle", place), &decimals()),
            ));
        }
        out
    }

    /// Prices as parts of the first ones (bps), at both venues.
    pub fn fall(&self, node: &Node, assets: &[(usize, u64)], markets: &[(usize, u64)]) {
        let mut out = Vec::new();
        let part = |price: u64, bps: u64| (u128::from(price) * u128::from(bps) / 10_000) as u64;
        for (asset, bps) in assets {
            let price = part(aave::LISTINGS[*asset].price, *bps);
            out.push(sent(
                super::ADMIN,
                Call::new(self.aave.reserves[*asset].1, "set(int256)").number(price),
            ));
        }
        for (place, bps) in markets {
            let market = &self.morpho.markets[*place];
            out.push(sent(super::ADMIN, morpho::set_price(market, part(market.price, *bps), &decimals())));
        }
        node.block(12, &out);
    }

    /// What people do later: repay, withdraw, give receipts away, switch collateral off.
    fn later(&self, node: &Node, people: u64) {
        let mut out = Vec::new();
        for number in 0..people {
            let person = person(number);
            let token = |asset: usize| self.token(asset);
            match drawn("later", number) % 8 {
                0 => {
                    self.funded(person, 5, worth(5, 5_000_00), self.aave.pool, &mut out);
                    let repay = self.pool("repay(address,uint256,uint256,address)").address(token(5));
                    out.push(sent(person, repay.number(worth(5, 40_00)).number(2u64).address(person)));
                }
                1 => {
                    let call = self.pool("withdraw(address,uint256,address)").address(token(3));
                    out.push(sent(person, call.number(worth(3, 15_00)).address(person)));
                }
                2 => {
                    let off = self.pool("setUserUseReserveAsCollateral(address,bool)").address(token(3));
                    out.push(sent(person, off.number(0u64)));
                }
                3 => {
                    let data = self.pool("getReserveData(address)").address(token(0));
                    let receipt = node.call(&data)[8 * 32 + 12..9 * 32].try_into().expect("an address");
                    let to = super::crowd::person(number + 500_000);
                    let give = Call::new(Address(receipt), "transfer(address,uint256)").address(to);
                    out.push(sent(person, give.number(worth(0, 3_00))));
                }
                _ => {}
            }
        }
        node.block(3_600, &out);
        node.block(12 + drawn("end", 0) % 100, &[]);
    }
}
