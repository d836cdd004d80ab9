//! The layers of a small convolutional network, for one band of rows at a time.
//!
//! Every output is a sum in fixed order without fused operations, so it depends on its own neighbourhood
//! only and is the same on every machine and for every window.

/// Pixels computed together: the compiler keeps their sums in registers.
const LANES: usize = 8;
/// Output channels computed together.
const GROUP: usize = 4;
/// Empty columns on each side of a row: as far as the widest kernel reaches, and a whole number of lanes.
const MARGIN: usize = LANES;

/// Activations: rows of channels of pixels.
#[derive(Clone, Debug)]
pub(super) struct Maps {
    channels: usize,
    width: usize,
    height: usize,
    stride: usize,
    data: Vec<f32>,
}

impl Maps {
    /// Creates maps of zeros.
    pub(super) fn zeros(channels: usize, width: usize, height: usize) -> Self {
        let stride = width.next_multiple_of(LANES) + 2 * MARGIN;
        Self { channels, width, height, stride, data: vec![0.0; channels * height * stride] }
    }

    fn start(&self, y: usize, channel: usize) -> usize {
        (y * self.channels + channel) * self.stride
    }

    /// Returns one row of one channel.
    pub(super) fn row(&self, y: usize, channel: usize) -> &[f32] {
        let start = self.start(y, channel) + MARGIN;
        &self.data[start..start + self.width]
    }

    /// Returns one row of one channel for writing.
    pub(super) fn row_mut(&mut self, y: usize, channel: usize) -> &mut [f32] {
        let start = self.start(y, channel) + MARGIN;
        &mut self.data[start..start + self.width]
    }

    /// A row up to whole lanes, with `reach` columns more on each side.
    fn lanes(&self, y: usize, channel: usize, reach: usize) -> &[f32] {
        let start = self.start(y, channel);
        &self.data[start + MARGIN - reach..start + self.stride - MARGIN + reach]
    }

    fn lanes_mut(&mut self, y: usize, channel: usize) -> &mut [f32] {
        let start = self.start(y, channel);
        let end = start + self.stride - MARGIN;
        &mut self.data[start + MARGIN..end]
    }

    /// Adds other maps and sets what is below zero to zero. Both have the same shape.
    pub(super) fn add_rectified(&mut self, other: &Self) {
        for (a, &b) in self.data.iter_mut().zip(&other.data) {
            *a = (*a + b).max(0.0);
        }
    }

    /// Halves both sides by averaging squares of two pixels.
    pub(super) fn halved(&self) -> Self {
        let mut out = Self::zeros(self.channels, self.width / 2, self.height / 2);
        for y in 0..out.height {
            for channel in 0..self.channels {
                let (upper, lower) = (self.row(2 * y, channel), self.row(2 * y + 1, channel));
                let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
                for (out, (a, b)) in out.row_mut(y, channel).iter_mut().zip(pairs) {
                    *out = (a[0] + a[1] + b[0] + b[1]) * 0.25;
                }
            }
        }
        out
    }

    /// Doubles both sides by repeating pixels.
    pub(super) fn doubled(&self) -> Self {
        let mut out = Self::zeros(self.channels, self.width * 2, self.height * 2);
        for y in 0..out.height {
            for channel in 0..self.channels {
                let source = self.row(y / 2, channel);
                for (pair, &v) in out.row_mut(y, channel).as_chunks_mut::<2>().0.iter_mut().zip(source) {
                    *pair = [v; 2];
                }
            }
        }
        out
    }
}

/// Weights of a layer, batch normalisation folded in.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// Output channels × inputs (channels of a dense layer, taps of a depthwise one).
    pub(super) weights: Vec<f32>,
    /// One per output channel.
    pub(super) bias: Vec<f32>,
}

impl Layer {
    /// Mixes the channels of every pixel.
    pub(super) fn dense(&self, input: &Maps, rectify: bool) -> Maps {
        let outputs = self.bias.len();
        let floor = if rectify { 0.0 } else { f32::NEG_INFINITY };
        let mut out = Maps::zeros(outputs, input.width, input.height);
        for y in 0..input.height {
            for first in (0..outputs).step_by(GROUP) {
                self.dense_group(input, &mut out, y, first, floor);
            }
        }
        out
    }

    fn dense_group(&self, input: &Maps, out: &mut Maps, y: usize, first: usize, floor: f32) {
        let inputs = input.channels;
        let weight = |k: usize, i: usize| self.weights[(first + k) * inputs + i];
        let table: Vec<[f32; GROUP]> = (0..inputs).map(|i| std::array::from_fn(|k| weight(k, i))).collect();
        let bias: [f32; GROUP] = std::array::from_fn(|k| self.bias[first + k]);
        for block in 0..(input.stride - 2 * MARGIN) / LANES {
            let at = block * LANES;
            let mut sums = bias.map(|b| [b; LANES]);
            for (i, weights) in table.iter().enumerate() {
                let source = &input.lanes(y, i, 0)[at..at + LANES];
                for (sum, &w) in sums.iter_mut().zip(weights) {
                    for (s, &v) in sum.iter_mut().zip(source) {
                        *s += w * v;
                    }
                }
            }
            for (k, sum) in sums.iter().enumerate() {
                let to = &mut out.lanes_mut(y, first + k)[at..at + LANES];
                for (t, &s) in to.iter_mut().zip(sum) {
                    *t = s.max(floor);
                }
            }
        }
    }

