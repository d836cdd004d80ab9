use std::fs;

use super::*;

/// Results of eight slides, and a reader who gives these grades.
fn compared(reads: &str) -> Result<Vec<Agreement>> {
    let folder = tempfile::tempdir().unwrap();
    let mut text =
        "slide_id,tissue,necrosis_grade,necrosis_score,congestion_grade,congestion_score\n".to_owned();
    for (i, (grade, score)) in
        [(0, 0.1), (0, 0.3), (1, 1.2), (1, 1.6), (2, 2.1), (2, 2.4), (3, 3.0), (4, 3.9)].iter().enumerate()
    {
        text += &format!("s{i},liver,{grade},{score},,\n");
    }
    fs::write(folder.path().join("slides.csv"), text).unwrap();
    let path = folder.path().join("reads.csv");
    fs::write(&path, reads).unwrap();
    agree(folder.path(), &Rubric::builtin().unwrap(), &path, None, 0.05)
}

#[test]
fn grades_by_kappa_and_scores_by_the_rest() {
    let reads = "slide_id,necrosis\ns0,0\ns1,0\ns2,1\ns3,2\ns4,2\ns5,2\ns6,3\ns7,4\ns9,1\n";
    let found = &compared(reads).unwrap()[0];
    assert_eq!((found.tissue, found.lesion.as_str()), ("liver", "necrosis"));
    assert_eq!((found.pairs.len(), found.ungraded), (8, 1));
    // One of eight is a grade apart. By hand: weighted disagreement 1/8 observed; expected from the margins
    // (2, 2, 2, 1, 1)/8 and (2, 1, 3, 1, 1)/8 by squared distance 220/64.
    let Estimated { value: kappa, interval, .. } = found.kappa_quadratic.unwrap();
    // Eight slides without animals are eight animals, too few for an interval.
    assert_eq!((interval, found.animals), (Err(NoInterval::FewAnimals { found: 8 }), None));
    assert!((kappa - (1.0 - (1.0 / 8.0) / (220.0 / 64.0))).abs() < 1e-12, "{kappa}");
    let Estimated { value: bias, interval: limits, .. } = found.bias.unwrap();
    assert!((bias - (14.6 - 14.0) / 8.0).abs() < 1e-12, "{bias}");
    assert!(limits.is_ok_and(|l| l.lo < bias && bias < l.hi));
    assert!(found.spearman.unwrap().value > 0.9 && found.icc.unwrap().value > 0.9);
    assert!(found.concordance.unwrap().value > 0.9);
}

#[test]
fn what_may_be_a_mistake_is_remarked() {
    fn t(reads: &str, expected: &[&str]) {
        let remarks = &compared(reads).unwrap()[0].remarks;
        let unnamed = |r: &&String| r.starts_with("animals are not named: each slide is taken for one");
        assert_eq!(remarks.iter().filter(|r| !unnamed(r)).collect::<Vec<_>>(), expected, "{reads}");
    }
    t("slide_id,necrosis\ns0,1\ns1,2\n", &[]);
    t("slide_id,necrosis\ns0,1\nzz,2\n", &["slides that the results do not hold (1): zz"]);
    t(
        "slide_id,necrosis\ns0,1\ns1,2.5\n",
        &["grades that lie between two (1) count for kappa as the nearer, or the higher of two"],
    );
    t("slide_id,casts\ns0,1\n", &["slides scored as another tissue (1: s0), not as kidney"]);
    let controls = &compared("slide_id,congestion\ns0,1\n").unwrap()[0].remarks;
    assert!(controls.len() == 1 && controls[0].contains("score --rubric lab.json"), "{controls:?}");
}

