//! Where a Parquet file's bytes come from: memory, or a file that is read by pieces.

use ::parquet::errors::Result;
use ::parquet::file::reader::{ChunkReader, Length};
use bytes::Bytes;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

/// A Parquet file's bytes.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// All of them.
    Memory(Bytes),
    /// An open file and its length.
    File(Arc<File>, u64),
}

impl Input {
    /// Bytes that are there already.
    pub(crate) fn of(bytes: Vec<u8>) -> Input {
        Input::Memory(Bytes::from(bytes))
    }

    /// At most `most` bytes from `start` on; fewer at the end.
    pub(super) fn window(&self, start: u64, most: u64) -> Result<Bytes> {
        let length = most.min(self.len().saturating_sub(start));
        self.get_bytes(start, length as usize)
    }
}

impl Length for Input {
    fn len(&self) -> u64 {
        match self {
            Input::Memory(bytes) => bytes.len() as u64,
            Input::File(_, length) => *length,
        }
    }
}

impl ChunkReader for Input {
    type T = Box<dyn Read>;

    fn get_read(&self, start: u64) -> Result<Box<dyn Read>> {
        Ok(match self {
            Input::Memory(bytes) => Box::new(ChunkReader::get_read(bytes, start)?),
            Input::File(file, _) => Box::new(ChunkReader::get_read(&**file, start)?),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        match self {
            Input::Memory(bytes) => ChunkReader::get_bytes(bytes, start, length),
            Input::File(file, _) => ChunkReader::get_bytes(&**file, start, length),
        }
    }
}
