//! `power`: the size of the next study.

use histograde::stats::power;
use serde_json::json;

use super::{Exit, Failure, args};

/// Animals that a group has at least.
const FEWEST: f64 = 2.0;

pub(super) fn run(args: &args::Power) -> Result<Exit, Failure> {
    let groups = args.groups.unwrap_or(2) as usize;
    let reached = |n: f64| match (args.effect, args.difference) {
        (Some(f), _) => power::anova(groups, n, f, args.alpha),
        (None, d) => power::t_test(n, d.unwrap_or(0.0), args.alpha),
    };
    let exact = match (args.effect, args.difference) {
        (Some(f), _) => power::anova_n(groups, f, args.alpha, args.power),
        (None, d) => power::t_test_n(d.unwrap_or(0.0), args.alpha, args.power),
    };
    let test = if args.effect.is_some() { "analysis of variance" } else { "two-sided t test" };
    let needed = exact.ceil();
    if args.json {
        let value = match args.n {
            Some(n) => json!({ "test": test, "groups": groups, "n_per_group": n, "alpha": args.alpha,
                               "power": reached(f64::from(n)) }),
            None => json!({ "test": test, "groups": groups, "alpha": args.alpha, "power_wanted": args.power,
                            "n_per_group_exact": exact, "n_per_group": needed, "power": reached(needed) }),
        };
        super::print(&format!("{value:#}\n"))?;
        return Ok(Exit::AllDone);
    }
    let text = match args.n {
        Some(n) => format!(
            "{test}, {groups} groups of {n} animals, alpha {}: power {:.4}\n",
            args.alpha,
            reached(f64::from(n))
        ),
        None if !exact.is_finite() => format!("{test}: more than a million animals per group\n"),
        None if exact <= FEWEST => format!(
            "{test}, {groups} groups, alpha {}: {FEWEST} animals per group, the fewest there can be, give a power of {:.4} where {} was \
             asked for. Add animals for expected losses.\n",
            args.alpha,
            reached(FEWEST),
            args.power
        ),
        None => format!(
            "{test}, {groups} groups, alpha {}: {needed} animals per group for a power of {} ({exact:.4} exactly; {needed} \
             give {:.4}). Add animals for expected losses.\n",
            args.alpha,
            args.power,
            reached(needed)
        ),
    };
    super::print(&text)?;
    Ok(Exit::AllDone)
}
