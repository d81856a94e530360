//! What is planted: each of these an auditor that is worth anything finds.

use crate::config::Founding;
use crate::disk;
use crate::guard::Limits;

/// A mistake in what stands around the engine, or in how it was set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// `fsync` does nothing.
    NoSync,
    /// The names of new segments are not made durable.
    NoNames,
    /// A torn tail is not cut off.
    NoCut,
    /// A short write is told as a whole one.
    ShortWrite,
    /// Clients are answered before the log is durable.
    AnswersBeforeSync,
    /// After a restart, what may have been sent is sent again without asking.
    SendsAgain,
    /// A client whose answer was lost asks under another id.
    AsksUnderAnotherId,
    /// What is refused to be sent is sent all the same.
    IgnoresRefusals,
    /// Half of all outcomes are never told.
    ForgetsToResolve,
    /// One origin is enough.
    NoQuorum,
    /// No price is ever too old.
    NoAge,
    /// Prices of two feeds are mixed up on their way.
    MixesUpFeeds,
    /// Sources that are one origin are taken for several.
    OneOriginForMany,
    /// The caps let nothing through.
    NoLimits,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 14] = [
        Bug::NoSync,
        Bug::NoNames,
        Bug::NoCut,
        Bug::ShortWrite,
        Bug::AnswersBeforeSync,
        Bug::SendsAgain,
        Bug::AsksUnderAnotherId,
        Bug::IgnoresRefusals,
        Bug::ForgetsToResolve,
        Bug::NoQuorum,
        Bug::NoAge,
        Bug::MixesUpFeeds,
        Bug::OneOriginForMany,
        Bug::NoLimits,
    ];

    pub(super) const fn of_disk(self) -> Option<disk::Bug> {
        match self {
            Bug::NoSync => Some(disk::Bug::NoSync),
            Bug::NoNames => Some(disk::Bug::NoFolderSync),
            Bug::NoCut => Some(disk::Bug::NoTruncate),
            Bug::ShortWrite => Some(disk::Bug::ShortAppend),
            _ => None,
        }
    }

    /// What it does to the configuration, if it is there.
    pub(super) fn misconfigure(self, founding: &mut Founding) {
        for source in &mut founding.sources {
            match self {
                Bug::NoQuorum => (source.rule.quorum, source.rule.jump_quorum) = (1, 1),
                Bug::NoAge => source.rule.max_age = u64::MAX,
                _ => {}
            }
        }
        if self == Bug::NoLimits {
            founding.config.limits = Limits::default();
        }
    }
}
