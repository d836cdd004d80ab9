//! `region`: a rectangle of a slide, or an associated image, as PNG.

use std::path::Path;

use histograde::{Error, Result, geometry::Region, raster::Rgb, report::png::write_png, slide::Slide};

use super::{Exit, Failure, args, output};

pub(super) fn run(args: &args::Region) -> Result<Exit, Failure> {
    output::check([args.slide.as_path()], &args.output)?;
    png(&args.output)?;
    let slide = Slide::open(&args.slide).map_err(Failure::of(&args.slide))?;
    let mut pixels = read(&slide, args).map_err(Failure::of(&args.slide))?;
    if args.icc
        && let Some(to_srgb) = slide.to_srgb().map_err(Failure::of(&args.slide))?
    {
        to_srgb.apply(&mut pixels);
    }
    write_png(&args.output, &pixels)?;
    Ok(Exit::AllDone)
}

/// Refuses names that say something else than PNG.
fn png(output: &Path) -> Result<()> {
    match output.extension() {
        Some(ending) if ending.eq_ignore_ascii_case("png") => Ok(()),
        _ => Err(Error::config("output", "a name ending in .png", output.display())),
    }
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
