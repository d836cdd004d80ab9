//! What comparing a large study costs: seconds and peak memory of `histograde compare` with tables, figures and report.
//!
//! `cargo bench --bench cohort` writes results of 10,080 slides (five groups, three tissues, two slides per animal and
//! tissue) with made-up values of every feature, and compares them as the program does.

use std::{
    error::Error,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use histograde::organ;

const GROUPS: [(&str, f64); 5] =
    [("normal", 0.0), ("diabetic", 1.0), ("MSC", 0.4), ("sEV 0.5", 0.7), ("sEV 1", 0.3)];
const ANIMALS: u64 = 336;
const SLIDES: u64 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let slides = write(folder.path())?;
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_histograde"))
        .current_dir(folder.path())
        .args(["compare", "results", "--manifest", "samples.csv", "--study", "study.toml", "--quiet"])
        .spawn()?;
    let mut peak = 0.0f64;
    let status = loop {
        peak = peak_mb(child.id()).map_or(peak, |now| now.max(peak));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        sleep(Duration::from_millis(5));
    };
    if !status.success() {
        return Err("the comparison failed".into());
    }
    let wall = start.elapsed().as_secs_f64();
    let cpu = children_seconds().map_or("not known".into(), |s| format!("{s:.1} s"));
    writeln!(std::io::stdout(), "{slides} slides compared: wall {wall:.1} s, cpu {cpu}, peak {peak:.0} MB")?;
    Ok(())
}

/// Writes sheet, study and results; returns the number of slides.
fn write(folder: &Path) -> Result<usize, Box<dyn Error>> {
    let results = folder.join("results");
    fs::create_dir_all(results.join("slides"))?;
    let mut sheet = BufWriter::new(File::create(folder.join("samples.csv"))?);
    let mut long = BufWriter::new(File::create(results.join("long.csv"))?);
    let mut table = BufWriter::new(File::create(results.join("slides.csv"))?);
    writeln!(sheet, "slide,animal_id,group,tissue")?;
    writeln!(long, "tissue,feature,animal_id,group,batch,value,unit,slide_id,missing")?;
    writeln!(table, "slide_id,path,status,error,exclude_reason,tissue,animal_id,group,warnings")?;
    let mut chance = Chance(7);
    let mut slides = 0;
    for organ in organ::ORGANS {
        for (group, disease) in GROUPS {
            for animal in 0..ANIMALS {
                let own = chance.next();
                for slide in 0..SLIDES {
                    let id = format!("{}_{group}_{animal}_{slide}", organ.name).replace(' ', "-");
                    let animal = format!("{group} {animal}");
                    writeln!(sheet, "{id}.svs,{animal},{group},{}", organ.name)?;
                    writeln!(table, "{id},{id}.svs,scored,,,{},{animal},{group},", organ.name)?;
                    for feature in organ.features {
                        let value = 10.0 + 5.0 * disease + 2.0 * own + chance.next();
                        let (tissue, name, unit) = (organ.name, feature.name, feature.unit);
                        writeln!(long, "{tissue},{name},,,,{value},{unit},{id},")?;
                    }
                    pictures(&results.join("slides").join(id))?;
                    slides += 1;
                }
            }
        }
    }
    let groups = GROUPS.map(|(g, _)| format!("'{g}'")).join(", ");
    fs::write(
        folder.join("study.toml"),
        format!(
            "groups = [{groups}]\nnormal = 'normal'\ndisease = 'diabetic'\n[primary]\nliver = 'fat_area_pct'\n\
             kidney = 'tubule_vacuolated_pct'\npancreas = 'islet_area_pct'\n[doses]\ndiabetic = 0\n'sEV 0.5' = 0.5\n\
             'sEV 1' = 1\n"
        ),
    )?;
    Ok(slides)
}

/// Stand-ins for pictures, of the size of a thumbnail.
fn pictures(folder: &Path) -> std::io::Result<()> {
    fs::create_dir(folder)?;
    let mut picture = vec![0u8; 6_000];
    picture[..3].copy_from_slice(&[0xff, 0xd8, 0xff]);
    for name in ["thumbnail.jpg", "field.jpg", "field_outlined.jpg"] {
        fs::write(folder.join(name), &picture)?;
    }
    Ok(())
}

/// Numbers between 0 and 1 that are the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Peak memory of a process on Linux, in MB.
fn peak_mb(id: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

/// CPU time of ended children on Linux.
fn children_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |i: usize| fields.get(i)?.parse::<f64>().ok();
    Some((ticks(13)? + ticks(14)?) / 100.0)
}
