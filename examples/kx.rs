//! scratch
use histograde::{
    Mpp, Slide, organ,
    phantom::{
        Canvas,
        jpeg::Colour,
        render::{Appearance, render_rows},
        svs, texture, write,
    },
    pipeline::{Plan, score_slide},
    score::rubric::Rubric,
    watch::Watch,
};
use std::{collections::BTreeMap, io::Write, path::PathBuf};

struct Lab {
    w: usize,
    d: BTreeMap<String, Vec<u16>>,
}
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let size: u32 = std::env::var("SIZE").ok().and_then(|v| v.parse().ok()).unwrap_or(3000);
    let seed: u64 = std::env::var("SEED").ok().and_then(|v| v.parse().ok()).unwrap_or(5);
    let dir = PathBuf::from("/tmp/kidney/cache");
    std::fs::create_dir_all(&dir).unwrap();
    let _ = texture::Stream::new(1, "x");
    let repaint = std::env::var("REPAINT").is_ok();
    for spec in args {
        let (amts, stain) = spec.split_once(':').unwrap_or((&spec, "default"));
        let stem = format!("{}-{stain}-{size}-{seed}", amts.replace('=', "_").replace(',', "+"));
        let painter = write::find("kidney").unwrap();
        let amounts: Vec<(String, f64)> = amts
            .split(',')
            .filter(|s| !s.is_empty() && *s != "healthy")
            .map(|s| {
                let (k, v) = s.split_once('=').unwrap();
                (k.to_string(), v.parse().unwrap())
            })
            .collect();
        let svsf = dir.join(format!("{stem}.svs"));
        let tf = dir.join(format!("{stem}.truth"));
        let lf = dir.join(format!("{stem}.lab"));
        if repaint || !tf.exists() {
            let mpp = Mpp::square(0.5).unwrap();
            let request = painter.request(size, mpp, seed, &amounts).unwrap();
            let mut canvas = Canvas::blank(size, mpp);
            let t = (painter.paint)(&request, &mut canvas);
            let look = Appearance::preset(stain).unwrap();
            let layout = svs::Layout {
                size: canvas.size(),
                mpp,
                quality: 80,
                colour: Colour::YCbCr420,
                stem: stem.clone(),
            };
            svs::write(&svsf, &layout, |y0, rows| render_rows(&canvas, &look, seed, y0, rows)).unwrap();
            let mut f = std::io::BufWriter::new(std::fs::File::create(&lf).unwrap());
            for name in ["glomeruli", "tufts", "tubules", "lumina"] {
                let p = &canvas.labels[name];
                for y in (0..p.height()).step_by(2) {
                    let r = p.row(y);
                    for x in (0..p.width()).step_by(2) {
                        f.write_all(&(r[x] as u16).to_le_bytes()).unwrap();
                    }
                }
            }
            let text: String = t.features.iter().map(|(k, v)| format!("{k} {v}\n")).collect();
            std::fs::write(&tf, text).unwrap();
        }
        let truth: BTreeMap<String, f64> = std::fs::read_to_string(&tf)
            .unwrap()
            .lines()
            .map(|l| {
                let (a, b) = l.split_once(' ').unwrap();
                (a.to_string(), b.parse().unwrap())
            })
            .collect();
        let w = (size as usize).div_ceil(2);
        let raw = std::fs::read(&lf).unwrap();
        let mut lab = Lab { w, d: BTreeMap::new() };
        for (i, name) in ["glomeruli", "tufts", "tubules", "lumina"].iter().enumerate() {
            let n = w * w;
            let part = &raw[i * n * 2..(i + 1) * n * 2];
            lab.d
                .insert(name.to_string(), part.chunks(2).map(|c| u16::from_le_bytes([c[0], c[1]])).collect());
        }
        let organ = organ::find("kidney").unwrap();
        let plan = Plan { organ, mpp: None, rubric: Rubric::builtin().unwrap(), tiling: Default::default() };
        let slide = Slide::open(&svsf).unwrap();
        let t0 = std::time::Instant::now();
        let r = score_slide(&slide, &plan, &Watch::default()).unwrap();
        let secs = t0.elapsed().as_secs_f64();
        for m in &r.summary.measured {
            let v = m.value.as_ref().ok().map(|v| v.value);
            let t = truth.get(m.feature.name);
            println!(
                "F\t{spec}\t{}\t{}\t{}",
                m.feature.name,
                t.map_or("-".into(), |v| format!("{v:.4}")),
                v.map_or("-".into(), |v| format!("{v:.4}"))
            );
        }
        if let Ok(c) = std::env::var("CROP") {
            let v: Vec<i64> = c.split(',').map(|v| v.parse().unwrap()).collect();
            let mpp = v.get(4).map_or(0.5, |&m| m as f64 / 100.0);
            let img = slide.read_scaled(v[0], v[1], v[2] as u32, v[3] as u32, mpp).unwrap();
            let (iw, ih) = (img.width(), img.height());
            let mut out = vec![0u8; iw * 2 * ih * 3];
            for y in 0..ih {
                for x in 0..iw {
                    for k in 0..2 {
                        out[(y * iw * 2 + x + k * iw) * 3..][..3].copy_from_slice(&img.row(y)[x]);
                    }
                }
            }
            let sc = mpp / 0.5;
            for o in
                r.structures.iter().chain(r.cells.iter().filter(|c| c.class.name == "interstitial leukocyte"))
            {
                let cs = o.outline.corners();
                let f = f64::from(o.outline.scale);
                for i in 0..cs.len() {
                    let (a, b) = (cs[i], cs[(i + 1) % cs.len()]);
                    let n = ((a.0 - b.0).abs() + (a.1 - b.1).abs()) * (f / sc).ceil() as i32 + 1;
                    for t in 0..=n {
                        let t = f64::from(t) / f64::from(n);
                        let x = ((f64::from(a.0) + t * f64::from(b.0 - a.0)) * f - v[0] as f64) / sc;
                        let y = ((f64::from(a.1) + t * f64::from(b.1 - a.1)) * f - v[1] as f64) / sc;
                        if x >= 0.0 && y >= 0.0 && (x as usize) < iw && (y as usize) < ih {
                            out[(y as usize * iw * 2 + x as usize + iw) * 3..][..3]
                                .copy_from_slice(&o.class.colour);
                        }
                    }
                }
            }
            image::save_buffer(
                format!("/tmp/kidney/{stem}.png"),
                &out,
                iw as u32 * 2,
                ih as u32,
                image::ColorType::Rgb8,
            )
            .unwrap();
        }
        if std::env::var("NUC").is_ok() {
            let lat = |n: &str, x: f64, y: f64| {
                lab.d[n][((y / 2.0) as usize).min(lab.w - 1) * lab.w + ((x / 2.0) as usize).min(lab.w - 1)]
            };
            for c in &r.cells {
                let (x, y) = (c.centroid.x, c.centroid.y);
                let kind = if lat("glomeruli", x, y) != 0 {
                    "G"
                } else if lat("tubules", x, y) != 0 {
                    "T"
                } else {
                    "I"
                };
                let vals: Vec<String> = c.values.iter().map(|v| format!("{v:.3}")).collect();
                println!(
                    "N\t{spec}\t{}\t{kind}\t{}\t{:.0}\t{:.0}\t{:?}",
                    c.class.name,
                    vals.join(" "),
                    x,
                    y,
                    r.summary.profile.as_ref().map(|p| (
                        p.h_nuclei,
                        p.h_cytoplasm,
                        p.e_cytoplasm,
                        p.matrix.h,
                        p.matrix.e
                    ))
                );
            }
        }
        // objects
        let g = &lab.d["glomeruli"];
        let tu = &lab.d["tubules"];
        let lu = &lab.d["lumina"];
        let at = |p: &Vec<u16>, x: f64, y: f64| {
            p[((y / 2.0) as usize).min(lab.w - 1) * lab.w + ((x / 2.0) as usize).min(lab.w - 1)]
        };
        let mut area: BTreeMap<u16, u32> = BTreeMap::new();
        for &v in g {
            if v != 0 {
                *area.entry(v).or_default() += 1;
            }
        }
        let mut hit: BTreeMap<u16, Vec<f64>> = BTreeMap::new();
        let mut extra = Vec::new();
        for o in r.structures.iter().filter(|o| o.class.name == "glomerulus") {
            let id = at(g, o.centroid.x, o.centroid.y);
            if id == 0 {
                extra.push((o.centroid.x as i64, o.centroid.y as i64));
            } else {
                hit.entry(id).or_default().push(f64::from(o.area_um2) / f64::from(area[&id]));
            }
        }
        let missed: Vec<u16> = area.keys().filter(|k| !hit.contains_key(k)).copied().collect();
        println!(
            "O\t{spec}\tglom\ttrue {} found {} missed {:?} extra {:?} secs {secs:.1}",
            area.len(),
            hit.len(),
            missed,
            extra
        );
        let mut s: Vec<f64> = hit.values().map(|v| v[0]).collect();
        s.sort_by(f64::total_cmp);
        println!(
            "O\t{spec}\tglomarea\t{}",
            s.iter().map(|v| format!("{v:.2}")).collect::<Vec<_>>().join(" ")
        );
        let mut tarea: BTreeMap<u16, u32> = BTreeMap::new();
        for &v in tu {
            if v != 0 {
                *tarea.entry(v).or_default() += 1;
            }
        }
        let mut larea: BTreeMap<u16, u32> = BTreeMap::new();
        for &v in lu {
            if v != 0 {
                *larea.entry(v).or_default() += 1;
            }
        }
        let mut thit: BTreeMap<u16, u32> = BTreeMap::new();
        let mut textra = 0;
        let mut ratio = Vec::new();
        let mut lratio = Vec::new();
        for o in r.structures.iter().filter(|o| o.class.name == "tubule") {
            let id = at(tu, o.centroid.x, o.centroid.y);
            if std::env::var("NUC").is_ok() {
                let lid = at(lu, o.centroid.x, o.centroid.y);
                println!(
                    "T\t{spec}\t{:.0}\t{:.0}\t{id}\t{lid}\t{:?}\t{:?}",
                    o.centroid.x,
                    o.centroid.y,
                    o.values,
                    id == 0 || larea.get(&id).is_some()
                );
            }
            if id == 0 {
                textra += 1;
            } else {
                *thit.entry(id).or_default() += 1;
                ratio.push(f64::from(o.area_um2) / f64::from(tarea[&id]));
                if let Some(&l) = larea.get(&id) {
                    lratio.push(f64::from(o.value("lumen_area_um2").unwrap()) / f64::from(l));
                }
            }
        }
        let q = |v: &mut Vec<f64>| {
            v.sort_by(f64::total_cmp);
            [0.1, 0.25, 0.5, 0.75, 0.9].map(|p| {
                v.get(((v.len() as f64 - 1.0) * p) as usize).map_or(0.0, |x| (x * 100.0).round() / 100.0)
            })
        };
        println!(
            "O\t{spec}\ttub\ttrue {} found {} double {} outside {} area {:?} lumen {:?}",
            tarea.len(),
            thit.len(),
            thit.values().filter(|&&n| n > 1).count(),
            textra,
            q(&mut ratio),
            q(&mut lratio)
        );
    }
}
