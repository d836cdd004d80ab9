use std::fs;

use super::*;
use crate::manifest;

fn cohort(unit: Unit) -> Cohort {
    read_with(unit, |_| "")
}

/// The study with these denominators of shares by slide.
fn read_with(unit: Unit, denominator: impl Fn(&str) -> &'static str) -> Cohort {
    let folder = tempfile::tempdir().unwrap();
    let sheet = folder.path().join("samples.csv");
    fs::write(
        &sheet,
        "slide,animal_id,group,tissue,cage,exclude,exclude_reason\na.svs,1,c,liver,k,,\nb.svs,1,c,liver,k,,\n\
         d.svs,2,c,liver,k,,\ne.svs,3,t,liver,m,,\nf.svs,4,t,liver,m,yes,torn\ng.svs,5,t,liver,n,,\n",
    )
    .unwrap();
    let rows = [
        ("a", "fat_area_pct", "1"),
        ("b", "fat_area_pct", "3"),
        ("d", "fat_area_pct", "10"),
        ("e", "fat_area_pct", ""),
        ("f", "fat_area_pct", "99"),
        ("a", "nas_grade", "1"),
        ("b", "nas_grade", "2"),
    ];
    let mut text =
        "tissue,feature,animal_id,group,batch,value,unit,slide_id,missing,denominator\n".to_owned();
    for (slide, feature, value) in rows {
        text += &format!(
            "liver,{feature},,,,{value},%,{slide},{},{}\n",
            if value.is_empty() { "blank" } else { "" },
            if is_grade(feature) { "" } else { denominator(slide) }
        );
    }
    fs::write(folder.path().join("long.csv"), text).unwrap();
    let samples = manifest::read_key(&sheet).unwrap();
    let rubric = crate::score::rubric::Rubric::builtin().unwrap();
    let controls = Controls { group: Some("c"), rubric: &rubric };
    read(folder.path(), &samples, &["t".into(), "c".into()], unit, |_| None, &controls).unwrap()
}

#[test]
fn slides_become_animals() {
    let cohort = cohort(Unit::Animal);
    let fat = Endpoint { tissue: "liver".into(), feature: "fat_area_pct".into() };
    let got: Vec<_> = cohort.subjects.iter().map(|s| (s.id.as_str(), s.values.get(&fat).copied())).collect();
    assert_eq!(got, [("3", None), ("5", None), ("1", Some(2.0)), ("2", Some(10.0))]);
    let grade = Endpoint { feature: "nas_grade".into(), ..fat };
    assert_eq!(cohort.subjects[2].values[&grade], 1.5);
    let left: Vec<_> = cohort.exclusions.iter().map(|e| (e.slide_id.as_str(), e.reason.as_str())).collect();
    assert_eq!(
        left,
        [("e", "blank"), ("f", "left out by the sample sheet: torn"), ("g", "no result for this slide")]
    );
    assert!(cohort.exclusions.iter().all(|e| e.feature.is_empty()), "{:?}", cohort.exclusions);
    assert_eq!((cohort.slides, cohort.absent.as_slice()), (3, ["e", "g"].map(str::to_owned).as_slice()));
}

/// Two rows of one slide are not two slides.
#[test]
fn a_feature_of_a_slide_stands_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = folder.path().join("samples.csv");
    fs::write(&sheet, "slide,animal_id,group,tissue\na.svs,1,c,liver\nb.svs,2,c,liver\n").unwrap();
    let samples = manifest::read_key(&sheet).unwrap();
    let rubric = crate::score::rubric::Rubric::builtin().unwrap();
    let told = |rows: &str| {
        let text = format!("tissue,feature,value,unit,slide_id,missing\n{rows}");
        fs::write(folder.path().join("long.csv"), text).unwrap();
        let controls = Controls { group: Some("c"), rubric: &rubric };
        let read = read(folder.path(), &samples, &[], Unit::Animal, |_| None, &controls);
        read.map_or_else(|e| e.to_string(), |c| format!("{} slides", c.slides))
    };
    let rows = "liver,fat_area_pct,1,%,a,\nliver,fat_area_pct,2,%,b,\nliver,nas_grade,,0 to 3,a,blank\n";
    assert_eq!(told(rows), "2 slides");
    let twice = "expected each feature of a slide once, got it also in row";
    assert_eq!(
        told(&format!("{rows}liver,fat_area_pct,1,%,a,\n")),
        format!("long.csv row 5, fat_area_pct of slide a, {twice} 2")
    );
    assert_eq!(
        told(&format!("{rows}liver,nas_grade,1,0 to 3,a,\n")),
        format!("long.csv row 5, nas_grade of slide a, {twice} 4")
    );
}

