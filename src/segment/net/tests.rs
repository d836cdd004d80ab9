use super::*;

fn floats(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as f32 / 65_536.0 - 0.5
    };
    (0..n).map(|_| next()).collect()
}

fn dense(inputs: usize, outputs: usize, seed: u32) -> Dense {
    Dense::new(&floats(inputs * outputs, seed), &floats(outputs, seed + 1)).unwrap()
}

fn filter(channels: usize, side: usize, seed: u32) -> Depthwise {
    Depthwise::new(floats(channels * side * side, seed), floats(channels, seed + 1)).unwrap()
}

fn convolution(inputs: usize, outputs: usize, seed: u32) -> Convolution {
    Convolution::new(&floats(9 * inputs * outputs, seed), &floats(outputs, seed + 1)).unwrap()
}

/// A network with every kind of step.
fn net() -> Net {
    let steps = vec![
        Step::Mix(dense(2, 4, 1)),
        Step::Filter(filter(4, 3, 2), dense(4, 4, 3)),
        Step::Halve(dense(4, 8, 4)),
        Step::Block(filter(8, 5, 5), dense(8, 8, 6)),
        Step::Join(dense(8, 4, 7), 1),
        Step::Block(filter(4, 3, 8), dense(4, 4, 9)),
        Step::Convolve(convolution(4, 8, 11)),
        Step::Refine(convolution(8, 8, 12)),
        Step::Fold(dense(32, 8, 13)),
        Step::Join(dense(8, 8, 14), 7),
        Step::Head(dense(8, 4, 10)),
    ];
    Net::new(2, steps).unwrap()
}

/// Pixel (x, y) of an endless picture.
fn pixel(x: usize, y: usize, channel: usize) -> f32 {
    ((x * 31 + y * 17 + channel * 7) % 23) as f32 / 11.0 - 1.0
}

fn run(x0: usize, y0: usize, width: usize, height: usize) -> Vec<Vec<f32>> {
    let mut out = Vec::new();
    let fill = |y: usize, mut row: RowMut<'_>| {
        for c in 0..2 {
            row.channel(c).iter_mut().enumerate().for_each(|(x, v)| *v = pixel(x0 + x, y0 + y, c));
        }
    };
    net().run(width, height, fill, |_, row| out.push((0..4).flat_map(|c| row.channel(c).to_vec()).collect()));
    out
}

#[test]
fn a_pixel_depends_on_its_neighbourhood_alone() {
    let (whole, part) = (run(0, 0, 80, 60), run(16, 18, 40, 40));
    for y in 14..26 {
        for x in 14..26 {
            for c in 0..4 {
                assert_eq!(part[y][c * 40 + x], whole[18 + y][c * 80 + 16 + x], "{x} {y} {c}");
            }
        }
    }
}

#[test]
fn steps_compute_what_they_say() {
    fn t(steps: Vec<Step>, expected: impl Fn(&dyn Fn(isize, isize) -> f32, isize, isize) -> f32) {
        let at = |x: isize, y: isize| match (usize::try_from(x), usize::try_from(y)) {
            (Ok(x), Ok(y)) if x < 20 && y < 8 => pixel(x, y, 0),
            _ => 0.0,
        };
        let fill = |y: usize, mut row: RowMut<'_>| {
            row.channel(0).iter_mut().enumerate().for_each(|(x, v)| *v = pixel(x, y, 0));
        };
        let net = Net::new(1, steps).unwrap();
        net.run(20, 8, fill, |y, row| {
            for (x, &got) in row.channel(2).iter().enumerate() {
                let wanted = expected(&at, x as isize, y as isize);
                assert!((got - wanted).abs() < 1e-5, "{x} {y}: {got} {wanted}");
            }
        });
    }
    let dense = || Dense::new(&[1.0, 2.0, -0.5, 4.0], &[0.0, 0.0, 0.25, 0.0]).unwrap();
    t(vec![Step::Head(dense())], |at, x, y| 0.25 - 0.5 * at(x, y));
    t(vec![Step::Mix(dense())], |at, x, y| (0.25 - 0.5 * at(x, y)).max(0.0));
    t(vec![Step::Halve(dense())], |at, x, y| {
        let sum = at(2 * x, 2 * y) + at(2 * x + 1, 2 * y) + at(2 * x, 2 * y + 1) + at(2 * x + 1, 2 * y + 1);
        (0.25 - 0.125 * sum).max(0.0)
    });
    let taps: Vec<f32> = (0..25).map(|i| (i as f32).sin()).collect();
    let filter = Depthwise::new(taps.clone(), vec![0.1]).unwrap();
    // The third output keeps the lower left of each square.
    let corner: Vec<f32> = (0..16).map(|i| f32::from(u8::from(i == 2 * 4 + 2))).collect();
    let fold = Dense::new(&corner, &[0.0; 4]).unwrap();
    t(vec![Step::Fold(fold)], |at, x, y| at(2 * x, 2 * y + 1).max(0.0));
    let weights: Vec<f32> = (0..36).map(|i| (i as f32).cos()).collect();
    let summed = |at: &dyn Fn(isize, isize) -> f32, x: isize, y: isize| -> f32 {
        let taps = weights[18..27].iter().enumerate();
        0.2 + taps.map(|(i, t)| t * at(x + i as isize % 3 - 1, y + i as isize / 3 - 1)).sum::<f32>()
    };
    let convolution = || Convolution::new(&weights, &[0.0, 0.0, 0.2, 0.0]).unwrap();
    t(vec![Step::Convolve(convolution())], |at, x, y| summed(at, x, y).max(0.0));
    let alike: Vec<f32> =
        (0..144).map(|i| weights[i / 36 * 9 + i % 9] * f32::from(u8::from(i / 9 % 4 == 2))).collect();
    let refine = Convolution::new(&alike, &[0.0, 0.0, 0.2, 0.0]).unwrap();
    let same = Dense::new(&[1.0; 4], &[0.0; 4]).unwrap();
    t(vec![Step::Head(same), Step::Refine(refine)], |at, x, y| (at(x, y) + summed(at, x, y)).max(0.0));
    t(vec![Step::Filter(filter, dense())], |at, x, y| {
        let taps = taps.iter().enumerate();
        let sum: f32 = taps.map(|(i, t)| t * at(x + i as isize % 5 - 2, y + i as isize / 5 - 2)).sum();
        (0.25 - 0.5 * (sum + 0.1).max(0.0)).max(0.0)
    });
}

#[test]
fn steps_that_do_not_fit_are_refused() {
    assert!(Net::new(2, vec![Step::Mix(dense(3, 4, 1))]).is_none());
    assert!(
        Net::new(2, vec![Step::Mix(dense(2, 4, 1)), Step::Block(filter(3, 3, 1), dense(4, 4, 1))]).is_none()
    );
    assert!(Net::new(2, vec![Step::Mix(dense(2, 4, 1)), Step::Join(dense(4, 4, 1), 1)]).is_none());
    assert!(Dense::new(&[0.0; 9], &[0.0; 3]).is_none());
    assert!(Depthwise::new(vec![0.0; 16], vec![0.0]).is_none());
    assert!(Convolution::new(&[0.0; 40], &[0.0; 4]).is_none());
    assert!(Convolution::new(&[0.0; 54], &[0.0; 6]).is_none());
    assert!(Convolution::new(&[], &[]).is_none());
    assert!(Net::new(2, vec![Step::Refine(convolution(2, 4, 1))]).is_none());
    assert!(Net::new(4, vec![Step::Fold(dense(4, 4, 1))]).is_none());
}
