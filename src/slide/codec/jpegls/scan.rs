//! The scan of a JPEG-LS stream: contexts, Golomb codes, runs. Names are those of T.87, annex A.

use super::super::Fault;

/// How a scan orders the samples of its components.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Interleave {
    /// Line by line; also scans of one component.
    Line,
    /// Sample by sample.
    Sample,
}

const MAXVAL: i32 = 255;
/// Run lengths by run index, as powers of two.
const J: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Coding parameters a stream may set; 0 stands for the default.
#[derive(Default)]
pub(super) struct Preset {
    maxval: i32,
    thresholds: [i32; 3],
    reset: i32,
}

impl Preset {
    /// Reads a segment `LSE`.
    pub(super) fn read(&mut self, body: &[u8]) -> Result<(), Fault> {
        let &[1, ref values @ ..] = body else {
            return Err(Fault::Unsupported("JPEG-LS with mapping tables or large images".into()));
        };
        let words: Vec<i32> =
            values.as_chunks().0.iter().map(|&b| i32::from(u16::from_be_bytes(b))).collect();
        let [maxval, t1, t2, t3, reset] = words[..] else {
            return Err(Fault::damaged("five coding parameters", words.len()));
        };
        *self = Self { maxval, thresholds: [t1, t2, t3], reset };
        Ok(())
    }

    /// Returns the thresholds and the counter limit for a largest error of `near`.
    fn resolve(&self, near: i32) -> Result<([i32; 3], i32), Fault> {
        if !matches!(self.maxval, 0 | MAXVAL) {
            return Err(Fault::Unsupported(format!("JPEG-LS with a largest sample of {}", self.maxval)));
        }
        let mut last = near + 1;
        let mut thresholds = [3 + 3 * near, 7 + 5 * near, 21 + 7 * near];
        for (value, stored) in thresholds.iter_mut().zip(self.thresholds) {
            let wanted = if stored == 0 { *value } else { stored };
            *value = if (last..=MAXVAL).contains(&wanted) { wanted } else { last };
            last = *value;
        }
        let reset = if self.reset == 0 { 64 } else { self.reset };
        if reset < 3 {
            return Err(Fault::damaged("a counter limit of at least 3", reset));
        }
        Ok((thresholds, reset))
    }
}

/// Statistics of one context of the regular mode.
#[derive(Clone, Copy)]
struct Context {
    a: i32,
    b: i32,
    c: i32,
    n: i32,
}

/// Statistics of one context of run interruptions.
#[derive(Clone, Copy)]
struct RunContext {
    a: i32,
    n: i32,
    negative: i32,
}

/// Decodes one scan.
pub(super) struct Scan<'a> {
    bits: Bits<'a>,
    near: i32,
    range: i32,
    qbpp: u32,
    limit: u32,
    reset: i32,
    thresholds: [i32; 3],
    contexts: Vec<Context>,
    runs: [RunContext; 2],
}

impl<'a> Scan<'a> {
    pub(super) fn new(data: &'a [u8], preset: &Preset, near: u8) -> Result<Self, Fault> {
        let near = i32::from(near);
        if near > MAXVAL / 2 {
            return Err(Fault::damaged("an error of at most 127", near));
        }
        let (thresholds, reset) = preset.resolve(near)?;
        let range = (MAXVAL + 2 * near) / (2 * near + 1) + 1;
        let qbpp = 32 - (range as u32 - 1).leading_zeros();
        let a = ((range + 32) / 64).max(2);
        Ok(Self {
            bits: Bits::new(data),
            near,
            range,
            qbpp,
            limit: 32,
            reset,
            thresholds,
            contexts: vec![Context { a, b: 0, c: 0, n: 1 }; 365],
            runs: [RunContext { a, n: 1, negative: 0 }; 2],
        })
    }

    /// Decodes all lines into `out`, whose pixels have `stride` samples. Returns the bytes used.
    pub(super) fn decode(
        mut self,
        out: &mut [u8],
        width: usize,
        stride: usize,
        components: &[usize],
        interleave: Interleave,
    ) -> Result<usize, Fault> {
        // A sample on either side of each line, and a line of zeros above the first.
        let mut lines = vec![[vec![0; width + 2], vec![0; width + 2]]; components.len()];
        let mut run_index = vec![0; components.len()];
        for row in out.chunks_exact_mut(width * stride) {
            for [above, line] in &mut lines {
                std::mem::swap(above, line);
                above[width + 1] = above[width];
                line[0] = above[1];
            }
            match interleave {
                Interleave::Line => {
                    for ([above, line], run_index) in lines.iter_mut().zip(&mut run_index) {
                        self.line(above, line, run_index)?;
                    }
                }
                Interleave::Sample => self.triples(&mut lines, &mut run_index[0])?,
            }
            for ([_, line], &component) in lines.iter().zip(components) {
                let samples = row.iter_mut().skip(component).step_by(stride);
                samples.zip(&line[1..]).for_each(|(out, &sample)| *out = sample as u8);
            }
        }
        self.bits.finish()
    }

