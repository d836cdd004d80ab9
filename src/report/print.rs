//! Figures as pixels, at the resolution journals print.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use resvg::{
    tiny_skia::{Color, Pixmap, Transform},
    usvg::{Node, Options, Tree, fontdb::Database},
};

use crate::{
    error::{Error, Result},
    report::partial::write_whole,
};

/// Pixels per inch of print.
const DPI: f32 = 300.0;
/// Pixels per inch of a page on a screen (CSS).
const SCREEN_DPI: f32 = 96.0;
const METRES_PER_INCH: f64 = 0.0254;

/// Most pixels of a figure; larger ones are drawn at fewer per inch.
const MOST_PIXELS: f32 = 4e7;

/// Height of the built-in font above and below the base of a line, and how much bolder its bold is drawn, as parts of its size.
const ASCENT: f32 = 0.932;
const DESCENT: f32 = 0.189;
const BOLD: f32 = 0.05;

/// Widest line of text, in pixels.
const LONGEST: u32 = 20_000;

/// A line of text to be drawn.
#[derive(Clone, Copy)]
pub(in crate::report) struct Line<'a> {
    pub(in crate::report) text: &'a str,
    /// In pixels.
    pub(in crate::report) height: u32,
    pub(in crate::report) bold: bool,
}

/// A line of text as pixels.
pub(in crate::report) struct Raster {
    pub(in crate::report) width: u32,
    /// Share of each pixel that is covered, × 255.
    pub(in crate::report) covered: Vec<u8>,
}

struct Laid {
    tree: Tree,
    width: u32,
}

/// Draws figures with one built-in font, so that they look alike on every machine.
pub(in crate::report) struct Printer {
    options: Options<'static>,
}

impl Printer {
    pub(in crate::report) fn new() -> Self {
        let mut fonts = Database::new();
        fonts.load_font_data(epaint_default_fonts::UBUNTU_LIGHT.to_vec());
        let family = fonts.faces().next().and_then(|f| f.families.first().map(|(name, _)| name.clone()));
        let mut options = Options::default();
        if let Some(family) = family {
            fonts.set_sans_serif_family(family.clone());
            options.font_family = family;
        }
        options.fontdb = Arc::new(fonts);
        Self { options }
    }

    /// Returns the letters of a text that the font lacks, each once, in order.
    pub(in crate::report) fn absent(&self, text: &str) -> Vec<char> {
        let letters: BTreeSet<char> = text.chars().filter(|c| !c.is_ascii() && !c.is_whitespace()).collect();
        letters.into_iter().filter(|letter| !self.has(*letter)).collect()
    }

    fn has(&self, letter: char) -> bool {
        let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><text>{letter}</text></svg>");
        let Ok(tree) = Tree::from_str(&svg, &self.options) else { return false };
        // Glyph 0 of a font is its box.
        tree.root().children().iter().any(|node| match node {
            Node::Text(text) => {
                let glyphs = || text.layouted().iter().flat_map(|span| &span.positioned_glyphs);
                glyphs().next().is_some() && glyphs().all(|glyph| glyph.id.0 != 0)
            }
            _ => false,
        })
    }

    /// Returns the width of a line of text, in pixels.
    pub(in crate::report) fn width(&self, line: Line<'_>) -> u32 {
        self.lay(line).map_or(0, |laid| laid.width)
    }

    /// Returns a line of text as the share of each pixel that its letters cover, row by row; `None` where nothing is to be seen.
    pub(in crate::report) fn line(&self, line: Line<'_>) -> Option<Raster> {
        let laid = self.lay(line)?;
        let mut pixels = Pixmap::new(laid.width, line.height)?;
        resvg::render(&laid.tree, Transform::identity(), &mut pixels.as_mut());
        let covered = pixels.data().chunks_exact(4).map(|p| p[3]).collect();
        Some(Raster { width: laid.width, covered })
    }

