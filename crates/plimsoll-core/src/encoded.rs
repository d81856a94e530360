//! A market as canonical bytes, and back.

use crate::action::Cell;
use crate::num::{Int, U256};
use alloc::string::String;
use alloc::vec::Vec;

/// What a market's canonical bytes say, before a venue makes a market of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The venue's name.
    pub venue: String,
    /// The venue's revision.
    pub revision: String,
    /// The market's epoch.
    pub epoch: u64,
    /// Object, what is named, name.
    pub names: Vec<(u64, String, String)>,
    /// Every number.
    pub cells: Vec<(Cell, Int)>,
}

impl Encoded {
    /// Appends the bytes: lengths and numbers lowest byte first.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_text(out, &self.venue);
        write_text(out, &self.revision);
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&(self.names.len() as u64).to_le_bytes());
        for (object, what, name) in &self.names {
            out.extend_from_slice(&object.to_le_bytes());
            write_text(out, what);
            write_text(out, name);
        }
        out.extend_from_slice(&(self.cells.len() as u64).to_le_bytes());
        for (cell, value) in &self.cells {
            out.extend_from_slice(&cell.object.to_le_bytes());
            out.extend_from_slice(&cell.field.to_le_bytes());
            out.push(u8::from(value.is_negative()));
            out.extend_from_slice(&value.magnitude().to_le_bytes());
        }
    }

    /// Reads what [`Encoded::write`] wrote; `None` for any other bytes.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Encoded> {
        let mut bytes = Bytes(bytes);
        let (venue, revision) = (bytes.text()?, bytes.text()?);
        let epoch = bytes.number()?;
        let mut names = Vec::new();
        for _ in 0..bytes.number()? {
            names.push((bytes.number()?, bytes.text()?, bytes.text()?));
        }
        let mut cells = Vec::new();
        for _ in 0..bytes.number()? {
            let object = bytes.number()?;
            let field = u16::from_le_bytes(bytes.take()?);
            let [negative] = bytes.take()?;
            let magnitude = U256::from_le_bytes(bytes.take()?);
            let canonical = negative == 0 || (negative == 1 && magnitude != U256::ZERO);
            if !canonical {
                return None;
            }
            cells.push((Cell { object, field }, Int::from_parts(negative == 1, magnitude)));
        }
        bytes.0.is_empty().then_some(Encoded { venue, revision, epoch, names, cells })
    }

    /// The name of an object.
    #[must_use]
    pub fn name(&self, object: u64, what: &str) -> Option<&str> {
        let mut names = self.names.iter();
        names.find(|(o, w, _)| *o == object && w == what).map(|(_, _, name)| name.as_str())
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take()?))
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(core::str::from_utf8(head).ok()?.into())
    }
}
