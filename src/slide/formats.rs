//! The list of formats. Adding one means one file beside this one and one line below.

#[cfg(feature = "sakura")]
use super::sakura;
#[cfg(feature = "zarr")]
use super::zarr;
use super::{
    Format, aperio, czi, dicom, generic_tiff, huron, leica, mirax, ndpi, ome, philips, plain_image, trestle,
    ventana, vms,
};

/// Tried in order; put the pickiest first and plain images last.
pub(super) const FORMATS: &[Format] = &[
    aperio::FORMAT,
    ndpi::FORMAT,
    leica::FORMAT,
    philips::FORMAT,
    ventana::FORMAT,
    ome::FORMAT,
    trestle::FORMAT,
    huron::FORMAT,
    vms::FORMAT,
    mirax::FORMAT,
    dicom::FORMAT,
    czi::FORMAT,
    #[cfg(feature = "zarr")]
    zarr::FORMAT,
    #[cfg(feature = "sakura")]
    sakura::FORMAT,
    generic_tiff::FORMAT,
    plain_image::FORMAT,
];
