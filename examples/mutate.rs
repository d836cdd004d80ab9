#![allow(dead_code)]
#[path = "../tests/common/build/mod.rs"]
mod build;
#[path = "../tests/common/tiff.rs"]
mod tiff;
use histograde::{Slide, geometry::Region};
use std::time::Instant;
fn read(path: &std::path::Path) -> Result<(), histograde::Error> {
    let slide = Slide::open(path)?;
    for (level, f) in slide.info().levels.iter().enumerate() {
        slide.read_region(Region {
            level,
            x0: 0,
            y0: 0,
            width: f.width.min(1024) as u32,
            height: f.height.min(1024) as u32,
        })?;
    }
    for name in &slide.info().associated {
        slide.read_associated(name).ok();
    }
    slide.info().all_properties();
    Ok(())
}
fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    for mut b in build::all() {
        if b.name == "ndpi_beyond_4_gb" {
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        let (mut ok, mut err, mut slow) = (0, 0, 0.0f64);
        let total: usize = b.files.iter().map(|p| p.bytes.len()).sum();
        let mut seed = 12345u64;
        let mut rnd = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        for i in 0..n {
            let mut at = rnd() as usize % total;
            let mut k = 0;
            // Small files are headers: half of the damage goes there.
            if b.files.len() > 1 && i % 2 == 0 {
                k = rnd() as usize % b.files.len();
                at = rnd() as usize % b.files[k].bytes.len();
            } else {
                while at >= b.files[k].bytes.len() {
                    at -= b.files[k].bytes.len();
                    k += 1;
                }
                if i % 2 == 0 {
                    let l = b.files[k].bytes.len();
                    at = l - 1 - rnd() as usize % l.min(3000);
                }
            }
            let old = b.files[k].bytes.clone();
            if i % 11 == 0 {
                b.files[k].bytes.truncate(at);
            } else {
                b.files[k].bytes[at] = rnd() as u8;
                if i % 5 == 0 && at + 4 < old.len() {
                    for j in 0..4 {
                        b.files[k].bytes[at + j] = 0xFF;
                    }
                }
            }
            let p = b.files[k].file.clone();
            std::fs::remove_file(dir.path().join(&p)).ok();
            let path = b.write(dir.path());
            let t = Instant::now();
            let r = std::panic::catch_unwind(|| read(&path));
            let dt = t.elapsed().as_secs_f64();
            if dt > slow {
                slow = dt;
            }
            match r {
                Ok(Ok(())) => ok += 1,
                Ok(Err(_)) => err += 1,
                Err(_) => println!("PANIC {} {k} {at} {i}", b.name),
            }
            if dt > 2.0 {
                println!("SLOW {} {dt}", b.name);
            }
            b.files[k].bytes = old;
        }
        let rss = std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .lines()
            .find(|l| l.starts_with("VmHWM"))
            .unwrap()
            .to_owned();
        println!("{} ok {ok} refused {err} slowest {slow:.2} {rss}", b.name);
    }
}