    fn line(&mut self, above: &[i32], line: &mut [i32], run_index: &mut usize) -> Result<(), Fault> {
        let width = line.len() - 2;
        let mut x = 1;
        while x <= width {
            let (a, q) = (line[x - 1], self.quantized(above, line, x));
            if q != 0 {
                line[x] = self.regular(q, a, above[x], above[x - 1])?;
                x += 1;
                continue;
            }
            let run = self.run(width + 1 - x, run_index)?;
            line[x..x + run].fill(a);
            x += run;
            if x > width {
                break;
            }
            line[x] = self.interruption(a, above[x], J[*run_index])?;
            *run_index = run_index.saturating_sub(1);
            x += 1;
        }
        Ok(())
    }

    fn triples(&mut self, lines: &mut [[Vec<i32>; 2]], run_index: &mut usize) -> Result<(), Fault> {
        let width = lines[0][0].len() - 2;
        let mut x = 1;
        while x <= width {
            let q: Vec<i32> = lines.iter().map(|[above, line]| self.quantized(above, line, x)).collect();
            if q.iter().any(|&q| q != 0) {
                for ([above, line], q) in lines.iter_mut().zip(q) {
                    line[x] = self.regular(q, line[x - 1], above[x], above[x - 1])?;
                }
                x += 1;
                continue;
            }
            let run = self.run(width + 1 - x, run_index)?;
            for [_, line] in lines.iter_mut() {
                let a = line[x - 1];
                line[x..x + run].fill(a);
            }
            x += run;
            if x > width {
                break;
            }
            for [above, line] in lines.iter_mut() {
                let (a, b) = (line[x - 1], above[x]);
                let error = self.run_error(0, J[*run_index])?;
                line[x] = self.sample(b, if b >= a { error } else { -error });
            }
            *run_index = run_index.saturating_sub(1);
            x += 1;
        }
        Ok(())
    }

    /// Returns the context of a sample with the sign of its first gradient; 0 for a flat place.
    fn quantized(&self, above: &[i32], line: &[i32], x: usize) -> i32 {
        let (a, b, c, d) = (line[x - 1], above[x], above[x - 1], above[x + 1]);
        81 * self.gradient(d - b) + 9 * self.gradient(b - c) + self.gradient(c - a)
    }

    fn gradient(&self, difference: i32) -> i32 {
        let [t1, t2, t3] = self.thresholds;
        let size = difference.abs();
        let class = if size <= self.near {
            0
        } else if size < t1 {
            1
        } else if size < t2 {
            2
        } else if size < t3 {
            3
        } else {
            4
        };
        class * difference.signum()
    }

    fn regular(&mut self, q: i32, a: i32, b: i32, c: i32) -> Result<i32, Fault> {
        let sign = if q < 0 { -1 } else { 1 };
        let context = self.contexts[q.unsigned_abs() as usize];
        let predicted = if c >= a.max(b) {
            a.min(b)
        } else if c <= a.min(b) {
            a.max(b)
        } else {
            a + b - c
        };
        let predicted = (predicted + sign * context.c).clamp(0, MAXVAL);
        let k = golomb(context.a, context.n)?;
        let mapped = self.bits.golomb(k, self.limit, self.qbpp)? as i32;
        let turned = self.near == 0 && k == 0 && 2 * context.b <= -context.n;
        let error = match (mapped & 1 == 1, turned) {
            (false, false) => mapped / 2,
            (true, false) => -(mapped + 1) / 2,
            (true, true) => (mapped - 1) / 2,
            (false, true) => -mapped / 2 - 1,
        };
        let step = 2 * self.near + 1;
        let reset = self.reset;
        self.contexts[q.unsigned_abs() as usize].update(error, error * step, reset);
        Ok(self.sample(predicted, sign * error))
    }

    /// Returns a sample from its prediction and its error, undoing the modulo.
    fn sample(&self, predicted: i32, error: i32) -> i32 {
        let step = 2 * self.near + 1;
        let mut value = predicted + error * step;
        if value < -self.near {
            value += self.range * step;
        } else if value > MAXVAL + self.near {
            value -= self.range * step;
        }
        value.clamp(0, MAXVAL)
    }

