use std::fs;

use super::*;
use crate::{manifest, organ::ORGANS, score::rubric::Rubric};

const SHEET: &str = "slide,animal_id,group,tissue,batch,cage\n\
    a.svs,1,normal,liver,x,1\nb.svs,2,diabetic,liver,x,2\nc.svs,3,low,liver,y,3\nd.svs,4,high,liver,y,\n";

/// The schema names the keys that are read.
#[test]
fn schemas_fit_the_readers() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let mut properties: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let mut keys: Vec<&str> = read::KEYS.to_vec();
    properties.sort();
    keys.sort_unstable();
    assert_eq!(properties, keys);
    let animals: serde_json::Value = serde_json::from_str(ANIMALS_SCHEMA).unwrap();
    assert_eq!(animals["items"]["required"], serde_json::json!(["animal_id"]));
}

fn samples() -> Vec<manifest::Sample> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.csv");
    fs::write(&path, SHEET).unwrap();
    manifest::read_key(&path).unwrap()
}

fn rubric() -> Rubric {
    Rubric::builtin().unwrap()
}

fn told(text: &str) -> String {
    let study = read::parse("study.toml", text);
    study
        .and_then(|s| check(&s, &samples(), &rubric(), None))
        .map_or_else(|e| e.to_string(), |()| "accepted".into())
}

#[test]
fn a_whole_description() {
    let text = "groups = ['normal', 'diabetic', 'low', 'high']\nnormal = 'normal'\ndisease = 'diabetic'\nalpha = 0.01\n\
        seed = 7\nequal_variances = true\n[primary]\nliver = 'steatotic_hepatocyte_pct'\n[doses]\ndiabetic = 0\n\
        low = 0.5\nhigh = 1\n[equivalence]\nfat_area_pct = 2\n[[contrast]]\nname = 'treated'\nplus = ['low', 'high']\n\
        minus = ['diabetic']\n";
    let study = read::parse("study.toml", text).unwrap();
    assert_eq!(told(text), "accepted");
    assert_eq!((study.alpha, study.seed, study.equal_variances), (0.01, 7, true));
    let doses: Vec<_> = study.doses.iter().map(|(g, d)| (g.as_str(), *d)).collect();
    assert_eq!(doses, [("diabetic", 0.0), ("low", 0.5), ("high", 1.0)]);
    assert_eq!(study.margins["fat_area_pct"], 2.0);
    assert_eq!(study.contrasts[0].plus, ["low", "high"]);
}

