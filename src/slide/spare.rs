//! Pixel buffers of evicted tiles, reused for the next ones: a fresh buffer costs page faults and
//! clearing, together a tenth of the time to decode a JPEG tile.

use std::cell::RefCell;

/// Buffers kept per thread.
const KEPT: usize = 4;
/// Larger buffers are not kept.
const MAX_BYTES: usize = 4 << 20;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Returns a buffer of `len` bytes with any content: the caller overwrites all of it.
pub(super) fn take(len: usize) -> Vec<u8> {
    let found = SPARE.with_borrow_mut(|spare| {
        let at = spare.iter().position(|buffer| buffer.len() == len)?;
        Some(spare.swap_remove(at))
    });
    found.unwrap_or_else(|| vec![0; len])
}

/// Keeps a buffer that is no longer needed.
pub(super) fn give(buffer: Vec<u8>) {
    if buffer.is_empty() || buffer.len() > MAX_BYTES {
        return;
    }
    SPARE.with_borrow_mut(|spare| {
        if spare.len() == KEPT {
            spare.swap_remove(0);
        }
        spare.push(buffer);
    });
}
