//! What the report's files show, and what it says that they do not.

use super::*;

const BARE: [&str; 4] = ["compare", "results", "--manifest", "samples.csv"];

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("results/comparison").join(name)).unwrap()
}

fn edit(path: &Path, change: impl Fn(&str) -> String) {
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, change(&text)).unwrap();
}

/// Tables of cages say so, and there is no table of animals by another standard.
#[test]
fn columns_name_the_unit_that_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    run(folder.path(), &ALL).success();
    let header = |name: &str| read(folder.path(), name).lines().next().unwrap().to_owned();
    assert_eq!(header("variance_components.csv"), "tissue,feature,variance_animal,variance_slide,icc");
    assert!(header("animals.csv").starts_with("animal_id,group,block,"));
    assert!(folder.path().join("results/comparison/send/mi.csv").is_file());
    let cage = |line: &str| -> String {
        let animal: Option<u32> = line.split(',').nth(1).and_then(|a| a.parse().ok());
        animal.map_or("cage".into(), |a| format!("k{}", a / 2))
    };
    edit(&folder.path().join("samples.csv"), |t| t.lines().map(|l| format!("{l},{}\n", cage(l))).collect());
    edit(&folder.path().join("study.toml"), |text| format!("unit = 'cage'\n{text}"));
    let note = "send/mi.csv is not written: its rows are of animals, and the unit is the cage";
    run(folder.path(), &ALL).success().stderr(contains(format!("warning: {note}")));
    assert_eq!(header("variance_components.csv"), "tissue,feature,variance_cage,variance_animal,icc");
    assert!(header("animals.csv").starts_with("cage,group,block,"));
    assert!(header("animals_long.csv").starts_with("tissue,feature,cage,group,"));
    assert_eq!(header("weight_sensitivity.csv"), "tissue,scenario,group,cages,index_mean,rank,order_changes");
    assert!(!folder.path().join("results/comparison/send/mi.csv").exists());
    assert!(read(folder.path(), "warnings.csv").contains(note));
    assert!(read(folder.path(), "report.html").contains("its rows are of animals, and the unit is the cage"));
}

/// A cage is graded, and remarked on, by what all its animals show.
#[test]
fn cages_of_few_objects_are_told_and_not_graded() {
    let folder = tempfile::tempdir().unwrap();
    let (mut sheet, mut long) = (
        "slide,animal_id,group,tissue,cage\n".to_owned(),
        "tissue,feature,animal_id,group,batch,value,unit,slide_id,missing\n".to_owned(),
    );
    for (animal, group, cage, n) in
        [(1, "normal", "a", 40), (2, "normal", "b", 40), (3, "treated", "c", 1), (4, "treated", "c", 1)]
    {
        writeln!(sheet, "s{animal}.svs,{animal},{group},kidney,{cage}").unwrap();
        writeln!(long, "kidney,glom_whole_n,,,,{n},1,s{animal},").unwrap();
        writeln!(long, "kidney,glom_sclerosis_index,,,,1.5,0 to 4,s{animal},").unwrap();
    }
    fs::create_dir(folder.path().join("results")).unwrap();
    fs::write(folder.path().join("results/long.csv"), long).unwrap();
    fs::write(folder.path().join("samples.csv"), sheet).unwrap();
    fs::write(folder.path().join("study.toml"), "control = 'normal'\nunit = 'cage'\n").unwrap();
    run(folder.path(), &[&BARE[..], &["--study", "study.toml"]].concat()).success();
    let told = "kidney: 1 of 3 cages have fewer than 30 whole glomeruli (it has 2): what is measured of glomeruli is uncertain";
    assert!(read(folder.path(), "warnings.csv").contains(told), "{}", read(folder.path(), "warnings.csv"));
    let table = read(folder.path(), "animals_long.csv");
    let graded = |cage: &str| table.contains(&format!("kidney,glomerulosclerosis_score,{cage},"));
    assert_eq!(["a", "b", "c"].map(graded), [true, true, false], "{table}");
}

