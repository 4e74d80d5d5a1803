//! Services and apps that are what they say they are.

mod accounts;
mod apps;
mod asking;
mod bridge;
mod documents;
mod faithful;
mod inspector;
mod mittwald;
mod oidc;
mod peers;
mod playground;
mod proxies;
mod python;
mod rmcp;
mod sdk;
mod signed;
mod ways_in;
