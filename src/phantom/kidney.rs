//! Painter of the kidney.

use super::{Canvas, Knob, Painter, Request, Truth};

/// Paints kidney.
pub(super) const PAINTER: Painter = Painter { organ: "kidney", knobs: KNOBS, paint };

const KNOBS: &[Knob] = &[];

fn paint(_request: &Request, _canvas: &mut Canvas) -> Truth {
    Truth::default()
}
