//! The file's bytes, memory-mapped, with a bound on how much of them stays resident.

use std::{
    fs::{self, File},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use memmap2::Mmap;

use super::{ahead::OnDisk, torn::Known};
use crate::{
    error::{Error, Result},
    file,
};

/// After this many bytes read, the pages read so far are handed back to the system.
const RESIDENT_BYTES: u64 = 8 << 20;

/// A file opened for reading at any place, from any thread.
pub(super) struct FileBytes {
    /// Unknown before it is unmapped: fields are dropped in this order.
    _known: Option<Known>,
    /// `None` for a folder.
    map: Option<Mmap>,
    file: Option<Arc<File>>,
    read: AtomicU64,
}

impl FileBytes {
    /// Maps a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file cannot be opened or mapped (a folder or a pipe, for instance).
    pub(super) fn open(path: &Path) -> Result<Self> {
        // Looked at before: opening a pipe that nobody writes to does not come back.
        let facts = fs::metadata(path).map_err(Error::io("open", path))?;
        file::check(&facts).map_err(Error::io("read", path))?;
        let file = File::open(path).map_err(Error::io("open", path))?;
        // SAFETY: the map is read-only and lives as long as this struct. Where another program truncates the
        // file while it is read, missing pages become zeros.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(&file) }.map_err(Error::io("map", path))?;
        Ok(Self {
            _known: Some(Known::new(map.as_ptr_range())),
            map: Some(map),
            file: Some(Arc::new(file)),
            read: AtomicU64::new(0),
        })
    }

    /// Returns no bytes, for a slide that is a folder.
    pub(super) fn none() -> Self {
        Self { _known: None, map: None, file: None, read: AtomicU64::new(0) }
    }

    /// Returns the length of the file.
    pub(super) fn len(&self) -> u64 {
        self.all().len() as u64
    }

    /// Returns `len` bytes at `offset`, or `None` when the file is shorter than that.
    pub(super) fn get(&self, offset: u64, len: u64) -> Option<&[u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = usize::try_from(offset.checked_add(len)?).ok()?;
        self.all().get(start..end)
    }

    /// Returns where `len` bytes at `offset` lie, for whoever reads them ahead.
    pub(super) fn on_disk(&self, offset: u64, len: u64) -> Option<OnDisk> {
        let range = offset..offset.checked_add(len)?;
        (!range.is_empty()).then_some(OnDisk { file: self.file.clone()?, range })
    }

    /// Returns the whole file.
    pub(super) fn all(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }

    /// Notes that `len` bytes were read and will hardly be needed again, so that reading a large
    /// slide does not keep all of it in memory.
    pub(super) fn done_with(&self, len: u64) {
        let before = self.read.fetch_add(len, Ordering::Relaxed);
        if before / RESIDENT_BYTES != (before + len) / RESIDENT_BYTES {
            self.release();
        }
    }

    #[cfg(unix)]
    fn release(&self) {
        // SAFETY: the map is shared and read-only, so dropping resident pages loses nothing; the
        // next access reads the same bytes from the file again.
        #[allow(unsafe_code)]
        let advised =
            self.map.as_ref().map(|map| unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) });
        // A refusal costs memory, not correctness.
        advised.map(Result::ok);
    }

    #[cfg(not(unix))]
    fn release(&self) {}
}
