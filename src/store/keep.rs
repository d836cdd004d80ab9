//! Keeping what came of a slide.

use super::{
    Done, Lock, Look, Store, owner,
    record::{self, Kept, KeptFile, Record},
    seen::Seen,
    sync, unchanged,
    whole::Whole,
    write_synced,
};
use crate::{
    batch::Job,
    error::{Error, Result},
};

impl Store {
    /// Keeps a result whose files were written, and returns its record. From here on the slide is done.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`] when the slide is no longer the file that was looked at; [`Error::Io`] when the record
    /// cannot be written, or another process took the slide over because this one seemed dead.
    pub fn keep(&self, job: &Job, look: &Look, lock: &Lock, names: &[&str], done: &Done<'_>) -> Result<Kept> {
        let Some(now) = &look.slide else { return Err(Error::Changed { how: "changed" }) };
        unchanged(&job.path, &now.facts)?;
        let (folder, files) = (self.folder(&job.slide_id), self.files(&job.slide_id));
        let mut seen = Seen::of_run(done.seconds, done.summary.analysed_px);
        seen.note_slide(&now.facts, now.key.slide());
        seen.note_path(owner::real(&job.path));
        let mut kept = Vec::new();
        for name in names {
            let (file, facts) = KeptFile::of(&files, name)?;
            seen.note_file(name, facts);
            kept.push(file);
        }
        sync(&files);
        let record = Record::new(&now.key, kept, done.whole, done.summary);
        let (bytes, seal) = record.to_bytes()?;
        lock.check()?;
        write_synced(&folder.join(now.key.record()), &bytes)?;
        self.forget_windows(job);
        seen.write(&folder)?;
        Ok(Kept { record: now.key.record(), seal, whole: Some(done.whole.clone()) })
    }

    /// Reads a slide from its first byte to its last.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when it cannot be read.
    pub fn whole(&self, job: &Job) -> Result<Whole> {
        Whole::of(&job.path)
    }

    /// Keeps a failure that would come again, and returns its record. Others leave nothing, nor does one of a slide that
    /// another process has by now.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when it cannot be written.
    pub fn keep_failure(
        &self,
        job: &Job,
        look: &Look,
        lock: &Lock,
        error: &Error,
        seconds: f64,
    ) -> Result<Option<Kept>> {
        let Some(now) = look.slide.as_ref().filter(|_| error.lasts()) else { return Ok(None) };
        // What is read here is what failed only if the slide stayed as it was to the end of it.
        let Ok(whole) = Whole::of(&job.path) else { return Ok(None) };
        if unchanged(&job.path, &now.facts).is_err() {
            return Ok(None);
        }
        let folder = self.folder(&job.slide_id);
        let (bytes, seal) = record::error_bytes(&now.key, error, Some(&whole))?;
        if !lock.is_ours() {
            return Ok(None);
        }
        write_synced(&folder.join(now.key.error_record()), &bytes)?;
        let mut seen = Seen::of_run(seconds, 0);
        seen.note_slide(&now.facts, now.key.slide());
        seen.write(&folder)?;
        Ok(Some(Kept { record: now.key.error_record(), seal, whole: Some(whole) }))
    }

    /// Returns whether another result stands where this one was: another process made the slide again.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the folder of the slide cannot be read.
    pub fn replaced(&self, slide_id: &str, kept: &Kept) -> Result<bool> {
        let folder = self.folder(slide_id);
        let names = record::names(&folder).map_err(Error::io("read", &folder))?;
        // While nothing is there somebody makes it anew, and will write the tables.
        Ok(!names.is_empty() && record::seal_of(&folder.join(&kept.record)) != Some(kept.seal.clone()))
    }
}
