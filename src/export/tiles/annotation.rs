//! How much of a tile lies in areas that a person drew.

use std::{collections::BTreeMap, path::Path};

use crate::{
    annotation::{self, Area, Corner},
    error::{Error, Result},
    geometry::Rect,
    warning::Warning,
};

/// Most lines across a tile on which areas are cut; a tile of fewer rows has one for each, so that areas with corners between
/// pixels are cut exactly.
const LINES: u64 = 1024;

/// From where to where, on one line.
type Span = [f64; 2];

/// The areas of one slide that its tiles stay within.
pub(super) struct Annotations {
    /// By class, called as first written.
    classes: Vec<(String, Vec<Outline>)>,
    /// What takes tissue out.
    out: Vec<Outline>,
    /// What of the file is not used.
    pub(super) remark: Option<Warning>,
    /// SHA-256 of the file, hexadecimal.
    pub(super) sha256: String,
}

impl Annotations {
    /// Reads the areas of these classes from the file, or the slide's own file in the folder. Without classes all count, but
    /// those that take tissue out do so.
    ///
    /// # Errors
    ///
    /// As [`annotation::Annotations::read`]; [`Error::Config`] for a folder without a file of the slide, and for a file
    /// without an area to stay within.
    pub(super) fn read(given: &Path, slide_id: &str, slide: &Path, wanted: &[String]) -> Result<Self> {
        let file = annotation::Annotations::file_of(given, slide_id, slide).ok_or_else(|| {
            let expected = format!("{slide_id}.geojson, .json or .xml in {}", given.display());
            Error::config("--within", expected, "none")
        })?;
        let name = file.display().to_string();
        let read = annotation::Annotations::read(&file).map_err(|error| in_file(&name, error))?;
        let remark = read.without_area();
        let (out, areas): (Vec<Area>, Vec<Area>) =
            read.areas.into_iter().partition(|area| wanted.is_empty() && area.excludes());
        let out = out.into_iter().map(Outline::of).collect();
        let mut found = Self { classes: Vec::new(), out, remark, sha256: read.sha256 };
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for area in areas {
            let place = *places.entry(area.name().to_lowercase()).or_insert_with(|| {
                found.classes.push((area.class.clone(), Vec::new()));
                found.classes.len() - 1
            });
            found.classes[place].1.push(Outline::of(area));
        }
        found.choose(&name, wanted)?;
        Ok(found)
    }

    /// Keeps the wanted classes, in any case, with or without `*`; all when there are none.
    fn choose(&mut self, file: &str, wanted: &[String]) -> Result<()> {
        let is = |class: &str, name: &String| annotation::is_same_class(class, name);
        if let Some(missing) = wanted.iter().find(|name| !self.classes.iter().any(|(c, _)| is(c, name))) {
            let mut known: Vec<&str> = self.classes.iter().map(|(class, _)| class.as_str()).collect();
            known.sort_unstable();
            return Err(Error::config(format!("--class, in {file}"), known.join(", "), missing));
        }
        if !wanted.is_empty() {
            self.classes.retain(|(class, _)| wanted.iter().any(|name| is(class, name)));
        }
        if self.classes.is_empty() {
            let got = "only areas of classes that take tissue out; name them with --class to tile them";
            return Err(Error::config(file, "an area to stay within", got));
        }
        Ok(())
    }

    /// Returns the share of a rectangle inside any area, and the class with the largest part of it.
    pub(super) fn inside(&self, rect: Rect) -> (f64, &str) {
        let near = |areas: &[Outline]| areas.iter().any(|area| area.meets(rect));
        if rect.area_px() == 0 || !self.classes.iter().any(|(_, areas)| near(areas)) {
            return (0.0, "");
        }
        let lines = Lines::across(rect);
        let out = lines.spans(&self.out);
        let taken = lines.share(out.clone());
        let (mut all, mut best) = (out.clone(), (0.0, ""));
        for (class, areas) in self.classes.iter().filter(|(_, areas)| near(areas)) {
            let own = lines.spans(areas);
            let share = lines.share(joined(own.clone(), &out)) - taken;
            if share > best.0 {
                best = (share, class.as_str());
            }
            all = joined(all, &own);
        }
        (lines.share(all) - taken, best.1)
    }
}

/// Names the file of areas in what is wrong with it.
fn in_file(file: &str, error: Error) -> Error {
    match error {
        Error::Config { what, expected, got } => Error::config(format!("{file}, {what}"), expected, got),
        other => other,
    }
}

/// An area with the box around it.
struct Outline {
    area: Area,
    bounds: [f64; 4],
}

impl Outline {
    fn of(area: Area) -> Self {
        let bounds = area.bounds();
        Self { area, bounds }
    }

    fn meets(&self, rect: Rect) -> bool {
        let [left, top, right, bottom] = self.bounds;
        let [x0, y0, x1, y1] = [rect.x0, rect.y0, rect.x1(), rect.y1()].map(|v| v as f64);
        left < x1 && right > x0 && top < y1 && bottom > y0
    }
}

