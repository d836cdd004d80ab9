//! What can be typed.

#[cfg(test)]
mod examples;
mod export;
mod numbers;
mod operation;
mod study;

use std::path::PathBuf;

use clap::{
    ArgAction, Args as ClapArgs, Command as ClapCommand, CommandFactory as _, FromArgMatches as _, Parser,
    Subcommand, ValueEnum, builder::PossibleValuesParser, value_parser,
};
use clap_complete::Shell;
use histograde::{
    organ::{ORGANS, species::SPECIES},
    phantom::PAINTERS,
    phantom::render::Appearance,
};

pub(crate) use self::export::{Convert, Deidentify, Tile};
use self::numbers::{hue, not_negative, number, percent, pixel_size, positive};
pub(crate) use self::operation::{Operation, Part, Status};
pub(crate) use self::study::{Agree, Calibrate, Compare, Design, Init, Power, Run, Schema, Stats};

/// Reads whole-slide H&E images of pancreas, liver and kidney, measures damage and scores it.
///
/// Scores are research surrogates, not diagnoses.
#[derive(Debug, Parser)]
#[command(name = "histograde", version, after_help = TOP_HELP, propagate_version = false)]
pub(crate) struct Args {
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose", display_order = 90)]
    pub(crate) quiet: bool,
    /// Say more: skipped files, warnings of each slide
    #[arg(short, long, global = true, display_order = 91)]
    pub(crate) verbose: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// Reads the command line. Ends the process for `--help`, `--version` and usage errors.
    pub(crate) fn read() -> Self {
        let matches = Self::command_line().get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Returns the command line. Values may begin with a minus: whoever types `--mpp -0.5` is told what is wrong with the
    /// number, not that there is no option `-0`.
    fn command_line() -> ClapCommand {
        let value = |arg: clap::Arg| {
            let takes = arg.get_action().takes_values() && !arg.is_positional();
            if takes { arg.allow_negative_numbers(true) } else { arg }
        };
        Self::command().mut_subcommands(|command| command.mut_args(value))
    }
}

const TOP_HELP: &str = "\
Try it without any slide of your own:
  histograde demo --quick

Exit codes: 0 everything was done, 1 some slides failed, 2 could not start or not write its tables,
130 stopped by Ctrl-C, 143 stopped by SIGTERM.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what a slide's header says: size, pixel size, levels, properties
    Info(Info),
    /// Save a rectangle of a slide as PNG
    Region(Region),
    /// Cut slides into tiles for other programs
    Tile(Tile),
    /// Write a slide as pyramidal OME-TIFF
    Convert(Convert),
    /// Copy a slide without label, macro, barcodes, dates and free text
    Deidentify(Deidentify),
    /// Measure and score slides of one tissue, or of a sample sheet
    Score(Score),
    /// Show what an output folder holds while others work at it
    Status(Status),
    /// Score a sample sheet and compare its groups: `score` and `compare` in one
    Run(Run),
    /// Write label images and outlines of what is found on slides
    Segment(Segment),
    /// Make a synthetic H&E slide with known answers
    Phantom(Phantom),
    /// Make a small study of phantoms, score it and write a page to look at
    Demo(Demo),
    /// Write a sample sheet and a study description for a folder of slides
    Init(Init),
    /// Compare the groups of a scored study: tables and a report
    Compare(Compare),
    /// Compare groups of any table with one row per animal
    Stats(Stats),
    /// How many animals the next study needs, or what a number of animals can show
    Power(Power),
    /// How well a run agrees with a pathologist, or two readers or methods with each other
    Agree(Agree),
    /// Fit control ranges and cut-offs to a laboratory's own slides, into a rubric file
    Calibrate(Calibrate),
    /// Print the JSON Schema of a file that describes a study
    Schema(Schema),
    /// Score label images against reference label images: AJI, PQ, F1, Dice, area
    Evaluate(super::evaluate::Evaluate),
    /// Print a completion script for a shell
    Completions(Completions),
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde info slide.svs
  histograde info slides/*.svs --json > headers.json")]
pub(crate) struct Info {
    /// Slides or images
    #[arg(required = true, value_name = "SLIDE")]
    pub(crate) slides: Vec<PathBuf>,
    /// Print one JSON list instead of text
    #[arg(long)]
    pub(crate) json: bool,
    /// Print only the properties, line by line as openslide-show-properties does
    #[arg(long, conflicts_with = "json")]
    pub(crate) properties: bool,
    /// Also show what can name a patient: barcodes, names, numbers, dates and texts of DICOM; and the sizes of label and
    /// macro images
    #[arg(long)]
    pub(crate) associated: bool,
    /// Print why each format takes the file or not
    #[arg(long, conflicts_with_all = ["json", "properties"])]
    pub(crate) why: bool,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde region slide.svs --mpp 0.5 --x 12000 --y 8000 --width 800 --height 600 -o field.png
  histograde region slide.svs --level 2 --x 0 --y 0 --width 1000 --height 1000 -o corner.png
  histograde region slide.svs --associated macro -o macro.png

Pixels outside the slide are white. A label image can show a patient's name.")]
pub(crate) struct Region {
    /// The slide
    pub(crate) slide: PathBuf,
    /// Pyramid level to read; 0 is the full resolution
    #[arg(long, conflicts_with = "mpp")]
    pub(crate) level: Option<usize>,
    /// Pixel size of the output in µm; resampled from the best level
    #[arg(long, value_name = "MPP", value_parser = positive)]
    pub(crate) mpp: Option<f64>,
    /// Left edge, in level-0 pixels
    #[arg(long, value_name = "X", allow_negative_numbers = true, required_unless_present = "associated")]
    pub(crate) x: Option<i64>,
    /// Top edge, in level-0 pixels
    #[arg(long, value_name = "Y", allow_negative_numbers = true, required_unless_present = "associated")]
    pub(crate) y: Option<i64>,
    /// Width, in output pixels
    #[arg(long, value_parser = value_parser!(u32).range(1..), required_unless_present = "associated")]
    pub(crate) width: Option<u32>,
    /// Height, in output pixels
    #[arg(long, value_parser = value_parser!(u32).range(1..), required_unless_present = "associated")]
    pub(crate) height: Option<u32>,
    /// Save an associated image instead: label, macro or thumbnail
    #[arg(long, value_name = "NAME", conflicts_with_all = ["level", "mpp", "x", "y", "width", "height"])]
    pub(crate) associated: Option<String>,
    /// Convert colours to sRGB by the slide's ICC profile, where it has one
    #[arg(long)]
    pub(crate) icc: bool,
    /// PNG file to write
    #[arg(short, long, value_name = "FILE.png")]
    pub(crate) output: PathBuf,
}

/// Which slides, and how.
#[derive(Debug, ClapArgs)]
pub(crate) struct Batch {
    /// Slides, folders (with everything below) or patterns such as 'study/*.svs'
    #[arg(value_name = "INPUT", required_unless_present = "manifest", conflicts_with = "manifest")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Tissue on the slides
    #[arg(long, value_parser = organs(), conflicts_with = "manifest")]
    pub(crate) tissue: Option<String>,
    /// Sample sheet (CSV or TSV): slide, tissue, and where known animal_id, group and more, per slide
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Pixel size at full resolution in µm; overrides what the files state
    #[arg(long, value_name = "MPP", value_parser = pixel_size)]
    pub(crate) mpp: Option<f64>,
    /// Threads; results do not depend on it [default: all processors]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    #[command(flatten)]
    pub(crate) methods: Methods,
    /// Folder for the results; made if missing
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
}

/// How a kind of object is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// A learned network that sees the colours
    Net,
    /// Rules on stain and shape, and a small network on the stains
    Classical,
}

/// How slides are stained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stain {
    /// Haematoxylin and eosin
    He,
    /// Periodic acid–Schiff: kidneys only
    Pas,
}

/// How structures are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StructureMethod {
    /// A learned network alone
    Net,
    /// Glomeruli by a network and traced edges together, tubules by a network
    Mixed,
    /// Rules alone
    Classical,
}

/// How nuclei, vacuoles and structures are found.
#[derive(Clone, Debug, Default, ClapArgs)]
#[command(next_help_heading = "Methods")]
pub(crate) struct Methods {
    /// How nuclei are found [default: net for segment, classical where slides are scored]
    #[arg(long, value_enum, value_name = "METHOD")]
    pub(crate) nuclei: Option<Method>,
    /// How fat vacuoles of the liver are found [default: net for segment, classical where slides are scored]
    #[arg(long, value_enum, value_name = "METHOD")]
    pub(crate) vacuoles: Option<Method>,
    /// How glomeruli and tubules of the kidney are found [default: net for segment, mixed where slides are scored]
    #[arg(long, value_enum, value_name = "METHOD")]
    pub(crate) structures: Option<StructureMethod>,
    /// Folder of a model to use instead of the built-in one of its task; may be repeated
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde score slides/ --tissue liver -o results
  histograde score 'study/*/*.svs' --tissue kidney -o results --threads 4
  histograde score tile.png --tissue pancreas --mpp 0.5 -o results
  histograde score --manifest samples.csv -o results
  histograde score slide.svs --tissue pancreas --annotations drawn.geojson --fields 10 --objective 20 -o results
  histograde score slides/ --tissue liver -o results --slide-timeout 30m --log-json night.jsonl --memory 2G
  histograde score slides/ --tissue liver -o results --dry-run
  histograde score --manifest samples.csv -o results --only a1 --outcome a1.json   # one job of many, then:
  histograde score --manifest samples.csv -o results --gather                      # tables of all

The same command again goes on where it stopped: a result is kept while slide, settings, program and files are as
they were, and made again otherwise; --explain says why. Several processes may share OUT.

Writes to OUT:
  slides.csv                      one row per slide, failed slides with their reason
  long.csv                        one row per slide and feature
  sizes.csv                       sizes of glomeruli and hepatocytes, which compare judges against the controls'
  slides/<slide_id>/result.json   all numbers of a slide
  slides/<slide_id>/overview.png  the slide with everything that was found on it
  slides/<slide_id>/quality.png   the slide with what quality control left out
  slides/<slide_id>/objects.geojson  outlines, for QuPath
  slides/<slide_id>/fields.csv    counts in microscope fields, with --fields
  slides/<slide_id>/field.jpg, field_outlined.jpg, thumbnail.jpg  small pictures for reports
  run.json                        version, settings, times, hashes of tables and slides
  store/<slide_id>/               what resuming needs; see docs/scaling.md

Scoring is blind: animal and group of a slide are joined after it was measured.
An empty cell was not measured; 0 was looked for and is absent.
Exit codes: 0 no slide failed (blank slides and those left out did not), 1 some failed, 2 could not start or not
write its tables, 130 or 143 stopped. What came of each slide is its status in slides.csv.")]
pub(crate) struct Score {
    #[command(flatten)]
    pub(crate) batch: Batch,
    /// Cut-offs and weights to use instead of the built-in ones (JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) rubric: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) scoring: Scoring,
    #[command(flatten)]
    pub(crate) operation: Operation,
    #[command(flatten)]
    pub(crate) part: Part,
}

/// What is left out of slides, and what is looked at besides.
#[derive(Clone, Debug, ClapArgs)]
#[command(next_help_heading = "Scoring")]
pub(crate) struct Scoring {
    /// Damaged tiles that are left out before the slide fails, in percent of a level's tiles
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0, value_parser = percent)]
    pub(crate) max_bad_tiles: f64,
    /// Tissue that artefacts may cover before the slide is not scored, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 40.0, value_parser = percent)]
    pub(crate) max_artefact: f64,
    /// Species, whose sizes structures have; a column `species` of the sample sheet comes first
    #[arg(long, value_name = "NAME", default_value = "rat", value_parser = species())]
    pub(crate) species: String,
    /// Also count in so many microscope fields, drawn systematically at random: fields.csv of each slide
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=10_000))]
    pub(crate) fields: Option<u32>,
    /// Power of the objective of those fields
    #[arg(long, value_name = "POWER", default_value = "20", value_parser = positive, requires = "fields")]
    pub(crate) objective: f64,
    /// Field number of their eyepiece, in mm
    #[arg(long, value_name = "MM", default_value = "22", value_parser = positive, requires = "fields")]
    pub(crate) field_number: f64,
    /// Areas drawn in QuPath (GeoJSON) or ImageScope (XML): of one slide, or a folder with a file named after each
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) annotations: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde segment slide.svs --tissue liver -o labels
  histograde segment tiles/ --tissue kidney --mpp 0.25 -o labels
  histograde segment slide.svs --tissue liver -o labels --labels=false
  histograde segment tiles/ --tissue kidney --stain pas --mpp 0.5 -o labels

