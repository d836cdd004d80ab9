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
    fs::remove_dir_all(out.join("prism")).unwrap();
    fs::write(out.join("prism"), "no folder").unwrap();
    run(folder.path(), &ALL).failure();
    assert!(!out.join("report.html").exists() && out.join("animals.csv").exists());
    // What it left is known as its own.
    assert!(fs::read_to_string(out.join("UNFINISHED.txt")).unwrap().contains("did not finish"));
    fs::remove_file(out.join("prism")).unwrap();
    run(folder.path(), &ALL).success();
    assert!(out.join("report.html").exists() && !out.join("UNFINISHED.txt").exists());
}

/// Files of others, and those that are read, are not written over, and what is there stays whole.
#[test]
fn a_report_takes_no_place_of_others() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let refused = |more: &[&str], expected: &str| {
        let before = common_files::all(folder.path());
        run(folder.path(), &[&ALL[..], more].concat()).code(2).stderr(contains(expected));
        assert!(common_files::all(folder.path()) == before, "{more:?}");
    };
    // The animal table has the name of one of ours.
    refused(&["-o", "."], "animals.csv, which is there and is kept");
    run(folder.path(), &[&ALL[..], &["-o", "report"]].concat()).success();
    let listed: Vec<String> = common_files::paths(&folder.path().join("report"))
        .iter()
        .map(|path| path.to_string_lossy().replace('\\', "/"))
        .filter(|name| !name.contains('/'))
        .collect();
    fs::create_dir(folder.path().join("mine")).unwrap();
    for name in &listed {
        let path = folder.path().join("mine").join(name);
        fs::write(&path, "mine").unwrap();
        refused(&["-o", "mine"], &format!("{name}, which is there and is kept"));
        fs::remove_file(path).unwrap();
    }
    fs::copy(folder.path().join("samples.csv"), folder.path().join("report/groups.csv")).unwrap();
    let mut sheet = ALL;
    sheet[3] = "report/groups.csv";
    let before = common_files::all(folder.path());
    run(folder.path(), &[&sheet[..], &["-o", "report"]].concat())
        .code(2)
        .stderr(contains("expected another file than the one that is read"));
    fs::remove_file(folder.path().join("report/relations.csv")).unwrap();
    fs::create_dir(folder.path().join("report/relations.csv")).unwrap();
    refused(&["-o", "report"], "a folder has this name");
    assert!(before.keys().any(|path| path.ends_with("report/report.html")));
    assert!(folder.path().join("report/report.html").exists());
}

/// Results of a run that was stopped.
#[test]
fn results_that_are_not_finished_are_told_and_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let path = folder.path().join("results/long.csv");
    let rows = fs::read_to_string(&path).unwrap();
    let without = |is_left: &dyn Fn(&str) -> bool| {
        let row = |row: &str| {
            let cells: Vec<&str> = row.split(',').collect();
            if cells[7] == "slide_id" || is_left(cells[7]) {
                return format!("{row}\n");
            }
            let why = "interrupted before this slide was finished";
            format!("{},,,,,{},{},{why}\n", cells[..2].join(","), cells[6], cells[7])
        };
        fs::write(&path, rows.lines().map(row).collect::<String>()).unwrap();
    };
    without(&|slide| !slide.starts_with("s4"));
    run(folder.path(), &ALL).success().stderr(contains(
        "warning: the results are not finished: 8 of 31 slides were not scored, for the run was stopped",
    ));
    let out = folder.path().join("results/comparison");
    assert!(fs::read_to_string(out.join("report.html")).unwrap().contains("the results are not finished"));
    let before = common_files::all(folder.path());
    without(&|_| false);
    run(folder.path(), &ALL).code(2).stderr(contains(
        "a number of one slide of the sample sheet or more, got none; 31: interrupted before this slide was finished",
    ));
    fs::write(&path, &rows).unwrap();
    without(&|slide| !slide.starts_with("s4"));
    assert!(common_files::all(folder.path()) == before, "the earlier report stays");
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

