//! Chunks of entries: a rung is a chain of them, one cache line each, and what one rung leaves the next takes.

/// No chunk.
pub(super) const NONE: u32 = u32::MAX;

/// Entries in a chunk.
const ROOM: usize = 7;

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Chunk {
    entries: [u64; ROOM],
    next: u32,
    len: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Pool {
    chunks: Vec<Chunk>,
    free: u32,
    /// Room for what is moved about.
    pub(super) spare: Vec<u64>,
}

impl Default for Pool {
    fn default() -> Pool {
        Pool { chunks: Vec::new(), free: NONE, spare: Vec::new() }
    }
}

impl Pool {
    /// Makes room for so many chunks.
    pub(super) fn reserve(&mut self, chunks: usize) {
        crate::memory::reserve(&mut self.chunks, chunks);
    }

    /// Asks for the first chunk of a chain before it is needed.
    pub(super) fn prefetch(&self, head: u32) {
        if let Some(chunk) = self.chunks.get(head as usize) {
            crate::simd::prefetch(chunk);
        }
    }

    /// Adds an entry to a chain.
    pub(super) fn push(&mut self, head: &mut u32, entry: u64) {
        if let Some(chunk) = self.chunks.get_mut(*head as usize)
            && (chunk.len as usize) < ROOM
        {
            chunk.entries[chunk.len as usize] = entry;
            chunk.len += 1;
            return;
        }
        let mut chunk = Chunk { entries: [0; ROOM], next: *head, len: 1 };
        chunk.entries[0] = entry;
        if let Some(free) = self.chunks.get_mut(self.free as usize) {
            (*head, self.free) = (self.free, free.next);
            *free = chunk;
        } else {
            *head = self.chunks.len() as u32;
            crate::memory::grow(&mut self.chunks, 1);
            self.chunks.push(chunk);
        }
    }

    /// Empties a chain.
    pub(super) fn take(&mut self, head: &mut u32, into: &mut Vec<u64>) {
        while let Some(chunk) = self.chunks.get(*head as usize) {
            into.extend_from_slice(&chunk.entries[..chunk.len as usize]);
            *head = self.drop(*head);
        }
    }

    /// Takes the entries at or above a limit out of a chain; the highest key that stays.
    pub(super) fn split(&mut self, head: &mut u32, limit: u64, into: &mut Vec<u64>) -> Option<u32> {
        let (mut at, mut before, mut highest) = (*head, NONE, None);
        while let Some(chunk) = self.chunks.get_mut(at as usize) {
            let mut place = 0;
            while place < chunk.len as usize {
                let entry = chunk.entries[place];
                if entry >= limit {
                    into.push(entry);
                    chunk.len -= 1;
                    chunk.entries[place] = chunk.entries[chunk.len as usize];
                } else {
                    highest = highest.max(Some(entry));
                    place += 1;
                }
            }
            let (next, empty) = (chunk.next, chunk.len == 0);
            if empty {
                self.drop(at);
                match self.chunks.get_mut(before as usize) {
                    Some(before) => before.next = next,
                    None => *head = next,
                }
            } else {
                before = at;
            }
            at = next;
        }
        highest.map(|entry| (entry >> 32) as u32)
    }

    /// Frees a chunk; the one after it.
    fn drop(&mut self, at: u32) -> u32 {
        let next = std::mem::replace(&mut self.chunks[at as usize].next, self.free);
        self.free = at;
        next
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.chunks)
    }
}
