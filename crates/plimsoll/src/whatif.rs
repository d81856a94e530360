//! What would be: changes in the order given, and every number of [`check`](crate::check) before and after.

use crate::ask::Misasked;
use crate::change::{Change, Did, Stop};
use crate::check::{self, Check, Ladder, Row, Tier, check};
use crate::identity::{Identity, identity};
use crate::world::World;
use plimsoll_core::{Book, Reading, Refusal};

/// The answer about one account.
pub struct WhatIf {
    /// The book as it stands.
    pub before: Standpoint<Row>,
    /// The book as it would be, after the steps that were done.
    pub after: Standpoint<Row>,
    /// The steps that were done, each with what `check` says of the account then.
    pub done: Vec<(Did, Row)>,
    /// Why the step after those was not; the rest was not tried.
    pub refused: Option<Refusal>,
    /// The book as it would be, at the time that it would be.
    pub book: Book,
}

/// The answer about a whole book.
pub struct WhatIfAll {
    /// The book as it stands.
    pub before: Standpoint<Check>,
    /// The book as it would be, after the steps that were done.
    pub after: Standpoint<Check>,
    /// The steps that were done.
    pub done: Vec<Did>,
    /// Why the step after those was not; the rest was not tried.
    pub refused: Option<Refusal>,
    /// Accounts whose tier changes, as (row before, row after), worst after first.
    pub moved: Vec<(Row, Row)>,
    /// The book as it would be, at the time that it would be.
    pub book: Book,
}

/// What is seen of a book, and of which.
#[derive(Clone, Debug)]
pub struct Standpoint<Seen> {
    /// Which book, when.
    pub identity: Identity,
    /// What is seen.
    pub seen: Seen,
}

/// Does changes to one account of a book, from the book's own time on.
///
/// Every action goes through the venue's own rules. The answer is what [`check`](crate::check) says of a book that
/// has been changed so.
///
/// # Errors
/// When a change cannot be meant, or the account's market cannot be asked. A change that the venue refuses is no
/// error: it stands in the answer.
pub fn whatif(book: &Book, account: usize, changes: &[Change], ladder: &Ladder) -> Result<WhatIf, Misasked> {
    let market = book.accounts[account].market;
    let mut world = World { book: book.clone() };
    let row = |world: &World| check::row_of(&world.book, account, ladder);
    let first = row(&world).map_err(|refusal| world.stands(market, refusal))?;
    let before = Standpoint { identity: identity_of(&world), seen: first.clone() };
    let (mut last, mut done, mut refused) = (first, Vec::new(), None);
    for change in changes {
        let kept = world.clone();
        let stepped = world.change(Some(account), change);
        let stepped = stepped.and_then(|did| row(&world).map(|row| (did, row)).map_err(Stop::from));
        match stepped {
            Ok((did, row)) => {
                last = row.clone();
                done.push((did, row));
            }
            Err(Stop::Misasked(why)) => return Err(why),
            Err(Stop::Refused(why)) => {
                world = kept;
                refused = Some(why);
                break;
            }
        }
    }
    let after = Standpoint { identity: identity_of(&world), seen: last };
    Ok(WhatIf { before, after, done, refused, book: world.book })
}

/// Does changes of prices, parameters and time to a whole book, from the book's own time on.
///
/// # Errors
/// When a change cannot be meant or is about one account, or a market cannot be asked before the changes or after
/// all of them.
pub fn whatif_all(book: &Book, changes: &[Change], ladder: &Ladder) -> Result<WhatIfAll, Misasked> {
    let mut world = World { book: book.clone() };
    let seen = |world: &World| {
        let answer = check(&world.book, world.book.at, ladder);
        let answer = answer.map_err(|(market, refusal)| Misasked::Stands { market, refusal })?;
        Ok(Standpoint { identity: answer.identity.clone(), seen: answer })
    };
    let before = seen(&world)?;
    let (mut done, mut refused) = (Vec::new(), None);
    for change in changes {
        match world.change(None, change) {
            Ok(did) => done.push(did),
            Err(Stop::Misasked(why)) => return Err(why),
            Err(Stop::Refused(why)) => {
                refused = Some(why);
                break;
            }
        }
    }
    let after = seen(&world)?;
    let mut tiers: Vec<Option<&Row>> = vec![None; book.accounts.len()];
    for row in &before.seen.rows {
        tiers[row.account] = Some(row);
    }
    let other = |after: &Row| {
        let before = tiers[after.account].filter(|before| before.tier != after.tier)?;
        Some((before.clone(), after.clone()))
    };
    let moved = after.seen.rows.iter().filter_map(other).collect();
    Ok(WhatIfAll { before, after, done, refused, moved, book: world.book })
}

impl WhatIfAll {
    /// How many accounts move into a tier, and how many out of it.
    #[must_use]
    pub fn into_and_out_of(&self, tier: Tier) -> (u64, u64) {
        let count = |side: fn(&(Row, Row)) -> Tier| {
            self.moved.iter().filter(|pair| side(pair) == tier).count() as u64
        };
        (count(|(_, after)| after.tier), count(|(before, _)| before.tier))
    }
}

fn identity_of(world: &World) -> Identity {
    let book = &world.book;
    let quotes = book.graph.quotes(book.at);
    let readings: Vec<Vec<Reading>> =
        book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
    identity(book, book.at, &readings)
}