    /// Filters every channel by its own square kernel of side `SIDE`, and sets what is below zero to zero. Outside is zero.
    pub(super) fn depthwise<const SIDE: usize>(&self, input: &Maps) -> Maps {
        let reach = SIDE / 2;
        let mut out = Maps::zeros(input.channels, input.width, input.height);
        for y in 0..input.height {
            for channel in 0..input.channels {
                let to = out.lanes_mut(y, channel);
                to.fill(self.bias[channel]);
                for (ky, taps) in
                    self.weights[channel * SIDE * SIDE..].chunks_exact(SIDE).take(SIDE).enumerate()
                {
                    let Some(from) = (y + ky).checked_sub(reach).filter(|&r| r < input.height) else {
                        continue;
                    };
                    let source = input.lanes(from, channel, reach);
                    add_taps::<SIDE>(to, source, taps);
                }
                to.iter_mut().for_each(|v| *v = v.max(0.0));
            }
        }
        out
    }
}

/// Adds one row of a kernel: `source` reaches half a kernel beyond `to` on each side.
fn add_taps<const SIDE: usize>(to: &mut [f32], source: &[f32], taps: &[f32]) {
    let taps: [f32; SIDE] = std::array::from_fn(|k| taps[k]);
    let blocks = to.as_chunks_mut::<LANES>().0;
    for (i, block) in blocks.iter_mut().enumerate() {
        let near = &source[i * LANES..i * LANES + LANES + SIDE - 1];
        for (k, &tap) in taps.iter().enumerate() {
            for (t, &v) in block.iter_mut().zip(&near[k..k + LANES]) {
                *t += tap * v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(channels: usize, width: usize, height: usize) -> Maps {
        let mut out = Maps::zeros(channels, width, height);
        let mut state = 3u32;
        for y in 0..height {
            for c in 0..channels {
                for v in out.row_mut(y, c) {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    *v = (state >> 16) as f32 / 65_536.0 - 0.5;
                }
            }
        }
        out
    }

    #[test]
    fn dense_layers_mix_channels() {
        let input = maps(3, 13, 4);
        let layer = Layer { weights: (0..12).map(|i| i as f32 * 0.1 - 0.5).collect(), bias: vec![0.1; 4] };
        let out = layer.dense(&input, true);
        for (y, x, k) in [(0, 0, 0), (3, 12, 3), (2, 7, 1)] {
            let sum: f32 = (0..3).map(|i| layer.weights[k * 3 + i] * input.row(y, i)[x]).sum::<f32>() + 0.1;
            assert!((out.row(y, k)[x] - sum.max(0.0)).abs() < 1e-6);
        }
    }

    #[test]
    fn depthwise_layers_filter_with_zeros_outside() {
        fn t<const SIDE: usize>() {
            let input = maps(2, 11, 6);
            let taps = SIDE * SIDE;
            let layer =
                Layer { weights: (0..2 * taps).map(|i| (i as f32).sin()).collect(), bias: vec![0.2; 2] };
            let out = layer.depthwise::<SIDE>(&input);
            for (y, x, c) in [(0, 0, 0), (5, 10, 1), (3, 4, 1), (1, 10, 0)] {
                let mut sum = 0.2;
                for ky in 0..SIDE {
                    for kx in 0..SIDE {
                        let (sy, sx) =
                            ((y + ky) as i64 - (SIDE / 2) as i64, (x + kx) as i64 - (SIDE / 2) as i64);
                        if (0..6).contains(&sy) && (0..11).contains(&sx) {
                            sum += layer.weights[c * taps + ky * SIDE + kx]
                                * input.row(sy as usize, c)[sx as usize];
                        }
                    }
                }
                let sum = f32::max(sum, 0.0);
                assert!((out.row(y, c)[x] - sum).abs() < 1e-5, "{SIDE} {y} {x}");
            }
        }
        t::<3>();
        t::<5>();
    }

    #[test]
    fn halving_and_doubling() {
        let input = maps(1, 6, 4);
        let half = input.halved();
        let mean = (input.row(2, 0)[4] + input.row(2, 0)[5] + input.row(3, 0)[4] + input.row(3, 0)[5]) / 4.0;
        assert!((half.row(1, 0)[2] - mean).abs() < 1e-6);
        assert_eq!(half.doubled().row(3, 0)[5], half.row(1, 0)[2]);
    }
}