#[test]
fn what_cannot_be_compared_is_said() {
    let none = &compared("slide_id,liver.congestion,necrosis\ns0,1,1\ns1,2,1\n").unwrap();
    let congestion = none.iter().find(|a| a.lesion == "congestion").unwrap();
    assert_eq!((congestion.pairs.len(), congestion.ungraded), (0, 2));
    assert!(congestion.measures().iter().all(|(_, estimate)| estimate.is_err()));
    fn t(reads: &str, expected: &str) {
        let error = compared(reads).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    t("slide_id,necrosis\ns0,5\n", "reads.csv, liver, necrosis, slide s0, expected a grade of 0 to 4, got 5");
    t("slide_id,necrosis\ns0,1\ns0,2\n", "slide s0, expected one grade per slide");
    t(
        "slide_id,necrosis\nx,1\n",
        "slide x, expected slides of the results (the column slide_id of slides.csv), got no",
    );
    t("slide_id,necrosis\ns0,\n", "reads.csv, expected at least one grade, got none");
    t("slide_id,necrosys\ns0,1\n", "necrosis");
}

/// Agreement on slides of these animals, scores and reads, each as often as told; a sheet may name the animals.
fn of_animals(slides: &[(&str, f64, f64)], times: usize, sheet: Option<&str>) -> Agreement {
    let folder = tempfile::tempdir().unwrap();
    let (mut table, mut reads) = (
        "slide_id,tissue,animal_id,necrosis_grade,necrosis_score\n".to_owned(),
        "slide_id,necrosis\n".to_owned(),
    );
    for (i, (animal, score, read)) in slides.iter().enumerate() {
        for k in 0..times {
            table += &format!("s{i}_{k},liver,{animal},{},{score}\n", score.round().max(0.0));
            reads += &format!("s{i}_{k},{read}\n");
        }
    }
    let paths = ["slides.csv", "reads.csv", "sheet.csv"].map(|name| folder.path().join(name));
    fs::write(&paths[0], table).unwrap();
    fs::write(&paths[1], reads).unwrap();
    fs::write(&paths[2], sheet.unwrap_or_default()).unwrap();
    let sheet = sheet.map(|_| paths[2].as_path());
    agree(folder.path(), &Rubric::builtin().unwrap(), &paths[1], sheet, 0.05).unwrap().remove(0)
}

/// Twenty animals, whose scores lie a little off their reads.
fn twenty() -> Vec<(String, f64, f64)> {
    let off = |i: u32| 0.15 * (f64::from(i * 7 % 10) - 4.5);
    let one = |i: u32| (format!("a{i}"), f64::from(i % 5) + off(i), f64::from(i % 5));
    (0..20).map(one).collect()
}

#[test]
fn slides_of_one_animal_do_not_narrow_intervals() {
    let twenty = twenty();
    let slides: Vec<_> =
        twenty.iter().map(|(animal, score, read)| (animal.as_str(), *score, *read)).collect();
    let (one, ten) = (of_animals(&slides, 1, None), of_animals(&slides, 10, None));
    assert_eq!((one.animals, ten.animals, ten.pairs.len()), (Some(20), Some(20), 200));
    let width = |e: &Estimate| e.unwrap().interval.map(|i| i.hi - i.lo).unwrap();
    for ((name, a), (_, b)) in one.measures().into_iter().zip(ten.measures()) {
        let (few, many) = (width(a), width(b));
        // The same animals say as much, whatever the method; slides taken for animals would narrow it to a third.
        assert!(many > 0.6 * few && many < 1.7 * few, "{name}: {few} {many}");
    }
    let by = |a: &Agreement| a.measures().map(|(_, e)| e.unwrap().by.as_str());
    let resampled = "resampled animals";
    let limits = "limits of agreement";
    assert_eq!(by(&one), [resampled, resampled, "formula", "formula", resampled, limits]);
    assert_eq!(by(&ten), [resampled, resampled, resampled, resampled, resampled, limits]);
    assert!((width(&one.concordance) - width(&ten.concordance)).abs() < 1e-9);
}

#[test]
fn a_sheet_names_the_animals() {
    let slides: Vec<_> = (0..24).map(|i| ("", f64::from(i % 5), f64::from((i + i / 9) % 5))).collect();
    let blind = of_animals(&slides, 1, None);
    assert_eq!((blind.animals, blind.pairs.len()), (None, 24));
    assert_eq!(
        blind.remarks,
        [
            "animals are not named: each slide is taken for one (--manifest with a sample sheet says whose they are)"
        ]
    );
    let row = |i: usize| {
        let exclude = if i == 0 { "yes" } else { "" };
        format!("s{i}_0.svs,a{},x,liver,{exclude}\n", i / 2)
    };
    let sheet = format!("slide,animal_id,group,tissue,exclude\n{}", (0..24).map(row).collect::<String>());
    let named = of_animals(&slides, 1, Some(&sheet));
    assert_eq!((named.animals, named.pairs.len(), named.ungraded), (Some(12), 23, 1));
    assert_eq!(named.remarks, ["slides that the sample sheet excludes (1): s0_0"]);
    let half = format!("slide,animal_id,group,tissue,exclude\n{}", (0..12).map(row).collect::<String>());
    let half = of_animals(&slides, 1, Some(&half));
    assert!(
        half.animals.is_none() && half.remarks[1].starts_with("animals of 12 of 23 slides are not named")
    );
}

#[test]
fn the_reason_for_no_interval_is_the_true_one() {
    let names: Vec<String> = (0..12).map(|i| format!("a{i}")).collect();
    let same: Vec<_> = (0..12).map(|i| (names[i].as_str(), (i % 5) as f64, (i % 5) as f64)).collect();
    let found = of_animals(&same, 1, None);
    let why = |e: &Estimate| e.unwrap().interval.unwrap_err();
    assert!((found.kappa_quadratic.unwrap().value - 1.0).abs() < 1e-12);
    assert_eq!(why(&found.kappa_quadratic), NoInterval::Constant);
    assert_eq!((why(&found.spearman), why(&found.icc)), (NoInterval::Perfect, NoInterval::Perfect));
    assert_eq!(why(&of_animals(&same[..10], 1, None).kappa_linear), NoInterval::FewAnimals { found: 10 });
    let one: Vec<_> = (0..6).map(|i| ("a", f64::from(i % 5), f64::from(i % 4))).collect();
    let one = of_animals(&one, 1, None);
    assert_eq!((why(&one.bias), one.animals), (NoInterval::OneAnimal, Some(1)));
}
