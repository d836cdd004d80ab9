//! One target, by the name of its binary; `HISTOGRADE_FUZZ_TARGET` chooses another one.

#![no_main]

#[allow(dead_code)]
#[path = "../../tests/common/build/mod.rs"]
mod build;
#[path = "../../tests/common/fuzz.rs"]
mod fuzz;
#[allow(dead_code)]
#[path = "../../tests/common/tiff.rs"]
mod tiff;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<&fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("HISTOGRADE_FUZZ_TARGET").unwrap_or(env!("CARGO_BIN_NAME").into());
    fuzz::Target::named(&name).unwrap_or_else(|| panic!("no target {name}"))
});

fuzz_target!(
    init: {
        // A panic that a driver catches is no crash; one that nobody catches ends the run all the same.
        std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
        // Building the slide around the inputs is not part of the first one's time.
        TARGET.lay(&TARGET.sound());
    },
    |data: &[u8]| {
        fuzz::survive(&TARGET.lay(data)).ok();
    }
);
