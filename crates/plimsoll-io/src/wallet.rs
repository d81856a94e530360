//! What somebody may spend, as a file: `docs/plan.md` describes it.

use crate::book::{File, files};
use crate::fault::{Code, Faults, Log, quoted};
use crate::fields::{few, named, once};
use crate::scalar;
use crate::tree::{Fields, Node, digits, read_toml};
use plimsoll_core::Decimal;

/// What was made of a wallet's file.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Each asset with how much of it there is; `None` where anything of the file is faulty.
    pub wallet: Option<Vec<(String, Decimal)>>,
    /// Everything that is wrong.
    pub faults: Faults,
}

/// Reads a wallet.
#[must_use]
pub fn read(file: File) -> Opened {
    let mut log = Log::default();
    let sources = files::texts(vec![file], &mut log);
    let source = sources.first().filter(|source| !source.unread);
    let wallet = source.and_then(|source| read_toml(source, 0, &mut log)).and_then(|node| {
        let mut fields = Fields::of(&node, &mut log)?;
        let format = crate::fields::format(&mut fields, &mut log);
        let held = fields.need("held", &mut log).and_then(|node| few(node, &mut log));
        fields.finish(&mut log);
        let mut wallet: Vec<(String, Decimal)> = Vec::new();
        for node in held? {
            let Some((asset, amount)) = one(node, &mut log) else { continue };
            if wallet.iter().any(|(known, _)| *known == asset) {
                log.at(Code::DuplicateName, node.span, quoted(&asset), "an asset that is not there before");
            }
            wallet.push((asset, amount));
        }
        format?;
        Some(wallet)
    });
    let faults = once(log.finish(&sources));
    Opened { wallet: wallet.filter(|_| faults.is_empty()), faults }
}

fn one(node: &Node, log: &mut Log) -> Option<(String, Decimal)> {
    let mut fields = Fields::of(node, log)?;
    let asset = fields.need("asset", log).and_then(|node| named(node, log));
    let amount = fields.need("amount", log).and_then(|node| {
        let text = digits(node, log)?;
        scalar::amount(text, node.span, log)
    });
    fields.finish(log);
    Some((asset?, amount?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::FileBytes;

    fn opened(text: &str) -> Opened {
        read(File { name: "wallet.toml".into(), bytes: FileBytes::Read(text.as_bytes().to_vec()) })
    }

    #[test]
    fn a_wallet_is_read_and_what_is_wrong_is_told_where_it_stands() {
        let sound = opened("format = 1\n[[held]]\nasset = \"USDC\"\namount = \"12.5\"\n");
        let wallet = sound.wallet.expect("a wallet");
        assert_eq!((wallet[0].0.as_str(), wallet[0].1.to_string().as_str()), ("USDC", "12.5"));
        let faulty = opened("format = 1\n[[held]]\nasset = \"USDC\"\namonut = \"12.5\"\n");
        assert!(faulty.wallet.is_none());
        let told = faulty.faults.render(false);
        assert!(told.contains("wallet.toml:4:1") && told.contains("did you mean `amount`?"), "{told}");
        let negative = opened("format = 1\n[[held]]\nasset = \"USDC\"\namount = \"-1\"\n");
        assert!(negative.wallet.is_none(), "an amount below nothing was taken");
        let twice = "[[held]]\nasset = \"USDC\"\namount = \"1\"\n";
        assert!(opened(&format!("format = 1\n{twice}{twice}")).wallet.is_none(), "an asset was taken twice");
    }
}
