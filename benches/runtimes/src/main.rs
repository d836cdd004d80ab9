//! Measures one inference runtime on one network: `runtimes RUNTIME MODEL FOLDER`, see README.md.

#[cfg(feature = "burn")]
mod burn;
#[cfg(feature = "candle")]
mod candle;
#[cfg(feature = "layers")]
mod layers;
#[cfg(feature = "ort")]
mod ort;
#[cfg(feature = "own")]
mod own;
#[cfg(feature = "rten")]
mod rten;
#[cfg(feature = "tract")]
mod tract;

use std::{
    env,
    error::Error,
    fs,
    io::{Write, stdout},
    mem,
    path::{Path, PathBuf},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Runs the network once; returns all log odds, output by output and row by row.
type Runner = Box<dyn FnMut() -> Result<Vec<f32>>>;

/// Runs that are measured, after one that is not.
const RUNS: usize = 7;

/// A network and the tile it is measured on.
#[allow(dead_code, reason = "no runtime needs all of it")]
struct Case {
    /// Folder of the model: card and weights.
    model: PathBuf,
    /// The network as ONNX, its sides fixed.
    onnx: PathBuf,
    /// Side of the tile.
    side: usize,
    /// The tile, pixel by pixel.
    rgb: Vec<u8>,
    /// The tile as networks take it: colour by colour, rgb / 127.5 - 1.
    floats: Vec<f32>,
}

impl Case {
    fn read(model: &str, folder: &Path) -> Result<Self> {
        let rgb = fs::read(folder.join("input.rgb"))?;
        let floats = (0..3).flat_map(|c| rgb.iter().skip(c).step_by(3).map(|&v| f32::from(v) / 127.5 - 1.0));
        let (side, floats) = ((rgb.len() / 3).isqrt(), floats.collect());
        Ok(Self { model: model.into(), onnx: folder.join("net.onnx"), side, rgb, floats })
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [runtime, model, folder] = &arguments[..] else {
        return Err("usage: runtimes RUNTIME MODEL FOLDER".into());
    };
    let case = Case::read(model, Path::new(folder))?;
    let mut run = open(runtime, &case)?;
    let reference = fs::read(Path::new(folder).join("output.f32"))?;
    let reference = reference.as_chunks().0.iter().map(|&v| f32::from_le_bytes(v));
    let odds = run()?;
    if odds.len() != reference.len() {
        return Err("output and reference differ in size".into());
    }
    let differences = odds.iter().zip(reference.clone()).map(|(a, b)| f64::from((a - b).abs()));
    let (largest, sum) = differences.fold((0.0, 0.0), |(most, sum), d| (d.max(most), sum + d));
    // Of the first output, which is what is looked for.
    let (pixels, mean) = (case.side * case.side, sum / odds.len() as f64);
    let turned = odds.iter().zip(reference).take(pixels).filter(|&(&a, b)| (a < 0.0) != (b < 0.0)).count();
    let turned = 100.0 * turned as f64 / pixels as f64;
    let mut times = (0..RUNS).map(|_| timed(&mut run)).collect::<Result<Vec<_>>>()?;
    times.sort_by(f64::total_cmp);
    let speed = pixels as f64 / 1e6 / times[RUNS / 2];
    let line =
        format!("{speed:.2} MP/s, differs by {largest:.1e}, {mean:.1e} in the mean; {turned:.3} % turned");
    writeln!(stdout(), "{runtime} {line}")?;
    Ok(())
}

fn open(runtime: &str, case: &Case) -> Result<Runner> {
    match runtime {
        #[cfg(feature = "own")]
        "own" => own::open(case),
        #[cfg(feature = "ort")]
        "ort" => ort::open(case),
        #[cfg(feature = "rten")]
        "rten" => rten::open(case),
        #[cfg(feature = "tract")]
        "tract" => tract::open(case),
        #[cfg(feature = "candle")]
        "candle" => candle::open(case),
        #[cfg(feature = "burn")]
        "burn" => burn::open(case),
        _ => Err(format!(
            "{runtime}: not built in; `cargo build --release --features {runtime}` ({:?})",
            case.onnx
        )
        .into()),
    }
}

/// Processor seconds of all threads that one run takes.
fn timed(run: &mut Runner) -> Result<f64> {
    let start = cpu_seconds();
    run()?;
    Ok(cpu_seconds() - start)
}

fn cpu_seconds() -> f64 {
    // SAFETY: `getrusage` writes a whole `rusage`, which is plain numbers, to a place that is one.
    let usage = unsafe {
        let mut usage: libc::rusage = mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}
