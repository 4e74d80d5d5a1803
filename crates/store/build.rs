//! The migrations are built into the program: a new one makes it new.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
