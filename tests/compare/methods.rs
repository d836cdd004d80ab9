//! What the methods paragraph, the citations and the page say was done.

use super::*;

const BARE: [&str; 4] = ["compare", "results", "--manifest", "samples.csv"];

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("results/comparison").join(name)).unwrap()
}

/// Repeats every slide as one of kidney.
fn add_kidneys(folder: &Path) {
    for name in ["samples.csv", "results/long.csv"] {
        let path = folder.join(name);
        let rows = fs::read_to_string(&path).unwrap();
        let kidney = |row: &str| match row.strip_prefix("liver,") {
            Some(rest) if rest.starts_with("stain_h_od") => format!("kidney,{}\n", rest.replace(",s", ",k")),
            Some(_) => String::new(),
            None if row.starts_with('s') && row.contains(",liver,") => {
                format!("k{}\n", row[1..].replace(",liver,", ",kidney,"))
            }
            None => String::new(),
        };
        let more: String = rows.lines().map(kidney).collect();
        fs::write(&path, rows + &more).unwrap();
    }
}

#[test]
fn a_declared_study_is_told_with_its_tests() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    add_kidneys(folder.path());
    run(folder.path(), &ALL).success();
    let methods = read(folder.path(), "methods.txt");
    for clause in [
        "by Welch's analysis of variance, groups with each control by Welch's t test",
        "all pairs by Games-Howell",
        "Dose trends were tested by Jonckheere-Terpstra along the dose ladder, of measurements as a check also by a linear",
        "p-values of the other endpoints of a tissue were adjusted together",
        "whose p-values are not adjusted (kidney: stain_h_od_median; liver: stain_h_od_median).",
        "differences with 95 % intervals",
        "Hedges' g (noncentral t) or Cliff's delta",
        "Equivalence with normal within margins declared beforehand",
        "The results do not tell how objects were found.",
    ] {
        assert!(methods.contains(clause), "{clause}\n{methods}");
    }
    let cited = read(folder.path(), "references.bib");
    for key in [
        "welch1951",
        "welch1947",
        "gameshowell1976",
        "holm1979",
        "jonckheere1954",
        "schuirmann1987",
        "kruskal1952",
    ] {
        assert!(cited.contains(&format!("{{{key},")), "{key}\n{cited}");
    }
    for key in ["dunnett1955", "kramer1956", "freedman1983"] {
        assert!(!cited.contains(key), "{key}\n{cited}");
    }
}

#[test]
fn how_slides_become_animals_is_told_as_it_was_done() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let value = |folder: &Path| {
        let table = read(folder, "animals_long.csv");
        let row =
            table.lines().find(|l| l.contains("steatotic_hepatocyte_pct") && l.contains(",11,")).unwrap();
        row.split(',').find_map(|cell| cell.parse::<f64>().ok().filter(|v| v.fract() != 0.0)).unwrap()
    };
    run(folder.path(), &BARE).success();
    let methods = read(folder.path(), "methods.txt");
    assert!(methods.contains("slides were averaged per animal before any test"), "{methods}");
    assert!(read(folder.path(), "warnings.csv").contains("plain means of its slides"));
    let plain = value(folder.path());
    // The first slide of each animal is three times as large.
    let path = folder.path().join("results/long.csv");
    let long = fs::read_to_string(&path).unwrap();
    let divided = long.lines().map(|line| match line {
        heading if heading.starts_with("tissue,") => format!("{heading},denominator\n"),
        row if row.contains("_pct,") && row.contains("a,") => format!("{row},3\n"),
        row if row.contains("_pct,") => format!("{row},1\n"),
        row => format!("{row},\n"),
    });
    fs::write(&path, divided.collect::<String>()).unwrap();
    run(folder.path(), &BARE).success();
    let methods = read(folder.path(), "methods.txt");
    assert!(methods.contains("an animal's value is the ratio of the sums over its slides"), "{methods}");
    assert!(!read(folder.path(), "warnings.csv").contains("plain means of its slides"));
    // 0.4 above and below: a quarter of the way between them is 0.2 above the middle.
    assert!((value(folder.path()) - plain - 0.2).abs() < 1e-9, "{plain} {}", value(folder.path()));
}

