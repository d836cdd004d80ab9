//! The fine pass: nuclei, blood, and what each structure holds.

use std::ops::Range;

use super::{
    CORTEX, GLOMERULUS, INTERSTITIAL_LEUKOCYTE, LUMEN, MEDULLA, TUBULE, TUFT, bare, blood,
    counts::*,
    leukocytes,
    levels::Levels,
    missed,
    tuft::{self, Crop},
    vacuoles::Vacuoles,
    vessels::Vessels,
};
use crate::{
    measure::tally::Tally,
    raster::{Mask, Plane},
    segment::{
        field::Field,
        ground,
        nuclei::{self, Nuclei, Nucleus},
        object::{Finds, Object},
        red_cells,
        structures::StructureMap,
    },
};

/// Finds nuclei and counts what the structures hold in the core of one window.
#[must_use]
pub fn cells(field: &mut Field<'_>, structures: &StructureMap<'_>) -> Finds {
    let Nuclei { mask, found, .. } = nuclei::segment(field);
    let scene = Scene::of(field, structures, &mask);
    let mut tally = Tally::default();
    ground::count(field, &field.tissue, &mask, &mut tally);
    let mut owners = Owners::new(structures.all());
    scene.count(&mut tally, &mut owners);
    bare::count(&scene, &mut tally);
    scene.tufts(&mut owners);
    let scores = scene.scores(&found);
    let vessels = Vessels::of(&scene);
    vessels.count(&scene, &mut tally);
    missed::count(&scene, (&found, &scores), &vessels, &mut tally);
    let leukocytes = scene.leukocytes(&found, &scores);
    let mut objects = Vec::new();
    for (mut nucleus, is_leukocyte) in found.into_iter().zip(leukocytes).filter(|(n, _)| n.in_core) {
        scene.place(&mut nucleus, is_leukocyte, &mut tally, &mut owners);
        objects.push(nucleus.object);
    }
    Finds { objects, tally, per_structure: owners.tallies() }
}

/// Counts of one structure in one window.
#[derive(Clone, Default)]
struct Counts {
    structure: u32,
    own: u64,
    cortex: u64,
    nuclear: u64,
    white: u64,
    base: u64,
    vacuoles: u64,
    red: u64,
    stray: u64,
    plain: u64,
    eosin: u64,
    haematoxylin: u64,
    nuclei: u64,
    solid: u64,
    mesangial: u64,
    crop: Crop,
}

impl Counts {
    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (counter, n) in [
            (OWN_PX, self.own),
            (OWN_CORTEX_PX, self.cortex),
            (OWN_NUCLEAR_PX, self.nuclear),
            (OWN_WHITE_PX, self.white),
            (OWN_BASE_PX, self.base),
            (OWN_VACUOLE_PX, self.vacuoles),
            (OWN_RED_CELL_PX, self.red),
            (OWN_PLAIN_PX, self.plain),
            (OWN_EOSIN, self.eosin),
            (OWN_HAEMATOXYLIN, self.haematoxylin),
            (OWN_NUCLEI, self.nuclei),
            (SOLID_PX, self.solid),
            (MESANGIAL_PARTS, self.mesangial),
        ] {
            if n > 0 {
                tally.add(counter, n);
            }
        }
        tally
    }
}

/// Counts by structure, only of those the window meets.
struct Owners {
    /// Place of each structure's counts, plus one.
    places: Vec<u32>,
    counts: Vec<Counts>,
}

impl Owners {
    fn new(all: &[Object]) -> Self {
        Self { places: vec![0; all.len() + 1], counts: Vec::new() }
    }

    /// Counts of the structure painted as `number`.
    #[inline]
    fn of(&mut self, number: u32) -> &mut Counts {
        let place = self.places[number as usize];
        if place == 0 {
            self.counts.push(Counts { structure: number - 1, ..Counts::default() });
            self.places[number as usize] = self.counts.len() as u32;
        }
        let place = self.places[number as usize] as usize;
        &mut self.counts[place - 1]
    }

    fn tallies(mut self) -> Vec<(u32, Tally)> {
        self.counts.sort_by_key(|c| c.structure);
        self.counts.iter().map(|c| (c.structure, c.tally())).collect()
    }
}