/// Marks of pairs do not tell which pair they are of.
#[test]
fn forest_plots_have_one_control() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let forest = folder.path().join("results/comparison/figures/liver_effects.svg");
    run(folder.path(), &ALL).success();
    assert!(fs::read_to_string(&forest).unwrap().contains("Effects of every endpoint against diabetic"));
    assert!(read(folder.path(), "report.html").contains("Hedges&#x27; g of each group against diabetic."));
    run(folder.path(), &BARE).success();
    assert!(!forest.exists() && !read(folder.path(), "report.html").contains("<h3>Effects"));
}

/// Without a description there is no endpoint that was chosen; the one that would be proposed stands in.
#[test]
fn a_study_without_description_has_a_result_and_a_figure() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    run(folder.path(), &BARE).success();
    let page = read(folder.path(), "report.html");
    let told = "without it this endpoint stands here.</p><p>steatotic hepatocyte pct (not declared beforehand): groups ";
    assert!(page.contains(told) && page.contains("declared in study.toml, which histograde init proposes"));
    for ending in ["svg", "png"] {
        let figure = format!("results/comparison/figures/liver_steatotic_hepatocyte_pct_animals.{ending}");
        assert!(folder.path().join(&figure).is_file(), "{figure}");
    }
    run(folder.path(), &ALL).success();
    assert!(!read(folder.path(), "report.html").contains("this endpoint stands here"));
}

#[test]
fn columns_whose_names_become_alike_have_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    edit(&folder.path().join("animals.csv"), |text| text.replacen("glucose,insulin", "alt u/l,alt u:l", 1));
    run(folder.path(), &ALL).success();
    let prism: Vec<String> = fs::read_dir(folder.path().join("results/comparison/prism"))
        .unwrap()
        .map(|f| f.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("physiology_"))
        .collect();
    assert_eq!(prism.len(), 2, "{prism:?}");
    let [first, second] =
        ["", "-2"].map(|more| read(folder.path(), &format!("prism/physiology_alt_u_l{more}.csv")));
    assert_ne!(first, second);
    let [first, second] =
        ["", "-2"].map(|more| read(folder.path(), &format!("figures/physiology_alt_u_l_animals{more}.svg")));
    assert!(first.contains("alt u/l") && second.contains("alt u:l"));
}

/// What a slide was chosen by is said as it was.
#[test]
fn slides_without_a_value_are_not_said_to_be_nearest() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    evidence(folder.path());
    run(folder.path(), &ALL).success();
    let nearest = "its slide nearest to that median, and there";
    let page = read(folder.path(), "report.html");
    assert!(page.contains("its first slide, for single slides have no such value, and there"));
    assert!(!page.contains(nearest));
    let valued = |line: &str| line.replace(",,a <warning>", ",1,a <warning>").replace(",,\n", ",1,\n");
    edit(&folder.path().join("results/slides.csv"), valued);
    run(folder.path(), &ALL).success();
    assert!(read(folder.path(), "report.html").contains(nearest));
}

#[test]
fn intervals_are_said_to_be_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let by_itself = "t intervals are each by itself, so that one can leave out 0";
    run(folder.path(), &ALL).success();
    let page = read(folder.path(), "report.html");
    assert!(page.contains(&format!("within their family; {by_itself}")) && !page.contains("simultaneous"));
    // Dunnett's intervals hold together; without a primary endpoint there is no check with others.
    edit(&folder.path().join("study.toml"), |text| {
        format!(
            "equal_variances = true\n{}",
            text.replace("[primary]\nliver = 'steatotic_hepatocyte_pct'\n", "")
        )
    });
    run(folder.path(), &ALL).success();
    let page = read(folder.path(), "report.html");
    assert!(page.contains(
        "within their family; intervals are simultaneous: they hold for all of their family together."
    ));
    assert!(!page.contains(by_itself));
}

