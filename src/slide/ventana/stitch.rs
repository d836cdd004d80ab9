//! Where the tiles of a BIF lie.

use std::collections::BTreeMap;

use roxmltree::Node;

use super::{NAME, xml};
use crate::{
    error::{Error, Result},
    geometry::Rect,
    slide::{
        mosaic::{Patch, Room},
        tiff::{Composed, Page, stored_tile},
    },
};

const WHAT: &str = "XMLPacket of level 0";

/// Rectangles of tiles that were scanned, and how far each tile lies from the one before.
pub(super) struct Areas {
    areas: Vec<Area>,
    /// Pixels of level 0 from tile to tile, across and down.
    advance: [f64; 2],
    tile: [u32; 2],
}

struct Area {
    /// Pixels of level 0.
    x: i64,
    y: i64,
    /// First column and row of tiles.
    start: [u64; 2],
    /// Columns and rows of tiles.
    tiles: [u64; 2],
}

/// Overlaps of neighbours, weighted by confidence.
#[derive(Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

/// Reads areas and overlaps from `EncodeInfo`.
///
/// # Errors
///
/// [`Error::Malformed`] for XML that is incomplete or contradicts the tiles of the file.
pub(super) fn read(text: &str, base: &Page) -> Result<Areas> {
    let document = xml::parse(NAME, WHAT, text)?;
    let root = document.root_element();
    let wrong = |expected: &str, got: String| Error::malformed(NAME, WHAT, expected, got);
    if root.tag_name().name() != "EncodeInfo" {
        return Err(wrong("an element EncodeInfo", root.tag_name().name().into()));
    }
    let infos = xml::find(root, &["SlideStitchInfo"]).map(|node| xml::children(node, "ImageInfo"));
    let infos: Vec<Node<'_, '_>> = infos.into_iter().flatten().collect();
    let origins = xml::find(root, &["AoiOrigin"]);
    let origins: Vec<_> = origins.iter().flat_map(Node::children).filter(Node::is_element).collect();
    if infos.is_empty() || infos.len() != origins.len() {
        return Err(wrong("one origin for each area", format!("{} for {}", origins.len(), infos.len())));
    }
    let tile = [base.tile_width, base.tile_height];
    let (mut areas, mut means) = (Vec::new(), [Mean::default(), Mean::default()]);
    for (info, origin) in infos.into_iter().zip(origins) {
        if xml::whole(NAME, info, "AOIScanned")? != 0 {
            let area = area(info, origin, tile, base)?;
            for joint in xml::children(info, "TileJointInfo") {
                area.add_joint(joint, &mut means)?;
            }
            areas.push(area);
        }
    }
    if areas.is_empty() {
        return Err(wrong("a scanned area", "none".into()));
    }
    let advance = [0, 1].map(|i| f64::from(tile[i]) - means[i].value());
    if advance.iter().zip(tile).any(|(&advance, tile)| !(1.0..=2.0 * f64::from(tile)).contains(&advance)) {
        return Err(wrong("overlaps of less than a tile", format!("advances of {advance:?} px")));
    }
    Ok(Areas { areas, advance, tile }.upright())
}

/// Returns the XML with the numbers that [`read`] needs and nothing else.
///
/// # Errors
///
/// As [`read`].
pub(super) fn cleaned(text: &str) -> Result<String> {
    let document = xml::parse(NAME, WHAT, text)?;
    let root = document.root_element();
    let infos = xml::find(root, &["SlideStitchInfo"]).map(|node| xml::children(node, "ImageInfo"));
    let origins = xml::find(root, &["AoiOrigin"]);
    let mut out = String::from("<EncodeInfo Ver=\"2\"><SlideStitchInfo>");
    for (i, info) in infos.into_iter().flatten().enumerate() {
        let scanned = u8::from(xml::whole(NAME, info, "AOIScanned")? != 0);
        out += &format!("<ImageInfo AOIScanned=\"{scanned}\" AOIIndex=\"{i}\"");
        out += &numbers(info, &["Width", "Height", "NumCols", "NumRows", "Pos-X", "Pos-Y"]);
        out += ">";
        for joint in xml::children(info, "TileJointInfo").filter(|_| scanned == 1) {
            let direction = if joint.attribute("Direction") == Some("UP") { "UP" } else { "RIGHT" };
            out += &format!("<TileJointInfo FlagJoined=\"1\" Direction=\"{direction}\"");
            out += &numbers(joint, &["Confidence", "Tile1", "Tile2", "OverlapX", "OverlapY"]);
            out += "/>";
        }
        out += "</ImageInfo>";
    }
    out += "</SlideStitchInfo><AoiOrigin>";
    let origins = origins.iter().flat_map(Node::children).filter(Node::is_element).enumerate();
    origins.for_each(|(i, origin)| {
        out += &format!("<AOI{i}{}/>", numbers(origin, &["OriginX", "OriginY"]));
    });
    Ok(out + "</AoiOrigin></EncodeInfo>")
}

