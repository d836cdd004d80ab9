//! Which files besides its own a slide is made of, told by what is in them and not by how they are called.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{Slide, dicom, mirax, vms};
use crate::file;

/// Bytes that tell what a file is.
const HEAD: u64 = 1024;

/// The files of a slide that is a file, besides that file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parts {
    /// There are none.
    None,
    /// All below a folder.
    Folder(PathBuf),
    /// These, sorted; whether they are there is not asked.
    Files(Vec<PathBuf>),
    /// Those beside it of which [`Slide::series_of`] says the same.
    Series(String),
}

impl Slide {
    /// Returns which files besides its own a slide is made of.
    #[must_use]
    pub fn parts_of(slide: impl AsRef<Path>) -> Parts {
        let slide = slide.as_ref();
        let mut head = Vec::new();
        // Of one that cannot be read whoever opens it says why.
        let _ = file::open(slide).and_then(|file| file.take(HEAD).read_to_end(&mut head));
        if let Some(files) = vms::files(slide, &head) {
            return Parts::Files(files);
        }
        let is_tiff = head.starts_with(b"II") || head.starts_with(b"MM");
        if let Some(folder) = mirax::data(slide).filter(|_| !is_tiff) {
            return Parts::Folder(folder);
        }
        dicom::series(slide).map_or(Parts::None, Parts::Series)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_of_a_slide_are_told_by_what_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let index = "[Virtual Microscope Specimen]\nNoLayers=1\nImageFile=scan1.jpg\nImageFile(1,0)=scan2.jpg\n\
                     MapFile=map.jpg\nMacroImage=macro.jpg\nImageFile(0,1)=../other.jpg\nAuthCode=none\n";
        fs::write(at("a.vms"), index).unwrap();
        fs::write(at("b.txt"), index).unwrap();
        let named = ["macro.jpg", "map.jpg", "scan1.jpg", "scan2.jpg"].map(at).to_vec();
        assert_eq!(Slide::parts_of(at("a.vms")), Parts::Files(named.clone()));
        assert_eq!(Slide::parts_of(at("b.txt")), Parts::Files(named));
        fs::write(at("c.mrxs"), [0xff, 0xd8]).unwrap();
        fs::write(at("d.tif"), b"II*\0").unwrap();
        fs::create_dir(at("c")).unwrap();
        fs::create_dir(at("d")).unwrap();
        assert_eq!(Slide::parts_of(at("c.mrxs")), Parts::None);
        for slide in ["c", "d"] {
            fs::write(at(slide).join("Slidedat.ini"), "").unwrap();
        }
        fs::write(at("c.jpg"), [0xff, 0xd8]).unwrap();
        assert_eq!(Slide::parts_of(at("c.mrxs")), Parts::Folder(at("c")));
        assert_eq!(Slide::parts_of(at("c.jpg")), Parts::Folder(at("c")));
        assert_eq!(Slide::parts_of(at("d.tif")), Parts::None);
        assert_eq!(Slide::parts_of(at("none")), Parts::None);
    }
}
