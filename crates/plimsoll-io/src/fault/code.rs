macro_rules! codes {
    ($($name:ident $code:literal $title:literal)*) => {
        /// The stable code of a fault. A code never changes its meaning; `docs/errors.md` has a section for each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// All codes, in their order.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The code as it is printed, such as `PL0509`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Code::$name => $code),* }
            }

            /// What is wrong, in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Code::$name => $title),* }
            }
        }
    };
}

codes! {
    Unreadable       "PL0501" "the file cannot be read"
    NotUtf8          "PL0502" "the file is not UTF-8 text"
    TooLarge         "PL0503" "more than the reader takes"
    Control          "PL0504" "a control character in a text"
    Toml             "PL0505" "not TOML"
    Json             "PL0506" "not JSON"
    TooDeep          "PL0507" "nested too deep"
    DuplicateKey     "PL0508" "a key stands twice in one table"
    UnknownField     "PL0509" "no such field"
    MissingField     "PL0510" "a field is missing"
    WrongKind        "PL0511" "a value of another kind"
    Format           "PL0512" "no such format"
    NotANumber       "PL0513" "not a plain number"
    TooLong          "PL0514" "a number with too many digits"
    OutOfRange       "PL0515" "a number out of range"
    Negative         "PL0516" "a negative number where none can stand"
    TooFine          "PL0517" "more digits after the point than the unit has"
    NotATime         "PL0518" "not a time"
    NotADuration     "PL0519" "not a duration"
    UnknownWord      "PL0520" "no such choice"
    NotAUnit         "PL0521" "not a unit"
    BadName          "PL0522" "not a name"
    Exclusive        "PL0523" "two fields that exclude each other"
    NotParquet       "PL0524" "Parquet that cannot be read"
    TwoForms         "PL0525" "one table in two files"
    UnknownColumn    "PL0530" "no such column"
    MissingColumn    "PL0531" "a column is missing"
    DuplicateColumn  "PL0532" "a column stands twice"
    RowLength        "PL0533" "a row with too few or too many cells"
    Quote            "PL0534" "a quotation mark out of place"
    ColumnType       "PL0535" "a column of a type that cannot stand for it"
    DuplicateName    "PL0540" "a name that is taken"
    NoSuchPrice      "PL0541" "no such price"
    Circle           "PL0542" "a price that is derived from itself"
    RawLeg           "PL0543" "a raw price cannot be computed with"
    PriceUnits       "PL0544" "units that do not multiply out"
    Currency         "PL0545" "a price in another currency"
    PriceTooFine     "PL0546" "a price with more digits than the venue reads"
    NotOracle        "PL0547" "a price that no venue acts on"
    Bounds           "PL0548" "a floor that is not below its ceiling"
    OtherAsset       "PL0549" "a price of another asset"
    UnknownVenue     "PL0550" "no such venue"
    UnknownRevision  "PL0551" "no such revision"
    UnknownMarket    "PL0552" "no such market"
    UnknownAsset     "PL0553" "no such asset"
    UnknownMode      "PL0554" "no such mode"
    DuplicateHolding "PL0555" "a holding that stands twice"
    OwnerDiffers     "PL0556" "an account with two owners"
    ModeDiffers      "PL0557" "an account with two modes"
    NotHeldHere      "PL0558" "nothing that an account can hold here"
    Contradiction    "PL0559" "two statements that contradict each other"
    UnknownAccount   "PL0560" "no such account"
    NoSuchSurface    "PL0561" "no such surface of volatilities"
    DuplicatePoint   "PL0562" "a point of a surface that stands twice"
    Expired          "PL0563" "an expiry that is not after the observation"
    LtvThreshold     "PL0570" "a loan-to-value above the liquidation threshold"
    Bonus            "PL0571" "a liquidation bonus below 100 %"
    Coverage         "PL0572" "a threshold that the bonus lifts above 100 %"
    Index            "PL0573" "an index below one"
    Decimals         "PL0574" "decimals out of range"
    DuplicateAsset   "PL0575" "an asset that is listed twice"
    Future           "PL0576" "a state later than the book"
    NotInRevision    "PL0577" "a field that this revision does not have"
    Totals           "PL0578" "totals that contradict each other"
    MarketRefused    "PL0579" "a market that cannot be"
    Curve            "PL0580" "a rate curve without a kink inside"
    MoreThanAll      "PL0581" "accounts that hold more than there is"
    BadMap           "PL0590" "a column map that cannot be read"
    NeedsRounding    "PL0591" "an amount finer than its token"
    NoTemplate       "PL0592" "a template that does not fit"
    NoParameter      "PL0593" "a parameter that is not said, or that there is not"
    NoPriceLeft      "PL0594" "a move that leaves no price"
    ModelMisfit      "PL0721" "a model that does not fit a market"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0].name() < pair[1].name(), "{pair:?}");
        }
    }
}
