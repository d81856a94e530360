//! `plimsoll policy test`: what a policy of keeping accounts safe did on price history, beside nothing and a static buffer.

#![allow(clippy::float_arithmetic)] // what history shows of a policy is an estimate; nothing is decided by it

use crate::args::PolicyTestArgs;
use crate::ask::{print_foot, refuse};
use crate::check::provenance_json;
use crate::show::{self, errln, outln};
use crate::whatif::table;
use crate::{exit, history};
use plimsoll::{PolicyKind, PolicyRule, PolicySetting, PolicySource, PolicyTest, Said, Tried, policy_test};
use plimsoll_core::Time;
use plimsoll_io::book::File;
use plimsoll_io::policy::{Policy, Source, read};
use serde_json::{Value, json};
use std::io::IsTerminal;

pub(crate) fn test(args: &PolicyTestArgs) -> u8 {
    match run(args) {
        Ok(code) | Err(code) => code,
    }
}

fn run(args: &PolicyTestArgs) -> Result<u8, u8> {
    let (book, _) = crate::check::open(&args.book, false)?;
    history::known(&book, &args.hold, &args.map)?;
    let opened = read(File::open(&args.policy), &book);
    if !opened.faults.is_empty() {
        show::tell(format_args!("{}", opened.faults.render(std::io::stderr().is_terminal())));
    }
    let policy = opened.policy.ok_or_else(|| {
        errln!("plimsoll: nothing was tried: the policy is faulty");
        exit::FAULTY
    })?;
    let history = history::open(&args.history)?;
    let setting = PolicySetting {
        said: Said { hold: args.hold.clone(), map: args.map.clone() },
        restart: args.restart,
        since: time(args.since.as_deref(), "--since")?,
        until: time(args.until.as_deref(), "--until")?,
        frontier: args.frontier,
    };
    let rule = rule(policy);
    let answer = policy_test(&book, &history, &rule, &setting).map_err(|why| refuse(&why))?;
    if args.json {
        outln!("{:#}", as_json(&rule, &answer, args));
    } else {
        print(&rule, &answer, args);
    }
    Ok(if answer.followed == 0 { exit::UNKNOWN } else { exit::CALM })
}

fn time(said: Option<&str>, name: &str) -> Result<Option<i64>, u8> {
    let Some(text) = said else { return Ok(None) };
    let found = plimsoll_io::time::parse(text).and_then(|time| i64::try_from(time.0).ok());
    found.map(Some).ok_or_else(|| {
        errln!("plimsoll: {name} {text}: found no time, expected unix seconds or like 2020-03-12T00:00:00Z");
        exit::USAGE
    })
}

fn rule(policy: Policy) -> PolicyRule {
    let source = |source: Source| match source {
        Source::Wallet(amount) => PolicySource::Wallet(amount),
        Source::Collateral(loses) => PolicySource::Collateral(loses),
    };
    PolicyRule {
        name: policy.name,
        trigger_below: policy.trigger_below,
        restore_to: policy.restore_to,
        trigger_above: policy.trigger_above,
        target: policy.target,
        prices: policy.prices,
        sources: policy.sources.into_iter().map(source).collect(),
        delay: policy.delay,
        cool_down: policy.cool_down,
        gas: policy.gas,
        gas_series: policy.gas_series,
        gas_cap: policy.gas_cap,
        size_cap: policy.size_cap,
        leave_below: policy.leave_below,
        carry: policy.carry,
        penalty: policy.penalty,
        close: policy.close,
    }
}

fn stamp(time: i64) -> String {
    show::time(Time(u64::try_from(time).unwrap_or(0)))
}

fn name(tried: &Tried) -> String {
    match (tried.kind, tried.levels) {
        (PolicyKind::Nothing, _) => "nothing".into(),
        (PolicyKind::Buffer, Some([_, to])) => format!("buffer to {to:.3}"),
        (PolicyKind::Policy, Some([below, to])) => format!("policy {below:.3} -> {to:.3}"),
        (_, Some([below, to])) => format!("other {below:.3} -> {to:.3}"),
        (_, None) => String::new(),
    }
}

fn money(value: f64) -> String {
    show::grouped(&format!("{value:.2}"))
}

