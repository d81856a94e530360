//! What scenarios ask of an account, in a note, a table and JSON.

use crate::show;
use crate::whatif::table;
use plimsoll_core::{Int, Outcome, Sheet};
use serde_json::{Value, json};

fn money(sheet: &Sheet, value: Int) -> String {
    show::amount(value, sheet.unit.decimals, 2)
}

/// Asked and lost amounts look no smaller than they are.
fn asked(sheet: &Sheet, value: Int) -> String {
    show::missing(value, sheet.unit.decimals, 2)
}

/// The scenario of the greatest loss of all underlyings.
fn binding(sheet: &Sheet) -> Option<(&str, &Outcome)> {
    let worst = sheet.groups.iter().filter_map(|group| Some((&*group.name, &group.outcomes[group.binding?])));
    worst.min_by_key(|(_, outcome)| outcome.value)
}

/// What is asked and why, on one line; `None` where nothing is.
pub(crate) fn note(sheet: &Sheet) -> Option<String> {
    if sheet.groups.is_empty() {
        return None;
    }
    let [initial, maintenance] = [sheet.initial, sheet.maintenance].map(|value| asked(sheet, value));
    let binds = binding(sheet)
        .map_or_else(String::new, |(underlying, outcome)| format!(", by {underlying} {}", outcome.name));
    let lost = match sheet.worst_days() {
        Some(lost) => format!("the worst days on record lose {}", asked(sheet, lost)),
        None => "the model has no worst day of all that it holds".into(),
    };
    Some(format!("asked {initial} initially and {maintenance} to be kept{binds}; {lost}"))
}

/// Every scenario of every underlying.
pub(crate) fn lines(sheet: &Sheet) -> Vec<String> {
    let mut lines = Vec::new();
    for group in &sheet.groups {
        let mut rows = table(&["scenario", "outcome", ""], 1..2);
        for (place, outcome) in group.outcomes.iter().enumerate() {
            let binds = if group.binding == Some(place) { "binds" } else { "" };
            rows.add_row([outcome.name.clone(), money(sheet, outcome.value), binds.into()]);
        }
        for (what, value) in group.charges.iter().filter(|(_, value)| !value.is_zero()) {
            rows.add_row([(*what).to_string(), money(sheet, value.neg()), "asked beside it".into()]);
        }
        if let Some(day) = &group.worst_day {
            rows.add_row([day.name.clone(), money(sheet, day.value), "on record".into()]);
        }
        lines.push(format!("{}\n{}", group.name, rows.trim_fmt()));
    }
    let [initial, maintenance] = [sheet.initial, sheet.maintenance].map(|value| asked(sheet, value));
    lines.push(format!(
        "initial margin {initial}, maintenance margin {maintenance}, equity {}",
        money(sheet, sheet.equity)
    ));
    lines
}

/// All of it for programs.
pub(crate) fn json(sheet: &Sheet) -> Value {
    let outcome = |outcome: &Outcome| json!({"name": outcome.name, "outcome": outcome.value.to_string()});
    let groups = sheet.groups.iter().map(|group| {
        json!({
            "underlying": group.name,
            "outcomes": group.outcomes.iter().map(outcome).collect::<Vec<_>>(),
            "binding": group.binding.map(|place| group.outcomes[place].name.clone()),
            "charges": group.charges.iter().map(|(what, value)| json!({"what": what, "amount": value.to_string()})).collect::<Vec<_>>(),
            "worst_day": group.worst_day.as_ref().map(outcome),
        })
    });
    json!({
        "decimals": sheet.unit.decimals,
        "equity": sheet.equity.to_string(),
        "initial": sheet.initial.to_string(),
        "maintenance": sheet.maintenance.to_string(),
        "loss_on_worst_days": sheet.worst_days().map(|lost| lost.to_string()),
        "underlyings": groups.collect::<Vec<_>>(),
    })
}
