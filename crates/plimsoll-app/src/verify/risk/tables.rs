//! Tables of numbers that lie beside vector files: where they are found, and how they are read.

use plimsoll_io::vectors::{Fault, unpacked};
use plimsoll_risk::Unfit;
use std::path::{Path, PathBuf};

/// Where the data of a file may lie: the folders that the caller names, the file's own, and `../../data` beside it.
pub(crate) struct Folders(Vec<PathBuf>);

impl Folders {
    pub(crate) fn of(file: &Path, named: &[PathBuf]) -> Folders {
        let own = file.parent().unwrap_or(Path::new(""));
        let mut folders = named.to_vec();
        folders.extend([own.to_path_buf(), own.join("../../data")]);
        Folders(folders)
    }

    /// A table of one of these folders, plain or gzipped.
    pub(super) fn table(&self, name: &'static str) -> Result<Table, Fault> {
        let fault = |found: String| Fault::Shape {
            path: name.into(),
            found,
            expected: "the data that this record was computed from",
        };
        let packed = format!("{name}.gz");
        let places = self.0.iter().flat_map(|folder| [folder.join(name), folder.join(&packed)]);
        let Some(path) = places.into_iter().find(|path| path.is_file()) else {
            return Err(fault("no such file beside the vectors, in ../../data or in --data".into()));
        };
        let bytes = plimsoll_io::book::regular(&path).and_then(|()| std::fs::read(&path));
        let bytes = bytes.map_err(|error| fault(error.to_string()))?;
        let bytes = unpacked(&bytes)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| fault(error.to_string()))?;
        Table::read(text).map_err(fault)
    }
}

/// Columns of numbers; a cell without one is not a number.
pub(super) struct Table {
    names: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Table {
    fn read(text: &str) -> Result<Table, String> {
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty());
        let names: Vec<String> = match lines.next() {
            Some((_, header)) => {
                header.split(',').map(|name| name.trim().trim_matches('"').to_string()).collect()
            }
            None => return Err("no header".into()),
        };
        let mut rows = Vec::new();
        for (number, line) in lines {
            let cell = |cell: &str| match cell.trim().trim_matches('"') {
                "" => Ok(f64::NAN),
                text => text.parse().map_err(|_| format!("line {number}: {text:?}, which is no number")),
            };
            let row: Vec<f64> = line.split(',').map(cell).collect::<Result<_, _>>()?;
            if row.len() != names.len() {
                return Err(format!("line {number}: {} cells under {} names", row.len(), names.len()));
            }
            rows.push(row);
        }
        Ok(Table { names, rows })
    }

    /// The names of the columns.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// A column, by name or, with one column only, whatever its name.
    pub(super) fn column(&self, name: &str) -> Result<Vec<f64>, Fault> {
        let place = self.names.iter().position(|column| column == name);
        let Some(place) = place else {
            let found = self.names.join(",");
            return Err(Fault::Shape {
                path: format!("the data: {name}"),
                found,
                expected: "a column of this name",
            });
        };
        Ok(self.rows.iter().map(|row| row[place]).collect())
    }
}

/// What a method says of data that it cannot take, as a fault of the data.
pub(super) fn unfit(of: &'static str) -> impl Fn(Unfit) -> Fault {
    move |unfit| Fault::Shape {
        path: of.into(),
        found: unfit.to_string(),
        expected: "data that the method takes",
    }
}
