use plimsoll_core::{Part, U256, Unit};

/// One reserve's parameters, packed in a word as `ReserveConfiguration.sol` packs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Configuration(pub U256);

/// One field of the word: first bit and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bits {
    /// First bit.
    pub at: usize,
    /// How many bits.
    pub width: usize,
}

const fn bits(at: usize, width: usize) -> Bits {
    Bits { at, width }
}

impl Configuration {
    /// Loan-to-value (bps).
    pub const LTV: Bits = bits(0, 16);
    /// Liquidation threshold (bps).
    pub const THRESHOLD: Bits = bits(16, 16);
    /// Liquidation bonus, 10 500 is 5 % (bps).
    pub const BONUS: Bits = bits(32, 16);
    /// Decimals of the asset.
    pub const DECIMALS: Bits = bits(48, 8);
    /// In use.
    pub const ACTIVE: Bits = bits(56, 1);
    /// No new exposure.
    pub const FROZEN: Bits = bits(57, 1);
    /// May be borrowed.
    pub const BORROWING: Bits = bits(58, 1);
    /// All actions stopped.
    pub const PAUSED: Bits = bits(60, 1);
    /// May be borrowed against isolated collateral (up to 3.6).
    pub const BORROWABLE_IN_ISOLATION: Bits = bits(61, 1);
    /// Must be the only debt (up to 3.6).
    pub const SILOED: Bits = bits(62, 1);
    /// The treasury's share of interest (bps).
    pub const RESERVE_FACTOR: Bits = bits(64, 16);
    /// Most that may be borrowed; 0 is no cap (whole tokens).
    pub const BORROW_CAP: Bits = bits(80, 36);
    /// Most that may be supplied; 0 is no cap (whole tokens).
    pub const SUPPLY_CAP: Bits = bits(116, 36);
    /// The venue's share of the liquidation bonus (bps).
    pub const PROTOCOL_FEE: Bits = bits(152, 16);
    /// E-mode category (3.0 and 3.1).
    pub const EMODE: Bits = bits(168, 8);
    /// Most debt that this collateral may carry in isolation; 0 is not isolated (up to 3.6) [0.01 of the base
    /// currency].
    pub const DEBT_CEILING: Bits = bits(212, 40);
    /// Rates follow the virtual balance (3.1 to 3.3; always on from 3.4).
    pub const VIRTUAL_ACCOUNTING: Bits = bits(252, 1);

    /// A field's value.
    #[must_use]
    pub fn get(self, field: Bits) -> u64 {
        self.0.field(field.at, field.width)
    }

    /// A flag.
    #[must_use]
    pub fn is(self, flag: Bits) -> bool {
        self.get(flag) != 0
    }

    /// The word with a field replaced; `None` when the value does not fit.
    #[must_use]
    pub fn with(self, field: Bits, value: u64) -> Option<Configuration> {
        self.0.with_field(field.at, field.width, value).map(Configuration)
    }

    /// The asset's decimals.
    #[must_use]
    pub fn decimals(self) -> u8 {
        self.get(Configuration::DECIMALS) as u8
    }
}

const fn part(name: &'static str, bits: Bits, unit: Unit) -> Part {
    Part { name, at: bits.at, width: bits.width, unit }
}

/// The word's numbers, by their names in files. Decimals are the token's, and never change.
pub(super) const PARTS: &[Part] = &[
    part("ltv", Configuration::LTV, Unit::BPS),
    part("liquidation_threshold", Configuration::THRESHOLD, Unit::BPS),
    part("liquidation_bonus", Configuration::BONUS, Unit::BPS),
    part("active", Configuration::ACTIVE, Unit::NUMBER),
    part("frozen", Configuration::FROZEN, Unit::NUMBER),
    part("borrowing", Configuration::BORROWING, Unit::NUMBER),
    part("paused", Configuration::PAUSED, Unit::NUMBER),
    part("borrowable_in_isolation", Configuration::BORROWABLE_IN_ISOLATION, Unit::NUMBER),
    part("siloed", Configuration::SILOED, Unit::NUMBER),
    part("reserve_factor", Configuration::RESERVE_FACTOR, Unit::BPS),
    part("borrow_cap", Configuration::BORROW_CAP, Unit::NUMBER),
    part("supply_cap", Configuration::SUPPLY_CAP, Unit::NUMBER),
    part("liquidation_protocol_fee", Configuration::PROTOCOL_FEE, Unit::BPS),
    part("emode", Configuration::EMODE, Unit::NUMBER),
    part("debt_ceiling", Configuration::DEBT_CEILING, Unit { name: "base", decimals: 2 }),
    part("virtual_accounting", Configuration::VIRTUAL_ACCOUNTING, Unit::NUMBER),
];
