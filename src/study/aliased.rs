//! What the sample sheet ties to the groups besides treatment, where no block is declared for it (domain.md §5.1).

use std::collections::{BTreeMap, BTreeSet};

use super::{Block, Study, Unit, check::confounded, doses};
use crate::{manifest::Sample, organ::ORGANS, words::listed};

/// Most batches or groups that a remark names.
const NAMED: usize = 6;

/// A column of the sheet.
type Fact = fn(&Sample) -> Option<&str>;

/// Returns what the reader should know of batches that cannot be told from groups, by tissue, of cages that hold a whole
/// group, and of doses that no ladder declares.
#[must_use]
pub fn remarks(study: &Study, samples: &[Sample]) -> Vec<String> {
    let columns: [(&str, Option<Block>, Fact); 3] = [
        ("batch", Some(Block::Batch), |s| s.batch.as_deref()),
        ("stain_batch", Some(Block::StainBatch), |s| s.stain_batch.as_deref()),
        ("scanner", None, |s| s.scanner.as_deref()),
    ];
    let mut remarks = Vec::new();
    for organ in ORGANS {
        let used = || samples.iter().filter(|s| s.exclude.is_none() && s.organ.name == organ.name);
        for (column, block, of) in columns {
            // A block that is declared and confounded is refused elsewhere.
            let pairs: Vec<(&str, &str)> = used().filter_map(|s| Some((s.group.as_str(), of(s)?))).collect();
            if block.is_none() || study.block != block {
                remarks.extend(aliased(&pairs).map(|which| batches(organ.name, column, &which)));
            }
        }
    }
    let caged = study.unit == Unit::Animal && study.block != Some(Block::Cage);
    remarks.extend(caged.then(|| cages(samples)).flatten());
    remarks.extend((study.unit == Unit::Cage).then(|| anew(samples)).flatten());
    remarks.extend(doses::remark(study, samples));
    remarks
}

fn batches(tissue: &str, column: &str, which: &str) -> String {
    format!(
        "{tissue}: column {column} cannot be told from the groups ({which}): differences between groups may come from \
         processing, staining or scanning, and features of colour and intensity are not interpretable; slides of all \
         groups belong in each"
    )
}

/// Returns the groups of each batch if some combination of batches is one of groups.
fn aliased(pairs: &[(&str, &str)]) -> Option<String> {
    let mut batches: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (group, batch) in pairs {
        batches.entry(batch).or_default().insert(group);
    }
    if !confounded(pairs.iter().copied()) {
        return None;
    }
    let one = |(batch, groups): (&&str, &BTreeSet<&str>)| {
        format!("{batch}: {}", groups.iter().copied().collect::<Vec<_>>().join(" and "))
    };
    Some(listed(&batches.iter().map(one).collect::<Vec<_>>(), NAMED))
}

fn cages(samples: &[Sample]) -> Option<String> {
    let mut groups: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<Option<&str>>)> = BTreeMap::new();
    for s in samples.iter().filter(|s| s.exclude.is_none()) {
        let (animals, cages) = groups.entry(&s.group).or_default();
        animals.insert(&s.animal_id);
        cages.insert(s.cage.as_deref());
    }
    let in_one = |animals: &BTreeSet<&str>, cages: &BTreeSet<Option<&str>>| {
        animals.len() > 1 && cages.len() == 1 && !cages.contains(&None)
    };
    let shared = |cage: Option<&str>| groups.values().filter(|(_, c)| c.contains(&cage)).count() > 1;
    let whole: Vec<String> = groups
        .iter()
        .filter(|(_, (animals, cages))| in_one(animals, cages) && !cages.iter().any(|c| shared(*c)))
        .map(|(group, _)| (*group).to_owned())
        .collect();
    (!whole.is_empty()).then(|| {
        format!(
            "all animals of a group are in one cage ({}): differences from other groups may be differences between cages, and \
             the animals are not independent; spread groups over cages",
            listed(&whole, NAMED)
        )
    })
}

/// Says that a cage of two groups counts as two.
fn anew(samples: &[Sample]) -> Option<String> {
    let mut cages: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for s in samples.iter().filter(|s| s.exclude.is_none()) {
        cages.entry(s.cage.as_deref()?).or_default().insert(&s.group);
    }
    let several: Vec<String> =
        cages.iter().filter(|(_, groups)| groups.len() > 1).map(|(cage, _)| (*cage).to_owned()).collect();
    (!several.is_empty()).then(|| {
        format!(
            "cages with animals of several groups ({}) count as one cage in each group, as if numbered anew in each; if the \
             animals shared a cage, the cage is not the unit that was treated",
            listed(&several, NAMED)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remarks on slides of `group batch cage`, one animal each.
    fn told(study: &Study, slides: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.csv");
        let row = |(i, slide): (usize, &&str)| {
            let cells: Vec<&str> = slide.split(' ').collect();
            format!("s{i}.svs,{i},{},liver,{},{}\n", cells[0], cells[1], cells[2])
        };
        let rows: String = slides.iter().enumerate().map(row).collect();
        std::fs::write(&path, format!("slide,animal_id,group,tissue,batch,cage\n{rows}")).unwrap();
        remarks(study, &crate::manifest::read_key(&path).unwrap())
    }

    #[test]
    fn batches_and_cages_of_one_group_are_told() {
        let study = Study::default();
        let crossed = ["c 1 k", "c 2 l", "t 1 m", "t 2 n"];
        assert_eq!(told(&study, &crossed), [""; 0]);
        assert_eq!(told(&study, &["c 1 k", "c 1 l", "t 1 m", "t 1 n"]), [""; 0]);
        let found = told(&study, &["c 1 k", "c 1 l", "t 2 m", "t 2 n"]);
        assert!(found.len() == 1 && found[0].starts_with("liver: column batch cannot be told"), "{found:?}");
        assert!(found[0].contains("(1: c, 2: t)"), "{found:?}");
        let three = ["a 1 k", "a 1 l", "b 2 m", "b 2 n", "c 2 o", "c 2 p"];
        assert!(told(&study, &three)[0].contains("2: b and c"));
        let found = told(&study, &["c 1 k", "c 2 k", "t 1 m", "t 2 n"]);
        assert!(
            found.len() == 1 && found[0].starts_with("all animals of a group are in one cage (c): "),
            "{found:?}"
        );
        let by_cage = Study { unit: Unit::Cage, ..study };
        assert_eq!(told(&by_cage, &["c 1 k", "c 2 k", "t 1 m", "t 2 n"]), [""; 0]);
        let found = told(&by_cage, &["c 1 1", "c 2 2", "t 1 1", "t 2 3"]);
        assert!(
            found.len() == 1 && found[0].starts_with("cages with animals of several groups (1) "),
            "{found:?}"
        );
    }

    #[test]
    fn a_cage_that_is_not_stated_holds_nothing() {
        assert_eq!(told(&Study::default(), &["c 1 ", "c 2 ", "t 1 ", "t 2 "]), [""; 0]);
    }
}
