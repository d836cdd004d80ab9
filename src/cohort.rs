//! Comparison of treatment groups: one number per animal and endpoint, a rule for the choice of test that is fixed
//! before any p-value is seen, and everything a reader needs to judge the result.

pub mod absent;
pub mod adjusted;
pub mod analysis;
mod assumptions;
pub mod base;
mod blocks;
pub mod checks;
pub mod clustered;
pub mod compare;
mod contrasts;
pub mod declared;
mod equivalences;
mod omnibus;
mod planned;
pub mod question;
mod ranked;
pub mod recovery;
pub mod relate;
mod relative;
mod resolved;
mod sampling;
pub mod scores;
pub mod shares;
pub mod subjects;
pub mod text;
pub mod tidy;
mod trends;
mod warnings;

pub use analysis::{Analysis, analyse};
pub use compare::{Comparison, compare};
pub use question::{Arm, Kind, Question, Reference};
