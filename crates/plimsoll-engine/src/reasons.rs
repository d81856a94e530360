//! Why commands are not done, by code: `docs/errors.md` has a section for each.

use crate::guard::Held;
use crate::record::Refused;

impl Refused {
    /// The code; a market's own refusal keeps its own.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Refused::Market { code, .. } => code,
            Refused::ClockBack { .. } => "PL0601",
            Refused::NoSuch { .. } => "PL0602",
            Refused::Quote(_) => "PL0603",
            Refused::KeptElsewhere => "PL0604",
            Refused::WouldBeUnhealthy { .. } => "PL0605",
            Refused::WouldBeUnknown { .. } => "PL0606",
            Refused::NotLiquidatable { .. } => "PL0607",
            Refused::Unknown { .. } => "PL0608",
            Refused::Held(Held::Killed { .. }) => "PL0609",
            Refused::Held(Held::Capped(_)) => "PL0610",
            Refused::Held(Held::Throttled(_)) => "PL0611",
            Refused::Held(Held::Collar { .. }) => "PL0612",
            Refused::Held(Held::Broken(_)) => "PL0613",
            Refused::Held(Held::Waits(_)) => "PL0614",
            Refused::NotAPerson => "PL0615",
            Refused::SamePerson => "PL0616",
            Refused::IsResolved => "PL0617",
            Refused::TooMuch(_) => "PL0618",
            Refused::Moved(_) => "PL0619",
            Refused::Unfit(_) => "PL0620",
            Refused::Held(Held::Skewed { .. }) => "PL0621",
        }
    }
}