/// Writes those of some attributes that are numbers.
fn numbers(node: Node<'_, '_>, names: &[&str]) -> String {
    let one = |name: &&str| xml::real(NAME, node, name).map(|value| format!(" {name}=\"{value}\"")).ok();
    names.iter().filter_map(one).collect()
}

fn area(info: Node<'_, '_>, origin: Node<'_, '_>, tile: [u32; 2], base: &Page) -> Result<Area> {
    let size = [xml::whole(NAME, info, "Width")?, xml::whole(NAME, info, "Height")?];
    if size != tile.map(i64::from) {
        let [width, height] = tile;
        let got = format!("{}x{} px", size[0], size[1]);
        return Err(Error::malformed(NAME, "size of a tile", format!("{width}x{height} px"), got));
    }
    let mut start = [0; 2];
    for (i, name) in ["OriginX", "OriginY"].into_iter().enumerate() {
        let at = u64::try_from(xml::whole(NAME, origin, name)?).ok();
        let at = at.filter(|at| at.is_multiple_of(tile[i].into()));
        let bad = || Error::malformed(NAME, name, "a multiple of the tile size", "another number");
        start[i] = at.ok_or_else(bad)? / u64::from(tile[i]);
    }
    let count = |name| -> Result<u64> {
        let count = xml::whole(NAME, info, name)?;
        let bad = || Error::malformed(NAME, name, "at least 1", count);
        u64::try_from(count).ok().filter(|&n| n > 0).ok_or_else(bad)
    };
    let tiles = [count("NumCols")?, count("NumRows")?];
    if start[0] + tiles[0] > base.cols() || start[1] + tiles[1] > base.rows() {
        let expected = format!("an area within {}x{} tiles", base.cols(), base.rows());
        let got = format!("{}x{} from ({}, {})", tiles[0], tiles[1], start[0], start[1]);
        return Err(Error::malformed(NAME, WHAT, expected, got));
    }
    let place = |name| -> Result<i64> {
        let at = xml::real(NAME, info, name)?;
        if at.abs() > 1e9 {
            Err(Error::malformed(NAME, name, "a place on the slide", at))
        } else {
            Ok(at as i64)
        }
    };
    Ok(Area { x: place("Pos-X")?, y: place("Pos-Y")?, start, tiles })
}

impl Mean {
    fn value(&self) -> f64 {
        if self.weight > 0.0 { self.sum / self.weight } else { 0.0 }
    }
}

impl Area {
    /// Adds the overlap of two neighbours, after checking that they are neighbours.
    fn add_joint(&self, joint: Node<'_, '_>, means: &mut [Mean; 2]) -> Result<()> {
        let ([col1, row1], [col2, row2]) = (self.place(joint, "Tile1")?, self.place(joint, "Tile2")?);
        let direction = joint.attribute("Direction").unwrap_or("none");
        let (axis, neighbours) = match direction {
            "RIGHT" => (0, col2 == col1 + 1 && row2 == row1),
            "UP" => (1, col2 == col1 && row2 + 1 == row1),
            _ => return Err(Error::malformed(NAME, "Direction", "RIGHT or UP", direction)),
        };
        if !neighbours {
            let got = format!("({col1}, {row1}) and ({col2}, {row2}), {direction}");
            return Err(Error::malformed(NAME, "TileJointInfo", "neighbouring tiles", got));
        }
        let overlap = xml::real(NAME, joint, ["OverlapX", "OverlapY"][axis])?;
        let confidence = xml::whole(NAME, joint, "Confidence")?.max(0) as f64;
        means[axis].sum += confidence * overlap;
        means[axis].weight += confidence;
        Ok(())
    }

