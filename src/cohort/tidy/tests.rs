use std::fs;

use super::*;

fn columns(dose: bool, block: bool, animal: bool) -> Columns {
    let some = |wanted: bool, name: &str| wanted.then(|| name.to_owned());
    Columns {
        value: "auc".into(),
        group: "group".into(),
        dose: some(dose, "dose"),
        block: some(block, "cage"),
        animal: some(animal, "mouse"),
        covariates: Vec::new(),
    }
}

fn table(text: &str, columns: &Columns) -> Result<Tidy> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, text).unwrap();
    read(&path, columns)
}

#[test]
fn values_by_group_in_order() {
    let read = table("group,auc\nz,1\na,2.5\nz,\na,NA\nz,3\n", &columns(false, false, false)).unwrap();
    let arms: Vec<_> = read.arms.iter().map(|a| (a.name.as_str(), a.values.clone())).collect();
    assert_eq!(arms, [("z", vec![1.0, 3.0]), ("a", vec![2.5])]);
    assert_eq!((read.missing, read.rows, read.averaged), (vec![4, 5], 5, 0));
}

#[test]
fn rows_of_an_animal_are_averaged() {
    let text = "group,auc,mouse\nz,1,m1\nz,2,m1\nz,6,m2\na,4,m3\n";
    let read = table(text, &columns(false, false, true)).unwrap();
    assert_eq!((read.arms[0].values.as_slice(), read.averaged), ([1.5, 6.0].as_slice(), 1));
}

#[test]
fn doses_and_blocks() {
    let text = "group;auc;dose;cage\nn;1;;1\nd;2;0;1\nlow;3;0.5;2\nd;4;0;2\n";
    let read = table(text, &columns(true, true, false)).unwrap();
    let doses: Vec<_> = read.arms.iter().map(|a| a.dose).collect();
    assert_eq!(doses, [None, Some(0.0), Some(0.5)]);
    assert_eq!((read.arms[1].blocks.as_slice(), read.blocks.len()), ([0, 1].as_slice(), 2));
}

#[test]
fn faults_are_told_together() {
    fn t(text: &str, with: &Columns, expected: &str) {
        assert_eq!(table(text, with).unwrap_err().to_string(), expected, "{text}");
    }
    let plain = columns(false, false, false);
    t(
        "grp,auc\nz,1\n",
        &plain,
        "t.csv row 1, column, expected one of grp, auc, got \"group\" (did you mean grp?)",
    );
    t("group,auc\nz,1,5\n", &plain, "t.csv row 2, expected 2 cells as in the heading, got 3");
    t("group,auc\nz,\na,NA\n", &plain, "t.csv, auc, expected numbers, got no row with one");
    t(
        "group,auc\nz,one\n,2\na,\"1,5\"\nb,inf\n",
        &plain,
        "4 things to correct:\n  \
         t.csv row 2, auc, expected a number with a decimal point, or an empty cell, got \"one\"\n  \
         t.csv row 3, group, expected a group, got an empty cell\n  \
         t.csv row 4, auc, expected a number with a decimal point, or an empty cell, got \"1,5\"\n  \
         t.csv row 5, auc, expected a number with a decimal point, or an empty cell, got \"inf\"",
    );
    t(
        "group,auc,mouse\nz,1,m1\nz,2,m1\n",
        &plain,
        "t.csv row 3, mouse, expected each animal once (rows are not animals: --animal COLUMN averages them), \
         got m1, also in row 2",
    );
    t(
        "group,auc,mouse\nz,1,m1\na,2,m1\n",
        &columns(false, false, true),
        "t.csv row 3, group, expected z for m1 as in row 2, got a",
    );
    t(
        "group,auc,dose\nz,1,0\nz,2,1\na,2,-1\n",
        &columns(true, false, false),
        "2 things to correct:\n  t.csv row 4, dose, expected a number, 0 or more, got \"-1\"\n  \
         t.csv row 3, dose, expected 0 for group z as in row 2, got 1",
    );
    t(
        "group,auc,dose\nn,1,0\nd,2,0\n",
        &columns(true, false, false),
        "t.csv row 2, dose, expected another dose than that of group d (leave it empty for groups off the ladder), \
         got 0 for group n",
    );
    t(
        "group,auc,cage\nn,1,\n",
        &columns(false, true, false),
        "t.csv row 2, cage, expected a block, got an empty cell",
    );
}

#[test]
fn what_means_no_value_is_no_name() {
    fn t(text: &str, with: &Columns, expected: &str) {
        assert_eq!(table(text, with).unwrap_err().to_string(), expected, "{text}");
    }
    t(
        "group,auc\nz,1\nNA,2\n",
        &columns(false, false, false),
        "t.csv row 3, group, expected a group, got \"NA\"",
    );
    t(
        "group,auc,cage\nz,1,n/a\n",
        &columns(false, true, false),
        "t.csv row 2, cage, expected a block, got \"n/a\"",
    );
    t(
        "group,auc,mouse\nz,1,.\n",
        &columns(false, false, true),
        "t.csv row 2, mouse, expected an animal, got \".\"",
    );
    let read = table("group,auc,mouse\nz,1,NA\nz,2,NA\n", &columns(false, false, false)).unwrap();
    assert_eq!(read.arms[0].values, [1.0, 2.0]);
}