/// Level lines through the middles of equal rows of a rectangle.
struct Lines {
    rect: Rect,
    count: usize,
    row_px: f64,
}

impl Lines {
    fn across(rect: Rect) -> Self {
        let count = rect.height.clamp(1, LINES) as usize;
        Self { rect, count, row_px: rect.height as f64 / count as f64 }
    }

    /// Returns, for each line, where it lies in the areas; spans of different areas may overlap.
    fn spans(&self, areas: &[Outline]) -> Vec<Vec<Span>> {
        let mut spans = vec![Vec::new(); self.count];
        for outline in areas.iter().filter(|area| area.meets(self.rect)) {
            let mut rings = outline.area.rings.iter().map(|ring| self.within(ring));
            let Some(outer) = rings.next() else { continue };
            let left = rings.fold(outer, |left, hole| {
                left.into_iter().zip(hole).map(|(own, hole)| without(own, &hole)).collect()
            });
            spans.iter_mut().zip(left).for_each(|(all, own)| all.extend(own));
        }
        spans
    }

    /// Returns, for each line, where it lies in a ring.
    fn within(&self, ring: &[Corner]) -> Vec<Vec<Span>> {
        let mut crossings = self.crossings(ring);
        crossings.iter_mut().for_each(|own| own.sort_unstable_by(f64::total_cmp));
        // Inside lies between each odd crossing and the next.
        crossings.iter().map(|own| own.as_chunks::<2>().0.to_vec()).collect()
    }

    /// Returns where the sides of a ring cross each line, brought to the rectangle.
    fn crossings(&self, ring: &[Corner]) -> Vec<Vec<f64>> {
        let [left, top, right] = [self.rect.x0, self.rect.y0, self.rect.x1()].map(|v| v as f64);
        let line_from =
            |y: f64| ((y - top) / self.row_px - 0.5).ceil().clamp(0.0, self.count as f64) as usize;
        let mut crossings = vec![Vec::new(); self.count];
        for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            let (first, end) = (line_from(a[1].min(b[1])), line_from(a[1].max(b[1])));
            for (line, own) in crossings.iter_mut().enumerate().take(end).skip(first) {
                let y = top + (line as f64 + 0.5) * self.row_px;
                let x = a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]);
                own.push(x.clamp(left, right));
            }
        }
        crossings
    }

    /// Returns the share of the rectangle that the spans cover, each place once.
    fn share(&self, spans: Vec<Vec<Span>>) -> f64 {
        let covered: f64 = spans.into_iter().map(covered).sum();
        covered / self.rect.width as f64 / self.count as f64
    }
}

/// Returns what holes leave of spans.
fn without(spans: Vec<Span>, holes: &[Span]) -> Vec<Span> {
    holes.iter().fold(spans, |left, &[from, to]| {
        let parts = left.into_iter().flat_map(|[a, b]| [[a, b.min(from)], [a.max(to), b]]);
        parts.filter(|[a, b]| a < b).collect()
    })
}

fn joined(mut spans: Vec<Vec<Span>>, others: &[Vec<Span>]) -> Vec<Vec<Span>> {
    spans.iter_mut().zip(others).for_each(|(own, other)| own.extend(other));
    spans
}

