use roxmltree::{Document, Node};

use super::*;

fn texts<'a>(drawn: &'a Document<'_>) -> Vec<Node<'a, 'a>> {
    drawn.root_element().descendants().filter(|n| n.has_tag_name("text")).collect()
}

fn number(node: Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

#[test]
fn ticks_are_round() {
    fn t(values: &[f64], expected: &[&str]) {
        let axis = Axis::covering("", values.iter().copied());
        let svg = marked(Chart::new(axis, Axis::Names(Vec::new()), (300.0, 50.0))).svg("a chart");
        let drawn = Document::parse(&svg).unwrap();
        let words: Vec<_> = texts(&drawn).into_iter().filter_map(|n| n.text()).collect();
        assert_eq!(words, expected, "{values:?}");
    }
    t(&[0.0, 10.0], &["0", "2", "4", "6", "8", "10"]);
    t(&[0.1, 0.4], &["0.10", "0.15", "0.20", "0.25", "0.30", "0.35", "0.40"]);
    t(&[-1.0, 1.0], &["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
    t(&[], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    t(&[f64::NAN, f64::INFINITY], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    t(&[0.0], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    t(&[3.0], &["1.5", "2.0", "2.5", "3.0", "3.5", "4.0", "4.5"]);
    t(&[1e-7, 5e-7], &["1e-7", "2e-7", "3e-7", "4e-7", "5e-7"]);
    t(&[1e9, 4e9], &["1e9", "1.5e9", "2e9", "2.5e9", "3e9", "3.5e9", "4e9"]);
    t(&[12.3451, 12.3459], &["12.3450", "12.3452", "12.3454", "12.3456", "12.3458", "12.3460"]);
}

#[test]
fn names_are_written_as_they_are() {
    let names = ["$5 < $6 & \"x\"", "tab\there", "ε$\\alpha$"].map(str::to_owned);
    let chart = Chart::columns(names.to_vec(), Axis::covering("y", []), 100.0);
    let svg = marked(chart).svg("<all> & \"more\"");
    let drawn = Document::parse(&svg).unwrap();
    let written: Vec<_> = texts(&drawn).into_iter().filter_map(|n| n.text()).collect();
    for name in ["$5 < $6 & \"x\"", "tab here", "ε$\\alpha$"] {
        assert!(written.contains(&name), "{written:?}");
    }
    let root = drawn.root_element();
    assert_eq!(root.attribute("role"), Some("img"));
    assert_eq!(root.attribute("aria-label"), Some("<all> & \"more\""));
    let title = root.children().find(|n| n.has_tag_name("title")).and_then(|n| n.text());
    assert_eq!(title, Some("<all> & \"more\""));
}

/// Returns a chart with a mark; without any, nothing is drawn.
fn marked(mut chart: Chart) -> Chart {
    chart.marks(0, 4.0, vec![Mark { at: (1.0, 0.0), title: String::new() }]);
    chart
}

/// Letters are taken as 0.55 of the font's size wide, about what sans-serif fonts have.
#[test]
fn text_stays_inside_the_picture_and_apart() {
    fn t(chart: Chart) {
        let svg = marked(chart).svg("a chart");
        let drawn = Document::parse(&svg).unwrap();
        let (width, height) = (number(drawn.root_element(), "width"), number(drawn.root_element(), "height"));
        let mut level: Vec<[f64; 4]> = Vec::new();
        assert!(texts(&drawn).len() > 6);
        for node in texts(&drawn) {
            let size = number(node, "font-size");
            let long = 0.55 * size * node.text().unwrap_or("").chars().count() as f64;
            let start = match node.attribute("text-anchor") {
                Some("end") => -long,
                Some("middle") => -long / 2.0,
                _ => 0.0,
            };
            let turned = node.attribute("transform").map_or(0.0, |t| {
                t["rotate(".len()..].split(',').next().unwrap().parse::<f64>().unwrap().to_radians()
            });
            let (x, y) = (number(node, "x"), number(node, "y"));
            for along in [start, start + long] {
                let at = (x + along * turned.cos(), y + along * turned.sin());
                assert!(at.0 >= 0.0 && at.0 <= width && at.1 >= 0.0 && at.1 <= height, "{at:?} in {svg}");
            }
            if turned == 0.0 {
                level.push([x + start, y - 0.7 * size, x + start + long, y]);
            }
        }
        for (i, a) in level.iter().enumerate() {
            for b in &level[i + 1..] {
                let apart = a[2] <= b[0] || b[2] <= a[0] || a[3] <= b[1] || b[3] <= a[1];
                assert!(apart, "{a:?} and {b:?} in {svg}");
            }
        }
    }
    let long = ["a group with a name of 30 signs", "another group, of 32 characters.", "short"];
    let names = || long.map(str::to_owned).to_vec();
    let value = || Axis::covering("a feature with a very long name indeed (cells per mm²)", [-3.2e-7, 8e-7]);
    for count in 1..=3 {
        t(Chart::columns(names()[..count].to_vec(), value(), 250.0));
        t(Chart::columns(long.map(|n| n[..5].to_owned())[..count].to_vec(), value(), 250.0));
        t(Chart::rows(value(), names()[..count].to_vec(), 330.0, 26.0));
    }
    let mut chart = Chart::new(value(), value(), (270.0, 250.0));
    chart.legend(long.into_iter().enumerate());
    t(chart);
}

#[test]
fn what_is_not_known_is_not_drawn() {
    let mut chart = Chart::columns(vec!["a".into()], Axis::covering("y", [1.0]), 100.0);
    chart.marks(0, 4.0, vec![Mark { at: (1.0, f64::NAN), title: "lost".into() }]);
    chart.mean(1.0, f64::NAN, Some(Interval { lo: 0.0, hi: f64::INFINITY }));
    let svg = chart.svg("a chart");
    assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("lost"), "{svg}");
}

#[test]
fn nothing_depends_on_what_was_drawn_before() {
    let draw = || {
        let mut chart = Chart::columns(vec!["a".into(), "b".into()], Axis::covering("y", [1.0, 2.0]), 100.0);
        chart.marks(0, 4.0, vec![Mark { at: (1.0, 1.5), title: "<1>".into() }]);
        chart.light_marks(1, 2.0, vec![Mark { at: (2.0, 2.0), title: String::new() }]);
        chart.mean(1.0, 1.5, None);
        chart.svg("a chart")
    };
    let (first, second) = (draw(), draw());
    assert_eq!(first, second);
    assert!(first.contains("<title>&lt;1&gt;</title>") && !first.contains("id=") && !first.contains("url("));
}

#[test]
fn groups_differ_in_colour_and_shape() {
    for (i, (colour, light, shape)) in GROUPS.iter().enumerate() {
        for other in &GROUPS[..i] {
            assert!(*colour != other.0 && *light != other.1 && *shape != other.2, "{colour}");
        }
    }
}

/// Twelve groups have eight colours, and no two look the same.
#[test]
fn many_groups_differ_in_colour_or_shape() {
    for (i, (colour, light, shape)) in (0..64).map(style).enumerate() {
        assert_eq!((i < 8, colour), (i < 8, GROUPS[i % 8].0));
        for other in (0..i).map(style) {
            assert!((colour, shape) != (other.0, other.2) && (light, shape) != (other.1, other.2), "{i}");
        }
    }
    assert!((0..8).all(|i| style(i) == GROUPS[i]));
}
