//! What can be typed.

use clap::{Args, Parser, Subcommand};
use model::{Listing, Permit, Scope};
use std::{path::PathBuf, str::FromStr};

/// Keeps the keys to your online services, and lets the AI apps on this computer use them.
#[derive(Parser)]
#[command(name = "bellhop", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// The folder with all of Bellhop's files
    #[arg(long, global = true, env = "BELLHOP_HOME", value_name = "PATH")]
    pub home: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run Bellhop without a desktop
    Serve(Serve),
    /// How Bellhop is
    Status(List),
    /// The services you are signed in to
    Services {
        #[command(flatten)]
        list: List,
        #[command(subcommand)]
        command: Option<Services>,
    },
    /// The services that Bellhop knows
    Catalogue {
        #[command(flatten)]
        list: List,
        /// Words that stand in what is looked for
        search: Vec<String>,
    },
    /// The apps that ask to be let in, or to do more
    Requests(List),
    /// Let an app in, or let it do more
    Approve {
        /// The code of the request, as the browser and `bellhop requests` show it
        #[arg(required = true)]
        code: Vec<String>,
        /// What it may do, such as playground:write; what it may read is preselected
        #[arg(long = "scope", value_name = "S", value_parser = Permit::from_str)]
        scope: Vec<Permit>,
    },
    /// Refuse an app
    Deny {
        /// The code of the request
        #[arg(required = true)]
        code: Vec<String>,
    },
    /// The apps that were let in
    Connections {
        #[command(flatten)]
        list: List,
        #[command(subcommand)]
        command: Option<Connections>,
    },
    /// The keys for programs that can't sign in
    AccessKeys {
        #[command(flatten)]
        list: List,
        #[command(subcommand)]
        command: Option<AccessKeys>,
    },
    /// What to type into a program that Bellhop doesn't know
    GenericClient {
        #[command(flatten)]
        list: List,
        /// Print only this: json, toml or command
        #[arg(long = "as", value_name = "FORM", value_parser = ["json", "toml", "command"])]
        form: Option<String>,
    },
    /// Get tokens for a script on this computer, which the person allows in Bellhop
    Token(Token),
    /// Let no app's calls pass for a while
    Pause {
        /// minutes15, until-tomorrow or until-resume
        #[arg(default_value = "until-resume", value_parser = pause_for)]
        length: control::PauseFor,
    },
    /// Let calls pass again
    Resume,
    /// The AI apps on this computer
    Apps(List),
    /// Write Bellhop into an app's config
    Connect {
        /// The app, such as cursor
        app: String,
        /// Only show what would be written
        #[arg(long)]
        dry_run: bool,
    },
    /// Take Bellhop out of an app's config
    Disconnect {
        /// The app, such as cursor
        app: String,
    },
    /// Be the bridge that an app starts to reach Bellhop over stdio
    Mcp(Mcp),
    /// What happened
    Activity {
        #[command(flatten)]
        list: List,
        /// Go on with what happens from now
        #[arg(long, short)]
        follow: bool,
    },
    /// Check that all is well
    Doctor(List),
}

/// Something that is listed.
#[derive(Args, Clone, Copy)]
pub(crate) struct List {
    /// Print JSON, with exact times
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub(crate) struct Serve {
    /// The port on this computer that apps use [default: 27440; BELLHOP_PORT]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Where the key to your sign-ins is kept: keychain, passphrase, file=PATH or session
    #[arg(long, value_name = "WHERE", value_parser = Kept::from_str)]
    pub keys: Option<Kept>,
    /// Set the PIN for approvals from this file, instead of asking
    #[arg(long, value_name = "F")]
    pub pin_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum Services {
    /// Sign in to a service
    Add {
        /// Its address, or the name of a known one, such as playground
        url: String,
        /// Your own short name for it
        #[arg(long, value_name = "N")]
        name: Option<model::ShortName>,
        #[command(flatten)]
        how: How,
    },
    /// Sign in to a service again, or let Bellhop do more there
    SignIn {
        /// Its short name
        name: String,
        /// A permission to ask for beside those granted (repeatable)
        #[arg(long = "more", value_name = "P")]
        more: Vec<String>,
        #[command(flatten)]
        how: How,
    },
    /// All about one service
    Show {
        /// Its short name
        name: String,
        #[command(flatten)]
        list: List,
    },
    /// Delete a service and its sign-in, and print what was done about that
    Remove {
        /// Its short name
        name: String,
    },
    /// Show what was done about the sign-ins of removed services
    Receipts(List),
}

/// How to sign in to a service.
#[derive(Args, Clone)]
pub(crate) struct How {
    /// Print the address of the sign-in page instead of opening it
    #[arg(long)]
    pub no_browser: bool,
    /// auto, oauth, device, token, password or none
    #[arg(long, value_name = "M", default_value = "auto", value_parser = method)]
    pub method: control::SignInMethod,
    /// A permission to ask the provider for (repeatable); what only reads is preset
    #[arg(long, value_name = "P")]
    pub permission: Vec<String>,
    /// The client id that the provider gave you for Bellhop
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The file with the client secret that the provider gave you
    #[arg(long, value_name = "F", requires = "client_id")]
    pub client_secret_file: Option<PathBuf>,
    /// The file with the API token
    #[arg(long, value_name = "F", conflicts_with = "token_stdin")]
    pub token_file: Option<PathBuf>,
    /// Read the API token from standard input
    #[arg(long)]
    pub token_stdin: bool,
    /// The header that carries the API token as it is [default: Authorization, as a bearer]
    #[arg(long, value_name = "NAME")]
    pub header: Option<String>,
    /// The day on which the API token ends, as a reminder, such as 2027-03-31
    #[arg(long, value_name = "DATE", value_parser = crate::commands::day)]
    pub ends: Option<model::Timestamp>,
    /// The user of an application password
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// Sign in although the provider doesn't declare PKCE (S256); it is used all the same
    #[arg(long)]
    pub pkce_undeclared: bool,
    /// Don't tell the provider which resource the tokens are for (RFC 8707)
    #[arg(long)]
    pub no_resource: bool,
}

fn method(text: &str) -> Result<control::SignInMethod, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "it is auto, oauth, device, token, password or none".to_owned())
}

