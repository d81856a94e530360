//! Pages that people look at: one HTML file that needs nothing beside it, no script and no network.
//!
//! What a command does with it:
//!
//! ```text
//! let mut page = Page::new("Stress test", "treasury, 2026-03-01");   // heading and the line under it
//! page.cards(&[Card::new("liquidatable", "12", Kind::Exact)]);      // a few figures, large
//! page.section("Markets", "what each of them stands to lose");       // a heading, and a line of text
//! page.text("A paragraph.");
//! page.list(&["held: USDC".into()]);
//! page.table(&table);                                                // Table::new(&["market", ">debt"]) and .row([...])
//! page.folded("All of them", &table);                                // the same, closed until somebody opens it
//! page.picture(&steps(...), &table);                                 // steps, bars or heatmap, with the numbers behind it
//! save(path, &page.finish(&["as of ...".into()]))                    // the foot: what it was computed from
//! ```
//!
//! Every text is escaped here: whoever calls hands names on as they are. Places in pictures are whole tenths, found in
//! integers; no number is ever read off a picture, since a table stands behind each. Colours follow the reader's light
//! or dark, and paper is light.

mod heat;
mod lines;
mod svg;
mod table;

pub(crate) use heat::{Heat, heatmap};
pub(crate) use lines::{Line, Mark, lines};
pub(crate) use svg::{Bar, Picture, Series, bars, short, steps};
pub(crate) use table::Table;

use crate::exit;
use crate::show::errln;
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

const STYLE: &str = include_str!("report/style.css");

/// What kind of statement a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What the venues' integers say, to the last unit.
    Exact,
    /// True under assumptions that the page states.
    Assumed,
    /// Nobody can tell.
    Unknown,
}

impl Kind {
    const fn words(self) -> [&'static str; 2] {
        match self {
            Kind::Exact => ["exact", "exact"],
            Kind::Assumed => ["assumed", "by assumption"],
            Kind::Unknown => ["unknown", "unknown"],
        }
    }
}

/// A figure that stands alone.
pub(crate) struct Card {
    label: String,
    value: String,
    kind: Kind,
}

impl Card {
    pub(crate) fn new(label: impl Into<String>, value: impl Into<String>, kind: Kind) -> Card {
        Card { label: label.into(), value: value.into(), kind }
    }
}

/// A page as it is written.
pub(crate) struct Page {
    title: String,
    body: String,
    pictures: usize,
    open: bool,
}

impl Page {
    pub(crate) fn new(title: &str, lead: &str) -> Page {
        let title = escape(title);
        let body = format!("<header><h1>{title}</h1><p class=\"lead\">{}</p></header>\n", escape(lead));
        Page { title, body, pictures: 0, open: false }
    }

    /// A heading, and what stands under it.
    pub(crate) fn section(&mut self, title: &str, lead: &str) {
        self.close();
        self.open = true;
        self.put(format_args!("<section><h2>{}</h2>\n", escape(title)));
        if !lead.is_empty() {
            self.text(lead);
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.put(format_args!("<p>{}</p>\n", escape(text)));
    }

    pub(crate) fn list(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.body.push_str("<ul>");
        for line in lines {
            self.put(format_args!("<li>{}</li>", escape(line)));
        }
        self.body.push_str("</ul>\n");
    }

    pub(crate) fn cards(&mut self, cards: &[Card]) {
        self.body.push_str("<dl class=\"cards\">");
        for Card { label, value, kind } in cards {
            let [class, words] = kind.words();
            let (label, value) = (escape(label), escape(value));
            self.put(format_args!(
                "<div class=\"{class}\"><dt>{label}</dt><dd>{value} <small>{words}</small></dd></div>"
            ));
        }
        self.body.push_str("</dl>\n");
    }

    pub(crate) fn table(&mut self, table: &Table) {
        table.write(&mut self.body);
    }

    /// A picture, with its numbers behind it.
    pub(crate) fn picture(&mut self, picture: &Picture, numbers: &Table) {
        self.pictures += 1;
        self.body.push_str("<figure>");
        picture.write(self.pictures, &mut self.body);
        self.body.push_str("<details><summary>The numbers</summary>");
        numbers.write(&mut self.body);
        self.body.push_str("</details></figure>\n");
    }

    /// A table that is long: it opens when asked.
    pub(crate) fn folded(&mut self, title: &str, table: &Table) {
        self.put(format_args!("<details><summary>{}</summary>", escape(title)));
        table.write(&mut self.body);
        self.body.push_str("</details>\n");
    }

    /// The whole file; the lines at its foot say what it was computed from.
    pub(crate) fn finish(mut self, foot: &[String]) -> String {
        self.close();
        let (title, body) = (&self.title, &self.body);
        let foot: Vec<String> = foot.iter().map(|line| escape(line)).collect();
        let foot = foot.join("<br>");
        format!(
            "{FIRST}<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
             </head>\n<body>\n<main>\n{body}<footer><p>{foot}</p></footer>\n</main>\n</body>\n</html>\n"
        )
    }

    fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            self.body.push_str("</section>\n");
        }
    }

    fn put(&mut self, words: std::fmt::Arguments<'_>) {
        // A text takes everything.
        let _ = self.body.write_fmt(words);
    }
}