#[test]
fn bad_descriptions_are_refused_with_their_line() {
    fn t(text: &str, expected: &str) {
        let got = told(text);
        assert_eq!(got, expected, "{text}");
    }
    const ORDER: &str = "expected a group of the sample sheet (normal, diabetic, low, high)";
    t("normal = 'normal'", "accepted");
    t(
        "normal = ",
        "study.toml line 1, expected TOML, got string values must be quoted, expected literal string",
    );
    t(
        "normal = 'normal'\nalfa = 0.05",
        "study.toml line 2, key, expected one of groups, normal, disease, control, unit, alpha, block, equal_variances, \
         seed, primary, doses, equivalence, covariates, contrast, got \"alfa\" (did you mean alpha?)",
    );
    for (key, meant) in [("disease_control", "disease"), ("normal_control", "normal"), ("group", "groups")] {
        let got = told(&format!("{key} = 'normal'"));
        assert!(got.ends_with(&format!("got {key:?} (did you mean {meant}?)")), "{got}");
    }
    t("normal = 3", "study.toml line 1, normal, expected a name in quotes, got 3");
    t("normal = ''", "study.toml line 1, normal, expected a name in quotes, got ''");
    t(
        "normal = 'norml'",
        &format!("study.toml line 1, normal, {ORDER}, got \"norml\" (did you mean normal?)"),
    );
    t(
        "alpha = 0.05",
        "study.toml, normal, expected a control group (control, or normal and disease), got none",
    );
    t(
        "normal = 'normal'\ndisease = 'normal'",
        "study.toml line 2, disease, expected another group than normal, got normal",
    );
    t(
        "control = 'normal'\ndisease = 'diabetic'",
        "study.toml line 1, control, expected control alone, or normal and disease, got both kinds",
    );
    t(
        "normal = 'normal'\ngroups = 'a'",
        "study.toml line 2, groups, expected a list of names in quotes, got 'a'",
    );
    t(
        "normal = 'normal'\ngroups = ['normal', 'diabetic', 'low', 'high', 'low']",
        "study.toml line 2, groups, expected each name once, got low twice",
    );
    t(
        "normal = 'normal'\ngroups = ['normal', 'diabetic', 'low']",
        "study.toml line 2, groups, expected every group of the sample sheet, high too, got normal, diabetic, low",
    );
    t(
        "normal = 'normal'\nalpha = 5",
        "study.toml line 2, alpha, expected a number between 0.0001 and 0.2, got 5",
    );
    t(
        "normal = 'normal'\nalpha = '0.05'",
        "study.toml line 2, alpha, expected a number between 0.0001 and 0.2, got '0.05'",
    );
    t(
        "normal = 'normal'\nseed = 1.5",
        "study.toml line 2, seed, expected a whole number, 0 or more, got 1.5",
    );
    t(
        "normal = 'normal'\nequal_variances = 'no'",
        "study.toml line 2, equal_variances, expected true or false, got 'no'",
    );
    t(
        "normal = 'normal'\nunit = 'cages'",
        "study.toml line 2, unit, expected one of animal, cage, got \"cages\" (did you mean cage?)",
    );
    t(
        "normal = 'normal'\nunit = 'cage'",
        "study.toml line 2, unit, expected a cage for every slide, as the unit is the cage, got none in row 5",
    );
    t(
        "normal = 'normal'\nblock = 'day'",
        "study.toml line 2, block, expected one of none, batch, stain_batch, cage, got \"day\"",
    );
    t(
        "normal = 'normal'\nblock = 'stain_batch'",
        "study.toml line 2, block, expected a value in that column for every slide, got none in row 2",
    );
    t(
        "normal = 'normal'\nblock = 'batch'",
        "study.toml line 2, block, expected blocks that hold several groups each, got groups and blocks of the liver \
         slides that cannot be told apart",
    );
    t(
        "normal = 'normal'\n[primary]\nlivr = 'fat_area_pct'",
        "study.toml line 3, primary, expected one of liver, kidney, pancreas, got \"livr\" (did you mean liver?)",
    );
    t(
        "normal = 'normal'\n[primary]\nkidney = 'tubule_injured'",
        "study.toml line 3, primary.kidney, expected a feature of kidney, or a score, index or published grade of it, got \
         \"tubule_injured\" (did you mean tubule_injured_pct?)",
    );
    t(
        "normal = 'normal'\n[primary]\nliver = 'fat_area'",
        "study.toml line 3, primary.liver, expected a feature of liver, or a score, index or published grade of it, got \
         \"fat_area\" (did you mean fat_area_pct?)",
    );
    t(
        "normal = 'normal'\n[primary]\nliver = 'macrosteatosys_score'",
        "study.toml line 3, primary.liver, expected a feature of liver, or a score, index or published grade of it, got \
         \"macrosteatosys_score\" (did you mean macrosteatosis_score?)",
    );
    t("normal = 'normal'\n[primary]\nliver = 'macrosteatosis_score'", "accepted");
    t("normal = 'normal'\n[primary]\nliver = 'nas_steatosis_grade'", "accepted");
    t("normal = 'normal'\n[primary]\nliver = 'liver_damage_index'", "accepted");
    t(
        "normal = 'normal'\n[equivalence]\nfat_area_pc = 3\nmacrosteatosis_score = 1\ntubule_injured_pct = 2",
        "study.toml line 3, equivalence.fat_area_pc, expected a feature, score, index or published grade, or a column of an \
         animal table (--animals), got \"fat_area_pc\" (did you mean fat_area_pct?)",
    );
    t(
        "normal = 'normal'\n[doses]\ndiabetic = 0\nlow = -1\nhigh = 1",
        "study.toml line 4, low, expected a dose, 0 or more, got -1",
    );
    t(
        "normal = 'normal'\n[doses]\ndiabetic = 0\nlow = 1\nhigh = 1",
        "study.toml line 5, doses.high, expected another dose than that of low, got 1",
    );
    t(
        "normal = 'normal'\n[doses]\ndiabetic = 0\nhi = 1\nlow = 2",
        &format!("study.toml line 4, doses.hi, {ORDER}, got \"hi\" (did you mean high?)"),
    );
    t(
        "normal = 'normal'\n[doses]\ndiabetic = 0\nlow = 1",
        "study.toml line 2, doses, expected three groups or more, the untreated one with dose 0, got 2",
    );
    t(
        "normal = 'normal'\n[equivalence]\nfat_area_pct = 0",
        "study.toml line 3, fat_area_pct, expected a margin above 0, got 0",
    );
    t(
        "disease = 'diabetic'\n[equivalence]\nfat_area_pct = 1",
        "study.toml line 2, equivalence, expected a normal or control group to be equivalent to, got none",
    );
    t("normal = 'normal'\ndoses = 1", "study.toml line 2, doses, expected a section of name = value, got 1");
    t(
        "normal = 'normal'\n[[contrast]]\nname = 'a'\nplus = ['low']\nminus = []",
        "study.toml line 2, contrast, expected name, plus and minus, got one of them missing or empty",
    );
    t(
        "normal = 'normal'\n[[contrast]]\nname = 'a'\nplus = ['low']\nminus = ['low']",
        "study.toml line 2, contrast a, expected different groups in plus and minus, got low in both",
    );
    t(
        "normal = 'normal'\n[[contrast]]\nname = 'a'\nplus = ['low']\nminu = ['high']\nminus = ['high']",
        "study.toml line 5, contrast, expected name, plus and minus, got \"minu\" (did you mean minus?)",
    );
    t(
        "control = 'norml'",
        &format!("study.toml line 1, control, {ORDER}, got \"norml\" (did you mean normal?)"),
    );
    t("normal = ['normal']", "study.toml line 1, normal, expected a name in quotes, got ['normal']");
    t("normal = 'normal'\nseed = -1", "study.toml line 2, seed, expected a whole number, 0 or more, got -1");
    t(
        "normal = 'normal'\nalpha = nan",
        "study.toml line 2, alpha, expected a number between 0.0001 and 0.2, got nan",
    );
    t(
        "normal = 'normal'\nprimary = 'x'",
        "study.toml line 2, primary, expected a section of name = value, got 'x'",
    );
    t(
        "normal = 'normal'\ncontrast = 1",
        "study.toml line 2, contrast, expected sections [[contrast]] with name, plus and minus, got 1",
    );
    t(
        "normal = 'norm'\ndisease = 'diabet'\nalpha = 0.5",
        "study.toml line 3, alpha, expected a number between 0.0001 and 0.2, got 0.5",
    );
    t(
        "normal = 'norm'\ndisease = 'diabet'",
        &format!(
            "2 things to correct:\n  study.toml line 1, normal, {ORDER}, got \"norm\" (did you mean normal?)\n  \
             study.toml line 2, disease, {ORDER}, got \"diabet\" (did you mean diabetic?)"
        ),
    );
}