#[test]
fn tests_that_were_not_made_are_not_told() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    run(folder.path(), &BARE).success();
    let (methods, cited) = (read(folder.path(), "methods.txt"), read(folder.path(), "references.bib"));
    assert!(methods.contains("by Welch's analysis of variance, all pairs by Games-Howell."), "{methods}");
    // Four against four animals reach 0.029, six pairs of them not 0.05.
    let exact = "by Kruskal-Wallis, all pairs by exact Mann-Whitney tests with Holm's adjustment";
    assert!(methods.contains(exact), "{methods}");
    assert!(methods.contains(" p-values of the endpoints of a tissue were adjusted together"), "{methods}");
    for absent in ["each control", "Dose trends", "Equivalence", "Recovery", "Spearman"] {
        assert!(!methods.contains(absent), "{absent}\n{methods}");
    }
    for absent in ["welch1947", "jonckheere", "dunnett", "fieller", "spearman"] {
        assert!(!cited.contains(absent), "{absent}\n{cited}");
    }
    // What stands in for a primary endpoint has a superplot.
    assert!(cited.contains("lord2020"), "{cited}");

    let sheet = fs::read_to_string(folder.path().join("samples.csv")).unwrap();
    let one: String = sheet
        .lines()
        .filter(|l| l.contains(",normal,") || l.starts_with("slide"))
        .map(|l| format!("{l}\n"))
        .collect();
    fs::write(folder.path().join("samples.csv"), one).unwrap();
    run(folder.path(), &BARE).success();
    let (methods, cited) = (read(folder.path(), "methods.txt"), read(folder.path(), "references.bib"));
    assert!(methods.contains(" No test was made; warnings.csv says of each endpoint why."), "{methods}");
    for absent in ["adjusted", "Effects are given", "were compared", "rule fixed"] {
        assert!(!methods.contains(absent), "{absent}\n{methods}");
    }
    // The animals of one group have a figure; nothing else is cited but the guidelines.
    assert!(cited.contains("lord2020") && cited.contains("percie2020"), "{cited}");
    assert_eq!(cited.matches("@article").count(), 2, "{cited}");
}

/// A ladder whose groups cannot be tested makes no trend.
#[test]
fn a_ladder_without_a_trend_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let path = folder.path().join("samples.csv");
    let sheet = fs::read_to_string(&path).unwrap();
    let few: String = sheet
        .lines()
        .filter(|l| !l.contains(",high,") || l.contains(",40,"))
        .map(|l| format!("{l}\n"))
        .collect();
    fs::write(&path, few).unwrap();
    let animals = folder.path().join("animals.csv");
    let kept: String = fs::read_to_string(&animals)
        .unwrap()
        .lines()
        .filter(|l| !["41,", "42,", "43,"].iter().any(|a| l.starts_with(a)))
        .map(|l| format!("{l}\n"))
        .collect();
    fs::write(&animals, kept).unwrap();
    run(folder.path(), &ALL).success();
    assert_eq!(read(folder.path(), "stats_trends.csv").lines().count(), 1);
    assert!(!read(folder.path(), "methods.txt").contains("Dose trends"));
    assert!(!read(folder.path(), "references.bib").contains("jonckheere"));
}

#[test]
fn how_slides_were_measured_is_told_with_the_true_number_of_warnings() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    add_kidneys(folder.path());
    evidence(folder.path());
    let net =
        |name: &str| serde_json::json!({ "method": "net", "model": name, "sha256": "0123456789abcdef" });
    let run_json = serde_json::json!({
        "settings": {
            "mpp_given": { "s10a": 0.5 },
            "max_artefact_pct": 60.0,
            "methods": {
                "nuclei": net("nuclei-rgb"), "vacuoles": { "method": "classical" },
                "structures": { "method": "classical" }, "tubules": { "method": "classical" },
            },
        },
        "slides": [{ "slide_id": "s10a", "warnings": 3 }, { "slide_id": "s10b", "warnings": 0 }],
    });
    fs::write(folder.path().join("results/run.json"), run_json.to_string()).unwrap();
    run(folder.path(), &ALL).success();
    let methods = read(folder.path(), "methods.txt");
    assert!(
        methods.contains(
            "nuclei by the network nuclei-rgb (SHA-256 0123456789ab), fat vacuoles by the classical method (rules on stain and \
             shape), glomeruli by the classical method"
        ),
        "{methods}"
    );
    assert!(methods.contains("The pixel size of 1 of 31 slides was given by the user (0.5 µm)"), "{methods}");
    assert!(methods.contains("artefacts on up to 60 % of their tissue"), "{methods}");
    let page = read(folder.path(), "report.html");
    assert!(page.contains("How slides were measured"));
    assert!(page.contains("a Dice of 0.00 and tufts of 0.51") && !page.contains("Dice of 0.93"));
    let multiqc: serde_json::Value =
        serde_json::from_str(&read(folder.path(), "multiqc/histograde_slides_mqc.json")).unwrap();
    let warnings = |slide: &str| multiqc["data"][slide]["warnings"].as_u64();
    // One text with "; " in it is still one warning, and what is not told is no zero.
    assert_eq!((warnings("s10a"), warnings("s10b"), warnings("s11a")), (Some(3), Some(0), None));
}

