//! Grades of animals with several slides: by what all of them hold, and by the rubric of the comparison.

use super::*;

/// A row of `long.csv`: slide, feature, value and what it is of, or why there is none.
type Row<'a> = (&'a str, &'a str, Result<(f64, &'a str), &'a str>);

/// A folder with results of these slides, each with its tissue and animal.
fn results(slides: &[(&str, &str, &str)], rows: &[Row<'_>]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut sheet = "slide,animal_id,group,tissue\n".to_owned();
    for (slide, tissue, animal) in slides {
        writeln!(sheet, "{slide}.svs,{animal},g{animal},{tissue}").unwrap();
    }
    let mut long = "tissue,feature,value,unit,slide_id,missing,denominator\n".to_owned();
    for (slide, feature, found) in rows {
        let (_, tissue, _) = slides.iter().find(|(name, ..)| name == slide).unwrap();
        match found {
            Ok((value, of)) => writeln!(long, "{tissue},{feature},{value},%,{slide},,{of}").unwrap(),
            Err(why) => writeln!(long, "{tissue},{feature},,%,{slide},\"{why}\",").unwrap(),
        }
    }
    fs::create_dir(folder.path().join("results")).unwrap();
    fs::write(folder.path().join("results/long.csv"), long).unwrap();
    fs::write(folder.path().join("samples.csv"), sheet).unwrap();
    folder
}

/// Compares, by the built-in rubric with a text in place of another if one is given.
fn compared(folder: &Path, edit: Option<(&str, &str)>) -> assert_cmd::assert::Assert {
    let mut arguments = vec!["compare", "results", "--manifest", "samples.csv"];
    if let Some((from, to)) = edit {
        let rubric =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("models/rubric/rubric.json"))
                .unwrap();
        assert!(rubric.contains(from), "{from}");
        fs::write(folder.join("lab.json"), rubric.replace(from, to)).unwrap();
        arguments.extend(["--rubric", "lab.json"]);
    }
    run(folder, &arguments).success()
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("results/comparison").join(name)).unwrap()
}

/// A number of an animal; `None` where it has none.
fn of(folder: &Path, animal: &str, column: &str) -> Option<f64> {
    let table = read(folder, "animals.csv");
    let mut lines = table.lines();
    let place = lines.next().unwrap().split(',').position(|name| name == column)?;
    let row = lines.find(|line| line.starts_with(&format!("{animal},"))).unwrap();
    row.split(',').nth(place).unwrap().parse().ok()
}

#[test]
fn an_index_of_glomeruli_is_of_all_that_the_animal_has() {
    let slides = [("a", "kidney", "d"), ("b", "kidney", "d"), ("c", "kidney", "d")];
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (slide, n, of, index) in [("a", 7.0, "7", 0.0), ("b", 6.0, "6", 3.0), ("c", 5.0, "5", 0.0)] {
        rows.push((slide, "glom_whole_n", Ok((n, ""))));
        rows.push((slide, "glom_sclerosis_index", Ok((index, of))));
        rows.push((slide, "glomerulosclerosis_index_grade", Ok((index, ""))));
    }
    let folder = results(&slides, &rows);
    compared(folder.path(), None);
    assert_eq!(of(folder.path(), "d", "kidney_glom_sclerosis_index"), Some(1.0));
    assert_eq!(of(folder.path(), "d", "kidney_glomerulosclerosis_index_grade"), Some(1.0));
    assert!(of(folder.path(), "d", "kidney_glomerulosclerosis_score").is_some());
}

const NUCLEI: &str = "hepatocyte_nuclear_density_per_mm2";

/// Two slides of one liver, each with less than the 300 hepatocytes that a grade needs.
fn liver() -> tempfile::TempDir {
    let slides = [("a", "liver", "d"), ("b", "liver", "d")];
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (slide, density, of, few) in [
        ("a", 1475.0, "295", "295 nuclei of hepatocytes, at least 300 needed"),
        ("b", 1450.0, "290", "290 nuclei of hepatocytes, at least 300 needed"),
    ] {
        rows.push((slide, NUCLEI, Ok((density, "0.2"))));
        rows.push((slide, "analysed_area_mm2", Ok((2.5, ""))));
        rows.push((slide, "steatotic_hepatocyte_pct", Ok((60.0, of))));
        rows.push((slide, "nas_steatosis_grade", Err(few)));
        rows.push((slide, "macrosteatosis_score", Err("0.192 mm² of liver, at least 0.25 needed")));
        rows.push((slide, "inflammatory_foci_per_mm2", Ok((1.954, "2.5"))));
        rows.push((slide, "ishak_c_grade", Err("2.5 mm² of liver, at least 4 needed")));
    }
    results(&slides, &rows)
}

#[test]
fn hepatocytes_of_all_slides_are_counted() {
    let folder = liver();
    compared(folder.path(), None);
    assert_eq!(of(folder.path(), "d", "liver_nas_steatosis_grade"), Some(2.0));
    assert_eq!(of(folder.path(), "d", "liver_ishak_c_grade"), Some(3.0));
    let told = "liver: 1 of 1 animals have fewer than 3000 nuclei of hepatocytes (it has 585): what is measured of hepatocytes";
    assert!(read(folder.path(), "warnings.csv").contains(told), "{}", read(folder.path(), "warnings.csv"));
    assert!(read(folder.path(), "exclusions.csv").contains("macrosteatosis_score"));
}

#[test]
fn another_rubric_grades_by_its_own_needs_and_fields() {
    let folder = liver();
    let moved = ("\"macro_affected_area_pct\"", "\"steatotic_hepatocyte_pct\"");
    compared(folder.path(), Some(moved)).stderr(contains("animals are scored anew"));
    let score = of(folder.path(), "d", "liver_macrosteatosis_score").unwrap();
    assert!(1.5 < score && score < 2.5, "{score}");
    let left = read(folder.path(), "exclusions.csv");
    assert!(!left.contains("macrosteatosis_score") && left.contains("nas_steatosis_grade"), "{left}");
    let send = read(folder.path(), "send/mi.csv");
    assert!(
        send.lines().any(|l| l.contains("Macrovesicular steatosis, score ") && !l.contains("NOT DONE")),
        "{send}"
    );

    compared(folder.path(), Some(("\"field_number_mm\": 22.0", "\"field_number_mm\": 26.5")));
    assert_eq!(of(folder.path(), "d", "liver_ishak_c_grade"), Some(4.0));
}

#[test]
fn a_score_on_a_cut_off_that_is_not_passed_is_no_finding() {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for (slide, casts) in [("a", 1.0), ("b", 2.0)] {
        rows.push((slide, "tubule_dilated_pct", Ok((0.0, "300"))));
        rows.push((slide, "cast_tubule_pct", Ok((casts, "300"))));
    }
    let folder = results(&[("a", "kidney", "1"), ("b", "kidney", "2")], &rows);
    compared(folder.path(), None);
    let send = read(folder.path(), "send/mi.csv");
    let row = |animal: &str| {
        let own = |line: &&str| line.contains(&format!(",MI,{animal},")) && line.contains("asts, score ");
        send.lines().find(own).unwrap_or_else(|| panic!("{send}")).to_owned()
    };
    assert!(row("1").contains("score 0.50 of 4\",UNREMARKABLE,,KIDNEY,"), "{}", row("1"));
    assert!(row("2").contains(",MINIMAL,KIDNEY,"), "{}", row("2"));
}
