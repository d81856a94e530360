//! What an action, a holding or a number of a market is called.

use plimsoll_core::{
    Account, Action, Amount, Cell, Decimal, InstrumentId, Int, ListedMarket, Lot, Mechanism,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What an instrument is called, and its decimals.
fn instrument(listed: &ListedMarket, id: InstrumentId) -> (String, u8) {
    listed
        .market
        .instruments()
        .get(id.index())
        .map_or_else(|| (format!("instrument {}", id.0), 0), |one| (one.name.clone(), one.decimals))
}

fn exact(listed: &ListedMarket, id: InstrumentId, raw: Int) -> String {
    Decimal { mantissa: raw, decimals: instrument(listed, id).1 }.trimmed().to_string()
}

fn amount(listed: &ListedMarket, id: InstrumentId, amount: &Amount) -> Value {
    let (raw, stored) = match amount {
        Amount::All => return json!("all"),
        Amount::Assets(raw) => (*raw, false),
        Amount::Shares(raw) => (*raw, true),
    };
    // Shares are the venue's own integers: no decimals make tokens of them.
    if stored { json!({"shares": raw.to_string()}) } else { json!(exact(listed, id, Int::from(raw))) }
}

/// An action by its name, with what it is about.
pub(super) fn action(listed: &ListedMarket, action: &Action) -> Value {
    let named = |id: InstrumentId| instrument(listed, id).0;
    let of = |what: &str, id: InstrumentId, how: &Amount| json!({"what": what, "instrument": named(id), "amount": amount(listed, id, how)});
    match action {
        Action::Deposit { into, amount } => of("deposit", *into, amount),
        Action::Withdraw { from, amount } => of("withdraw", *from, amount),
        Action::Borrow { debt, amount } => of("borrow", *debt, amount),
        Action::Repay { debt, amount } => of("repay", *debt, amount),
        Action::Fill { instrument, quantity, price } => json!({
            "what": "fill",
            "instrument": named(*instrument),
            "amount": exact(listed, *instrument, *quantity),
            "price": priced(listed, *instrument, *price),
        }),
        Action::UseAsCollateral { instrument, on } => {
            json!({"what": "use", "instrument": named(*instrument), "on": on})
        }
        Action::SetTerm { term, value } => {
            let name =
                listed.market.terms().iter().find(|spec| spec.id == *term).map(|spec| spec.name.to_string());
            json!({"what": "mode", "term": name, "value": value.to_string()})
        }
        Action::Liquidate(Mechanism::Reduce { instrument, size }) => json!({
            "what": "reduce",
            "instrument": named(*instrument),
            "amount": exact(listed, *instrument, Int::from(*size)),
        }),
        Action::Liquidate(Mechanism::Discount { repay, seize, lot, .. }) => {
            let mut action = json!({"what": "repay", "instrument": named(*repay), "seize": named(*seize)});
            match lot {
                Lot::Repay(how) => action["amount"] = amount(listed, *repay, how),
                Lot::Seize(raw) => action["seized"] = json!(exact(listed, *seize, Int::from(*raw))),
            }
            action
        }
        Action::Liquidate(Mechanism::Absorb { .. }) => json!({"what": "absorb"}),
        Action::Liquidate(Mechanism::Unwind) => json!({"what": "unwind"}),
        Action::Liquidate(Mechanism::Bark) => json!({"what": "bark"}),
        Action::Liquidate(Mechanism::Batch { .. }) => json!({"what": "offset"}),
        // What no line can order stands in the log's own words.
        other => json!({"what": "other", "action": serde_json::to_value(other).unwrap_or_default()}),
    }
}

/// A price that a market reads, in the digits of its slot.
fn priced(listed: &ListedMarket, id: InstrumentId, price: Int) -> String {
    let asset = listed.market.instruments().get(id.index()).map(|one| &one.asset);
    let slot = listed.market.slots().iter().find(|slot| Some(&slot.asset) == asset);
    let digits = listed.market.traded(id).map(|traded| traded.digits).or(slot.map(|slot| slot.decimals));
    Decimal { mantissa: price, decimals: digits.unwrap_or(0) }.trimmed().to_string()
}

/// What an order names as sold.
pub(super) fn sold(action: &Action) -> Option<InstrumentId> {
    match action {
        Action::Liquidate(Mechanism::Reduce { instrument, .. }) => Some(*instrument),
        Action::Liquidate(Mechanism::Discount { seize, .. }) => Some(*seize),
        _ => None,
    }
}

/// The same in a few words.
pub(super) fn action_words(listed: &ListedMarket, of: &Action) -> String {
    let said = action(listed, of);
    let word = |name: &str| said[name].as_str().map(String::from);
    let mut words = vec![word("what").unwrap_or_default()];
    words.extend(word("amount"));
    words.extend(word("instrument"));
    words.extend(word("seize").map(|seize| format!("for {seize}")));
    words.join(" ")
}

/// What an account holds, by instrument; terms beside.
pub(super) fn holds(listed: &ListedMarket, account: &Account) -> Value {
    let mut held = Map::new();
    for holding in account.holdings() {
        let (name, _) = instrument(listed, holding.instrument);
        held.insert(name, json!(exact(listed, holding.instrument, holding.quantity)));
    }
    let mut terms = Map::new();
    for (term, value) in account.terms() {
        let spec = listed.market.terms().iter().find(|spec| spec.id == *term);
        let name = spec.map_or_else(|| format!("term {}", term.0), |spec| spec.name.to_string());
        terms.insert(name, json!(value.to_string()));
    }
    json!({"holds": held, "terms": terms})
}

/// Numbers of a market by their names.
pub(super) fn cells(listed: &ListedMarket, cells: &[(Cell, Option<Int>)]) -> Value {
    let mut known: BTreeMap<Cell, &'static str> = BTreeMap::new();
    listed.market.visit(&mut |cell, name, _, _| {
        known.insert(cell, name);
    });
    let names = listed.market.names();
    let named = |cell: &Cell| {
        let object = names.iter().find(|(object, _, name)| *object == cell.object && !name.is_empty());
        let object = object.map_or_else(|| cell.object.to_string(), |(_, _, name)| name.clone());
        let field = known.get(cell).map_or_else(|| cell.field.to_string(), |name| (*name).to_string());
        format!("{}/{object}/{field}", listed.name)
    };
    let row = |(cell, value): &(Cell, Option<Int>)| json!({"number": named(cell), "value": value.map(|value| value.to_string())});
    cells.iter().map(row).collect()
}
