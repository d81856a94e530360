//! Every reason why a command is not done has its code, and each code its section.

use plimsoll_engine::feed;
use plimsoll_engine::guard::{Cap, Flips, Held, Kill, Repeated, Scope, Tripped, Waits};
use plimsoll_engine::record::{Impact, Refused};
use std::collections::BTreeSet;

/// One of each kind. The match makes a new kind a compile error here.
fn all() -> Vec<Refused> {
    let text = String::new;
    let kill = Kill { by: text(), reason: text(), at: 0 };
    let cap = Cap { which: text(), limit: 0, used: 0, asked: 0 };
    let repeated = Repeated { strategy: text(), on: [text(), text()], times: 0, since: 0 };
    let impact = || Box::new(Impact::default());
    let all = vec![
        Refused::ClockBack { was: 0 },
        Refused::NoSuch { what: text(), name: text() },
        Refused::Quote(feed::Refused::Zero),
        Refused::KeptElsewhere,
        Refused::WouldBeUnhealthy { account: text() },
        Refused::WouldBeUnknown { account: text() },
        Refused::NotLiquidatable { state: text() },
        Refused::Unknown { why: text() },
        Refused::Held(Held::Killed { scope: Scope::All, kill }),
        Refused::Held(Held::Capped(cap)),
        Refused::Held(Held::Throttled(repeated)),
        Refused::Held(Held::Collar { prices: [0; 2], most: 0 }),
        Refused::Held(Held::Broken(Tripped { flips: Flips::default(), at: 0 })),
        Refused::Held(Held::Waits(Waits::Unknown)),
        Refused::Held(Held::Skewed { feeds: [text(), text()], apart: 0, most: 0 }),
        Refused::NotAPerson,
        Refused::SamePerson,
        Refused::IsResolved,
        Refused::TooMuch(impact()),
        Refused::Moved(impact()),
        Refused::Unfit(text()),
    ];
    for refused in &all {
        match refused {
            Refused::ClockBack { .. }
            | Refused::NoSuch { .. }
            | Refused::Quote(_)
            | Refused::Market { .. }
            | Refused::KeptElsewhere
            | Refused::WouldBeUnhealthy { .. }
            | Refused::WouldBeUnknown { .. }
            | Refused::NotLiquidatable { .. }
            | Refused::Unknown { .. }
            | Refused::NotAPerson
            | Refused::SamePerson
            | Refused::IsResolved
            | Refused::TooMuch(_)
            | Refused::Moved(_)
            | Refused::Unfit(_) => {}
            Refused::Held(held) => match held {
                Held::Killed { .. }
                | Held::Capped(_)
                | Held::Throttled(_)
                | Held::Collar { .. }
                | Held::Broken(_)
                | Held::Waits(_)
                | Held::Skewed { .. } => {}
            },
        }
    }
    all
}

#[test]
fn every_reason_has_its_section() {
    let page = include_str!("../../../docs/errors.md");
    let codes: Vec<String> = all().iter().map(|refused| refused.code().to_string()).collect();
    let own: BTreeSet<&str> = codes.iter().map(String::as_str).collect();
    assert_eq!(own.len(), codes.len(), "a code stands for two reasons");
    let headings = page.lines().filter_map(|line| line.strip_prefix("## PL06"));
    let sections: BTreeSet<String> = headings
        .filter_map(|heading| heading.split_once(':'))
        .map(|(code, _)| format!("PL06{code}"))
        // From here on they are of other parts; tests of the chain's crate and of the command hold them.
        .filter(|code| code.as_str() < "PL0630")
        .collect();
    assert_eq!(own, sections.iter().map(String::as_str).collect());
    let market = Refused::Market { code: "PL0106".into(), why: String::new() };
    assert_eq!(market.code(), "PL0106", "a market's own refusal keeps its code");
}