fn print(rule: &PolicyRule, answer: &PolicyTest, args: &PolicyTestArgs) {
    let ([first, last], count, step) = answer.bars;
    outln!("policy   {}: below {} to {}", rule.name, rule.trigger_below, rule.restore_to);
    outln!(
        "history  {} · {count} bars of {} from {} to {}{}",
        answer.series.join(", "),
        show::age(step),
        stamp(first),
        stamp(last),
        match answer.missing {
            0 => String::new(),
            missing => format!(", {missing} without a bar of each series: nobody looked then"),
        }
    );
    let again = if args.restart == 0 { "once".into() } else { format!("every {}", show::age(args.restart)) };
    outln!("accounts {} followed, begun {again} ({} times)\n", answer.followed, answer.runs);
    let header = [
        "",
        "",
        "runs",
        "struck",
        "liquidations",
        "too late",
        "acted",
        "raised",
        "not: dear",
        "repaid",
        "cost",
        "of it gas",
        "sales lost",
        "carry",
        "penalties",
        "",
    ];
    let mut rows = table(&header, 2..15);
    for tried in &answer.tried {
        for (currency, sums) in &tried.sums {
            let late = if matches!(tried.kind, PolicyKind::Nothing | PolicyKind::Buffer) {
                "-".into()
            } else {
                sums.late.to_string()
            };
            rows.add_row([
                name(tried),
                currency.clone(),
                sums.runs.to_string(),
                sums.struck.to_string(),
                sums.liquidations.to_string(),
                late,
                sums.acted.to_string(),
                sums.raised.to_string(),
                sums.dear.to_string(),
                money(sums.repaid),
                money(sums.cost()),
                money(sums.gas),
                money(sums.impact),
                money(sums.carry),
                money(sums.penalty),
                if tried.efficient { "efficient".into() } else { String::new() },
            ]);
        }
    }
    outln!("{}\n", rows.trim_fmt());
    for (why, accounts) in &answer.left_out {
        outln!("not followed: {accounts} accounts: {why}");
    }
    outln!(
        "estimates: history is taken as it was, and no action moves a price; docs/policy.md says what is assumed"
    );
    outln!("history  sha256 {}", answer.history);
    print_foot(&answer.identity);
}

fn as_json(rule: &PolicyRule, answer: &PolicyTest, args: &PolicyTestArgs) -> Value {
    let ([first, last], count, step) = answer.bars;
    let number = |value: f64| if value.is_finite() { json!(value) } else { Value::Null };
    let tried = answer.tried.iter().map(|tried| {
        let sums = tried.sums.iter().map(|(currency, sums)| {
            json!({
                "currency": currency,
                "runs": sums.runs,
                "account_years": number(sums.years),
                "struck": sums.struck,
                "liquidations": sums.liquidations,
                "too_late": sums.late,
                "acted": sums.acted,
                "raised": sums.raised,
                "too_dear": sums.dear,
                "left_alone": sums.left,
                "repaid": number(sums.repaid),
                "cost": number(sums.cost()),
                "gas": number(sums.gas),
                "sales_lost": number(sums.impact),
                "carry": number(sums.carry),
                "penalties": number(sums.penalty),
            })
        });
        json!({
            "what": match tried.kind {
                PolicyKind::Nothing => "nothing",
                PolicyKind::Buffer => "buffer",
                PolicyKind::Policy => "policy",
                PolicyKind::Other => "other",
            },
            "trigger_below": tried.levels.map(|levels| levels[0]),
            "restore_to": tried.levels.map(|levels| levels[1]),
            "efficient": tried.efficient,
            "sums": sums.collect::<Vec<_>>(),
        })
    });
    let mut provenance = provenance_json(&answer.identity);
    provenance["kind"] = "estimate".into();
    json!({
        "format": 1,
        "provenance": provenance,
        "history": {
            "sha256": answer.history,
            "series": answer.series,
            "first": first,
            "last": last,
            "bars": count,
            "step": step,
            "missing": answer.missing,
        },
        "policy": rule.name,
        "restart": args.restart,
        "runs": answer.runs,
        "followed": answer.followed,
        "not_followed": answer.left_out,
        "tried": tried.collect::<Vec<_>>(),
    })
}
