//! Names that live as long as the program, for what is read back from a file.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// Returns a name that lives as long as the program. Each is held once, so that few are however much is read.
pub(crate) fn lasting(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(name) {
        return known;
    }
    let new: &'static str = Box::leak(name.into());
    names.insert(new);
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_held_once() {
        let (a, b) = (lasting("a_px"), lasting(&String::from("a_px")));
        assert!(std::ptr::eq(a, b));
    }
}
