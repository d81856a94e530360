/// A scenario that ships with the program.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    /// Its file, as it stands in the folder `scenarios`.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal)*) => {
        &[$(Shipped { name: $name, text: include_str!(concat!("../../../../scenarios/", $name, ".toml")) }),*]
    };
}

/// Every scenario that ships: those with parameters first, then what happened, by date.
#[must_use]
pub fn library() -> &'static [Shipped] {
    shipped! {
        "one-asset"
        "all-collateral"
        "basket"
        "depeg"
        "lst-discount"
        "oracle-frozen"
        "oracle-wrong"
        "asset-impaired"
        "venue-impaired"
        "2020-03-12-24h"
        "2020-03-12-peak"
        "2021-05-19-24h"
        "2021-05-19-peak"
        "2022-05-luna-24h"
        "2022-05-luna-peak"
        "2022-06-3ac-24h"
        "2022-06-3ac-peak"
        "2022-11-ftx-24h"
        "2022-11-ftx-peak"
        "2023-03-usdc"
        "2024-08-05-24h"
        "2024-08-05-peak"
        "2025-10-10-24h"
        "2025-10-10-peak"
        "2025-10-10-venue"
        "2025-11-xusd"
        "2025-11-xusd-blind"
    }
}
