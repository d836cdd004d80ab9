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
        "t.csv row 3, animal, expected each animal once (rows are not animals: --animal COLUMN averages them), \
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
