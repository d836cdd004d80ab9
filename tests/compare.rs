//! `histograde init` and `compare` as a user runs them, on results written by hand.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "compare/again.rs"]
mod again;
#[path = "compare/blocks.rs"]
mod blocks;
#[path = "compare/browser.rs"]
mod browser;
#[allow(dead_code)]
#[path = "common/files.rs"]
mod common_files;
#[path = "compare/methods.rs"]
mod methods;
#[path = "compare/regraded.rs"]
mod regraded;
#[path = "compare/shown.rs"]
mod shown;
#[path = "compare/told.rs"]
mod told;

use std::{fmt::Write as _, fs, path::Path};

use assert_cmd::Command;
use predicates::{prelude::PredicateBooleanExt, str::contains};

const GROUPS: [(&str, f64); 4] = [("normal", 10.0), ("diabetic", 40.0), ("low <1>", 30.0), ("high", 20.0)];

/// Writes results, sheet, study and animal table of 4 × 4 animals with two slides each.
fn study(folder: &Path) {
    let mut sheet = "slide,animal_id,group,tissue,batch,exclude,exclude_reason\n".to_owned();
    let mut long = "tissue,feature,animal_id,group,batch,value,unit,slide_id,missing\n".to_owned();
    let mut animals = "animal_id,glucose,insulin\n".to_owned();
    for (g, (group, level)) in GROUPS.iter().enumerate() {
        for i in 0..4 {
            let animal = 10 * (g + 1) + i;
            let own = [-1.0, 0.5, 1.5, -0.8][i] * (1.0 + 0.1 * g as f64);
            writeln!(animals, "{animal},{},{}", 5.0 + level / 4.0 + own / 3.0, 9.0 - own).unwrap();
            for slide in ["a", "b"] {
                let id = format!("s{animal}{slide}");
                let torn = if animal == 20 && slide == "b" { "yes,torn" } else { "," };
                writeln!(sheet, "{id}.svs,{animal},{group},liver,b{},{torn}", i % 2).unwrap();
                let value = level + own + if slide == "a" { 0.4 } else { -0.4 };
                writeln!(long, "liver,steatotic_hepatocyte_pct,,,,{value},%,{id},").unwrap();
                writeln!(long, "liver,macro_affected_area_pct,,,,{},%,{id},", value / 2.0).unwrap();
                writeln!(long, "liver,stain_h_od_median,,,,{},OD,{id},", 0.4 + own / 100.0).unwrap();
                writeln!(long, "liver,nas_steatosis_grade,,,,{},0 to 3,{id},", (level / 15.0).round())
                    .unwrap();
                writeln!(long, "liver,portal_leukocytes_per_mm2,,,,,1/mm²,{id},no portal tract found")
                    .unwrap();
            }
        }
    }
    fs::create_dir(folder.join("results")).unwrap();
    fs::write(folder.join("results/long.csv"), long).unwrap();
    fs::write(folder.join("samples.csv"), sheet).unwrap();
    fs::write(folder.join("animals.csv"), animals).unwrap();
    fs::write(
        folder.join("study.toml"),
        "groups = ['normal', 'diabetic', 'low <1>', 'high']\nnormal = 'normal'\ndisease = 'diabetic'\n[primary]\n\
         liver = 'steatotic_hepatocyte_pct'\n[doses]\ndiabetic = 0\n'low <1>' = 0.5\nhigh = 1\n[equivalence]\n\
         steatotic_hepatocyte_pct = 5\n",
    )
    .unwrap();
}

fn run(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    Command::cargo_bin("histograde").unwrap().current_dir(folder).args(arguments).assert()
}

const ALL: [&str; 9] = [
    "compare",
    "results",
    "--manifest",
    "samples.csv",
    "--study",
    "study.toml",
    "--animals",
    "animals.csv",
    "--title=Sugar & <fat>",
];

