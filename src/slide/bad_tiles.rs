//! Damaged tiles: counted, left out as glass, and too many of them an error.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use super::{Level, TileAt};
use crate::error::{Error, Result};

/// The largest share of a level's tiles that may be of a kind that is not read: with more of them the level is written so,
/// and not damaged.
const MOST_UNSUPPORTED: f64 = 0.5;

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

    /// Notes a tile that does not decode. One that seems to be of a kind that is not read may be damaged in the byte that says
    /// its kind.
    ///
    /// # Errors
    ///
    /// `error` itself when nothing is tolerated or the tile is not what is at fault. When there are too many, `error` if it
    /// says that the kind is not read, else [`Error::Limits`].
    pub(super) fn note(&self, at: TileAt, level: &Level, error: Error) -> Result<()> {
        let mut state = self.lock();
        let Some(share) = state.share else { return Err(error) };
        let unsupported = matches!(error, Error::Unsupported { .. });
        if !unsupported && !matches!(error, Error::Malformed { .. }) {
            return Err(error);
        }
        state.found.insert(at, error.to_string());
        let of_level = state.found.keys().filter(|other| other.level == at.level).count() as u64;
        let tiles =
            level.width.div_ceil(level.tile_width.into()) * level.height.div_ceil(level.tile_height.into());
        let share = if unsupported { share.min(MOST_UNSUPPORTED) } else { share };
        // A percentage in hundredths may be a little less than it should.
        let limit = (share * tiles as f64 + 1e-9) as u64;
        if of_level <= limit {
            return Ok(());
        }
        if unsupported {
            return Err(error);
        }
        let percent = (1e9 * 100.0 * share).round() / 1e9;
        let what = format!(
            "{error}; number of damaged tiles of level {} ({tiles} tiles; --max-bad-tiles {percent} %)",
            at.level
        );
        Err(Error::Limits { what, got: limit + 1, limit })
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
        assert!(
            message.starts_with("malformed aperio: tile, expected a JPEG stream, got nothing; number of")
        );
        assert_eq!(bad.list()[2].0, at(2));
    }

    #[test]
    fn percentages_are_those_that_were_given() {
        fn t(percent: f64, side: u64, limit: u64) {
            let level = Level::of([side, 1], [side, 1], [1, 1]);
            let bad = BadTiles::default();
            bad.tolerate(percent / 100.0);
            let note = |col| {
                let error = Error::malformed("aperio", "tile", "a JPEG stream", "nothing");
                bad.note(TileAt { level: 0, col, row: 0 }, &level, error)
            };
            (0..limit).for_each(|col| note(col).unwrap());
            let message = note(limit).unwrap_err().to_string();
            let expected = format!("--max-bad-tiles {percent} %) is {}, more than", limit + 1);
            assert!(message.contains(&expected), "{message}");
        }
        t(29.0, 100, 29);
        t(7.0, 100, 7);
        t(0.07, 10_000, 7);
        t(1.1, 1000, 11);
        t(1.0, 99, 0);
    }

    #[test]
    fn kinds_that_are_not_read_are_damage_while_they_are_few() {
        let level = Level::of([10, 10], [10, 10], [1, 1]);
        let bad = BadTiles::default();
        let note = |col| {
            bad.note(TileAt { level: 0, col, row: 0 }, &level, Error::unsupported("aperio", "lossless JPEG"))
        };
        bad.tolerate(0.01);
        note(0).unwrap();
        assert_eq!(
            note(1).unwrap_err().to_string(),
            "aperio file uses lossless JPEG, which is not supported"
        );
        // What is only looked at is not called empty where nothing of it is read.
        bad.tolerate(1.0);
        (0..50).for_each(|col| note(col).unwrap());
        assert!(note(50).is_err());
    }
}
