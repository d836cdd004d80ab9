//! Sentences that every report carries.

/// The fixed report sentence (domain.md §4.4).
pub const STATEMENT: &str = "Scores are automated H&E surrogates for research comparison between groups processed \
                             together. They are not a diagnosis and were not read by a pathologist unless stated.";

/// What severity words rest on (domain.md §6).
pub const SEVERITY_BASIS: &str = "automated, extent only";

/// Returns what the numbers of an organ have been tested against, in one sentence. No labelled rodent H&E was
/// available, so none may sound as if it had been. `structures` is what [`tested`] returns: figures are those of that method
/// (docs/validation.md).
#[must_use]
pub fn validation(organ: &str, structures: Option<&str>) -> &'static str {
    match (organ, structures) {
        ("liver", _) => {
            "Nuclei were tested on human H&E and fat vacuoles on human liver H&E; everything else on synthetic slides \
             only; nothing on rodent tissue read by a pathologist."
        }
        ("kidney", Some("mixed")) => {
            "Nuclei were tested on human H&E, glomeruli on four human H&E tiles (by network and traced edges together, as here: capsules \
             with a Dice of 0.93, tufts of 0.89 on held-back tiles, two of each), tubules on eight (0.80 where labelled on three held-back ones, in two pieces \
             for each; the network learned from the others, and limits were set in view of them): check the outlines. Everything else was tested on \
             synthetic slides only; nothing on rodent tissue read by a pathologist."
        }
        ("kidney", Some("net")) => {
            "Nuclei were tested on human H&E, glomeruli on four human H&E tiles (by the built-in network alone: capsules with a Dice of 0.93, tufts of \
             0.91 on held-back tiles, two of each), tubules on eight (0.80 where labelled on three held-back ones, in two pieces for each; the network \
             learned from the others, and limits were set in view of them): check the outlines. Everything else was tested on synthetic slides \
             only; nothing on rodent tissue read by a pathologist."
        }
        ("kidney", Some("classical")) => {
            "Nuclei were tested on human H&E. Glomeruli and tubules were found by rules alone, as here, on four and eight human H&E tiles: capsules with \
             a Dice of 0.00 and tufts of 0.51 on two held-back tiles each (circles of tubules are taken for glomeruli), tubules of 0.41 on \
             three: do not use their numbers without a look at the outlines. Everything else was tested on synthetic slides only; nothing on \
             rodent tissue read by a pathologist."
        }
        ("kidney", _) => {
            "Nuclei were tested on human H&E, glomeruli and tubules on a few human H&E tiles (docs/validation.md tells how well by each built-in \
             method; by which they were found here is not recorded, or it is none of these): check the outlines. Everything else was tested on synthetic slides only; nothing on rodent tissue read \
             by a pathologist."
        }
        ("pancreas", _) => {
            "Nuclei were tested on human H&E; everything else on synthetic slides only; nothing on rodent tissue read \
             by a pathologist."
        }
        _ => "Nothing was tested on tissue read by a pathologist.",
    }
}

/// Models that the figures of [`validation`] are of.
const BUILT_IN: [&str; 2] = ["kidney-rgb", "tubules-rgb"];

/// Returns the method that found glomeruli and tubules (`net`, `mixed` or `classical`) if it is one that was tested: by rules,
/// or by the built-in models. `models` are those of glomeruli and tubules.
#[must_use]
pub fn tested<'a>(method: Option<&'a str>, models: [Option<&str>; 2]) -> Option<&'a str> {
    let expected = if method == Some("classical") { [None; 2] } else { BUILT_IN.map(Some) };
    method.filter(|_| models == expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_the_built_in_models_only() {
        let built_in = BUILT_IN.map(Some);
        assert_eq!(tested(Some("mixed"), built_in), Some("mixed"));
        assert_eq!(tested(Some("mixed"), [Some("lab"), built_in[1]]), None);
        assert_eq!(tested(Some("classical"), [None; 2]), Some("classical"));
        assert_eq!(tested(Some("classical"), [None, built_in[1]]), None);
        assert_eq!(tested(None, [None; 2]), None);
    }

    #[test]
    fn figures_are_those_of_the_method() {
        let t = |method, expected: &[&str]| {
            let told = validation("kidney", method);
            assert!(expected.iter().all(|e| told.contains(e)), "{told}");
        };
        t(Some("mixed"), &["0.93", "tufts of 0.89"]);
        t(Some("net"), &["0.93", "tufts of 0.91"]);
        t(Some("classical"), &["0.00", "tubules of 0.41"]);
        assert!(!validation("kidney", None).contains("0."));
    }
}
