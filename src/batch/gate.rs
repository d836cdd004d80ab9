//! Lets slides in as long as they fit into memory together, in the order they came.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
    thread,
    time::Duration,
};

/// Time between two looks while there is nothing else to do.
const PAUSE: Duration = Duration::from_millis(5);

/// Counts what slides in work take.
#[derive(Debug)]
pub(super) struct Gate {
    total: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    used: u64,
    inside: usize,
    next: u64,
    waiting: VecDeque<u64>,
}

/// A slide that is inside. Dropping it lets the next one in.
#[derive(Debug)]
pub(super) struct Inside<'a> {
    gate: &'a Gate,
    bytes: u64,
}

impl Gate {
    pub(super) fn new(total: u64) -> Self {
        Self { total, state: Mutex::default() }
    }

    /// Waits until a slide of so many bytes fits beside those inside; one that never would runs alone. Meanwhile this
    /// thread of the pool works at the windows of those inside. `first` is called when it is the first of those that wait.
    pub(super) fn enter(&self, bytes: u64, first: impl FnOnce()) -> Inside<'_> {
        let mut first = Some(first);
        let ticket = {
            let mut state = self.state();
            state.next += 1;
            let ticket = state.next;
            state.waiting.push_back(ticket);
            ticket
        };
        loop {
            let is_first = {
                let mut state = self.state();
                let is_first = state.waiting.front() == Some(&ticket);
                if is_first && (state.inside == 0 || state.used + bytes <= self.total) {
                    state.waiting.pop_front();
                    state.used += bytes;
                    state.inside += 1;
                    return Inside { gate: self, bytes };
                }
                is_first
            };
            if let Some(first) = first.take_if(|_| is_first) {
                first();
            }
            if rayon::yield_now() != Some(rayon::Yield::Executed) {
                thread::sleep(PAUSE);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.used -= self.bytes;
        state.inside -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn no_more_is_inside_than_fits() {
        let (gate, inside, most) = (Gate::new(100), AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for bytes in [40, 60, 30, 500, 50, 10, 90, 20] {
                let (gate, inside, most) = (&gate, &inside, &most);
                scope.spawn(move || {
                    let _slide = gate.enter(bytes, || ());
                    let now = inside.fetch_add(bytes, Ordering::SeqCst) + bytes;
                    assert!(now <= 100 || now == 500, "{now}");
                    most.fetch_max(now, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(3));
                    inside.fetch_sub(bytes, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.into_inner(), 500);
    }

    #[test]
    fn the_first_that_waits_is_told() {
        let (gate, told) = (Gate::new(100), AtomicU64::new(0));
        let inside = gate.enter(80, || unreachable!("nobody is before it"));
        thread::scope(|scope| {
            scope.spawn(|| gate.enter(30, || _ = told.fetch_add(1, Ordering::SeqCst)));
            while told.load(Ordering::SeqCst) == 0 {
                thread::sleep(Duration::from_millis(1));
            }
            drop(inside);
        });
        assert_eq!(told.into_inner(), 1);
    }
}