/// The sheet of today does not leave out what that of the run did.
#[test]
fn a_slide_that_was_left_out_when_it_was_scored_is_said_to_be_that() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = folder.path().join("samples.csv");
    fs::write(&sheet, "slide,animal_id,group,tissue\na.svs,1,c,liver\nb.svs,2,c,liver\n").unwrap();
    let samples = manifest::read_key(&sheet).unwrap();
    let torn = Error::Excluded { reason: "torn".into() };
    let text = format!(
        "tissue,feature,value,unit,slide_id,missing\nliver,fat_area_pct,1,%,a,\nliver,fat_area_pct,,%,b,{torn}\n"
    );
    fs::write(folder.path().join("long.csv"), text).unwrap();
    let rubric = crate::score::rubric::Rubric::builtin().unwrap();
    let controls = Controls { group: None, rubric: &rubric };
    let cohort = read(folder.path(), &samples, &[], Unit::Animal, |_| None, &controls).unwrap();
    let left: Vec<_> = cohort.exclusions.iter().map(|e| (e.slide_id.as_str(), e.reason.as_str())).collect();
    assert_eq!(left, [("b", "left out when it was scored: torn")]);
}

#[test]
fn blocks_are_of_a_tissue() {
    let of = |blocks: &[(&str, &str)]| {
        let mut subject = cohort(Unit::Animal).subjects.remove(0);
        subject.blocks = blocks.iter().map(|(t, b)| ((*t).to_owned(), (*b).to_owned())).collect();
        ["liver", "kidney", "physiology"].map(|t| subject.block(t).map(str::to_owned))
    };
    let some = |b: &str| Some(b.to_owned());
    assert_eq!(of(&[("liver", "1"), ("kidney", "2")]), [some("1"), some("2"), None]);
    assert_eq!(of(&[("liver", "1"), ("kidney", "1")]), [some("1"), some("1"), some("1")]);
    assert_eq!(of(&[("liver", "1")]), [some("1"), None, some("1")]);
    assert_eq!(of(&[]), [None, None, None]);
}

#[test]
fn shares_of_an_animal_are_ratios_of_sums() {
    let fat = Endpoint { tissue: "liver".into(), feature: "fat_area_pct".into() };
    let of = |denominator: fn(&str) -> &'static str| {
        let cohort = read_with(Unit::Animal, denominator);
        let animal = cohort.subjects.iter().find(|s| s.id == "1").unwrap();
        (animal.values[&fat], cohort.by_sums, cohort.notes.len())
    };
    // 1 % of 9 mm² and 3 % of 1 mm²: 0.12 mm² of 10.
    let whole = of(|slide| if slide == "a" { "9" } else { "1" });
    assert!((whole.0 - 1.2).abs() < 1e-12 && whole.1 && whole.2 == 0, "{whole:?}");
    // Of earlier results it is not known, which is told.
    assert_eq!(of(|_| ""), (2.0, false, 1));
    // Where one slide's is not, and of nothing.
    assert_eq!(of(|slide| if slide == "a" { "9" } else { "" }).0, 2.0);
    assert_eq!(of(|_| "0").0, 2.0);
}

#[test]
fn means_are_no_grades() {
    let grades = ["nas_grade", "nas_sum_grade", "egti_surrogate_grade"];
    assert!(grades.iter().all(|name| is_grade(name)));
    let others = ["insulitis_mean_grade", "glomerulosclerosis_index_grade", "glomerulosclerosis_score"];
    assert!(!others.iter().any(|name| is_grade(name)));
}

/// A density is of the area that its objects lie in, a share of the objects themselves.
#[test]
fn objects_of_an_animal_are_summed_over_its_slides() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = folder.path().join("samples.csv");
    let rows = "a.svs,1,c,liver,k\nb.svs,1,c,liver,k\nd.svs,2,c,liver,k\n";
    fs::write(&sheet, format!("slide,animal_id,group,tissue,cage\n{rows}")).unwrap();
    let samples = manifest::read_key(&sheet).unwrap();
    let nuclei = "liver,hepatocyte_nuclear_density_per_mm2";
    let long = format!(
        "tissue,feature,value,unit,slide_id,missing,denominator\n{nuclei},1547.265012404345,1/mm²,a,,0.190659\n\
         {nuclei},1450,1/mm²,b,,0.2\n{nuclei},3000,1/mm²,d,,1\nliver,steatotic_hepatocyte_pct,40,%,a,,295\n"
    );
    fs::write(folder.path().join("long.csv"), long).unwrap();
    let rubric = crate::score::rubric::Rubric::builtin().unwrap();
    let controls = Controls { group: None, rubric: &rubric };
    let counted = |unit: Unit, feature: &str| -> Vec<Option<f64>> {
        let cohort = read(folder.path(), &samples, &[], unit, |_| None, &controls).unwrap();
        cohort.subjects.iter().map(|s| s.counted("liver", feature, Count::Objects)).collect()
    };
    let density = "hepatocyte_nuclear_density_per_mm2";
    assert_eq!(counted(Unit::Animal, density), [Some(585.0), Some(3000.0)]);
    assert_eq!(counted(Unit::Cage, density), [Some(3585.0)]);
    // Nothing rests on the number of these.
    assert_eq!(counted(Unit::Animal, "steatotic_hepatocyte_pct"), [None, None]);
}

#[test]
fn animals_become_cages() {
    let cohort = cohort(Unit::Cage);
    let fat = Endpoint { tissue: "liver".into(), feature: "fat_area_pct".into() };
    let cage = cohort.subjects.iter().find(|s| s.id == "k").unwrap();
    assert_eq!((cage.values[&fat], cage.slides[&fat].as_slice()), (6.0, [2.0, 10.0].as_slice()));
    assert_eq!(cage.totals[&fat], 14.0, "of all three slides");
}
