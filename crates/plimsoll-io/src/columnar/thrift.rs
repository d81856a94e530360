//! Just enough of Thrift's compact protocol to look at a Parquet file's own words before the decoder does.
//!
//! The decoder reserves memory for as many things as a header declares. Here every declared length is held against
//! the bytes that are there first, and what a page says of itself is handed out ([`PageHeader`]).

/// Structs in one another; Parquet's own go to seven.
const DEPTH_MAX: u32 = 24;

/// Why the bytes are not what they must be.
pub(super) type Wrong = &'static str;

const ENDED: Wrong = "a header that ends too early";
const MALFORMED: Wrong = "a malformed header";

/// What a file's footer declares.
pub(super) struct Footer {
    /// Columns and groups of columns, the root included.
    pub(super) schema_elements: u64,
    /// Row groups.
    pub(super) row_groups: u64,
}

/// Walks a whole footer (`FileMetaData`): every length in it fits the bytes that there are.
pub(super) fn footer(bytes: &[u8]) -> Result<Footer, Wrong> {
    let mut walker = Walker { bytes };
    let mut footer = Footer { schema_elements: 0, row_groups: 0 };
    let mut id = 0;
    while let Some(kind) = walker.field(&mut id)? {
        let size = walker.ahead(kind)?;
        match id {
            2 => footer.schema_elements = size,
            4 => footer.row_groups = size,
            _ => {}
        }
        walker.skip(kind, DEPTH_MAX)?;
    }
    Ok(footer)
}

/// What a page says of itself.
#[derive(Debug, Default)]
pub(super) struct PageHeader {
    /// 0 data, 2 dictionary, 3 data of the second version.
    pub(super) kind: i64,
    /// Bytes once decompressed.
    pub(super) uncompressed: i64,
    /// Bytes in the file.
    pub(super) compressed: i64,
    /// Values, nulls included.
    pub(super) values: i64,
    /// How the values are encoded.
    pub(super) encoding: i64,
    /// How the levels are encoded, in the first version of data pages.
    pub(super) levels: Option<i64>,
    /// Bytes of the levels, in the second version.
    pub(super) level_bytes: [i64; 2],
    /// Bytes of the header itself.
    pub(super) length: usize,
}

/// Reads a page's header.
pub(super) fn page_header(bytes: &[u8]) -> Result<PageHeader, Wrong> {
    let mut walker = Walker { bytes };
    let mut header =
        PageHeader { kind: -1, uncompressed: -1, compressed: -1, values: -1, ..Default::default() };
    let mut id = 0;
    while let Some(kind) = walker.field(&mut id)? {
        match (id, kind) {
            (1, INT..=LONG) => header.kind = walker.number()?,
            (2, INT..=LONG) => header.uncompressed = walker.number()?,
            (3, INT..=LONG) => header.compressed = walker.number()?,
            (5 | 7 | 8, STRUCT) => walker.page(id, &mut header)?,
            _ => walker.skip(kind, DEPTH_MAX)?,
        }
    }
    header.length = bytes.len() - walker.bytes.len();
    Ok(header)
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const INT: u8 = 4;
const LONG: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

#[derive(Clone)]
struct Walker<'b> {
    bytes: &'b [u8],
}

