//! Damaged tiles: counted, left out as glass, and too many of them an error.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use super::{Level, TileAt};
use crate::error::{Error, Result};

/// The damaged tiles of a slide. Consulted only when a tile does not decode.
#[derive(Default)]
pub(super) struct BadTiles(Mutex<State>);

#[derive(Default)]
struct State {
    /// Largest share of a level's tiles; `None` when every damaged tile is an error.
    share: Option<f64>,
    found: BTreeMap<TileAt, String>,
}

impl BadTiles {
    pub(super) fn tolerate(&self, share: f64) {
        self.lock().share = Some(share);
    }

    pub(super) fn refuse(&self) {
        self.lock().share = None;
    }

    pub(super) fn list(&self) -> Vec<(TileAt, String)> {
        self.lock().found.iter().map(|(at, what)| (*at, what.clone())).collect()
    }

    /// Notes a tile that does not decode.
    ///
    /// # Errors
    ///
    /// `error` itself when nothing is tolerated or the tile is not what is at fault; [`Error::Limits`] when
    /// there are too many.
    pub(super) fn note(&self, at: TileAt, level: &Level, error: Error) -> Result<()> {
        let mut state = self.lock();
        let Some(share) = state.share else { return Err(error) };
        if !matches!(error, Error::Malformed { .. }) {
            return Err(error);
        }
        state.found.insert(at, error.to_string());
        let of_level = state.found.keys().filter(|other| other.level == at.level).count() as u64;
        let tiles =
            level.width.div_ceil(level.tile_width.into()) * level.height.div_ceil(level.tile_height.into());
        let limit = (share * tiles as f64) as u64;
        if of_level > limit {
            let what = format!(
                "number of damaged tiles of level {} ({tiles} tiles; --max-bad-tiles {} %)",
                at.level,
                100.0 * share
            );
            return Err(Error::Limits { what, got: limit + 1, limit });
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred() {
        let level = Level { width: 1000, height: 1000, downsample: 1.0, tile_width: 50, tile_height: 50 };
        let error = || Error::malformed("aperio", "tile", "a JPEG stream", "nothing");
        let at = |col: u64| TileAt { level: 0, col, row: 0 };
        let bad = BadTiles::default();
        assert!(bad.note(at(0), &level, error()).is_err());
        bad.tolerate(0.01);
        for col in [0, 1, 2, 3, 3] {
            bad.note(at(col), &level, error()).unwrap();
        }
        assert!(bad.note(at(4), &level, Error::Interrupted).is_err());
        let message = bad.note(at(5), &level, error()).unwrap_err().to_string();
        assert!(
            message.contains("(400 tiles; --max-bad-tiles 1 %) is 5, more than the limit of 4"),
            "{message}"
        );
        assert_eq!(bad.list()[2].0, at(2));
    }
}
