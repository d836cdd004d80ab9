//! Whether groups are equivalent to the normal, or else the only, control.

use super::{
    analysis::Equivalence,
    question::{Arm, Kind, Question, Reference},
};
use crate::stats::{Interval, Result, ancova::Adjusted, equivalence, welch};

/// Returns the tests within the margin that was declared, of adjusted means where blocks are in the model, and why others were not made.
pub(super) fn all(question: &Question, blocked: Option<&Adjusted>) -> (Vec<Equivalence>, Vec<String>) {
    let Some(margin) = question.margin else { return Default::default() };
    let none = |why: &str| (Vec::new(), vec![format!("equivalence was not tested: {why}")]);
    if question.kind == Kind::Ordinal {
        return none("grades have no distances that a margin could measure");
    }
    let role = |role: &str| question.references.iter().find(|r| r.role == role);
    let Some(&Reference { arm: control, .. }) = role("normal").or_else(|| role("control")) else {
        return none("no normal or only control group of two animals or more");
    };
    let normal = &question.arms[control];
    let margins = Interval { lo: -margin, hi: margin };
    let one = |g: usize, arm: &Arm| -> Result<Equivalence> {
        let test = match blocked {
            Some(fit) => fit.contrast(g, control),
            None => welch::welch(&arm.values, &normal.values)?,
        };
        let found = equivalence::of_test(&test, margins, question.alpha)?;
        Ok(Equivalence {
            a: arm.name.clone(),
            b: normal.name.clone(),
            margin,
            estimate: found.estimate,
            interval: found.interval,
            df: found.df,
            p: found.p,
            equivalent: found.p < question.alpha,
        })
    };
    let (mut tests, mut untested) = (Vec::new(), Vec::new());
    for (g, arm) in question.arms.iter().enumerate().filter(|(g, _)| *g != control) {
        match one(g, arm) {
            Ok(found) => tests.push(found),
            Err(why) => {
                untested
                    .push(format!("equivalence of {} to {} was not tested: {why}", arm.name, normal.name));
            }
        }
    }
    (tests, untested)
}