impl Walker<'_> {
    fn byte(&mut self) -> Result<u8, Wrong> {
        let (first, rest) = self.bytes.split_first().ok_or(ENDED)?;
        self.bytes = rest;
        Ok(*first)
    }

    fn pass(&mut self, count: u64) -> Result<(), Wrong> {
        let count = usize::try_from(count).map_err(|_| ENDED)?;
        self.bytes = self.bytes.get(count..).ok_or(ENDED)?;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, Wrong> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(MALFORMED)
    }

    fn number(&mut self) -> Result<i64, Wrong> {
        let zigzag = self.varint()?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    /// The kind of the next field, whose number takes the place of the last; `None` at the end of the struct.
    fn field(&mut self, id: &mut i64) -> Result<Option<u8>, Wrong> {
        let head = self.byte()?;
        let (delta, kind) = (i64::from(head >> 4), head & 0x0f);
        if kind == 0 {
            return Ok(None);
        }
        *id = if delta == 0 { self.number()? } else { id.checked_add(delta).ok_or(MALFORMED)? };
        // A number of a field has 16 bits.
        if i16::try_from(*id).is_err() { Err(MALFORMED) } else { Ok(Some(kind)) }
    }

    /// How many values a list declares that comes next; nothing is passed.
    fn ahead(&self, kind: u8) -> Result<u64, Wrong> {
        if kind == LIST { self.clone().list().map(|(_, size)| size) } else { Ok(0) }
    }

    /// The kind of a list's values and how many there are: at most one a byte.
    fn list(&mut self) -> Result<(u8, u64), Wrong> {
        let head = self.byte()?;
        let (kind, size) = (head & 0x0f, u64::from(head >> 4));
        let size = if size == 15 { self.varint()? } else { size };
        if size > self.bytes.len() as u64 { Err(ENDED) } else { Ok((kind, size)) }
    }

    fn skip(&mut self, kind: u8, depth: u32) -> Result<(), Wrong> {
        let depth = depth.checked_sub(1).ok_or(MALFORMED)?;
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.pass(1),
            INT..=LONG => self.varint().map(|_| ()),
            DOUBLE => self.pass(8),
            BINARY => {
                let length = self.varint()?;
                self.pass(length)
            }
            LIST | SET => {
                let (kind, size) = self.list()?;
                (0..size).try_for_each(|_| self.element(kind, depth))
            }
            MAP => {
                let size = self.varint()?;
                if size > self.bytes.len() as u64 {
                    return Err(ENDED);
                }
                let kinds = if size > 0 { self.byte()? } else { 0 };
                (0..size).try_for_each(|_| {
                    self.element(kinds >> 4, depth)?;
                    self.element(kinds & 0x0f, depth)
                })
            }
            STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth)?;
                }
                Ok(())
            }
            UUID => self.pass(16),
            _ => Err(MALFORMED),
        }
    }

    /// A value within a list, where a truth takes a byte.
    fn element(&mut self, kind: u8, depth: u32) -> Result<(), Wrong> {
        if matches!(kind, TRUE | FALSE) { self.pass(1) } else { self.skip(kind, depth) }
    }

    /// The part of a page's header that is of its kind: `DataPageHeader`, `DictionaryPageHeader`, `DataPageHeaderV2`.
    fn page(&mut self, part: i64, header: &mut PageHeader) -> Result<(), Wrong> {
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            if !(INT..=LONG).contains(&kind) {
                self.skip(kind, DEPTH_MAX)?;
                continue;
            }
            let number = self.number()?;
            match (part, id) {
                (_, 1) => header.values = number,
                (5 | 7, 2) | (8, 4) => header.encoding = number,
                (5, 3) => header.levels = Some(number),
                (8, 5) => header.level_bytes[0] = number,
                (8, 6) => header.level_bytes[1] = number,
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, after `parquet.thrift` and the compact protocol: a dictionary page of three values, plain, 300 bytes
    /// in 20.
    #[test]
    fn a_page_header_is_read() {
        let bytes =
            [0x15, 0x04, 0x15, 0xd8, 0x04, 0x15, 0x28, 0x4c, 0x15, 0x06, 0x15, 0x00, 0x00, 0x00, 0xff];
        let header = page_header(&bytes).expect("a header");
        assert_eq!((header.kind, header.uncompressed, header.compressed), (2, 300, 20));
        assert_eq!((header.values, header.encoding, header.length), (3, 0, 14));
        for end in 0..14 {
            assert_eq!(page_header(&bytes[..end]).err(), Some(ENDED));
        }
    }

    /// Field 4 a list of 2^28 structs, and nothing behind it.
    #[test]
    fn a_declared_length_must_be_there() {
        assert_eq!(footer(&[0x49, 0xfc, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00]).err(), Some(ENDED));
        let nested = [0x1c; 100];
        assert_eq!(footer(&nested).err(), Some(MALFORMED));
    }
}