/// A window with everything that can be asked of a pixel.
pub(super) struct Scene<'a> {
    pub(super) field: &'a Field<'a>,
    pub(super) levels: Levels,
    structures: &'a StructureMap<'a>,
    /// Glomeruli and tubules.
    pub(super) outer: Plane<u32>,
    /// Tufts and lumens.
    pub(super) inner: Plane<u32>,
    /// Cortex, with the medulla it encloses.
    pub(super) zones: Plane<u32>,
    pub(super) nuclear: &'a Mask,
    /// Red optical density of the slide's usual nuclei.
    pub(super) usual_red: f64,
    pub(super) red: Mask,
    vacuoles: Vacuoles,
    /// Blood in lumens and Bowman's spaces.
    stray: Mask,
}

impl<'a> Scene<'a> {
    fn of(field: &'a Field<'a>, structures: &'a StructureMap<'a>, nuclear: &'a Mask) -> Self {
        let window = &field.window;
        let mut scene = Self {
            field,
            levels: Levels::of(field.profile),
            structures,
            outer: structures.paint(window, &[&TUBULE, &GLOMERULUS]),
            inner: structures.paint(window, &[&LUMEN, &TUFT]),
            zones: structures.paint(window, &[&CORTEX, &MEDULLA]),
            nuclear,
            usual_red: leukocytes::usual_red(field, structures),
            red: red_cells::mask(field),
            vacuoles: Vacuoles::default(),
            stray: Mask::default(),
        };
        scene.stray = blood::stray(&scene);
        scene.vacuoles = Vacuoles::of(&scene, &scene.stray);
        scene
    }

    /// The structure that is painted as `number`, which is not 0.
    pub(super) fn object(&self, number: u32) -> &Object {
        &self.structures.all()[number as usize - 1]
    }

    pub(super) fn class_is(&self, number: u32, class: &'static crate::segment::object::Class) -> bool {
        number != 0 && self.object(number).class.is(class)
    }

    /// One pass over the core's pixels, by runs that belong to the same structures.
    fn count(&self, tally: &mut Tally, owners: &mut Owners) {
        let columns = self.field.window.core_columns();
        let mut sums = Sums::default();
        for y in self.field.window.core_rows() {
            self.for_each_run(y, columns.clone(), |run, key| self.run(y, run, key, &mut sums, owners));
        }
        sums.add_to(tally);
    }

    /// Calls `each` with every run of a row that belongs to the same structures, and with their numbers: outer, inner, zone.
    pub(super) fn for_each_run(
        &self,
        y: usize,
        columns: Range<usize>,
        mut each: impl FnMut(Range<usize>, (u32, u32, u32)),
    ) {
        let (outer, inner, zones) = (self.outer.row(y), self.inner.row(y), self.zones.row(y));
        let mut x = columns.start;
        while x < columns.end {
            let key = (outer[x], inner[x], zones[x]);
            let start = x;
            while x < columns.end && (outer[x], inner[x], zones[x]) == key {
                x += 1;
            }
            each(start..x, key);
        }
    }

    fn run(
        &self,
        y: usize,
        run: Range<usize>,
        (outer, inner, zone): (u32, u32, u32),
        sums: &mut Sums,
        owners: &mut Owners,
    ) {
        let in_cortex = self.class_is(zone, &CORTEX);
        let in_glomerulus = self.class_is(outer, &GLOMERULUS);
        let in_tuft = in_glomerulus && self.class_is(inner, &TUFT);
        let in_lumen = !in_glomerulus && outer != 0 && self.class_is(inner, &LUMEN);
        let mut counts = Counts::default();
        self.look(y, run.clone(), &mut counts);
        let length = run.len() as u64;
        let tissue = self.field.tissue.row(y)[run.clone()].iter().map(|&v| u64::from(v)).sum::<u64>();
        sums.red += counts.red;
        sums.stray += counts.stray;
        if in_cortex {
            sums.cortex += tissue;
            counts.cortex = length;
            sums.glomerulus += if in_glomerulus { tissue } else { 0 };
            sums.tubule += if outer != 0 && !in_glomerulus { tissue } else { 0 };
        }
        if outer == 0 {
            return;
        }
        // A glomerulus holds its tuft; a tubule's own pixels are its epithelium.
        if !in_lumen {
            owners.of(outer).add(&counts);
        }
        if in_lumen || in_tuft {
            let own = owners.of(inner);
            own.add(&counts);
            own.crop.include(run, y);
        }
    }