#[test]
fn templates_are_good_descriptions() {
    let groups: Vec<String> = ["normal", "diabetic", "low", "high"].map(str::to_owned).to_vec();
    assert_eq!(told(&template(&groups, &["liver"])), "accepted");
    for organ in ORGANS {
        let text = template(&groups, &[organ.name]);
        let study = read::parse("study.toml", &text).unwrap();
        let primary = &study.primary[organ.name];
        assert!(organ.features.iter().any(|f| f.name == primary), "{}", organ.name);
    }
}

#[test]
fn controls_are_guessed_from_whole_words_and_marked() {
    let t = |groups: &[&str], normal: &str, disease: &str| {
        let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        let text = template(&groups, &["liver"]);
        let line = |key: &str, group: &str| match group {
            "" => format!("\n# {key} = \"…\"\n"),
            group => format!("\n{key} = {group:?} # guessed from the name: check\n"),
        };
        for (key, group) in [("normal", normal), ("disease", disease)] {
            assert!(text.contains(&line(key, group)), "{key} {group}\n{text}");
        }
        read::parse("study.toml", &text).unwrap();
    };
    t(&["normal", "diabetic", "low"], "normal", "diabetic");
    t(&["nondiabetic", "stz", "stz_drug"], "", "stz");
    t(&["Non-diabetic", "STZ+drug", "STZ"], "", "STZ");
    t(&["healthy", "untreated", "treated"], "healthy", "untreated");
    t(&["diabetic control", "normal control", "drug"], "normal control", "diabetic control");
    t(&["diabetic control", "drug"], "", "diabetic control");
    t(&["untreated control", "drug"], "untreated control", "");
    t(&["antidiabetic", "anti-diabetic", "disease-free", "no disease", "abnormal"], "", "");
}

