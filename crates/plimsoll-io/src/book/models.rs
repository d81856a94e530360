//! Margin models beside books: presets by their names, and files that a desk writes from a template.

use crate::book::schedules::{self, Margins};
use crate::book::{File, FileBytes, cross, portfolio};
use crate::fault::{Code, Faults, Log, Source, Span, quoted};
use crate::tree::{Fields, Node, read_toml, text};
use plimsoll_core::Market;
use plimsoll_margin::{market as cross_margin, portfolio as margin};

/// How a market of a kind would margin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarginModel(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Every market by its own rules.
    Own,
    Portfolio(margin::Model),
    Cross(cross_margin::Model),
    /// A system's parameters, of what a market lists of it.
    System(cross_margin::Model),
    /// A market's own rules with margins that change with time.
    Scheduled(Margins),
}

/// Every market by the rules that it has.
const OWN: &str = "book";

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
        std::iter::once(OWN).chain(portfolio::presets()).chain(cross::presets())
    }

    /// One that ships.
    ///
    /// # Errors
    /// Why there is none of this name, where the name is that of a system that people ask for.
    pub fn preset(word: &str) -> Result<MarginModel, Option<&'static str>> {
        if word == OWN {
            return Ok(MarginModel(Kind::Own));
        }
        let portfolio = || portfolio::preset(word).map(Kind::Portfolio);
        let found = portfolio().or_else(|| cross::preset(word).map(Kind::System));
        found.map(MarginModel).ok_or_else(|| portfolio::other(word).or_else(|| cross::other(word)))
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
            // What `plimsoll margins --out` writes has a format and no venue.
            let model = match fields.take("venue") {
                None if fields.has("margin") => {
                    schedules::margins(&mut fields, &mut log).map(Kind::Scheduled)
                }
                node => match venue(node, &fields, &mut log)? {
                    margin::NAME => portfolio::read_model(&mut fields, &mut log).map(Kind::Portfolio),
                    _ => cross::read_model(&mut fields, &mut log).map(Kind::Cross),
                },
            };
            fields.finish(&mut log);
            model.map(MarginModel)
        });
        let faults = log.finish(&[source]);
        OpenedModel { model: model.filter(|_| faults.is_empty()), faults }
    }

    /// A market as it would be under the model; `None` where it is of another kind.
    ///
    /// # Errors
    /// Why a market of the kind cannot be under it.
    pub fn under(&self, market: &dyn Market) -> Result<Option<Box<dyn Market>>, String> {
        let told = |error: margin::SpecError| {
            format!("{}: {}, number {}", Code::ModelMisfit.name(), error.what, error.place + 1)
        };
        let boxed = |market: Box<dyn Market>| Some(market);
        if let Some(own) = margin::Market::of(market) {
            return match &self.0 {
                Kind::Own => Ok(boxed(Box::new(own))),
                Kind::Portfolio(model) => {
                    own.under(model.clone()).map(|market| boxed(Box::new(market))).map_err(told)
                }
                Kind::Scheduled(margins) => {
                    let names = own.spec().underlyings.iter().map(|known| known.name.as_str());
                    let schedules = margins.of(names);
                    if schedules.is_empty() {
                        return Ok(None);
                    }
                    let spec = margin::Spec { schedules, ..own.spec().clone() };
                    margin::Market::new(spec).map(|market| boxed(Box::new(market))).map_err(told)
                }
                Kind::Cross(_) | Kind::System(_) => Ok(None),
            };
        }
        let Some(own) = cross_margin::Market::of(market) else { return Ok(None) };
        match &self.0 {
            Kind::Own => Ok(boxed(Box::new(own))),
            Kind::Portfolio(_) => Ok(None),
            Kind::Scheduled(margins) => {
                let schedules = margins.of(own.spec().perps.iter().map(|perp| perp.name.as_str()));
                if schedules.is_empty() {
                    return Ok(None);
                }
                let spec = cross_margin::Spec { schedules, ..own.spec().clone() };
                cross_margin::Market::new(spec).map(|market| boxed(Box::new(market))).map_err(told)
            }
            Kind::Cross(model) => own.under(model).map(|market| boxed(Box::new(market))).map_err(told),
            Kind::System(model) => {
                let mut model = model.clone();
                model.perps.retain(|rule| own.spec().perps.iter().any(|perp| perp.name == rule.name));
                if model.perps.is_empty() {
                    return Ok(None);
                }
                own.under(&model).map(|market| boxed(Box::new(market))).map_err(told)
            }
        }
    }
}

/// Which markets a file is of.
fn venue(node: Option<&Node>, fields: &Fields<'_>, log: &mut Log) -> Option<&'static str> {
    let Some(node) = node else {
        let head = Span { end: fields.span.start + 1, ..fields.span };
        log.at(
            Code::MissingField,
            head,
            "no `venue`",
            "a venue, or tables `margin` as `plimsoll margins` writes them",
        );
        return None;
    };
    let word = text(node, log)?;
    let known = [margin::NAME, cross_margin::NAME];
    let found = known.into_iter().find(|name| *name == word);
    if found.is_none() {
        let span: Span = node.span;
        let expected = format!("{} or {}: models are of their markets", known[0], known[1]);
        log.at(Code::UnknownVenue, span, quoted(word), expected);
    }
    found
}