#[test]
fn tables_and_page() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let unit = "warning: insulin of the animal table is taken as µU/mL in HOMA-IR";
    let said = contains("16 animals in 4 groups; report in").and(contains(unit));
    run(folder.path(), &ALL).success().stderr(said);
    let out = folder.path().join("results/comparison");
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    assert!(read("warnings.csv").contains("insulin_pmol_l if it holds pmol/L"));

    let contrasts = read("stats_contrasts.csv");
    let row = contrasts
        .lines()
        .find(|l| l.starts_with("liver,steatotic_hepatocyte_pct,vs_disease,3,high - diabetic"))
        .unwrap();
    assert!(row.contains(",4,4,") && row.contains("welch_t"), "{row}");
    let omnibus = read("stats_omnibus.csv");
    assert!(omnibus.contains("liver,steatotic_hepatocyte_pct,%,primary,welch,"), "{omnibus}");
    let told = |feature: &str| {
        let row = omnibus
            .lines()
            .find(|l| l.contains(&format!("{feature},")) && l.contains(",welch_anova,primary,"));
        row.map(|l| l.rsplit(',').next().unwrap().to_owned()).unwrap_or_else(|| panic!("{omnibus}"))
    };
    assert_eq!((told("stain_h_od_median").as_str(), told("macro_affected_area_pct").is_empty()), ("", false));
    assert!(read("methods.txt").contains("whose p-values are not adjusted (liver: stain_h_od_median)."));
    assert!(
        read("methods.txt").contains(" Derived from the animal table: homa_ir = glucose (mmol/L) × insulin")
    );
    assert!(read("exclusions.csv").contains("liver,s20b,20,diabetic,,left out by the sample sheet: torn"));
    assert!(read("animals.csv").starts_with("animal_id,group,block,liver_steatotic_hepatocyte_pct,"));
    let recovery = read("recovery.csv");
    let high = recovery.lines().find(|l| l.starts_with("liver,steatotic_hepatocyte_pct,high,")).unwrap();
    let value: f64 = high.split(',').nth(3).unwrap().parse().unwrap();
    assert!((value - 66.0).abs() < 4.0, "{high}");
    assert!(read("relations.csv").contains("liver,steatotic_hepatocyte_pct,homa_ir,16,"));
    let prism = read("prism/liver_steatotic_hepatocyte_pct.csv");
    assert_eq!(prism.lines().next(), Some("normal,diabetic,low <1>,high"));
    assert_eq!(prism.lines().count(), 5);
    let png = fs::read(out.join("figures/liver_steatotic_hepatocyte_pct_animals.png")).unwrap();
    assert!(png.starts_with(b"\x89PNG"));
    let figure = read("figures/liver_steatotic_hepatocyte_pct_animals.svg");
    assert!(figure.starts_with("<svg xmlns=") && figure.contains("low &lt;1&gt;"));
    for entry in fs::read_dir(out.join("figures")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "svg") {
            let text = fs::read_to_string(&path).unwrap();
            let figure = roxmltree::Document::parse(&text).unwrap();
            let root = figure.root_element();
            assert_eq!(root.attribute("role"), Some("img"), "{}", path.display());
            assert!(root.attribute("aria-label").is_some() && root.attribute("viewBox").is_some());
            assert!(!text.contains("NaN") && !text.contains(" id="), "{}", path.display());
        }
    }
    assert!(read("methods.txt").contains("no test took slides or tiles as its unit"));

    let page = read("report.html");
    assert!(page.contains("Sugar &amp; &lt;fat&gt;") && page.contains("low &lt;1&gt;"));
    assert!(!page.contains("low <1>") && !page.contains("Sugar & <fat>"));
    let without_names = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!without_names.contains("http://") && !without_names.contains("https://"), "nothing is fetched");
    assert!(page.matches("<svg").count() >= 5);
    for outside in ["src=\"//", "@import", "url(", "<link", "<iframe", "<script src"] {
        assert!(!page.contains(outside), "{outside} in the page");
    }
    assert!(page.contains("liver: not measured on any animal: portal_leukocytes_per_mm2"));
    // The diabetic group lies 30 beyond the control's 10, some 22 standard deviations.
    assert!(
        read("figures/liver_heatmap.svg").contains(">+22.6<")
            && page.contains("Colours end at -10.0 and 10.0.")
    );
}

