use super::*;
use crate::report::test_slide;

fn written(write: impl Fn(&Path) -> Result<()>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    write(&path).unwrap();
    std::fs::read_to_string(path).unwrap()
}

/// Returns each row as its cells that are not empty, `column=cell`.
fn filled(text: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heading = reader.headers().unwrap().clone();
    let row = |row: csv::StringRecord| {
        let cells = heading.iter().zip(row.iter()).filter(|(_, cell)| !cell.is_empty());
        cells.map(|(column, cell)| format!("{column}={cell}")).collect::<Vec<_>>().join("|")
    };
    reader.records().map(|r| row(r.unwrap())).collect()
}

#[test]
fn slides_have_one_row_each_whatever_came_of_them() {
    let text = written(|path| write_slides(path, &test_slide::study(), &test_slide::rubric()));
    let sample = "animal_id=R7|group=STZ, low|sex=F|batch=b1|dose=0.5|dose_unit=mg/kg";
    let slide = "species=rat|format=aperio|width_px=4000|height_px=2000|mpp_x_um=0.25|mpp_y_um=0.25|mpp_origin=aperio.MPP";
    let warnings = "warnings=only 1.500 mm² of tissue; a score needs at least 20 mm²";
    let indices =
        "liver_damage_index_coverage=0.23529411764705882|steatosis_index_coverage=0.6666666666666666";
    assert_eq!(filled(&text), [
        format!(
            "slide_id=a1|path=in/a1.svs|status=scored|tissue=liver|{sample}|{slide}|artefact_excluded_pct=0|{warnings}|{indices}|\
             macro_affected_area_pct=40.5|rbc_area_pct=0|macrosteatosis_grade=2|\
             macrosteatosis_score=1.7272727272727273|liang_macrosteatosis_grade=2"
        ),
        format!(
            "slide_id=b2|path=in/b2.svs|status=blank|tissue=liver|{slide}|{warnings}|liver_damage_index_coverage=0|\
             steatosis_index_coverage=0"
        ),
        "slide_id=c3|path=in/c3.svs|status=failed|error_kind=uncalibrated|error=the file states no pixel size \
         (microns per pixel) from 0.05 to 20; pass --mpp X if you know it|tissue=liver|species=rat"
            .to_owned(),
        format!("slide_id=d4|path=in/d4.svs|status=excluded|exclude_reason=torn|tissue=liver|{sample}|species=rat"),
    ]);
}

#[test]
fn a_slide_that_quality_control_left_out_keeps_its_facts() {
    let mut summary = test_slide::summary(false);
    summary.quality.artefact_excluded_pct = 34.86;
    summary.refused = Some("artefacts cover 34.9 % of the tissue".into());
    let job = test_slide::study().remove(2).job;
    let done = [Done::new(job, Ok(summary), 1.0)];
    let text = written(|path| write_slides(path, &done, &test_slide::rubric()));
    let [row] = &filled(&text)[..] else { panic!("{text}") };
    for cell in [
        "status=excluded",
        "exclude_reason=artefacts cover 34.9 % of the tissue",
        "format=aperio",
        "width_px=4000",
        "mpp_x_um=0.25",
        "artefact_excluded_pct=34.86",
        "warnings=only 1.500 mm² of tissue; a score needs at least 20 mm²",
    ] {
        assert!(row.split('|').any(|c| c == cell), "{cell}: {row}");
    }
    assert!(!row.contains("error=") && !row.contains("macro_affected_area_pct"), "{row}");
}

#[test]
fn columns_of_the_slide_table() {
    let text = written(|path| write_slides(path, &test_slide::study(), &test_slide::rubric()));
    let heading = text.lines().next().unwrap();
    assert!(
        heading
            .starts_with("slide_id,path,status,error_kind,error,exclude_reason,tissue,animal_id,group,cage,")
    );
    assert!(heading.contains(
        ",warnings,liver_damage_index,liver_damage_index_coverage,steatosis_index,steatosis_index_coverage,\
         macro_affected_area_pct,rbc_area_pct,sinusoid_width_um_median,macrosteatosis_grade,macrosteatosis_score,"
    ));
    assert_eq!(heading.split(',').count(), 32 + 2 * 2 + 3 + 2 * 10 + 13);
}

#[test]
fn long_table_tells_every_reason() {
    let text = written(|path| write_long(path, &test_slide::study(), &test_slide::rubric()));
    let of = |slide: &str| text.lines().filter(|l| l.contains(&format!(",{slide},"))).collect::<Vec<_>>();
    // 3 features, 10 lesions, 2 indices, 13 published grades.
    for slide in ["a1", "b2", "c3", "d4"] {
        assert_eq!(of(slide).len(), 28, "{slide}");
    }
    let rat = "R7,\"STZ, low\",b1";
    let other = "not measured by this version: the feature is not computed";
    let a1 = of("a1");
    for (row, expected) in [
        (0, format!("liver,macro_affected_area_pct,{rat},40.5,%,a1,,200")),
        (1, format!("liver,rbc_area_pct,{rat},0,%,a1,,1.5")),
        (2, format!("liver,sinusoid_width_um_median,{rat},,µm,a1,no sinusoid found,")),
        (3, format!("liver,macrosteatosis_score,{rat},1.7272727272727273,0 to 3,a1,,")),
        (4, format!("liver,microsteatosis_score,{rat},,0 to 3,a1,{other},")),
        (9, format!("liver,congestion_score,{rat},,0 to 4,a1,needs the study's control group,")),
        (
            14,
            format!(
                "liver,steatosis_index,{rat},,0 to 100,a1,only 66 % of the weight scored; missing microsteatosis,"
            ),
        ),
    ] {
        assert_eq!(a1[row], expected);
    }
    assert_eq!(of("b2")[0], "liver,macro_affected_area_pct,,,,,%,b2,the slide is blank,");
    let uncalibrated = Error::Uncalibrated.to_string();
    assert_eq!(of("c3")[13], format!("liver,liver_damage_index,,,,,0 to 100,c3,{uncalibrated},"));
    assert_eq!(
        of("d4")[3],
        format!("liver,macrosteatosis_score,{rat},,0 to 3,d4,left out by the sample sheet: torn,")
    );
}

#[test]
fn order_of_the_slides_does_not_matter() {
    let mut back = test_slide::study();
    back.reverse();
    let rubric = test_slide::rubric();
    for write in [write_slides, write_long] {
        let forth = written(|path| write(path, &test_slide::study(), &rubric));
        assert_eq!(forth, written(|path| write(path, &back, &rubric)));
    }
}
