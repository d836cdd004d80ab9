//! Blocks, cages and declarations that name something.

use super::*;

/// A results folder beside its sheet and description.
struct Bench(tempfile::TempDir);

impl Bench {
    /// `slides`: `id,animal,group,tissue,…` under `heading`, with the values of features of each.
    fn new(heading: &str, slides: &[(String, Vec<(&str, f64)>)], description: &str) -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        let (mut sheet, mut long) = (
            format!("slide,animal_id,group,tissue,{heading}\n"),
            "tissue,feature,animal_id,group,batch,value,unit,slide_id,missing\n".to_owned(),
        );
        for (row, values) in slides {
            writeln!(sheet, "{row}").unwrap();
            let cells: Vec<&str> = row.split(',').collect();
            let (id, tissue) = (cells[0].trim_end_matches(".svs"), cells[3]);
            for (feature, value) in values {
                writeln!(long, "{tissue},{feature},,,,{value},%,{id},").unwrap();
            }
        }
        fs::create_dir(bench.path("results")).unwrap();
        fs::write(bench.path("results/long.csv"), long).unwrap();
        fs::write(bench.path("samples.csv"), sheet).unwrap();
        fs::write(bench.path("study.toml"), description).unwrap();
        bench
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn compare(&self, more: &[&str]) -> assert_cmd::assert::Assert {
        let usual = ["compare", "results", "--manifest", "samples.csv", "--study", "study.toml"];
        run(self.0.path(), &[&usual[..], more].concat())
    }

    /// Rows of a table that begin with `start`, and its heading.
    fn rows(&self, table: &str, start: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let text = fs::read_to_string(self.path("results/comparison").join(table)).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let of = |r: &csv::StringRecord| r.iter().map(str::to_owned).collect::<Vec<_>>();
        let heading = of(reader.headers().unwrap());
        let all: Vec<_> = reader.records().map(|r| of(&r.unwrap())).collect();
        (heading, all.into_iter().filter(|r| r.join(",").starts_with(start)).collect())
    }

    /// The one cell of `column` in the row that begins with `start`.
    fn cell(&self, table: &str, start: &str, column: &str) -> String {
        let (heading, rows) = self.rows(table, start);
        let place = heading.iter().position(|h| h == column).unwrap_or_else(|| panic!("{heading:?}"));
        rows.first().unwrap_or_else(|| panic!("{table}: {start}"))[place].clone()
    }
}

/// Small numbers without a pattern.
fn noise(i: usize) -> f64 {
    ((i * 37 + 11) % 23) as f64 / 23.0 - 0.5
}

/// Liver and kidney of one animal were stained on different days; each is adjusted for its own.
#[test]
fn blocks_are_those_of_the_tissue() {
    let slides = |tissues: &[&str]| -> Vec<(String, Vec<(&str, f64)>)> {
        let mut rows = Vec::new();
        for i in 0..12 {
            let (group, shift) = if i < 6 { ("ctrl", 0.0) } else { ("trt", 2.0) };
            for tissue in tissues {
                let (block, feature, day) = match *tissue {
                    "liver" => (["L1", "L2"][i % 2], "fat_area_pct", 2.0 * (i % 2) as f64),
                    _ => (
                        ["K1", "K2"][usize::from(i % 3 > 0)],
                        "tubule_injured_pct",
                        8.0 * f64::from(u8::from(i % 3 > 0)),
                    ),
                };
                let row = format!("{}{i}.svs,m{i},{group},{tissue},{block}", &tissue[..1]);
                rows.push((row, vec![(feature, 20.0 + shift + day + noise(i))]));
            }
        }
        rows
    };
    const STUDY: &str = "control = 'ctrl'\nblock = 'stain_batch'\n[primary]\nkidney = 'tubule_injured_pct'\n";
    let (both, alone) = (
        Bench::new("stain_batch", &slides(&["liver", "kidney"]), STUDY),
        Bench::new("stain_batch", &slides(&["kidney"]), STUDY),
    );
    fs::write(
        both.path("animals.csv"),
        (0..12).fold("animal_id,alt\n".to_owned(), |t, i| t + &format!("m{i},{i}\n")),
    )
    .unwrap();
    both.compare(&["--animals", "animals.csv"]).success();
    alone.compare(&[]).success();
    let start = "kidney,tubule_injured_pct,vs_control";
    for column in ["estimate", "ci_lo", "p", "effect_size", "test"] {
        assert_eq!(
            both.cell("stats_contrasts.csv", start, column),
            alone.cell("stats_contrasts.csv", start, column)
        );
    }
    assert_eq!(alone.cell("stats_contrasts.csv", start, "test"), "adjusted_contrast");
    let p: f64 = alone.cell("stats_contrasts.csv", start, "p").parse().unwrap();
    assert!(p < 1e-3, "{p}");
    assert_eq!(both.cell("animals.csv", "m0,", "block"), "kidney: K1; liver: L1");
    assert_eq!(alone.cell("animals.csv", "m0,", "block"), "K1");
    assert_eq!(both.cell("animals_long.csv", "liver,fat_area_pct,m1,", "block"), "L2");
    let told = both.rows("warnings.csv", "physiology,alt").1;
    assert!(told.iter().any(|r| r[2].starts_with("not adjusted for blocks: they are of slides")), "{told:?}");
}