#[test]
fn methods_name_what_was_compared() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    run(folder.path(), &ALL).success();
    let methods = read(folder.path(), "methods.txt");
    let withheld = "or where the 95 % Welch interval of their difference, which is not adjusted, holds 0.";
    assert!(methods.contains(withheld) && !methods.contains("not significantly"), "{methods}");
    assert!(!methods.contains("cut-offs were taken"), "{methods}");
    edit(&folder.path().join("results/long.csv"), |t| {
        t.replace("macro_affected_area_pct", "hypertrophic_hepatocyte_pct")
    });
    run(folder.path(), &ALL).success();
    let methods = read(folder.path(), "methods.txt");
    assert!(methods.contains("beyond which hypertrophic hepatocytes were counted, a rule"), "{methods}");
    assert!(!methods.contains("glomeruli were counted"), "{methods}");
}

#[test]
fn the_title_is_the_folders_name() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    run(&folder.path().join("results"), &["compare", ".", "--manifest", "../samples.csv"]).success();
    assert!(read(folder.path(), "report.html").contains("<title>results: comparison of groups</title>"));
}

#[test]
fn letters_that_figures_cannot_show_are_told() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let told =
        "the font of the PNG figures has no 対照: they show boxes; take the SVG figures, or other names";
    run(folder.path(), &ALL).success().stderr(contains("boxes").not());
    for name in ["samples.csv", "study.toml"] {
        edit(&folder.path().join(name), |t| {
            t.replace("diabetic = 0", "'対照' = 0").replace("diabetic", "対照")
        });
    }
    run(folder.path(), &ALL).success().stderr(contains(told));
    assert!(read(folder.path(), "report.html").contains(told));
}

/// Nothing was tested, so that nothing is adjusted.
#[test]
fn families_without_a_test_have_no_size() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    edit(&folder.path().join("samples.csv"), |text| {
        text.lines()
            .filter(|l| !l.starts_with('s') || l.starts_with("slide") || l.contains(",normal,"))
            .map(|l| format!("{l}\n"))
            .collect()
    });
    run(folder.path(), &BARE).success();
    let json: serde_json::Value = serde_json::from_str(&read(folder.path(), "comparison.json")).unwrap();
    let sizes = json["endpoints"].as_array().unwrap().iter().map(|e| e["family_size"].as_u64());
    assert!(sizes.into_iter().all(|size| size == Some(0)));
}

/// Groups called like what programs take for nothing, and columns of names that are numbers, stay what they are.
#[test]
fn names_survive_loading() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    for name in ["samples.csv", "study.toml"] {
        edit(&folder.path().join(name), |text| {
            text.replace("normal'", "None'")
                .replace(",normal,", ",None,")
                .replace("diabetic", "-nan")
                .replace("low <1>", "10")
                .replace("high", "null")
        });
    }
    run(folder.path(), &ALL).success();
    let out = folder.path().join("results/comparison");
    let python = "from load_tables import tables as t; print(sorted(set(t['animals'].group)), \
        sorted(set(t['stats_contrasts'].group_b)), t['animals'].group.isna().sum())";
    let r = "t <- source('load_tables.R')$value; s <- function(v) sort(unique(v), method = 'radix'); cat(s(t$animals$group), s(t$stats_contrasts$group_b), \
        sum(is.na(t$animals$group)))";
    for (program, probe, script, expected) in [
        (
            "python3",
            "import pandas",
            python,
            "['-nan', '10', 'None', 'null'] ['-nan', '10', 'None', 'null'] 0",
        ),
        ("Rscript", "1", r, "-nan 10 None null -nan 10 None null 0"),
    ] {
        let option = if program == "python3" { "-c" } else { "-e" };
        let call =
            |text: &str| std::process::Command::new(program).args([option, text]).current_dir(&out).output();
        if !call(probe).is_ok_and(|o| o.status.success()) {
            eprintln!("skipped: names are not loaded without {program} ({probe})");
            continue;
        }
        let done = call(script).unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert_eq!(said.trim(), expected, "{}", String::from_utf8_lossy(&done.stderr));
    }
}
