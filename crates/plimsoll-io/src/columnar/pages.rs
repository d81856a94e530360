//! A look at every page before it is decoded: what it declares must fit the file and the memory.

use super::input::Input;
use super::thrift::{self, PageHeader};
use ::parquet::basic::Compression;
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::reader::Length;

/// A page larger than this when decompressed \[bytes\] is refused; writers' own limit is about a megabyte.
const PAGE_MAX: i64 = 64 << 20;
/// A page's header, its statistics included, longer than this \[bytes\] is refused.
const HEADER_MAX: u64 = 1 << 20;

/// Plain, by dictionary (both names), run lengths, deltas of numbers. Not deltas of texts or of their lengths, where a
/// few bytes stand for gigabytes.
const ENCODINGS: [i64; 5] = [0, 2, 3, 5, 8];

/// What the decompressors write is no longer than a page says; the others' have no such limit.
fn bounded(compression: Compression) -> bool {
    matches!(compression, Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_))
}

/// Looks at the pages of one column of a row group.
///
/// # Errors
/// What was found, and what was expected.
pub(super) fn check(input: &Input, chunk: &ColumnChunkMetaData, rows: u64) -> Result<(), [String; 2]> {
    let wrong = |found: String, expected: &str| Err([found, expected.to_string()]);
    if !bounded(chunk.compression()) {
        let found = format!("the compression {}", chunk.compression());
        return wrong(found, "none, SNAPPY or ZSTD");
    }
    let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
    let bounds = u64::try_from(start).ok().zip(u64::try_from(chunk.compressed_size()).ok());
    let bounds = bounds.and_then(|(start, length)| Some((start, start.checked_add(length)?)));
    let Some((mut at, end)) = bounds.filter(|(_, end)| *end <= input.len()) else {
        return wrong("pages beyond the end of the file".into(), "pages within it");
    };
    let mut values = 0;
    while at < end {
        let header = header(input, at, end).map_err(|wrong| [wrong.into(), "a page".to_string()])?;
        at += header.length as u64;
        check_page(&header, end - at)?;
        at += header.compressed as u64;
        if header.kind != DICTIONARY {
            values += header.values;
        }
    }
    if values as u64 != rows {
        return wrong(format!("pages of {values} values"), &format!("{rows}, as the row group has rows"));
    }
    Ok(())
}

const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
const DATA_V2: i64 = 3;
/// Run lengths.
const RLE: i64 = 3;

fn check_page(header: &PageHeader, left: u64) -> Result<(), [String; 2]> {
    let wrong = |found: String, expected: String| Err([found, expected]);
    if !matches!(header.kind, DATA | DICTIONARY | DATA_V2) {
        return wrong(format!("a page of kind {}", header.kind), "a page of data or a dictionary".into());
    }
    if !(0..=i64::from(i32::MAX)).contains(&header.compressed) || header.compressed as u64 > left {
        return wrong(
            format!("a page of {} bytes", header.compressed),
            format!("at most the {left} there are"),
        );
    }
    if !(0..=PAGE_MAX).contains(&header.uncompressed) {
        let found = format!("a page of {} bytes when decompressed", header.uncompressed);
        return wrong(found, format!("at most {PAGE_MAX}"));
    }
    // A dictionary's values take a byte each at the least; the decoder makes room for as many as are declared.
    let values = if header.kind == DICTIONARY { header.uncompressed } else { i64::from(i32::MAX) };
    if !(0..=values).contains(&header.values) {
        return wrong(format!("a page of {} values", header.values), format!("at most {values}"));
    }
    if !ENCODINGS.contains(&header.encoding) {
        let found = format!("the encoding {}", encoding(header.encoding));
        return wrong(found, "plain values or a dictionary".into());
    }
    if header.levels.is_some_and(|encoding| encoding != RLE) {
        return wrong("levels of another encoding".into(), "run lengths".into());
    }
    let [definition, repetition] = header.level_bytes;
    let fits = |bytes: i64| (0..=header.uncompressed.min(header.compressed)).contains(&bytes);
    if !fits(definition) || !fits(repetition) || !fits(definition.saturating_add(repetition)) {
        return wrong(
            format!("levels of {definition} and {repetition} bytes"),
            "levels within the page".into(),
        );
    }
    Ok(())
}

fn encoding(number: i64) -> String {
    match number {
        4 => "BIT_PACKED".into(),
        6 => "DELTA_LENGTH_BYTE_ARRAY".into(),
        7 => "DELTA_BYTE_ARRAY".into(),
        other => other.to_string(),
    }
}

/// Most headers are short; one with statistics may need a longer look.
fn header(input: &Input, at: u64, end: u64) -> Result<PageHeader, thrift::Wrong> {
    let mut result = Err("");
    for length in [1 << 10, HEADER_MAX] {
        let bytes = input.window(at, length.min(end - at)).map_err(|_| "a page that cannot be read")?;
        result = thrift::page_header(&bytes);
        if result.is_ok() {
            break;
        }
    }
    result
}
