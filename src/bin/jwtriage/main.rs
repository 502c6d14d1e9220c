//! The command line of jwtriage.
fn main() {}
