//! What the two programs of this crate share: `bellhop`, and the small `bellhop-bridge` that it turns into for apps.

pub mod bridge;
pub mod problem;
pub mod signal;
