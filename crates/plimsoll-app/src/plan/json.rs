//! A plan for programs, and read again.

use super::{does, instrument};
use crate::ask::refusal_json;
use crate::check::{judgement_json, provenance_json};
use crate::explain::full_name;
use plimsoll::{Binding, Doing, Hindrance, Plan, PlanAsk, PlanStep, Planned, Ratio, Short};
use plimsoll_core::{Amount, Book, Kind, U256};
use serde_json::{Value, json};

pub(super) fn answer(book: &Book, ask: &PlanAsk<'_>, answer: &Planned) -> Value {
    let before = answer.before.iter().map(|(account, judgement)| {
        json!({"account": full_name(book, *account), "judgement": judgement_json(judgement)})
    });
    json!({
        "format": 1,
        "provenance": provenance_json(&answer.identity),
        "target": answer.target.to_string(),
        "currency": answer.currency,
        "wallet": ask.wallet.iter().map(|(asset, amount)| json!({"asset": asset, "amount": amount.to_string()})).collect::<Vec<_>>(),
        "depth": ask.depth.map(|depth| &depth.name),
        "before": before.collect::<Vec<_>>(),
        "plan": answer.outcome.as_ref().ok().map(|found| plan(book, found)),
        "short": answer.outcome.as_ref().err().map(|why| short(book, why)),
    })
}

fn plan(book: &Book, found: &Plan) -> Value {
    let after = found
        .after
        .iter()
        .map(|(account, health)| json!({"account": full_name(book, *account), "health": ratio(*health)}));
    let wallet = found.wallet.iter().map(|(asset, digits, [had, has])| {
        json!({"asset": asset, "decimals": digits, "before": had.to_string(), "after": has.to_string()})
    });
    json!({
        "kind": if found.proven { "exact" } else { "bound" },
        "cost": found.cost.to_string(),
        "lost": found.lost.to_string(),
        "gas": found.gas.to_string(),
        "drawn": found.drawn.to_string(),
        "decimals": 18,
        "tried": found.tried,
        "steps": found.steps.iter().map(|step| one(book, step)).collect::<Vec<_>>(),
        "wallet": wallet.collect::<Vec<_>>(),
        "after": after.collect::<Vec<_>>(),
    })
}

fn ratio(health: Option<Ratio>) -> Value {
    health.map_or(Value::Null, |health| health.digits(0, 18).into())
}

fn side(side: &[(String, u8, U256)]) -> Value {
    let one = |(asset, decimals, raw): &(String, u8, U256)| json!({"asset": asset, "decimals": decimals, "amount": raw.to_string()});
    side.iter().map(one).collect()
}

/// A step with what must hold before it and what holds after it.
fn one(book: &Book, step: &PlanStep) -> Value {
    let called = |id| step.account.map(|account| instrument(book, account, id));
    let amount = |amount: &Amount| match amount {
        Amount::Assets(raw) | Amount::Shares(raw) => json!(raw.to_string()),
        Amount::All => json!("all"),
    };
    let mut said = json!({
        "account": step.account.map(|account| full_name(book, account)),
        "do": step.doing.word(),
        "words": does(book, step),
        "pays": side(&step.paid),
        "receives": side(&step.received),
        "before": {"health": ratio(step.before)},
        "after": {"health": ratio(step.after)},
        "lost": step.lost.to_string(),
        "gas": step.gas.to_string(),
    });
    match &step.doing {
        Doing::Deposit { into: id, amount: raw }
        | Doing::Withdraw { from: id, amount: raw }
        | Doing::Borrow { debt: id, amount: raw }
        | Doing::Repay { debt: id, amount: raw } => {
            said["instrument"] = json!(called(*id));
            said["amount"] = amount(raw);
        }
        Doing::Fill { instrument: id, quantity, price } => {
            said["instrument"] = json!(called(*id));
            said["amount"] = json!(quantity.to_string());
            said["price"] = json!(price.to_string());
        }
        Doing::Swap { from, to, amount, at_least } => {
            said["instrument"] = json!(from);
            said["for"] = json!(to);
            said["amount"] = json!(amount.to_string());
            said["at_least"] = json!(at_least.to_string());
        }
    }
    said
}

fn short(book: &Book, why: &Short) -> Value {
    let binds = why.binds.iter().map(|bound| {
        let (asset, decimals, most) = &bound.most;
        json!({
            "way": bound.way,
            "most": {"asset": asset, "decimals": decimals, "amount": most.to_string()},
            "binds": word(bound.by),
            "words": super::binds(book, bound.by),
        })
    });
    let enough = why.enough.iter().map(|(top, found)| {
        let (asset, decimals) = &top.asset;
        let amount = found.as_ref().ok().map(|enough| enough.amount.to_string());
        let refusal = match found {
            Err(Hindrance::Refused { refusal, .. }) => Some(refusal_json(refusal)),
            _ => None,
        };
        json!({
            "do": if top.repays { "repay" } else { "deposit" },
            "asset": asset,
            "decimals": decimals,
            "amount": amount,
            "all": found.as_ref().ok().map(|enough| enough.all),
            "refusal": refusal,
        })
    });
    json!({
        "account": full_name(book, why.account),
        "code": "PL0690",
        "reaches": ratio(why.reaches),
        "unknown": why.unknown.as_ref().map(refusal_json),
        "binds": binds.collect::<Vec<_>>(),
        "enough": enough.collect::<Vec<_>>(),
    })
}

