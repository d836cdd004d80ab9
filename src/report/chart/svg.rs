//! What kuva's SVG lacks in a page: a view box, so that it shrinks with the page, and a description.

use kuva::{
    backend::svg::SvgBackend,
    render::render::{Primitive, Scene},
};

/// Returns a drawn chart as SVG that stands alone: it opens in any browser or drawing program and prints at any size.
pub(super) fn standing_alone(mut scene: Scene, description: &str) -> String {
    // Axes cover their data. Without clipping marks on the border stay whole, and no identifier, which would be numbered
    // by the order of drawing, stands in the file.
    scene.defs.clear();
    scene.elements.retain(|e| !matches!(e, Primitive::ClipStart { .. } | Primitive::ClipEnd));
    scene.has_tooltips = false;
    let drawn = SvgBackend::new().render_scene(&scene);
    let (head, body) = drawn.split_once('>').unwrap_or((&drawn, ""));
    let text = escaped(description);
    format!(
        "{head} viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{text}\"><title>{text}</title>{body}",
        scene.width, scene.height
    )
}

/// Returns the text with everything replaced that means something in XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
