use std::fs;

use super::*;

/// Writes a sheet beside slides `a.svs`, `b.svs` and `deep/a.svs`, and reads it.
fn sheet(bytes: &[u8]) -> Result<Vec<Sample>> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("deep")).unwrap();
    for slide in ["a.svs", "b.svs", "deep/a.svs"] {
        fs::write(folder.path().join(slide), b"").unwrap();
    }
    let path = folder.path().join("study.csv");
    fs::write(&path, bytes).unwrap();
    let mut samples = read(&path)?;
    for s in &mut samples {
        s.path = s.path.strip_prefix(folder.path()).unwrap().to_owned();
    }
    Ok(samples)
}

#[test]
fn good_sheets() {
    fn t(text: &str, expected: &[(&str, &str, &str, &str)]) {
        let samples = sheet(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
        let got: Vec<_> = samples
            .iter()
            .map(|s| (s.slide_id.as_str(), s.animal_id.as_str(), s.group.as_str(), s.organ.name))
            .collect();
        assert_eq!(got, expected, "{text}");
    }
    t("slide,animal_id,group,tissue\na.svs,1,c,liver\n", &[("a", "1", "c", "liver")]);
    t("\u{feff}slide,animal_id,group,tissue\r\na.svs,1,c,liver\r\n", &[("a", "1", "c", "liver")]);
    t("slide\tanimal_id\tgroup\ttissue\na.svs\t1\tc\tliver\n", &[("a", "1", "c", "liver")]);
    t("slide;animal_id;group;tissue;;\na.svs;1;c;liver;;\n;;;;;\n", &[("a", "1", "c", "liver")]);
    t("Tissue, Group ,slide,animal_id\nKidney, STZ + 1 mg ,a.svs,7\n", &[("a", "7", "STZ + 1 mg", "kidney")]);
    t(
        "slide,animal_id,group,tissue,slide_id\na.svs,1,c,liver,L1\ndeep/a.svs,1,c,kidney,\n",
        &[("L1", "1", "c", "liver"), ("a", "1", "c", "kidney")],
    );
    t("slide,animal_id,group,tissue\n\"a.svs\",1,\"c, low\",liver\n", &[("a", "1", "c, low", "liver")]);
}

#[test]
fn equal_stems_are_told_apart_by_folder() {
    let text = "slide,animal_id,group,tissue\na.svs,1,c,liver\ndeep/a.svs,2,c,liver\n";
    let ids: Vec<_> = sheet(text.as_bytes()).unwrap().into_iter().map(|s| s.slide_id).collect();
    assert_eq!(ids, ["a", "deep__a"]);
}

#[test]
fn one_slide_that_is_there_is_enough() {
    fn t(rows: &str, expected: &[&str]) {
        let samples = sheet(format!("slide,animal_id,group,tissue\n{rows}").as_bytes()).unwrap();
        assert_eq!(samples.iter().map(|s| s.slide_id.as_str()).collect::<Vec<_>>(), expected);
    }
    t("a.svs,1,c,liver\ngone.svs,2,c,liver\n", &["a", "gone"]);
    t("gone.svs,2,c,liver\ndeep,1,c,liver\n", &["gone", "deep"]);
}

#[test]
fn optional_cells() {
    let text = "slide,animal_id,group,tissue,mpp,dose,dose_unit,sex,exclude,exclude_reason\n\
                a.svs,1,c,liver,0.25,1,mg/kg,F,,\nb.svs,2,c,liver,,,,,yes,torn\ngone.svs,3,c,liver,,,,,X,\n";
    let s = sheet(text.as_bytes()).unwrap();
    assert_eq!((s[0].mpp, s[0].dose, s[0].sex.as_deref()), (Mpp::square(0.25), Some(1.0), Some("F")));
    assert_eq!((s[0].row, s[0].exclude.as_deref()), (2, None));
    assert_eq!((s[1].mpp, s[1].exclude.as_deref()), (None, Some("torn")));
    assert_eq!(s[2].exclude.as_deref(), Some("no reason given"));
}

#[test]
fn bad_sheets_are_refused_with_their_row() {
    fn t(text: &str, expected: &str) {
        let got = sheet(text.as_bytes()).map_or_else(|e| e.to_string(), |s| format!("accepted: {s:?}"));
        let folder_removed = got.split_whitespace().map(|w| w.rsplit("/").next().unwrap_or(w));
        assert_eq!(folder_removed.collect::<Vec<_>>().join(" "), expected, "{text}");
    }
    const HEAD: &str = "slide,animal_id,group,tissue";
    let row = |rest: &str| format!("{HEAD}\n{rest}\n");
    t("", "study.csv, expected a heading and at least one row, got an empty file");
    t(HEAD, "study.csv, expected a heading and at least one row, got the heading only");
    t(
        "slide,animal_id,group,tisue\na.svs,1,c,liver\n",
        "study.csv row 1, column, expected one of slide, animal_id, group, tissue, slide_id, cage, sex, batch, \
         stain_batch, scanner, mpp, dose, dose_unit, section, roi, species, exclude, exclude_reason, got \"tisue\" (did you mean \
         tissue?)",
    );
    t(
        "slide,animal_id,group\na.svs,1,c\n",
        "study.csv row 1, column, expected tissue (required), got slide, animal_id, group",
    );
    t(
        "slide,animal_id,group,tissue,Group\na.svs,1,c,liver,d\n",
        "study.csv row 1, column, expected group once, got it twice",
    );
    t(&row("a.svs,1,c,liver,x"), "study.csv row 2, expected 4 cells as in the heading, got 5");
    t(&row("a.svs,,c,liver"), "study.csv row 2, animal_id, expected a value, got an empty cell");
    t(&row("a.svs,1,c"), "study.csv row 2, tissue, expected a value, got an empty cell");
    t(&row("a.svs,NA,c,liver"), "study.csv row 2, animal_id, expected a value, got \"NA\"");
    t(&row("a.svs,1,-,liver"), "study.csv row 2, group, expected a value, got \"-\"");
    t(&row("\na.svs,1, ,liver"), "study.csv row 3, group, expected a value, got an empty cell");
    t(
        &row("a.svs,1,c,lever"),
        "study.csv row 2, tissue, expected one of liver, kidney, pancreas, got \"lever\" (did you mean liver?)",
    );
    let absent = "slide, expected a file or a folder, got";
    t(&row("c.svs,1,c,liver"), &format!("study.csv row 2, {absent} c.svs, which does not exist"));
    t(
        &row("c.svs,1,c,liver\nd.svs,2,c,liver"),
        &format!(
            "2 things to correct: study.csv row 2, {absent} c.svs, which does not exist study.csv row 3, {absent} d.svs, \
             which does not exist"
        ),
    );
    t(
        &row("a.svs,1,c,liver\na.svs,2,c,liver"),
        "study.csv row 3, slide, expected each slide once, got a.svs, also in row 2",
    );
    t(
        &row("a.svs,1,c,liver\ndeep/../a.svs,2,c,liver"),
        "study.csv row 3, slide, expected each slide once, got a.svs, also in row 2",
    );
    t(
        &row("a.svs,1,c,liver\nb.svs,1,d,liver"),
        "study.csv row 3, group, expected c for animal 1 as in row 2, got d",
    );
    t(
        &row("a.svs,,,spleen"),
        "3 things to correct: study.csv row 2, animal_id, expected a value, got an empty cell study.csv row 2, group, expected a \
         value, got an empty cell study.csv row 2, tissue, expected one of liver, kidney, pancreas, got \"spleen\"",
    );
    t(
        "slide,animal_id,group,tissue,species\na.svs,1,c,liver,rat\nb.svs,1,c,kidney,mouse\n",
        "study.csv row 3, species, expected rat for animal 1 as in row 2, got mouse",
    );
    t(
        &row("a.svs,1,Control,liver\nb.svs,2,control,liver"),
        "study.csv row 3, group, expected Control as in row 2, got control",
    );
    t(
        &row("a.svs,r1,c,liver\nb.svs,R1,c,liver"),
        "study.csv row 3, animal_id, expected r1 as in row 2, got R1",
    );
    t(
        &row("a.svs,1,contr\u{f4}le,liver\nb.svs,2,contro\u{302}le,liver"),
        "study.csv row 3, group, expected contr\u{f4}le as in row 2, got contro\u{302}le (other spaces, dashes or characters for accents)",
    );
    let with = |columns: &str, rest: &str| format!("{HEAD},{columns}\n{rest}\n");
    for column in ["cage", "batch", "stain_batch", "scanner"] {
        t(
            &with(column, "a.svs,1,c,liver,B1\nb.svs,2,c,liver,b1"),
            &format!("study.csv row 3, {column}, expected B1 as in row 2, got b1"),
        );
    }
    t(
        &with("dose,dose_unit", "a.svs,1,c,liver,1,mg\nb.svs,2,c,liver,1,MG"),
        "study.csv row 3, dose_unit, expected mg as in row 2, got MG",
    );
    t(
        &with("sex", "a.svs,1,c,liver,F\nb.svs,1,c,kidney,M"),
        "study.csv row 3, sex, expected F for animal 1 as in row 2, got M",
    );
    t(
        &with("cage", "a.svs,1,c,liver,5\nb.svs,1,c,kidney,6"),
        "study.csv row 3, cage, expected 5 for animal 1 as in row 2, got 6",
    );
    t(
        &with("slide_id", "a.svs,1,c,liver,s\nb.svs,2,c,liver,S"),
        "study.csv row 3, slide_id, expected each id once, got S, also in row 2",
    );
    t(
        &with("slide_id", "a.svs,1,c,liver,b\nb.svs,2,c,liver,"),
        "study.csv row 3, slide_id, expected each id once, got b, also in row 2",
    );
    t(
        &with("slide_id", "a.svs,1,c,liver,a b"),
        "study.csv row 2, slide_id, expected up to 100 letters, digits, - _ or . (not first - or .), got \"a b\"",
    );
    for bad in ["0", "-0.25", "abc", "NaN", "250", "0.25 um"] {
        t(
            &with("mpp", &format!("a.svs,1,c,liver,{bad}")),
            &format!("study.csv row 2, mpp, expected µm per pixel, 0.05 to 20, got \"{bad}\""),
        );
    }
    t(
        &with("mpp", "a.svs,1,c,liver,\"0,25\""),
        "study.csv row 2, mpp, expected µm per pixel, 0.05 to 20, got \"0,25\" (write numbers with a decimal point)",
    );
    t(
        &with("dose", "a.svs,1,c,liver,low"),
        "study.csv row 2, dose, expected a number, 0 or more, got \"low\"",
    );
    t(
        &with("dose,dose_unit", "a.svs,1,c,liver,1,"),
        "study.csv row 2, dose_unit, expected the unit of the dose, got an empty cell",
    );
    t(
        &with("exclude", "a.svs,1,c,liver,maybe"),
        "study.csv row 2, exclude, expected yes, no or an empty cell, got \"maybe\"",
    );
    t(&row(",1,c,liver"), "study.csv row 2, slide, expected a value, got an empty cell");
    t(&row("a.svs,1,,liver"), "study.csv row 2, group, expected a value, got an empty cell");
    for bad in ["-x", ".x", "a/b"] {
        t(
            &with("slide_id", &format!("a.svs,1,c,liver,{bad}")),
            &format!(
                "study.csv row 2, slide_id, expected up to 100 letters, digits, - _ or . (not first - or .), got {:?}",
                bad
            )
            // The table compares without folders.
            .replace("\"a/b\"", "b\""),
        );
    }
    for bad in ["-1", "inf"] {
        t(
            &with("dose", &format!("a.svs,1,c,liver,{bad}")),
            &format!("study.csv row 2, dose, expected a number, 0 or more, got \"{bad}\""),
        );
    }
    t(
        &with("exclude,exclude_reason", "a.svs,1,c,liver,no,torn"),
        "study.csv row 2, exclude, expected yes, as a reason is given (torn), got \"no\"",
    );
    t(
        &with("mpp", "a.svs,1,c,lung,0.25\nb.svs,2,c,liver,9999"),
        "2 things to correct: study.csv row 2, tissue, expected one of liver, kidney, pancreas, got \"lung\" study.csv row 3, \
         mpp, expected µm per pixel, 0.05 to 20, got \"9999\"",
    );
    t(
        &with("exclude,exclude_reason", "a.svs,1,c,liver,,torn"),
        "study.csv row 2, exclude, expected yes, as a reason is given (torn), got \"\"",
    );
}

#[test]
fn other_encodings_are_named() {
    let text = sheet(b"slide,animal_id,group,tissue\na.svs,1,contr\xf4le,liver\n")
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert_eq!(text, "study.csv row 2, expected UTF-8 text (in Excel: save as CSV UTF-8), got other bytes");
}

#[test]
fn shipped_example_is_a_good_sheet() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("slides")).unwrap();
    let text = include_str!("../../samples/study.csv");
    for line in text.lines().skip(1) {
        fs::write(folder.path().join(line.split(',').next().unwrap()), b"").unwrap();
    }
    let path = folder.path().join("study.csv");
    fs::write(&path, text).unwrap();
    let samples = read(&path).unwrap();
    assert_eq!((samples.len(), samples.iter().filter(|s| s.exclude.is_some()).count()), (9, 1));
}