/// Primary endpoints are checked by other models; these stand in families of their own and change nothing else.
#[test]
fn primary_endpoints_are_checked_by_other_models() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let description = folder.path().join("study.toml");
    let rows = |out: &str| -> Vec<String> {
        let table = folder.path().join(out).join("stats_contrasts.csv");
        fs::read_to_string(table).unwrap().lines().map(str::to_owned).collect()
    };
    run(folder.path(), &[&ALL[..], &["-o", "plain"]].concat()).success();
    let text = fs::read_to_string(&description).unwrap();
    fs::write(&description, format!("covariates = ['insulin']\n{text}")).unwrap();
    run(folder.path(), &[&ALL[..], &["-o", "checked"]].concat()).success();
    let (plain, checked) = (rows("plain"), rows("checked"));
    let kept = |r: &&String| !r.contains("_given_covariates,");
    assert!(checked.iter().filter(kept).eq(plain.iter()));
    let given: Vec<_> = checked.iter().filter(|r| !kept(r)).collect();
    assert_eq!(given.len(), 6);
    assert!(
        given
            .iter()
            .all(|r| r.starts_with("liver,steatotic_hepatocyte_pct,") && r.contains(",ancova_contrast,"))
    );
    let mixed = plain.iter().filter(|r| r.contains("vs_disease_mixed_model,"));
    assert_eq!(mixed.count(), 3);
    let read = |name: &str| fs::read_to_string(folder.path().join("checked").join(name)).unwrap();
    assert!(read("stats_omnibus.csv").contains(",freedman_lane,sensitivity,"));
    assert!(
        read("assumptions.csv").contains(",covariate,") && read("assumptions.csv").contains(",equal_slopes,")
    );
    assert!(read("methods.txt").contains("at equal insulin by analysis of covariance"));
    assert!(read("methods.txt").contains("linear mixed model on slides (animal as random effect"));
    let page = read("report.html");
    assert!(page.contains("Check at equal covariates (analysis of covariance): "));
    assert!(page.contains("Check by a mixed model on what was averaged: "));
}

/// With cages as units the animal table is averaged by cage.
#[test]
fn physiology_of_cages_is_that_of_their_animals() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let path = folder.path().join("samples.csv");
    let sheet = fs::read_to_string(&path).unwrap();
    let cage = |line: &str| -> String {
        let animal: Option<u32> = line.split(',').nth(1).and_then(|a| a.parse().ok());
        animal.map_or("cage".into(), |a| format!("k{}", a / 2))
    };
    let sheet: String = sheet.lines().map(|l| format!("{l},{}\n", cage(l))).collect();
    fs::write(&path, sheet).unwrap();
    let description = folder.path().join("study.toml");
    let text = fs::read_to_string(&description).unwrap();
    fs::write(&description, format!("unit = 'cage'\n{text}")).unwrap();
    run(folder.path(), &ALL).success().stderr(contains("8 cages in 4 groups"));
    let table = fs::read_to_string(folder.path().join("results/comparison/animals_long.csv")).unwrap();
    let row = table.lines().find(|l| l.starts_with("physiology,insulin,k5,")).unwrap();
    let value: f64 = row.split(',').nth(5).unwrap().parse().unwrap();
    assert!((value - (9.0 + 1.0 + 9.0 - 0.5) / 2.0).abs() < 1e-9, "{row}");
}

#[test]
fn scoring_that_is_not_the_default_stands_at_the_top() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let rubric =
        include_str!("../models/rubric/rubric.json").replacen("\"weight\": 2.0,", "\"weight\": 3.25,", 1);
    fs::write(folder.path().join("lab.json"), rubric).unwrap();
    let page = |arguments: &[&str]| {
        run(folder.path(), arguments).success();
        fs::read_to_string(folder.path().join("results/comparison/report.html")).unwrap()
    };
    assert!(!page(&ALL).contains("Non-default scoring"));
    let page = page(&[&ALL[..], &["--rubric", "lab.json"]].concat());
    let banner = page.find("Non-default scoring").unwrap();
    assert!(banner < page.find("id=\"results\"").unwrap());
    assert!(page[banner..].contains("weight</code>: 3.25 in place of 2"), "{}", &page[banner..banner + 600]);
    let methods = fs::read_to_string(folder.path().join("results/comparison/methods.txt")).unwrap();
    assert!(methods.contains("one value of the rubric differs"), "{methods}");
}

#[test]
fn the_same_study_gives_the_same_bytes() {
    let bytes = || {
        let folder = tempfile::tempdir().unwrap();
        study(folder.path());
        run(folder.path(), &ALL).success();
        let out = folder.path().join("results/comparison");
        let names = ["report.html", "comparison.json", "stats_contrasts.csv", "stats_omnibus.csv"];
        let mut files: Vec<_> = names.iter().map(|n| out.join(n)).collect();
        files.extend(fs::read_dir(out.join("figures")).unwrap().map(|f| f.unwrap().path()));
        files[names.len()..].sort();
        files.iter().map(|f| fs::read(f).unwrap()).collect::<Vec<_>>()
    };
    assert!(bytes() == bytes());
}

