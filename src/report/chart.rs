//! What charts share: axes, marks of groups, fonts and sizes. [`kuva`] measures the text, places ticks and draws.

mod svg;
#[cfg(test)]
mod tests;

use kuva::{
    plot::{
        LegendEntry, LegendPosition, LegendShape, LinePlot, MarkerShape, ScatterPlot,
        annotations::{ShadedRegion, TextAnnotation},
    },
    render::{
        layout::{ComputedLayout, Layout, TickFormat},
        plots::Plot,
        render::render_multiple,
        render_utils::{auto_nice_range, compute_tick_step},
    },
};

use crate::stats::Interval;

/// Colour of each group, its light tone and its shape: told apart by people of any colour vision (Okabe and Ito 2008), and
/// without colours.
const GROUPS: [(&str, &str, MarkerShape); 8] = [
    ("#0072B2", "#8cc0dd", MarkerShape::Circle),
    ("#D55E00", "#ecb78c", MarkerShape::Square),
    ("#009E73", "#8cd3c0", MarkerShape::Triangle),
    ("#CC79A7", "#e8c3d7", MarkerShape::Diamond),
    ("#56B4E9", "#b3ddf5", MarkerShape::TriangleDown),
    ("#E69F00", "#f4d48c", MarkerShape::Star),
    ("#6B6B6B", "#bcbcbc", MarkerShape::Hexagon),
    ("#A6761D", "#d7c199", MarkerShape::Cross),
];
/// Colour of means and of what belongs to no group.
pub(in crate::report) const INK: &str = "black";
const FONT: &str = "system-ui, Arial, sans-serif";
const LABEL_PX: u32 = 13;
const TEXT_PX: u32 = 12;
/// Width of a letter of labels, for breaking long ones.
const LETTER_PX: f64 = 7.4;
/// About how many ticks an axis of numbers has.
const TICKS: usize = 5;
/// Degrees by which long names below an axis are turned.
const SLANT: f64 = -25.0;
/// How far from its middle a text is written, in pixels: [`TextAnnotation`] puts its foot 6 above the point.
const TEXT_DROP_PX: f64 = 10.0;

/// Returns the colour of a group by its place.
pub(in crate::report) fn colour(group: usize) -> &'static str {
    style(group).0
}

/// Returns colour, light tone and shape of a group. Beyond as many groups as there are colours, these come again with other shapes.
fn style(group: usize) -> (&'static str, &'static str, MarkerShape) {
    let (colour, light, _) = GROUPS[group % GROUPS.len()];
    (colour, light, GROUPS[(group + group / GROUPS.len()) % GROUPS.len()].2)
}

/// Places dot `i` of `n` between −0.5 and 0.5.
pub(in crate::report) fn spread(i: usize, n: usize) -> f64 {
    if n < 2 { 0.0 } else { i as f64 / (n as f64 - 1.0) - 0.5 }
}

/// One axis of a chart.
pub(in crate::report) enum Axis {
    /// Numbers; `round` moves their ends out to round ones.
    Numbers { label: String, ends: (f64, f64), round: bool },
    /// Names at 1, 2, 3 and so on: from left to right, or from the bottom up.
    Names(Vec<String>),
}

impl Axis {
    /// Returns an axis that covers the finite ones of some values, from 0 to 1 without any.
    pub(in crate::report) fn covering(
        label: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        let finite = values.into_iter().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let ends = match (low, high) {
            (low, high) if low > high => (0.0, 1.0),
            (0.0, 0.0) => (0.0, 1.0),
            // All but equal values stand in the middle.
            (low, high) if high - low <= 1e-9 * high.abs().max(low.abs()) => {
                (low - 0.5 * low.abs(), high + 0.5 * high.abs())
            }
            ends => ends,
        };
        // Rounded here once more than by the layout: the step of ticks can grow with the axis.
        let ends = auto_nice_range(ends.0, ends.1, TICKS);
        Self::Numbers { label: label.into(), ends, round: true }
    }

    /// Returns an axis from one number to another with room for marks beside them.
    pub(in crate::report) fn around(label: impl Into<String>, low: f64, high: f64) -> Self {
        let room = 0.06 * (high - low);
        Self::Numbers { label: label.into(), ends: (low - room, high + room), round: false }
    }

