//! Areas drawn by a person: GeoJSON as QuPath writes it, XML as Aperio ImageScope writes it, in level-0 pixels.
//!
//! What an area means follows from its class, in any case: `Ignore`, `Exclude`, `Artefact` or `Artifact` (with or
//! without `*`) take tissue out; `Region`, `Include`, `ROI` or `Tissue` leave only the tissue in them; the name of a
//! structure (`islet`, `glomerulus`, …) corrects the segmentation. Others are not used, and a warning of the slide says so,
//! as it does of lines, points and polygons of less than a pixel.

mod geojson;
mod imagescope;
mod text;

use std::{
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    geometry::Point,
    raster::Plane,
    score::rubric::hex,
    segment::structures::fill_polygon,
    tissue::TissueMask,
    warning::Warning,
};

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 1 << 30;
/// Endings of files with areas, in the order they are looked for.
const ENDINGS: [&str; 3] = ["geojson", "json", "xml"];
/// Drawn objects without an area that are named.
const MOST_NAMED: usize = 10;
/// Class of an area that has none.
pub const UNCLASSIFIED: &str = "unclassified";
/// What `objects.geojson` puts behind the name of a class that is not counted on pixels as coarse as the slide's.
pub(crate) const TOO_COARSE: &str = " (too coarse to count)";

/// Classes that take tissue out.
pub(crate) const EXCLUDE: [&str; 4] = ["ignore", "exclude", "artefact", "artifact"];
/// Classes that leave only what lies in them.
pub(crate) const INCLUDE: [&str; 4] = ["region", "include", "roi", "tissue"];

/// A corner, in level-0 pixels.
pub type Corner = [f64; 2];

/// One polygon: its outer ring first, then its holes.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// Class, as it was written.
    pub class: String,
    /// Rings of at least three corners, not closed.
    pub rings: Vec<Vec<Corner>>,
}

impl Area {
    /// Returns whether its class is one of these, in any case, with or without `*`.
    fn is_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| is_same_class(&self.class, name))
    }

    /// Returns its class without `*`.
    pub(crate) fn name(&self) -> &str {
        plain(&self.class)
    }

    /// Returns whether what lies in it is left out.
    #[must_use]
    pub fn excludes(&self) -> bool {
        self.is_any(&EXCLUDE)
    }

    /// Returns whether only what lies in such areas is measured.
    #[must_use]
    pub fn includes(&self) -> bool {
        self.is_any(&INCLUDE)
    }

    /// Returns the smallest box around its outer ring: left, top, right, bottom.
    #[must_use]
    pub fn bounds(&self) -> [f64; 4] {
        let outer = self.rings.first().into_iter().flatten();
        outer.fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |b, c| {
            [b[0].min(c[0]), b[1].min(c[1]), b[2].max(c[0]), b[3].max(c[1])]
        })
    }

    /// Returns whether a place lies in its outer ring and in none of its holes.
    #[must_use]
    pub fn holds(&self, place: Point) -> bool {
        let mut rings = self.rings.iter();
        rings.next().is_some_and(|outer| encloses(outer, place)) && !rings.any(|hole| encloses(hole, place))
    }

    /// Fills it on a plane of `scale` level-0 pixels per pixel that starts at (`left`, `top`) in its own pixels.
    pub fn fill(&self, plane: &mut Plane<u8>, scale: f64, (left, top): (f64, f64), value: u8) {
        // A hole may reach beyond the outer ring, and other areas may lie in it.
        let mut own = Plane::filled(plane.width(), plane.height(), 0u8);
        for (i, ring) in self.rings.iter().enumerate() {
            let corners: Vec<(f64, f64)> =
                ring.iter().map(|c| (c[0] / scale - left, c[1] / scale - top)).collect();
            fill_polygon(&mut own, &corners, u8::from(i == 0));
        }
        let pixels = plane.data_mut().iter_mut().zip(own.data());
        pixels.filter(|(_, o)| **o != 0).for_each(|(p, _)| *p = value);
    }
}

