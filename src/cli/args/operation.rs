//! What can be typed about how a batch is run: resuming, limits, and who is told.

use std::{path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, value_parser};
use histograde::batch::Memory;

/// How a batch is run. Results do not depend on it.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Running")]
pub(crate) struct Operation {
    /// Say for each slide why it is scored or not
    #[arg(long)]
    pub(crate) explain: bool,
    /// Score again what failed; without it a failure that would come again is kept
    #[arg(long)]
    pub(crate) retry_failed: bool,
    /// Score everything again
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Go on where an earlier run stopped; this is what is done anyway
    #[arg(long, conflicts_with = "fresh")]
    pub(crate) resume: bool,
    /// Hash every file, and slides whole, before a result is kept, also files whose size and times are as they were
    #[arg(long)]
    pub(crate) verify: bool,
    /// Say what would be done and how long it may take; writes nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Longest time for one slide: 90s, 30m, 2h; then it fails and the others go on
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) slide_timeout: Option<Duration>,
    /// Time between checkpoints of a slide in work, from which a run that was killed goes on; 0 for none [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = every)]
    pub(crate) checkpoint_every: Option<Duration>,
    /// Memory for everything: 128M or more [default: 300M, 100M more per thread beyond two]
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub(crate) memory: Option<Memory>,
    /// Threads that read ahead what will be decoded next, for slow disks; 0 for none [default: 2]
    #[arg(long, value_name = "N")]
    pub(crate) io_threads: Option<usize>,
    /// Add one line of JSON per event to FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) log_json: Option<PathBuf>,
    /// Run CMD in a shell once slides are done, with HISTOGRADE_STATUS, _SCORED, _FAILED, _EXIT, _OUT, … set; not where the run
    /// could not start
    #[arg(long, value_name = "CMD")]
    pub(crate) notify_cmd: Option<String>,
}

/// Which part of a batch is done here, when several processes share it.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "One job per slide")]
pub(crate) struct Part {
    /// Score only the slide of this id and leave the tables alone; may be repeated
    #[arg(long, value_name = "SLIDE_ID")]
    pub(crate) only: Vec<String>,
    /// Score only every Nth slide, beginning with the Kth, and leave the tables alone
    #[arg(long, value_name = "K/N", conflicts_with = "only", value_parser = shard)]
    pub(crate) shard: Option<(usize, usize)>,
    /// Write what came of the slides to FILE (JSON); not written, and removed, while something was in the way
    #[arg(long, value_name = "FILE")]
    pub(crate) outcome: Option<PathBuf>,
    /// Print id, file and tissue of each slide that would be used, and its file of --annotations, as a JSON list; opens no slide and writes nothing
    #[arg(long, conflicts_with_all = ["outcome", "dry_run", "gather"])]
    pub(crate) list: bool,
    /// Score nothing: make the tables of what is there; slides that are not there count as failed
    #[arg(long, conflicts_with_all = ["only", "shard", "outcome", "dry_run", "fresh", "retry_failed"])]
    pub(crate) gather: bool,
}

impl Part {
    /// Returns whether other processes do the rest.
    pub(crate) fn is_part(&self) -> bool {
        !self.only.is_empty() || self.shard.is_some()
    }
}

/// Reads a time: a number with `s`, `m` or `h`; seconds without.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, factor) = with_unit(text, &[('s', 1.0), ('m', 60.0), ('h', 3600.0)]);
    let seconds = number.parse::<f64>().ok().map(|v| v * factor).filter(|v| *v > 0.0 && *v < 1e8);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| "expected a time such as 90s, 30m or 2h".into())
}

/// Reads a time as [`duration`] does, or 0.
fn every(text: &str) -> Result<Duration, String> {
    match text.trim().trim_end_matches(['s', 'm', 'h']).trim() {
        "0" => Ok(Duration::ZERO),
        _ => duration(text).map_err(|_| "expected a time such as 60s or 5m, or 0".into()),
    }
}

/// Reads a size: a number with `K`, `M`, `G` or `T` (of 1024); bytes without.
fn memory(text: &str) -> Result<Memory, String> {
    let upper = text.to_ascii_uppercase();
    let upper = upper.strip_suffix("IB").or_else(|| upper.strip_suffix('B')).unwrap_or(&upper);
    let units = [('K', 1024.0), ('M', 1048576.0), ('G', 1073741824.0), ('T', 1099511627776.0)];
    let (number, factor) = with_unit(upper, &units);
    let bytes = number.parse::<f64>().ok().map(|v| v * factor).filter(|v| *v >= 0.0 && *v < 1e18);
    let bytes = bytes.ok_or("expected a size such as 500M or 2G")?;
    Memory::new(bytes as u64).map_err(|_| "expected 128M or more".into())
}

fn with_unit<'a>(text: &'a str, units: &[(char, f64)]) -> (&'a str, f64) {
    let text = text.trim();
    for (unit, factor) in units {
        if let Some(number) = text.strip_suffix(*unit) {
            return (number.trim(), *factor);
        }
    }
    (text, 1.0)
}

/// Reads `K/N` with 1 ≤ K ≤ N.
fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    parts.filter(|(k, n)| (1..=*n).contains(k)).ok_or_else(|| "expected K/N such as 1/8".into())
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde status results
  histograde status results --json
  watch -n 10 histograde status results

Reads only what is in OUT/store, on any machine that sees the folder. Not known there are slides not begun yet, and failures that
may pass: files that may not be read, and links of a folder that lead nowhere (slides.csv has them).
Exit codes: 0 none failed, 1 some failed or were abandoned, 2 no such folder, not one of results, or one that may not be read.")]
pub(crate) struct Status {
    /// Folder that `histograde score` writes
    pub(crate) out: PathBuf,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
    /// Failed slides to name
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u32))]
    pub(crate) show: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_units() {
        fn t(text: &str, expected: Option<f64>) {
            assert_eq!(duration(text).ok().map(|d| d.as_secs_f64()), expected, "{text}");
        }
        t("90s", Some(90.0));
        t("0.5m", Some(30.0));
        t("2h", Some(7200.0));
        t("7", Some(7.0));
        t("0", None);
        t("-1s", None);
        t("NaN", None);
        t("soon", None);
        let m = |text: &str| memory(text).ok().map(Memory::bytes);
        assert_eq!((m("2G"), m("512m"), m("1GiB")), (Some(2 << 30), Some(512 << 20), Some(1 << 30)));
        assert_eq!((m("1K"), m("much"), m("NaNG")), (None, None, None));
    }

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!((shard("1/8"), shard("8/8")), (Ok((1, 8)), Ok((8, 8))));
        assert!(shard("0/8").is_err() && shard("9/8").is_err() && shard("8").is_err());
    }
}
