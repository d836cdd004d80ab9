use super::*;

#[test]
fn a_remark_on_a_tissue_is_of_it() {
    assert_eq!(tissue_of("liver: pixel size cannot be told from the groups"), "liver");
    assert_eq!(tissue_of("kidney, 2 slides: measured otherwise"), "kidney");
    assert_eq!(tissue_of("2 of 8 slides of the sample sheet without a result: a"), "");
}

/// docs/dictionary.md is made of this list.
#[test]
fn every_column_is_defined() {
    let defined = include_str!("../../../organ/tables.tsv");
    let unit = Unit::Animal;
    let (long, parts, weights) =
        (columns_long(unit), columns_of_components(unit), columns_of_sensitivity(unit));
    let tables: [(&str, &[Column]); 11] = [
        ("animals, animals_long", &long),
        ("groups", &GROUPS),
        ("stats_omnibus", &OMNIBUS),
        ("stats_contrasts", &CONTRASTS),
        ("stats_trends", &TRENDS),
        ("assumptions", &TESTS),
        ("recovery", &RECOVERY),
        ("equivalence", &EQUIVALENCE),
        ("variance_components", &parts),
        ("relations", &RELATIONS),
        ("weight_sensitivity", &weights),
    ];
    for (table, columns) in tables {
        for column in columns {
            let is = |of: &str| defined.contains(&format!("{of}\t{}\t", column.name));
            assert!(is(table) || is("tables of compare"), "{table}: {}", column.name);
        }
    }
}