    /// Returns column and row of a tile. They are numbered in the order of the scan, from 1: from the
    /// bottom row up, every second row from right to left.
    fn place(&self, joint: Node<'_, '_>, name: &str) -> Result<[u64; 2]> {
        let [across, down] = self.tiles;
        let number = xml::whole(NAME, joint, name)?;
        let index = u64::try_from(number - 1).ok().filter(|&i| i / across < down);
        let bad = || Error::malformed(NAME, name, format!("a tile from 1 to {}", across * down), number);
        let index = index.ok_or_else(bad)?;
        let (col, row) = (index % across, index / across);
        Ok([if row.is_multiple_of(2) { col } else { across - col - 1 }, down - row - 1])
    }
}

impl Areas {
    /// Turns distances from the bottom into positions from the top.
    fn upright(mut self) -> Self {
        let height =
            |area: &Area| ((area.tiles[1] - 1) as f64 * self.advance[1] + f64::from(self.tile[1])) as i64;
        let heights: Vec<i64> = self.areas.iter().map(height).collect();
        let top =
            self.areas.iter().zip(&heights).map(|(area, height)| area.y + height).max().unwrap_or(0).max(0);
        for (area, height) in self.areas.iter_mut().zip(heights) {
            area.y = top - area.y - height;
        }
        self
    }

    /// Returns the areas as OpenSlide states them.
    pub(super) fn regions(&self) -> Vec<Rect> {
        let region = |area: &Area| {
            let start = |i: usize| (self.advance[i] * area.start[i] as f64) as i64;
            let length = |i: usize| {
                (self.advance[i] * (area.tiles[i] - 1) as f64 + f64::from(self.tile[i])).ceil() as u64
            };
            Rect { x0: start(0), y0: start(1), width: length(0), height: length(1) }
        };
        self.areas.iter().map(region).collect()
    }

    /// Lays out a level. A stored tile of a smaller level holds several tiles of the scan.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when the level holds less than the areas say; [`Error::Limits`] for more tiles than any scan has.
    pub(super) fn level(&self, page: Page, factor: f64, room: &mut Room) -> Result<Composed> {
        let per_tile = (factor.round() as u64).max(1);
        let size = self.tile.map(|side| f64::from(side) / factor);
        let pages = vec![page];
        // Laid down row by row of stored tiles, so that of overlapping ones the lower right one shows.
        let (mut patches, mut end) = (BTreeMap::new(), [0.0f64; 2]);
        for area in &self.areas {
            room.take_patches(area.tiles.iter().product())?;
            for row in area.start[1]..area.start[1] + area.tiles[1] {
                for col in area.start[0]..area.start[0] + area.tiles[0] {
                    let at = |i: usize, index: u64, corner: i64| {
                        (corner as f64 + (index - area.start[i]) as f64 * self.advance[i]) / factor
                    };
                    let (x, y) = (at(0, col, area.x), at(1, row, area.y));
                    end = [end[0].max(x + size[0]), end[1].max(y + size[1])];
                    let (stored_col, stored_row) = (col / per_tile, row / per_tile);
                    if stored_col >= pages[0].cols() || stored_row >= pages[0].rows() {
                        let got = format!("{}x{} tiles", pages[0].cols(), pages[0].rows());
                        return Err(Error::malformed(NAME, "tiles of a level", "all of the scan", got));
                    }
                    let inside = |index: u64, size: f64| ((index % per_tile) as f64 * size).round() as u32;
                    let patch = Patch {
                        x: x.round() as i64,
                        y: y.round() as i64,
                        width: size[0].ceil() as u32,
                        height: size[1].ceil() as u32,
                        stored: stored_tile(&pages, 0, stored_col, stored_row),
                        left: inside(col, size[0]),
                        top: inside(row, size[1]),
                    };
                    patches.insert((row, col), patch);
                }
            }
        }
        let side = |end: f64| end.ceil().max(1.0) as u64;
        let patches = patches.into_values().collect();
        Ok(Composed { width: side(end[0]), height: side(end[1]), pages, patches })
    }
}
