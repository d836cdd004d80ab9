//! `convert` and `deidentify`: one slide to another file.

use std::path::Path;

use histograde::{
    Error, Mpp, Result, Slide,
    export::{
        deidentify,
        ome_tiff::{self, Codec, Settings},
    },
};
use rayon::ThreadPoolBuilder;

use super::{
    Exit, Failure, args,
    console::Console,
    interrupt,
    output::{self, Kind},
    plan,
};

/// Endings of TIFF files.
const PLAIN: [&str; 4] = ["tif", "tiff", "btf", "tf8"];
/// Endings of TIFF files of some vendors.
const OF_VENDORS: [&str; 4] = ["svs", "ndpi", "scn", "bif"];

/// Refuses a name that says something else than what is written.
fn named(output: &Path, endings: &[&str]) -> Result<()> {
    let ending = output.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if endings.iter().any(|one| one.eq_ignore_ascii_case(ending)) {
        return Ok(());
    }
    let names = endings.iter().map(|ending| format!(".{ending}")).collect::<Vec<_>>().join(", ");
    Err(Error::config("output", format!("a name that ends as TIFF does ({names})"), output.display()))
}

pub(super) fn run(args: &args::Convert, console: &Console) -> Result<Exit, Failure> {
    let pool = ThreadPoolBuilder::new().num_threads(plan::threads(args.threads)).build();
    let pool = pool.map_err(|e| Error::io("start", "threads")(std::io::Error::other(e)))?;
    let slide = Slide::open(&args.slide).map_err(Failure::of(&args.slide))?;
    output::check("output", [args.slide.as_path()], &args.output)?;
    named(&args.output, &PLAIN)?;
    output::may_replace("output", &args.output, Kind::Tiff)?;
    let codec = match args.codec.as_str() {
        "deflate" => Codec::Deflate,
        "zstd" => Codec::Zstd,
        _ => Codec::Jpeg(args.quality),
    };
    let settings = Settings {
        codec,
        lossless_copy: !args.no_copy,
        icc: args.icc,
        mpp: args.slide_mpp.and_then(Mpp::square),
    };
    let watch = interrupt::watch()?;
    let written = pool.install(|| ome_tiff::write(&slide, &args.output, &settings, &watch));
    let written = written.map_err(Failure::of(&args.slide))?;
    let left_out = match slide.info().associated.as_slice() {
        [] => String::new(),
        list => format!("; left out {}", list.join(", ")),
    };
    console.say(format!(
        "{}: {} levels, {} tiles, {} of them copied without loss{left_out}",
        args.output.display(),
        written.levels,
        written.tiles,
        written.copied
    ));
    Ok(Exit::AllDone)
}

pub(super) fn deidentify(args: &args::Deidentify, console: &Console) -> Result<Exit, Failure> {
    let slide = Slide::open(&args.slide).map_err(Failure::of(&args.slide))?;
    output::check("output", [args.slide.as_path()], &args.output)?;
    if slide.rewritten().is_none() {
        named(&args.output, &[&PLAIN[..], &OF_VENDORS].concat())?;
    }
    // A copy is known by nothing: it could be a slide. Into a folder that is empty several files of DICOM are written.
    if !args.output.is_dir() {
        output::may_replace("output", &args.output, Kind::New)?;
    }
    let watch = interrupt::watch()?;
    let removed = deidentify::write(&slide, &args.output, &watch).map_err(Failure::of(&args.slide))?;
    let images = match removed.images.as_slice() {
        [] => "no image beside the pyramid".to_owned(),
        list => list.join(", "),
    };
    console.say(format!(
        "{}: verified; left out {images} and {} header fields",
        args.output.display(),
        removed.fields.len()
    ));
    console.detail(format!("fields left out: {}", removed.fields.join(", ")));
    Ok(Exit::AllDone)
}