#[test]
fn names_are_spelt_in_one_way() {
    fn t(text: &str, with: &Columns, expected: &str) {
        assert_eq!(table(text, with).unwrap_err().to_string(), expected, "{text}");
    }
    let plain = columns(false, false, false);
    t(
        "group,auc\nControl,1\ncontrol,2\n",
        &plain,
        "t.csv row 3, group, expected Control as in row 2, got control",
    );
    t(
        "group,auc,mouse\nz,1,M1\nz,2,m1\n",
        &columns(false, false, true),
        "t.csv row 3, mouse, expected M1 as in row 2, got m1",
    );
    t("group,auc,auc\nz,1,2\n", &plain, "t.csv row 1, column, expected auc once, got auc, auc");
    assert_eq!(table("group,AUC,auc\nz,1,2\n", &plain).unwrap().arms[0].values, [2.0]);
}

#[test]
fn names_that_look_alike_are_one() {
    let told = |rows: &str, block: bool| {
        table(&format!("group,auc,cage\n{rows}"), &columns(false, block, false)).unwrap_err().to_string()
    };
    let how = "(other spaces, dashes or characters for accents)";
    assert_eq!(
        told("r\u{e9}f,1,1\nre\u{301}f,2,1\n", false),
        format!("t.csv row 3, group, expected r\u{e9}f as in row 2, got re\u{301}f {how}")
    );
    assert_eq!(
        told("a  b,1,1\na\u{a0}b,2,1\n", false),
        format!("t.csv row 3, group, expected a  b as in row 2, got a\u{a0}b {how}")
    );
    assert_eq!(told("a,1,B1\na,2,b1\n", true), "t.csv row 3, cage, expected B1 as in row 2, got b1");
}

#[test]
fn animals_are_noticed_by_many_headings() {
    let rows = |heading: &str, ids: [&str; 3]| {
        let rows = ids.iter().enumerate().map(|(i, id)| format!("z,{i},{id}\n")).collect::<String>();
        table(&format!("group,auc,{heading}\n{rows}"), &columns(false, false, false))
    };
    for heading in [
        "animal_id",
        "AnimalID",
        "animal id",
        "animal_no",
        "Animal No.",
        "mouse",
        "Mouse-ID",
        "mouse_id",
        "rat_id",
        "Rat#",
        "subject_id",
        "Subject number",
        "ID",
        "no",
        "Nr.",
    ] {
        let told = rows(heading, ["m1", "m2", "m1"]).unwrap_err().to_string();
        let expected = format!(
            "t.csv row 4, {heading}, expected each animal once (rows are not animals: --animal COLUMN averages"
        );
        assert!(told.starts_with(&expected), "{told}");
        assert_eq!(rows(heading, ["1", "2", "3"]).unwrap().arms[0].values.len(), 3);
    }
    for heading in ["slide_id", "plate", "ratio", "number", "strain"] {
        assert!(rows(heading, ["m1", "m2", "m1"]).is_ok(), "{heading}");
    }
    // The animal is named, and the rows are numbered.
    let named = "no,group,auc,mouse_id\n1,z,1,m1\n2,z,2,m1\n";
    assert!(
        table(named, &columns(false, false, false))
            .unwrap_err()
            .to_string()
            .contains("row 3, mouse_id, expected each")
    );
}

/// A heading that usually names the animal may be asked for as something else.
#[test]
fn a_column_that_is_asked_for_is_not_the_animal() {
    let of_group = Columns { group: "animal".into(), value: "v".into(), ..Columns::default() };
    let read = table("animal,v\nrat,3\nrat,5\nmouse,2\n", &of_group).unwrap();
    assert_eq!(read.arms.len(), 2);
    let of_block = Columns { block: Some("mouse".into()), ..columns(false, false, false) };
    let read = table("mouse,group,auc\n1,s,3\n1,t,5\n2,s,2\n2,t,4\n", &of_block).unwrap();
    assert_eq!(read.arms[1].blocks, [0, 1]);
}

#[test]
fn doses_of_all_rows_of_an_animal_count() {
    let text = "group,auc,dose,mouse\na,1,,m1\na,2,0,m1\nb,3,5,m2\nb,4,99,m2\n";
    let told = table(text, &columns(true, false, true)).unwrap_err().to_string();
    assert_eq!(told, "t.csv row 5, dose, expected 5 for group b as in row 4, got 99");
    let read = table(&text.replace("99", "5"), &columns(true, false, true)).unwrap();
    assert_eq!(read.arms.iter().map(|a| a.dose).collect::<Vec<_>>(), [Some(0.0), Some(5.0)]);
}

#[test]
fn groups_without_any_value_are_named() {
    let read = table("group,auc\nz,1\nc,NA\nz,\nc,\n", &columns(false, false, false)).unwrap();
    assert_eq!((read.empty, read.missing), (vec!["c".to_owned()], vec![3, 4, 5]));
}