/// What answers is adjusted as a whole: equivalence, plans, trend, recovery, effects and permutations.
#[test]
fn everything_is_adjusted_for_blocks_or_says_that_it_is_not() {
    let mut slides = Vec::new();
    for b in 0..6 {
        for (g, (group, shift)) in
            [("normal", 0.0), ("diab", 3.0), ("low", 2.2), ("high", 1.5)].into_iter().enumerate()
        {
            let i = 4 * b + g;
            let value = 10.0 + 6.0 * b as f64 + shift + 0.4 * noise(i);
            slides.push((format!("s{i}.svs,m{i},{group},liver,B{b}"), vec![("fat_area_pct", value)]));
        }
    }
    let bench = Bench::new(
        "batch",
        &slides,
        "normal = 'normal'\ndisease = 'diab'\nblock = 'batch'\n[primary]\nliver = 'fat_area_pct'\n[doses]\ndiab = 0\nlow = 1\n\
         high = 2\n[equivalence]\nfat_area_pct = 2\n[[contrast]]\nname = 'treated'\nplus = ['low', 'high']\nminus = ['diab']\n",
    );
    bench.compare(&[]).success();
    let number = |table: &str, start: &str, column: &str| -> f64 {
        bench.cell(table, start, column).parse().unwrap_or_else(|e| panic!("{table} {start} {column}: {e}"))
    };
    let start = "liver,fat_area_pct,planned";
    assert_eq!(bench.cell("stats_contrasts.csv", start, "test"), "adjusted_contrast");
    assert!(number("stats_contrasts.csv", start, "p") < 1e-4);
    assert_eq!(bench.cell("stats_contrasts.csv", start, "contrast"), "treated: mean of low, high - diab");
    let page = fs::read_to_string(bench.path("results/comparison/report.html")).unwrap();
    let (_, told) =
        page.split_once("treated (planned): mean of low, high is lower than diab: difference -").unwrap();
    assert!(told.contains(" (95 % interval -") && page.contains(" % (95 % interval "), "{told}");
    let start = "liver,fat_area_pct,vs_disease";
    assert_eq!(bench.cell("stats_contrasts.csv", start, "effect"), "hedges_g_adjusted");
    assert!(number("stats_contrasts.csv", start, "effect_size").abs() > 3.0);
    // Of six blocks of one animal each, two of 64 arrangements are as large.
    assert!((number("stats_contrasts.csv", start, "p_permutation") - 2.0 / 64.0).abs() < 1e-9);
    let (_, equivalent) = bench.rows("equivalence.csv", "liver,fat_area_pct,high - normal");
    assert_eq!(equivalent[0].last().map(String::as_str), Some("yes"), "{equivalent:?}");
    let recovered = number("recovery.csv", "liver,fat_area_pct,high", "recovery_pct");
    assert!(
        (recovered - 50.0).abs() < 10.0 && number("recovery.csv", "liver,fat_area_pct,high", "ci_lo") > 0.0
    );
    assert!(number("stats_trends.csv", "liver,fat_area_pct,linear_dose_contrast", "p") < 1e-4);
    let note = bench.cell("stats_trends.csv", "liver,fat_area_pct,jonckheere_terpstra", "note");
    assert!(note.starts_with("not adjusted for blocks; "), "{note}");
    let methods = fs::read_to_string(bench.path("results/comparison/methods.txt")).unwrap();
    for clause in [
        "Planned contrasts of adjusted means were tested",
        "Where blocks were adjusted for, labels were permuted within them",
        "Hedges' g of adjusted means in residual standard deviations",
        "Welch tests, of adjusted means where blocks were adjusted for.",
        "these are adjusted means, the residual standard deviation",
    ] {
        assert!(methods.contains(clause), "{clause}\n{methods}");
    }
}

/// Cages may be numbered anew in each group: the weight of one is not that of another.
#[test]
fn cages_of_one_number_in_two_groups_are_two() {
    let study =
        "control = 'ctrl'\nunit = 'cage'\ncovariates = ['weight_g']\n[primary]\nliver = 'fat_area_pct'\n";
    let bench = |unique: bool| {
        let (mut slides, mut animals) = (Vec::new(), "animal_id,weight_g\n".to_owned());
        for i in 0..16 {
            let (group, cage) = (if i < 8 { "ctrl" } else { "trt" }, i % 8 / 2);
            let weight = if i < 8 { 20.0 + 3.0 * cage as f64 } else { 45.0 - 3.0 * cage as f64 } + noise(i);
            let name = if unique { format!("{group}{cage}") } else { cage.to_string() };
            let row = format!("s{i}.svs,m{i},{group},liver,{name}");
            slides.push((row, vec![("fat_area_pct", 5.0 + 0.5 * weight + 0.2 * noise(3 * i))]));
            writeln!(animals, "m{i},{weight}").unwrap();
        }
        let bench = Bench::new("cage", &slides, study);
        fs::write(bench.path("animals.csv"), animals).unwrap();
        bench
    };
    let (anew, unique) = (bench(false), bench(true));
    let told = "cages with animals of several groups (0, 1, 2, 3) count as one cage in each group";
    anew.compare(&["--animals", "animals.csv"]).success().stderr(contains(told));
    unique.compare(&["--animals", "animals.csv"]).success().stderr(contains("several groups").not());
    let given = |b: &Bench| {
        let start = "liver,fat_area_pct,vs_control_given_covariates";
        ["estimate", "p"].map(|column| b.cell("stats_contrasts.csv", start, column))
    };
    assert_eq!(given(&anew), given(&unique));
    let estimate: f64 = given(&anew)[0].parse().unwrap();
    assert!(estimate.abs() < 1.0, "{estimate}");
}

