//! `references.bib`: citations of the software and of the methods that this comparison used, and of no others.

use super::{Run, methods::Made, page::figured};
use crate::cohort::{
    Comparison,
    checks::{GIVEN, MIXED},
};

/// What a citation is of.
type Used = fn(&Facts<'_>) -> bool;

/// What decides whether a method was used.
struct Facts<'a> {
    c: &'a Comparison,
    made: Made,
}

impl Facts<'_> {
    fn checked(&self, end: &str) -> bool {
        self.c.endpoints.iter().any(|e| e.analysis.contrasts.iter().any(|k| k.family.ends_with(end)))
    }

    fn holm(&self) -> bool {
        self.c.endpoints.iter().any(|e| e.analysis.contrasts.iter().any(|k| k.adjustment == "holm"))
    }
}

/// Returns the citations as BibTeX.
pub(super) fn references(c: &Comparison, run: &Run<'_>) -> String {
    let rubric = run.rubric.origin();
    let mut text = format!(
        "@software{{histograde,\n  title   = {{histograde: damage scoring of H\\&E whole-slide images of pancreas, liver \
         and kidney}},\n  version = {{{}}},\n  note    = {{rubric {}, SHA-256 {}}}\n}}\n",
        env!("CARGO_PKG_VERSION"),
        rubric.name,
        rubric.sha256
    );
    let facts = Facts { c, made: Made::of(c) };
    for cited in CITATIONS.iter().filter(|cited| (cited.used)(&facts)) {
        text += &cited.bibtex();
    }
    text
}

struct Citation {
    key: &'static str,
    author: &'static str,
    year: u16,
    journal: &'static str,
    volume: u16,
    pages: &'static str,
    title: &'static str,
    used: Used,
}

impl Citation {
    fn bibtex(&self) -> String {
        format!(
            "@article{{{},\n  author = {{{}}}, year = {{{}}}, journal = {{{}}}, volume = {{{}}}, pages = {{{}}},\n  title  = {{{}}}\n}}\n",
            self.key, self.author, self.year, self.journal, self.volume, self.pages, self.title
        )
    }
}