/// Writes a page, over an older one if need be but over no other file; the exit code where it cannot be, told.
pub(crate) fn save(path: &Path, page: &str) -> Result<(), u8> {
    let told = |why: &dyn std::fmt::Display, code| {
        errln!("plimsoll: {}: {why}", path.display());
        code
    };
    // What is no file (a pipe, a device) is written to and not read.
    let filled = std::fs::metadata(path).is_ok_and(|there| there.is_file() && there.len() > 0);
    let mut head = [0; FIRST.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head));
    if filled && (read.is_err() || head != *FIRST.as_bytes()) {
        return Err(told(&"found a file that is no page, expected none, or an older page", exit::USAGE));
    }
    crate::part::save(path, page).map_err(|error| told(&error, exit::UNWRITTEN))
}

/// What pages begin with, and other files do not.
const FIRST: &str = "<!doctype html>\n<!-- a page of plimsoll -->\n";

/// A text that is no markup, whatever stands in it.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::Int;

    /// Whatever a name is made of, it stays a name: in every place that takes one.
    #[test]
    fn a_name_is_never_markup() {
        let evil = "<script>alert('x')</script>\"&";
        let mut page = Page::new(evil, evil);
        page.section(evil, evil);
        page.text(evil);
        page.list(&[evil.into()]);
        page.cards(&[Card::new(evil, evil, Kind::Exact)]);
        let mut table = Table::new(evil, &[evil]);
        table.row([evil]);
        let one = Int::new(1);
        let series = [Series { name: evil, points: vec![(one, one)] }];
        page.picture(&steps(evil, [Int::ZERO, one], &[(one, evil.into())], 0, &series), &table);
        let line = [Line { name: evil, points: vec![(one, Some(one))] }];
        let mark = [Mark { at: one, height: one, words: evil.into() }];
        let named = [(one, evil.to_string())];
        page.picture(&lines(evil, [Int::ZERO, one], &named, &[Int::ZERO, one], 0, &line, &mark), &table);
        page.picture(&bars(evil, &[Bar { label: evil.into(), value: one, note: evil.into() }]), &table);
        let cells = vec![vec![Heat::Known(one, evil.into())], vec![Heat::Unknown(evil.into())]];
        let names = [evil.to_string(), evil.to_string()];
        page.picture(&heatmap(evil, [evil, evil], &names[..1], &names, &cells), &table);
        let page = page.finish(&[evil.into()]);
        assert!(!page.contains("<script") && !page.contains("alert('"), "{page}");
        assert_eq!(
            page.matches("&lt;script&gt;").count(),
            page.matches("&lt;/script&gt;&quot;&amp;").count()
        );
        assert!(page.matches("&lt;script&gt;").count() >= 20, "{page}");
    }

    /// The page asks for nothing: no other file, no script, no address.
    #[test]
    fn a_page_needs_nothing_beside_it() {
        let page = Page::new("x", "y").finish(&[]);
        for outside in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