fn animals(text: &str) -> crate::Result<Animals> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("animals.csv");
    fs::write(&path, text).unwrap();
    read_animals(&path, &["1", "2", "3"])
}

#[test]
fn indices_are_derived() {
    let read = animals(
        "animal_id,glucose_mg_dl,insulin,ogtt_0,ogtt_30,ogtt_120\n1,90.08,10,5,9,6\n2,54.048,4,5,,6\n3,,8,4,8,4\n",
    )
    .unwrap();
    let column = |name: &str| read.columns.iter().find(|c| c.name == name).unwrap();
    assert!((column("homa_ir").values["1"] - 5.0 * 10.0 / 22.5).abs() < 1e-12);
    assert!((column("homa_beta").values["1"] - 200.0 / 1.5).abs() < 1e-9);
    // HOMA-β ends at 3.5 mmol/L: animal 2 has 3.
    assert_eq!(column("homa_beta").values.len(), 1);
    assert!((column("quicki").values["1"] - 1.0 / (90.08_f64.log10() + 1.0)).abs() < 1e-12);
    let auc = column("ogtt_auc");
    assert_eq!((auc.values["1"], auc.values["3"], auc.values.len()), (210.0 + 675.0, 180.0 + 540.0, 2));
    assert_eq!(read.notes.len(), 2, "{:?}", read.notes);
    assert_eq!(read.notes[1], "ogtt_auc: none of animals that lack one of the times: 2");
}

#[test]
fn a_unit_that_is_not_stated_is_told() {
    let told = |heading: &str| animals(&format!("animal_id,{heading}\n1,5,81\n")).unwrap().unstated_unit();
    assert!(
        told("glucose,insulin")
            .is_some_and(|text| text.starts_with("insulin of the animal table is taken as µU/mL"))
    );
    assert_eq!(told("glucose,insulin_pmol_l"), None);
    assert_eq!(told("glucose,insulin_uu_ml"), None);
    assert_eq!(told("alt,insulin"), None);
}

#[test]
fn columns_with_units_have_an_area() {
    let read = animals("animal_id,ogtt_0_mmol_l,ogtt_30_min_mmol_l,ogtt_120_mmol_l\n1,5,9,6\n").unwrap();
    let auc = read.columns.iter().find(|c| c.name == "ogtt_auc").unwrap();
    assert_eq!((auc.values["1"], auc.unit), (210.0 + 675.0, "mmol/L × min"));
    assert_eq!(auc.derived, "trapezoid area over 0, 30, 120 min");
    assert!(read.notes.is_empty(), "{:?}", read.notes);
}

