use plimsoll_core::Rounding;

/// The releases of Aave v3 whose numbers differ, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 3.0.x, from `aave/aave-v3-core`.
    V3_0,
    /// 3.1: rates follow a virtual balance.
    V3_1,
    /// 3.2: e-mode by bitmaps, no stable debt.
    V3_2,
    /// 3.3: new close factor, no dust, deficit.
    V3_3,
    /// 3.4: Taylor compounding.
    V3_4,
    /// 3.5: every rounding in the pool's favour, health from the un-averaged threshold.
    V3_5,
    /// 3.6: e-mode decides the loan-to-value alone.
    V3_6,
    /// 3.7: directional liquidation, no isolation mode.
    V3_7,
}

impl Revision {
    /// All of them, oldest first.
    pub const ALL: [Revision; 8] = [
        Revision::V3_0,
        Revision::V3_1,
        Revision::V3_2,
        Revision::V3_3,
        Revision::V3_4,
        Revision::V3_5,
        Revision::V3_6,
        Revision::V3_7,
    ];

    /// Their names, in the same order.
    pub const NAMES: [&'static str; 8] = ["3.0", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7"];

    /// The name, such as `3.5`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Revision::NAMES[self as usize]
    }

    /// The revision of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Revision> {
        Revision::ALL.into_iter().find(|revision| revision.name() == name)
    }

    /// Bits of a scaled balance (`IncentivizedERC20.UserState.balance`).
    pub(super) fn scaled_bits(self) -> usize {
        if self >= Revision::V3_4 { 120 } else { 128 }
    }

    /// Receipt balance of a scaled balance (`TokenMath.getATokenBalance`); down favours the pool.
    pub(super) fn receipt_balance(self) -> Rounding {
        if self >= Revision::V3_5 { Rounding::Down } else { Rounding::HalfUp }
    }

    /// Debt balance of a scaled debt (`TokenMath.getVTokenBalance`); up favours the pool.
    pub(super) fn debt_balance(self) -> Rounding {
        if self >= Revision::V3_5 { Rounding::Up } else { Rounding::HalfUp }
    }

    /// Debt in base currency (`GenericLogic._getUserDebtInBaseCurrency`).
    pub(super) fn debt_value(self) -> Rounding {
        if self >= Revision::V3_5 { Rounding::Up } else { Rounding::Down }
    }

    /// What collateral carries at its loan-to-value (`GenericLogic.calculateAvailableBorrows`).
    pub(super) fn capacity(self) -> Rounding {
        if self >= Revision::V3_5 { Rounding::Down } else { Rounding::HalfUp }
    }

    /// Scaled receipts minted for a deposit.
    pub(super) fn receipt_mint(self) -> Rounding {
        if self >= Revision::V3_5 { Rounding::Down } else { Rounding::HalfUp }
    }

    /// Scaled receipts burned or moved for an amount.
    pub(super) fn receipt_burn(self) -> Rounding {
        if self >= Revision::V3_5 { Rounding::Up } else { Rounding::HalfUp }
    }

    /// Scaled debt minted for a loan.
    pub(super) fn debt_mint(self) -> Rounding {
        if self >= Revision::V3_5 { Rounding::Up } else { Rounding::HalfUp }
    }

    /// Scaled debt burned for a repayment.
    pub(super) fn debt_burn(self) -> Rounding {
        if self >= Revision::V3_5 { Rounding::Down } else { Rounding::HalfUp }
    }

    /// Debt that all of the collateral pays for (`_calculateAvailableCollateralToLiquidate`, `percentDiv`).
    pub(super) fn debt_needed(self) -> Rounding {
        if self >= Revision::V3_5 { Rounding::Up } else { Rounding::HalfUp }
    }

    /// Collateral that the debt buys, bonus included (the same function, `percentMul`).
    pub(super) fn collateral_bought(self) -> Rounding {
        if self >= Revision::V3_7 { Rounding::Down } else { Rounding::HalfUp }
    }

    /// The part of the collateral that is not bonus (the same function, `percentDiv`).
    pub(super) fn without_bonus(self) -> Rounding {
        if self >= Revision::V3_7 { Rounding::Down } else { Rounding::HalfUp }
    }

    /// The venue's fee on the bonus (the same function, `percentMul`).
    pub(super) fn protocol_fee(self) -> Rounding {
        if self >= Revision::V3_7 { Rounding::Up } else { Rounding::HalfUp }
    }

    /// Collateral needed for a debt at the loan-to-value (`ValidationLogic`, `percentDiv`).
    pub(super) fn collateral_needed(self) -> Rounding {
        if self >= Revision::V3_5 { Rounding::Up } else { Rounding::HalfUp }
    }
}
