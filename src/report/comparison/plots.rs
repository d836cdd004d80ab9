//! Figures of a comparison, as SVG that stands alone: it opens in any browser or drawing program and prints at any size.

mod axis;
mod figures;
mod rows;

pub(super) use figures::{dose_response, scatter, superplot};
pub(super) use rows::{forest, heatmap, intervals};

use std::fmt::Write as _;

use axis::Axis;

/// Colours of groups, told apart by people of any colour vision (Okabe and Ito 2008).
const COLOURS: [&str; 8] =
    ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#6B6B6B", "#A6761D"];

const TEXT: &str = "font-family=\"system-ui, Arial, sans-serif\" fill=\"#222\"";

/// Returns the colour of a group by its place.
pub(super) fn colour(group: usize) -> &'static str {
    COLOURS[group % COLOURS.len()]
}

/// A drawing under way.
struct Svg {
    body: String,
    width: f64,
    height: f64,
}

impl Svg {
    fn new(width: f64, height: f64) -> Self {
        Self { body: String::new(), width, height }
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
        let _ = write!(
            self.body,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
            from.0, from.1, to.0, to.1
        );
    }

    fn dot(&mut self, at: (f64, f64), radius: f64, colour: &str, opacity: f64, title: &str) {
        let _ = write!(
            self.body,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius}\" fill=\"{colour}\" fill-opacity=\"{opacity}\"><title>{}</title></circle>",
            at.0,
            at.1,
            escaped(title)
        );
    }

    fn rect(&mut self, at: (f64, f64), size: (f64, f64), colour: &str) {
        let _ = write!(
            self.body,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>",
            at.0, at.1, size.0, size.1
        );
    }

    /// Writes text; `anchor` is `start`, `middle` or `end`.
    fn text(&mut self, at: (f64, f64), anchor: &str, size: f64, text: &str) {
        let _ = write!(
            self.body,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" {TEXT}>{}</text>",
            at.0,
            at.1,
            escaped(text)
        );
    }

    /// Writes the label of a vertical axis.
    fn upright(&mut self, at: (f64, f64), text: &str) {
        let _ = write!(
            self.body,
            "<text transform=\"translate({:.1} {:.1}) rotate(-90)\" text-anchor=\"middle\" font-size=\"12\" {TEXT}>{}</text>",
            at.0,
            at.1,
            escaped(text)
        );
    }

    fn finish(self, description: &str) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" role=\"img\" \
             aria-label=\"{2}\"><title>{2}</title><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>{3}</svg>",
            self.width,
            self.height,
            escaped(description),
            self.body
        )
    }

    fn vertical_axis(&mut self, axis: &Axis, x: f64, right: f64, label: &str) {
        for tick in axis.ticks() {
            let y = axis.at(tick);
            self.line((x, y), (right, y), "#e3e3e3", 1.0);
            self.text((x - 6.0, y + 4.0), "end", 11.0, &axis.word(tick));
        }
        let (low, high) = axis.ends();
        self.upright((16.0, 0.5 * (low + high)), label);
    }

    fn horizontal_axis(&mut self, axis: &Axis, top: f64, bottom: f64, label: &str) {
        for tick in axis.ticks() {
            let x = axis.at(tick);
            self.line((x, top), (x, bottom), "#e3e3e3", 1.0);
            self.text((x, bottom + 16.0), "middle", 11.0, &axis.word(tick));
        }
        let (left, right) = axis.ends();
        self.text((0.5 * (left + right), bottom + 34.0), "middle", 12.0, label);
    }
}

/// Returns the text with everything replaced that means something in XML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
