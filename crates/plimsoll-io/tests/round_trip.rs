//! What is written is read back the same: amounts, and whole books.

mod common;

use common::{all_of, cover, file, files, sound};
use plimsoll_core::{Account, AccountId, Book, Decimal, Int, ListedAccount, Origin, Time, U256};
use plimsoll_io::book;
use plimsoll_venues::{aave_v3, morpho_blue};
use proptest::prelude::*;
use std::path::Path;

fn example() -> Book {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/treasury");
    sound(book::open(&folder))
}

fn magnitude() -> impl Strategy<Value = U256> {
    prop_oneof![
        any::<u64>().prop_map(U256::from),
        any::<u128>().prop_map(U256::from),
        (any::<[u8; 31]>(), 1_usize..32).prop_map(|(random, length)| {
            let mut bytes = [0; 32];
            bytes[..length.min(31)].copy_from_slice(&random[..length.min(31)]);
            U256::from_le_bytes(bytes)
        }),
    ]
}

/// Names of all kinds that the format allows, commas and quotation marks included.
fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_\"'ößé🦀][ -~ößé🦀]{0,20}[A-Za-z0-9\",;=]"
}

/// An account of the example's Aave pool: any holdings, flags that go with them, perhaps an e-mode.
fn aave_account() -> impl Strategy<Value = Account> {
    let reserve = (any::<Option<u128>>(), any::<bool>(), any::<Option<u128>>());
    (proptest::array::uniform3(reserve), any::<bool>()).prop_map(|(reserves, mode)| {
        let mut account = Account::new(AccountId(0));
        let mut config = U256::ZERO;
        for (i, (supplied, counts, owed)) in reserves.into_iter().enumerate() {
            account.set(aave_v3::receipt(i), U256::from(supplied.unwrap_or(0)).into());
            account.set(aave_v3::debt(i), U256::from(owed.unwrap_or(0)).into());
            config = config.with_bit(2 * i, owed.is_some()).with_bit(2 * i + 1, counts);
        }
        account.set_term(aave_v3::USER_CONFIG, config.into());
        account.set_term(aave_v3::E_MODE, Int::from(u64::from(mode)));
        account
    })
}

fn morpho_account() -> impl Strategy<Value = Account> {
    any::<[u128; 3]>().prop_map(|[supply, collateral, borrow]| {
        Account::new(AccountId(0))
            // So that the sums of four accounts fit the market's own totals.
            .with(morpho_blue::SUPPLY, U256::from(supply >> 2).into())
            .with(morpho_blue::COLLATERAL, U256::from(collateral).into())
            .with(morpho_blue::BORROW, U256::from(borrow >> 2).into())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_amount_is_printed_and_read_back(magnitude in magnitude(), negative: bool, decimals in 0_u8..60) {
        let number = Decimal { mantissa: Int::from_parts(negative, magnitude), decimals };
        let text = number.to_string();
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        // 2^248 has 75 digits; the format allows 77.
        prop_assume!(digits <= 77);
        prop_assert_eq!(text.parse::<Decimal>(), Ok(number));
    }

    #[test]
    fn every_book_comes_back_from_both_its_forms(
        title in name(),
        aave in proptest::collection::vec((name(), proptest::option::of(name()), aave_account()), 0..6),
        morpho in proptest::collection::vec((name(), morpho_account()), 0..4),
        prices in proptest::collection::vec((magnitude(), 0_u8..60, any::<Option<u32>>()), 4),
        recipient: bool,
    ) {
        let mut made = example();
        made.name = title;
        let mut graph = plimsoll_core::Graph::default();
        let mut prices = prices.into_iter();
        for price in made.graph.prices() {
            let mut price = price.clone();
            if let Origin::Feed(observation) = &mut price.origin {
                let (mantissa, decimals, at) = prices.next().expect("four feeds");
                // Not finer than the pool reads; feeds that nothing is wired to may be.
                let wired = price.name.ends_with("/USD");
                let decimals = if wired { decimals.min(8) } else { decimals };
                let price = Decimal { mantissa: mantissa.into(), decimals };
                observation.price = Some(price).filter(|p| p.to_string().len() < 77);
                observation.observed_at = at.map(|at| Time(at.into()));
            }
            graph.add(price).expect("the example's prices");
        }
        made.graph = graph;
        let aave = aave.into_iter().map(|(name, owner, account)| {
            ListedAccount { owner: owner.unwrap_or_else(|| name.clone()), name, market: 0, account }
        });
        let morpho = morpho.into_iter().map(|(name, account)| {
            ListedAccount { owner: name.clone(), name, market: 1, account }
        });
        let mut taken = std::collections::HashSet::new();
        made.accounts = aave.chain(morpho).filter(|one| taken.insert((one.market, one.name.clone()))).collect();
        for (id, listed) in (0..).zip(&mut made.accounts) {
            listed.account.id = AccountId(id);
        }
        let last = made.accounts.iter().rfind(|listed| listed.market == 1);
        if let Some(listed) = last.filter(|_| recipient) {
            let id = Int::from(listed.account.id.0);
            let mut cells = Vec::new();
            made.markets[1].market.visit(&mut |cell, name, _, _| cells.push((cell, name)));
            let (cell, _) = *cells.iter().find(|(_, name)| *name == "fee_recipient").expect("the cell");
            made.markets[1].market.set(cell, Some(id)).expect("an account's number");
        }
        cover(&mut made);
        let written = book::write(&made).expect("it can be written");
        prop_assert_eq!(all_of(&sound(book::read(files(&written)))), all_of(&made));
        let json = book::write_json(&made).expect("it can be written");
        prop_assert_eq!(all_of(&sound(book::read(vec![file("book.json", json)]))), all_of(&made));
    }
}
