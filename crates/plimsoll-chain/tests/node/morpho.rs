//! Morpho Blue and its markets.

use super::{ADMIN, Node};
use plimsoll_chain::abi::{Address, Call, Value, Word, encode, keccak};
use plimsoll_core::U256;

/// A market to be made: places of collateral and loan token among the tokens, lltv (bps), price of a whole collateral in
/// whole loan tokens times 10^8, fee (bps), its rate model.
pub struct Listing(pub usize, pub usize, pub u64, pub u64, pub u64, pub Model);

#[derive(Clone, Copy)]
pub enum Model {
    /// One that no rule knows: such a market is made and is no part of the scene.
    Unheard,
    None,
    Utilisation,
    Adaptive,
}

pub const LISTINGS: [Listing; 6] = [
    Listing(0, 3, 8600, 2_000_00000000, 0, Model::Adaptive),
    Listing(1, 0, 9450, 1_15000000, 1000, Model::Adaptive),
    Listing(2, 3, 8600, 43_000_00000000, 2500, Model::Utilisation),
    Listing(5, 4, 9650, 1_00000000, 0, Model::None),
    Listing(6, 5, 6250, 14_50000000, 500, Model::Adaptive),
    Listing(0, 5, 8600, 2_000_00000000, 0, Model::Unheard),
];

pub struct Market {
    pub id: Word,
    pub parameters: [Word; 5],
    pub collateral: usize,
    pub loan: usize,
    pub oracle: Address,
    pub lltv: u64,
    pub price: u64,
}

pub struct Morpho {
    pub at: Address,
    pub markets: Vec<Market>,
    /// The market whose rate model no rule knows.
    pub other: Word,
}

/// Who receives the fees.
pub const RECIPIENT: Address = Address([0xfe; 20]);

/// The oracle's integer of such a price.
pub fn scaled(price: u64, collateral_decimals: u8, loan_decimals: u8) -> U256 {
    let digits = 36 + loan_decimals - collateral_decimals - 8;
    U256::from(price).mul(U256::pow10(digits).expect("a power")).expect("a price")
}

pub fn set_price(market: &Market, price: u64, decimals: &[u8]) -> Call {
    let price = scaled(price, decimals[market.collateral], decimals[market.loan]);
    Call::new(market.oracle, "setPrice(uint256)").number(price)
}

/// Deploys the contract and its markets of these tokens.
pub fn deploy(node: &Node, tokens: &[Address], decimals: &[u8]) -> Morpho {
    let at = node.own("Morpho", &[ADMIN.into()]);
    let [utilisation, adaptive] = ["IrmMock", "AdaptiveCurve"].map(|name| node.own(name, &[]));
    let call = |function| Call::new(at, function);
    node.admin(&[
        call("enableIrm(address)").address(utilisation),
        call("enableIrm(address)").address(adaptive),
        call("enableIrm(address)").address(Address::ZERO),
        call("setFeeRecipient(address)").address(RECIPIENT),
    ]);
    let mut enabled = Vec::new();
    let (mut markets, mut other) = (Vec::new(), [0; 32]);
    for Listing(collateral, loan, lltv, price, fee, model) in LISTINGS {
        let oracle = node.own("OracleMock", &[]);
        let wad = |bps: u64| U256::from(bps).mul(U256::pow10(14).expect("a power")).expect("a part");
        let mut calls = Vec::new();
        let known = !matches!(model, Model::Unheard);
        let model = match model {
            Model::None => Address::ZERO,
            Model::Utilisation => utilisation,
            Model::Adaptive => adaptive,
            Model::Unheard => {
                let unheard = node.own("Unheard", &[]);
                calls.push(call("enableIrm(address)").address(unheard));
                unheard
            }
        };
        if !enabled.contains(&lltv) {
            enabled.push(lltv);
            calls.push(call("enableLltv(uint256)").number(wad(lltv)));
        }
        let words: [Value; 5] =
            [tokens[loan].into(), tokens[collateral].into(), oracle.into(), model.into(), wad(lltv).into()];
        let encoded = encode(&words);
        let mut parameters = [[0; 32]; 5];
        for (word, bytes) in parameters.iter_mut().zip(encoded.chunks(32)) {
            word.copy_from_slice(bytes);
        }
        let of = |call: Call| parameters.iter().fold(call, |call, word| call.word(*word));
        let market = Market { id: keccak(&encoded), parameters, collateral, loan, oracle, lltv, price };
        calls.push(set_price(&market, price, decimals));
        calls.push(of(call("createMarket((address,address,address,address,uint256))")));
        if fee > 0 {
            calls
                .push(of(call("setFee((address,address,address,address,uint256),uint256)")).number(wad(fee)));
        }
        node.admin(&calls);
        if known { markets.push(market) } else { other = market.id }
    }
    Morpho { at, markets, other }
}