#[test]
fn init_writes_files_that_read_back() {
    let folder = tempfile::tempdir().unwrap();
    for (group, slide) in [("normal", "liver1.tif"), ("diabetic", "liver2.tif")] {
        fs::create_dir_all(folder.path().join("s").join(group)).unwrap();
        fs::write(folder.path().join("s").join(group).join(slide), b"II*\0").unwrap();
    }
    let told = "guessed, check each: tissue of 2 slides from the name; group of 2 slides from the folder";
    run(folder.path(), &["init", "s"]).success().stderr(contains("2 slides listed in").and(contains(told)));
    let sheet = fs::read_to_string(folder.path().join("s/samples.csv")).unwrap();
    assert!(sheet.contains("normal/liver1.tif,,normal,liver,"), "{sheet}");
    let description = fs::read_to_string(folder.path().join("s/study.toml")).unwrap();
    let guessed = "normal = \"normal\" # guessed from the name: check\ndisease = \"diabetic\" # guessed from the name: check\n";
    assert!(description.contains(guessed), "{description}");
    run(folder.path(), &["init", "s"])
        .code(2)
        .stderr(contains("expected no such file yet, got one, which is kept"));
}

/// Slides that failed, that were never scored, and whole groups of them are counted nowhere, and told.
/// Adds what `score` leaves beside `long.csv`: `slides.csv`, `run.json` and pictures of some slides.
fn evidence(folder: &Path) {
    let mut slides = "slide_id,path,status,error,exclude_reason,tissue,animal_id,group,steatotic_hepatocyte_pct,warnings\n".to_owned();
    for (g, (group, _)) in GROUPS.iter().enumerate() {
        for i in 0..4 {
            let animal = 10 * (g + 1) + i;
            for slide in ["a", "b"] {
                let id = format!("s{animal}{slide}");
                writeln!(
                    slides,
                    "{id},x/{id}.svs,scored,,,liver,{animal},{group},,{}",
                    if i == 0 { "a <warning>" } else { "" }
                )
                .unwrap();
                let pictures = folder.join("results/slides").join(&id);
                fs::create_dir_all(&pictures).unwrap();
                for name in ["field.jpg", "field_outlined.jpg", "thumbnail.jpg"] {
                    let mut bytes = vec![0xff, 0xd8, 0xff];
                    bytes.extend(format!("{id} {name}").bytes());
                    fs::write(pictures.join(name), bytes).unwrap();
                }
            }
        }
    }
    fs::write(folder.join("results/slides.csv"), slides).unwrap();
    let run = "{\"histograde\": \"0.1.0\", \"threads\": 2, \"slides\": [{\"file\": {\"sha256\": \"ab\"}}]}";
    fs::write(folder.join("results/run.json"), run).unwrap();
}

#[test]
fn fields_are_chosen_by_rule_and_slides_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    evidence(folder.path());
    run(folder.path(), &ALL).success();
    let page = fs::read_to_string(folder.path().join("results/comparison/report.html")).unwrap();
    // Animals of a group lie at -1, 0.5, 1.5 and -0.8 times its spread: the median is -0.15, the nearest 0.5 and -0.8 by 0.65.
    // Of group 2 one slide is left out, so that its middle animals are the first two.
    for nearest in [["11", "13"], ["20", "21"], ["31", "33"], ["41", "43"]] {
        let chosen = |animal: &&&str| page.contains(&format!("animal {animal} ("));
        assert_eq!(nearest.iter().filter(chosen).count(), 1, "{nearest:?}");
    }
    assert_eq!(page.matches("class=\"outlined\"").count(), 4);
    assert_eq!(page.matches("at low power").count(), 32);
    // The sheet leaves a slide out that was scored.
    assert!(page.contains("1 excluded, 31 scored; 8 with something to look at"));
    assert!(
        page.contains("a &lt;warning&gt;")
            && page.contains("<b>s20b</b> <span class=\"status\">excluded</span>")
    );
    let first = |status: &str| page.find(&format!("<span class=\"status\">{status}")).unwrap();
    assert!(first("excluded") < first("scored"));
    assert!(page.contains("1 in run.json, 1 with SHA-256"));
}