    /// Returns how many samples repeat the one before, of `rest` left in the line.
    fn run(&mut self, rest: usize, run_index: &mut usize) -> Result<usize, Fault> {
        let mut run = 0;
        while self.bits.take(1)? == 1 {
            let full = 1 << J[*run_index];
            let count = full.min(rest - run);
            run += count;
            if count == full {
                *run_index = (*run_index + 1).min(31);
            }
            if run == rest {
                return Ok(run);
            }
        }
        run += self.bits.take(J[*run_index])? as usize;
        if run >= rest {
            return Err(Fault::damaged(format!("a run of less than {rest} samples"), run));
        }
        Ok(run)
    }

    fn interruption(&mut self, a: i32, b: i32, shorter: u32) -> Result<i32, Fault> {
        if (a - b).abs() <= self.near {
            let error = self.run_error(1, shorter)?;
            return Ok(self.sample(a, error));
        }
        let error = self.run_error(0, shorter)?;
        Ok(self.sample(b, if b >= a { error } else { -error }))
    }

    fn run_error(&mut self, kind: usize, shorter: u32) -> Result<i32, Fault> {
        let context = &mut self.runs[kind];
        let kind = kind as i32;
        let k = golomb(context.a + if kind == 1 { context.n >> 1 } else { 0 }, context.n)?;
        let mapped = self.bits.golomb(k, self.limit - shorter - 1, self.qbpp)? as i32;
        let both = mapped + kind;
        let odd = both & 1 == 1;
        let size = (both + i32::from(odd)) / 2;
        let error = if (k != 0 || 2 * context.negative >= context.n) == odd { -size } else { size };
        context.negative += i32::from(error < 0);
        context.a += (mapped + 1 - kind) >> 1;
        if context.n == self.reset {
            (context.a, context.n, context.negative) =
                (context.a >> 1, context.n >> 1, context.negative >> 1);
        }
        context.n += 1;
        Ok(error)
    }
}

impl Context {
    fn update(&mut self, error: i32, bias: i32, reset: i32) {
        self.a += error.abs();
        self.b += bias;
        if self.n == reset {
            (self.a, self.b, self.n) = (self.a >> 1, self.b >> 1, self.n >> 1);
        }
        self.n += 1;
        if self.b <= -self.n {
            self.b = (self.b + self.n).max(1 - self.n);
            self.c = (self.c - 1).max(-128);
        } else if self.b > 0 {
            self.b = (self.b - self.n).min(0);
            self.c = (self.c + 1).min(127);
        }
    }
}

/// Returns the Golomb parameter of a context.
fn golomb(a: i32, n: i32) -> Result<u32, Fault> {
    let k = (0..24).find(|&k| n << k >= a);
    k.ok_or_else(|| Fault::damaged("JPEG-LS codes", "errors that cannot be"))
}

/// Reads bits; after a byte ff the next one has seven.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0, held: 0, count: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let after_ff = self.at > 0 && self.data.get(self.at - 1) == Some(&0xFF);
            let Some(&byte) = self.data.get(self.at) else { return };
            if after_ff && byte >= 0x80
                || byte == 0xFF && self.data.get(self.at + 1).is_none_or(|&b| b >= 0x80)
            {
                return;
            }
            let bits = if after_ff { 7 } else { 8 };
            self.held = self.held << bits | u64::from(byte);
            self.count += bits;
            self.at += 1;
        }
    }

    /// Takes up to 24 bits.
    fn take(&mut self, bits: u32) -> Result<u32, Fault> {
        if bits == 0 {
            return Ok(0);
        }
        if self.count < bits {
            self.fill();
        }
        self.count = self.count.checked_sub(bits).ok_or_else(ends_early)?;
        Ok((self.held >> self.count) as u32 & ((1 << bits) - 1))
    }

    /// Reads a limited Golomb code (T.87, A.5.3).
    fn golomb(&mut self, k: u32, limit: u32, qbpp: u32) -> Result<u32, Fault> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros >= limit {
                return Err(Fault::damaged(format!("at most {limit} zeros in a row"), zeros));
            }
        }
        if zeros < limit - qbpp - 1 {
            return Ok(zeros << k | self.take(k)?);
        }
        Ok(self.take(qbpp)? + 1)
    }

    /// Checks that a marker follows, and returns the bytes before it.
    fn finish(mut self) -> Result<usize, Fault> {
        self.fill();
        let marker = self.data.get(self.at..self.at + 2);
        // Less than a byte of padding may be left.
        if self.count < 16 && marker.is_some_and(|marker| marker[0] == 0xFF && marker[1] >= 0x80) {
            return Ok(self.at);
        }
        Err(Fault::damaged("a marker after the scan", "more data or none"))
    }
}

fn ends_early() -> Fault {
    Fault::damaged("a complete JPEG-LS stream", "one that ends early")
}
