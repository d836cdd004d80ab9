//! Whether the numbers of a model's card make sense: a card is written by hand as well as by `models/train`.

use std::ops::RangeInclusive;

use super::{Card, FORMAT, Input, Network};
use crate::error::{Error, Result};

/// Most levels, channels of one, and blocks of one.
const MAX_LEVELS: usize = 5;
const MAX_WIDTH: usize = 512;
const MAX_BLOCKS: usize = 32;

/// Tasks of models whose objects are found by one limit of log odds.
const OBJECTS: &[&str] = &["nuclei", "vacuoles", "tubules"];
const NUCLEI: &[&str] = &["nuclei"];
const CELLS: &[&str] = &["nuclei", "vacuoles"];
const OPENED: &[&str] = &["nuclei", "tubules"];
const STRUCTURES: &[&str] = &["structures"];
const ALL: &[&str] = &["nuclei", "vacuoles", "structures", "tubules"];

/// Log odds that a map can reach: it is kept as thousandths in 16 bits.
const ODDS: RangeInclusive<f64> = -30.0..=30.0;

/// Parameters of `[post]` with the values that make sense and the tasks whose methods read them.
const POST: [(&str, RangeInclusive<f64>, &[&str]); 7] = [
    ("least_odds", ODDS, OBJECTS),
    ("least_odds_corpuscle", ODDS, STRUCTURES),
    ("least_odds_tuft", ODDS, STRUCTURES),
    ("middle_depth", 0.0..=1.0, OBJECTS),
    ("min_um2", 0.0..=1000.0, CELLS),
    ("open_um", 0.0..=5.0, OPENED),
    ("close_um", 0.0..=5.0, NUCLEI),
];

/// Names of the facts that `[domain]` may give a range of; see [`super::Facts`].
const DOMAIN: [&str; 8] = [
    "od_median",
    "red_share_dark",
    "blue_share_dark",
    "red_share_light",
    "blue_share_light",
    "sharpness",
    "foreground_pct",
    "unsure_pct",
];

/// Pixels of a tile, and of what an output looks at around it.
const TILE: RangeInclusive<usize> = 1..=1 << 16;
const HALO: RangeInclusive<usize> = 0..=1 << 11;
/// Coarsest pixels that a model may be given, in µm.
const MAX_MPP: f64 = 100.0;

/// Checks every number of a card that steers what is found.
///
/// # Errors
/// [`Error::Malformed`] for what is not finite, beyond what makes sense, or read by nothing.
pub(super) fn card(card: &Card) -> Result<()> {
    network(card)?;
    input(&card.input)?;
    card.post.iter().try_for_each(|(name, &value)| parameter(&card.task, name, value))?;
    card.domain.iter().try_for_each(|(name, &range)| fact(name, range))
}

fn network(card: &Card) -> Result<()> {
    let Network { widths, down, up, .. } = &card.network;
    let levels = widths.len();
    let known = (2..=MAX_LEVELS).contains(&levels) && down.len() == levels && up.len() + 1 == levels;
    let small = widths.iter().all(|w| (1..=MAX_WIDTH).contains(w))
        && down.iter().chain(up.iter()).all(|&n| n <= MAX_BLOCKS)
        && (1..=8).contains(&card.outputs.len());
    if !known || !small {
        let expected = "2 to 5 levels, as many counts of blocks on the way down and one less on the way up";
        let got = format!("widths {widths:?}, down {down:?}, up {up:?}");
        return Err(fault("network", expected, got));
    }
    Ok(())
}

fn input(input: &Input) -> Result<()> {
    let [least, most] = input.mpp_range;
    if !(least > 0.0 && least <= input.mpp && input.mpp <= most && most.is_finite()) {
        let got = format!("{} in {least} to {most}", input.mpp);
        return Err(fault("input.mpp", "a pixel size within mpp_range", got));
    }
    if most > MAX_MPP {
        return Err(fault("input.mpp_range", format!("pixel sizes of at most {MAX_MPP} µm"), most));
    }
    if !TILE.contains(&input.tile) {
        return Err(fault("input.tile", span(&TILE), input.tile));
    }
    if !HALO.contains(&input.halo) {
        return Err(fault("input.halo", span(&HALO), input.halo));
    }
    Ok(())
}

fn parameter(task: &str, name: &str, value: f64) -> Result<()> {
    // A task that no method has is refused where the model is to be used.
    let reads = |tasks: &[&str]| tasks.contains(&task) || !ALL.contains(&task);
    let known = POST.iter().filter(|(_, _, tasks)| reads(tasks));
    let Some((_, range, _)) = known.clone().find(|(known, ..)| *known == name) else {
        let names: Vec<&str> = known.map(|(known, ..)| *known).collect();
        let expected = format!("a parameter that {task} are found by ({})", names.join(", "));
        return Err(fault("[post]", expected, name));
    };
    if range.contains(&value) { Ok(()) } else { Err(fault(&format!("post.{name}"), span(range), value)) }
}

fn fact(name: &str, [least, most]: [f64; 2]) -> Result<()> {
    if !DOMAIN.contains(&name) {
        return Err(fault("[domain]", format!("one of {}", DOMAIN.join(", ")), name));
    }
    if least.is_finite() && most.is_finite() && least <= most {
        return Ok(());
    }
    let expected = "two numbers, the smaller one first";
    Err(fault(&format!("domain.{name}"), expected, format!("{least} and {most}")))
}

fn span(range: &RangeInclusive<impl std::fmt::Display>) -> String {
    format!("{} to {}", range.start(), range.end())
}

fn fault(what: &str, expected: impl ToString, got: impl ToString) -> Error {
    Error::malformed(FORMAT, what, expected, got)
}
