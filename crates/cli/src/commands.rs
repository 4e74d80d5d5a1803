//! The commands, one file a group.

mod access_keys;
mod activity;
mod apps;
mod catalogue;
mod connections;
mod doctor;
mod generic_client;
mod pause;
mod person;
mod receipts;
mod requests;
mod serve;
mod services;
mod sign_in;
mod status;
mod token;

pub(crate) use sign_in::day;

use crate::{
    bridge,
    cli::{AccessKeys, Cli, Command, Services},
    face::Face,
    output::Output,
};
use bellhop_cli::{problem::Stop, signal};
use engine::Home;
use model::{Problem, Scope};
use std::process::ExitCode;

/// Do what was typed.
pub(crate) fn run(cli: Cli) -> Result<(), Stop> {
    let home = cli.home;
    if let Command::Mcp(mcp) = cli.command {
        // Only a spelling that the short way in doesn't know gets here.
        let ended = bridge::run(bridge::Args { app: mcp.app, home, start: !mcp.no_start });
        return if ended == ExitCode::SUCCESS { Ok(()) } else { Err(Stop::Said) };
    }
    let home = Home::find(home)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // One is enough for more calls than all apps of a person make, and cheaper: no call wakes another thread,
        // and none keeps memory of its own. What takes long goes to threads of its own.
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| Problem::new("cli.runtime", format!("Bellhop can't start: {e}."), "Try again."))?;
    let done = runtime.block_on(async {
        match cli.command {
            // These two end by themselves at Ctrl-C, in good order.
            Command::Serve(args) => serve::serve(home, args).await,
            command @ Command::Services {
                command: Some(Services::Add { .. } | Services::SignIn { .. }),
                ..
            } => ask(&home, command).await,
            command => {
                tokio::select! {
                    done = ask(&home, command) => done,
                    () = signal::interrupt() => Err(Stop::Interrupted),
                }
            }
        }
    });
    // A read from the terminal may be under way, and can't be cancelled.
    runtime.shutdown_background();
    done
}

async fn ask(home: &Home, command: Command) -> Result<(), Stop> {
    let out = Output::new();
    if let Command::Doctor(list) = command {
        return doctor::doctor(home, &out, list).await;
    }
    if let Command::Token(args) = command {
        return token::token(home, &out, args).await;
    }
    let mut face = Face::open(home).await?;
    match command {
        Command::Status(list) => status::status(&face, &out, list).await,
        Command::Services { list, command: None } => services::list(&face, &out, list).await,
        Command::Services { command: Some(Services::Add { url, name, mut how }), .. } => {
            if how.token_file.is_some() || how.token_stdin {
                how.method = control::SignInMethod::Token;
            }
            services::add(&face, &out, url, name, how).await
        }
        Command::Services { command: Some(Services::SignIn { name, more, how }), .. } => {
            services::again(&face, &out, &name, &more, how).await
        }
        Command::Services { command: Some(Services::Show { name, list }), .. } => {
            services::show(&face, &out, &name, list).await
        }
        Command::Services { command: Some(Services::Remove { name }), .. } => {
            services::remove(&face, &out, &name).await
        }
        Command::Services { command: Some(Services::Receipts(list)), .. } => {
            receipts::list(&face, &out, list).await
        }
        Command::Catalogue { list, search } => catalogue::list(&face, &out, list, &search).await,
        Command::Requests(list) => requests::list(&face, &out, list).await,
        Command::Approve { code, scope } => {
            requests::approve(&face, &out, &code.join(" "), crate::cli::scope(scope)).await
        }
        Command::Deny { code } => requests::deny(&face, &out, &code.join(" ")).await,
        Command::Connections { list, command: None } => connections::list(&face, &out, list).await,
        Command::Connections { command: Some(command), .. } => connections::change(&face, command).await,
        Command::AccessKeys { list, command: None } => access_keys::list(&face, &out, list).await,
        Command::AccessKeys { command: Some(AccessKeys::Add { name, scope, ends, out: file }), .. } => {
            let scope = Scope::new(scope);
            access_keys::add(&face, &out, name, scope, ends, file.as_deref()).await
        }
        Command::AccessKeys { command: Some(AccessKeys::Remove { id }), .. } => {
            access_keys::remove(&face, &id).await
        }
        Command::GenericClient { list, form } => {
            generic_client::show(&face, &out, list, form.as_deref()).await
        }
        Command::Pause { length } => pause::pause(&face, length).await,
        Command::Resume => pause::resume(&face).await,
        Command::Apps(list) => apps::list(&face, &out, list).await,
        Command::Connect { app, dry_run } => apps::connect(&face, &out, &app, dry_run).await,
        Command::Disconnect { app } => apps::disconnect(&face, &out, &app).await,
        Command::Activity { list, follow } => activity::activity(&mut face, &out, list, follow).await,
        Command::Serve(_) | Command::Mcp(_) | Command::Doctor(_) | Command::Token(_) => Ok(()),
    }
}
