//! Who falls, as tables of the page.

use crate::check::counted;
use crate::report::{Page, Table};
use crate::show;
use crate::stress::Changed;
use plimsoll::{Below, Jump, Ratio};
use plimsoll_core::{Book, Int};

pub(super) fn below(page: &mut Page, book: &Book, jump: &Jump, top: usize) {
    let fallen: Vec<&Below> = jump.fallen().collect();
    accounts(page, book, jump, ("Newly liquidatable", &fallen), |below| below.before, top);
}

/// Who is liquidatable under other parameters alone, and without them alone.
pub(super) fn with_set(page: &mut Page, book: &Book, jumps: &[Jump], changed: Changed<'_>, top: usize) {
    page.section("With --set", "Every scenario done to the book with these numbers in place of its own.");
    page.list(&changed.set.iter().map(ToString::to_string).collect::<Vec<_>>());
    for (jump, under) in jumps.iter().zip(&changed.seen.jumps) {
        let name = jump.scenario.called();
        let newly: Vec<&Below> = under.not_in(jump).collect();
        let caption = format!("{name}: newly liquidatable with --set");
        accounts(page, book, under, (&caption, &newly), |below| jump.health_of(below.account), top);
        let saved: Vec<&Below> = jump.not_in(under).collect();
        let caption = format!("{name}: liquidatable without --set alone");
        if !saved.is_empty() {
            accounts(page, book, jump, (&caption, &saved), |below| below.before, top);
        }
    }
}

/// Accounts, worst first, with what their health was and is.
fn accounts(
    page: &mut Page,
    book: &Book,
    jump: &Jump,
    (caption, fallen): (&str, &[&Below]),
    before: impl Fn(&Below) -> Option<Ratio>,
    top: usize,
) {
    let all = counted(fallen.len() as u64, "account");
    let shown = fallen.len().min(top);
    let caption = if shown < fallen.len() {
        format!("{caption}: {all}, worst first, {shown} of them shown")
    } else {
        format!("{caption}: {all}, worst first")
    };
    let mut table = Table::new(
        &caption,
        &["account", "owner", "market", ">health before", ">after", ">collateral", ">debt"],
    );
    for below in fallen.iter().take(top) {
        let listed = &book.accounts[below.account];
        let decimals = jump.markets[listed.market].risk.decimals;
        let money = |value: Option<Int>| value.map_or_else(|| "-".into(), |v| show::amount(v, decimals, 2));
        let health = |health: Option<Ratio>| health.map_or_else(|| "-".into(), |h| h.to_string());
        table.row([
            listed.name.clone(),
            listed.owner.clone(),
            book.markets[listed.market].name.clone(),
            health(before(below)),
            health(below.after),
            money(below.collateral),
            money(below.debt),
        ]);
    }
    page.table(&table);
}
