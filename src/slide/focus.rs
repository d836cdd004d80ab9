//! Which of several focal planes is read.

/// Returns the index of the focal plane that is read of so many: the middle one, of an even number the first of the two there.
pub(super) fn middle(planes: u64) -> u64 {
    planes.div_ceil(2).saturating_sub(1)
}

/// The plane that is read at each place, where places need not have the same planes: the focus follows the tissue.
pub(super) struct MiddlePlanes<P, Z> {
    read: Vec<(P, Z)>,
    most: u64,
}

impl<P: Ord + Copy, Z: Ord + Copy> MiddlePlanes<P, Z> {
    /// Finds the middle one of the planes that are stored at each place.
    pub(super) fn of(stored: impl Iterator<Item = (P, Z)>) -> Self {
        let mut stored: Vec<(P, Z)> = stored.collect();
        stored.sort_unstable();
        stored.dedup();
        let stacks = || stored.chunk_by(|a, b| a.0 == b.0);
        let read = stacks().filter_map(|stack| stack.get(middle(stack.len() as u64) as usize).copied());
        let most = stacks().map(|stack| stack.len() as u64).max();
        Self { read: read.collect(), most: most.unwrap_or(1) }
    }

    /// Returns whether a plane is the one that is read at a place.
    pub(super) fn holds(&self, place: P, plane: Z) -> bool {
        self.read.binary_search(&(place, plane)).is_ok()
    }

    /// Returns the number of planes where most are stored; at least 1.
    pub(super) fn most(&self) -> u64 {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_a_middle_of_its_own() {
        let stored = [('a', 5), ('a', 3), ('a', 4), ('b', 9), ('c', 2), ('c', 1), ('c', 2)];
        let planes = MiddlePlanes::of(stored.into_iter());
        let read: Vec<_> = stored.into_iter().filter(|&(place, plane)| planes.holds(place, plane)).collect();
        assert_eq!(read, [('a', 4), ('b', 9), ('c', 1)]);
        assert_eq!(planes.most(), 3);
        assert_eq!(MiddlePlanes::<char, i32>::of(std::iter::empty()).most(), 1);
        assert_eq!([0, 1, 2, 3, 4].map(middle), [0, 0, 0, 1, 1]);
    }
}
