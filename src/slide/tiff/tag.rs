//! The TIFF tags a slide needs, by their names in the specification.

/// A TIFF tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::slide) struct Tag(pub(super) u16);

macro_rules! tags {
    ($($constant:ident = $number:literal $name:literal,)*) => {
        impl Tag {
            $(pub(in crate::slide) const $constant: Self = Self($number);)*

            /// Returns the specification's name.
            pub(in crate::slide) fn name(self) -> &'static str {
                match self.0 {
                    $($number => $name,)*
                    _ => "tag",
                }
            }
        }
    };
}

tags! {
    NEW_SUBFILE_TYPE = 254 "NewSubfileType",
    IMAGE_WIDTH = 256 "ImageWidth",
    IMAGE_LENGTH = 257 "ImageLength",
    BITS_PER_SAMPLE = 258 "BitsPerSample",
    COMPRESSION = 259 "Compression",
    PHOTOMETRIC = 262 "PhotometricInterpretation",
    FILL_ORDER = 266 "FillOrder",
    DOCUMENT_NAME = 269 "DocumentName",
    IMAGE_DESCRIPTION = 270 "ImageDescription",
    MAKE = 271 "Make",
    MODEL = 272 "Model",
    STRIP_OFFSETS = 273 "StripOffsets",
    ORIENTATION = 274 "Orientation",
    SAMPLES_PER_PIXEL = 277 "SamplesPerPixel",
    ROWS_PER_STRIP = 278 "RowsPerStrip",
    STRIP_BYTE_COUNTS = 279 "StripByteCounts",
    X_RESOLUTION = 282 "XResolution",
    Y_RESOLUTION = 283 "YResolution",
    PLANAR_CONFIG = 284 "PlanarConfiguration",
    RESOLUTION_UNIT = 296 "ResolutionUnit",
    SOFTWARE = 305 "Software",
    DATE_TIME = 306 "DateTime",
    ARTIST = 315 "Artist",
    PREDICTOR = 317 "Predictor",
    COLOR_MAP = 320 "ColorMap",
    TILE_WIDTH = 322 "TileWidth",
    TILE_LENGTH = 323 "TileLength",
    TILE_OFFSETS = 324 "TileOffsets",
    TILE_BYTE_COUNTS = 325 "TileByteCounts",
    SUB_IFDS = 330 "SubIFDs",
    EXTRA_SAMPLES = 338 "ExtraSamples",
    SAMPLE_FORMAT = 339 "SampleFormat",
    JPEG_TABLES = 347 "JPEGTables",
    YCBCR_SUBSAMPLING = 530 "YCbCrSubSampling",
    X_POSITION = 286 "XPosition",
    Y_POSITION = 287 "YPosition",
    HOST_COMPUTER = 316 "HostComputer",
    XML_PACKET = 700 "XMLPacket",
    COPYRIGHT = 33432 "Copyright",
    ICC_PROFILE = 34675 "ICCProfile",
    NDPI_FORMAT = 65420 "NDPI format flag",
    NDPI_SOURCE_LENS = 65421 "NDPI source lens",
    NDPI_X_OFFSET = 65422 "NDPI x offset",
    NDPI_Y_OFFSET = 65423 "NDPI y offset",
    NDPI_FOCAL_PLANE = 65424 "NDPI focal plane",
    NDPI_MCU_STARTS = 65426 "NDPI MCU starts",
    NDPI_REFERENCE = 65427 "NDPI reference",
    NDPI_MCU_STARTS_HIGH = 65432 "NDPI MCU starts, high words",
    NDPI_PROPERTY_MAP = 65449 "NDPI property map",
}
