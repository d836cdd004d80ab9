//! Sentences that every report carries.

/// The fixed report sentence (domain.md §4.4).
pub const STATEMENT: &str = "Scores are automated H&E surrogates for research comparison between groups processed \
                             together. They are not a diagnosis and were not read by a pathologist unless stated.";

/// What severity words rest on (domain.md §6).
pub const SEVERITY_BASIS: &str = "automated, extent only";

/// Returns what the numbers of an organ have been tested against, in one sentence. No labelled rodent H&E was
/// available, so none may sound as if it had been.
#[must_use]
pub fn validation(organ: &str) -> &'static str {
    match organ {
        "liver" => {
            "Nuclei were tested on human H&E and fat vacuoles on human liver H&E; everything else on synthetic slides \
             only; nothing on rodent tissue read by a pathologist."
        }
        "kidney" => {
            "Nuclei were tested on human H&E, glomeruli on four human H&E tiles (as scored unless --structures says otherwise: capsules \
             with a Dice of 0.93, tufts of 0.89 on held-back tiles, two of each), tubules on eight (0.80 where labelled on three held-back ones, in two pieces \
             for each; the network learned from the others, and limits were set in view of them): check the outlines. Everything else was tested on \
             synthetic slides only; nothing on rodent tissue read by a pathologist."
        }
        "pancreas" => {
            "Nuclei were tested on human H&E; everything else on synthetic slides only; nothing on rodent tissue read \
             by a pathologist."
        }
        _ => "Nothing was tested on tissue read by a pathologist.",
    }
}