#[test]
fn schema_describes_the_columns() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../samples/schema_samples.json")).unwrap();
    let row = &schema["items"];
    let columns: Vec<_> = row["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(columns, REQUIRED.into_iter().chain(OPTIONAL).collect::<Vec<_>>());
    assert_eq!(row["required"], serde_json::json!(REQUIRED));
    let tissues = row["properties"]["tissue"]["pattern"].as_str().unwrap();
    assert!(crate::organ::ORGANS.iter().all(|o| tissues.contains(o.name)));
}

#[test]
fn slides_can_be_measured_blindly() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.svs"), b"").unwrap();
    fs::write(folder.path().join("b.svs"), b"").unwrap();
    let path = folder.path().join("study.csv");
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        (read_blindly(&path), super::read(&path).map(|_| ()), read_key(&path).map(|_| ()))
    };
    // Both sexes are of two animals that are not named.
    let (blindly, whole, key) = read("slide,tissue,sex\na.svs,liver,f\nb.svs,kidney,m\n");
    let ids: Vec<_> = blindly.unwrap().into_iter().map(|s| (s.slide_id, s.animal_id, s.group)).collect();
    assert_eq!(ids, ["a", "b"].map(|id| (id.to_owned(), String::new(), String::new())));
    for refused in [whole, key] {
        assert_eq!(
            refused.unwrap_err().to_string(),
            "study.csv row 1, column, expected animal_id (required), got slide, tissue, sex"
        );
    }
    let (blindly, whole, _) = read("slide,animal_id,tissue\na.svs,1,liver\nb.svs,1,kidney\n");
    assert!(blindly.is_ok());
    assert!(whole.unwrap_err().to_string().contains("expected group (required)"));
    // What is there must be whole, and what is needed must be there.
    let (blindly, whole, _) = read("slide,animal_id,group,tissue\na.svs,1,,liver\n");
    let told =
        "row 2, group, expected a value (to measure blindly leave the whole column out), got an empty cell";
    assert!(blindly.unwrap_err().to_string().contains(told));
    assert!(whole.unwrap_err().to_string().contains("row 2, group, expected a value, got an empty cell"));
    let (blindly, ..) = read("slide,group,tissue\na.svs,,liver\n");
    assert!(blindly.unwrap_err().to_string().contains("row 2, group, expected a value"));
    let (blindly, ..) = read("slide,group\na.svs,c\n");
    assert!(blindly.unwrap_err().to_string().contains("expected tissue (required)"));
}