#[test]
fn differences_have_units_and_figures_captions() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    run(folder.path(), &ALL).success();
    let page = read(folder.path(), "report.html");
    assert!(page.contains(" percentage points (") && page.contains("within ±5.000 percentage points (p = "));
    for caption in [
        "Points: one per animal; light points: its slides. Long line: mean of the group. Error bars: 95 % t interval of each mean",
        "Points: differences of means in percentage points. Error bars: 95 % intervals, each by itself",
        "Line: means of the groups, joined.",
        "Error bars: its 95 % interval",
        "Points: one per animal, colour and shape by group.",
    ] {
        assert!(page.contains(caption), "{caption}");
    }
    let figures = page.matches("<div class=\"figure\"").count();
    let scatters = page.matches("<div class=\"figure\" style").count();
    // The relations share a caption.
    assert_eq!(page.matches("<p class=\"caption\">").count(), figures - scatters + 1);
    let figure = read(folder.path(), "figures/liver_steatotic_hepatocyte_pct_differences.svg");
    assert!(figure.contains("(percentage points)"), "{figure}");
    for item in ["left out, listed above", "listed above (Tables)", "methods paragraph above"] {
        assert!(page.contains(item), "{item}");
    }
}

/// Adds doses to the sheet, by group.
fn dosed(folder: &Path, doses: &[(&str, &str)]) {
    let path = folder.join("samples.csv");
    let sheet = fs::read_to_string(&path).unwrap();
    let of = |line: &str| {
        let group = line.split(',').nth(2).unwrap();
        let dose = doses.iter().find(|(name, _)| *name == group).map_or("", |(_, dose)| dose);
        let unit = if dose.is_empty() { "" } else { "mg/kg" };
        if line.starts_with("slide,") {
            format!("{line},dose,dose_unit\n")
        } else {
            format!("{line},{dose},{unit}\n")
        }
    };
    fs::write(&path, sheet.lines().map(of).collect::<String>()).unwrap();
}

#[test]
fn doses_of_the_sheet_are_held_against_the_ladder() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    dosed(folder.path(), &[("diabetic", "0"), ("low <1>", "0.5"), ("high", "1")]);
    run(folder.path(), &ALL).success();
    assert!(read(folder.path(), "stats_trends.csv").contains(" per mg/kg"));
    assert!(read(folder.path(), "figures/liver_steatotic_hepatocyte_pct_dose.svg").contains("dose (mg/kg)"));
    assert!(read(folder.path(), "report.html").contains("Dose (mg&#x2f;kg)"));
    assert!(read(folder.path(), "methods.txt").contains("along the dose ladder (mg/kg)"));
    run(folder.path(), &BARE)
        .success()
        .stderr(contains("warning: doses of the sample sheet are not used"))
        .stderr(contains("section [doses]: diabetic = 0, high = 1, \"low <1>\" = 0.5"));

    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    dosed(folder.path(), &[("diabetic", "0"), ("low <1>", "0.5"), ("high", "10")]);
    run(folder.path(), &ALL)
        .code(2)
        .stderr(contains("doses.high, expected 10 mg/kg as in row "))
        .stderr(contains(" of the sample sheet, got 1"));
    assert!(!folder.path().join("results/comparison").exists());
}
