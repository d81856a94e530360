//! Aave v3 as it is deployed: provider, access control, libraries, pool, configurator, oracle, tokens.

use super::{ADMIN, Node, packages};
use plimsoll_chain::abi::{Address, Call, Value};
use plimsoll_core::U256;
use std::collections::BTreeMap;

/// A reserve to be listed: symbol, decimals, price (8 digits), loan-to-value, threshold, bonus, reserve factor, fee (bps).
pub struct Listing {
    pub symbol: &'static str,
    pub decimals: u8,
    pub price: u64,
    pub ltv: u64,
    pub threshold: u64,
    pub bonus: u64,
    pub factor: u64,
    pub fee: u64,
    /// Optimal use, base rate, both slopes (bps).
    pub curve: [u64; 4],
}

const fn listing(
    symbol: &'static str,
    decimals: u8,
    price: u64,
    [ltv, threshold, bonus]: [u64; 3],
    factor: u64,
    fee: u64,
    curve: [u64; 4],
) -> Listing {
    Listing { symbol, decimals, price, ltv, threshold, bonus, factor, fee, curve }
}

/// Nine reserves: decimals from 2 to 18, an isolated one, one that is no collateral.
pub const LISTINGS: [Listing; 9] = [
    listing("WETH", 18, 2_000_00000000, [8000, 8250, 10500], 1500, 1000, [8000, 0, 380, 8000]),
    listing("wstETH", 18, 2_300_00000000, [7850, 8100, 10600], 1500, 1000, [4500, 25, 450, 8000]),
    listing("WBTC", 8, 43_000_12345678, [7300, 7800, 10500], 2000, 1000, [4500, 0, 400, 30000]),
    listing("USDC", 6, 1_00000000, [7700, 8000, 10450], 1000, 1000, [9000, 0, 600, 6000]),
    listing("USDT", 6, 99987654, [7400, 7600, 10450], 1000, 1000, [9000, 0, 600, 7500]),
    listing("DAI", 18, 1_00012345, [7700, 8000, 10400], 1000, 1000, [9000, 0, 500, 7500]),
    listing("LINK", 18, 14_50000000, [5300, 6800, 10700], 2000, 1000, [4500, 0, 700, 30000]),
    listing("EURS", 2, 1_08000000, [6500, 7000, 10750], 2000, 0, [9000, 0, 400, 7500]),
    listing("GHO", 18, 1_00000000, [0, 0, 0], 1000, 0, [9000, 150, 300, 5000]),
];

/// The deployment.
pub struct Aave {
    pub pool: Address,
    pub provider: Address,
    pub configurator: Address,
    pub oracle: Address,
    /// Of each reserve: token and feed.
    pub reserves: Vec<(Address, Address)>,
    /// The feed of e-mode 2.
    pub mode_feed: Address,
}

fn ray(bps: u64) -> Value {
    let unit = U256::pow10(23).expect("a power");
    Value::from(U256::from(bps).mul(unit).expect("a rate"))
}

