//! Snappy's interface for C, as `include/snappy-c.h` declares it, by the crate `snap`.

#![warn(missing_docs)]

use std::{
    ffi::{c_char, c_uint},
    slice,
};

use snap::raw::{Decoder, Encoder, max_compress_len};

const OK: c_uint = 0;
const INVALID_INPUT: c_uint = 1;
const BUFFER_TOO_SMALL: c_uint = 2;

/// Compresses `length` bytes into the room at `output`.
///
/// # Safety
///
/// `input` points to `length` bytes that can be read, `output` to `*room` others that can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snappy_compress(
    input: *const c_char,
    length: usize,
    output: *mut c_char,
    room: *mut usize,
) -> c_uint {
    // SAFETY: as the caller promises.
    unsafe { write(input, length, output, room, |from, to| Encoder::new().compress(from, to)) }
}

/// Decompresses `length` bytes into the room at `output`.
///
/// # Safety
///
/// As [`snappy_compress`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn snappy_uncompress(
    input: *const c_char,
    length: usize,
    output: *mut c_char,
    room: *mut usize,
) -> c_uint {
    // SAFETY: as the caller promises.
    unsafe { write(input, length, output, room, |from, to| Decoder::new().decompress(from, to)) }
}

/// Returns the most bytes that so many can be compressed to.
#[unsafe(no_mangle)]
pub extern "C" fn snappy_max_compressed_length(length: usize) -> usize {
    max_compress_len(length)
}

unsafe fn write(
    input: *const c_char,
    length: usize,
    output: *mut c_char,
    room: *mut usize,
    work: impl FnOnce(&[u8], &mut [u8]) -> Result<usize, snap::Error>,
) -> c_uint {
    if input.is_null() || output.is_null() || room.is_null() {
        return INVALID_INPUT;
    }
    // SAFETY: none is null, and they are as long as the caller promises.
    let (from, to, room) = unsafe {
        (slice::from_raw_parts(input.cast(), length), slice::from_raw_parts_mut(output.cast(), *room), &mut *room)
    };
    match work(from, to) {
        Ok(written) => {
            *room = written;
            OK
        }
        Err(snap::Error::BufferTooSmall { .. }) => BUFFER_TOO_SMALL,
        Err(_) => INVALID_INPUT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        let text = b"snappy, snappy, snappy, snappy, snappy, snappy".repeat(9);
        let mut packed = vec![0_u8; snappy_max_compressed_length(text.len())];
        let mut length = packed.len();
        let at = |bytes: &[u8]| bytes.as_ptr().cast::<c_char>();
        let code = unsafe {
            snappy_compress(at(&text), text.len(), packed.as_mut_ptr().cast(), &raw mut length)
        };
        assert!(code == OK && length < 100, "{code} {length}");
        let unpack = |bytes: &[u8], room: usize| {
            let (mut back, mut length) = (vec![0_u8; room], room);
            let code = unsafe {
                snappy_uncompress(at(bytes), bytes.len(), back.as_mut_ptr().cast(), &raw mut length)
            };
            back.truncate(length);
            (code, back)
        };
        assert_eq!(unpack(&packed[..length], text.len()), (OK, text.clone()));
        assert_eq!(unpack(&packed[..length], text.len() - 1).0, BUFFER_TOO_SMALL);
        assert_eq!(unpack(&packed[..length / 2], text.len()).0, INVALID_INPUT);
        assert_eq!(unpack(&[255; 9], 100).0, INVALID_INPUT);
    }
}
