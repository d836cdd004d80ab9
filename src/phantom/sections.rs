//! Several sections on one slide: each is painted on glass of its own and laid beside the others.

use super::{Canvas, Request, write::SIZE_RANGE};
use crate::error::{Error, Result};

/// Fewest and most sections on a slide.
pub const RANGE: (u32, u32) = (1, 6);
/// Glass between the squares of two sections, in µm.
const BETWEEN_UM: f64 = 150.0;
/// Seeds of further sections lie this far from each other, so that those of one slide are not those of the next.
const NEXT_SEED: u64 = 0x9e37_79b9_7f4a_7c15;

impl Request {
    /// Returns the request for `count` sections, each as large as the one.
    ///
    /// # Errors
    /// [`Error::Config`] for a count out of [`RANGE`], or if the slide becomes too large.
    pub fn with_sections(self, count: u32) -> Result<Self> {
        let (least, most) = RANGE;
        if !(least..=most).contains(&count) {
            return Err(Error::config("sections", format!("{least} to {most}"), count));
        }
        let request = Self { sections: count, ..self };
        let widest = request.slide_px().0;
        if widest > SIZE_RANGE.1 {
            let most = format!("a slide of at most {} px; take fewer or smaller sections", SIZE_RANGE.1);
            return Err(Error::config(format!("{count} sections"), most, format!("{widest} px")));
        }
        Ok(request)
    }

    /// Returns width and height of the slide, in pixels.
    #[must_use]
    pub fn slide_px(&self) -> (u32, u32) {
        let side = |n: u32| n * self.size_px + (n - 1) * self.between_px();
        let (columns, rows) = self.grid();
        (side(columns), side(rows))
    }

    /// Columns and rows of sections.
    fn grid(&self) -> (u32, u32) {
        let rows = if self.sections > 3 { 2 } else { 1 };
        (self.sections.div_ceil(rows).max(1), rows)
    }

    fn between_px(&self) -> u32 {
        self.mpp.px(BETWEEN_UM).ceil() as u32
    }

    /// Left and top edge of a section.
    fn place(&self, section: u32) -> (usize, usize) {
        let (columns, _) = self.grid();
        let step = self.size_px + self.between_px();
        ((section % columns * step) as usize, (section / columns * step) as usize)
    }
}

/// Paints every section of a request with `one` and returns what it returned. The first is what a slide with one section
/// of the same seed holds.
pub(super) fn paint<T>(
    request: &Request,
    canvas: &mut Canvas,
    one: impl Fn(&Request, &mut Canvas) -> T,
) -> Vec<T> {
    if request.sections <= 1 {
        return vec![one(request, canvas)];
    }
    let mut seen = Vec::new();
    for section in 0..request.sections {
        let seed = request.seed.wrapping_add(u64::from(section).wrapping_mul(NEXT_SEED));
        let of_one = Request { seed, section, sections: 1, ..request.clone() };
        let mut piece = Canvas::blank(request.size_px, request.mpp);
        seen.push(one(&of_one, &mut piece));
        canvas.lay(&piece, request.place(section));
    }
    seen
}

impl Canvas {
    /// Lays another canvas over this one. Its labels are numbered on, by as much in every layer, so that numbers that
    /// belonged together still do.
    fn lay(&mut self, piece: &Self, (left, top): (usize, usize)) {
        let (width, height) = piece.size();
        let last = self.labels.values().flat_map(|p| p.data()).copied().max().unwrap_or(0);
        for (&layer, from) in &piece.labels {
            self.add_layer(layer);
            let Some(to) = self.labels.get_mut(layer) else { continue };
            for y in 0..height {
                for (x, &id) in from.row(y).iter().enumerate().filter(|(_, id)| **id != 0) {
                    to.set(left + x, top + y, last + id);
                }
            }
        }
        let dyes = [(&mut self.h, &piece.h), (&mut self.e, &piece.e), (&mut self.rbc, &piece.rbc)];
        for (to, from) in dyes {
            let stride = to.width();
            for y in 0..height {
                let at = (top + y) * stride + left;
                to.data_mut()[at..at + width].copy_from_slice(from.row(y));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{phantom::test_painter::PAINTER, units::Mpp};

    fn ask(size_px: u32, sections: u32) -> Result<Request> {
        PAINTER
            .request(size_px, Mpp::square(0.5).unwrap(), 5, &[("holes", 30.0)])
            .and_then(|request| request.with_sections(sections))
    }

    fn painted(sections: u32) -> (Canvas, super::super::Truth) {
        let request = ask(400, sections).unwrap();
        let mut canvas = Canvas::glass(request.slide_px(), request.mpp);
        let truth = (PAINTER.paint)(&request, &mut canvas);
        (canvas, truth)
    }

    #[test]
    fn slides_are_as_large_as_their_sections() {
        fn t(sections: u32, slide: (u32, u32)) {
            assert_eq!(ask(400, sections).unwrap().slide_px(), slide, "{sections}");
        }
        t(1, (400, 400));
        t(2, (1100, 400));
        t(3, (1800, 400));
        t(4, (1100, 1100));
        t(5, (1800, 1100));
        t(6, (1800, 1100));
        assert!(ask(400, 0).is_err() && ask(400, 7).is_err());
        let error = ask(40_000, 2).unwrap_err().to_string();
        assert!(error.contains("65536 px; take fewer or smaller sections, got 80300 px"), "{error}");
    }

    #[test]
    fn truth_and_labels_are_of_all_sections() {
        let (_, one) = painted(1);
        let (canvas, five) = painted(5);
        assert!(five.features["hole_count"] > 4.0 * one.features["hole_count"]);
        let mut ids: Vec<u32> =
            canvas.labels["vacuoles"].data().iter().copied().filter(|&v| v != 0).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len() as f64, five.features["hole_count"]);
    }

    #[test]
    fn the_first_section_is_the_slide_of_one_and_the_next_is_another() {
        let ((one, _), (two, _)) = (painted(1), painted(2));
        let piece = |left: usize| -> Vec<u8> {
            (0..400).flat_map(|y| two.h.row(y)[left..left + 400].to_vec()).collect()
        };
        assert!(piece(0) == one.h.data());
        assert!(piece(700) != one.h.data());
        let between = (0..400).flat_map(|y| &two.e.row(y)[400..700]);
        assert!(between.copied().all(|e| e == 0));
    }
}