Writes to OUT, for every slide:
  <stem>.<layer>.tif   32-bit label image at full resolution; 0 is background, every object has its number
  <stem>.geojson       outlines and measurements, for QuPath
  <stem>.segment.json  models, settings and warnings: what the others were made with
A label image without objects means: looked for and absent.")]
pub(crate) struct Segment {
    #[command(flatten)]
    pub(crate) batch: Batch,
    /// Write label images; =false writes outlines only
    #[arg(
        long,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub(crate) labels: bool,
    /// Stain of the slides; pas finds glomeruli by a network of its own, for labels and outlines only
    #[arg(long, value_enum, value_name = "STAIN", default_value = "he")]
    pub(crate) stain: Stain,
    /// Damaged tiles that are left out before the slide fails, in percent of a level's tiles
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0, value_parser = percent)]
    pub(crate) max_bad_tiles: f64,
    /// Species, whose sizes structures have; a column `species` of the sample sheet comes first
    #[arg(long, value_name = "NAME", default_value = "rat", value_parser = species())]
    pub(crate) species: String,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde phantom --tissue liver --list
  histograde phantom --tissue liver --size 4096 --seed 7 -o healthy.svs
  histograde phantom --tissue kidney --lesion tubular_dilation=30 --stain pale -o altered.svs
  histograde phantom --tissue liver --artefact fold=3 --artefact pen -o spoilt.svs
  histograde phantom --tissue pancreas --species mouse --sections 3 -o mouse.svs

