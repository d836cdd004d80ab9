//! `region`: a rectangle of a slide, or an associated image, as PNG.

use std::path::Path;

use flate2::Crc;
use histograde::{
    Error, Result,
    geometry::Region,
    raster::Rgb,
    report::{partial::write_whole, png::encode},
    slide::Slide,
};

use super::{
    Exit, Failure, args,
    console::Console,
    output::{self, Kind},
};

/// What a picture says of itself, by which an earlier one is known: keyword and text of a PNG chunk.
const MADE_BY: &[u8] = b"Software\0histograde";
/// Where chunks may be put in: behind signature and header.
const BEHIND_HEADER: usize = 33;

pub(super) fn run(args: &args::Region, console: &Console) -> Result<Exit, Failure> {
    if args.associated.is_none() && args.level.is_none() && args.mpp.is_none() {
        let expected = "--level N (0 is the full resolution), --mpp MPP or --associated NAME";
        return Err(Error::config("region", expected, "none of them").into());
    }
    output::check("output", [args.slide.as_path()], &args.output)?;
    png(&args.output)?;
    output::may_replace("output", &args.output, Kind::Holds(MADE_BY))?;
    let slide = Slide::open(&args.slide).map_err(Failure::of(&args.slide))?;
    let mut pixels = read(&slide, args).map_err(Failure::of(&args.slide))?;
    if let Some(beside) = beside(&slide, args) {
        console.say(format!("warning: {beside}"));
    }
    if args.icc
        && let Some(to_srgb) = slide.to_srgb().map_err(Failure::of(&args.slide))?
    {
        to_srgb.apply(&mut pixels);
    }
    let picture = encode(&pixels).map_err(Error::io("write", &args.output))?;
    write_whole(&args.output, &signed(picture))?;
    Ok(Exit::AllDone)
}

/// Adds to a PNG what made it.
fn signed(mut png: Vec<u8>) -> Vec<u8> {
    let named = [b"tEXt", MADE_BY].concat();
    let mut sum = Crc::new();
    sum.update(&named);
    let length = (MADE_BY.len() as u32).to_be_bytes();
    let chunk = [&length[..], &named, &sum.sum().to_be_bytes()].concat();
    let place = BEHIND_HEADER.min(png.len());
    png.splice(place..place, chunk);
    png
}

/// Refuses names that say something else than PNG.
fn png(output: &Path) -> Result<()> {
    match output.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("png") => Ok(()),
        _ => Err(Error::config("output", "a name ending in .png", output.display())),
    }
}

/// Says that a region lies wholly beside the slide, where all is white.
fn beside(slide: &Slide, args: &args::Region) -> Option<String> {
    let (x, y) = (args.x? as f64, args.y? as f64);
    let info = slide.info();
    let base = info.levels.first()?;
    let scale = match args.mpp {
        Some(mpp) => {
            let level0 = info.calibration.as_ref()?.mpp;
            (mpp / level0.x(), mpp / level0.y())
        }
        None => {
            let downsample = info.levels.get(args.level.unwrap_or(0))?.downsample;
            (downsample, downsample)
        }
    };
    let size = (f64::from(args.width?) * scale.0, f64::from(args.height?) * scale.1);
    let (width, height) = (base.width, base.height);
    let meets = x < width as f64 && y < height as f64 && x + size.0 > 0.0 && y + size.1 > 0.0;
    (!meets).then(|| {
        format!("the region lies wholly beside the slide ({width} × {height} px): the picture is white")
    })
}

fn read(slide: &Slide, args: &args::Region) -> Result<Rgb> {
    if let Some(name) = &args.associated {
        return slide.read_associated(name);
    }
    // The command line asks for all of these unless an associated image is wanted.
    let (x0, y0) = (args.x.unwrap_or(0), args.y.unwrap_or(0));
    let (width, height) = (args.width.unwrap_or(1), args.height.unwrap_or(1));
    match args.mpp {
        None => slide.read_region(Region { level: args.level.unwrap_or(0), x0, y0, width, height }),
        Some(mpp) => slide.read_region_at(mpp, x0, y0, width, height).map_err(|error| match error {
            Error::Uncalibrated => {
                Error::config("--mpp", "a slide that states its pixel size", "one that does not; use --level")
            }
            other => other,
        }),
    }
}