/// Returns whether a place lies in a ring (even–odd rule).
fn encloses(ring: &[Corner], place: Point) -> bool {
    let sides = ring.iter().zip(ring.iter().cycle().skip(1));
    let above = sides.filter(|(a, b)| (a[1] > place.y) != (b[1] > place.y));
    let crossed = above.filter(|(a, b)| place.x < a[0] + (place.y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]));
    crossed.count() % 2 == 1
}

fn plain(class: &str) -> &str {
    class.trim().trim_end_matches('*')
}

/// Returns whether two classes are the same, in any case, with or without `*`.
pub(crate) fn is_same_class(a: &str, b: &str) -> bool {
    plain(a).eq_ignore_ascii_case(plain(b))
}

/// What a text holds.
#[derive(Default)]
struct Drawn {
    areas: Vec<Area>,
    /// What encloses nothing: its place in the file and what it is.
    unused: Vec<String>,
}

/// Returns whether a ring is as large as a pixel: its length times its breadth across that.
fn covers_a_pixel(ring: &[Corner]) -> bool {
    let Some(first) = ring.first() else { return false };
    let from_first = || ring.iter().map(|c| [c[0] - first[0], c[1] - first[1]]);
    let square = |v: &Corner| v[0] * v[0] + v[1] * v[1];
    let far = from_first().max_by(|a, b| square(a).total_cmp(&square(b))).unwrap_or_default();
    // Length times the distance from the line to the far corner.
    let sides = from_first().map(|v| far[0] * v[1] - far[1] * v[0]);
    let (low, high) = sides.fold((0.0, 0.0), |(low, high), v| (f64::min(low, v), f64::max(high, v)));
    high - low >= 1.0
}

/// The areas of one slide.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations {
    /// Areas in the order of the file; none where the file of a slide among many holds none.
    pub areas: Vec<Area>,
    /// What the file holds besides areas, such as lines: its place in the file and what it is.
    pub unused: Vec<String>,
    /// Name of the file, without its folder.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

impl Annotations {
    /// Reads a file: GeoJSON, or XML when it starts with `<`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be read; [`Error::Config`] for what is neither, is broken or holds no area.
    pub fn read(path: &Path) -> Result<Self> {
        let read = Self::read_any(path)?;
        if read.areas.is_empty() {
            let besides = read.unused.first().map_or_else(String::new, |first| format!(", but {first}"));
            return Err(Error::config("drawn areas", "at least one polygon", format!("none{besides}")));
        }
        Ok(read)
    }