/// The sheet of the comparison may state other groups than that of the scoring, and fewer slides.
#[test]
fn slides_are_shown_as_the_sheet_states_them() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    evidence(folder.path());
    let path = folder.path().join("samples.csv");
    let sheet = fs::read_to_string(&path).unwrap();
    let kept = sheet.lines().filter(|l| !l.starts_with("s43"));
    let changed: String = kept.map(|l| l.replace(",10,normal,", ",10,high,") + "\n").collect();
    fs::write(&path, changed).unwrap();
    let animals = folder.path().join("animals.csv");
    let without: String = fs::read_to_string(&animals)
        .unwrap()
        .lines()
        .filter(|l| !l.starts_with("43,"))
        .map(|l| format!("{l}\n"))
        .collect();
    fs::write(&animals, without).unwrap();
    run(folder.path(), &[&ALL[..], &["--qupath-names"]].concat()).success();
    let read = |name: &str| fs::read_to_string(folder.path().join("results/comparison").join(name)).unwrap();
    let page = read("report.html");
    assert!(
        page.contains("<b>s10a</b> <span class=\"status\">scored</span><br>liver, high, 10"),
        "group of s10a"
    );
    assert!(
        page.contains("2 more of the results are not in the sample sheet.") && !page.contains("<b>s43a</b>")
    );
    // That both are left out is told where it is looked for.
    assert!(!page.contains("No slide was left out."));
    let row = ",s43a,43,";
    let left_out = read("exclusions.csv");
    assert!(
        left_out
            .lines()
            .any(|l| l.contains(row) && l.ends_with(",,\"in the results, but not in the sample sheet\"")),
        "{left_out}"
    );
    let told = "2 slides of the results not in the sample sheet, in no number and no test: s43a, s43b.";
    assert!(read("warnings.csv").contains(told));
    let names = read("measurements.tsv");
    assert!(names.contains("s10a\tscored\tliver\t10\thigh\t") && !names.contains("s43a"), "{names}");
}

#[test]
fn files_for_other_programs() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    evidence(folder.path());
    let mut arguments = ALL.to_vec();
    arguments.push("--qupath-names");
    run(folder.path(), &arguments).success();
    let out = folder.path().join("results/comparison");
    let json = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(out.join(name)).unwrap()).unwrap()
    };

    let multiqc = json("multiqc/histograde_slides_mqc.json");
    assert_eq!(
        (&multiqc["plot_type"], &multiqc["data"]["s10a"]["status"]),
        (&"table".into(), &"scored".into())
    );
    assert!(json("multiqc/histograde_groups_mqc.json")["data"]["high"].is_object());
    let names = fs::read_to_string(out.join("measurements.tsv")).unwrap();
    assert!(
        names.starts_with("Image\tStatus\tClassification\tAnimal id\tGroup\tSteatotic hepatocyte %\n"),
        "{names}"
    );
    let send = fs::read_to_string(out.join("send/mi.csv")).unwrap();
    let ending = ",unverified,\"automated, extent only\"";
    assert!(send.lines().skip(1).all(|l| l.ends_with(ending)) && send.contains(",MI,10,1,MIEXAM,"), "{send}");
    assert!(
        send.contains(",\"FATTY CHANGE, MACROVESICULAR, HEPATOCYTE\",")
            && !send.contains("WITHIN NORMAL LIMITS")
    );
    let not_done: Vec<&str> = send.lines().filter(|l| l.contains("NOT DONE")).collect();
    assert!(!not_done.is_empty() && not_done.iter().all(|l| !l.contains("NOT DONE,not measured")), "{send}");
    // Fibrosis is not emitted from H&E alone.
    assert!(
        send.contains(" not measured, see exclusions.csv") && !send.to_uppercase().contains("FIBROSIS"),
        "{send}"
    );

    let provenance = json("provenance.json");
    assert_eq!(provenance["inputs"][0]["name"], "samples.csv");
    let crate_file = json("ro-crate-metadata.json");
    let graph = crate_file["@graph"].as_array().unwrap();
    let root = graph.iter().find(|e| e["@id"] == "./").unwrap();
    let parts = root["hasPart"].as_array().unwrap();
    assert_eq!(parts.len(), provenance["outputs"].as_array().unwrap().len());
    for part in parts {
        let id = part["@id"].as_str().unwrap();
        assert!(graph.iter().any(|e| e["@id"] == id && e["@type"] == "File"), "{id}");
        assert!(out.join(id).is_file(), "{id}");
    }
    assert!(parts.iter().any(|p| p["@id"] == "stats_contrasts.parquet"));
}

/// Runs a script of the report; skipped with a message where the program or its packages are missing.
fn loads(out: &Path, program: &str, probe: &[&str], script: &str) {
    let able = std::process::Command::new(program).args(probe).output();
    if !able.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: {script} needs {program} {}", probe.join(" "));
        return;
    }
    let done = std::process::Command::new(program).arg(script).current_dir(out).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("animals: 16 rows, ") && said.contains("stats_contrasts: "), "{said}");
}

#[test]
fn tables_load_in_pandas_and_r() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    run(folder.path(), &ALL).success();
    let out = folder.path().join("results/comparison");
    loads(&out, "python3", &["-c", "import pandas"], "load_tables.py");
    loads(&out, "Rscript", &["-e", "1"], "load_tables.R");
}