#[test]
fn what_looks_as_if_it_were_derived_from_is_told() {
    fn t(text: &str, expected: &[&str]) {
        let notes = animals(text).unwrap().notes;
        assert_eq!(notes.len(), expected.len(), "{notes:?}");
        for (note, expected) in notes.iter().zip(expected) {
            assert!(note.contains(expected), "{note}");
        }
    }
    t("animal_id,glucose,alt\n1,5,30\n", &[]);
    let lack = "glucose_mg_dl and fasting insulin in insulin, insulin_uu_ml or insulin_pmol_l; the animal table has \
                fasting_glucose_mmol_l, insulin_ng_ml";
    t("animal_id,fasting_glucose_mmol_l,insulin_ng_ml\n1,5,1\n", &[lack]);
    t("animal_id,glucose,insulin\n1,5,\n2,,6\n", &["no animal has both glucose and insulin"]);
    t("animal_id,ogtt_t0,ogtt_30,ogtt_60\n1,5,6,5\n", &["it needs 3 columns ogtt_<minutes>"]);
}

#[test]
fn bad_animal_tables_are_refused_with_their_row() {
    fn t(text: &str, expected: &str) {
        assert_eq!(animals(text).unwrap_err().to_string(), expected, "{text}");
    }
    t("id,glucose\n1,5\n", "animals.csv row 1, column, expected animal_id (required), got id, glucose");
    t("animal_id,alt,ALT\n1,5,6\n", "animals.csv row 1, column, expected ALT once, got it twice");
    t("animal_id,alt\n,5\n", "animals.csv row 2, animal_id, expected a value, got an empty cell");
    t(
        "animal_id,alt\n1,5\n1,6\n",
        "animals.csv row 3, animal_id, expected each animal once, got 1, also in row 2",
    );
    t(
        "animal_id,alt\n9,5\n",
        "animals.csv row 2, animal_id, expected an animal of the sample sheet, got \"9\" (did you mean 1?)",
    );
    t("animal_id,alt\n1,high\n", "animals.csv row 2, alt, expected a number or an empty cell, got \"high\"");
    t(
        "animal_id,glucose,insulin\n1,95,8\n",
        "animals.csv row 2, glucose, expected mmol/L, up to 60 (name the column glucose_mg_dl if it holds mg/dL), got 95 for \
         animal 1",
    );
    t(
        "animal_id,glucose_mg_dl,insulin\n1,5.55,8\n2,5.1,8\n",
        "animals.csv row 2, glucose_mg_dl, expected mg/dL, 18 or more (end the name of the column in _mmol_l if it holds mmol/L), \
         got 5.55 for animal 1, and another row above",
    );
    t(
        "animal_id,glucose\n1,-5\n",
        "animals.csv row 2, glucose, expected mmol/L, 1 or more, got -5 for animal 1",
    );
    t("animal_id,ogtt_0\n1,0\n", "animals.csv row 2, ogtt_0, expected more than 0, got 0 for animal 1");
    t(
        "animal_id,insulin\n1,-1\n",
        "animals.csv row 2, insulin, expected more than 0 (leave the cell empty where there was too little to measure), got -1 for \
         animal 1",
    );
    t(
        "animal_id,ogtt_0_mg_dl,ogtt_30_mmol_l\n1,90,5\n",
        "animals.csv row 1, column, expected ogtt columns in one unit, got ogtt_0_mg_dl, ogtt_30_mmol_l",
    );
    let all = animals("animal_id,glucose,alt\n3,5,7\n2,281.7,high\n1,300,7\n").unwrap_err().to_string();
    assert!(all.contains("row 3, alt, expected a number") && all.contains("row 3, glucose, "), "{all}");
    assert!(all.contains("got 281.7 for animal 2, and another row above"), "{all}");
}

