//! Painter of the liver.

use super::{Canvas, Knob, Painter, Request, Truth};

/// Paints liver.
pub(super) const PAINTER: Painter = Painter { organ: "liver", knobs: KNOBS, paint };

const KNOBS: &[Knob] = &[];

fn paint(_request: &Request, _canvas: &mut Canvas) -> Truth {
    Truth::default()
}