    /// Reads a file as [`Annotations::read`] does; it may hold no area.
    ///
    /// # Errors
    ///
    /// As [`Annotations::read`], but for a file without an area.
    pub fn read_any(path: &Path) -> Result<Self> {
        let size = fs::metadata(path).map_err(Error::io("read", path))?.len();
        if size > MAX_BYTES {
            return Err(Error::Limits { what: "its size in bytes".into(), got: size, limit: MAX_BYTES });
        }
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        let text = text::decode(&bytes)?;
        let start = text.trim_start();
        let drawn = if start.starts_with('<') { imagescope::parse(start)? } else { geojson::parse(start)? };
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { areas: drawn.areas, unused: drawn.unused, file, sha256: hex(&Sha256::digest(&bytes)) })
    }

    /// Returns the file of a slide: `given` itself, or in that folder one named after the slide's id or file.
    #[must_use]
    pub fn file_of(given: &Path, slide_id: &str, slide: &Path) -> Option<PathBuf> {
        if !given.is_dir() {
            return Some(given.to_owned());
        }
        let stem = slide.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let names = [slide_id, stem.as_str()];
        let files = names.iter().flat_map(|n| ENDINGS.map(|ending| given.join(format!("{n}.{ending}"))));
        files.into_iter().find(|path| path.is_file())
    }

    /// Returns the files of a folder that are called like annotations, sorted; none for a file.
    #[must_use]
    pub fn files_in(folder: &Path) -> Vec<PathBuf> {
        let is = |path: &PathBuf| {
            path.is_file() && path.extension().is_some_and(|e| ENDINGS.iter().any(|known| e == *known))
        };
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is).collect();
        files.sort();
        files
    }

    /// Says which drawn objects enclose no area; nothing where all do.
    pub(crate) fn without_area(&self) -> Option<Warning> {
        let named = self.unused.iter().take(MOST_NAMED).cloned().collect();
        (!self.unused.is_empty()).then_some(Warning::AnnotationsWithoutArea { n: self.unused.len(), named })
    }

    /// Returns, on a grid of `scale` level-0 pixels per pixel from the slide's corner, 1 where tissue is included and not
    /// excluded; `None` where no area leaves anything out.
    pub(crate) fn kept(&self, width: usize, height: usize, scale: f64) -> Option<Plane<u8>> {
        let any = |is: fn(&Area) -> bool| self.areas.iter().any(is);
        if !any(Area::includes) && !any(Area::excludes) {
            return None;
        }
        let mut keep = Plane::filled(width, height, 1 - u8::from(any(Area::includes)));
        for area in self.areas.iter().filter(|a| a.includes()) {
            area.fill(&mut keep, scale, (0.0, 0.0), 1);
        }
        for area in self.areas.iter().filter(|a| a.excludes()) {
            area.fill(&mut keep, scale, (0.0, 0.0), 0);
        }
        Some(keep)
    }

    /// Leaves of a tissue mask what is included and not excluded. Its area shrinks by the same share.
    #[must_use]
    pub fn restrict(&self, tissue: TissueMask) -> TissueMask {
        match self.kept(tissue.mask.width(), tissue.mask.height(), tissue.scale) {
            Some(keep) => tissue.restricted(&keep),
            None => tissue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{raster::Mask, stain::white::White, tissue::Bits};

    fn read(name: &str, text: &str) -> Result<Annotations> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        Annotations::read(&path)
    }

    const QUPATH: &str = r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","geometry":{"type":"Polygon","coordinates":[
            [[0,0],[80,0],[80,80],[0,80],[0,0]],[[20,20],[20,40],[40,40],[40,20],[20,20]]]},
         "properties":{"objectType":"annotation","classification":{"name":"Region*"}}},
        {"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[8,0],[8,80],[0,80],[0,0]]]},
         "properties":{"objectType":"annotation","classification":{"name":"Ignore*"}}},
        {"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9]]]},
         "properties":{"objectType":"detection","classification":{"name":"Ignore*"}}}]}"#;

    #[test]
    fn an_area_holds_what_lies_in_it_and_not_in_its_holes() {
        let area = &read("a.geojson", QUPATH).unwrap().areas[0];
        let holds = |x: f64, y: f64| area.holds(Point { x, y });
        assert_eq!(
            [holds(10.0, 10.0), holds(30.0, 30.0), holds(60.0, 30.0), holds(90.0, 30.0)],
            [true, false, true, false]
        );
    }

    #[test]
    fn an_outline_that_was_too_coarse_to_count_can_be_given_back() {
        let text = QUPATH.replace("Region*", &format!("necrosis{TOO_COARSE}"));
        assert_eq!(read("a.geojson", &text).unwrap().areas[0].class, "necrosis");
    }

    #[test]
    fn regions_keep_and_ignored_places_go() {
        let annotations = read("a.geojson", QUPATH).unwrap();
        assert_eq!(annotations.areas.len(), 2, "detections are no annotations");
        let white = White { rgb: [243.0; 3] };
        let mask = Mask::filled(25, 25, 1);
        let tissue = TissueMask { solid: Bits::of(&mask), mask, scale: 4.0, area_mm2: 6.25, white };
        let left = annotations.restrict(tissue);
        // 20×20 pixels, less a hole of 5×5 and a stripe of 2.
        assert_eq!(left.mask.count(), 400 - 25 - 40);
        assert!((left.area_mm2 - 3.35).abs() < 1e-9, "{}", left.area_mm2);
        assert_eq!((left.mask.at(6, 6), left.mask.at(0, 0), left.mask.at(12, 12)), (0, 0, 1));
    }

    #[test]
    fn imagescope_is_read() {
        let text = r#"<?xml version="1.0"?><Annotations MicronsPerPixel="0.25">
            <Annotation Id="1" Name="Islet"><Regions>
              <Region Id="1" Type="0" NegativeROA="0"><Vertices>
                <Vertex X="10" Y="10"/><Vertex X="30" Y="10"/><Vertex X="30" Y="30"/></Vertices></Region>
              <Region Id="2" Type="1" Text="Ignore"><Vertices><Vertex X="0" Y="0"/><Vertex X="5" Y="6"/></Vertices></Region>
              <Region Id="3" Type="3"><Vertices><Vertex X="0" Y="0"/><Vertex X="5" Y="6"/></Vertices></Region>
            </Regions></Annotation>
            <Annotation Id="2" Name=""><Regions>
              <Region Id="4" Type="0" NegativeROA="1"><Vertices>
                <Vertex X="1" Y="1"/><Vertex X="3" Y="1"/><Vertex X="3" Y="3"/></Vertices></Region>
            </Regions></Annotation></Annotations>"#;
        let areas = read("a.xml", text).unwrap().areas;
        let classes: Vec<&str> = areas.iter().map(|a| a.class.as_str()).collect();
        assert_eq!(classes, ["Islet", "Ignore", "Ignore"]);
        assert_eq!(areas[1].rings, [vec![[0.0, 0.0], [5.0, 0.0], [5.0, 6.0], [0.0, 6.0]]]);
        assert!(areas[2].excludes() && !areas[0].excludes());
    }

    #[test]
    fn negative_regions_are_holes_of_their_layer() {
        let region = |negative: &str, text: &str, [x0, y0, x1, y1]: [i32; 4]| {
            let corners = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
            let vertices = corners.map(|[x, y]| format!("<Vertex X='{x}' Y='{y}'/>")).concat();
            format!("<Region NegativeROA='{negative}' Text='{text}'><Vertices>{vertices}</Vertices></Region>")
        };
        let layer = |name: &str, regions: &[String]| {
            format!("<Annotation Name='{name}'><Regions>{}</Regions></Annotation>", regions.concat())
        };
        let text = format!(
            "<Annotations>{}{}</Annotations>",
            layer(
                "Islet",
                &[
                    // Before its area, across a side of it, across all of it, beside all of them.
                    region("1", "", [20, 20, 30, 30]),
                    region("0", "", [10, 10, 90, 90]),
                    region("true", "", [80, 40, 120, 50]),
                    region("1", "", [0, 60, 100, 70]),
                    region("1", "", [200, 0, 210, 10]),
                    region("0", "Ignore", [300, 0, 400, 100]),
                    region("1", "", [310, 10, 320, 20]),
                ]
            ),
            layer("Region", &[region("0", "", [0, 0, 500, 500])]),
        );
        let areas = read("a.xml", &text).unwrap().areas;
        let found: Vec<(&str, usize)> = areas.iter().map(|a| (a.class.as_str(), a.rings.len())).collect();
        assert_eq!(found, [("Islet", 4), ("Ignore", 2), ("Ignore", 1), ("Region", 1)]);
        let holds = |x: f64, y: f64| areas[0].holds(Point { x, y });
        assert_eq!(
            [holds(15.0, 15.0), holds(25.0, 25.0), holds(85.0, 45.0), holds(95.0, 45.0), holds(50.0, 65.0)],
            [true, false, false, false, false]
        );
    }

    #[test]
    fn what_encloses_nothing_is_kept_apart() {
        fn t(geometry: &str, expected: &[&str]) {
            let area = r#"{"type":"Polygon","coordinates":[[[0,0],[8,0],[8,8]]]}"#;
            let text = format!(r#"[{{"geometry":{area}}},{{"geometry":{geometry}}}]"#);
            let read = read("a.geojson", &text).unwrap();
            assert_eq!(read.unused, expected, "{geometry}");
            assert_eq!(read.areas.len(), if expected.is_empty() { 2 } else { 1 }, "{geometry}");
        }
        let less = "feature 2 (polygon of less than a pixel)";
        t(r#"{"type":"LineString","coordinates":[[0,0],[9,9]]}"#, &["feature 2 (LineString)"]);
        t(r#"{"type":"MultiPoint","coordinates":[[0,0]]}"#, &["feature 2 (MultiPoint)"]);
        t("null", &["feature 2 (no geometry)"]);
        t(r#"{"type":"Polygon","coordinates":[[[0,0],[9,9],[5,5]]]}"#, &[less]);
        t(r#"{"type":"Polygon","coordinates":[[[1.2,1],[1.5,1],[1.5,1.3],[1.2,1.3],[1.2,1]]]}"#, &[less]);
        // A bow tie has as much to the left as to the right.
        t(r#"{"type":"Polygon","coordinates":[[[0,0],[9,9],[9,0],[0,9],[0,0]]]}"#, &[]);
        let xml = "<Annotations><Annotation><Regions><Region Id='7' Type='4'><Vertices/></Region><Region><Vertices>\
            <Vertex X='1' Y='1'/></Vertices></Region></Regions></Annotation></Annotations>";
        let said = read("a.xml", xml).unwrap_err().to_string();
        assert!(said.contains("got none, but region 7 (arrow, ruler or counter)"), "{said}");
    }

    #[test]
    fn mistakes_are_said() {
        fn t(text: &str, expected: &str) {
            let said = read("a", text).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
        let polygon = |coordinates: &str, expected: &str| {
            let good = r#"{"geometry":{"type":"Polygon","coordinates":[[[0,0],[8,0],[8,8]]]}}"#;
            let bad = format!(r#"{{"geometry":{{"type":"Polygon","coordinates":{coordinates}}}}}"#);
            t(&format!(r#"{{"features":[{good},{bad}]}}"#), &format!("feature 2, {expected}"));
        };
        polygon("[[[0,0],[null,0],[9,9]]]", "ring 1, point 2, expected two numbers, [x, y], got [null,0]");
        polygon(r#"[[[0,0],["8",0],[9,9]]]"#, "ring 1, point 2, expected two numbers");
        polygon("[[[0,0],[9,9],[0,0]]]", "ring 1, expected at least 3 points");
        polygon("[[[0,0],[9,0],[9,9]],[[1,1],[2,2]]]", "ring 2, expected at least 3 points");
        polygon("[]", "polygon, expected an outer ring, got none (draw it again or delete it)");
        polygon("null", "coordinates of a polygon, expected a list, got null");
        t("{}", "expected at least one polygon, got none");
        t(r#"{"type":"FeatureCollection","features":[]}"#, "expected at least one polygon, got none");
        t("x", "expected GeoJSON");
        t("<Annotations><Annotation>", "expected well-formed XML");
        t("<svg/>", "expected the element Annotations, got svg");
        t(
            "<Annotations><Annotation><Regions><Region><Vertices><Vertex X='a' Y='1'/></Vertices></Region></Regions></Annotation></Annotations>",
            "expected a number",
        );
    }

    #[test]
    fn files_are_found_by_id_or_name() {
        let folder = tempfile::tempdir().unwrap();
        let there = |name: &str| fs::write(folder.path().join(name), "").unwrap();
        there("liver__1.xml");
        there("2.geojson");
        let find = |id: &str, slide: &str| {
            Annotations::file_of(folder.path(), id, Path::new(slide))
                .map(|p| p.file_name().unwrap().to_string_lossy().into_owned())
        };
        assert_eq!(find("liver__1", "in/1.svs").as_deref(), Some("liver__1.xml"));
        assert_eq!(find("liver__2", "in/2.svs").as_deref(), Some("2.geojson"));
        assert_eq!(find("3", "3.svs"), None);
        let files = Annotations::files_in(folder.path());
        assert_eq!(files, ["2.geojson", "liver__1.xml"].map(|name| folder.path().join(name)));
        let file = folder.path().join("2.geojson");
        assert_eq!(Annotations::file_of(&file, "9", Path::new("9.svs")), Some(file));
    }
}