/// What is declared and has no effect is told, and whose blood is left out.
#[test]
fn covariates_and_animals_that_nothing_was_done_with_are_told() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let description = folder.path().join("study.toml");
    let usual = fs::read_to_string(&description).unwrap();
    let told =
        "warning: covariates (insulin) were declared, but nothing was compared at equal values of them: ";
    let with = |text: String| {
        fs::write(&description, format!("covariates = ['insulin']\n{text}")).unwrap();
        run(folder.path(), &ALL).success()
    };
    let primary = "[primary]\nliver = 'steatotic_hepatocyte_pct'\n";
    with(usual.clone()).stderr(contains(told).not()).stderr(contains("left out of physiology").not());
    with(usual.replace(primary, ""))
        .stderr(contains(format!("{told}that is done with primary endpoints, and none is declared")));
    with(usual.replace("'steatotic_hepatocyte_pct'\n[doses]", "'nas_steatosis_grade'\n[doses]"))
        .stderr(contains(format!("{told}warnings.csv says of the primary endpoints why")));
    let read = |name: &str| fs::read_to_string(folder.path().join("results/comparison").join(name)).unwrap();
    let row = "liver,nas_steatosis_grade,not checked at equal insulin: grades have no distances";
    assert!(read("warnings.csv").contains(row), "{}", read("warnings.csv"));
    fs::write(&description, usual).unwrap();
    let path = folder.path().join("samples.csv");
    let sheet = fs::read_to_string(&path).unwrap();
    fs::write(&path, sheet.replace("s11a.svs,11,normal,liver,b1,,", "s11a.svs,11,normal,liver,b1,yes,torn"))
        .unwrap();
    run(folder.path(), &ALL).success().stderr(contains("left out of physiology").not());
    let sheet = fs::read_to_string(&path).unwrap();
    fs::write(&path, sheet.replace("s11b.svs,11,normal,liver,b1,,", "s11b.svs,11,normal,liver,b1,yes,torn"))
        .unwrap();
    run(folder.path(), &ALL).success().stderr(contains(
        "warning: animals of which the sample sheet leaves every slide out are left out of physiology too, though the animal table has \
         values of them: 11",
    ));
    assert!(
        read("warnings.csv").contains("leaves every slide out")
            && read("report.html").contains("leaves every slide out")
    );
}

/// A group that nothing was measured on is not passed over.
#[test]
fn groups_without_the_primary_endpoint_are_told() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    run(folder.path(), &ALL).success();
    let read = |name: &str| fs::read_to_string(folder.path().join("results/comparison").join(name)).unwrap();
    assert!(!read("warnings.csv").contains("has a value: not compared"), "{}", read("warnings.csv"));
    let path = folder.path().join("results/long.csv");
    let lost = |row: &str| -> String {
        let cells: Vec<&str> = row.split(',').collect();
        let lost = cells[1] == "steatotic_hepatocyte_pct"
            && (cells[7].starts_with("s4") || cells[7].starts_with("s11"));
        if lost {
            format!("{},,,,,{},{},no fat\n", cells[..2].join(","), cells[6], cells[7])
        } else {
            format!("{row}\n")
        }
    };
    let rows: String = fs::read_to_string(&path).unwrap().lines().map(lost).collect();
    fs::write(&path, rows).unwrap();
    run(folder.path(), &ALL).success();
    let warnings = read("warnings.csv");
    for told in ["no animal of high has a value: not compared", "animals without a value: 1 of 4 in normal"] {
        assert!(warnings.contains(&format!("liver,steatotic_hepatocyte_pct,{told}")), "{warnings}");
        let sentence = format!("<p>steatotic hepatocyte pct: {told}.</p>");
        assert!(read("report.html").contains(&sentence), "{sentence}");
    }
}

/// Trends stand in the results in words, and their table says which test answers.
#[test]
fn trends_are_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    run(folder.path(), &ALL).success();
    let read = |name: &str| fs::read_to_string(folder.path().join("results/comparison").join(name)).unwrap();
    let table = read("stats_trends.csv");
    assert_eq!(table.lines().next(), Some("tissue,feature,test,role,value,df1,df2,p,slope,note"));
    let row = |test: &str| {
        table.lines().find(|l| l.starts_with(&format!("liver,steatotic_hepatocyte_pct,{test},"))).unwrap()
    };
    assert!(row("jonckheere_terpstra,primary").contains(",,exact; doses 0 < 0.5 < 1"), "{table}");
    let cells: Vec<&str> = row("linear_dose_contrast,sensitivity").split(',').collect();
    assert!((cells[8].parse::<f64>().unwrap() + 20.0).abs() < 2.0, "{cells:?}");
    let page = read("report.html");
    assert!(page.contains("<p>steatotic hepatocyte pct falls with dose (jonckheere terpstra: z = -"));
    assert!(page.contains(
        "<p>Check of the trend: steatotic hepatocyte pct falls with dose (linear dose contrast: t("
    ));
}

/// Cages and groups that are written in two ways are refused before anything is compared.
#[test]
fn names_in_two_ways_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    study(folder.path());
    let path = folder.path().join("samples.csv");
    let sheet = fs::read_to_string(&path).unwrap();
    let t = |sheet: String, told: &str| {
        fs::write(&path, sheet).unwrap();
        run(folder.path(), &ALL).code(2).stderr(contains(told.to_owned()));
    };
    t(sheet.replacen(",b0,", ",B0,", 1), "samples.csv row 3, batch, expected B0 as in row 2, got b0");
    t(
        sheet.replacen("low <1>", "low\u{a0}<1>", 1),
        "group, expected low\u{a0}<1> as in row 18, got low <1> (other spaces, dashes or characters for accents)",
    );
}