#[derive(Subcommand)]
pub(crate) enum Connections {
    /// Choose how the tools of all services are shown to an app
    Tools {
        /// The connection's id or its beginning, or its name
        id: String,
        /// auto, full, or compact: two tools that find and call the others
        #[arg(value_name = "auto|full|compact", value_parser = Listing::from_str)]
        listing: Listing,
    },
    /// Cut apps off
    Revoke {
        /// The connections' ids or their beginnings, or their names
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// All of them
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Let none of an app's calls pass until it is resumed
    Pause {
        /// The connection's id or its beginning, or its name
        id: String,
    },
    /// Let a paused app's calls pass again
    Resume {
        /// The connection's id or its beginning, or its name
        id: String,
    },
    /// Give a connection a name of your own
    Rename {
        /// The connection's id or its beginning, or its name
        id: String,
        /// The name; without one, the app's and the computer's again
        name: Option<String>,
    },
    /// Let an app that was cut off ask again
    Readmit {
        /// The connection's id or its beginning, or its name
        id: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum AccessKeys {
    /// Make a key, and print it; it is never shown again
    Add {
        /// What it is for, such as "Backup script"
        name: String,
        /// What it may do, such as playground:read (repeatable)
        #[arg(long = "scope", value_name = "S", value_parser = Permit::from_str, required = true)]
        scope: Vec<Permit>,
        /// The last day on which it works, such as 2027-03-31 [default: no end]
        #[arg(long, value_name = "DATE", value_parser = crate::commands::day)]
        ends: Option<model::Timestamp>,
        /// Write it into this file, which only you can read, instead of printing it
        #[arg(long, value_name = "F")]
        out: Option<PathBuf>,
    },
    /// Revoke a key
    Remove {
        /// Its name, or its connection's id or the beginning of that
        id: String,
    },
}

fn pause_for(text: &str) -> Result<control::PauseFor, String> {
    serde_json::from_value(text.replace('-', "_").into())
        .map_err(|_| "it is minutes15, until-tomorrow or until-resume".to_owned())
}

#[derive(Args)]
pub(crate) struct Token {
    /// Show a code here that the person compares in Bellhop (RFC 8628)
    #[arg(long, required = true)]
    pub device: bool,
    /// What the script is called
    #[arg(long, value_name = "N")]
    pub name: String,
    /// What it asks for, such as playground:read (repeatable) [default: reading everything]
    #[arg(long = "scope", value_name = "S", value_parser = Permit::from_str)]
    pub scope: Vec<Permit>,
    /// Write the tokens into this file, which only you can read, instead of printing them
    #[arg(long, value_name = "F")]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Mcp {
    /// The app that it is started for, such as claude-desktop
    #[arg(long, default_value = "", hide_default_value = true)]
    pub app: String,
    /// Don't start Bellhop when it isn't running, but wait for it
    #[arg(long)]
    pub no_start: bool,
}

/// Where the vault's key is kept, as `--keys` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Keychain,
    Passphrase,
    File(PathBuf),
    Session,
}

impl FromStr for Kept {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "keychain" => Ok(Self::Keychain),
            None if text == "passphrase" => Ok(Self::Passphrase),
            None if text == "session" => Ok(Self::Session),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err("it is keychain, passphrase, file=PATH or session".to_owned()),
        }
    }
}

/// All of `--scope` together.
pub(crate) fn scope(permits: Vec<Permit>) -> Option<Scope> {
    (!permits.is_empty()).then(|| Scope::new(permits))
}