const CITATIONS: &[Citation] = &[
    Citation {
        key: "welch1951",
        author: "Welch, B. L.",
        year: 1951,
        journal: "Biometrika",
        volume: 38,
        pages: "330--336",
        title: "On the comparison of several mean values: an alternative approach",
        used: |f| f.made.has("welch_anova"),
    },
    Citation {
        key: "welch1947",
        author: "Welch, B. L.",
        year: 1947,
        journal: "Biometrika",
        volume: 34,
        pages: "28--35",
        title: "The generalization of {`Student's'} problem when several different population variances are involved",
        used: |f| f.made.has("welch_t") || f.made.has("welch_contrast"),
    },
    Citation {
        key: "gameshowell1976",
        author: "Games, P. A. and Howell, J. F.",
        year: 1976,
        journal: "Journal of Educational Statistics",
        volume: 1,
        pages: "113--125",
        title: "Pairwise multiple comparison procedures with unequal {N's} and/or variances: a {Monte Carlo} study",
        used: |f| f.made.has("games_howell"),
    },
    Citation {
        key: "dunnett1955",
        author: "Dunnett, C. W.",
        year: 1955,
        journal: "Journal of the American Statistical Association",
        volume: 50,
        pages: "1096--1121",
        title: "A multiple comparison procedure for comparing several treatments with a control",
        used: |f| f.made.has("dunnett"),
    },
    Citation {
        key: "kramer1956",
        author: "Kramer, C. Y.",
        year: 1956,
        journal: "Biometrics",
        volume: 12,
        pages: "307--310",
        title: "Extension of multiple range tests to group means with unequal numbers of replications",
        used: |f| f.made.has("tukey_kramer"),
    },
    Citation {
        key: "kruskal1952",
        author: "Kruskal, W. H. and Wallis, W. A.",
        year: 1952,
        journal: "Journal of the American Statistical Association",
        volume: 47,
        pages: "583--621",
        title: "Use of ranks in one-criterion variance analysis",
        used: |f| f.made.has("kruskal_wallis"),
    },
    Citation {
        key: "mann1947",
        author: "Mann, H. B. and Whitney, D. R.",
        year: 1947,
        journal: "The Annals of Mathematical Statistics",
        volume: 18,
        pages: "50--60",
        title: "On a test of whether one of two random variables is stochastically larger than the other",
        used: |f| f.made.has("mann_whitney"),
    },
    Citation {
        key: "dunn1964",
        author: "Dunn, O. J.",
        year: 1964,
        journal: "Technometrics",
        volume: 6,
        pages: "241--252",
        title: "Multiple comparisons using rank sums",
        used: |f| f.made.has("dunn"),
    },
    Citation {
        key: "jonckheere1954",
        author: "Jonckheere, A. R.",
        year: 1954,
        journal: "Biometrika",
        volume: 41,
        pages: "133--145",
        title: "A distribution-free {k-sample} test against ordered alternatives",
        used: |f| f.made.has("jonckheere_terpstra"),
    },
    Citation {
        key: "terpstra1952",
        author: "Terpstra, T. J.",
        year: 1952,
        journal: "Indagationes Mathematicae",
        volume: 14,
        pages: "327--333",
        title: "The asymptotic normality and consistency of {Kendall's} test against trend, when ties are present in one ranking",
        used: |f| f.made.has("jonckheere_terpstra"),
    },
    Citation {
        key: "holm1979",
        author: "Holm, S.",
        year: 1979,
        journal: "Scandinavian Journal of Statistics",
        volume: 6,
        pages: "65--70",
        title: "A simple sequentially rejective multiple test procedure",
        used: |f| f.holm(),
    },
    Citation {
        key: "benjamini1995",
        author: "Benjamini, Y. and Hochberg, Y.",
        year: 1995,
        journal: "Journal of the Royal Statistical Society B",
        volume: 57,
        pages: "289--300",
        title: "Controlling the false discovery rate: a practical and powerful approach to multiple testing",
        used: |f| f.made.adjusted || !f.c.relations.is_empty(),
    },
    Citation {
        key: "hedges1981",
        author: "Hedges, L. V.",
        year: 1981,
        journal: "Journal of Educational Statistics",
        volume: 6,
        pages: "107--128",
        title: "Distribution theory for {Glass's} estimator of effect size and related estimators",
        used: |f| f.made.hedges || f.made.adjusted_hedges,
    },
    Citation {
        key: "cliff1993",
        author: "Cliff, N.",
        year: 1993,
        journal: "Psychological Bulletin",
        volume: 114,
        pages: "494--509",
        title: "Dominance statistics: ordinal analyses to answer ordinal questions",
        used: |f| f.made.cliff,
    },
    Citation {
        key: "brunner2000",
        author: "Brunner, E. and Munzel, U.",
        year: 2000,
        journal: "Biometrical Journal",
        volume: 42,
        pages: "17--25",
        title: "The nonparametric {Behrens-Fisher} problem: asymptotic theory and a small-sample approximation",
        used: |f| f.made.cliff,
    },
    Citation {
        key: "freedman1983",
        author: "Freedman, D. and Lane, D.",
        year: 1983,
        journal: "Journal of Business and Economic Statistics",
        volume: 1,
        pages: "292--298",
        title: "A nonstochastic interpretation of reported significance levels",
        used: |f| f.checked(GIVEN),
    },
    Citation {
        key: "patterson1971",
        author: "Patterson, H. D. and Thompson, R.",
        year: 1971,
        journal: "Biometrika",
        volume: 58,
        pages: "545--554",
        title: "Recovery of inter-block information when block sizes are unequal",
        used: |f| f.checked(MIXED),
    },
    Citation {
        key: "satterthwaite1946",
        author: "Satterthwaite, F. E.",
        year: 1946,
        journal: "Biometrics Bulletin",
        volume: 2,
        pages: "110--114",
        title: "An approximate distribution of estimates of variance components",
        used: |f| f.checked(MIXED),
    },
    Citation {
        key: "fieller1954",
        author: "Fieller, E. C.",
        year: 1954,
        journal: "Journal of the Royal Statistical Society B",
        volume: 16,
        pages: "175--185",
        title: "Some problems in interval estimation",
        used: |f| f.c.endpoints.iter().flat_map(|e| &e.recovery).any(|r| r.interval.is_some()),
    },
    Citation {
        key: "schuirmann1987",
        author: "Schuirmann, D. J.",
        year: 1987,
        journal: "Journal of Pharmacokinetics and Biopharmaceutics",
        volume: 15,
        pages: "657--680",
        title: "A comparison of the two one-sided tests procedure and the power approach for assessing the equivalence of average bioavailability",
        used: |f| f.c.endpoints.iter().any(|e| !e.analysis.equivalences.is_empty()),
    },
    Citation {
        key: "spearman1904",
        author: "Spearman, C.",
        year: 1904,
        journal: "American Journal of Psychology",
        volume: 15,
        pages: "72--101",
        title: "The proof and measurement of association between two things",
        used: |f| !f.c.relations.is_empty(),
    },
    Citation {
        key: "lord2020",
        author: "Lord, S. J. and Velle, K. B. and Mullins, R. D. and Fritz-Laylin, L. K.",
        year: 2020,
        journal: "Journal of Cell Biology",
        volume: 219,
        pages: "e202001064",
        title: "{SuperPlots}: communicating reproducibility and variability in cell biology",
        used: |f| f.c.endpoints.iter().any(|e| figured(f.c, e)),
    },
    Citation {
        key: "percie2020",
        author: "Percie du Sert, N. and others",
        year: 2020,
        journal: "PLoS Biology",
        volume: 18,
        pages: "e3000410",
        title: "The {ARRIVE} guidelines 2.0: updated guidelines for reporting animal research",
        used: |_| true,
    },
];