Beside FILE.svs it writes FILE.truth.json (the true feature values) and one label image per layer.")]
pub(crate) struct Phantom {
    /// Organ to paint
    #[arg(long, value_parser = painters())]
    pub(crate) tissue: String,
    /// Show what can be controlled, and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// Set one lesion; may be repeated. Names and ranges: --list
    #[arg(long = "lesion", value_name = "NAME=AMOUNT")]
    pub(crate) lesions: Vec<String>,
    /// Lay artefacts over the tissue: fold, tear, knife, blood, pen, bubble, dust or blur; may be repeated
    #[arg(long = "artefact", value_name = "NAME[=COUNT]")]
    pub(crate) artefacts: Vec<String>,
    /// Whose tissue: sizes of islets, glomeruli, tubules and lobules
    #[arg(long, value_name = "SPECIES", default_value = "rat", value_parser = species())]
    pub(crate) species: String,
    /// Side of the square that holds one section, in pixels
    #[arg(long, value_name = "PX", default_value_t = 2048)]
    pub(crate) size: u32,
    /// Sections on the slide, each another cut, with glass between
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u32).range(1..=6))]
    pub(crate) sections: u32,
    /// Pixel size, in µm
    #[arg(long, value_name = "MPP", value_parser = positive, default_value = "0.5")]
    pub(crate) mpp: f64,
    /// The same seed and settings give the same bytes
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) look: Look,
    /// Slide to write
    #[arg(short, long, value_name = "FILE.svs", required_unless_present = "list")]
    pub(crate) output: Option<PathBuf>,
}

