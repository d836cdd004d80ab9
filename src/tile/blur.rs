//! How blurred a picture is, measured within 8×8 blocks so that JPEG coefficients and pixels tell the same.

use crate::raster::Rgb;

/// Side of a block, in pixels.
pub(crate) const BLOCK: usize = 8;
/// Deviation from the blocks' means, in grey levels, below which there is nothing to judge sharpness by [expert].
const LEAST_DETAIL: f64 = 1.0;
/// Weights of red, green and blue in luma (ITU-R BT.601), as JPEG has them.
pub(crate) const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// Sums over the blocks of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Detail {
    /// Squares of the Laplacian of luma, mirrored at the edges of each block.
    pub(crate) laplacian: f64,
    /// Squares of the deviation of luma from its block's mean.
    pub(crate) deviation: f64,
    /// Pixels that were summed.
    pub(crate) pixels: u64,
}

impl Detail {
    /// Sums over the whole 8×8 blocks of a picture.
    #[must_use]
    pub fn of(rgb: &Rgb) -> Self {
        let (columns, rows) = (rgb.width() / BLOCK, rgb.height() / BLOCK);
        let mut sum = Self::default();
        let mut band = vec![0.0f32; BLOCK * columns * BLOCK];
        for row in 0..rows {
            for (y, luma) in band.chunks_exact_mut(columns * BLOCK).enumerate() {
                for (luma, px) in luma.iter_mut().zip(rgb.row(row * BLOCK + y)) {
                    *luma = (0..3).map(|k| LUMA[k] * f32::from(px[k])).sum();
                }
            }
            for column in 0..columns {
                let block: [[f32; BLOCK]; BLOCK] = std::array::from_fn(|y| {
                    std::array::from_fn(|x| band[y * columns * BLOCK + column * BLOCK + x])
                });
                sum.add_block(&block);
            }
        }
        sum
    }

    fn add_block(&mut self, block: &[[f32; BLOCK]; BLOCK]) {
        self.pixels += (BLOCK * BLOCK) as u64;
        let first = block[0][0];
        if block.as_flattened().iter().fold(true, |same, &v| same & (v == first)) {
            return;
        }
        let mean = block.as_flattened().iter().sum::<f32>() / (BLOCK * BLOCK) as f32;
        let (mut laplacian, mut deviation) = ([0.0f32; BLOCK], [0.0f32; BLOCK]);
        for y in 0..BLOCK {
            let (above, below) = (&block[y.saturating_sub(1)], &block[(y + 1).min(BLOCK - 1)]);
            let row = &block[y];
            for x in 0..BLOCK {
                let beside = row[x.saturating_sub(1)] + row[(x + 1).min(BLOCK - 1)];
                let value = 4.0 * row[x] - beside - above[x] - below[x];
                laplacian[x] += value * value;
                deviation[x] += (row[x] - mean) * (row[x] - mean);
            }
        }
        self.laplacian += f64::from(laplacian.iter().sum::<f32>());
        self.deviation += f64::from(deviation.iter().sum::<f32>());
    }

    /// Adds the sums of another picture.
    pub(crate) fn add(&mut self, other: Self) {
        self.laplacian += other.laplacian;
        self.deviation += other.deviation;
        self.pixels += other.pixels;
    }

    /// Returns the blur, 0 (sharp) to 1: `1 / (1 + L / D)`, where L is the root mean square of the Laplacian of luma and
    /// D that of luma's deviation from the mean of its 8×8 block. The quotient does not depend on contrast. Tissue in
    /// focus has about 0.35 to 0.6, out of focus above 0.7. `None` for a picture without detail, such as glass.
    #[must_use]
    pub fn blur(&self) -> Option<f64> {
        let root = |sum: f64| (sum / self.pixels.max(1) as f64).sqrt();
        let (laplacian, deviation) = (root(self.laplacian), root(self.deviation));
        (deviation >= LEAST_DETAIL).then(|| deviation / (deviation + laplacian))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blur_tells_sharp_from_smooth() {
        fn t(wave_px: f64, low: f64, high: f64) {
            let mut rgb = Rgb::filled(64, 64, [0; 3]);
            for (i, px) in rgb.pixels_mut().iter_mut().enumerate() {
                let phase = (i % 64) as f64 * std::f64::consts::TAU / wave_px;
                *px = [(128.0 + 60.0 * phase.sin()) as u8; 3];
            }
            let blur = Detail::of(&rgb).blur().unwrap();
            assert!((low..high).contains(&blur), "{wave_px}: {blur}");
        }
        t(2.5, 0.0, 0.35);
        t(8.0, 0.5, 0.75);
        t(40.0, 0.75, 1.0);
        assert_eq!(Detail::of(&Rgb::filled(64, 64, [240; 3])).blur(), None);
        assert_eq!(Detail::of(&Rgb::filled(4, 4, [240; 3])).blur(), None);
    }

    #[test]
    fn blur_does_not_depend_on_contrast() {
        let picture = |amplitude: u32| {
            let mut rgb = Rgb::filled(64, 64, [0; 3]);
            for (i, px) in rgb.pixels_mut().iter_mut().enumerate() {
                *px = [(100 + amplitude * (i as u32 * 7 % 13)) as u8; 3];
            }
            Detail::of(&rgb).blur().unwrap()
        };
        assert!((picture(3) - picture(9)).abs() < 1e-3);
    }
}