fn word(by: Binding) -> &'static str {
    match by {
        Binding::Wallet => "wallet",
        Binding::Held => "held",
        Binding::Owed => "owed",
        Binding::Depth => "depth",
        Binding::Line(_) => "line",
        Binding::Gives(_) => "target of who gives",
        Binding::NoBetter => "no better",
        Binding::Refused(_) => "venue",
    }
}

/// The plan that a file of this program's says; in words why it does not.
pub(super) fn read(text: &str, book: &Book) -> Result<Plan, String> {
    let whole: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if whole["format"] != json!(1) {
        return Err(format!("field `format`: found {}, expected 1", whole["format"]));
    }
    let steps = whole["plan"]["steps"].as_array().ok_or("field `plan.steps`: found no list of steps")?;
    let steps = steps
        .iter()
        .enumerate()
        .map(|(at, said)| step(said, book).map_err(|why| format!("field `plan.steps[{at}]`: {why}")));
    let zero = U256::ZERO;
    Ok(Plan {
        steps: steps.collect::<Result<_, _>>()?,
        lost: zero,
        gas: zero,
        drawn: plimsoll_core::Int::ZERO,
        cost: zero,
        wallet: Vec::new(),
        after: Vec::new(),
        proven: false,
        tried: 0,
    })
}

fn step(said: &Value, book: &Book) -> Result<PlanStep, String> {
    let text = |name: &str| {
        let found = said[name].as_str();
        found.map(String::from).ok_or_else(|| format!("`{name}`: found {}, expected a text", said[name]))
    };
    let whole = |name: &str| {
        let found = text(name)?;
        let number: Result<plimsoll_core::Int, ()> = found.parse();
        number.map_err(|()| format!("`{name}`: found {found}, expected a whole number"))
    };
    let raw = |name: &str| {
        let number = whole(name)?;
        number.to_u256().ok_or_else(|| format!("`{name}`: found {number}, expected an amount from zero up"))
    };
    let account = match &said["account"] {
        Value::Null => None,
        _ => Some(plimsoll::account(book, &text("account")?).map_err(|why| why.to_string())?),
    };
    let id = |kinds: &[Kind]| {
        let name = text("instrument")?;
        let account = account.ok_or("`account`: found none, expected one")?;
        let instruments = book.markets[book.accounts[account].market].market.instruments();
        let ids = (0..).map(plimsoll_core::InstrumentId).zip(instruments);
        let mut fits = ids.filter(|(_, spec)| kinds.contains(&spec.kind)).map(|(id, _)| id);
        let found = fits.find(|id| instrument(book, account, *id) == name);
        found.ok_or_else(|| format!("`instrument`: found `{name}`, which the market does not list"))
    };
    let amount = || match text("amount")?.as_str() {
        "all" => Ok(Amount::All),
        _ => raw("amount").map(Amount::Assets),
    };
    let doing = match text("do")?.as_str() {
        "deposit" => Doing::Deposit { into: id(&[Kind::Receipt])?, amount: amount()? },
        "withdraw" => Doing::Withdraw { from: id(&[Kind::Receipt])?, amount: amount()? },
        "borrow" => Doing::Borrow { debt: id(&[Kind::Debt])?, amount: amount()? },
        "repay" => Doing::Repay { debt: id(&[Kind::Debt])?, amount: amount()? },
        "fill" => Doing::Fill {
            instrument: id(&[Kind::Derivative])?,
            quantity: whole("amount")?,
            price: whole("price")?,
        },
        "swap" => Doing::Swap {
            from: text("instrument")?,
            to: text("for")?,
            amount: raw("amount")?,
            at_least: raw("at_least")?,
        },
        other => {
            return Err(format!(
                "`do`: found `{other}`, expected deposit, withdraw, borrow, repay, fill or swap"
            ));
        }
    };
    let stakes = |name: &str| -> Vec<(String, u8, U256)> {
        let all = said[name].as_array().into_iter().flatten();
        let one = |one: &Value| {
            let amount: plimsoll_core::Int = one["amount"].as_str()?.parse().ok()?;
            let decimals = u8::try_from(one["decimals"].as_u64()?).ok()?;
            Some((one["asset"].as_str()?.to_string(), decimals, amount.to_u256()?))
        };
        all.filter_map(one).collect()
    };
    let (paid, received) = (stakes("pays"), stakes("receives"));
    let zero = U256::ZERO;
    Ok(PlanStep { account, doing, paid, received, before: None, after: None, lost: zero, gas: zero })
}
