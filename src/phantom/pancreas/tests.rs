//! The painter's promises: monotone knobs, truth equal to labels, the same bytes always.
