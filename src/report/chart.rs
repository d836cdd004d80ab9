//! What charts share: axes, marks of groups, fonts and sizes. [`kuva`] measures the text, places ticks and draws.

mod svg;

use kuva::{
    plot::{
        LegendEntry, LegendPosition, LegendShape, LinePlot, MarkerShape, ScatterPlot,
        annotations::{ShadedRegion, TextAnnotation},
    },
    render::{
        layout::{ComputedLayout, Layout, TickFormat},
        plots::Plot,
        render::render_multiple,
        render_utils::compute_tick_step,
        theme::Theme,
    },
};

use crate::stats::Interval;

/// Colours of groups, told apart by people of any colour vision (Okabe and Ito 2008).
const COLOURS: [&str; 8] =
    ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#6B6B6B", "#A6761D"];
/// Shapes of groups, for those who see no colours at all.
const SHAPES: [MarkerShape; 8] = [
    MarkerShape::Circle,
    MarkerShape::Square,
    MarkerShape::Triangle,
    MarkerShape::Diamond,
    MarkerShape::TriangleDown,
    MarkerShape::Star,
    MarkerShape::Hexagon,
    MarkerShape::Cross,
];
/// Colour of axes, means and text.
pub(in crate::report) const INK: &str = "#222222";
const PALE: &str = "#f3f3f3";
const FONT: &str = "system-ui, Arial, sans-serif";
const LABEL_PX: u32 = 13;
const TEXT_PX: u32 = 12;
/// Width of a letter of labels, for breaking long ones.
const LETTER_PX: f64 = 7.4;
/// Degrees by which long names below an axis are turned.
const SLANT: f64 = -25.0;
/// How far from its middle a text is written, in pixels: [`TextAnnotation`] puts its foot 6 above the point.
const TEXT_DROP_PX: f64 = 10.0;

/// Returns the colour of a group by its place.
pub(in crate::report) fn colour(group: usize) -> &'static str {
    COLOURS[group % COLOURS.len()]
}

/// Places dot `i` of `n` between −0.5 and 0.5.
pub(in crate::report) fn spread(i: usize, n: usize) -> f64 {
    if n < 2 { 0.0 } else { i as f64 / (n as f64 - 1.0) - 0.5 }
}

/// One axis of a chart.
pub(in crate::report) enum Axis {
    /// Numbers, with their ends at round ones.
    Numbers { label: String, ends: (f64, f64) },
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
        Self::Numbers { label: label.into(), ends }
    }

    fn ends(&self) -> (f64, f64) {
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
        let theme = Theme {
            axis_color: INK.into(),
            tick_color: INK.into(),
            text_color: INK.into(),
            grid_color: "#e3e3e3".into(),
            ..Theme::light()
        };
        let mut layout = Layout::new(x.ends(), y.ends())
            .with_theme(theme)
            .with_font_family(FONT)
            .with_label_size(LABEL_PX)
            .with_tick_size(TEXT_PX)
            .with_body_size(TEXT_PX);
        layout = match x {
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
        let wanted = longest(&names) + 14.0;
        let column = wanted.clamp(80.0, 160.0).min((900.0 / names.len().max(1) as f64).max(50.0));
        let width = column * names.len().max(1) as f64;
        let mut chart = Self::new(Axis::Names(names), y, (width, height));
        chart.layout.x_tick_rotate = (wanted > column).then_some(SLANT);
        chart
    }

    /// Returns a chart of differences with a row for each name, the first on top, and a line at no difference.
    pub(in crate::report) fn rows(x: Axis, names: Vec<String>, width: f64, row_px: f64) -> Self {
        let rows = names.len();
        let y = Axis::Names(names.into_iter().rev().collect());
        let mut chart = Self::new(x, y, (width, row_px * rows as f64));
        // Every second row is shaded, so that the eye finds its name.
        for row in (1..=rows).rev().step_by(2).map(|row| row as f64) {
            let shade = ShadedRegion::horizontal(row - 0.5, row + 0.5).with_color(PALE).with_opacity(1.0);
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
        self.coloured(group, colour(group), size, marks);
    }

    /// Adds marks in the group's colour mixed with white.
    pub(in crate::report) fn light_marks(&mut self, group: usize, size: f64, marks: Vec<Mark>) {
        self.coloured(group, &mixed_with_white(colour(group), 0.55), size, marks);
    }

    fn coloured(&mut self, group: usize, colour: &str, size: f64, marks: Vec<Mark>) {
        let points: Vec<(f64, f64)> = marks.iter().map(|m| m.at).collect();
        self.add(
            ScatterPlot::new()
                .with_data(points)
                .with_color(colour)
                .with_marker(SHAPES[group % SHAPES.len()])
                .with_size(size)
                .with_tooltip_labels(marks.into_iter().map(|m| printable(&m.title))),
        );
    }

    /// Adds a straight line.
    pub(in crate::report) fn line(&mut self, points: Vec<(f64, f64)>, colour: &str, width: f64) {
        self.add(LinePlot::new().with_data(points).with_color(colour).with_stroke_width(width));
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
        let entry = |(group, name): (usize, &str)| LegendEntry {
            label: plain(name),
            color: colour(group).into(),
            shape: LegendShape::Marker(SHAPES[group % SHAPES.len()]),
            dasharray: None,
        };
        let entries = groups.into_iter().map(entry).collect();
        let layout = std::mem::replace(&mut self.layout, Layout::new((0.0, 1.0), (0.0, 1.0)));
        self.layout = layout
            .with_legend_entries(entries)
            .with_legend_box(false)
            .with_legend_position(LegendPosition::OutsideBottomColumns);
    }

    /// Returns the chart as SVG, with a description for those who do not see it.
    pub(in crate::report) fn svg(self, description: &str) -> String {
        let layout = sized(with_round_ticks(self.layout), self.area);
        svg::standing_alone(render_multiple(self.plots, layout), &printable(description))
    }
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
            (scaled - scaled.round()).abs() < 1e-6
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

/// Returns a colour `#rrggbb` with a share of white.
fn mixed_with_white(colour: &str, white: f64) -> String {
    let part = |from: usize| {
        let value = colour.get(from..from + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0);
        (f64::from(value) + (255.0 - f64::from(value)) * white).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", part(1), part(3), part(5))
}
