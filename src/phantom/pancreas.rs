//! Painter of the pancreas.

use super::{Canvas, Knob, Painter, Request, Truth};

/// Paints pancreas.
pub(super) const PAINTER: Painter = Painter { organ: "pancreas", knobs: KNOBS, paint };

const KNOBS: &[Knob] = &[];

fn paint(_request: &Request, _canvas: &mut Canvas) -> Truth {
    Truth::default()
}