/// Returns the length that spans cover, each place once.
fn covered(mut spans: Vec<Span>) -> f64 {
    spans.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]));
    let (mut sum, mut end) = (0.0, f64::NEG_INFINITY);
    for [from, to] in spans {
        sum += (to - from.max(end)).max(0.0);
        end = end.max(to);
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(text: &str, wanted: &[&str]) -> Result<Annotations> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.geojson");
        fs::write(&path, text).unwrap();
        let wanted: Vec<String> = wanted.iter().map(|&s| s.to_owned()).collect();
        Annotations::read(&path, "a", Path::new("a.svs"), &wanted)
    }

    fn t(all: &Annotations, x0: i64, y0: i64, side: u64, share: f64, class: &str) {
        let got = all.inside(Rect { x0, y0, width: side, height: side });
        assert!((got.0 - share).abs() < 1e-9 && got.1 == class, "{x0} {y0} {side}: {got:?}");
    }

    const TWO: &str = r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","geometry":{"type":"Polygon","coordinates":[
            [[0,0],[100,0],[100,100],[0,100],[0,0]],[[20,20],[20,40],[40,40],[40,20]]]},
         "properties":{"classification":{"name":"Tumor"}}},
        {"type":"Feature","geometry":{"type":"MultiPolygon","coordinates":[[[[200,0],[300,0],[200,100]]]]},
         "properties":{"classification":"Stroma"}}]}"#;

    /// A square of a class as a feature.
    fn square(class: &str, [x, y]: [i32; 2], side: i32, more: &str) -> String {
        let (right, bottom) = (x + side, y + side);
        format!(
            r#"{{"geometry":{{"type":"Polygon","coordinates":[[[{x},{y}],[{right},{y}],[{right},{bottom}],[{x},{bottom}]]]}},
            "properties":{{"classification":{{"name":"{class}"}}{more}}}}}"#
        )
    }

    #[test]
    fn a_hole_that_reaches_beyond_its_area_adds_nothing_there() {
        let beyond = TWO.replace("[20,40],[40,40],[40,20]]", "[20,40],[140,40],[140,20]]");
        let all = read(&beyond, &[]).unwrap();
        t(&all, 100, 20, 20, 0.0, "");
        t(&all, 0, 0, 100, 0.84, "Tumor");
    }

    #[test]
    fn shares_are_exact() {
        let all = read(TWO, &[]).unwrap();
        t(&all, 0, 0, 100, 0.96, "Tumor");
        t(&all, 20, 20, 20, 0.0, "");
        t(&all, 90, 90, 20, 0.25, "Tumor");
        t(&all, 200, 0, 100, 0.5, "Stroma");
        t(&all, 500, 500, 10, 0.0, "");
        // More rows than lines.
        t(&all, -2000, -2000, 4096, (9600.0 + 5000.0) / f64::from(4096 * 4096), "Tumor");
    }

    #[test]
    fn places_in_several_areas_count_once() {
        let same = [square("Tumor", [0, 0], 40, ""), square("Tumor", [0, 0], 40, "")].join(",");
        t(&read(&format!("[{same}]"), &[]).unwrap(), 0, 0, 100, 0.16, "Tumor");
        let cross = [square("Tumor", [0, 0], 60, ""), square("Stroma", [30, 30], 70, "")].join(",");
        let all = read(&format!("[{cross}]"), &[]).unwrap();
        t(&all, 0, 0, 100, (3600.0 + 4900.0 - 900.0) / 1e4, "Stroma");
    }

    #[test]
    fn what_is_left_out_is_not_inside() {
        let areas = [square("Tumor", [0, 0], 100, ""), square("Ignore*", [50, 0], 100, "")].join(",");
        t(&read(&format!("[{areas}]"), &[]).unwrap(), 0, 0, 100, 0.5, "Tumor");
        t(&read(&format!("[{areas}]"), &["ignore"]).unwrap(), 0, 0, 100, 0.5, "Ignore*");
        let said = read(&format!("[{}]", square("Ignore*", [0, 0], 9, "")), &[]).err().unwrap().to_string();
        assert!(said.contains("expected an area to stay within, got only areas of classes"), "{said}");
    }

    #[test]
    fn files_are_read_as_those_of_score() {
        let said = |text: &str, wanted: &[&str]| read(text, wanted).err().unwrap().to_string();
        let corner = TWO.replacen("[100,0]", "[null,0]", 1);
        let text = said(&corner, &[]);
        assert!(text.contains("a.geojson, feature 1, ring 1, point 2, expected two numbers"), "{text}");
        let detection = square("Tumor", [0, 0], 9, r#","objectType":"detection""#);
        assert!(said(&detection, &[]).contains("expected at least one polygon, got none"));
        assert!(read(&format!("\u{feff}{TWO}"), &[]).is_ok());
        let xml = "<Annotations><Annotation Name='Tumor'><Regions><Region><Vertices><Vertex X='0' Y='0'/>\
            <Vertex X='100' Y='0'/><Vertex X='0' Y='100'/></Vertices></Region></Regions></Annotation></Annotations>";
        t(&read(xml, &["tumor"]).unwrap(), 0, 0, 100, 0.5, "Tumor");
    }

    #[test]
    fn classes_are_chosen_and_mistakes_said() {
        assert_eq!(read(TWO, &["stroma*"]).unwrap().classes.len(), 1);
        let said = |text: &str, wanted: &[&str]| read(text, wanted).err().map(|e| e.to_string()).unwrap();
        assert!(said(TWO, &["Tumour"]).contains("expected Stroma, Tumor, got Tumour"));
        assert!(said("{}", &[]).contains("expected at least one polygon, got none"));
        assert!(said("x", &[]).contains("expected GeoJSON"));
        let line = r#"{"geometry":{"type":"LineString","coordinates":[[0,0],[9,9]]}}"#;
        let read = read(&format!("[{},{line}]", square("Tumor", [0, 0], 9, "")), &[]).unwrap();
        let remark = read.remark.map(|w| w.to_string()).unwrap();
        assert!(remark.ends_with("not used (1): feature 2 (LineString)"), "{remark}");
    }

    #[test]
    fn the_file_of_a_slide_is_found_in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let find = || Annotations::read(folder.path(), "a", Path::new("a.svs"), &[]);
        let said = find().err().map(|e| e.to_string()).unwrap();
        assert!(said.starts_with("--within, expected a.geojson, .json or .xml in "), "{said}");
        fs::write(folder.path().join("a.json"), TWO).unwrap();
        assert_eq!(find().unwrap().classes.len(), 2);
    }
}
