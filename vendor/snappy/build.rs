//! Tells crates that compile C where the header is.

fn main() {
    println!("cargo:rerun-if-changed=include");
    println!("cargo:include={}/include", std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
}
