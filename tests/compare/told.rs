//! What a comparison refuses, warns of and leaves out.

use super::*;

#[test]
fn everything_wrong_is_told_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    fs::write(
        folder.path().join("study.toml"),
        "normal = 'norml'\ndisease = 'diabetic'\n[primary]\nliver = 'fat'\n",
    )
    .unwrap();
    run(folder.path(), &ALL)
        .code(2)
        .stderr(contains("2 things to correct:"))
        .stderr(contains("study.toml line 1, normal, expected a group of the sample sheet"))
        .stderr(contains("study.toml line 4, primary.liver, expected a feature of liver"));
    assert!(!folder.path().join("results/comparison").exists());
}

#[test]
fn results_of_other_slides_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    fs::write(folder.path().join("samples.csv"), "slide,animal_id,group,tissue\nx.svs,1,normal,liver\n")
        .unwrap();
    run(folder.path(), &["compare", "results", "--manifest", "samples.csv"])
        .code(2)
        .stderr(contains("long.csv, slide_id, expected results of slides of the sample sheet"));
}

#[test]
fn results_that_are_not_there_leave_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    run(folder.path(), &["compare", "nope", "--manifest", "samples.csv"])
        .code(2)
        .stderr(contains("long.csv"));
    assert!(!folder.path().join("nope").exists());
}

/// Where a group is one cage the report speaks of cages.
#[test]
fn words_name_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    evidence(folder.path());
    let path = folder.path().join("samples.csv");
    let cage = |line: &str| -> String {
        let animal: Option<u32> = line.split(',').nth(1).and_then(|a| a.parse().ok());
        animal.map_or("cage".into(), |a| format!("k{}", a / 10))
    };
    let sheet = fs::read_to_string(&path).unwrap();
    let sheet: String = sheet.lines().map(|l| format!("{l},{}\n", cage(l))).collect();
    fs::write(&path, sheet).unwrap();
    let description = folder.path().join("study.toml");
    let text = fs::read_to_string(&description).unwrap();
    fs::write(&description, format!("unit = 'cage'\n{text}")).unwrap();
    run(folder.path(), &ALL).success().stderr(contains("4 cages in 4 groups"));
    let read = |name: &str| fs::read_to_string(folder.path().join("results/comparison").join(name)).unwrap();
    // Nothing is tested: neither cages nor, as a check, their animals.
    assert_eq!(read("stats_contrasts.csv").lines().count(), 1);
    let page = read("report.html");
    assert!(page.contains("no test was made, fewer than two groups have two cages or more."));
    assert!(page.contains("fewer than two cages in a group") && !page.contains("two animals"));
    assert!(page.contains("</b>: cage k1 (") && page.contains("Cages in the sheet"));
}

/// A comparison that cannot write a table leaves no page of an earlier one.
#[test]
fn no_page_is_left_of_an_earlier_comparison() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    run(folder.path(), &ALL).success();
    let out = folder.path().join("results/comparison");
    fs::remove_file(out.join("relations.csv")).unwrap();
    fs::create_dir(out.join("relations.csv")).unwrap();
    run(folder.path(), &ALL).failure();
    assert!(!out.join("report.html").exists() && out.join("animals.csv").exists());
}

/// A batch of its own for every group is told, as no block is declared.
#[test]
fn batches_that_are_groups_are_told() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let path = folder.path().join("samples.csv");
    let batch = |line: &str| -> String {
        let cells: Vec<&str> = line.split(',').collect();
        match cells[4] {
            "batch" => format!("{line}\n"),
            _ => format!("{},{},{}\n", cells[..4].join(","), &cells[1][..1], cells[5..].join(",")),
        }
    };
    let sheet: String = fs::read_to_string(&path).unwrap().lines().map(batch).collect();
    let told =
        "liver: column batch cannot be told from the groups (1: normal, 2: diabetic, 3: low <1>, 4: high)";
    run(folder.path(), &ALL).success().stderr(contains("cannot be told").not());
    fs::write(&path, sheet).unwrap();
    run(folder.path(), &ALL).success().stderr(contains(format!("warning: {told}")));
    let read = |name: &str| fs::read_to_string(folder.path().join("results/comparison").join(name)).unwrap();
    assert!(read("warnings.csv").contains(&format!(",,\"{told}")), "{}", read("warnings.csv"));
    assert!(read("report.html").contains("liver: column batch cannot be told from the groups"));
}

#[test]
fn results_of_another_tissue_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let path = folder.path().join("samples.csv");
    let sheet = fs::read_to_string(&path).unwrap().replace(",liver,", ",kidney,");
    fs::write(&path, sheet).unwrap();
    run(folder.path(), &["compare", "results", "--manifest", "samples.csv"]).code(2).stderr(contains(
        "long.csv, tissue of slide s10a, expected kidney as in row 2 of the sample sheet, got liver (32 slides differ); \
         correct the sheet, or score the slides by it",
    ));
}

#[test]
fn what_the_results_lack_is_told() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let path = folder.path().join("results/long.csv");
    let rows = fs::read_to_string(&path).unwrap();
    let failed = |row: &str| -> String {
        let cells: Vec<&str> = row.split(',').collect();
        let of_high = cells[7].starts_with("s4");
        if cells[7] == "s10a" || cells[7] == "s10b" {
            return String::new();
        }
        if of_high {
            format!("{},,,,,{},{},torn file\n", cells[..2].join(","), cells[6], cells[7])
        } else {
            format!("{row}\n")
        }
    };
    fs::write(&path, rows.lines().map(failed).collect::<String>()).unwrap();
    run(folder.path(), &ALL)
        .success()
        .stderr(contains("warning: no slide of these groups has a result, so that they are not compared: high"))
        .stderr(contains("warning: animals of the sample sheet without any result, in no number and no test: 1 of 4 in normal"))
        .stderr(contains("warning: 10 of 31 slides of the sample sheet without a result: s10a, s10b, s40a, "))
        .stderr(contains(" of 11 animals in 3 groups; report in"));
    let read = |name: &str| fs::read_to_string(folder.path().join("results/comparison").join(name)).unwrap();
    let told = "normal (n = 3), diabetic (n = 4), low <1> (n = 4), high (n = 0).";
    assert!(read("methods.txt").contains(told), "{}", read("methods.txt"));
    let left = read("exclusions.csv");
    assert_eq!(left.matches(",torn file").count(), 8, "{left}");
    assert!(left.contains("liver,s40a,40,high,,torn file"), "{left}");
    let page = read("report.html");
    assert!(page.contains(" normal</td><td>normal control</td><td></td><td>4</td><td>3</td><td>2</td>"));
    assert!(page.contains("no slide of these groups has a result"));
}