    /// Returns the values at both ends.
    pub(in crate::report) fn ends(&self) -> (f64, f64) {
        match self {
            Self::Numbers { ends, .. } => *ends,
            Self::Names(names) => (0.5, names.len() as f64 + 0.5),
        }
    }
}

/// A chart: what is drawn, in units of its axes.
pub(in crate::report) struct Chart {
    plots: Vec<Plot>,
    layout: Layout,
    /// Width and height of the area between the axes, in pixels.
    area: (f64, f64),
}

impl Chart {
    /// Returns a chart with nothing in it, whose axes enclose an area of some pixels.
    pub(in crate::report) fn new(x: Axis, y: Axis, area: (f64, f64)) -> Self {
        let mut layout = Layout::new(x.ends(), y.ends())
            .with_font_family(FONT)
            .with_label_size(LABEL_PX)
            .with_tick_size(TEXT_PX)
            .with_body_size(TEXT_PX)
            .with_grid_line_width(0.6)
            .with_ticks(TICKS);
        layout = match x {
            Axis::Numbers { label, ends: (low, high), round: false } => {
                layout.with_x_label(plain(&label)).with_x_axis_min(low).with_x_axis_max(high)
            }
            Axis::Numbers { label, .. } => layout.with_x_label(plain(&label)),
            Axis::Names(names) => layout.with_x_categories(names.iter().map(|n| plain(n)).collect()),
        };
        layout = match y {
            Axis::Numbers { label, .. } => layout.with_y_label(plain(&label)),
            Axis::Names(names) => layout.with_y_categories(names.iter().map(|n| plain(n)).collect()),
        };
        Self { plots: Vec::new(), layout, area }
    }

    /// Returns a chart with a column for each name. Names that are too long for a column are written aslant.
    pub(in crate::report) fn columns(names: Vec<String>, y: Axis, height: f64) -> Self {
        let count = names.len().max(1) as f64;
        let wanted = longest(&names) + 14.0;
        let fit = wanted <= f64::min(160.0, 900.0 / count);
        let column = if fit { wanted.max(80.0) } else { (900.0 / count).clamp(50.0, 110.0) };
        let mut chart = Self::new(Axis::Names(names), y, (column * count, height));
        chart.layout.x_tick_rotate = (!fit).then_some(SLANT);
        chart
    }

    /// Returns a chart of differences with a row for each name, the first on top, and a line at no difference.
    pub(in crate::report) fn rows(x: Axis, names: Vec<String>, width: f64, row_px: f64) -> Self {
        let rows = names.len();
        let y = Axis::Names(names.into_iter().rev().collect());
        let mut chart = Self::new(x, y, (width, row_px * rows as f64));
        // Every second row is shaded, so that the eye finds its name.
        for row in (1..=rows).rev().step_by(2).map(|row| row as f64) {
            let shade = ShadedRegion::horizontal(row - 0.5, row + 0.5).with_color(INK).with_opacity(0.05);
            chart.layout.shaded_regions.push(shade);
        }
        chart.line(vec![(0.0, 0.5), (0.0, rows as f64 + 0.5)], INK, 1.0);
        chart
    }

    pub(in crate::report) fn add(&mut self, plot: impl Into<Plot>) {
        self.plots.push(plot.into());
    }

    /// Adds marks of a group; each shows its title under the pointer.
    pub(in crate::report) fn marks(&mut self, group: usize, size: f64, marks: Vec<Mark>) {
        let (colour, _, shape) = style(group);
        self.scatter(colour, shape, size, marks);
    }

    /// Adds marks in the light tone of a group.
    pub(in crate::report) fn light_marks(&mut self, group: usize, size: f64, marks: Vec<Mark>) {
        let (_, light, shape) = style(group);
        self.scatter(light, shape, size, marks);
    }

    fn scatter(&mut self, colour: &str, shape: MarkerShape, size: f64, mut marks: Vec<Mark>) {
        marks.retain(|m| known(m.at));
        let points = ScatterPlot::new().with_data(marks.iter().map(|m| m.at).collect::<Vec<_>>());
        let points = points.with_color(colour).with_marker(shape).with_size(size);
        self.add(points.with_tooltip_labels(marks.into_iter().map(|m| printable(&m.title))));
    }

    /// Adds a line; one with an end that is not known is left out.
    pub(in crate::report) fn line(&mut self, points: Vec<(f64, f64)>, colour: &str, width: f64) {
        if points.iter().copied().all(known) {
            self.add(LinePlot::new().with_data(points).with_color(colour).with_stroke_width(width));
        }
    }

