//! A whole engine in a home of its own: a playground on one side, apps and a person's faces on the other.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod asking;
mod asking_more;
mod asking_sign_in;
mod bridges;
mod catalogue;
mod house;
mod life;
mod requests;
mod services;
mod socket;
mod takeover;
mod tokens;
mod tools;
mod ways_in;