#[test]
fn what_was_declared_and_not_done_is_told() {
    let mut slides = Vec::new();
    for (g, group) in ["normal", "diab", "trt", "solo"].into_iter().enumerate() {
        for a in 0..if group == "solo" { 1 } else { 4 } {
            let i = 4 * g + a;
            let values = vec![("fat_area_pct", 5.0 * g as f64 + noise(i)), ("nas_sum_grade", (g + a) as f64)];
            slides.push((format!("s{i}.svs,m{i},{group},liver,"), values));
        }
    }
    let bench = Bench::new(
        "batch",
        &slides,
        "normal = 'normal'\ndisease = 'diab'\n[primary]\nliver = 'steatotic_hepatocyte_pct'\n[equivalence]\n\
         cytoplasm_clearing_pct = 3\ntubule_injured_pct = 1\n[[contrast]]\nname = 'solo'\nplus = ['solo']\nminus = ['diab']\n",
    );
    bench.compare(&[]).success().stderr(contains(
        "warning: liver: the primary endpoint steatotic_hepatocyte_pct was declared but not measured",
    ));
    let told = fs::read_to_string(bench.path("results/comparison/warnings.csv")).unwrap();
    for text in [
        "liver: the primary endpoint steatotic_hepatocyte_pct was declared but not measured: no endpoint of liver is primary",
        "cytoplasm_clearing_pct has a margin of equivalence but was not measured",
        "planned contrast solo was not tested: fewer than two animals in solo",
        "planned contrasts were not tested: they are of means, and grades have no distances",
    ] {
        assert!(told.contains(text), "{text}\n{told}");
    }
    assert!(!told.contains("tubule_injured_pct"), "{told}");
    let methods = fs::read_to_string(bench.path("results/comparison/methods.txt")).unwrap();
    assert!(
        methods.contains("No primary endpoint was measured, so every result is exploratory."),
        "{methods}"
    );
    assert!(methods.contains("not measured: steatotic_hepatocyte_pct in liver."), "{methods}");

    let path = bench.path("study.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("cytoplasm_clearing_pct", "cytoplasm_clering_pct")).unwrap();
    bench
        .compare(&[])
        .code(2)
        .stderr(contains("got \"cytoplasm_clering_pct\" (did you mean cytoplasm_clearing_pct?)"));
}

/// Slides that another rubric scored are not put beside, or into a model with, animals that this one scores.
#[test]
fn slides_scored_by_another_rubric_are_left_out() {
    let mut slides = Vec::new();
    for i in 0..8 {
        for s in ["a", "b"] {
            let group = if i < 4 { "ctrl" } else { "trt" };
            let value =
                20.0 + 10.0 * f64::from(u8::from(i >= 4)) + noise(i) + if s == "a" { 0.3 } else { -0.3 };
            let score = 0.5 + (value - 5.0) / 28.0;
            let values = vec![("macro_affected_area_pct", value), ("macrosteatosis_score", score)];
            slides.push((format!("s{i}{s}.svs,m{i},{group},liver,"), values));
        }
    }
    let bench = Bench::new("batch", &slides, "control = 'ctrl'\n[primary]\nliver = 'macrosteatosis_score'\n");
    let mixed = |b: &Bench| {
        b.rows("stats_contrasts.csv", "liver,macrosteatosis_score,vs_control_mixed_model").1.len()
    };
    bench.compare(&[]).success();
    assert_eq!(mixed(&bench), 1);
    let told = "the slides were scored with another rubric than this comparison uses";
    fs::write(bench.path("results/run.json"), "{\"rubric\":{\"sha256\":\"0\"}}").unwrap();
    bench.compare(&[]).success().stderr(contains(told));
    assert_eq!(mixed(&bench), 0);
}

/// A quote that is not closed would take in the rows below.
#[test]
fn cells_with_line_breaks_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let path = folder.path().join("samples.csv");
    let sheet = fs::read_to_string(&path).unwrap().replace("yes,torn", "yes,\"torn at the edge");
    fs::write(&path, sheet).unwrap();
    run(folder.path(), &ALL)
        .code(2)
        .stderr(contains("samples.csv row 11, expected cells without line breaks (is a quote not closed"));
}
