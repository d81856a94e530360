//! Decoder of `morpho-blue/*`.

use super::Decoder;

pub(super) const DECODERS: &[Decoder] = &[];