/// How stain and scanner make a phantom look; what is not given comes from the preset.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Stain and scanner")]
pub(crate) struct Look {
    /// Preset to start from
    #[arg(long, value_name = "PRESET", default_value = "default", value_parser = presets())]
    pub(crate) stain: String,
    /// Strength of haematoxylin; 1 is normal
    #[arg(long, value_name = "FACTOR", value_parser = positive)]
    pub(crate) h_strength: Option<f64>,
    /// Strength of eosin; 1 is normal
    #[arg(long, value_name = "FACTOR", value_parser = positive)]
    pub(crate) e_strength: Option<f64>,
    /// Hue: above 0 bluer, below 0 pinker; -30 to 30 is sensible
    #[arg(long, value_name = "DEGREES", allow_negative_numbers = true, value_parser = hue)]
    pub(crate) hue: Option<f64>,
    /// Standard deviation of the lens blur, in µm
    #[arg(long, value_name = "UM", value_parser = not_negative)]
    pub(crate) blur: Option<f64>,
    /// Standard deviation of sensor noise, in grey levels
    #[arg(long, value_name = "LEVELS", value_parser = not_negative)]
    pub(crate) noise: Option<f64>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde demo --quick
  histograde demo -o /tmp/study

Three tissues, four groups. Writes slides, samples.csv, results and index.html, and prints where the page is.")]
pub(crate) struct Demo {
    /// Folder to write to; made if missing
    #[arg(short, long, value_name = "DIR", default_value = "histograde-demo")]
    pub(crate) output: PathBuf,
    /// Fewer animals and smaller slides: under a minute
    #[arg(long)]
    pub(crate) quick: bool,
    /// Threads; results do not depend on it [default: all processors]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde completions bash > ~/.local/share/bash-completion/completions/histograde
  histograde completions zsh > ~/.zfunc/_histograde
  histograde completions fish > ~/.config/fish/completions/histograde.fish")]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}

fn organs() -> PossibleValuesParser {
    ORGANS.iter().map(|o| o.name).collect::<Vec<_>>().into()
}

fn species() -> PossibleValuesParser {
    SPECIES.iter().map(|s| s.name).collect::<Vec<_>>().into()
}

fn painters() -> PossibleValuesParser {
    PAINTERS.iter().map(|p| p.organ).collect::<Vec<_>>().into()
}

fn presets() -> PossibleValuesParser {
    Appearance::PRESETS.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command_line().debug_assert();
    }

    #[test]
    fn numbers_below_zero_are_numbers() {
        fn t(line: &str, expected: &str) {
            let error = Args::command_line().try_get_matches_from(line.split(' ')).unwrap_err().to_string();
            assert!(error.contains(expected), "{line}: {error}");
        }
        let score = "histograde score a.svs --tissue liver -o x";
        t(&format!("{score} --mpp -0.5"), "'-0.5' for '--mpp <MPP>': expected µm per pixel, 0.05 to 20");
        t(&format!("{score} --mpp 50"), "'50' for '--mpp <MPP>': expected µm per pixel, 0.05 to 20");
        t(&format!("{score} --threads -1"), "-1 is not in 1..=1024");
        t(&format!("{score} --max-bad-tiles -1"), "expected 0 to 100");
        t("histograde tile a.svs -o x --min-tissue -0.1", "a number between 0 and 1");
        t("histograde tile a.svs -o x --slide-mpp 0.01", "expected µm per pixel, 0.05 to 20");
        t("histograde run --manifest m.csv -o x --mpp 21", "expected µm per pixel, 0.05 to 20");
    }
}