    /// Counts the pixels of a run by kind.
    fn look(&self, y: usize, run: Range<usize>, counts: &mut Counts) {
        let field = self.field;
        let pale = self.levels.pale;
        let [h, e, od] = [&field.h, &field.e, &field.od].map(|p| &p.row(y)[run.clone()]);
        let [nuclear, red, tissue] = [self.nuclear, &self.red, &field.tissue].map(|p| &p.row(y)[run.clone()]);
        for i in 0..od.len() {
            let nucleus = nuclear[i];
            let blood = red[i] & (1 - nucleus);
            let white = u8::from(od[i] < pale) & (1 - nucleus) & (1 - blood);
            let plain = 1 - nucleus - blood - white;
            counts.nuclear += u64::from(nucleus);
            counts.red += u64::from(blood & tissue[i]);
            counts.white += u64::from(white);
            let x = run.start + i;
            counts.base += u64::from(self.vacuoles.base.at(x, y));
            counts.vacuoles += u64::from(self.vacuoles.found.at(x, y));
            counts.stray += u64::from(blood & tissue[i] & self.stray.at(x, y));
            counts.plain += u64::from(plain);
            counts.eosin += u64::from(plain * e[i]);
            counts.haematoxylin += u64::from(plain * h[i]);
        }
        counts.own = od.len() as u64;
    }

    /// Adds what needs the neighbourhood of a pixel inside its tuft.
    fn tufts(&self, owners: &mut Owners) {
        for counts in &mut owners.counts {
            let number = counts.structure + 1;
            if self.class_is(number, &TUFT) {
                let white = |x: usize, y: usize| self.field.od.at(x, y) < self.levels.pale;
                let open = |x: usize, y: usize| white(x, y) || self.red.at(x, y) != 0;
                let texture =
                    tuft::texture(self.field, &self.inner, number, &counts.crop, self.nuclear, open);
                counts.solid = texture.solid_px;
                counts.mesangial = texture.mesangial_parts;
            }
        }
    }

    /// Counts a nucleus where its centre lies.
    fn place(&self, nucleus: &mut Nucleus, is_leukocyte: bool, tally: &mut Tally, owners: &mut Owners) {
        let (x, y) = nucleus.region.centre();
        let (x, y) = (x as usize, y as usize);
        let (outer, inner) = (self.outer.at(x, y), self.inner.at(x, y));
        let is_epithelial = !is_leukocyte && nucleus.object.class.is(&nuclei::ROUND);
        if is_epithelial && self.class_is(self.zones.at(x, y), &CORTEX) && !self.class_is(outer, &GLOMERULUS)
        {
            tally.add(if outer == 0 { CORTEX_ROUND_BETWEEN } else { CORTEX_ROUND_IN_TUBULES }, 1);
        }
        if is_leukocyte {
            nucleus.object.class = &INTERSTITIAL_LEUKOCYTE;
            tally.add(INTERSTITIAL_LEUKOCYTES, 1);
        } else if outer != 0 {
            let inside = self.class_is(inner, &TUFT) == self.class_is(outer, &GLOMERULUS) && inner != 0;
            owners.of(if inside { inner } else { outer }).nuclei += 1;
        }
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.own += other.own;
        self.cortex += other.cortex;
        self.nuclear += other.nuclear;
        self.white += other.white;
        self.base += other.base;
        self.vacuoles += other.vacuoles;
        self.red += other.red;
        self.plain += other.plain;
        self.eosin += other.eosin;
        self.haematoxylin += other.haematoxylin;
    }
}

/// Counts over the core.
#[derive(Default)]
struct Sums {
    cortex: u64,
    glomerulus: u64,
    tubule: u64,
    red: u64,
    stray: u64,
}

impl Sums {
    fn add_to(&self, tally: &mut Tally) {
        tally.add(CORTEX_PX, self.cortex);
        tally.add(CORTEX_GLOMERULUS_PX, self.glomerulus);
        tally.add(CORTEX_TUBULE_PX, self.tubule);
        tally.add(RED_CELL_PX, self.red);
        tally.add(STRAY_RED_CELL_PX, self.stray);
    }
}
