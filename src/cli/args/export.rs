//! What can be typed to write slides in other forms.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs, builder::PossibleValuesParser, value_parser};
use histograde::stain::normalise::Method;

use super::{number, pixel_size, positive};

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde tile slides/ -o tiles --mpp 0.5 --size 512
  histograde tile slide.svs -o tiles --level 0 --size 256 --within areas.geojson --class Tumor
  histograde tile slides/ -o tiles --mpp 1 --random 500 --seed 7 --shards --qc blur=0.7,pen=0.05
  histograde tile slide.svs -o tiles --mpp 0.5 --stain-norm macenko --target reference.svs
  histograde tile slides/ -o tiles --mpp 0.5 --coords-only
  histograde tile --manifest samples.csv -o tiles --mpp 0.5

Writes to OUT:
  tiles/<slide>/<slide>_x<X>_y<Y>_w<W>.jpg   the tiles; corner and width in level-0 pixels (or shards/*.tar)
  tiles.csv, tiles.parquet                   one row per tile: where it lies, tissue, blur, pen, fold, file
  slides.csv                                 one row per slide: how many tiles, how many left out and why
  slides/<slide>/contact_sheet.png           the slide with its tiles, and some of them
  slides/<slide>/tiles.geojson               the tiles as rectangles, for QuPath

Where tiles line up with stored JPEG tiles, the stored coefficients are copied and not encoded again.
A run that was stopped goes on with the first slide that was not finished. Tiles reach beyond the slide
at its right and lower edge; there they are white.
Exit codes: 0 all tiled, 1 some not, 2 could not start, 130 stopped by Ctrl-C, 143 by SIGTERM.")]
pub(crate) struct Tile {
    /// Slides, folders (with everything below) or patterns such as 'study/*.svs'
    #[arg(value_name = "INPUT", required_unless_present = "manifest", conflicts_with = "manifest")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Sample sheet (CSV or TSV), as score takes it: slides, ids, pixel sizes and which are left out
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// Folder for the tiles; made if missing
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Pixel size of the tiles in µm, 0.05 to 20; a level within 1 % of it is taken as it is
    #[arg(long, value_name = "MPP", value_parser = pixel_size, conflicts_with_all = ["level", "objective"])]
    pub(crate) mpp: Option<f64>,
    /// Pyramid level to tile; 0 is the full resolution [default: 0]
    #[arg(long, value_name = "N", conflicts_with = "objective")]
    pub(crate) level: Option<usize>,
    /// Magnification of the tiles: 10, 20, 40
    #[arg(long, value_name = "POWER", value_parser = positive)]
    pub(crate) objective: Option<f64>,
    /// Side of a tile, in pixels
    #[arg(long, value_name = "PX", default_value_t = 512, value_parser = value_parser!(u32).range(8..=16384))]
    pub(crate) size: u32,
    /// Pixels that neighbouring tiles share
    #[arg(long, value_name = "PX", default_value_t = 0)]
    pub(crate) overlap: u32,
    /// Least share of a tile that is tissue, 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0.1", value_parser = share)]
    pub(crate) min_tissue: f64,
    /// Leave tiles out that are worse than this: blur=0.7,pen=0.05,fold=0.1 (each 0 to 1)
    #[arg(long, value_name = "FLAW=MOST", value_delimiter = ',')]
    pub(crate) qc: Vec<String>,
    /// Stay inside drawn areas (GeoJSON, ImageScope XML), or those of <slide>.geojson, .json or .xml in a folder; at least half of a tile
    #[arg(long, value_name = "AREAS")]
    pub(crate) within: Option<PathBuf>,
    /// Only areas of this class, in any case; may be repeated. Without it all count, and Ignore, Exclude and Artefact take tissue out
    #[arg(long = "class", value_name = "CLASS", requires = "within")]
    pub(crate) classes: Vec<String>,
    /// Draw N tiles per slide instead of taking all
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub(crate) random: Option<u32>,
    /// Seed of the draw; the same seed draws the same tiles
    #[arg(long, value_name = "N", default_value_t = 1, requires = "random")]
    pub(crate) seed: u64,
    /// Bring all slides to the stain of the target
    #[arg(long, value_name = "METHOD", value_parser = methods(), requires = "target")]
    pub(crate) stain_norm: Option<String>,
    /// Slide or image with the wanted stain
    #[arg(long, value_name = "FILE", requires = "stain_norm")]
    pub(crate) target: Option<PathBuf>,
    /// Convert colours to sRGB by the slide's ICC profile, where it has one; those of the target too
    #[arg(long)]
    pub(crate) icc: bool,
    /// How tiles are stored; png and webp are lossless
    #[arg(long, value_name = "FORMAT", default_value = "jpeg", value_parser = PossibleValuesParser::new(["jpeg", "png", "webp"]))]
    pub(crate) format: String,
    /// Quality of JPEG tiles that are encoded, 1 to 100
    #[arg(long, value_name = "Q", default_value_t = 90, value_parser = value_parser!(u8).range(1..=100))]
    pub(crate) quality: u8,
    /// Copy stored JPEG tiles where they line up; =false encodes all again
    #[arg(
        long,
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_value_t = true,
        default_missing_value = "true",
        action = ArgAction::Set
    )]
    pub(crate) lossless_copy: bool,
    /// Write tar files of up to 1000 tiles, as WebDataset reads them
    #[arg(long, conflicts_with = "coords_only")]
    pub(crate) shards: bool,
    /// Write the tables only; nothing is read at full resolution unless --qc blur asks for it
    #[arg(long)]
    pub(crate) coords_only: bool,
    /// Pixel size of the slides at full resolution in µm; overrides what the files state, not what the sheet does
    #[arg(long, value_name = "MPP", value_parser = pixel_size)]
    pub(crate) slide_mpp: Option<f64>,
    /// Threads; results do not depend on it [default: all processors]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde convert slide.ndpi slide.ome.tiff
  histograde convert slide.mrxs slide.ome.tiff --codec zstd

Writes a pyramid of tiles with the smaller levels as sub-directories, the pixel size and the magnification.
Label, macro, barcodes and other header fields are not copied. Stored JPEG tiles are copied without loss.")]
pub(crate) struct Convert {
    /// The slide
    pub(crate) slide: PathBuf,
    /// OME-TIFF file to write
    #[arg(value_name = "OUT.ome.tiff")]
    pub(crate) output: PathBuf,
    /// How tiles are stored; deflate and zstd are lossless
    #[arg(long, value_name = "CODEC", default_value = "jpeg", value_parser = PossibleValuesParser::new(["jpeg", "deflate", "zstd"]))]
    pub(crate) codec: String,
    /// Quality of JPEG tiles that are encoded, 1 to 100
    #[arg(long, value_name = "Q", default_value_t = 90, value_parser = value_parser!(u8).range(1..=100))]
    pub(crate) quality: u8,
    /// Encode all tiles anew, also those that could be copied
    #[arg(long)]
    pub(crate) no_copy: bool,
    /// Convert colours to sRGB by the slide's ICC profile, where it has one
    #[arg(long)]
    pub(crate) icc: bool,
    /// Pixel size at full resolution in µm; overrides what the file states
    #[arg(long, value_name = "MPP", value_parser = pixel_size)]
    pub(crate) slide_mpp: Option<f64>,
    /// Threads; results do not depend on it [default: all processors]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  histograde deidentify slide.svs -o clean.svs

Writes a copy that holds the pyramid, its pixel size, magnification and colour profile, and nothing else: no label,
no macro, no thumbnail, no barcodes, dates or free text. The copy is read back and checked. TIFF slides (Aperio, NDPI,
SCN, BIF, Trestle and more) and DICOM; others are refused. The name of the file, and writing on the tissue itself, are
yours to check.")]
pub(crate) struct Deidentify {
    /// The slide
    pub(crate) slide: PathBuf,
    /// Slide to write
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
}

fn methods() -> PossibleValuesParser {
    Method::NAMES.into()
}

fn share(text: &str) -> Result<f64, String> {
    number(text, "a number between 0 and 1", |v| (0.0..=1.0).contains(&v))
}
