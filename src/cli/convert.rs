//! `convert` and `deidentify`: one slide to another file.

use histograde::{
    Error, Mpp, Slide,
    export::{
        deidentify,
        ome_tiff::{self, Codec, Settings},
    },
};
use rayon::ThreadPoolBuilder;

use super::{Exit, Failure, args, console::Console, interrupt, output, plan};

pub(super) fn run(args: &args::Convert, console: &Console) -> Result<Exit, Failure> {
    let pool = ThreadPoolBuilder::new().num_threads(plan::threads(args.threads)).build();
    let pool = pool.map_err(|e| Error::io("start", "threads")(std::io::Error::other(e)))?;
    let slide = Slide::open(&args.slide).map_err(Failure::of(&args.slide))?;
    output::check([args.slide.as_path()], &args.output)?;
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
    console.say(format!(
        "{}: {} levels, {} tiles, {} of them copied without loss",
        args.output.display(),
        written.levels,
        written.tiles,
        written.copied
    ));
    Ok(Exit::AllDone)
}

pub(super) fn deidentify(args: &args::Deidentify, console: &Console) -> Result<Exit, Failure> {
    let slide = Slide::open(&args.slide).map_err(Failure::of(&args.slide))?;
    output::check([args.slide.as_path()], &args.output)?;
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