#[test]
fn covariates_are_columns_of_the_animal_table() {
    let told = |text: &str, table: Option<&str>| {
        let study = read::parse("study.toml", &format!("{text}\nnormal = 'normal'")).unwrap();
        let table = table.map(|t| animals(t).unwrap());
        check(&study, &samples(), &rubric(), table.as_ref())
            .map_or_else(|e| e.to_string(), |()| "accepted".into())
    };
    const TABLE: &str = "animal_id,weight_g,glucose,insulin\n1,300,5,10\n";
    assert_eq!(told("", None), "accepted");
    assert_eq!(told("covariates = ['weight_g', 'homa_ir']", Some(TABLE)), "accepted");
    assert_eq!(
        told("covariates = ['weight_g']", None),
        "study.toml line 1, covariates, expected an animal table (--animals) that holds them, got none"
    );
    assert_eq!(
        told("covariates = ['weigth_g']", Some(TABLE)),
        "study.toml line 1, covariates, expected a column of the animal table (weight_g, glucose, insulin, homa_ir, \
         homa_beta, quicki), got \"weigth_g\" (did you mean weight_g?)"
    );
}

#[test]
fn shipped_example_fits_its_sheet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.csv");
    fs::write(&path, include_str!("../../samples/study.csv")).unwrap();
    let study = read::parse("study.toml", include_str!("../../samples/study.toml")).unwrap();
    check(&study, &manifest::read_key(&path).unwrap(), &rubric(), None).unwrap();
    assert_eq!((study.doses.len(), study.contrasts.len()), (3, 1));
}

/// Margins may be of physiology.
#[test]
fn margins_of_columns_of_the_animal_table() {
    let table = animals("animal_id,weight_g\n1,300\n").unwrap();
    let told = |feature: &str| {
        let text = format!("normal = 'normal'\n[equivalence]\n{feature} = 5");
        let study = read::parse("study.toml", &text).unwrap();
        check(&study, &samples(), &rubric(), Some(&table))
            .map_or_else(|e| e.to_string(), |()| "accepted".into())
    };
    assert_eq!(told("weight_g"), "accepted");
    assert!(told("weigth_g").ends_with("got \"weigth_g\" (did you mean weight_g?)"), "{}", told("weigth_g"));
}

/// Slides of one animal may be stained on several days, tissue by tissue; slides that are averaged may not.
#[test]
fn blocks_are_of_an_animals_tissue() {
    let told = |text: &str, rows: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.csv");
        fs::write(&path, format!("slide,animal_id,group,tissue,stain_batch,cage\n{rows}")).unwrap();
        let study =
            read::parse("study.toml", &format!("control = 'c'\nblock = 'stain_batch'\n{text}")).unwrap();
        let samples = manifest::read_key(&path).unwrap();
        check(&study, &samples, &rubric(), None).map_or_else(|e| e.to_string(), |()| "accepted".into())
    };
    let crossed = "a.svs,1,c,liver,x,k\nb.svs,2,t,liver,x,l\nd.svs,3,c,liver,y,m\ne.svs,4,t,liver,y,n\n";
    assert_eq!(told("", crossed), "accepted");
    let kidney =
        |one: &str, two: &str| format!("{crossed}f.svs,1,c,kidney,{one},k\ng.svs,2,t,kidney,{two},l\n");
    assert_eq!(told("", &kidney("z", "z")), "accepted");
    assert_eq!(
        told("", &kidney("y", "z")),
        "study.toml line 2, block, expected blocks that hold several groups each, got groups and blocks of the kidney slides that \
         cannot be told apart"
    );
    let second = |animal: &str, cage: &str| format!("{crossed}h.svs,{animal},c,liver,y,{cage}\n");
    assert_eq!(
        told("", &second("1", "k")),
        "study.toml line 2, block, expected one stain_batch for the liver slides of animal 1, which are averaged, got x in row 2 \
         and y in row 6 of the sample sheet"
    );
    assert_eq!(told("", &second("5", "k")), "accepted");
    assert!(told("unit = 'cage'", &second("5", "k")).contains("the liver slides of cage k"));
}
