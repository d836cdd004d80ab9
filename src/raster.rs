//! Pixel buffers: one channel ([`Plane`]), a yes/no map ([`Mask`]), colour ([`Rgb`]).

/// Defines a function whose loops over pixels run with the widest instructions that the processor has; what it computes
/// does not change. One lifetime serves all borrows.
macro_rules! wide {
    ($(#[$about:meta])* $vis:vis fn $name:ident<$life:lifetime $(, const $n:ident: usize)?>(
        $($arg:ident: $kind:ty),* $(,)?
    ) $(-> $out:ty)? $body:block) => {
        $(#[$about])*
        $vis fn $name<$life $(, const $n: usize)?>($($arg: $kind),*) $(-> $out)? {
            struct Work<$life $(, const $n: usize)?> {
                $($arg: $kind),*
            }

            impl<$life $(, const $n: usize)?> pulp::WithSimd for Work<$life $(, $n)?> {
                type Output = $crate::raster::wide!(@output $($out)?);

                // Never a closure or a function of its own: it would keep the instructions of every processor.
                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) -> Self::Output {
                    let Self { $($arg),* } = self;
                    $body
                }
            }

            pulp::Arch::new().dispatch(Work::<$life $(, $n)?> { $($arg),* })
        }
    };
    (@output) => { () };
    (@output $out:ty) => { $out };
}

pub(crate) use wide;

/// One value per pixel, row-major, no padding.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Plane<T> {
    width: usize,
    height: usize,
    data: Vec<T>,
}

/// A yes/no map: 0 is no, 1 is yes. One byte per pixel so that loops vectorise.
pub type Mask = Plane<u8>;

impl<T: Copy> Plane<T> {
    /// Creates a plane filled with `value`.
    #[must_use]
    pub fn filled(width: usize, height: usize, value: T) -> Self {
        Self { width, height, data: vec![value; width * height] }
    }

    /// Wraps existing row-major samples; `None` if their number is not `width · height`.
    #[must_use]
    pub fn from_vec(width: usize, height: usize, data: Vec<T>) -> Option<Self> {
        (data.len() == width.checked_mul(height)?).then_some(Self { width, height, data })
    }

    /// Returns the width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Returns all samples, row-major.
    #[must_use]
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// Returns all samples for writing, row-major.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// Returns one row. Panics if `y` is outside, which is a bug of the caller.
    #[must_use]
    pub fn row(&self, y: usize) -> &[T] {
        &self.data[y * self.width..(y + 1) * self.width]
    }

    /// Returns one row for writing. Panics if `y` is outside, which is a bug of the caller.
    pub fn row_mut(&mut self, y: usize) -> &mut [T] {
        &mut self.data[y * self.width..(y + 1) * self.width]
    }

    /// Returns the sample at (x, y). Panics outside, which is a bug of the caller.
    #[inline]
    #[must_use]
    pub fn at(&self, x: usize, y: usize) -> T {
        self.data[y * self.width + x]
    }

    /// Sets the sample at (x, y). Panics outside, which is a bug of the caller.
    #[inline]
    pub fn set(&mut self, x: usize, y: usize, value: T) {
        self.data[y * self.width + x] = value;
    }

    /// Returns the sample at (x, y), or `None` outside.
    #[inline]
    #[must_use]
    pub fn get(&self, x: i64, y: i64) -> Option<T> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        (x < self.width && y < self.height).then(|| self.at(x, y))
    }

    /// Returns a plane of the same size with `f` applied to every sample.
    #[must_use]
    pub fn map<U>(&self, f: impl Fn(T) -> U) -> Plane<U> {
        Plane { width: self.width, height: self.height, data: self.data.iter().map(|&v| f(v)).collect() }
    }
}

impl Mask {
    /// Returns the number of pixels that are set.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.data.iter().map(|&v| u64::from(v != 0)).sum()
    }
}

/// Colour pixels: red, green, blue, 8 bits each, interleaved, row-major, no padding.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Rgb {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

impl Rgb {
    /// Creates an image of one colour.
    #[must_use]
    pub fn filled(width: usize, height: usize, colour: [u8; 3]) -> Self {
        let mut data = vec![0; width * height * 3];
        for px in data.as_chunks_mut::<3>().0 {
            *px = colour;
        }
        Self { width, height, data }
    }

    /// Wraps existing samples; `None` if their number is not `3 · width · height`.
    #[must_use]
    pub fn from_vec(width: usize, height: usize, data: Vec<u8>) -> Option<Self> {
        (data.len() == width.checked_mul(height)?.checked_mul(3)?).then_some(Self { width, height, data })
    }

    /// Returns the picture without `px` pixels on each side; nothing where there is no more than that.
    #[must_use]
    pub fn without_margin(self, px: usize) -> Self {
        if px == 0 {
            return self;
        }
        let (width, height) = (self.width.saturating_sub(2 * px), self.height.saturating_sub(2 * px));
        if width == 0 || height == 0 {
            return Self::default();
        }
        let mut out = Self::filled(width, height, [0; 3]);
        (0..height).for_each(|y| out.row_mut(y).copy_from_slice(&self.row(y + px)[px..px + width]));
        out
    }

    /// Returns the width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Returns the samples, `3 · width · height` bytes.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Returns the samples for writing.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// Returns the pixels as RGB triples, row-major.
    #[must_use]
    pub fn pixels(&self) -> &[[u8; 3]] {
        self.data.as_chunks::<3>().0
    }

    /// Returns the pixels as RGB triples for writing, row-major.
    pub fn pixels_mut(&mut self) -> &mut [[u8; 3]] {
        self.data.as_chunks_mut::<3>().0
    }

    /// Returns one row of RGB triples. Panics if `y` is outside, which is a bug of the caller.
    #[must_use]
    pub fn row(&self, y: usize) -> &[[u8; 3]] {
        &self.pixels()[y * self.width..(y + 1) * self.width]
    }

    /// Returns one row of RGB triples for writing. Panics if `y` is outside.
    pub fn row_mut(&mut self, y: usize) -> &mut [[u8; 3]] {
        let w = self.width;
        &mut self.pixels_mut()[y * w..(y + 1) * w]
    }

    /// Takes the samples out.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_margin_is_cut_off() {
        let data: Vec<u8> = (0..5 * 4 * 3).collect();
        let picture = Rgb::from_vec(5, 4, data).unwrap();
        let inner = picture.clone().without_margin(1);
        assert_eq!((inner.width(), inner.height()), (3, 2));
        assert_eq!((inner.row(0)[0], inner.row(1)[2]), (picture.row(1)[1], picture.row(2)[3]));
        assert_eq!(picture.clone().without_margin(0), picture);
        assert_eq!(picture.without_margin(2), Rgb::default());
    }
}
