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
    /// thread of the pool works at the windows of those inside.
    pub(super) fn enter(&self, bytes: u64) -> Inside<'_> {
        let ticket = {
            let mut state = self.state();
            state.next += 1;
            let ticket = state.next;
            state.waiting.push_back(ticket);
            ticket
        };
        loop {
            {
                let mut state = self.state();
                let fits = state.inside == 0 || state.used + bytes <= self.total;
                if fits && state.waiting.front() == Some(&ticket) {
                    state.waiting.pop_front();
                    state.used += bytes;
                    state.inside += 1;
                    return Inside { gate: self, bytes };
                }
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
                    let _slide = gate.enter(bytes);
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
}
