//! Margin models beside books: presets by their names, and files that a desk writes from a template.

use crate::book::portfolio;
use crate::book::{File, FileBytes};
use crate::fault::{Code, Faults, Log, Source, Span, quoted};
use crate::tree::{Fields, read_toml, text};
use plimsoll_core::Market;
use plimsoll_margin::portfolio as margin;

/// How a market of a kind would margin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginModel {
    model: margin::Model,
}

/// What was made of a file.
pub struct OpenedModel {
    /// The model, if the file is sound.
    pub model: Option<MarginModel>,
    /// What is not sound.
    pub faults: Faults,
}

impl MarginModel {
    /// The names of those that ship.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        portfolio::presets()
    }

    /// One that ships.
    ///
    /// # Errors
    /// Why there is none of this name, where the name is that of a system that people ask for.
    pub fn preset(word: &str) -> Result<MarginModel, Option<&'static str>> {
        portfolio::preset(word).map(|model| MarginModel { model }).ok_or_else(|| portfolio::other(word))
    }

    /// Reads a file.
    #[must_use]
    pub fn read(file: File) -> OpenedModel {
        let mut log = Log::default();
        let words = match file.bytes {
            FileBytes::Read(bytes) => String::from_utf8(bytes)
                .map_err(|_| (Code::NotUtf8, "other bytes".to_string(), "UTF-8 text".to_string())),
            FileBytes::TooLarge(size, most) => {
                Err((Code::TooLarge, format!("{size} bytes"), format!("at most {most}")))
            }
            FileBytes::Failed(why) => Err((Code::Unreadable, why, "a file that can be read".to_string())),
        };
        let words = match words {
            Ok(words) => words,
            Err((code, found, expected)) => {
                log.file(code, &file.name, found, expected);
                return OpenedModel { model: None, faults: log.finish(&[]) };
            }
        };
        let source = Source::new(file.name, words.strip_prefix('\u{feff}').unwrap_or(&words));
        let model = read_toml(&source, 0, &mut log).and_then(|node| {
            let mut fields = Fields::of(&node, &mut log)?;
            let venue = venue(&mut fields, &mut log);
            let model = portfolio::read_model(&mut fields, &mut log);
            fields.finish(&mut log);
            venue.and(model).map(|model| MarginModel { model })
        });
        let faults = log.finish(&[source]);
        OpenedModel { model: model.filter(|_| faults.is_empty()), faults }
    }

    /// A market as it would be under the model; `None` where it is of another kind, or cannot be under it.
    #[must_use]
    pub fn under(&self, market: &dyn Market) -> Option<Box<dyn Market>> {
        let market = margin::Market::of(market)?.under(self.model.clone()).ok()?;
        Some(Box::new(market))
    }
}

/// Which markets a file is of: one kind has models, so far.
fn venue(fields: &mut Fields<'_>, log: &mut Log) -> Option<()> {
    let node = fields.need("venue", log)?;
    let word = text(node, log)?;
    if word == margin::NAME {
        return Some(());
    }
    let span: Span = node.span;
    log.at(Code::UnknownVenue, span, quoted(word), format!("{}: models are of its markets", margin::NAME));
    None
}
