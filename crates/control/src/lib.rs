//! The words in which a person's faces (window, tray, terminal) speak to the engine.
//!
//! All a person can do is a [`Command`]; what they can look up is a [`Query`]; both are answered by an
//! [`Answer`] or a [`model::Problem`]. What they see live is the [`View`], sent section by section. The
//! framing on the owner-only socket is in [`frame`]; [`Client`] is the calling side.

mod answer;
mod client;
mod command;
pub mod frame;
mod query;
mod signing_in;
mod view;

pub use answer::{Answer, AppPreview, Check, ConfigChange, Doctor, GenericClient, Outcome, SignInEnd};
pub use client::{Client, ClientError, Events};
pub use command::{AppMethod, Command, KeysChoice, PauseFor, Proof};
pub use frame::{Ask, FromEngine, ToEngine};
pub use query::{ActivityFilter, Query};
pub use signing_in::{
    Dead, Exception, GivenClient, Hidden, MethodView, PermissionView, PermissionsView, ReceiptCause,
    ReceiptStep, ReceiptView, SignInMethod, SignInPhase, Stays, StepOutcome,
};
pub use view::{
    ActivityEntry, ActivityKind, AppState, AppView, CatalogueView, ConnectionState, ConnectionView, KeyView,
    KeysState, Method, PauseView, RequestAbout, RequestService, RequestView, Section, SectionName,
    ServiceState, ServiceView, SettingsView, ShownTools, SignInView, StatusView, ToolView, View,
};