/// Deploys the pool with all reserves and two e-modes.
pub fn deploy(node: &Node) -> Aave {
    let mut libraries = BTreeMap::new();
    let code = |path: &str, libraries: &BTreeMap<String, Address>| packages().artifact(path, libraries);
    let none = BTreeMap::new();
    let provider = node
        .deploy(code("protocol/configuration/PoolAddressesProvider", &none), &["test".into(), ADMIN.into()]);
    let to_provider = |function, address: Address| Call::new(provider, function).address(address);
    node.admin(&[to_provider("setACLAdmin(address)", ADMIN)]);
    let access = node.deploy(code("protocol/configuration/ACLManager", &none), &[provider.into()]);
    node.admin(&[
        to_provider("setACLManager(address)", access),
        Call::new(access, "addPoolAdmin(address)").address(ADMIN),
        Call::new(access, "addAssetListingAdmin(address)").address(ADMIN),
        Call::new(access, "addEmergencyAdmin(address)").address(ADMIN),
    ]);
    let logic = [
        "SupplyLogic",
        "BorrowLogic",
        "LiquidationLogic",
        "EModeLogic",
        "BridgeLogic",
        "PoolLogic",
        "ConfiguratorLogic",
        "FlashLoanLogic",
    ];
    for name in logic {
        let at = node.deploy(code(&format!("protocol/libraries/logic/{name}"), &libraries), &[]);
        libraries.insert(name.to_string(), at);
    }
    let pool = node.deploy(code("protocol/pool/Pool", &libraries), &[provider.into()]);
    let configurator = node.deploy(code("protocol/pool/PoolConfigurator", &libraries), &[]);
    let data = node.deploy(code("misc/AaveProtocolDataProvider", &none), &[provider.into()]);
    node.admin(&[
        to_provider("setPoolDataProvider(address)", data),
        to_provider("setPoolImpl(address)", pool),
        to_provider("setPoolConfiguratorImpl(address)", configurator),
    ]);
    let pool = node.address(provider, "getPool()");
    let configurator = node.address(provider, "getPoolConfigurator()");

    let mut reserves = Vec::new();
    for listing in &LISTINGS {
        let token = node.own("Token", &[listing.symbol.into(), u64::from(listing.decimals).into()]);
        reserves.push((token, node.own("Feed", &[listing.price.into()])));
    }
    let mode_feed = node.own("Feed", &[1_00000000.into()]);
    let mode_source = Address([0x5e; 20]);
    let assets = reserves.iter().map(|(token, _)| (*token).into()).chain([mode_source.into()]);
    let sources = reserves.iter().map(|(_, feed)| (*feed).into()).chain([mode_feed.into()]);
    let oracle = node.deploy(
        code("misc/AaveOracle", &none),
        &[
            provider.into(),
            Value::List(assets.collect()),
            Value::List(sources.collect()),
            Address::ZERO.into(),
            Address::ZERO.into(),
            100_000_000.into(),
        ],
    );
    node.admin(&[to_provider("setPriceOracle(address)", oracle)]);

    let tokens = ["AToken", "StableDebtToken", "VariableDebtToken"];
    let tokens =
        tokens.map(|name| node.deploy(code(&format!("protocol/tokenization/{name}"), &none), &[pool.into()]));
    let strategy = code("protocol/pool/DefaultReserveInterestRateStrategy", &none);
    let mut inputs = Vec::new();
    for (listing, (token, _)) in LISTINGS.iter().zip(&reserves) {
        let [optimal, base, slope1, slope2] = listing.curve;
        let rates = [optimal, base, slope1, slope2, 50, 6000, 100, 800, 2000].map(ray);
        let mut arguments = vec![provider.into()];
        arguments.extend(rates);
        let strategy = node.deploy(strategy.clone(), &arguments);
        let mut input: Vec<Value> = tokens.map(Value::from).to_vec();
        input.extend([u64::from(listing.decimals).into(), strategy.into(), (*token).into()]);
        input.extend([Address([0x7e; 20]).into(), Address::ZERO.into()]);
        for prefix in ["a", "variableDebt", "stableDebt"] {
            let name = format!("{prefix}{}", listing.symbol);
            input.extend([name.as_str().into(), name.as_str().into()]);
        }
        input.push("".into());
        inputs.push(Value::Tuple(input));
    }
    const INIT: &str = "initReserves((address,address,address,uint8,address,address,address,address,string,string,string,string,string,string,bytes)[])";
    for input in inputs {
        node.admin(&[Call::new(configurator, INIT).values(&[Value::List(vec![input])])]);
    }
    let mut calls = Vec::new();
    let call = |function| Call::new(configurator, function);
    for (listing, (token, _)) in LISTINGS.iter().zip(&reserves) {
        if listing.threshold > 0 {
            let limits = [listing.ltv, listing.threshold, listing.bonus];
            let collateral =
                call("configureReserveAsCollateral(address,uint256,uint256,uint256)").address(*token);
            calls.push(limits.into_iter().fold(collateral, Call::number));
            calls
                .push(call("setLiquidationProtocolFee(address,uint256)").address(*token).number(listing.fee));
        }
        calls.push(call("setReserveBorrowing(address,bool)").address(*token).number(1u64));
        calls.push(call("setReserveFactor(address,uint256)").address(*token).number(listing.factor));
    }
    let token = |place: usize| reserves[place].0;
    // LINK stands alone: up to 5,000,000.00 of debt, in DAI and USDC.
    calls.push(call("setDebtCeiling(address,uint256)").address(token(6)).number(500_000_000u64));
    for stable in [3, 5] {
        calls.push(call("setBorrowableInIsolation(address,bool)").address(token(stable)).number(1u64));
    }
    let mode = |id: u64, limits: [u64; 3], source: Address, label: &str| {
        let mut values: Vec<Value> = vec![id.into()];
        values.extend(limits.map(Value::from));
        values.extend([source.into(), label.into()]);
        call("setEModeCategory(uint8,uint16,uint16,uint16,address,string)").values(&values)
    };
    calls.push(mode(1, [9000, 9300, 10100], Address::ZERO, "ETH correlated"));
    calls.push(mode(2, [9700, 9750, 10100], mode_source, "Stablecoins"));
    for (asset, id) in [(0, 1), (1, 1), (3, 2), (4, 2), (5, 2)] {
        calls.push(call("setAssetEModeCategory(address,uint8)").address(token(asset)).number(id as u64));
    }
    node.admin(&calls);
    Aave { pool, provider, configurator, oracle, reserves, mode_feed }
}
