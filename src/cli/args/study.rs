//! What can be typed to design, compare and plan studies.

use std::path::PathBuf;

use clap::{Args as ClapArgs, value_parser};

use super::{Methods, Operation, Scoring, number, pixel_size, positive};

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde init slides/

Writes samples.csv (slides found; animals and groups to be filled in) and study.toml into FOLDER. The tissue is guessed where a word
of the slide's path names one organ, the group from the slide's folder: check both.")]
pub(crate) struct Init {
    /// Folder with the slides
    pub(crate) folder: PathBuf,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde run --manifest samples.csv -o results
  histograde run --manifest samples.csv --study study.toml --animals animals.csv -o results

Checks everything first, then scores the slides without knowing their groups, then joins the sample sheet and compares.
Writes what `score` writes to OUT and what `compare` writes to OUT/comparison; see their help. Slides that `score` did with the same
options are kept, with other options they are scored again. Slides that are scored by one job each (`score --only`, then
`score --gather`) are compared by `compare`.
Exit codes: 0 compared and no slide failed (blank slides and those left out did not), 1 some failed, 2 could not start or not write its
tables, 130 and 143 stopped by Ctrl-C and SIGTERM.")]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) design: Design,
    /// Pixel size at full resolution in µm; overrides what the files state
    #[arg(long, value_name = "MPP", value_parser = pixel_size)]
    pub(crate) mpp: Option<f64>,
    /// Threads; results do not depend on it [default: all processors]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    #[command(flatten)]
    pub(crate) methods: Methods,
    #[command(flatten)]
    pub(crate) scoring: Scoring,
    /// Folder for the results; made if missing
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) operation: Operation,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde compare results --manifest samples.csv
  histograde compare results --manifest samples.csv --study study.toml --animals animals.csv -o report

Reads long.csv and sizes.csv of RESULTS, joins them with the sample sheet, brings slides together per animal and compares groups.
Hypertrophy of hepatocytes and atrophy of glomeruli are counted beyond cut-offs of the control group (at least 4 animals).
Doses of the sample sheet are tested for a trend where the study description declares the ladder ([doses]); both must agree.
Columns of the animal table state their units at the end of their names: glucose (or glucose_mmol_l) and glucose_mg_dl, insulin
(or insulin_uu_ml: µU/mL) and insulin_pmol_l, both fasting, ogtt_<minutes> with the ends of glucose; any other number has the unit it has.
Files of an earlier comparison in REPORT are removed first; other files stay, and one with a name of those below stops the command. Writes to REPORT:
  report.html            everything to look at, in one file
  stats_omnibus.csv      tests of all groups, by endpoint
  stats_contrasts.csv    comparisons of groups with effect, interval and p; estimates are of medians where ranks are compared
  stats_trends.csv       tests along the doses, which answers and which checks, slopes
  animals.csv            the analysis table: one row per animal
  methods.txt            the methods paragraph; references.bib: its citations
  figures/               the page's figures as SVG and as PNG at 300 dpi
  prism/                 one column table per endpoint
  send/ multiqc/         microscopic findings in the manner of SEND (vocabulary unverified); tables for MultiQC
  load_tables.py .R      load all tables into pandas or R
  provenance.json, ro-crate-metadata.json   what was made from what, with hashes
  and animals_long, groups, recovery, equivalence, assumptions, variance_components, relations, weight_sensitivity, exclusions, warnings
Every table is written as CSV and as Parquet.")]
pub(crate) struct Compare {
    /// Folder that `histograde score` wrote
    pub(crate) results: PathBuf,
    #[command(flatten)]
    pub(crate) design: Design,
    /// Folder for the report [default: RESULTS/comparison]
    #[arg(short, long, value_name = "REPORT")]
    pub(crate) output: Option<PathBuf>,
}