    fn lay(&self, line: Line<'_>) -> Option<Laid> {
        let size = line.height as f32 / (ASCENT + DESCENT);
        let (baseline, stroke) = (size * ASCENT, if line.bold { size * BOLD } else { 0.0 });
        let text = line.text.replace('&', "&amp;").replace('<', "&lt;");
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{LONGEST}\" height=\"{}\"><text x=\"0\" \
             y=\"{baseline}\" font-size=\"{size}\" stroke=\"#000\" stroke-width=\"{stroke}\" \
             xml:space=\"preserve\">{text}</text></svg>",
            line.height
        );
        let tree = Tree::from_str(&svg, &self.options).ok()?;
        let right = tree.root().abs_stroke_bounding_box().right();
        let width = right.ceil().clamp(0.0, LONGEST as f32) as u32;
        (width > 0).then_some(Laid { tree, width })
    }

    /// Writes a figure as PNG of 300 pixels per inch.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be written, [`Error::Internal`] if the figure cannot be drawn.
    pub(in crate::report) fn write(&self, path: &Path, svg: &str) -> Result<()> {
        let fault = |e: String| Error::Internal { what: format!("figure {}: {e}", path.display()) };
        let tree = Tree::from_str(svg, &self.options).map_err(|e| fault(e.to_string()))?;
        let (width, height) = (tree.size().width(), tree.size().height());
        let wanted = DPI / SCREEN_DPI;
        let scale = wanted.min((MOST_PIXELS / (width * height)).sqrt());
        let side = |v: f32| ((v * scale).ceil() as u32).max(1);
        let mut pixels = Pixmap::new(side(width), side(height)).ok_or_else(|| fault("no size".into()))?;
        // The last row and column are covered in part only.
        pixels.fill(Color::WHITE);
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        let dpi = f64::from(SCREEN_DPI * scale);
        write_whole(path, &encode(&pixels, dpi).map_err(|e| fault(e.to_string()))?)
    }
}

/// Figures have a white ground, so that no pixel is transparent.
fn encode(pixels: &Pixmap, dpi: f64) -> std::result::Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let per_metre = (dpi / METRES_PER_INCH).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let rgb: Vec<u8> = pixels.data().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    encoder.write_header()?.write_image_data(&rgb)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_without_a_shape_are_known() {
        let absent = |text: &str| Printer::new().absent(text).into_iter().collect::<String>();
        assert_eq!(absent("STZ µm² − ± ≥ é Контроль <&>"), "");
        assert_eq!(absent("対照 and 対"), "対照");
    }

    #[test]
    fn lines_are_as_wide_as_their_letters() {
        let printer = Printer::new();
        let line = |text, bold| Line { text, height: 24, bold };
        let ink = |text, bold| {
            let raster = printer.line(line(text, bold)).unwrap();
            assert_eq!(raster.covered.len(), raster.width as usize * 24);
            assert_eq!(raster.width, printer.width(line(text, bold)));
            raster.covered.iter().map(|v| u32::from(*v)).sum::<u32>()
        };
        assert!(ink("Жук", true) > ink("Жук", false));
        assert!(ink("a <&> b", false) > ink("a", false));
        assert!(printer.width(line("a  b", false)) > printer.width(line("a b", false)));
        assert!(printer.line(line("", true)).is_none());
    }

    #[test]
    fn letters_and_lines_are_drawn_at_300_dpi() {
        let folder = tempfile::tempdir().unwrap();
        let ink = |text: &str| {
            let path = folder.path().join("a.png");
            let svg = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 96 48\" width=\"96\" height=\"48\"><rect \
                 width=\"100%\" height=\"100%\" fill=\"#fff\"/><text x=\"4\" y=\"30\" font-size=\"20\" \
                 font-family=\"system-ui, Arial, sans-serif\">{text}</text></svg>"
            );
            Printer::new().write(&path, &svg).unwrap();
            let reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&path).unwrap()));
            let mut reader = reader.read_info().unwrap();
            let info = reader.info();
            assert_eq!((info.width, info.height), (300, 150));
            assert_eq!(info.pixel_dims.map(|d| d.xppu), Some(11_811));
            let mut data = vec![0; reader.output_buffer_size().unwrap()];
            reader.next_frame(&mut data).unwrap();
            data.iter().filter(|v| **v < 128).count()
        };
        assert_eq!(ink(""), 0);
        assert!(ink("µm²") > 300, "letters are drawn");
        assert!(ink("MMMM") > ink("MM"));
    }
}