    /// Adds the mean of a column and its interval.
    pub(in crate::report) fn mean(&mut self, column: f64, mean: f64, interval: Option<Interval>) {
        self.line(vec![(column - 0.35, mean), (column + 0.35, mean)], INK, 2.0);
        if let Some(i) = interval {
            self.line(vec![(column, i.lo), (column, i.hi)], INK, 1.5);
        }
    }

    /// Writes text in the middle of a cell that is `cell_px` high.
    pub(in crate::report) fn text(&mut self, at: (f64, f64), cell_px: f64, text: &str) {
        let text = TextAnnotation::new(plain(text), at.0, at.1 - TEXT_DROP_PX / cell_px);
        self.layout.annotations.push(text.with_font_size(TEXT_PX));
    }

    /// Names groups with their colour and shape, below the chart.
    pub(in crate::report) fn legend<'a>(&mut self, groups: impl IntoIterator<Item = (usize, &'a str)>) {
        let entry = |(group, name): (usize, &str)| {
            let (colour, _, shape) = style(group);
            let (label, color, shape) = (plain(name), colour.to_owned(), LegendShape::Marker(shape));
            LegendEntry { label, color, shape, dasharray: None }
        };
        self.layout.legend_entries = Some(groups.into_iter().map(entry).collect());
        self.layout.show_legend = true;
        self.layout.legend_box = false;
        self.layout.legend_position = LegendPosition::OutsideBottomColumns;
    }

    /// Returns the chart as SVG, with a description for those who do not see it.
    pub(in crate::report) fn svg(self, description: &str) -> String {
        let layout = sized(with_round_ticks(self.layout), self.area);
        let spare = spare(&layout);
        let mut scene = render_multiple(self.plots, layout);
        scene.height -= spare;
        svg::standing_alone(scene, &printable(description))
    }
}

fn known(point: (f64, f64)) -> bool {
    point.0.is_finite() && point.1.is_finite()
}

/// A mark of one animal, slide or estimate.
pub(in crate::report) struct Mark {
    pub(in crate::report) at: (f64, f64),
    pub(in crate::report) title: String,
}

/// Writes all ticks of an axis with as many decimals as its step needs.
fn with_round_ticks(layout: Layout) -> Layout {
    let found = ComputedLayout::from_layout(&layout);
    let words = |(low, high): (f64, f64), ticks| {
        let step = compute_tick_step(low, high, ticks);
        let whole = |decimals: &usize| {
            let scaled = step * 10f64.powi(*decimals as i32);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        };
        match (0..=4).find(whole) {
            Some(decimals) if step < 1e6 => TickFormat::Fixed(decimals),
            _ => TickFormat::Sci,
        }
    };
    let (x, y) = (words(found.x_range, found.x_ticks), words(found.y_range, found.y_ticks));
    layout.with_x_tick_format(x).with_y_tick_format(y)
}

/// Gives the area between the axes its size; what stands around it takes what it needs.
fn sized(layout: Layout, (width, height): (f64, f64)) -> Layout {
    let letters = |pixels: f64| (pixels / LETTER_PX) as usize;
    let layout = layout.with_x_label_wrap(letters(width)).with_y_label_wrap(letters(height));
    let around = ComputedLayout::from_layout(&layout);
    let layout = layout.with_width(around.margin_left + width + around.margin_right);
    let around = ComputedLayout::from_layout(&layout);
    layout.with_height(around.margin_top + height + around.margin_bottom)
}

/// Returns what the layout leaves empty at the bottom, in pixels: below a legend, and for a label below level names.
fn spare(layout: &Layout) -> f64 {
    if layout.show_legend {
        22.0
    } else if layout.x_label.is_none() && layout.x_tick_rotate.is_none() {
        f64::from(LABEL_PX) + 6.0
    } else {
        0.0
    }
}

/// Returns about how wide the longest of some names is, in pixels.
fn longest(names: &[String]) -> f64 {
    let letters = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
    letters as f64 * LETTER_PX * f64::from(TEXT_PX) / f64::from(LABEL_PX)
}

/// Returns text for a label, in which no part is set as a formula.
fn plain(text: &str) -> String {
    printable(text).replace('$', "\\$")
}

/// Returns text without characters that XML forbids.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
