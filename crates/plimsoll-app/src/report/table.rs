//! Tables of a page.

use super::escape;
use std::fmt::Write;

/// Rows under a header. A column whose name begins with `>` has numbers: they stand to the right.
pub(crate) struct Table {
    caption: String,
    columns: Vec<(String, bool)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(caption: &str, columns: &[&str]) -> Table {
        let column = |name: &&str| match name.strip_prefix('>') {
            Some(name) => (escape(name), true),
            None => (escape(name), false),
        };
        Table { caption: escape(caption), columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    pub(crate) fn row<T: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(|cell| escape(cell.as_ref())).collect());
    }

    pub(super) fn write(&self, out: &mut String) {
        out.push_str("<div class=\"wide\"><table>");
        if !self.caption.is_empty() {
            let _ = write!(out, "<caption>{}</caption>", self.caption); // a text takes everything
        }
        out.push_str("<thead><tr>");
        for (name, right) in &self.columns {
            let class = if *right { " class=\"n\"" } else { "" };
            let _ = write!(out, "<th scope=\"col\"{class}>{name}</th>");
        }
        out.push_str("</tr></thead>\n<tbody>");
        for row in &self.rows {
            out.push_str("<tr>");
            let empty = String::new();
            let short = self.columns.len().saturating_sub(row.len());
            for (at, cell) in row.iter().chain(std::iter::repeat_n(&empty, short)).enumerate() {
                let right = self.columns.get(at).is_some_and(|(_, right)| *right);
                let _ = match (at, right) {
                    (0, false) => write!(out, "<th scope=\"row\">{cell}</th>"),
                    (_, true) => write!(out, "<td class=\"n\">{cell}</td>"),
                    (_, false) => write!(out, "<td>{cell}</td>"),
                };
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table></div>\n");
    }
}