/// What is compared, and how.
#[derive(Debug, ClapArgs)]
pub(crate) struct Design {
    /// Sample sheet (CSV or TSV): slide, animal_id, group, tissue
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: PathBuf,
    /// Study description (TOML); `histograde init` writes one to start from
    #[arg(long, value_name = "FILE")]
    pub(crate) study: Option<PathBuf>,
    /// Blood, urine and weights, one row per animal (CSV with animal_id)
    #[arg(long, value_name = "FILE")]
    pub(crate) animals: Option<PathBuf>,
    /// Cut-offs and weights to use instead of the built-in ones (JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) rubric: Option<PathBuf>,
    /// Title of the report [default: name of the results folder]
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// Also write measurements.tsv with the column names that QuPath uses
    #[arg(long)]
    pub(crate) qupath_names: bool,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde stats ogtt.csv --value auc --group group --control vehicle
  histograde stats liver.csv --value nas --group group --disease diabetic --normal normal --ordinal
  histograde stats weights.csv --value gain --group group --dose dose --block litter --json

The unit is the animal. Rows of one animal are averaged with --animal COLUMN, never tested one by one.
Which test is used follows from the kind of values, not from a p-value; the reason is printed.
Empty cells, NA, N/A, NaN, . and - mean that there is no value; a row with a value needs a group, and the block and animal that
are asked for. A column is that of the very name, else that in other letters; a group, block or animal that is written in two
ways (case, spaces, dashes, characters for accents) is refused, as are cells with line breaks, and animals that stand in several
rows where no --animal is given: columns called animal, subject, mouse or rat, also with id, no, nr or number, and id alone.
Groups keep their order in the table. With --block all but Jonckheere-Terpstra
and the tests marked as not adjusted is of adjusted means: contrasts, pairs, effects, equivalence, linear trend; labels are
permuted within blocks.")]
pub(crate) struct Stats {
    /// Table (CSV or TSV) with a heading
    pub(crate) table: PathBuf,
    /// Column with the numbers
    #[arg(long, value_name = "COL")]
    pub(crate) value: String,
    /// Column with the group
    #[arg(long, value_name = "COL")]
    pub(crate) group: String,
    /// Group that the others are compared with
    #[arg(long, value_name = "NAME", conflicts_with_all = ["disease", "normal"])]
    pub(crate) control: Option<String>,
    /// Diseased, untreated group: does a treatment help?
    #[arg(long, value_name = "NAME")]
    pub(crate) disease: Option<String>,
    /// Healthy group: is there still a deficit?
    #[arg(long, value_name = "NAME")]
    pub(crate) normal: Option<String>,
    /// Column with the dose of the group; empty for groups off the dose ladder
    #[arg(long, value_name = "COL")]
    pub(crate) dose: Option<String>,
    /// Column with a block to adjust for: batch, litter, day
    #[arg(long, value_name = "COL")]
    pub(crate) block: Option<String>,
    /// Column with the animal; its rows are averaged first
    #[arg(long, value_name = "COL")]
    pub(crate) animal: Option<String>,
    /// Column with a number to adjust for (body weight, baseline); may be repeated
    #[arg(long = "covariate", value_name = "COL", conflicts_with = "ordinal")]
    pub(crate) covariates: Vec<String>,
    /// Column with the animal of repeated rows: they are averaged as with --animal, and a mixed model on all rows checks
    #[arg(long, value_name = "COL", conflicts_with_all = ["animal", "ordinal"])]
    pub(crate) cluster: Option<String>,
    /// The values are grades: only their order means something
    #[arg(long)]
    pub(crate) ordinal: bool,
    /// Groups are known beforehand to vary equally: use Dunnett's and Tukey's tests
    #[arg(long, conflicts_with = "ordinal")]
    pub(crate) equal_variances: bool,
    /// Largest difference from the --normal group, or the --control, that does not matter; tests equivalence of measurements
    #[arg(long, value_name = "DIFFERENCE", value_parser = positive, conflicts_with = "ordinal")]
    pub(crate) margin: Option<f64>,
    /// Significance level
    #[arg(long, value_name = "ALPHA", default_value = "0.05", value_parser = level)]
    pub(crate) alpha: f64,
    /// Seed of permutations, where there are too many to list
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde power --difference 1.5 --n 8                 # power of a t test of two groups of 8
  histograde power --difference 1.5                       # animals per group for 80 %
  histograde power --groups 6 --effect 0.4 --n 8          # power of an analysis of variance

--groups goes with --effect, for a t test is of two groups; --n and --power exclude each other.
--difference is the difference of two means over the standard deviation between animals of one group; --effect is
Cohen's f, the standard deviation of the group means over it. Take them from what would matter, or from a pilot study,
not from the study that was just made.")]
pub(crate) struct Power {
    /// Difference of two groups, in standard deviations (Cohen's d)
    #[arg(long, value_name = "D", value_parser = positive, required_unless_present = "effect", conflicts_with = "effect")]
    pub(crate) difference: Option<f64>,
    /// Effect over all groups (Cohen's f)
    #[arg(long, value_name = "F", value_parser = positive, requires = "groups")]
    pub(crate) effect: Option<f64>,
    /// Number of groups, with --effect; --difference is of two
    #[arg(long, value_name = "K", conflicts_with = "difference", value_parser = value_parser!(u32).range(2..=100))]
    pub(crate) groups: Option<u32>,
    /// Animals per group; prints the power
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(2..=100_000))]
    pub(crate) n: Option<u32>,
    /// Wanted power; prints the animals per group
    #[arg(long, value_name = "POWER", default_value = "0.8", value_parser = share, conflicts_with = "n")]
    pub(crate) power: f64,
    /// Significance level
    #[arg(long, value_name = "ALPHA", default_value = "0.05", value_parser = level)]
    pub(crate) alpha: f64,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde agree results --reads reads.csv -o agreement
  histograde agree grades.csv --a pathologist --b histograde --grades
  histograde agree areas.csv --a scan1 --b scan2

Reads are a pathologist's grades, one per slide and lesion: slide_id and a column per lesion, or the columns slide_id, lesion and
grade. Lesions are called as in the rubric, with the tissue in front where the results hold several that have it (kidney.congestion).
Of every lesion it compares grades (weighted kappa) and scores (Spearman, intraclass and concordance correlation, Bland and Altman),
and draws the differences. Slides that only one of them graded are counted, named where the results do not hold them, and left out.
Intervals are made by drawing animals, with all their slides, again and again; those of Spearman and the intraclass correlation by
formula where each animal has one slide. Limits of agreement are of single slides, within and between animals.

Of a table, one row per animal; rows without one of the two values are left out and counted. Where a column such as animal or
mouse_id has an animal in several rows nothing has an interval, for these rows do not count as several.")]
pub(crate) struct Agree {
    /// Folder that `score` wrote, or a table (CSV or TSV) with a heading
    pub(crate) table: PathBuf,
    /// Grades of a pathologist, per slide and lesion, to compare with the folder's
    #[arg(long, value_name = "FILE", conflicts_with_all = ["a", "b", "grades"], requires = "output")]
    pub(crate) reads: Option<PathBuf>,
    /// Sample sheet, where the results name no animals
    #[arg(long, value_name = "FILE", requires = "reads")]
    pub(crate) manifest: Option<PathBuf>,
    /// Rubric the folder was scored with, if not the built-in one
    #[arg(long, value_name = "FILE", requires = "reads")]
    pub(crate) rubric: Option<PathBuf>,
    /// Folder for tables and figures; made if missing
    #[arg(short, long, value_name = "OUT", requires = "reads")]
    pub(crate) output: Option<PathBuf>,
    /// Column of one reader
    #[arg(long, value_name = "COL", requires = "b")]
    pub(crate) a: Option<String>,
    /// Column of the other reader
    #[arg(long, value_name = "COL", requires = "a")]
    pub(crate) b: Option<String>,
    /// The values are grades: kappa, unweighted and weighted
    #[arg(long)]
    pub(crate) grades: bool,
    /// Significance level of intervals
    #[arg(long, value_name = "ALPHA", default_value = "0.05", value_parser = level)]
    pub(crate) alpha: f64,
    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde calibrate results --controls control -o lab.json
  histograde calibrate results --controls control --reads reads.csv -o lab.json
  histograde score slides/ --tissue liver --rubric lab.json -o scored

Controls (at least 4 animals, better 6) give the range of every feature, the base of lesions judged in percent of control, and
the sizes from which on hepatocytes are hypertrophic and glomeruli shrunken.
Reads are a pathologist's grades, one per slide and lesion: slide_id and a column per lesion, or the columns slide_id, lesion and
grade. Lesions are called as in the rubric, with the tissue in front where the results hold several that have it (kidney.congestion).
Cut-offs that grade animals left out worse (weighted kappa) than those before are not taken, and the file says why. Calibrate on
controls and diseased animals or on another study, never on the treatment that is to be judged.")]
pub(crate) struct Calibrate {
    /// Folder that `score` wrote
    pub(crate) results: PathBuf,
    /// Group of the control animals
    #[arg(long, value_name = "GROUP", required_unless_present = "reads")]
    pub(crate) controls: Option<String>,
    /// Grades of a pathologist, per slide and lesion
    #[arg(long, value_name = "FILE")]
    pub(crate) reads: Option<PathBuf>,
    /// Sample sheet, where the results name no animals and groups
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Rubric to start from instead of the built-in one; what it was calibrated to stays where nothing new is found
    #[arg(long, value_name = "FILE")]
    pub(crate) rubric: Option<PathBuf>,
    /// Rubric file to write
    #[arg(short, long, value_name = "FILE.json")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde schema samples > samples.schema.json
  histograde schema study > study.schema.json")]
pub(crate) struct Schema {
    /// Which file: samples (samples.csv), animals (animals.csv) or study (study.toml)
    #[arg(value_parser = ["samples", "animals", "study"])]
    pub(crate) of: String,
}

fn share(text: &str) -> Result<f64, String> {
    number(text, "a number between 0.01 and 0.999", |v| (0.01..=0.999).contains(&v))
}

fn level(text: &str) -> Result<f64, String> {
    number(text, "a number between 0.0001 and 0.2", |v| (0.0001..=0.2).contains(&v))
}
